"""Which route a request took, in words of the server: paths that clients make up are all ``other``."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.routing import BaseRoute, Route
from starlette.types import Scope

OTHER = "other"


class RouteNames:
    """The paths of an application's routes, with their parameters' names."""

    def __init__(self, routes: Iterable[BaseRoute]) -> None:
        known = [route for route in routes if isinstance(route, Route)]
        self._paths = frozenset(route.path for route in known if "{" not in route.path)
        self._templates = {id(route.endpoint): route.path for route in reversed(known)}

    def __call__(self, scope: Scope) -> str:
        """Return the route of a request that has been answered."""
        path: str = scope["path"]
        if path in self._paths:
            return path
        # The router notes which endpoint it chose; of two routes with one endpoint, the first gives the name.
        return self._templates.get(id(scope.get("endpoint")), OTHER)
