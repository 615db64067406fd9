"""What commands print on stdout: results, for people or as JSON."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

import typer

from lading.cli.output_option import STDOUT, OutputOption
from lading.image import BuiltImage
from lading.layer import EnvironmentLayer
from lading.plan import ImagePlan


def show_image(image: BuiltImage, outputs: Iterable[OutputOption], *, as_json: bool) -> None:
    """Print what became of an image: on stderr where an archive of it is on stdout."""
    is_taken = any(output.destination == STDOUT for output in outputs)
    typer.echo(image_json(image) if as_json else image_line(image), err=is_taken)


def image_line(image: BuiltImage) -> str:
    """Return a finished image as ``name@digest``; where it has no digest yet, as its name and its id.

    Engines run an image by its id, but take an id behind ``name@`` for a digest that no registry has.
    """
    name = image.names[0]
    text = f"{name.repository}:{name.tag}"
    return f"{text}@{image.digest}" if image.digest else f"{text} {image.id}"


def image_json(image: BuiltImage) -> str:
    """Return a finished image as JSON."""
    return _json(
        {
            "name": str(image.names[0]),
            "names": [str(name) for name in image.names],
            "id": str(image.id),
            "digest": str(image.digest) if image.digest else None,
            "size_bytes": image.size_bytes,
            "layers": [
                {"digest": str(layer.digest), "size_bytes": layer.size_bytes, "created_by": layer.created_by}
                for layer in image.layers
            ],
            "seconds": {step: round(seconds, 3) for step, seconds in image.seconds.items()},
        }
    )


def plan_json(plan: ImagePlan) -> str:
    """Return a plan as JSON."""
    return _json(_plan(plan))


def plan_text(plan: ImagePlan) -> str:
    """Return a plan as lines that a person reads."""
    return "\n".join(_lines(_plan(plan), ""))


def _plan(plan: ImagePlan) -> dict[str, Any]:
    return {
        "base": plan.base,
        "platform": str(plan.platform),
        "python": str(plan.python),
        "server": _environment(plan.server),
        "environment": _environment(plan.environment),
        "model": {
            "target": plan.model.target,
            "digest": str(plan.model.digest),
            "size_bytes": plan.model.size_bytes,
        },
        "entrypoint": list(plan.entrypoint),
        "user": plan.user,
        "port": plan.port,
        "env": dict(plan.env),
        "labels": dict(plan.labels),
        "build_args": dict(plan.build_args),
    }


def _environment(layer: EnvironmentLayer) -> dict[str, Any]:
    packages = {wheel.name: wheel.version for wheel in layer.pinned()}
    return {"target": layer.target, "lock": str(layer.lock.digest), "packages": packages}


def _lines(value: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, item in value.items():
        if isinstance(item, Mapping):
            yield f"{indent}{name}:"
            yield from _lines(item, f"{indent}  ")
        else:
            text = " ".join(item) if isinstance(item, list) else item
            yield f"{indent}{name}: {text}"


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False)
