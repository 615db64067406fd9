"""Whom Lading trusts."""

import httpx
import pytest
from lading.errors import InvalidOption
from lading.tls import tls_context


def test_without_variables_the_systems_store_decides():
    """Where no variable names a CA, the system's own store of certificates decides."""
    assert type(tls_context({})).__module__.startswith("truststore")
    with httpx.Client(verify=tls_context({})):
        pass


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "SSL_CLIENT_CERT"])
@pytest.mark.parametrize(("content", "reason"), [(None, "no such file"), ("none", "holds no certificate")])
def test_a_variable_that_names_no_certificate_is_told(tmp_path, variable, content, reason):
    """The error names the variable, the file and what is wrong with it."""
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(InvalidOption, match=rf"{variable} names '.*ca\.pem'.*{reason}"):
        tls_context({variable: str(path)})
