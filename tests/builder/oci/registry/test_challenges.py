"""The ``WWW-Authenticate`` header."""

import string

from hypothesis import given
from hypothesis import strategies as st
from lading.oci.registry.challenges import Challenge, parse_challenges

NAMES = st.text(string.ascii_letters + string.digits + "-_.", min_size=1, max_size=8)
VALUES = st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF), max_size=20)
CHALLENGES = st.lists(
    st.tuples(NAMES, st.dictionaries(NAMES.map(str.lower), VALUES, min_size=1, max_size=4)), max_size=4
)


def written(challenges):
    """Return the header with *challenges*, all values quoted."""

    def quoted(value):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'

    return ", ".join(
        f"{scheme} " + ",".join(f"{name}={quoted(value)}" for name, value in parameters.items())
        for scheme, parameters in challenges
    )


@given(CHALLENGES)
def test_what_was_written_is_read(challenges):
    """All challenges come out, whatever is inside of quotes, from one header or from several."""
    expected = tuple(Challenge(scheme.lower(), parameters) for scheme, parameters in challenges)

    assert parse_challenges([written(challenges)]) == expected
    assert parse_challenges([written([each]) for each in challenges]) == expected


@given(st.lists(st.text(max_size=60), max_size=3))
def test_nonsense_is_left_out(headers):
    """No text is too odd to be read."""
    for challenge in parse_challenges(headers):
        assert challenge.scheme == challenge.scheme.lower()


def test_headers_of_registries():
    """As they come from Docker Hub, from Harbor behind a proxy, and from Nexus."""
    hub = 'Bearer realm="https://auth.example/token",service="registry",scope="repository:a/b:pull,push"'
    harbor = "Negotiate, Basic realm=harbor"
    nexus = 'BASIC realm="Sonatype Nexus Repository Manager"'

    assert parse_challenges([hub, harbor, nexus]) == (
        Challenge(
            "bearer",
            {
                "realm": "https://auth.example/token",
                "service": "registry",
                "scope": "repository:a/b:pull,push",
            },
        ),
        Challenge("negotiate", {}),
        Challenge("basic", {"realm": "harbor"}),
        Challenge("basic", {"realm": "Sonatype Nexus Repository Manager"}),
    )


def test_a_value_without_quotes_may_be_a_url():
    """Some token servers are written so."""
    (challenge,) = parse_challenges(["Bearer realm=https://auth.example/token?a=b,service=x"])

    assert challenge.parameters == {"realm": "https://auth.example/token?a=b", "service": "x"}
