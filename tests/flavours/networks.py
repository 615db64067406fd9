"""Classes of models, which MLflow pickles by their names: a module that imports no MLflow."""

from typing import Any

from torch import nn


class Scaled(nn.Module):  # type: ignore[misc]  # PyTorch is not where types are checked
    """A layer whose answer the params scale; two answers if they say so."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(3, 2)

    def forward(self, x: Any, scale: float = 1.0, twice: bool = False) -> Any:  # noqa: FBT001, FBT002 - as in params
        """Return the answer."""
        answer = self.layer(x) * scale
        return (answer, answer) if twice else answer
