"""An `ImagePlan` as a Dockerfile: one for all, or one per stage.

The templates know the plan and nothing else. A stage's Dockerfile stands on ``plan.base``, so the whole
is the stages one after the other, each on the one before (``plan.on``).
"""

import json
from collections.abc import Sequence
from enum import StrEnum

import jinja2

from lading import assets
from lading.plan import ImagePlan

FIRST_LINE = "# An image that serves an MLflow model, written by lading."
"""Of every whole Dockerfile."""


class Stage(StrEnum):
    """A part of an image that is made and kept on its own, in the order of making."""

    SERVER = "server"
    ENVIRONMENT = "environment"
    MODEL = "model"


def render(plan: ImagePlan) -> str:
    """Return the Dockerfile that makes the whole image from one context."""
    return _templates().get_template("Dockerfile.j2").render(plan=plan)


def render_stage(stage: Stage, plan: ImagePlan) -> str:
    """Return the Dockerfile that makes *stage* on ``plan.base``, the image of the stage before."""
    return _templates().get_template(f"{stage}.j2").render(plan=plan)


def _templates() -> jinja2.Environment:
    templates = jinja2.Environment(
        loader=jinja2.FileSystemLoader(assets.templates()),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701 - a Dockerfile is no HTML; values go through the filters below
    )
    templates.filters |= {"quoted": quoted, "words": words}
    return templates


def quoted(value: str) -> str:
    """Return *value* as one quoted word of an ENV or LABEL instruction, which nothing expands."""
    for special in ("\\", '"', "$"):
        value = value.replace(special, f"\\{special}")
    return f'"{value}"'


def words(command: Sequence[str]) -> str:
    """Return *command* in the exec form, which needs no shell."""
    return json.dumps(list(command))
