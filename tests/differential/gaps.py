"""What stands for nothing in a CSV."""

from typing import Any

from hypothesis import strategies as st

from tests.differential.cells import MISSING

NEARLY_MISSING = ("na", " NA", "Null", "none", "-1.#ind")


def leave_gaps(draw: st.DrawFn, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Replace some cells by what stands for nothing in a CSV, or by what nearly does."""
    words = st.sampled_from(("", "NA")) | st.sampled_from(MISSING) | st.sampled_from(NEARLY_MISSING)
    return [
        {name: draw(words) if draw(st.integers(0, 2)) == 0 else cell for name, cell in row.items()}
        for row in rows
    ]
