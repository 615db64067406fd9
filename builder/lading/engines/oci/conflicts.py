"""Files that two packages of one environment want to have."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from lading.engines.oci.placing import PlacedFile, place
from lading.engines.oci.record import row
from lading.engines.oci.scheme import Scheme, folders_of
from lading.engines.oci.segments import LayerWheel
from lading.engines.oci.venv import SETTINGS, links
from lading.engines.oci.wheel import inflate
from lading.errors import InvalidWheel

_HINT = "leave one of the two out of the model's requirements"


def check(found: Sequence[tuple[LayerWheel, tuple[str, ...]]], scheme: Scheme) -> None:
    """Refuse an environment in which the order of installation would decide what a file is.

    Args:
        found: each wheel with the paths of its files.
        scheme: of the environment.

    Raises:
        InvalidWheel: two wheels own one file with different contents, or what is a file of one is a folder
            of the other; names both, and the file.
    """
    owners: dict[str, list[LayerWheel]] = {}
    for wheel, paths in found:
        for path in paths:
            owners.setdefault(path, []).append(wheel)
    _check_folders(found, owners)
    _check_own(owners, scheme)
    shared = {path: wheels for path, wheels in owners.items() if len(wheels) > 1}
    _check_contents(shared, scheme)


def _check_folders(
    found: Iterable[tuple[LayerWheel, tuple[str, ...]]], owners: Mapping[str, Sequence[LayerWheel]]
) -> None:
    for wheel, paths in found:
        both = owners.keys() & folders_of(paths)
        if both:
            path = min(both)
            raise InvalidWheel(
                f"{path!r} is a file of {owners[path][0].path.name} and a folder of {wheel.path.name}",
                hint=_HINT,
            )


def _check_own(owners: Mapping[str, Sequence[LayerWheel]], scheme: Scheme) -> None:
    """Refuse what would take the place of the environment's own files."""
    own = {SETTINGS, *links(scheme, "")}
    taken = own & (owners.keys() | folders_of(owners))
    if taken:
        path = min(taken)
        wheel = next(wheels[0] for name, wheels in owners.items() if f"{name}/".startswith(f"{path}/"))
        raise InvalidWheel(
            f"the wheel {wheel.path.name}: it would replace {path!r} of the environment itself",
            hint="require another version of the package",
        )


def _check_contents(shared: Mapping[str, Sequence[LayerWheel]], scheme: Scheme) -> None:
    wheels = {wheel.path: wheel for wheels in shared.values() for wheel in wheels}
    placed = {
        path: {file.path: file for file in place(path, scheme, wheel.direct_url)}
        for path, wheel in wheels.items()
    }
    for path, owners in sorted(shared.items()):
        first, *others = [
            (wheel.path.name, _digest(wheel.path, placed[wheel.path][path])) for wheel in owners
        ]
        different = [name for name, digest in others if digest != first[1]]
        if different:
            raise InvalidWheel(f"{first[0]} and {different[0]} have different files for {path!r}", hint=_HINT)


def _digest(wheel: Path, file: PlacedFile) -> tuple[str, str]:
    if isinstance(file.content, bytes):
        return row([file.content])
    with wheel.open("rb") as archive:
        return row(inflate(archive, file.content))
