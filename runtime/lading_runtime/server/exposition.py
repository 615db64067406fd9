"""Metrics as text: Prometheus' own format, and OpenMetrics where it is asked for.

https://prometheus.io/docs/instrumenting/exposition_formats/ (version 0.0.4) and
https://prometheus.io/docs/specs/om/open_metrics_spec/ (version 1.0.0). They differ in the name of a
counter's family, which OpenMetrics gives no ``_total``, in the kind "info", and in the end.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

Labels = tuple[tuple[str, str], ...]

PROMETHEUS = b"text/plain; version=0.0.4; charset=utf-8"
OPEN_METRICS = b"application/openmetrics-text; version=1.0.0; charset=utf-8"
OPEN_METRICS_TYPE = b"application/openmetrics-text"
UNWANTED = re.compile(rb"q=0(\.0*)?")
ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n", '"': '\\"'})
HELP_ESCAPES = str.maketrans({"\\": "\\\\", "\n": "\\n"})
SUFFIXES = {"counter": "_total", "info": "_info"}
"""What a sample's name has behind that of its family."""


@dataclass(frozen=True)
class Sample:
    """One line."""

    suffix: str
    """Behind the name of the family."""

    labels: Labels
    value: float


@dataclass(frozen=True)
class Exposed:
    """A family, and its samples."""

    name: str
    """Without any suffix."""

    kind: str
    """``counter``, ``gauge``, ``histogram`` or ``info``."""

    help: str
    samples: tuple[Sample, ...]


def wants_open_metrics(accept: bytes) -> bool:
    """Tell whether an ``Accept`` header names OpenMetrics; Prometheus does, and takes either."""
    return any(_is_open_metrics(part) for part in accept.lower().split(b","))


def _is_open_metrics(media_range: bytes) -> bool:
    """Tell whether *media_range* is OpenMetrics, and not weighed as unwanted (RFC 9110 §12.4.2)."""
    media_type, *parameters = (part.strip() for part in media_range.split(b";"))
    return media_type == OPEN_METRICS_TYPE and not any(map(UNWANTED.fullmatch, parameters))


def render(families: Iterable[Exposed], *, is_open: bool) -> bytes:
    """Return *families* as text, in OpenMetrics if *is_open*."""
    lines = [line for family in families for line in _lines(family, is_open=is_open)]
    end = "# EOF\n" if is_open else ""
    return ("".join(f"{line}\n" for line in lines) + end).encode()


def histogram(labels: Labels, bounds: Iterable[float], counts: Iterable[float], total: float) -> list[Sample]:
    """Return the samples of a histogram: *counts* has one more than *bounds*, for what is beyond them."""
    samples = []
    so_far = 0.0
    for bound, count in zip([*bounds, math.inf], counts):
        so_far += count
        samples.append(Sample("_bucket", (*labels, ("le", number(bound))), so_far))
    return [*samples, Sample("_sum", labels, total), Sample("_count", labels, so_far)]


def labels_of(labels: Mapping[str, str]) -> Labels:
    """Return *labels* as a sample has them."""
    return tuple(labels.items())


def number(value: float) -> str:
    """Return *value* as both formats write it."""
    if math.isinf(value):
        return "+Inf"
    return repr(float(value))


def _lines(family: Exposed, *, is_open: bool) -> Iterator[str]:
    own = SUFFIXES.get(family.kind, "")
    name = family.name if is_open else family.name + own
    kind = "gauge" if family.kind == "info" and not is_open else family.kind
    yield f"# HELP {name} {family.help.translate(ESCAPES if is_open else HELP_ESCAPES)}"
    yield f"# TYPE {name} {kind}"
    for sample in family.samples:
        named = ",".join(f'{label}="{text.translate(ESCAPES)}"' for label, text in sample.labels)
        braces = f"{{{named}}}" if named else ""
        yield f"{family.name}{own}{sample.suffix}{braces} {number(sample.value)}"
