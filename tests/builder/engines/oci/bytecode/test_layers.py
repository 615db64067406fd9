"""Layers of bytecode, made of small wheels."""

import gzip
import io
import json
import os
import pickle
import platform
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import pytest
from lading.digest import Digest
from lading.engines.oci.bases.base import Base
from lading.engines.oci.bytecode.compiler import HostInterpreter
from lading.engines.oci.bytecode.interpreter import FoundInterpreters
from lading.engines.oci.bytecode.layers import BytecodeLayers
from lading.engines.oci.bytecode.mode import Bytecode
from lading.engines.oci.bytecode.wheel_code import KeptCode
from lading.environment import PythonMinor
from lading.errors import BuildFailed
from lading.oci.config import Config
from lading.oci.image import Image
from lading.plan import ImagePlan
from lading.progress import Silent
from lading.store import Store

BASE = Base("python:3.11", Image(Config({}), ()), "/usr/local/bin/python3.11", None)

DEMO = {
    "demo/__init__.py": b"__version__ = '1'\n",
    "demo/model.py": b"from demo import deep\nfrom . import broken\n",
    "demo/deep/__init__.py": b"from .leaf import x\n",
    "demo/deep/leaf.py": b"x = 1\n",
    "demo/broken.py": b"print 'of another Python'\n",
    "demo/unused.py": b"import demo.model\n",
    "demo/tests/__init__.py": b"",
    "demo/tests/test_x.py": b"assert 0\n",
    "single.py": b"import demo\n",
}

MAKE = """\
import pickle, sys
from pathlib import Path
from lading.engines.oci.bytecode.layers import BytecodeLayers
from lading.progress import Silent
from lading.store import Store
plan, base = pickle.load(open(sys.argv[1], "rb"))
layers = BytecodeLayers(Store(Path(sys.argv[2])), Silent()).layers(plan, base)
print(*(layer.descriptor.digest for layer in layers))
"""


@dataclass
class Listening(Silent):
    """Remembers what it is told."""

    lines: list[str] = field(default_factory=list)

    def line(self, text: str) -> None:
        """Remember it."""
        self.lines.append(text)


@pytest.fixture
def plan_with(plan_of, make_wheel):
    """Give what plans an image whose environment is one wheel with these files, and whose model says this."""

    def plan(files: Mapping[str, bytes] = DEMO, mlmodel: str = "loader_module: demo.model\n") -> ImagePlan:
        (plan_of.model / "MLmodel").write_text(mlmodel)
        served = make_wheel(
            {"lading_runtime/__init__.py": b"", "lading_runtime/__main__.py": b"import web\n"}
        )
        runtime = served.rename(served.with_name("lading_runtime-1.0-py3-none-any.whl"))
        shutil.copy(plan_of.server[1], runtime)
        web = make_wheel({"web.py": b"import web_parts\n", "web_parts.py": b"", "rest.py": b""}, name="web")
        wheel = make_wheel(files)
        changed = replace(plan_of, server=(runtime, web), environment=(wheel,))
        made: ImagePlan = changed()
        return made

    return plan


def paths(layer) -> set[str]:
    """Return the files in a layer, below the environments' packages."""
    data = gzip.decompress(b"".join(layer.blob.chunks()))
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return {member.name.partition("site-packages/")[2] for member in archive if member.isfile()}


def test_only_what_is_imported_is_compiled(tmp_path, plan_with):
    """The model's layer has what the module that the model names imports, parents included, and no more."""
    server, model = BytecodeLayers(Store(tmp_path / "store"), Silent()).layers(plan_with(), BASE)

    assert paths(model) == {
        "demo/__pycache__/__init__.cpython-311.pyc",
        "demo/__pycache__/model.cpython-311.pyc",
        "demo/deep/__pycache__/__init__.cpython-311.pyc",
        "demo/deep/__pycache__/leaf.cpython-311.pyc",
    }
    assert {path for path in paths(server) if "lading_runtime" in path} == {
        "lading_runtime/__pycache__/__init__.cpython-311.pyc",
        "lading_runtime/__pycache__/__main__.cpython-311.pyc",
    }


def test_all_is_everything_but_tests(tmp_path, plan_with):
    """On request every module is compiled; what is no Python is left out, as compileall does."""
    _, model = BytecodeLayers(Store(tmp_path), Silent(), Bytecode.ALL).layers(plan_with(), BASE)

    names = {path.rpartition("/")[2].partition(".")[0] for path in paths(model)}
    assert names == {"__init__", "model", "leaf", "unused", "single"}


def test_off_is_nothing(tmp_path, plan_with):
    """Without bytecode there are no layers of it."""
    assert BytecodeLayers(Store(tmp_path), Silent(), Bytecode.OFF).layers(plan_with(), BASE) == ()


def test_a_layer_is_what_its_description_says(tmp_path, plan_with, unpack):
    """Digest, size and diff id are those of the bytes; all entries are root's, folders come first."""
    layers = BytecodeLayers(Store(tmp_path), Silent()).layers(plan_with(), BASE)

    for layer in layers:
        data = b"".join(layer.blob.chunks())
        assert (Digest.of(data), len(data)) == (layer.descriptor.digest, layer.descriptor.size_bytes)
        assert Digest.of(gzip.decompress(data)) == layer.diff_id
    for path, entry in unpack(layers).entries.items():
        assert (entry.uid, entry.gid, entry.mode) == (0, 0, 0o755 if entry.isdir() else 0o644)
        assert path.startswith("opt")


def test_python_takes_the_bytecode(tmp_path, plan_with, unpack):
    """Python imports from the layer even where the source says something else."""
    _, model = BytecodeLayers(Store(tmp_path / "store"), Silent()).layers(plan_with(), BASE)
    root = tmp_path / "root"
    for path, content in unpack([model]).contents.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_bytes(content)
    packages = root / "opt/env/lib/python3.11/site-packages"
    for name in ("demo/__init__.py", "demo/deep/__init__.py", "demo/deep/leaf.py"):
        (packages / name).write_text("raise SystemExit('this is the source')\n")

    command = [sys.executable, "-c", "import demo.deep.leaf as leaf; print(leaf.x)"]
    done = subprocess.run(command, cwd=packages, capture_output=True, check=True, text=True)

    assert done.stdout == "1\n"


def test_the_same_bytes_anywhere(tmp_path, plan_with):
    """Neither store, umask, time zone, hash seed nor user's environment shows in the layers."""
    plan = tmp_path / "plan.pickle"
    plan.write_bytes(pickle.dumps((plan_with(), BASE)))
    answers = set()
    for number, zone in enumerate(["UTC", "Asia/Tokyo", "America/Lima"]):
        variables = {
            "TZ": zone,
            "PYTHONHASHSEED": str(number),
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
        }
        done = subprocess.run(
            [sys.executable, "-c", MAKE, plan, tmp_path / f"store{number}"],
            env=variables,
            umask=[0o022, 0o077, 0o000][number],
            capture_output=True,
            check=True,
        )
        answers.add(done.stdout)

    assert len(answers) == 1


def test_a_layer_does_not_depend_on_what_was_compiled_before(tmp_path, plan_with):
    """A store that knows more modules of a wheel gives the same layers as an empty one."""
    store = BytecodeLayers(Store(tmp_path / "used"), Silent())
    store.layers(plan_with(mlmodel="loader_module: single\n"), BASE)
    replace(store, mode=Bytecode.ALL).layers(plan_with(), BASE)
    plan = plan_with()

    assert [each.descriptor for each in store.layers(plan, BASE)] == [
        each.descriptor for each in BytecodeLayers(Store(tmp_path / "new"), Silent()).layers(plan, BASE)
    ]


def test_what_was_made_is_only_looked_up(tmp_path, plan_with, monkeypatch):
    """A second image starts no interpreter, and a changed model that names the same modules none either."""
    layers = BytecodeLayers(Store(tmp_path), Silent())
    first = layers.layers(plan_with(), BASE)
    monkeypatch.setattr(subprocess, "Popen", lambda *_args, **_kwargs: pytest.fail("a process was started"))

    assert layers.layers(plan_with(), BASE) == first
    assert layers.layers(plan_with(mlmodel="loader_module: demo.model # changed\n"), BASE) == first


def test_a_model_that_names_the_same_opens_no_wheel(tmp_path, plan_with, monkeypatch):
    """A model that was trained anew is searched for names; its environment is as it was."""
    layers = BytecodeLayers(Store(tmp_path), Silent())
    first = layers.layers(plan_with(), BASE)
    monkeypatch.setattr(KeptCode, "find", lambda *_: pytest.fail("the modules of a wheel were read"))

    assert layers.layers(plan_with(mlmodel="loader_module: demo.model # changed\n"), BASE) == first


def test_what_the_store_has_lost_is_made_again(tmp_path, plan_with):
    """Layers, compiled modules or graphs may be missing or damaged: the same bytes come back."""
    layers, plan = BytecodeLayers(Store(tmp_path), Silent()), plan_with()
    first = layers.layers(plan, BASE)

    for kinds in (["bytecode"], ["bytecode-graphs"], ["bytecode-layers"], ["bytecode", "bytecode-layers"]):
        shutil.rmtree(tmp_path / "blobs")
        for kind in kinds:
            for path in (tmp_path / "entries" / kind).rglob("*"):
                if path.is_file():
                    path.chmod(0o600)
                    path.write_bytes(b"damaged")
        assert layers.layers(plan, BASE) == first


def on_python(plan: ImagePlan, python: PythonMinor) -> ImagePlan:
    """Return *plan* with another Python for its model, as conda brings one."""
    lock = replace(plan.environment.lock, python=python)
    return replace(plan, environment=replace(plan.environment, lock=lock))


def test_a_model_with_a_python_of_its_own_is_compiled_by_that(tmp_path, plan_with):
    """Where conda brings a Python that is not here, only the model's bytecode is left out."""
    progress, plan = Listening(), plan_with()
    both = BytecodeLayers(Store(tmp_path), Silent()).layers(plan, BASE)

    found = BytecodeLayers(Store(tmp_path), progress).layers(on_python(plan, PythonMinor(3, 99)), BASE)

    assert found == both[:1]
    assert len(progress.lines) == 1


def test_a_python_that_is_not_here_is_told(tmp_path, plan_with):
    """Without an interpreter the image has no bytecode, and the user learns why and what to do."""
    progress = Listening()
    plan = replace(on_python(plan_with(), PythonMinor(3, 99)), python=PythonMinor(3, 99))

    assert BytecodeLayers(Store(tmp_path), progress).layers(plan, BASE) == ()
    (line,) = progress.lines
    assert "no CPython 3.99" in line
    assert "uv python install 3.99" in line


def test_bytecode_that_was_asked_for_is_not_left_out(tmp_path, plan_with):
    """Who asks for bytecode gets an image with it or none."""
    layers = BytecodeLayers(Store(tmp_path), Silent(), is_required=True)

    with pytest.raises(BuildFailed, match=r"no CPython 3\.99"):
        layers.layers(replace(plan_with(), python=PythonMinor(3, 99)), BASE)


@pytest.fixture
def broken(tmp_path, monkeypatch):
    """Make the machine's interpreter one that ends at once."""
    program = tmp_path / "python"
    program.write_text("#!/bin/sh\nexit 0\n")
    program.chmod(0o755)
    monkeypatch.setattr(FoundInterpreters, "find", lambda *_: HostInterpreter(program, "3.11.0"))


@pytest.mark.usefixtures("broken")
def test_an_interpreter_that_cannot_compile_is_told_once(tmp_path, plan_with):
    """The image has no bytecode then, and the user learns which interpreter it is."""
    progress = Listening()

    assert BytecodeLayers(Store(tmp_path / "store"), progress).layers(plan_with(), BASE) == ()
    (line,) = progress.lines
    assert "bytecode is left out" in line
    assert f"'{tmp_path}/python' cannot compile" in line


@pytest.mark.usefixtures("broken")
def test_an_interpreter_that_cannot_compile_is_an_error_where_it_must(tmp_path, plan_with):
    """Who asks for bytecode gets none without it."""
    layers = BytecodeLayers(Store(tmp_path / "store"), Silent(), is_required=True)

    with pytest.raises(BuildFailed, match="cannot compile"):
        layers.layers(plan_with(), BASE)


@pytest.mark.usefixtures("broken")
def test_the_bases_own_interpreter_compiles(tmp_path, plan_with, base_of_own):
    """Where the base's layers are here, no interpreter of this machine is needed."""
    server, model = BytecodeLayers(Store(tmp_path / "store"), Silent()).layers(plan_with(), base_of_own)

    assert len(paths(model)) == 4
    assert server.created_by == f"lading: bytecode of CPython {platform.python_version()} in /opt/lading"


def test_hostile_modules_are_left_out(tmp_path, plan_with):
    """What crashes or blocks a compiler is left out, and all others are there."""
    hostile = {
        "demo/__init__.py": b"from . import deep, nul, utf, fine\n",
        "demo/deep.py": b"x = " + b"(" * 200_000,
        "demo/nul.py": b"\0",
        "demo/utf.py": b"\xff\xfe",
        "demo/fine.py": b"",
    }

    _, model = BytecodeLayers(Store(tmp_path), Silent()).layers(plan_with(hostile), BASE)

    assert {path.rpartition("/")[2].partition(".")[0] for path in paths(model)} == {"__init__", "fine"}


def test_another_interpreter_of_the_machine_is_remembered(tmp_path):
    """Finding an interpreter asks uv once; afterwards the store knows it while its file stays the same."""
    finder = FoundInterpreters(Store(tmp_path))
    first = [finder.find(PythonMinor(3, minor)) for minor in range(8, 15)]
    start = time.process_time()

    assert [finder.find(PythonMinor(3, minor)) for minor in range(8, 15) if first[minor - 8]] == [
        each for each in first if each
    ]
    assert json.dumps([each.version for each in first if each])
    assert time.process_time() - start < 1
