"""Images that the command line pushes to a real registry, and who reads them there."""

import base64
import json
import os
import shutil
import subprocess
import sys
import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.registries.debian import HTPASSWD, PASSWORD, USER, Registry, running_registry

pytestmark = [pytest.mark.container, pytest.mark.xdist_group("pushed")]

MLMODEL = "flavors: {python_function: {loader_module: greeting, code: code, python_version: 3.11.7}}\n"
CODE = """\
def _load_pyfunc(path):
    return Greeter()

class Greeter:
    def predict(self, model_input, params=None):
        return ["hello"] * len(model_input)
"""


@dataclass(frozen=True)
class User:
    """Somebody who may push, and whose credentials are where Docker keeps them."""

    registry: Registry
    folder: Path

    def environ(self) -> dict[str, str]:
        """The environment in which programs find the credentials."""
        return {**os.environ, "DOCKER_CONFIG": str(self.folder)}

    def build(self, model: Path, name: str, *options: str) -> dict[str, Any]:
        """Build and push; return what the command tells."""
        program = Path(sys.executable).with_name("build-image")
        words = ("-m", model, "-n", self.registry.ref(name), "-o", "registry", "--json", *options)
        done = subprocess.run(
            [str(program), *map(str, words)], env=self.environ(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        facts: dict[str, Any] = json.loads(done.stdout)
        return facts

    def run(self, *words: object) -> str:
        """Run a program to its end; return what it printed."""
        command = [str(word) for word in words]
        done = subprocess.run(command, env=self.environ(), capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{command}: {done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def user(tmp_path_factory) -> Any:
    """A user of a registry that wants a password."""
    folder = tmp_path_factory.mktemp("user")
    (folder / "htpasswd").write_text(HTPASSWD)
    auth = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    with running_registry(folder / "registry", auth=auth) as registry:
        secret = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        (folder / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": secret}}}))
        yield User(registry, folder)


@pytest.fixture
def greeting(tmp_path) -> Path:
    """A model without packages."""
    folder: Path = tmp_path / "greeting"
    (folder / "code").mkdir(parents=True)
    (folder / "MLmodel").write_text(MLMODEL)
    (folder / "code" / "greeting.py").write_text(CODE)
    (folder / "requirements.txt").write_text("pandas==2.2.3\n")
    (folder / "python_env.yaml").write_text("python: 3.11.7\ndependencies: [-r requirements.txt]\n")
    return folder


def uploaded(registry: Registry, since: int) -> list[str]:
    """Return the digests of the blobs that were uploaded after so many requests."""
    finished = (
        path for method, path, status in registry.requests()[since:] if (method, status) == ("PUT", 201)
    )
    return [
        path.partition("digest=")[2].replace("%3A", ":") for path in finished if "/blobs/uploads/" in path
    ]


def test_a_second_model_with_the_same_environment_sends_only_itself(user, greeting, tmp_path):
    """Beside the model's own files less than a megabyte is sent, to another repository too."""
    user.build(greeting, "family/one:1")
    other = tmp_path / "elsewhere" / "greeting"
    shutil.copytree(greeting, other)
    (other / "weights.bin").write_bytes(os.urandom(3_000_000))
    before = len(user.registry.requests())

    facts = user.build(other, "family/one:2")

    sizes = {layer["digest"]: layer["size_bytes"] for layer in facts["layers"]}
    sent = uploaded(user.registry, before)
    model = facts["layers"][-1]
    assert model["digest"] in sent
    assert sum(sizes.get(digest, 10_000) for digest in sent) - model["size_bytes"] < 1_000_000
    assert 3_000_000 < model["size_bytes"] < 3_050_000


def test_the_same_build_sends_nothing(user, greeting):
    """A tag that is already what was built is only looked at."""
    user.build(greeting, "family/same:1")
    before = len(user.registry.requests())

    user.build(greeting, "family/same:1")

    assert {method for method, _, _ in user.registry.requests()[before:]} <= {"GET", "HEAD"}


def test_docker_pulls_and_runs_it(user, greeting):
    """The engine gets by its name what the command line pushed, and it answers."""
    facts = user.build(greeting, "run/me:1")
    name = f"{facts['name'].rpartition(':')[0]}@{facts['digest']}"
    container = f"lading-test-{uuid.uuid4().hex[:12]}"

    user.run("docker", "pull", "--quiet", name)
    try:
        user.run("docker", "run", "--detach", "--name", container, name)
        ask = "import pandas; print(pandas.__version__)"
        assert user.run("docker", "exec", container, "/opt/env/bin/python", "-c", ask) == "2.2.3\n"
        user.run("docker", "exec", container, "/opt/lading/bin/python", "-c", WAIT)
    finally:
        user.run("docker", "rm", "--force", container)
        user.run("docker", "rmi", "--force", name)


WAIT = """\
import json, time, urllib.error, urllib.request
end = time.monotonic() + 180
while True:
    body = json.dumps({"dataframe_records": [{"a": 1}, {"a": 2}]}).encode()
    request = urllib.request.Request(
        "http://127.0.0.1:8080/invocations", body, {"Content-Type": "application/json"})
    try:
        assert json.load(urllib.request.urlopen(request)) == {"predictions": ["hello", "hello"]}
        break
    except (urllib.error.URLError, OSError):
        assert time.monotonic() < end
        time.sleep(0.05)
"""


def test_one_host_builds_for_two_platforms(user, greeting):
    """An index names an image for each, with wheels of its own; the layer of the model is the same."""
    facts = user.build(greeting, "both:1", "--platform", "linux/amd64,linux/arm64")
    place = f"docker://{facts['name']}"
    skopeo = ("skopeo", "inspect", "--tls-verify=false")

    index = json.loads(user.run(*skopeo, "--raw", place))
    architectures = [entry["platform"]["architecture"] for entry in index["manifests"]]
    configs = [
        json.loads(user.run("skopeo", "--override-arch", name, *skopeo[1:], "--config", place))
        for name in architectures
    ]

    assert architectures == ["amd64", "arm64"]
    assert [config["architecture"] for config in configs] == architectures
    diff_ids = [config["rootfs"]["diff_ids"] for config in configs]
    assert diff_ids[0][-1] == diff_ids[1][-1]
    assert diff_ids[0][0] != diff_ids[1][0]


def test_a_wrong_password_is_one_clear_line(user, greeting, tmp_path):
    """The message names the registry and says what to do; nothing is tagged."""
    stranger = User(user.registry, tmp_path)
    (tmp_path / "config.json").write_text("{}")
    program = Path(sys.executable).with_name("build-image")
    words = (
        program,
        "-m",
        greeting,
        "-n",
        user.registry.ref("denied:1"),
        "-o",
        "registry",
        "--progress",
        "none",
    )

    done = subprocess.run(
        [*map(str, words)], env=stranger.environ(), capture_output=True, text=True, check=False
    )

    assert done.returncode == 9
    assert len(done.stderr.splitlines()) == 1
    assert user.registry.host in done.stderr
    assert "login" in done.stderr
