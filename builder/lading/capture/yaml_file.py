"""YAML files of a model folder, and what may be wrong with them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from lading.errors import LadingError


def read_mapping(path: Path, problem: type[LadingError], *, keeps_text: bool = False) -> Mapping[str, Any]:
    """Return the mapping that a YAML file holds.

    Args:
        path: the file.
        problem: what is raised for a file that cannot be read or holds something else.
        keeps_text: leave every scalar the text it is, so that ``python: 3.10`` is not the number 3.1.
    """
    try:
        with path.open("rb") as file:
            content = yaml.load(file, Loader=yaml.BaseLoader if keeps_text else yaml.SafeLoader)  # noqa: S506 - both make plain values only
    except FileNotFoundError as error:
        raise problem(f"{path} does not exist") from error
    except (OSError, UnicodeDecodeError) as error:
        raise problem(f"{path} cannot be read: {error}") from error
    # PyYAML lets pass what constructors of values raise (a 13th month), and cannot nest for ever.
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise problem(f"{path} is no YAML: {_where(error)}") from error
    if not isinstance(content, Mapping):
        raise problem(f"{path} holds no keys")
    return content


def _where(error: Exception) -> str:
    """Return what the parser says in one line, without the file's content."""
    if isinstance(error, yaml.MarkedYAMLError) and error.problem_mark is not None:
        return f"line {error.problem_mark.line + 1}: {error.problem}"
    return "it cannot be parsed"
