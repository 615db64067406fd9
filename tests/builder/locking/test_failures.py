"""What uv says, read as one sentence."""

import pytest
from lading.environment import Platform, PythonMinor
from lading.errors import InvalidEnvironment, PackageIndexError, UnlockableEnvironment, WheelUnavailable
from lading.locking.failures import explain
from lading.locking.target import Target

TARGET = Target(PythonMinor(3, 11), Platform("linux", "amd64"))


@pytest.mark.parametrize(
    ("output", "kind", "said"),
    [
        pytest.param(
            "error: No solution found when resolving dependencies\n"
            "  cause: Because fastapi>=0.165.0 depends on pydantic>=2.9.0 and you require fastapi==0.165.0,\n"
            "         we can conclude that you require pydantic>=2.9.0.\n"
            "         And because you require pydantic<2, we can conclude that your requirements are\n"
            "         unsatisfiable.\n",
            UnlockableEnvironment,
            "no set of versions satisfies the requirements: fastapi>=0.165.0 depends on pydantic>=2.9.0"
            " and you require fastapi==0.165.0, so you require pydantic>=2.9.0; and you require pydantic<2;"
            " change one of them in the model's requirements",
        ),
        pytest.param(
            "  \u00d7 No solution found when resolving dependencies:\n"
            "  ╰─▶ Because you require six==1.0 and six<1, we can conclude that your requirements are\n"
            "      unsatisfiable.\n",
            UnlockableEnvironment,
            "no set of versions satisfies the requirements: you require six==1.0 and six<1; "
            "change one of them in the model's requirements",
        ),
        pytest.param(
            "error: Failed to fetch: `https://host.example/simple/six/`\n"
            "  cause: HTTP status client error (403 Forbidden) for url (https://host.example/simple/six/)\n",
            PackageIndexError,
            "the package index at host.example refuses: http status client error (403 forbidden);"
            " give credentials in the index URL, in ~/.netrc or with UV_KEYRING_PROVIDER=subprocess",
        ),
        pytest.param(
            "error: Request failed after 3 retries\n  cause: Failed to fetch: https://host.example/simple/six/\n"
            "  cause: invalid peer certificate: UnknownIssuer\n",
            PackageIndexError,
            "cannot reach host.example: invalid peer certificate: UnknownIssuer;"
            " set SSL_CERT_FILE to a file with the CA that signs for this host",
        ),
        pytest.param(
            "error: Failed to download and build `x @ git+https://host.example/x`\n"
            "  cause: Git operation failed\n",
            UnlockableEnvironment,
            "cannot get x @ git+https://host.example/x with git;"
            " check its URL and revision, and that git may read it",
        ),
        pytest.param(
            "error: Failed to build `sklearn==0.0`\n  cause: The build backend returned an error\n"
            "         [stderr]\n         use scikit-learn\n",
            UnlockableEnvironment,
            "sklearn==0.0 has no wheel for Python 3.11, and its source cannot be built: use scikit-learn;"
            " require a version that has a wheel",
        ),
        pytest.param(
            "error: No solution found when resolving dependencies\n"
            "  cause: Because x==1 has no wheels with a matching Python ABI tag (e.g., `cp311`) and you"
            " require x==1, we can conclude that your requirements are unsatisfiable.\n",
            WheelUnavailable,
            "x==1 has neither a wheel for Python 3.11 on linux/amd64 nor a source;"
            " require a version that has one",
        ),
        pytest.param(
            "error: Couldn't parse requirement in `requirements.txt` at position 0\n"
            "  cause: Expected a name\n",
            InvalidEnvironment,
            "not a requirement: Expected a name",
        ),
        pytest.param(
            "error: Distribution not found at: file:///x/a.whl\n",
            UnlockableEnvironment,
            "a requirement names a file that is not there: file:///x/a.whl",
        ),
        ("error: something new\n", UnlockableEnvironment, "uv cannot lock the environment: something new"),
        ("", UnlockableEnvironment, "uv cannot lock the environment: it does not say why"),
    ],
)
def test_a_failure_is_one_sentence(output, kind, said):
    """Each kind of failure is told in one line, of the right kind, with what to do."""
    error = explain(output, TARGET)

    assert type(error) is kind
    assert str(error) == said
