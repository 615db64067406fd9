"""Which route a request took, in words of the server: paths that clients make up are all ``other``."""

from __future__ import annotations

import re
from collections.abc import Iterable

from starlette.routing import BaseRoute, Route
from starlette.types import Scope

OTHER = "other"

OPEN_INFERENCE = "/v2"
MODEL_PATH = re.compile(r"/v2/models/[^/]+(?:/versions/[^/]+)?(?:/(\w+))?/?")
MODEL_VERBS = frozenset(["ready", "config", "stats", "infer", "generate", "infer_stream", "generate_stream"])
HEALTH = frozenset(["/v2/health/live", "/v2/health/ready"])


class RouteNames:
    """The paths of an application's routes, with their parameters' names."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        known = [route for route in routes if isinstance(route, Route)]
        self._paths = frozenset(route.path for route in known if "{" not in route.path)

    def __call__(self, scope: Scope) -> str:
        """Return the route of a request."""
        path: str = scope["path"]
        if path in self._paths:
            return path
        return _open_inference(path) if path.startswith(OPEN_INFERENCE) else OTHER


def _open_inference(path: str) -> str:
    """Return the route below ``/v2``; versions are not told apart: there is one."""
    if path in HEALTH:
        return path
    found = MODEL_PATH.fullmatch(path)
    if found is None:
        return OPEN_INFERENCE
    return f"/v2/models/{{name}}/{found[1]}" if found[1] in MODEL_VERBS else "/v2/models/{name}"
