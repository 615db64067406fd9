"""Which packages a base is made of: a few roots, and what they depend on."""

from collections.abc import Callable, Iterable

from lading.debian.index import Package
from lading.debian.relation import Relation
from lading.errors import ArchiveError

Find = Callable[[str], Package | None]
"""Gives the package that the archive has under a name; None where it has none."""


def resolve(roots: Iterable[str], find: Find, excluded: frozenset[str]) -> dict[str, Package]:
    """Return *roots* and everything that they need, by name and sorted, without what is *excluded*.

    Of alternatives it takes the first that the archive has; a group that an excluded package could
    satisfy counts as satisfied.

    Raises:
        ArchiveError: the archive lacks a package that is needed.
    """
    chosen: dict[str, Package] = {}
    waiting = [_root(name, find) for name in roots]
    while waiting:
        package = waiting.pop()
        if package.name in chosen:
            continue
        chosen[package.name] = package
        waiting += [
            _choose(package, group, find)
            for group in package.depends
            if not any(relation.name in excluded or relation.name in chosen for relation in group)
        ]
    return dict(sorted(chosen.items()))


def _root(name: str, find: Find) -> Package:
    package = find(name)
    if package is None:
        raise ArchiveError(f"Debian's archive has no package {name!r}")
    return package


def _choose(package: Package, group: tuple[Relation, ...], find: Find) -> Package:
    for relation in group:
        found = find(relation.name)
        if found is not None and relation.allows(found.version):
            return found
    needed = " | ".join(map(str, group))
    raise ArchiveError(
        f"Debian's archive has nothing that satisfies {needed!r}, which {package.name} needs",
        hint="the mirror may be in the middle of an update; try again later",
    )
