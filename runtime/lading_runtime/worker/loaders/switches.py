"""MLflow's environment variables that forbid something."""

from __future__ import annotations

import os


def is_switched_off(variable: str) -> bool:
    """Tell whether *variable* is false as MLflow spells that; unset means true."""
    return os.environ.get(variable, "true").lower() in {"false", "0"}
