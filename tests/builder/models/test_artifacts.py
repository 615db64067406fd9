"""Downloading: everything or nothing, never outside the folder, through every way that artifacts take."""

import hashlib
import json
import shutil
import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import fsspec  # type: ignore[import-untyped]
import pytest
from lading.errors import InvalidModel, ModelNotFound, TrackingServerError
from lading.models.artifacts import ArtifactFile, LocalTree, download
from lading.models.fetch import fetch
from lading.models.tracking import TrackingSettings
from lading.progress import Silent
from lading.reference import RemoteModel

from tests.builder.models.front import Front

pytestmark = pytest.mark.xdist_group("tracking")


class Tree:
    """A tree of files in memory, some of which break off before they come."""

    def __init__(self, files, *, breaks=0):
        self.content = files
        self.breaks = breaks

    def files(self):
        """Return all files."""
        return tuple(ArtifactFile(path, len(content)) for path, content in self.content.items())

    def copy(self, path, target, moved):
        """Write one file, or the half of it."""
        content = self.content[path]
        self.breaks -= 1
        content = content if self.breaks < 0 else content[: len(content) // 2]
        target.write_bytes(content)
        moved(len(content))


def wanted(tree):
    """Return all files of *tree*, as ``download`` takes them."""
    return {file.path: (tree, file) for file in tree.files()}


class Recorder(Silent):
    """Remembers how much moved."""

    def __init__(self):
        self.moved = {}

    def transfer(self, name, total_bytes):
        """Remember one transfer."""
        self.moved[name] = 0
        return _Transfer(self.moved, name)


class _Transfer:
    def __init__(self, moved, name):
        self.moved, self.name = moved, name

    def __enter__(self):
        return self.tell

    def __exit__(self, *error):
        return None

    def tell(self, size_bytes):
        self.moved[self.name] += size_bytes


def test_all_files_arrive(tmp_path):
    """A download is a folder with every file, in subfolders too, and nothing else beside it."""
    folder = download(
        wanted(Tree({"MLmodel": b"a", "data/deep/x": b"", "data/y": b"yy"})), tmp_path, Silent()
    )

    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == {
        "MLmodel",
        "data/deep/x",
        "data/y",
    }
    assert list(tmp_path.iterdir()) == [folder]


@pytest.mark.parametrize(
    "path",
    ["../escape", "a/../../escape", "/etc/passwd", "..", ".", "", "a//b", "a/./b", "a\\..\\b", "a\0b", "a/"],
)
def test_a_path_never_leaves_the_folder(tmp_path, path):
    """Paths that a server makes up are refused before anything is fetched."""
    into = tmp_path / "into"

    with pytest.raises(TrackingServerError):
        download(wanted(Tree({"MLmodel": b"", path: b"x"})), into, Silent())

    assert not into.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_file_that_is_also_a_folder_is_refused(tmp_path):
    """A listing that contradicts itself is an error, whatever its order."""
    with pytest.raises(TrackingServerError, match="'data' is listed as a file and as a folder"):
        download(wanted(Tree({"data/x": b"", "data": b""})), tmp_path, Silent())


def test_a_file_that_breaks_off_is_fetched_again(tmp_path):
    """Two truncated transfers are forgiven, and progress counts the file's bytes once."""
    recorder = Recorder()

    folder = download(wanted(Tree({"MLmodel": b"0123456789"}, breaks=2)), tmp_path, recorder)

    assert (folder / "MLmodel").read_bytes() == b"0123456789"
    assert recorder.moved == {"MLmodel": 10}


def test_a_file_that_always_breaks_off_leaves_nothing(tmp_path):
    """After an error there is no half of a model."""
    with pytest.raises(TrackingServerError, match="'MLmodel' broke off: 5 of 10 bytes came"):
        download(wanted(Tree({"MLmodel": b"0123456789"}, breaks=99)), tmp_path, Silent())

    assert list(tmp_path.iterdir()) == []


def test_an_interruption_leaves_nothing(tmp_path):
    """Ctrl-C stops transfers at their next bytes and removes what came."""
    started = threading.Event()

    class Endless(Tree):
        def copy(self, path, target, moved):
            while True:
                started.set()
                moved(1)

    class Interrupted(Recorder):
        def transfer(self, name, total_bytes):
            if name == "second":
                started.wait()
                raise KeyboardInterrupt
            return super().transfer(name, total_bytes)

    with pytest.raises(KeyboardInterrupt):
        download(wanted(Endless({"first": b"", "second": b""})), tmp_path, Interrupted())

    assert list(tmp_path.iterdir()) == []


def test_a_local_tree_has_all_files_of_its_folder(tmp_path):
    """Local folders are trees too, so that they can be laid over others."""
    (tmp_path / "model" / "data").mkdir(parents=True)
    (tmp_path / "model" / "data" / "x").write_text("xyz")

    folder = download(wanted(LocalTree(tmp_path / "model")), tmp_path / "into", Silent())

    assert (folder / "data" / "x").read_text() == "xyz"


def test_a_server_that_names_paths_outside_is_refused(server, fetched):
    """A listing with ``..`` from a tracking server writes nothing."""

    def answer(seen):
        if "mlflow-artifacts/artifacts?" not in seen.path:
            return None
        files = [{"path": "MLmodel", "is_dir": False}, {"path": "../../escape", "is_dir": False}]
        return 200, {}, json.dumps({"files": files}).encode()

    with (
        Front(server.uri, answer).running() as front,
        pytest.raises(TrackingServerError, match="would leave"),
    ):
        fetched(f"models:/{server.models[0]}", front.url)

    assert fetched.left == []


def test_a_server_whose_folders_have_no_end_is_refused(server, fetched):
    """A listing that contains itself is given up."""

    def answer(seen):
        entries = {"files": [{"path": "deeper", "is_dir": True}]}
        return (200, {}, json.dumps(entries).encode()) if "mlflow-artifacts/artifacts?" in seen.path else None

    with (
        Front(server.uri, answer).running() as front,
        pytest.raises(TrackingServerError, match="deeper than 64"),
    ):
        fetched(f"models:/{server.models[0]}", front.url)


@pytest.mark.parametrize("kept", [0, 10])
def test_a_body_that_ends_early_is_fetched_again(server, fetched, kept):
    """A connection that drops in the middle of a file costs a retry, not the model."""
    dropped: list[object] = []

    def answer(seen):
        if not seen.path.endswith("/requirements.txt") or dropped:
            return None
        dropped.append(seen)
        return 200, {"Content-Length": "4000"}, b"x" * kept

    with Front(server.uri, answer).running() as front:
        model = fetched(f"models:/{server.models[0]}", front.url)

    assert "mlflow" in (model.folder / "requirements.txt").read_text()


def test_a_server_that_gives_only_addresses_is_followed(server, fetched):
    """With ``MLFLOW_ARTIFACTS_PRESIGNED_ONLY`` bytes come from the storage, which gets no credentials."""
    refusal = {"error_code": "PERMISSION_DENIED", "message": "directly", "artifacts_presigned_only": True}

    def storage(seen):
        has_permission = "signature=x" in seen.path and seen.headers.get("x-storage") == "yes"
        is_bare = "authorization" not in seen.headers
        return (200, {}, b"of " + seen.path.encode()) if has_permission and is_bare else (403, {}, b"")

    def answer(seen):
        _, found, path = seen.path.partition("/mlflow-artifacts/presigned/")
        if found:
            url = f"{behind.url}/{path}?signature=x"
            return 200, {}, json.dumps({"url": url, "headers": {"X-Storage": "yes"}}).encode()
        is_file = "/mlflow-artifacts/artifacts/" in seen.path
        return (403, {}, json.dumps(refusal).encode()) if is_file else sizeless(seen)

    def sizeless(seen):
        files = [{"path": "MLmodel", "is_dir": False}]
        return (200, {}, json.dumps({"files": files}).encode()) if "artifacts?" in seen.path else None

    with Front("", storage).running() as behind, Front(server.uri, answer).running() as front:
        model = fetched(f"models:/{server.models[0]}", front.url, MLFLOW_TRACKING_TOKEN="t")

    assert (model.folder / "MLmodel").read_text().startswith("of /1/models/")


def test_a_folder_of_the_servers_machine_is_said_to_be_there(server, fetched):
    """A server without artifact serving names its own folders; the error says how to get at them."""

    def answer(seen):
        model = {"model_id": "m-1", "name": "x", "artifact_uri": "file:///srv/mlruns/1/models/m-1"}
        return 200, {}, json.dumps({"model": {"info": model}}).encode()

    with (
        Front(server.uri, answer).running() as front,
        pytest.raises(
            TrackingServerError, match=r"/srv/mlruns/1/models/m-1 on the machine of .*--serve-artifacts"
        ),
    ):
        fetched("models:/m-1", front.url)


@pytest.fixture
def web_server(tmp_path):
    """A web server that lists folders, and the folder that it serves."""
    folder = tmp_path / "web"
    folder.mkdir()
    handler = partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as served:
        threading.Thread(target=served.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        yield folder, f"http://127.0.0.1:{served.server_port}"
        served.shutdown()


class Quiet(SimpleHTTPRequestHandler):
    """Says nothing."""

    def log_message(self, *arguments):
        """Say nothing."""


def test_a_model_behind_a_web_server_is_downloaded(web_server, written, fetched):
    """``http:`` URLs of a folder are models, whatever characters their files' names have."""
    folder, url = web_server
    shutil.copytree(written / "model", folder / "my model")

    model = fetched(f"{url}/my%20model", "sqlite:///none.db")

    names = {path.relative_to(model.folder).as_posix() for path in model.folder.rglob("*") if path.is_file()}
    assert names == {"MLmodel", "data/weights ü 50%.bin", "data/empty"}
    digest = hashlib.sha256((model.folder / "data" / "weights ü 50%.bin").read_bytes()).digest()
    assert digest == hashlib.sha256(bytes(range(256)) * 9000).digest()


def test_a_web_server_that_does_not_answer_is_no_empty_one(fetched):
    """Where nobody answers, the error says so; it does not say that there are no files."""
    with pytest.raises(TrackingServerError, match=r"http://127\.0\.0\.1:9/model cannot be read: .*connect"):
        fetched("http://127.0.0.1:9/model", "http://localhost:1")


def test_nothing_behind_a_web_server_is_not_found(web_server, fetched):
    """A URL without a folder behind it is a model that is not there, and one without MLmodel is no model."""
    folder, url = web_server
    (folder / "notes").mkdir()
    (folder / "notes" / "readme.txt").write_text("x")

    with pytest.raises(ModelNotFound, match=f"there are no files of {url}/none"):
        fetched(f"{url}/none", "sqlite:///none.db")
    with pytest.raises(InvalidModel, match="no MLmodel"):
        fetched(f"{url}/notes", "sqlite:///none.db")


@pytest.mark.parametrize(
    ("uri", "extra"), [("s3://b/m", "s3"), ("gs://b/m", "gs"), ("abfss://c@a.dfs/m", "abfs")]
)
def test_a_cloud_without_its_package_names_the_extra(tmp_path, uri, extra):
    """Storage whose package is not installed says which extra brings it."""
    settings = TrackingSettings("sqlite:///x.db", "sqlite:///x.db", tmp_path)

    with pytest.raises(TrackingServerError, match=rf"pip install 'lading\[{extra}\]'"):
        fetch(RemoteModel(uri), into=tmp_path / "into", settings=settings, progress=Silent())


def test_any_storage_of_fsspec_will_do(tmp_path):
    """A model in a file system of fsspec's, here its memory, is downloaded."""
    memory = fsspec.filesystem("memory")
    memory.pipe({"/models/a/MLmodel": b"flavors: {}", "/models/a/data/x": b"xyz"})
    settings = TrackingSettings("sqlite:///x.db", "sqlite:///x.db", tmp_path)

    model = fetch(
        RemoteModel("memory://models/a"), into=tmp_path / "into", settings=settings, progress=Silent()
    )

    assert (model.folder / "data" / "x").read_bytes() == b"xyz"
    assert model.folder.is_relative_to(tmp_path / "into")


def test_nothing_is_written_outside(tmp_path):
    """The folder that is given is made where it is missing."""
    into = tmp_path / "a" / "b"

    folder = download(wanted(Tree({"MLmodel": b"x"})), into, Silent())

    assert folder.parent == into
    assert Path(folder, "MLmodel").is_file()
