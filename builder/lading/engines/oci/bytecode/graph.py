"""Which modules a module's import brings with it: pure, over what compiling the modules has shown."""

import posixpath
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass

from lading.engines.oci.bytecode.compiler import Compiled, Import

_TESTS = {"test", "tests"}

_STAR = ".*"

UNSEEN = {
    # Modules in C and Cython import these.
    "numpy._core": ("numpy._core._exceptions", "numpy._core._internal"),
    "pandas._libs": ("dateutil.easter", "dateutil.parser", "dateutil.relativedelta", "dateutil.tz"),
    "scipy.sparse.csgraph": ("scipy.sparse.csgraph._validation",),
    "pyarrow": ("pyarrow.vendored.version", "pyarrow.pandas_compat"),
    # The text that they execute says ``from numpy import *``.
    "array_api_compat.numpy": ("numpy.*",),
    "scipy._lib.array_api_compat.numpy": ("numpy.*",),
    "sklearn.externals.array_api_compat.numpy": ("numpy.*",),
    # What a data frame becomes: functions import it when they meet one, and models always meet one.
    "narwhals.translate": ("narwhals._pandas_like.namespace", "narwhals._interchange.dataframe"),
    "narwhals.stable.v2": ("narwhals.stable.v2._namespace",),
}
"""What else the import of a module imports, where no Python source tells; only what is installed counts."""

SWEPT = {"skops.io._sklearn": "sklearn"}
"""Of which package importing a module imports everything (``sklearn.utils.discovery.all_estimators``)."""


@dataclass(frozen=True, slots=True)
class Node:
    """What importing one module imports."""

    wanted: tuple[str, ...]
    """Dotted names; those that are no modules are attributes. ``package.*`` is a star import."""

    offered: tuple[str, ...] = ()
    """Modules of a package that a star import of it may load, because texts in it name them."""

    is_compiled: bool = True
    """False for what is no Python of this version."""


def is_test(module: str) -> bool:
    """Return whether *module* is in a folder of tests."""
    return not _TESTS.isdisjoint(module.split("."))


def module_of(path: str) -> tuple[str, bool] | None:
    """Return the module of *path* below site-packages, and whether it is a package; None if it is none."""
    stem, suffix = posixpath.splitext(path)
    parts = stem.split("/")
    if suffix != ".py" or not all(part.isidentifier() for part in parts):
        return None
    is_package = parts[-1] == "__init__"
    return (".".join(parts[:-1] if is_package else parts), is_package) if parts != ["__init__"] else None


def node_of(module: str, *, is_package: bool, compiled: Compiled, siblings: Collection[str]) -> Node:
    """Return the node of *module*.

    Args:
        module: its name.
        is_package: whether it is one.
        compiled: what was seen in it.
        siblings: all modules of its wheel.
    """
    package = module if is_package else module.rpartition(".")[0]
    wanted = {name for each in compiled.imports for name in _names(each, package)}
    wanted.update(UNSEEN.get(module, ()))
    top = module.partition(".")[0]
    # In the wheel itself it is known already what of a name is a module, and what is an attribute of one.
    kept = {
        found for name in wanted if (found := name if _is_foreign(name, top) else longest(name, siblings))
    }
    kept.update(_named(compiled.texts, package, siblings))
    offered = {name for text in compiled.texts if (name := f"{module}.{text}") in siblings}
    return Node(tuple(sorted(kept - {module})), tuple(sorted(offered)), compiled.pyc is not None)


def _names(statement: Import, package: str) -> Iterator[str]:
    base = absolute(statement.level, statement.module, package)
    if base is not None:
        yield base
        yield from (f"{base}.{name}" for name in statement.names)


def absolute(level: int, module: str, package: str) -> str | None:
    """Return the name of a module that code in *package* imports with *level* dots; None if that is none."""
    if level == 0:
        return module or None
    parts = package.split(".") if package else []
    if level > len(parts):
        return None
    return ".".join([*parts[: len(parts) - level + 1], *([module] if module else [])])


def _is_foreign(name: str, top: str) -> bool:
    return name.partition(".")[0] != top or name.endswith(_STAR)


def longest(name: str, known: Collection[str]) -> str | None:
    """Return the module of *known* that a dotted *name* begins with, the longest; None if there is none."""
    return next((part for part in reversed([*parents(name)]) if part in known), None)


def _named(texts: Iterable[str], package: str, siblings: Collection[str]) -> set[str]:
    """Return modules that *texts* name: ``a.b.c`` or ``.c``, as ``importlib.import_module`` takes them."""
    found = set()
    for text in texts:
        level = len(text) - len(text.lstrip("."))
        name = absolute(level, text[level:], package)
        if name is not None and "." in text and name in siblings:
            found.add(name)
    return found


def parents(module: str) -> Iterator[str]:
    """Give the packages that *module* is in, the outermost first, and the module itself."""
    parts = module.split(".")
    for end in range(1, len(parts) + 1):
        yield ".".join(parts[:end])


def reach(
    roots: Iterable[str], known: Mapping[str, bool], nodes: Callable[[list[str]], Iterable[Node]]
) -> set[str]:
    """Return all modules that importing *roots* imports.

    Args:
        roots: dotted names; those that are no modules are passed over.
        known: all modules that there are, and whether each is a package.
        nodes: gives the nodes of several modules, in their order.
    """
    found: set[str] = set()
    stars: set[str] = set()
    offers: dict[str, tuple[str, ...]] = {}
    waiting = _new(roots, known, found)
    while waiting:
        wanted: set[str] = set()
        for module, node in zip(waiting, nodes(waiting), strict=True):
            offers[module] = node.offered
            wanted.update(node.wanted)
        stars.update(name.removesuffix(_STAR) for name in wanted if name.endswith(_STAR))
        wanted.update(name for star in stars for name in offers.get(star, ()))
        waiting = [*_swept(waiting, known, found), *_new(wanted, known, found)]
    return found


def _swept(modules: Iterable[str], known: Mapping[str, bool], found: set[str]) -> list[str]:
    """Return what a sweep of *modules* finds new, and put it there; packages of tests are among it."""
    tops = {SWEPT[module] for module in modules if module in SWEPT}
    swept = {name for name in known if name.partition(".")[0] in tops}
    new = {name for name in swept - found if known[name] or not is_test(name)}
    found.update(new)
    return sorted(new)


def _new(names: Iterable[str], known: Mapping[str, bool], found: set[str]) -> list[str]:
    """Return what of *names* and their parents is a module that was not yet *found*, and put it there."""
    new = {
        parent
        for name in names
        if name not in found
        for parent in parents(name)
        if parent in known and parent not in found and not is_test(parent)
    }
    found.update(new)
    return sorted(new)
