"""What a Dockerfile finds beside it."""

import io
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from lading.engines.context import Data, Item, size_bytes, stage_context, tar, whole_context
from lading.engines.dockerfile import Stage, render_stage
from lading.errors import BuildFailed
from lading.folder import File, Folder, Link
from lading.layer import FolderLayer


def no_uv() -> Path:
    """Fail: nobody may ask for uv."""
    raise AssertionError


def archive_of(items) -> tarfile.TarFile:
    """What a reader of tar archives makes of *items*."""
    return tarfile.open(fileobj=io.BytesIO(b"".join(tar(items))))


def content(archive: tarfile.TarFile, name: str) -> bytes:
    """The bytes of a member."""
    file = archive.extractfile(name)
    assert file is not None
    return file.read()


def test_every_kind_of_entry_can_be_read_back(tmp_path):
    """Folders, files, programs, links and data arrive with their names, modes and contents."""
    (tmp_path / "source").write_bytes(bytes(range(256)) * 9000)
    long_name = "ü" * 90 + "/" + "n" * 90
    items = [
        Folder("model"),
        File("model/tool", True, tmp_path / "source", 256 * 9000),
        Link("model/link", "tool"),
        Data(long_name, b"data"),
        Data("empty", b""),
    ]

    with archive_of(items) as archive:
        members = {member.name: member for member in archive}
        assert list(members) == ["model", "model/tool", "model/link", long_name, "empty"]
        assert members["model"].isdir()
        assert (members["model/tool"].mode, members[long_name].mode) == (0o755, 0o644)
        assert members["model/link"].linkname == "tool"
        assert content(archive, "model/tool") == (tmp_path / "source").read_bytes()
        assert content(archive, long_name) == b"data"


def test_names_that_are_no_unicode_survive(tmp_path):
    """A file name is bytes to Linux, and arrives as those."""
    name = b"caf\xe9".decode(errors="surrogateescape")

    with archive_of([Data(name, b"x")]) as archive:
        assert archive.getnames() == [name]


def test_archives_of_equal_items_are_equal(tmp_path):
    """No time and no owner of this machine gets into an archive."""
    (tmp_path / "file").write_text("x")
    item = File("file", False, tmp_path / "file", 1)

    with archive_of([item]) as archive:
        (member,) = archive.getmembers()
        assert (member.uid, member.gid, member.uname, member.gname) == (0, 0, "", "")
        assert member.mtime == 315532801


def test_big_files_are_not_held_in_memory(tmp_path):
    """A file is given in chunks while it is read."""
    (tmp_path / "big").write_bytes(bytes(5 << 20))

    chunks = list(tar([File("big", False, tmp_path / "big", 5 << 20)]))

    assert max(map(len, chunks)) == 1 << 20


@pytest.mark.parametrize("size", [3, 5])
def test_a_file_that_changes_while_it_is_read_is_an_error(tmp_path, size):
    """A file that shrank is no file of its old size; one that grew is cut off where it was."""
    (tmp_path / "file").write_bytes(bytes(4))
    item = File("file", False, tmp_path / "file", size)

    if size == 3:
        assert len(b"".join(tar([item]))) == 512 * 4
    else:
        with pytest.raises(BuildFailed, match="'file' changed"):
            list(tar([item]))


def test_an_environments_context_installs_only_what_is_pinned(plan_of):
    """Each wheel is named with its hash, and the runtime is not part of the server's environment."""
    uv = Path(__file__)
    paths = {}
    for stage in (Stage.SERVER, Stage.ENVIRONMENT):
        items = list(stage_context(stage, plan_of(), lambda: uv).items())
        paths[stage] = [item.path for item in items]
        (requirements,) = (item.content for item in items if isinstance(item, Data) and "txt" in item.path)
        assert requirements.count(b"\n") == requirements.count(b" --hash=sha256:") == 1

    assert paths[Stage.SERVER] == [
        "uv",
        "install.py",
        "server",
        "server/requirements.txt",
        "server/served-1.0-py3-none-any.whl",
    ]
    assert "environment/alpha-1.0-py3-none-any.whl" in paths[Stage.ENVIRONMENT]


def test_the_models_context_has_the_runtime_and_the_model(plan_of):
    """The last stage gets the runtime's modules and the model's files, with names below their own folders."""
    (plan_of.model / ".dockerignore").write_text("*")

    items = list(stage_context(Stage.MODEL, plan_of(), no_uv).items())

    assert [item.path for item in items if item.path.startswith("model")] == [
        "model",
        "model/.dockerignore",
        "model/MLmodel",
    ]
    assert "runtime/lading_runtime/__main__.py" in [item.path for item in items]


def test_fingerprints_follow_what_is_made(plan_of, packages):
    """A stage's fingerprint changes with its own contents, and with nothing else; uv is not asked for."""
    before = [stage_context(stage, plan_of(), no_uv).fingerprint for stage in Stage]
    (plan_of.model / "MLmodel").write_text("changed")
    after = [stage_context(stage, plan_of(), no_uv).fingerprint for stage in Stage]

    assert [old == new for old, new in zip(before, after, strict=True)] == [True, True, False]


def test_the_size_is_known_before_anything_is_sent(tmp_path):
    """A progress bar knows about how much will come."""
    (tmp_path / "file").write_bytes(bytes(100_000))
    items: list[Item] = [Folder("sub"), File("sub/file", False, tmp_path / "file", 100_000)]

    assert abs(size_bytes(items) - len(b"".join(tar(items)))) < 3000


def test_the_whole_context_has_everything_once(plan_of):
    """It is that of all stages; the installer, which two of them need, is in it once."""
    plan, uv = plan_of(), Path(__file__)
    contexts = [stage_context(stage, plan, lambda: uv) for stage in Stage]

    whole = whole_context(plan, lambda: uv)

    paths = [item.path for item in whole.items()]
    assert sorted(paths) == sorted({item.path for context in contexts for item in context.items()})
    assert all(context.fingerprint in whole.fingerprint for context in contexts)


def test_conda_packages_are_beside_the_wheels(plan_of, tmp_path):
    """The prefix is a folder of the context, copied before wheels are installed, and known by its digest."""
    (tmp_path / "prefix" / "bin").mkdir(parents=True)
    (tmp_path / "prefix" / "bin" / "tool").write_bytes(b"x")
    plan = plan_of()
    conda = FolderLayer.scan(tmp_path / "prefix", "/opt/env")
    on_conda = replace(plan, environment=replace(plan.environment, conda=conda))

    context = stage_context(Stage.ENVIRONMENT, on_conda, lambda: tmp_path / "prefix" / "bin" / "tool")

    paths = [item.path for item in context.items()]
    assert paths[-3:] == ["conda", "conda/bin", "conda/bin/tool"]
    assert context.fingerprint != stage_context(Stage.ENVIRONMENT, plan, no_uv).fingerprint
    text = render_stage(Stage.ENVIRONMENT, on_conda)
    assert text.index("COPY conda/ /opt/env/") < text.index("COPY uv install.py")
    assert "conda" not in render_stage(Stage.ENVIRONMENT, plan)
    assert "conda" not in render_stage(Stage.SERVER, on_conda)
