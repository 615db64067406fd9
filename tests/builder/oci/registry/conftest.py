"""What tests of the registry client share: a registry, and clients that do not wait."""

from collections.abc import Iterator
from typing import Any

import pytest
from lading.oci.registry.credentials import Credentials
from lading.oci.registry.keychain import Given
from lading.oci.registry.patience import Patience
from lading.oci.registry.registries import Registries, Settings

from tests.registries.debian import Registry, running_registry


class Nobody:
    """Has no credentials for anyone."""

    def find(self, address: object, repository: str) -> None:
        """Return nothing."""


def settings(credentials: dict[str, Credentials] | None = None, **more: Any) -> Settings:
    """Return settings that do not depend on this machine, and a patience that does not wait."""
    own = {"certificate_folders": (), "patience": Patience(sleep=lambda *_: None)}
    return Settings(**{"keychain": Given(credentials or {}, Nobody()), **own, **more})


@pytest.fixture(scope="module")
def registry(tmp_path_factory) -> Iterator[Registry]:
    """A registry without authentication, over plain HTTP."""
    with running_registry(tmp_path_factory.mktemp("registry")) as registry:
        yield registry


@pytest.fixture
def registries() -> Iterator[Registries]:
    """Our client, as nobody."""
    with Registries(settings()) as registries:
        yield registries
