"""What is read of programs and libraries, compared with readelf."""

import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.debian.elf import MACHINES, Elf

from tests.builder.debian.small_archive import ARCHITECTURE, LIBRARY
from tests.conftest import run

PROGRAM = Path("/bin/ls")


@pytest.mark.parametrize("path", [LIBRARY, PROGRAM, Path(sys.executable).resolve()])
def test_it_is_what_readelf_reads(path):
    """Name, needed libraries and symbol versions of real files."""
    found = Elf.parse(path.read_bytes())
    dynamic = run("readelf", "--wide", "--dynamic", path)
    versions = run("readelf", "--wide", "--version-info", path)

    assert found is not None
    assert found.machine == MACHINES[ARCHITECTURE]
    assert list(found.needed) == re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)
    assert [found.soname] == (re.findall(r"\(SONAME\).*\[(.*)\]", dynamic) or [""])
    needs = versions.partition("Version needs")[2]
    assert [version for _, version in found.versions] == re.findall(r"Name: (\S+)  Flags", needs)


def test_a_program_names_its_linker():
    """A library does not."""
    program, library = Elf.parse(PROGRAM.read_bytes()), Elf.parse(LIBRARY.read_bytes())

    assert program is not None
    assert library is not None
    assert program.interpreter.startswith("/lib")
    assert library.interpreter == ""


@given(st.binary(max_size=200))
def test_other_files_are_none(data):
    """Scripts, text and what only begins like a program."""
    assert Elf.parse(data) is None
    assert Elf.parse(b"\x7fELF\x02\x01" + data[:40]) is None


@given(st.integers(0, 10_000))
def test_a_file_that_ends_early_breaks_nothing(size):
    """Half a library is read as far as it goes, or not at all."""
    assert isinstance(Elf.parse(LIBRARY.read_bytes()[:size]), Elf | None)
