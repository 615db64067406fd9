"""Where a registry is."""

import pytest
from lading.oci.registry.address import Address, is_internal
from lading.reference import ImageRef


@pytest.mark.parametrize("name", ["python:3.11", "docker.io/python", "index.docker.io/library/python"])
def test_docker_hub_has_three_names(name):
    """The host in references, the one that answers, and the key of its credentials."""
    ref = ImageRef.parse(name)
    address = Address.of(ref)

    assert (address.host, address.api) == ("docker.io", "registry-1.docker.io")
    assert address.credential_keys[0] == "https://index.docker.io/v1/"
    assert address.repository(ref) == "library/python"


def test_other_hosts_are_what_they_are_called():
    """Nothing is put in front of their repositories."""
    ref = ImageRef.parse("Registry.example:5000/python:1")
    address = Address.of(ref)

    assert (str(address), address.api) == ("registry.example:5000", "registry.example:5000")
    assert address.repository(ref) == "python"


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("localhost", True),
        ("localhost:5000", True),
        ("registry.localhost", True),
        ("127.3.2.1:5000", True),
        ("[::1]:5000", True),
        ("10.0.0.1:5000", False),
        ("registry.example", False),
        ("localhost.example", False),
    ],
)
def test_only_this_machine_is_spoken_to_plainly(host, expected):
    """A number of an inner network is not this machine."""
    assert Address(host).is_loopback == expected


@pytest.mark.parametrize(
    "host", ["169.254.169.254", "10.1.1.1", "192.168.1.1", "::1", "localhost", "fd00::1", "100.64.0.1"]
)
def test_inner_addresses(host):
    """What a hostile registry must not send anybody to."""
    assert is_internal(host)


@pytest.mark.parametrize("host", ["registry.example", "8.8.8.8", "2606:4700::1"])
def test_outer_addresses(host):
    """Names are looked up by whoever connects; public numbers are public."""
    assert not is_internal(host)
