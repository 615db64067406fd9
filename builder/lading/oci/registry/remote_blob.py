"""A blob in a registry: read when somebody asks, taken up where it broke, checked at its end."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Protocol

from lading.digest import Digest
from lading.errors import DigestMismatch
from lading.oci.blob import FileBlob
from lading.oci.descriptor import Descriptor
from lading.oci.registry.patience import Passing
from lading.oci.registry.repository import Repository

_COPIES = 3
"""A blob that came damaged so often is damaged in the registry."""


class Cache(Protocol):
    """Keeps bytes under their digest; ``lading.store.Store`` is one."""

    def find(self, digest: Digest) -> Path | None:
        """Return the file with the bytes of *digest*, verified; None where there is none."""
        ...

    def path(self, digest: Digest) -> Path:
        """Return where that file is, or would be."""
        ...

    def add(self, chunks: Iterable[bytes], expected: Digest | None = None) -> Digest:
        """Keep bytes, which must be those of *expected*."""
        ...


@dataclass(frozen=True, slots=True)
class RegistryBlob:
    """The bytes of a blob in a repository."""

    repository: Repository
    descriptor: Descriptor

    cache: Cache | None = None
    """Where they are kept once they were read."""

    def chunks(self, start_bytes: int = 0) -> Iterator[bytes]:
        """Yield the bytes from *start_bytes* on.

        Raises:
            DigestMismatch: they are too many, too few or, seen from the start, others than promised.
            RegistryError: the registry does not give them.
            LadingError: the cache cannot be read or written.
        """
        if self.cache is None:
            yield from self._pulled(start_bytes)
            return
        digest = self.descriptor.digest
        path = self.cache.find(digest)
        if path is None:
            self._keep(self.cache)
            path = self.cache.path(digest)
        yield from FileBlob(path).chunks(start_bytes)

    def _keep(self, cache: Cache) -> None:
        """Bring the bytes into the cache; what changed on its way is asked for again."""
        tries = replace(self.repository.host.patience, attempts=_COPIES).start()
        while True:
            try:
                cache.add(self._pulled(0), self.descriptor.digest)
            except DigestMismatch as error:
                self._wait(tries.failed, Passing(error.message, wait_s=0, meaning=error))
            else:
                return

    def _pulled(self, start_bytes: int) -> Iterator[bytes]:
        digest, size_bytes = self.descriptor.digest, self.descriptor.size_bytes
        sha256 = hashlib.sha256()
        position = start_bytes
        with self.repository.host.progress.transfer(
            f"pull {digest.hex[:12]}", size_bytes - start_bytes
        ) as moved:
            for chunk in self._arriving(start_bytes):
                position += len(chunk)
                if position > size_bytes:
                    raise self._mismatch(f"it has more than {size_bytes} bytes")
                if start_bytes == 0:
                    sha256.update(chunk)
                    if position == size_bytes and (got := Digest(sha256.hexdigest())) != digest:
                        raise self._mismatch(f"got {got}")
                moved(len(chunk))
                yield chunk
        if position != size_bytes:
            raise self._mismatch(f"it has {position} of {size_bytes} bytes")

    def _arriving(self, start_bytes: int) -> Iterator[bytes]:
        """Yield what comes, over as many connections as it takes."""
        position = start_bytes
        tries = self.repository.host.patience.start()
        while position < self.descriptor.size_bytes:
            try:
                for chunk in self._connection(position):
                    position += len(chunk)
                    tries.advanced()
                    yield chunk
                if position < self.descriptor.size_bytes:
                    raise Passing("it ended too early")  # noqa: TRY301 - the same as a broken connection
            except Passing as failure:
                self._wait(tries.failed, failure)

    def _connection(self, position: int) -> Iterator[bytes]:
        """Yield the bytes from *position* on, as far as one connection brings them."""
        with self.repository.open_blob(self.descriptor, position) as (answer, offset):
            if offset > position:
                raise Passing("it skipped a part")
            superfluous = position - offset
            for chunk in answer.chunks():
                yield from filter(None, [chunk[superfluous:]])
                superfluous = max(superfluous - len(chunk), 0)

    def _wait(self, failed: Callable[[Passing], None], failure: Passing) -> None:
        try:
            failed(failure)
        except Passing:
            what = f"the blob {self.descriptor.digest}"
            raise self.repository.host.gave_up(what, self.repository.path, failure) from failure

    def _mismatch(self, reason: str) -> DigestMismatch:
        return DigestMismatch(
            f"the blob {self.descriptor.digest} from {self.repository} is not what it should be: {reason}",
            hint="something changed it on its way, or the registry is damaged; try again",
        )
