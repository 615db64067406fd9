"""Virtual environments as layers."""

import gzip
import hashlib
import io
import json
import pickle
import shutil
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from lading.digest import Digest
from lading.engines.oci.environment import EnvironmentLayers, heavy_room
from lading.environment import Platform, PythonMinor
from lading.errors import InvalidWheel
from lading.layer import EnvironmentLayer
from lading.lock import Lock, LockedPackage, SourceArchive, WheelSource
from lading.oci import media_types
from lading.progress import Silent
from lading.store import Store

PACKAGES = "opt/env/lib/python3.11/site-packages"
PYTHON = "/usr/local/bin/python3.11"
SOURCE = b"def main():\n    print('it runs')\n" * 20


def random(size: int, seed: bytes = b"") -> bytes:
    """Return bytes that do not compress."""
    return hashlib.shake_128(seed).digest(size)


def environment(*wheels: Path, target: str = "/opt/env") -> EnvironmentLayer:
    """Return the environment of *wheels*."""
    packages = tuple(
        LockedPackage(
            each.name.split("-")[0].replace("_", "-"),
            "1.0",
            WheelSource(each.name, f"https://example.org/{each.name}", Digest.of_file(each)),
        )
        for each in sorted(wheels)
    )
    lock = Lock(PythonMinor(3, 11), Platform("linux", "amd64"), packages, "")
    return EnvironmentLayer(target, lock, tuple(sorted(wheels)))


def make(layer: EnvironmentLayer, store: Store):
    """Return the layers of *layer*."""
    return EnvironmentLayers(store, Silent()).layers(layer, PYTHON)


def facts(layers):
    """Return what images say of *layers*."""
    return [(layer.descriptor, layer.diff_id, layer.created_by) for layer in layers]


def data(layer) -> bytes:
    """Return a layer as it is stored."""
    return b"".join(layer.blob.chunks())


@pytest.fixture
def heavy(make_wheel):
    """A wheel that has a layer of its own."""
    return make_wheel({"heavy/a.bin": random(1_200_000), "heavy/b.py": SOURCE}, name="heavy")


@pytest.fixture
def light(make_wheel):
    """Two wheels that share a layer."""
    return make_wheel({"one.py": SOURCE}, name="one"), make_wheel({"two.py": SOURCE}, name="two")


def test_descriptions_are_true(heavy, light, store):
    """Digest, size and diffID are those of the bytes; the media type is that of a compressed archive."""
    for layer in make(environment(heavy, *light), store):
        packed = data(layer)

        assert (layer.descriptor.digest, layer.descriptor.size_bytes) == (Digest.of(packed), len(packed))
        assert layer.diff_id == Digest.of(gzip.decompress(packed))
        assert layer.descriptor.media_type == media_types.TAR_GZIP


def test_every_file_of_every_wheel_is_there(heavy, light, store, unpack):
    """Contents are those of the wheels; times, owners and modes are constant."""
    unpacked = unpack(make(environment(heavy, *light), store))

    for wheel in (heavy, *light):
        with zipfile.ZipFile(wheel) as archive:
            for name in archive.namelist():
                assert unpacked.contents[f"{PACKAGES}/{name}"] == archive.read(name)
    assert {entry.mtime for entry in unpacked.entries.values()} == {315532801}
    assert {(entry.uid, entry.gid, entry.uname, entry.gname) for entry in unpacked.entries.values()} == {
        (0, 0, "", "")
    }
    assert {entry.mode for entry in unpacked.entries.values() if entry.isreg()} == {0o644}
    assert {entry.mode for entry in unpacked.entries.values() if entry.isdir()} == {0o755}


def test_parents_come_first_in_every_layer(heavy, light, store):
    """Each layer has all folders of its files, once, before what is in them."""
    for layer in make(environment(heavy, *light), store):
        seen = set()
        with tarfile.open(fileobj=io.BytesIO(data(layer))) as archive:
            for entry in archive:
                parent = entry.name.rpartition("/")[0]
                assert not parent or parent in seen
                assert entry.name not in seen
                if entry.isdir():
                    seen.add(entry.name)


def test_the_programs_of_every_system_read_layers(heavy, light, store, tmp_path):
    """``gzip -t`` and ``tar tzf`` find nothing wrong."""
    gzip_program, tar_program = map(str, map(shutil.which, ("gzip", "tar")))
    for number, layer in enumerate(make(environment(heavy, *light), store)):
        file = tmp_path / f"{number}.tar.gz"
        file.write_bytes(data(layer))

        for command in ([gzip_program, "-t", file], [tar_program, "tzf", file]):
            done = subprocess.run(command, capture_output=True, check=False)
            assert (done.returncode, done.stderr) == (0, b"")


def test_it_is_a_virtual_environment(light, store, unpack):
    """The links and pyvenv.cfg lead to the base image's interpreter."""
    unpacked = unpack(make(environment(*light), store))

    links = {path: entry.linkname for path, entry in unpacked.entries.items() if entry.issym()}
    assert links == {
        "opt/env/bin/python": PYTHON,
        "opt/env/bin/python3": "python",
        "opt/env/bin/python3.11": "python",
        "opt/env/lib64": "lib",
    }
    assert unpacked.contents["opt/env/pyvenv.cfg"] == (
        b"home = /usr/local/bin\ninclude-system-site-packages = false\nversion = 3.11\n"
    )


def test_a_heavy_wheel_has_the_same_layer_in_every_image(heavy, light, make_wheel, store):
    """Whatever else is in an environment, and whatever its base image."""
    alone = make(environment(heavy), store)
    other = EnvironmentLayers(store, Silent()).layers(environment(heavy, *light), "/usr/bin/python3.11")

    assert alone[0].descriptor == other[0].descriptor
    assert alone[0].created_by == "lading: heavy 1.0 in /opt/env"


def test_only_a_small_layer_depends_on_the_base(heavy, light, store):
    """Another interpreter changes one layer of a kilobyte."""
    layers = make(environment(heavy, *light), store)
    others = EnvironmentLayers(store, Silent()).layers(environment(heavy, *light), "/usr/bin/python3.11")

    changed = [one for one, other in zip(layers, others, strict=True) if one.descriptor != other.descriptor]
    assert [layer.descriptor.size_bytes < 2000 for layer in changed] == [True]


def test_the_heaviest_is_lowest_and_the_runtime_on_top(heavy, light, make_wheel, store):
    """What changes most often, and least, is above the rest."""
    heavier = make_wheel({"x.bin": random(1_500_000)}, name="heavier")
    runtime = make_wheel({"lading_runtime/__init__.py": SOURCE}, name="lading_runtime")
    layers = make(environment(heavy, heavier, *light, runtime), store)

    assert [layer.created_by.split(":")[1].split()[0] for layer in layers] == [
        "heavier", "heavy", "one", "the", "lading-runtime"
    ]  # fmt: skip


def test_no_more_than_twenty_wheels_have_layers_of_their_own(make_wheel, store):
    """Engines mount 127 layers; the lightest of many heavy wheels share one."""
    wheels = [
        make_wheel({f"{n}.bin": random(1_050_000 + 1000 * n, b"%d" % n)}, name=f"w{n:02}") for n in range(23)
    ]
    layers = make(environment(*wheels), store)

    assert len(layers) == 22
    assert layers[20].created_by == "lading: w00 1.0, w01 1.0, w02 1.0 in /opt/env"


def test_what_was_made_before_is_not_read_again(heavy, light, store):
    """The second build needs no wheel to know its layers."""
    layer = environment(heavy, *light)
    first = facts(make(layer, store))
    for wheel in layer.wheels:
        wheel.write_bytes(wheel.read_bytes()[:-1] + b"?")  # sizes are looked at, contents are not

    assert facts(make(layer, store)) == first


def test_a_pruned_store_gives_the_same_bytes(heavy, light, store):
    """Whatever is removed is made again as it was, also while a layer is already known."""
    layers = make(environment(heavy, *light), store)
    first = [data(layer) for layer in layers]
    shutil.rmtree(store.root)

    assert [data(layer) for layer in layers] == first
    assert facts(make(environment(heavy, *light), store)) == facts(layers)


def test_a_layer_can_be_read_from_any_byte_on(light, heavy, store):
    """An upload that broke goes on where it was."""
    for layer in make(environment(heavy, *light), store):
        whole = data(layer)
        for start in (0, 1, 9, 700, len(whole) // 2, len(whole) - 1, len(whole)):
            assert b"".join(layer.blob.chunks(start)) == whole[start:]


_CHILD = """
import os, pickle, sys
from pathlib import Path
from lading.engines.oci.environment import EnvironmentLayers
from lading.progress import Silent
from lading.store import Store
os.umask(0o077)
layer = pickle.loads(Path(sys.argv[1]).read_bytes())
for made in EnvironmentLayers(Store(Path(sys.argv[2])), Silent()).layers(layer, sys.argv[3]):
    print(made.descriptor.digest, made.diff_id)
"""


def test_another_machine_makes_the_same_bytes(heavy, light, store, tmp_path):
    """Neither umask, time zone, hash seed, locale nor folders are part of a layer."""
    copies = tmp_path / "elsewhere"
    copies.mkdir(mode=0o700)
    for wheel in (heavy, *light):
        shutil.copy(wheel, copies)
        (copies / wheel.name).chmod(0o600)
    there = environment(*(copies / wheel.name for wheel in (heavy, *light)))
    (tmp_path / "layer").write_bytes(pickle.dumps(there))
    environ = {"TZ": "Pacific/Apia", "PYTHONHASHSEED": "77", "LC_ALL": "C"}
    command = [sys.executable, "-c", _CHILD, tmp_path / "layer", tmp_path / "other store", PYTHON]
    done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)

    made = make(environment(heavy, *light), store)
    assert done.stdout.splitlines() == [f"{layer.descriptor.digest} {layer.diff_id}" for layer in made]


def test_two_wheels_with_different_files_of_one_name_are_refused(make_wheel, store):
    """The error names both and the file; nothing of the environment counts as made."""
    one = make_wheel({"tests/__init__.py": b"1"}, name="one")
    two = make_wheel({"tests/__init__.py": b"2"}, name="two")

    for _ in range(2):
        with pytest.raises(InvalidWheel) as caught:
            make(environment(one, two), store)
        assert f"{one.name} and {two.name}" in str(caught.value)
        assert "tests/__init__.py" in str(caught.value)


def test_two_wheels_may_share_a_file(make_wheel, store, unpack):
    """Equal contents are one entry of a layer; both packages keep their rows for it."""
    one = make_wheel({"shared/__init__.py": SOURCE, "shared/a.py": b""}, name="one")
    two = make_wheel({"shared/__init__.py": SOURCE, "shared/b.py": b""}, name="two")

    unpacked = unpack(make(environment(one, two), store))

    assert unpacked.contents[f"{PACKAGES}/shared/__init__.py"] == SOURCE
    assert {f"{PACKAGES}/shared/a.py", f"{PACKAGES}/shared/b.py"} <= unpacked.contents.keys()


def test_a_file_and_a_folder_of_one_name_are_refused(make_wheel, store):
    """One package's module cannot be another's folder."""
    one = make_wheel({"thing": b"1"}, name="one")
    two = make_wheel({"thing/a.py": b"2"}, name="two")

    with pytest.raises(InvalidWheel, match=r"file of one-1\.0.*folder of two-1\.0"):
        make(environment(one, two), store)


@pytest.mark.parametrize("path", ["bin/python", "bin/python3", "pyvenv.cfg", "lib64", "bin/python3.11/x"])
def test_the_environment_itself_cannot_be_replaced(make_wheel, store, path):
    """A wheel that brings the interpreter's link or settings is refused."""
    wheel = make_wheel({f"demo-1.0.data/data/{path}": b"x"})

    with pytest.raises(InvalidWheel, match="of the environment itself"):
        make(environment(wheel), store)


def test_a_damaged_wheel_leaves_nothing_that_counts(make_wheel, store):
    """The error names wheel and file, and comes again with every try."""
    wheel = make_wheel({"demo.py": SOURCE * 10})
    content = bytearray(wheel.read_bytes())
    content[60] ^= 0xFF
    wheel.write_bytes(content)

    for _ in range(2):
        with pytest.raises(InvalidWheel, match=r"demo-1\.0-py3-none-any\.whl: .*'demo\.py'"):
            make(environment(wheel), store)


@pytest.mark.parametrize(
    ("url", "digest", "expected"),
    [
        (
            "git+https://example.org/demo.git@0123456789abcdef0123456789abcdef01234567#subdirectory=python",
            None,
            {
                "url": "https://example.org/demo.git",
                "vcs_info": {"vcs": "git", "commit_id": "0123456789abcdef0123456789abcdef01234567"},
                "subdirectory": "python",
            },
        ),
        (
            "https://example.org/demo-1.0.tar.gz",
            Digest.of(b"x"),
            {
                "url": "https://example.org/demo-1.0.tar.gz",
                "archive_info": {"hashes": {"sha256": Digest.of(b"x").hex}},
            },
        ),
    ],
)
def test_a_package_from_elsewhere_says_where_from(make_wheel, store, unpack, url, digest, expected):
    """``pip freeze`` shows checkouts and archives as what they are (PEP 610)."""
    layer = environment(make_wheel({"demo.py": SOURCE}))
    source = SourceArchive(f"demo @ {url}", url, digest)
    lock = replace(layer.lock, packages=(LockedPackage("demo", None, source),))

    unpacked = unpack(make(replace(layer, lock=lock), store))

    assert json.loads(unpacked.contents[f"{PACKAGES}/demo-1.0.dist-info/direct_url.json"]) == expected


def test_large_files_that_are_not_compressed_stay_in_the_wheel(make_wheel, store, unpack):
    """A stored member becomes stored blocks, however long it is."""
    content = random(300_000)
    wheel = make_wheel({"big.bin": content, "small.bin": content[:1000]}, method=zipfile.ZIP_STORED)

    unpacked = unpack(make(environment(wheel), store))

    assert unpacked.contents[f"{PACKAGES}/big.bin"] == content
    assert unpacked.contents[f"{PACKAGES}/small.bin"] == content[:1000]
    kept = sum(each.stat().st_size for each in store.root.rglob("*") if each.is_file())
    assert kept < 10_000


def test_an_environment_without_packages_is_one(store, unpack):
    """Nothing but the interpreter and the folder for packages."""
    unpacked = unpack(make(environment(), store))

    assert unpacked.entries[PACKAGES].isdir()


def test_layers_never_change(make_wheel, store):
    """A digest of a fixed wheel; where it must change, every TRANSFORM that it stands on is counted up."""
    files = {"demo/__init__.py": SOURCE, "demo/data.bin": random(5000), "demo/empty.py": b""}
    points = {"demo-1.0.dist-info/entry_points.txt": b"[console_scripts]\ndemo = demo:main\n"}
    wheel = make_wheel({**files, **points}, method=zipfile.ZIP_STORED)

    packages, skeleton = make(environment(wheel), store)

    assert str(packages.descriptor.digest)[7:23] == "01f8c9f7960cb867"
    assert str(skeleton.descriptor.digest)[7:23] == "20b7f9023247dc53"


def test_a_base_with_many_layers_leaves_fewer_to_heavy_wheels():
    """With environments, runtime, bytecode and model an image stays within 60 layers, if the base does."""
    assert [heavy_room(base) for base in (1, 2, 30, 49, 60, 120)] == [20, 20, 10, 0, 0, 0]
    assert all(base + 2 * heavy_room(base) + 10 <= 60 for base in range(51))
