"""Whether Python source imports a package, read without running it."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path


def is_imported(package: str, files: Iterable[Path]) -> bool:
    """Return whether any of *files* imports *package* or a module of it.

    A file that cannot be parsed may import anything, so it counts as one that does.
    """
    return any(_imports(package, file) for file in files)


def _imports(package: str, file: Path) -> bool:
    try:
        tree = ast.parse(file.read_bytes())
    # The last two are how Python's parser gives up on code that is nested too deeply.
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return True
    return any(module.split(".")[0] == package for node in ast.walk(tree) for module in _modules(node))


def _modules(node: ast.AST) -> Iterator[str]:
    """Yield the modules that *node* imports, by statement or by a call such as ``import_module("x")``."""
    match node:
        case ast.Import(names=names):
            yield from (alias.name for alias in names)
        case ast.ImportFrom(module=str(module), level=0):
            yield module
        case ast.Call(
            func=ast.Name(id="__import__" | "import_module") | ast.Attribute(attr="import_module"),
            args=[ast.Constant(value=str(module)), *_],
        ):
            yield module
        case _:
            pass
