"""Run the demo's image as ``docker run -p 5000:8080 iris:latest`` would, ask it, and stop it again."""

import contextlib
import json
import sys
import time
import urllib.error
import urllib.request
from typing import Any

from lading.engines.find import find_engine

IMAGE = "iris:latest"
READY_LIMIT_S = 60
FLOWERS = {
    "dataframe_split": {
        "columns": ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"],
        "data": [[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3], [7.3, 2.9, 6.3, 1.8]],
    }
}


def ask(url: str, body: object = None) -> Any:
    """Return the JSON that *url* answers; with a *body*, that is posted."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})  # noqa: S310 - http, on loopback
    with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
        return json.loads(answer.read().strip() or "null")


def wait_until_ready(url: str) -> None:
    """Wait for ``/ping``; a container that ended, or takes too long, ends the demo."""
    end = time.monotonic() + READY_LIMIT_S
    while time.monotonic() < end:
        with contextlib.suppress(urllib.error.URLError, OSError):
            ask(f"{url}/ping")
            return
        time.sleep(0.05)
    sys.exit(f"the container was not ready within {READY_LIMIT_S} seconds")


def main() -> None:
    """Run, ask, check, stop."""
    container = find_engine().containers.run(IMAGE, detach=True, ports={"8080/tcp": ("127.0.0.1", 0)})
    try:
        container.reload()
        url = f"http://127.0.0.1:{container.ports['8080/tcp'][0]['HostPort']}"
        start = time.monotonic()
        wait_until_ready(url)
        print(f"ready after {time.monotonic() - start:.1f} s at {url}")
        answer = ask(f"{url}/invocations", FLOWERS)
        print(f"POST /invocations  {json.dumps(FLOWERS)[:60]}...\n  {json.dumps(answer)}")
        print(f"GET /version\n  {json.dumps(ask(f'{url}/version'))[:200]}...")
        if answer != {"predictions": [0, 1, 2]}:
            sys.exit("these are not the predictions of MLflow's documentation")
    finally:
        container.remove(force=True)


if __name__ == "__main__":
    main()
