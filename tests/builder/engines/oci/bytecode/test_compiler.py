"""Interpreters that compile, and those that cannot."""

import sys
from pathlib import Path

import pytest
from lading.engines.oci.bytecode import target_program
from lading.engines.oci.bytecode.compiler import HostInterpreter, compilers
from lading.errors import BuildFailed

CRASHING = """\
import os, sys
sys.path.insert(0, {folder!r})
import target_program
compiled = target_program.compiled
target_program.compiled = lambda path, source: os._exit(11) if "crash" in path else compiled(path, source)
target_program.main()
"""


def program(folder: Path, text: str) -> HostInterpreter:
    """Return a script in an interpreter's place."""
    path = folder / "python"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return HostInterpreter(path, "3.11.0")


def test_an_interpreter_sees_the_users_environment_but_what_is_for_pythons(tmp_path, monkeypatch):
    """It may need LD_LIBRARY_PATH to start; PYTHONPATH and others like it would have a say in the bytes."""
    monkeypatch.setenv("LD_LIBRARY_PATH", "/needed")
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    check = 'test "$LD_LIBRARY_PATH" = /needed -a -z "$PYTHONOPTIMIZE" || exit 1\nunset LD_LIBRARY_PATH\n'

    with compilers(program(tmp_path, f'{check}exec {sys.executable} "$@"')) as processes:
        assert processes.compile("/x.py", b"'docstring'\n").pyc is not None


def test_a_crash_costs_one_module(tmp_path):
    """A module that kills its compiler is left out; the modules before and after it are compiled."""
    crashing = tmp_path / "crashing.py"
    crashing.write_text(CRASHING.format(folder=str(Path(target_program.__file__).parent)))
    interpreter = program(tmp_path, f"exec {sys.executable} -s -S -B {crashing}")

    with compilers(interpreter) as processes:
        found = [processes.compile(path, b"x = 1\n").pyc for path in ("/a.py", "/crash.py", "/b.py")]

    assert [pyc is not None for pyc in found] == [True, False, True]


def test_an_interpreter_that_cannot_compile_is_told(tmp_path):
    """A Python that ends at once is an error that names it, not an image without bytecode."""
    with (
        compilers(program(tmp_path, "exit 0")) as processes,
        pytest.raises(BuildFailed, match=r"cannot compile.*--bytecode off"),
    ):
        processes.compile("/x.py", b"x = 1\n")


def test_an_interpreter_that_is_gone_is_told(tmp_path):
    """So is one that is no longer there."""
    with (
        compilers(HostInterpreter(tmp_path / "gone", "3.11.0")) as processes,
        pytest.raises(BuildFailed, match="cannot be run: No such file"),
    ):
        processes.compile("/x.py", b"x = 1\n")


def test_no_process_is_left(own):
    """When the work is done, all interpreters have ended."""
    with compilers(own) as processes:
        processes.compile("/x.py", b"x = 1\n")
        process = processes.idle.get()
        processes.idle.put(process)

    assert process.process.returncode is not None
