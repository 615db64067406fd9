"""Routes as metrics name them: few words, whatever clients ask for."""

import pytest
from lading_runtime.server.route_names import RouteNames
from starlette.routing import Route


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/invocations", "/invocations"),
        ("/invocations/", "other"),
        ("/wp-login.php", "other"),
        ("/v2", "/v2"),
        ("/v2/whatever", "/v2"),
        ("/v2/health/ready", "/v2/health/ready"),
        ("/v2/models/iris", "/v2/models/{name}"),
        ("/v2/models/iris/infer", "/v2/models/{name}/infer"),
        ("/v2/models/iris/versions/3/infer", "/v2/models/{name}/infer"),
        ("/v2/models/iris/made_up", "/v2/models/{name}"),
    ],
)
def test_paths_have_the_names_of_their_routes(path, name):
    """A route is named for its path; names in it, and paths that are none, are not told apart."""
    routes = RouteNames([Route("/invocations", lambda _: None), Route("/v2{rest:path}", lambda _: None)])

    assert routes({"path": path}) == name
