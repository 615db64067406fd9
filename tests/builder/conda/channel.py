"""Conda channels that tests make: real packages, indexed by rattler as a channel's owner would."""

import bz2
import hashlib
import io
import json
import struct
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

PLACEHOLDER = "/home/builder/" + "_placehold" * 20
"""The prefix that a package was built in; whoever installs it writes the real one over it."""

BYTECODE = (3495).to_bytes(2, "little") + b"\r\n" + bytes(4) + b"timesize" + b"code"
"""Of Python 3.11, valid beside a source of a certain time and size."""

_BUILT_IN = "/_built_" * 20
_BLOCK_BYTES = 1 << 17
_UNNEEDED = frozenset({"__pycache__", "site-packages", "test", "idlelib", "ensurepip", "lib2to3"})

_INDEX = (
    "import asyncio, os, sys; from rattler.index import index_fs; asyncio.run(index_fs(sys.argv[1]));"
    "os._exit(0)"  # rattler's threads may crash an interpreter that ends under them
)


@dataclass(frozen=True, kw_only=True)
class Package:
    """A package to be made."""

    name: str
    version: str = "1.0"
    build: str = "h1_0"
    subdir: str = "linux-64"
    depends: tuple[str, ...] = ()

    files: Mapping[str, bytes] = field(default_factory=dict)
    """By place in the prefix. Those in ``bin`` are programs; ``placeholder`` in them gets rewritten."""

    placeholder: str = PLACEHOLDER
    """Where the files were made, which some of them say."""

    links: Mapping[str, str] = field(default_factory=dict)

    noarch: str | None = None
    entry_points: tuple[str, ...] = ()

    also: Mapping[str, bytes] = field(default_factory=dict)
    """More members of the archive, which its list of files does not name."""

    listed: tuple[str, ...] = ()
    """More paths in the list of files, which the archive does not have."""

    suffix: str = ".conda"
    """Or ``.tar.bz2``, the older form."""

    @property
    def file(self) -> str:
        """The archive's name."""
        return f"{self.name}-{self.version}-{self.build}{self.suffix}"

    def write(self, folder: Path) -> Path:
        """Make the archive in *folder*."""
        folder.mkdir(parents=True, exist_ok=True)
        content = {**self.files, **self.also}
        if self.suffix == ".conda":
            stem = self.file.removesuffix(".conda")
            with zipfile.ZipFile(folder / self.file, "w") as archive:
                for name, data in {
                    "metadata.json": b'{"conda_pkg_format_version": 2}',
                    f"pkg-{stem}.tar.zst": _zstandard(_tar(content, self.links)),
                    f"info-{stem}.tar.zst": _zstandard(_tar(self._info(), {})),
                }.items():
                    archive.writestr(zipfile.ZipInfo(name), data)  # of 1980, always
        else:
            (folder / self.file).write_bytes(bz2.compress(_tar(self._info() | content, self.links)))
        return folder / self.file

    def _info(self) -> dict[str, bytes]:
        index = {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": 0,
            "subdir": self.subdir,
            "depends": list(self.depends),
            "timestamp": 1_700_000_000_000,
            **({"noarch": self.noarch} if self.noarch else {}),
        }
        link = {"noarch": {"type": "python", "entry_points": self.entry_points}}
        return {
            "info/index.json": json.dumps(index).encode(),
            "info/paths.json": json.dumps({"paths_version": 1, "paths": [*self._paths()]}).encode(),
            **(
                {"info/link.json": json.dumps({**link, "package_metadata_version": 1}).encode()}
                if self.noarch == "python"
                else {}
            ),
        }

    def _paths(self) -> Iterable[dict[str, object]]:
        listed = dict.fromkeys(self.listed, b"")
        for name, content in {**self.files, **listed}.items():
            entry: dict[str, object] = {
                "_path": name,
                "path_type": "hardlink",
                "sha256": hashlib.sha256(content).hexdigest(),
                "size_in_bytes": len(content),
            }
            if self.placeholder.encode() in content:
                mode = "binary" if b"\0" in content else "text"
                entry |= {"prefix_placeholder": self.placeholder, "file_mode": mode}
            yield entry
        empty = hashlib.sha256(b"").hexdigest()
        for name in self.links:
            yield {"_path": name, "path_type": "softlink", "sha256": empty, "size_in_bytes": 0}


def _tar(files: Mapping[str, bytes], links: Mapping[str, str]) -> bytes:
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w") as archive:
        for name, content in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            member.mode = 0o755 if name.startswith(("bin/", "python-scripts/")) else 0o644
            archive.addfile(member, io.BytesIO(content))
        for name, goal in links.items():
            member = tarfile.TarInfo(name)
            member.type, member.linkname = tarfile.SYMTYPE, goal
            archive.addfile(member)
    return stream.getvalue()


def _zstandard(content: bytes) -> bytes:
    """Return a Zstandard frame (RFC 8878) of raw blocks: Python 3.11 has no compressor for it."""
    starts = range(0, len(content), _BLOCK_BYTES)
    blocks = [content[start : start + _BLOCK_BYTES] for start in starts]
    heads = [(len(block) << 3 | (number == len(blocks))) for number, block in enumerate(blocks, 1)]
    body = b"".join(struct.pack("<I", head)[:3] + block for head, block in zip(heads, blocks, strict=True))
    return b"\x28\xb5\x2f\xfd\xe0" + struct.pack("<Q", len(content)) + body


@dataclass(frozen=True)
class Channel:
    """A folder with packages and their index."""

    folder: Path

    @property
    def url(self) -> str:
        """Where it is, on this machine."""
        return self.folder.as_uri()

    def add(self, *packages: Package) -> "Channel":
        """Make *packages*, and write the index anew."""
        (self.folder / "noarch").mkdir(parents=True, exist_ok=True)
        for package in packages:
            package.write(self.folder / package.subdir)
        subprocess.run([sys.executable, "-c", _INDEX, self.folder], check=True)
        return self


def distribution(name: str, version: str, *requires: str, at: str = "site-packages") -> dict[str, bytes]:
    """Return the files of a Python distribution with one module, installed at *at*."""
    info = f"{at}/{name}-{version}.dist-info"
    metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
    return {
        f"{at}/{name}.py": f"VERSION = {version!r}\n".encode(),
        f"{info}/METADATA": (metadata + "".join(f"Requires-Dist: {each}\n" for each in requires)).encode(),
        f"{info}/INSTALLER": b"conda\n",
        f"{info}/RECORD": f"{name}.py,,\n{name}-{version}.dist-info/METADATA,,\n".encode(),
    }


def this_python(*, target: str) -> Package:
    """Return a Python that runs at *target*: the one that the tests run in, moved as conda moves packages.

    What a program says of its libraries' folder can only be replaced by a shorter path. At a longer *target*,
    which is on this machine then, the program goes on using the libraries that it has.
    """
    base, minor = Path(sys.base_prefix), f"{sys.version_info[0]}.{sys.version_info[1]}"
    library = base / "lib"
    modules = (path for path in (library / f"python{minor}").rglob("*") if path.is_file())
    needed = (path for path in modules if _UNNEEDED.isdisjoint(path.relative_to(library).parts))
    files = [base / "bin" / f"python{minor}", *library.glob(f"libpython{minor}.so*"), *needed]
    return Package(
        name="python",
        version=".".join(map(str, sys.version_info[:3])),
        placeholder=_BUILT_IN[: len(str(base))],
        files={
            path.relative_to(base).as_posix(): _built(path.read_bytes(), str(base), target) for path in files
        },
        links={"bin/python": f"python{minor}", "bin/python3": f"python{minor}"},
    )


def _built(content: bytes, base: str, target: str) -> bytes:
    """Return *content* as if it had been built elsewhere: the folder of libraries in a program is moved.

    Nothing else in a program is: linkers let strings share their ends, and a version is one of a path.
    """
    there = _BUILT_IN[: len(base)].encode()
    if b"\0" in content:
        is_moved = len(target) <= len(base)
        return content.replace(f"{base}/lib\0".encode(), there + b"/lib\0") if is_moved else content
    return content.replace(base.encode(), there)


def of_wheel(wheel: Path, *, depends: tuple[str, ...]) -> Package:
    """Return the conda package of what *wheel* has."""
    name, version, _ = wheel.name.split("-", 2)
    minor = f"{sys.version_info[0]}.{sys.version_info[1]}"
    with zipfile.ZipFile(wheel) as archive:
        files = {
            f"lib/python{minor}/site-packages/{member}": archive.read(member)
            for member in archive.namelist()
            if not member.endswith("/")
        }
    return Package(name=name, version=version, files=files, depends=depends)


def python(version: str = "3.11.4", subdir: str = "linux-64") -> Package:
    """Return a Python that has the layout of conda's, and does not run."""
    minor = version.rpartition(".")[0]
    return Package(
        name="python",
        version=version,
        subdir=subdir,
        files={
            f"bin/python{minor}": f"#!{PLACEHOLDER}/bin/sh\n".encode(),
            f"lib/python{minor}/os.py": b"x = 1\n",
            f"lib/python{minor}/__pycache__/os.cpython-311.pyc": BYTECODE,
            "lib/libpython.so": b"\0\1" + PLACEHOLDER.encode() + b"/lib\0\2",
        },
        links={"bin/python": f"python{minor}", "bin/python3": f"python{minor}"},
    )
