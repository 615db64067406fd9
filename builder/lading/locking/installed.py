"""What is in an environment already, told to uv's resolver.

``uv pip compile`` looks at no environment. So what is installed is offered as wheels that hold nothing but
their metadata, because an index may not have these versions, and is named in the output file that uv finds,
whose versions it prefers. Pip decides likewise: it keeps what satisfies the requirements, and replaces the
rest.
"""

import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from lading.environment import InstalledPackage
from lading.lock import Lock
from lading.locking import pylock

_WHEEL = "Wheel-Version: 1.0\nGenerator: lading\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


@contextmanager
def wheels(packages: Iterable[InstalledPackage]) -> Iterator[Path | None]:
    """Give a folder of wheels with the metadata of *packages*; None where there are none."""
    found = tuple(packages)
    if not found:
        yield None
        return
    with tempfile.TemporaryDirectory(prefix="lading-") as folder:
        for package in found:
            _write(Path(folder), package)
        yield Path(folder)


def preferences(packages: Iterable[InstalledPackage]) -> str:
    """Return a ``pylock.toml`` that names *packages*."""
    tables = [
        f'[[packages]]\nname = "{package.name}"\nversion = "{package.version}"\n' for package in packages
    ]
    return "\n".join(['lock-version = "1.0"\ncreated-by = "lading"\n', *tables])


def without(packages: Iterable[InstalledPackage], lock: Lock) -> Lock:
    """Return *lock* without what is installed in the same version."""
    there = {(package.name, package.version) for package in packages}
    if not there:
        return lock
    wanted = tuple(each for each in lock.packages if (each.name, each.version) not in there)
    return Lock(lock.python, lock.platform, wanted, pylock.render(lock.python, lock.platform, wanted))


def _write(folder: Path, package: InstalledPackage) -> None:
    stem = f"{package.name.replace('-', '_')}-{package.version}"
    requires = "".join(f"Requires-Dist: {each}\n" for each in package.requires)
    metadata = f"Metadata-Version: 2.1\nName: {package.name}\nVersion: {package.version}\n{requires}"
    with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
        wheel.writestr(f"{stem}.dist-info/METADATA", metadata)
        wheel.writestr(f"{stem}.dist-info/WHEEL", _WHEEL)
        wheel.writestr(f"{stem}.dist-info/RECORD", "")
