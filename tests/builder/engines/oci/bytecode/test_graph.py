"""What importing a module brings with it."""

import importlib.util
from collections.abc import Iterable

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.engines.oci.bytecode.compiler import Compiled, Import
from lading.engines.oci.bytecode.graph import Node, absolute, module_of, node_of, reach


def reached(roots: Iterable[str], graph: dict[str, Node | None]) -> set[str]:
    """Return what is reached in a graph, whose packages are what has modules in it."""
    packages = {name: any(other.startswith(f"{name}.") for other in graph) for name in graph}
    return reach(roots, packages, lambda names: [graph[name] or Node(()) for name in names])


def node(module: str, *imports: Import, texts=(), siblings=(), is_package=False) -> Node:
    """Return the node of a module with these imports."""
    compiled = Compiled(b"", imports, tuple(texts))
    return node_of(module, is_package=is_package, compiled=compiled, siblings=frozenset(siblings))


def test_parents_are_imported_first():
    """Importing a.b.c imports a and a.b, and what those import."""
    graph = {"a": Node(("z",)), "a.b": None, "a.b.c": None, "a.d": None, "z": None}

    assert reached(["a.b.c"], graph) == {"a", "a.b", "a.b.c", "z"}


def test_attributes_are_no_modules():
    """Of a name, what is a module is imported; the rest is looked up in it."""
    assert reached(["a.b.Class.method", "no.such"], {"a": None, "a.b": None}) == {"a", "a.b"}


def test_cycles_end():
    """Modules that import each other are imported once."""
    assert reached(["a"], {"a": Node(("b",)), "b": Node(("a",))}) == {"a", "b"}


def test_a_star_imports_what_a_package_offers():
    """A star import loads the modules that texts in the package name; importing the package does not."""
    graph = {"p": Node((), ("p.lazy",)), "p.lazy": None, "p.other": None, "user": Node(("p", "p.*"))}

    assert reached(["p"], graph) == {"p"}
    assert reached(["user"], graph) == {"p", "p.lazy", "user"}


def test_tests_are_left_out():
    """What is in a folder of tests is not imported by a server."""
    assert reached(
        ["a.tests.x", "a.test"], {"a": None, "a.tests": None, "a.tests.x": None, "a.test": None}
    ) == {"a"}


def test_a_sweep_imports_everything():
    """Skops lists all estimators, which imports all of scikit-learn, and the packages that tests are in."""
    graph = dict.fromkeys(
        ["skops", "skops.io", "skops.io._sklearn", "sklearn", "sklearn.a", "sklearn.tests", "sklearn.tests.x"]
    )

    assert reached(["skops.io._sklearn"], graph) == {*graph} - {"sklearn.tests.x"}


def test_a_relative_import_is_one_of_its_package():
    """Dots count from the package that a module is in; a package is in itself."""
    siblings = {"p", "p.q", "p.q.m", "p.q.n", "p.r"}

    found = node("p.q.m", Import(1, "", ("n",)), Import(2, "r", ("x",)), siblings=siblings)
    of_package = node("p.q", Import(1, "n", ()), siblings=siblings, is_package=True)

    assert found.wanted == ("p.q", "p.q.n", "p.r")
    assert of_package.wanted == ("p.q.n",)


def test_modules_named_by_texts_are_imported():
    """``import_module`` gets names of modules as texts; a text counts when such a module is there."""
    siblings = {"p", "p.a", "p.b", "p.c"}

    found = node("p", texts=["p.a", ".b", "c", "p.none", "other.x"], siblings=siblings, is_package=True)

    assert found.wanted == ("p.a", "p.b")
    assert found.offered == ("p.c",)


def test_what_no_source_tells_is_known():
    """Cython modules of pandas import dateutil."""
    assert "dateutil.parser" in node("pandas._libs", is_package=True).wanted


@given(st.integers(1, 5), st.sampled_from(["", "x", "x.y"]), st.sampled_from(["a", "a.b", "a.b.c"]))
def test_relative_names_are_pythons(level, module, package):
    """Names are resolved as Python does, and where it raises there is none."""
    try:
        expected = importlib.util.resolve_name("." * level + module, package)
    except ImportError:
        expected = None

    assert absolute(level, module, package) == expected


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("a.py", ("a", False)),
        ("a/__init__.py", ("a", True)),
        ("a/b.py", ("a.b", False)),
        ("a/b.pyi", None),
        ("a/b-c.py", None),
        ("a-1.0.dist-info/x.py", None),
        ("__init__.py", None),
    ],
)
def test_only_what_can_be_imported_is_a_module(path, expected):
    """A module's path has names with dots between; other files are data."""
    assert module_of(path) == expected
