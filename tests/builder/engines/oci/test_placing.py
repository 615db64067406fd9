"""Where a wheel's files go: what uv does, done without installing."""

import base64
import csv
import hashlib
import os
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path

import pytest
import uv
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from lading.engines.oci.placing import PlacedFile, place
from lading.engines.oci.scheme import Scheme
from lading.engines.oci.wheel import read
from lading.environment import PythonMinor
from lading.errors import InvalidWheel

SCHEME = Scheme("/opt/env", PythonMinor(3, 11))
PACKAGES = "lib/python3.11/site-packages"
INFO = "demo-1.0.dist-info"
DATA = "demo-1.0.data"


def content(wheel: Path, placed: PlacedFile) -> bytes:
    """Return the bytes of a placed file."""
    if isinstance(placed.content, bytes):
        return placed.content
    with wheel.open("rb") as file:
        return read(file, placed.content)


def placed(wheel: Path, scheme: Scheme = SCHEME, **options) -> dict[str, tuple[bytes, bool]]:
    """Return contents and executable bits by path."""
    files = place(wheel, scheme, **options)
    return {file.path: (content(wheel, file), file.is_executable) for file in files}


def record(files: dict[str, tuple[bytes, bool]]) -> dict[str, tuple[str, str]]:
    """Return the rows of RECORD."""
    text = files[f"{PACKAGES}/{INFO}/RECORD"][0].decode()
    return {path: (digest, size) for path, digest, size in csv.reader(text.splitlines())}


def test_modules_go_among_the_packages(make_wheel):
    """What is at the top of a wheel is imported from site-packages; a plain wheel's RECORD is kept."""
    wheel = make_wheel({"demo/__init__.py": b"x = 1\n", "demo.pth": b"import demo\n"})

    files = place(wheel, SCHEME)

    assert [file.path for file in files] == [
        f"{PACKAGES}/{name}"
        for name in (
            f"{INFO}/METADATA", f"{INFO}/RECORD", f"{INFO}/WHEEL", "demo.pth", "demo/__init__.py"
        )
    ]  # fmt: skip
    assert not any(isinstance(file.content, bytes) for file in files)


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("purelib/a.py", f"{PACKAGES}/a.py"),
        ("platlib/a/b.so", f"{PACKAGES}/a/b.so"),
        ("data/share/demo/x.txt", "share/demo/x.txt"),
        ("data/etc/demo.ini", "etc/demo.ini"),
        ("data/lib64/libdemo.so", "lib/libdemo.so"),
        ("headers/demo.h", "include/site/python3.11/demo/demo.h"),
        ("scripts/tool", "bin/tool"),
    ],
)
def test_each_folder_of_data_has_its_place(make_wheel, name, path):
    """The folders of ``.data`` go where a virtual environment has them; lib64 is a link to lib there."""
    files = placed(make_wheel({f"{DATA}/{name}": b"some bytes"}))

    assert files[path] == (b"some bytes", path == "bin/tool")
    assert not any(".data/" in each for each in files)
    assert os.path.relpath(path, PACKAGES) in record(files)


@pytest.mark.parametrize("name", ["unknown/a", "purelib", "scripts/a/b"])
def test_an_unknown_folder_of_data_is_refused(make_wheel, name):
    """Where it belongs, nobody can say."""
    wheel = make_wheel({f"{DATA}/{name}": b"x"})

    with pytest.raises(InvalidWheel, match="which environments do not have"):
        place(wheel, SCHEME)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (b"#!python\nimport x\n", b"#!/opt/env/bin/python\nimport x\n"),
        (b"#!pythonw\nimport x\n", b"#!/opt/env/bin/python\nimport x\n"),
        (b"#!python -u\nimport x\n", b"#!/opt/env/bin/python\nimport x\n"),
        (b"#!python3\r\nimport x\n", b"#!/opt/env/bin/python\nimport x\n"),
        (b"#!/bin/sh\nexec python\n", b"#!/bin/sh\nexec python\n"),
        (b"#!/usr/bin/env python\n", b"#!/usr/bin/env python\n"),
        (b"\x7fELF\0#!python\n", b"\x7fELF\0#!python\n"),
    ],
)
def test_scripts_get_the_images_interpreter(make_wheel, before, after):
    """Only a first line that asks for Python is changed, and RECORD tells of what it became."""
    files = placed(make_wheel({f"{DATA}/scripts/tool": before}))

    assert files["bin/tool"] == (after, True)
    if before != after:
        assert record(files)["../../../bin/tool"][1] == str(len(after))


def test_entry_points_become_programs(make_wheel):
    """Both kinds of scripts are generated, with the environment's interpreter; other groups are not."""
    text = (
        "[console_scripts]\nDemo-Tool = demo.cli:main\ndeep=demo:Tool.run [extra]\n\n"
        "[gui_scripts]\nshow = demo:show\n\n[demo.plugins]\nx = demo:x\n"
    )
    files = placed(make_wheel({f"{INFO}/entry_points.txt": text.encode(), "demo.py": b""}))

    programs = {path: file for path, file in files.items() if path.startswith("bin/")}
    assert sorted(programs) == ["bin/Demo-Tool", "bin/deep", "bin/show"]
    script = (
        b"#!/opt/env/bin/python\nimport sys\nfrom demo import Tool\n"
        b'if __name__ == "__main__":\n    sys.exit(Tool.run())\n'
    )
    assert programs["bin/deep"] == (script, True)
    assert {"../../../bin/Demo-Tool", "../../../bin/deep", "../../../bin/show"} <= record(files).keys()


@pytest.mark.parametrize(
    "line",
    [
        "../evil = demo:main",
        "a/b = demo:main",
        ".. = demo:main",
        ".wh.python = demo:main",
        "tool = demo",
        "tool = demo:main()",
        "tool = demo:main; import os",
        "tool = os:system('x')",
        "tool",
    ],
)
def test_an_entry_point_that_is_none_is_refused(make_wheel, line):
    """No name leaves ``bin``, and no reference is anything but a function's."""
    wheel = make_wheel({f"{INFO}/entry_points.txt": f"[console_scripts]\n{line}\n".encode()})

    with pytest.raises(InvalidWheel, match=r"entry_points\.txt"):
        place(wheel, SCHEME)


def test_record_tells_of_what_was_left_out(make_wheel):
    """A file that the wheel's own RECORD forgets is in the environment's."""
    files = placed(make_wheel({"demo.py": b"x = 1\n"}, record=f"{INFO}/RECORD,,\n"))

    digest = base64.urlsafe_b64encode(hashlib.sha256(b"x = 1\n").digest()).rstrip(b"=").decode()
    assert record(files)["demo.py"] == (f"sha256={digest}", "6")
    assert set(record(files)) == {f"{INFO}/{name}" for name in ("METADATA", "RECORD", "WHEEL")} | {"demo.py"}
    assert record(files)[f"{INFO}/RECORD"] == ("", "")


def test_where_a_checkout_came_from_is_recorded(make_wheel):
    """``direct_url.json`` is written and is in RECORD."""
    files = placed(make_wheel({"demo.py": b""}), direct_url=b'{"url":"https://example.org/demo.git"}')

    path = f"{INFO}/direct_url.json"
    assert files[f"{PACKAGES}/{path}"] == (b'{"url":"https://example.org/demo.git"}', False)
    assert record(files)[path][1] == "38"


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"left_out": [f"{INFO}/RECORD"]}, f"has no {INFO}/RECORD"),
        ({"left_out": [f"{INFO}/WHEEL"]}, "tells of format ''"),
        ({"left_out": [f"{INFO}/{name}" for name in ("RECORD", "WHEEL", "METADATA")]}, "not one"),
        ({"record": 'a,"b\n'}, f"{INFO}/RECORD: "),
        ({"record": "one,two\n"}, f"{INFO}/RECORD: "),
    ],
)
def test_a_wheel_without_what_makes_one_is_refused(make_wheel, options, reason):
    """The error names the wheel and what it lacks."""
    wheel = make_wheel({"demo.py": b""}, **options)

    with pytest.raises(InvalidWheel) as caught:
        place(wheel, SCHEME)

    assert wheel.name in str(caught.value)
    assert reason in str(caught.value)


def test_a_later_format_is_refused(make_wheel):
    """Version 2 of the format may mean anything."""
    wheel = make_wheel({f"{INFO}/WHEEL": b"Wheel-Version: 2.0\n"})

    with pytest.raises(InvalidWheel, match=r"tells of format '2\.0'"):
        place(wheel, SCHEME)


def test_a_name_with_a_hyphen_is_found(make_wheel):
    """Old tools did not write hyphens as underscores; installers take their wheels."""
    info = "my-demo-1.0.dist-info"
    names = {name: f"{info}/{name}" for name in ("METADATA", "WHEEL", "RECORD")}
    wheel = make_wheel(
        {names["WHEEL"]: b"Wheel-Version: 1.0\n", names["RECORD"]: b"", "demo.py": b""},
        name="my_demo",
        left_out=[f"my_demo-1.0.dist-info/{name}" for name in names],
    )

    assert f"{PACKAGES}/{info}/WHEEL" in placed(wheel)


def test_a_file_that_is_also_a_folder_is_refused(make_wheel):
    """No file system can have both."""
    wheel = make_wheel({"demo": b"", f"{DATA}/purelib/demo/a.py": b""})

    with pytest.raises(InvalidWheel, match="is a file and a folder"):
        place(wheel, SCHEME)


def test_two_members_for_one_place_are_refused(make_wheel):
    """The same path from two folders of the wheel is a broken wheel."""
    wheel = make_wheel({"demo.py": b"1", f"{DATA}/purelib/demo.py": b"2"})

    with pytest.raises(InvalidWheel, match="would be a second"):
        place(wheel, SCHEME)


NAMES = st.text("abcdefgh_é-. ", min_size=1, max_size=8).filter(lambda name: name.strip(". ") == name)
PATHS = st.builds(
    lambda top, folders, name: "/".join([*top, *folders, f"{name}.x"]),
    st.sampled_from([[], [DATA, "purelib"], [DATA, "platlib"], [DATA, "data", "share"], [DATA, "headers"]]),
    st.lists(NAMES.map(lambda name: f"{name}.d"), max_size=2),
    NAMES,
) | NAMES.map(lambda name: f"{DATA}/scripts/{name}.x")
BODIES = st.one_of(
    st.binary(max_size=400),
    st.sampled_from([b"#!python\nx\n", b"#!python -I\r\nx\n", b"#!python3\nx\n", b"#!/bin/sh\n"]),
)
FILES = st.dictionaries(PATHS, BODIES, max_size=6)


def tree(folder: Path) -> dict[str, tuple[bytes, bool]]:
    """Return what is in *folder*: contents and executable bits by path, links aside."""
    files = [each for each in folder.rglob("*") if each.is_file() and not each.is_symlink()]
    return {
        each.relative_to(folder).as_posix(): (each.read_bytes(), bool(each.stat().st_mode & stat.S_IXUSR))
        for each in files
        if "lib64" not in each.relative_to(folder).parts
    }


@settings(
    max_examples=15,
    deadline=None,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(files=FILES, executable=st.booleans(), entry_point=st.booleans())
def test_everything_is_where_uv_installs_it(make_wheel, tmp_path_factory, files, executable, entry_point):
    """Whatever a wheel has, its files are those of ``uv pip install``: paths, contents, modes and RECORD."""
    info = {f"{INFO}/entry_points.txt": b"[console_scripts]\ntool-1 = demo:main\n"} if entry_point else {}
    try:
        wheel = make_wheel({**files, **info}, executable=files if executable else ())
        place(wheel, SCHEME)
    except InvalidWheel as error:
        assert "would be a second" in str(error)  # noqa: PT017 - two folders of a drawn wheel meet
        return
    target = tmp_path_factory.mktemp("uv") / "env"
    theirs = installed(wheel, target)
    scheme = Scheme(str(target), PythonMinor(*sys.version_info[:2]))
    ours = placed(wheel, scheme)

    assert ours.keys() ^ theirs.keys() == set()
    assert record(ours).keys() == record(theirs).keys()
    written = {f"{scheme.packages}/{INFO}/RECORD", "bin/tool-1"}
    assert {path: ours[path] for path in ours if path not in written} == {
        path: theirs[path] for path in theirs if path not in written
    }


def installed(wheel: Path, target: Path) -> dict[str, tuple[bytes, bool]]:
    """Return what uv makes of *wheel* in a new environment, without what makes it an environment."""
    program = uv.find_uv_bin()
    settings = {"UV_NO_CONFIG": "1", "UV_NO_INSTALLER_METADATA": "1", "UV_CACHE_DIR": f"{target}.cache"}
    places = ["--python", target, "--find-links", wheel.parent]
    choices = ["--no-index", "--no-deps", "--link-mode", "copy"]
    run = partial(subprocess.run, env={**os.environ, **settings}, check=True)
    run([program, "venv", "-q", "--python", sys.executable, target])
    empty = tree(target)
    run([program, "pip", "install", "-q", *places, *choices, "demo"])
    return {path: file for path, file in tree(target).items() if path not in empty and path != ".lock"}
