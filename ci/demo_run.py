"""Run the demo's image, ask it, and stop it again.

python ci/demo_run.py engine iris:latest      as docker run -p 5000:8080 iris:latest would
python ci/demo_run.py bundle .cache/demo/iris  without an engine: the OCI layout unpacked, and run by runc
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

READY_LIMIT_S = 60
FLOWERS = {
    "dataframe_split": {
        "columns": ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"],
        "data": [[5.1, 3.5, 1.4, 0.2], [6.2, 2.9, 4.3, 1.3], [7.3, 2.9, 6.3, 1.8]],
    }
}
DEVICES = {"null": (1, 3), "zero": (1, 5), "random": (1, 8), "urandom": (1, 9)}
"""What every program may count on, with the numbers that Linux gives them (``mem(4)``)."""


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


@contextlib.contextmanager
def in_engine(image: str) -> Iterator[str]:
    """Run an image in the container engine of this machine; give its URL."""
    from lading.engines.find import find_engine  # noqa: PLC0415 - where there is no engine, nothing of it is needed

    container = find_engine().containers.run(image, detach=True, ports={"8080/tcp": ("127.0.0.1", 0)})
    try:
        container.reload()
        published = container.ports["8080/tcp"] or sys.exit("the engine has published no port")
        yield f"http://127.0.0.1:{published[0]['HostPort']}"
    finally:
        container.remove(force=True)


@contextlib.contextmanager
def as_bundle(layout: Path) -> Iterator[str]:
    """Unpack an image of an OCI layout, and run it on this machine's network; give its URL."""
    bundle = layout.with_name("bundle")
    shutil.rmtree(bundle, ignore_errors=True)
    umoci = shutil.which("umoci") or "umoci"
    subprocess.run([umoci, "unpack", "--image", f"{layout}:latest", str(bundle)], check=True)
    port = free_port()
    command = runc(bundle, port) if runc_may_run() else chroot(bundle, port)
    print(" ".join(command))
    with (bundle / "log").open("wb") as log:
        server = subprocess.Popen(command, cwd=bundle, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait()


def free_port() -> int:
    """Return a port of loopback where nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def runc_may_run() -> bool:
    """Say whether this machine lets a program make namespaces and mounts, which most containers do not."""
    command = ["unshare", "--mount", "--pid", "--fork", "mount", "-t", "tmpfs", "none", "/mnt"]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def runc(bundle: Path, port: int) -> list[str]:
    """Return what runs *bundle* as the container that it is, but on this machine's network."""
    path = bundle / "config.json"
    config = json.loads(path.read_text())
    config["process"]["terminal"] = False
    config["process"]["env"] += [f"PORT={port}", "LADING_HOST=127.0.0.1"]
    config["root"]["readonly"] = True
    config["linux"]["namespaces"] = [n for n in config["linux"]["namespaces"] if n["type"] != "network"]
    path.write_text(json.dumps(config))
    return ["runc", "run", f"lading-demo-{port}"]


def chroot(bundle: Path, port: int) -> list[str]:
    """Return what runs *bundle* where neither namespaces nor mounts are allowed: in a container, for one."""
    config = json.loads((bundle / "config.json").read_text())["process"]
    for name, numbers in DEVICES.items():
        os.mknod(bundle / "rootfs" / "dev" / name, 0o020666, os.makedev(*numbers))
        (bundle / "rootfs" / "dev" / name).chmod(0o666)
    user = f"--userspec={config['user']['uid']}:{config['user']['gid']}"
    variables = [*config["env"], f"PORT={port}", "LADING_HOST=127.0.0.1"]
    return ["env", "-i", *variables, shutil.which("chroot") or "chroot", user, "rootfs", *config["args"]]


def check(url: str) -> None:
    """Ask, show the answers, and end the demo if they are not MLflow's."""
    start = time.monotonic()
    wait_until_ready(url)
    print(f"ready after {time.monotonic() - start:.1f} s at {url}")
    answer = ask(f"{url}/invocations", FLOWERS)
    print(f"POST /invocations  {json.dumps(FLOWERS)[:60]}...\n  {json.dumps(answer)}")
    print(f"GET /version\n  {json.dumps(ask(f'{url}/version'))[:200]}...")
    if answer != {"predictions": [0, 1, 2]}:
        sys.exit("these are not the predictions of MLflow's documentation")


def main() -> None:
    """Run, ask, check, stop."""
    how, place = sys.argv[1:]
    with in_engine(place) if how == "engine" else as_bundle(Path(place)) as url:
        check(url)


if __name__ == "__main__":
    main()
