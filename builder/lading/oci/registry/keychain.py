"""Looks for credentials where Docker and Podman keep them."""

import logging
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from lading.oci.registry.address import Address
from lading.oci.registry.auth_files import AuthFile, auth_files
from lading.oci.registry.credentials import Credentials
from lading.oci.registry.helpers import HelperFailed, ask_helper

logger = logging.getLogger(__name__)


class Keychain(Protocol):
    """Knows who we are."""

    def find(self, address: Address, repository: str) -> Credentials | None:
        """Return who to be at a repository; None for nobody.

        Raises:
            RegistryError: a file with credentials cannot be read.
        """
        ...


@dataclass(frozen=True, slots=True)
class Given:
    """Credentials that the caller has; others are asked for the rest."""

    by_host: Mapping[str, Credentials]
    others: Keychain

    def find(self, address: Address, repository: str) -> Credentials | None:
        """Return those of the host."""
        return self.by_host.get(address.host) or self.others.find(address, repository)


@dataclass(frozen=True, slots=True)
class UserFiles:
    """The files and credential programs of the user."""

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)

    def find(self, address: Address, repository: str) -> Credentials | None:
        """Return what the first file that knows the host says of it."""
        for file in auth_files(self.environ):
            if (found := self._look(file, address, repository)) is not None:
                return found
        return None

    def _look(self, file: AuthFile, address: Address, repository: str) -> Credentials | None:
        """Return what one file says: its programs know hosts only, its entries repositories as well."""
        helper = file.helper(address.credential_keys)
        if helper is not None and (found := self._ask(*helper, file)) is not None:
            return found
        candidates = (file.find(key) for key in _keys(address, repository))
        return next((found for found in candidates if found is not None), None)

    def _ask(self, helper: str, key: str, file: AuthFile) -> Credentials | None:
        try:
            return ask_helper(helper, key, self.environ)
        except HelperFailed as error:
            # configurations are copied to machines that lack the program; public images still work there
            logger.warning("no credentials from %s: %s", file.origin, error)
            return None


def _keys(address: Address, repository: str) -> Iterator[str]:
    """Yield what the registry may be called, the longest first (``containers-auth.json(5)``)."""
    parts = repository.split("/")
    for count in range(len(parts), 0, -1):
        yield "/".join([address.host, *parts[:count]])
    yield from address.credential_keys
