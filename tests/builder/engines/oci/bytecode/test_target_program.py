"""What an interpreter makes of source."""

import ast
import email
import json
import marshal
import subprocess
import textwrap
import types
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lading.engines.oci.bytecode import target_program
from lading.engines.oci.bytecode.compiler import MAX_SOURCE_BYTES, Compiled, compilers

SOURCES = {
    f"/opt/env/lib/{folder.name}/{path.name}": path.read_bytes()
    for folder in (Path(json.__file__).parent, Path(ast.__file__).parent / "email")
    for path in sorted(folder.glob("*.py"))
}
"""Real modules, which every Python since 3.8 can compile."""

TRICKY = b"""
class A:
    x = [{"l2", "l1", "elasticnet"}, 0.0, -0.0, 1, True, 1.0, (1, (True, 1.0)), b"", "", ()]
    y = k in {"constant", "optimal", "invscaling", "adaptive", "pa1", "pa2"}
class B:
    x = [{"l1", "elasticnet", "l2"}, 1e999, 1e999 - 1e999, 2**80, "a b", "a b", 3j, -0j]
    y = k in {"pa2", "constant", "optimal", "invscaling", "adaptive", "pa1"}
"""


def compile_all(interpreter, paths) -> dict[str, Compiled]:
    """Return what a fresh process makes of the modules, in this order."""
    with compilers(interpreter) as processes:
        return {path: processes.compile(path, {**SOURCES, "/tricky.py": TRICKY}[path]) for path in paths}


def code_of(pyc: bytes) -> types.CodeType:
    """Return the code in the bytes of a ``.pyc``."""
    code: types.CodeType = marshal.loads(pyc[16:])  # noqa: S302 - made by the test
    return code


def test_the_order_of_modules_does_not_show(interpreters):
    """A module becomes the same bytes whatever was compiled before it, in each Python."""
    paths = [*SOURCES, "/tricky.py"]

    for interpreter in interpreters:
        forwards, backwards = compile_all(interpreter, paths), compile_all(interpreter, paths[::-1])

        assert forwards == backwards
        assert all(each.pyc for each in forwards.values())


def test_the_state_of_the_process_does_not_show(own):
    """A process that has imported half the world compiles to the same bytes as a fresh one."""
    fresh = compile_all(own, [*SOURCES, "/tricky.py"])

    for path, source in {**SOURCES, "/tricky.py": TRICKY}.items():
        assert target_program.compiled(path, source)[0] == fresh[path].pyc


def test_what_one_module_interns_does_not_show_in_the_next(interpreters):
    """A star import interns the text "*", of which Python has one for all modules."""
    modules = {"/a.py": b"from os import *\nfrom . import b\n", "/b.py": b"x = ['*', '', '-', 'a b']\n"}

    for interpreter in interpreters:
        found = []
        for paths in (["/a.py", "/b.py"], ["/b.py", "/a.py"]):
            with compilers(interpreter) as processes:
                found.append({path: processes.compile(path, modules[path]) for path in paths})

        assert found[0] == found[1]


def test_constants_stay_what_they_are(own):
    """Only equal constants of one type are shared; code means what Python's own compiler made of it."""
    pyc = compile_all(own, ["/tricky.py"])["/tricky.py"].pyc
    found, expected = values(code_of(pyc or b"")), values(compile(TRICKY, "/tricky.py", "exec"))

    assert [repr(each[1:]) for each in found] == [repr(each[1:]) for each in expected]
    assert [each[0] for each in found] == [each[0] for each in expected]


def values(code: types.CodeType) -> list[list[Any]]:
    """Return what the classes of `TRICKY` hold."""
    space: dict[str, Any] = {"k": "pa1"}
    exec(code, space)  # noqa: S102 - the test's own source
    return [space["A"].x, space["B"].x]


def test_code_is_what_python_compiles(own):
    """The code of real modules equals that of Python's own compiler, with the path in the image."""
    for path, each in compile_all(own, SOURCES).items():
        code = code_of(each.pyc or b"")

        assert code == compile(SOURCES[path], path, "exec", dont_inherit=True)
        assert code.co_filename == path


def test_bytecode_is_never_checked_against_its_source(own):
    """The header says that source and bytecode belong together and need not be compared (PEP 552)."""
    pyc = compile_all(own, ["/tricky.py"])["/tricky.py"].pyc or b""

    assert int.from_bytes(pyc[4:8], "little") == target_program.UNCHECKED_HASH


def test_nothing_is_executed(own, tmp_path):
    """Compiling a module runs none of it."""
    trace = tmp_path / "trace"
    with compilers(own) as processes:
        found = processes.compile("/x.py", f"open({str(trace)!r}, 'w')\nimport this_is_not_there\n".encode())

    assert found.pyc is not None
    assert not trace.exists()


@pytest.mark.parametrize(
    "source",
    [
        pytest.param(b"x = (", id="syntax"),
        pytest.param(b"x = 1\0", id="null byte"),
        pytest.param(b"# coding: no-such-encoding\n", id="unknown encoding"),
        pytest.param(b"\xff\xfe\xfa = 1", id="no UTF-8"),
        pytest.param(b"x = " + b"(" * 300_000, id="open parentheses"),
        pytest.param(b"x = " + b"-" * 1_000_000 + b"1", id="a million signs"),
        pytest.param(
            b"x = " + b"[" * 90 + b"1" + b"]" * 90 + b"." + b"a." * 500_000 + b"b", id="a long chain"
        ),
        pytest.param(b"x = " + b"9" * 4_000_000, id="a long number"),
        pytest.param(b"#" * (MAX_SOURCE_BYTES + 1), id="too large"),
    ],
)
def test_hostile_source_harms_only_itself(interpreters, source):
    """Source that no parser can take is left out, and the next module is compiled as ever."""
    for interpreter in interpreters:
        with compilers(interpreter) as processes:
            found = processes.compile("/hostile.py", source)
            following = processes.compile("/next.py", b"x = 1\n")

        assert found.pyc is None
        assert following.pyc is not None


def test_an_encoding_is_honoured(own):
    """Source in another encoding compiles as its first line says."""
    with compilers(own) as processes:
        found = processes.compile("/x.py", "# coding: latin-1\nx = 'ä'\n".encode("latin-1"))

    assert "ä" in code_of(found.pyc or b"").co_consts


name = st.sampled_from(["a", "b.c", "d.e.f", "os"])
statement = st.one_of(
    name.map(lambda each: (f"import {each}", [(0, each, [])], True)),
    name.map(lambda each: (f"import {each} as z", [(0, each, [])], True)),
    st.tuples(name, st.integers(0, 3)).map(
        lambda each: (f"from {'.' * each[1]}{each[0]} import x, y", [(each[1], each[0], ["x", "y"])], True)
    ),
    st.just(("from . import x", [(1, "", ["x"])], True)),
    st.just(("from a import *", [(0, "a", ["*"])], False)),
    st.just(("x = 300 * 'a'", [], True)),
)
"""A statement, what it imports, and whether it may stand in a block."""

wrapping = st.sampled_from(
    [
        ("{}", True),
        ("try:\n{}\nexcept ImportError:\n    pass", True),
        ("try:\n    pass\nexcept ImportError:\n{}", True),
        ("if k:\n    pass\nelse:\n{}", True),
        ("class C:\n{}", True),
        ("with k:\n{}", True),
        ("def f():\n{}", False),
        ("async def f():\n{}", False),
        ("if TYPE_CHECKING:\n{}", False),
        ("if typing.TYPE_CHECKING:\n{}", False),
        ("if TYPE_CHECKING:\n    pass\nelse:\n{}", True),
    ]
)


@st.composite
def modules(draw):
    """Return the source of a module, and what its import imports."""
    expected: list[tuple[int, str, list[str]]] = []
    # Far names and constants have instructions with extended arguments.
    lines = [f"v{filler} = 'constant {filler}'" for filler in range(draw(st.sampled_from([0, 300])))]
    for _ in range(draw(st.integers(0, 6))):
        text, found, is_simple = draw(statement)
        around, runs = draw(wrapping) if is_simple else ("{}", True)
        lines.append(around.format(textwrap.indent(text, "" if around == "{}" else "    ")))
        expected += found if runs else []
    return "\n".join(lines) + "\n", expected


@given(modules())
@settings(suppress_health_check=[HealthCheck.too_slow], deadline=None)
def test_imports_are_those_that_importing_runs(module):
    """Found is each import outside of functions, and none that is only for type checkers."""
    source, expected = module

    _, found, _ = target_program.compiled("/x.py", source.encode())

    assert sorted(found) == sorted(expected)


def test_each_python_finds_the_same_imports(interpreters):
    """Instructions differ from version to version, imports do not."""
    source = b"from typing import TYPE_CHECKING\nfrom . import a\nimport b.c\n"
    source += b"".join(b"v%d = 'constant %d'\n" % (number, number) for number in range(300))
    source += b"if TYPE_CHECKING:\n    import d\nelse:\n    import e\nfrom ...f import g, h\nx = 'i.j'\n"

    found = set()
    for interpreter in interpreters:
        with compilers(interpreter) as processes:
            compiled = processes.compile("/x.py", source)
        found.add((compiled.imports, frozenset(compiled.texts)))

    (imports, texts), *others = found
    assert not others
    assert [(each.level, each.module, each.names) for each in imports] == [
        (0, "typing", ("TYPE_CHECKING",)),
        (1, "", ("a",)),
        (0, "b.c", ()),
        (0, "e", ()),
        (3, "f", ("g", "h")),
    ]
    assert "i.j" in texts


def test_the_hash_seed_does_not_show(interpreters):
    """Each process is started with the same seed, and since 3.11 another one would make no difference."""
    request = json.dumps(["/tricky.py", len(TRICKY)]).encode() + b"\n" + TRICKY
    recent = [each for each in interpreters if tuple(map(int, each.version.split(".")[:2])) >= (3, 11)]

    for interpreter in recent:
        answers = {
            subprocess.run(
                [interpreter.path, "-s", "-S", "-B", target_program.__file__],
                input=request,
                env={"PYTHONHASHSEED": seed},
                capture_output=True,
                check=True,
            ).stdout
            for seed in ("0", "1", "4711")
        }

        assert len(answers) == 1


def test_email_is_among_the_sources():
    """The real modules that other tests compile are there."""
    assert f"/opt/env/lib/email/{Path(email.__file__).name}" in SOURCES
