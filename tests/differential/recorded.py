"""The comparison and the rules of the conformance suite, which live in a script beside the repository."""

import importlib.util
import sys
from pathlib import Path
from types import ModuleType


def load_replay(folder: Path) -> ModuleType:
    """Return the suite's `replay.py` as a module."""
    if "replay" not in sys.modules:
        spec = importlib.util.spec_from_file_location("replay", folder / "replay.py")
        assert spec is not None
        assert spec.loader is not None
        # Its dataclasses look for their module by name.
        sys.modules["replay"] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules["replay"])
    return sys.modules["replay"]
