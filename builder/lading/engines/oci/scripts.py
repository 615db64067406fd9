"""The programs of a package, with an image's interpreter in their first line."""

import configparser
import re
from collections.abc import Mapping

_PLACEHOLDER = re.compile(rb"#!python[^\n]*")
"""The first line of a wheel's script that wants an interpreter (the binary distribution format).

pip and uv replace the whole line, arguments and a carriage return included.
"""

_ENTRY_POINT = re.compile(
    r"(?P<module>\w+(?:\.\w+)*)\s*:\s*(?P<function>\w+(?:\.\w+)*)\s*(?:\[[^\]]*\])?", re.ASCII
)
_NAME = re.compile(r"[^/\\\x00-\x1f]+")
_GROUPS = ("console_scripts", "gui_scripts")

_SCRIPT = """\
#!{python}
import sys
from {module} import {name}
if __name__ == "__main__":
    sys.exit({function}())
"""


def rewritten(script: bytes, python: str) -> bytes:
    """Return *script* with the interpreter *python*, if it asks for one."""
    match = _PLACEHOLDER.match(script)
    return b"#!" + python.encode() + script[match.end() :] if match else script


def generated(entry_points: str, python: str) -> Mapping[str, bytes]:
    """Return the scripts, by name, that ``entry_points.txt`` asks for.

    On Linux nothing distinguishes a script of the group ``gui_scripts``.

    Raises:
        ValueError: the text, a name or a reference is none; says which.
    """
    parser = configparser.ConfigParser(delimiters=("=",), interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]  # names are case sensitive
    try:
        parser.read_string(entry_points)
    except configparser.Error as error:
        raise ValueError(str(error).splitlines()[0]) from error
    found = {group: parser[group] for group in _GROUPS if parser.has_section(group)}
    return {
        name: _script(name, reference, python)
        for group in found.values()
        for name, reference in group.items()
    }


def _script(name: str, reference: str, python: str) -> bytes:
    match = _ENTRY_POINT.fullmatch(reference)
    if match is None:
        raise ValueError(f"{name!r} stands for {reference!r}, which is no function")
    if not _NAME.fullmatch(name) or name in {".", ".."} or name.startswith(".wh."):
        raise ValueError(f"{name!r} is no name of a program")
    module, function = match["module"], match["function"]
    text = _SCRIPT.format(python=python, module=module, name=function.partition(".")[0], function=function)
    return text.encode()
