"""Interpreters that tests put on a base."""

import shutil
from pathlib import Path

PROGRAM = Path("/bin/true")
"""A real program that needs the C library and nothing else."""


HEADER = "# system configuration generated and used by the sysconfig module\n"


def make_prefix(prefix: Path, name: str = "python3.12", *, built_for: str = "") -> Path:
    """Make what looks like an installed CPython, with what does not belong in an image."""
    files = {
        "os.py": "name = 'posix'\n",
        "_sysconfigdata__linux_x86_64-linux-gnu.py": _build_data(built_for or str(prefix)),
        "json/__init__.py": "",
        "json/__pycache__/__init__.cpython-312.pyc": "",
        "test/test_os.py": "",
        "unittest/test/__init__.py": "",
        "site-packages/pip/__init__.py": "",
        "config-3.12-x86_64-linux-gnu/Makefile": "",
        "ensurepip/__init__.py": "",
        "libpython3.12.a": "",
        "EXTERNALLY-MANAGED": "",
    }
    for path, text in files.items():
        target = prefix / "lib" / name / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    (prefix / "bin").mkdir()
    shutil.copy(PROGRAM, prefix / "bin" / name)
    return prefix


def _build_data(prefix: str) -> str:
    return HEADER + f"build_time_vars = {{'prefix': '{prefix}'}}\n"
