"""A small archive as Debian's is: signed releases, indexes, and real packages that dpkg-deb builds."""

import hashlib
import lzma
import subprocess
import sysconfig
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

from tests.conftest import run

ARCHITECTURE = run("dpkg", "--print-architecture").strip()
TRIPLET = sysconfig.get_config_var("MULTIARCH")
LIBRARY = next(Path("/lib", TRIPLET).glob("libz.so.1"))
LIBC = Path("/lib", TRIPLET, "libc.so.6")
NOW = datetime(2030, 5, 4, 12, tzinfo=UTC)


@dataclass(frozen=True)
class Key:
    """A key pair that signs releases."""

    home: Path

    @classmethod
    def make(cls, home: Path) -> "Key":
        """Make a key pair in the folder *home*."""
        home.mkdir(mode=0o700, parents=True)
        gpg = ["gpg", "--homedir", home, "--batch", "--passphrase", ""]
        run(*gpg, "--quick-generate-key", "archive@example.org", "ed25519", "sign", "never")
        run(*gpg, "--output", home / "ring.gpg", "--export")
        return cls(home)

    @property
    def ring(self) -> Path:
        """The public half, as gpgv reads it."""
        return self.home / "ring.gpg"

    def sign(self, text: str) -> bytes:
        """Return *text* signed, as ``InRelease`` is."""
        command = ["gpg", "--homedir", str(self.home), "--batch", "--clearsign", "--output", "-"]
        return subprocess.run(command, input=text.encode(), capture_output=True, check=True).stdout

    def close(self) -> None:
        """End the agent that gpg started for this key."""
        run("gpgconf", "--homedir", self.home, "--kill", "all")


@dataclass(frozen=True)
class Recipe:
    """What a package of a test is made of."""

    name: str
    version: str = "1.0-1"
    depends: str = ""
    files: Mapping[str, bytes | str | Path] = field(default_factory=dict)
    """Contents by path; a string is the target of a link, a path a file to copy."""

    programs: tuple[str, ...] = ()
    """Which of them can be executed."""

    compression: str = "xz"
    script: str = ""
    """A maintainer script, which must never be run."""

    def build(self, folder: Path) -> Path:
        """Build the package with dpkg-deb; return its file."""
        tree = folder / f"{self.name}-tree"
        for path, content in self.files.items():
            self._write(tree / path, content)
        control = tree / "DEBIAN"
        control.mkdir(parents=True)
        fields = {
            "Package": self.name,
            "Version": self.version,
            "Architecture": ARCHITECTURE,
            "Maintainer": "Nobody <nobody@example.org>",
            "Depends": self.depends,
            "Description": "for a test\n of bases",
        }
        lines = [f"{name}: {value}\n" for name, value in fields.items() if value]
        (control / "control").write_text("".join(lines))
        (control / "md5sums").write_text("".join(map(_md5_line, self._contents())))
        if self.script:
            (control / "postinst").write_text(self.script)
            (control / "postinst").chmod(0o755)
        tree.chmod(0o755)
        deb = folder / f"{self.name}_{self.version}_{ARCHITECTURE}.deb"
        run("dpkg-deb", "--root-owner-group", f"-Z{self.compression}", "-z1", "--build", tree, deb)
        return deb

    def _contents(self) -> list[tuple[str, bytes]]:
        return [(path, content) for path, content in self.files.items() if isinstance(content, bytes)]

    def _write(self, path: Path, content: bytes | str | Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if isinstance(content, str):
            path.symlink_to(content)
            return
        path.write_bytes(content if isinstance(content, bytes) else content.read_bytes())
        relative = "/".join(path.parts[-len(path.parts) :])
        path.chmod(0o755 if any(relative.endswith(f"/{each}") for each in self.programs) else 0o644)


def _md5_line(item: tuple[str, bytes]) -> str:
    path, content = item
    return f"{hashlib.md5(content, usedforsecurity=False).hexdigest()}  {path}\n"


_DOC = "usr/share/doc"
_CERTIFICATES = "usr/share/ca-certificates/mozilla"
_LINKER = f"# comment\n/lib/{TRIPLET}\n/usr/lib/{TRIPLET}\n".encode()

BASE = (
    Recipe(
        "base-files",
        "12",
        "awk",
        {"usr/lib/os-release": b"ID=debian\n", "etc/os-release": "../usr/lib/os-release"},
    ),
    Recipe(
        "ca-certificates",
        "2030",
        "openssl (>= 1), debconf | debconf-2.0",
        {f"{_CERTIFICATES}/B.crt": b"second", f"{_CERTIFICATES}/A.crt": b"first\n"},
        script="#!/bin/sh\nexit 1\n",
    ),
    Recipe("libc-bin", "2.36", "libc6 (>> 2.35)", {"etc/ld.so.conf": b"include /etc/ld.so.conf.d/*.conf\n"}),
    Recipe(
        "libc6",
        "2.36",
        "libgcc-s1",
        {f"etc/ld.so.conf.d/{TRIPLET}.conf": _LINKER, f"lib/{TRIPLET}/libc.so.6": LIBC},
    ),
    Recipe("libgcc-s1", "12", "gcc-12-base (= 12), libc6", {f"{_DOC}/libgcc-s1": "gcc-12-base"}),
    Recipe(
        "gcc-12-base",
        "12",
        files={f"{_DOC}/gcc-12-base/copyright": b"free", f"{_DOC}/gcc-12-base/changelog.gz": b"old"},
    ),
    *(Recipe(name) for name in ("libgomp1", "libstdc++6", "media-types")),
    Recipe("netbase", files={"etc/services": b"http 80/tcp\n"}, compression="gzip"),
    Recipe("tzdata", files={"usr/share/zoneinfo/Etc/UTC": b"TZif", "usr/share/zoneinfo/right/UTC": b"leap"}),
    Recipe(
        "zlib1g",
        "1:1.2.13",
        "libc6",
        {f"lib/{TRIPLET}/libz.so.1.2.13": LIBRARY, f"lib/{TRIPLET}/libz.so.1": "libz.so.1.2.13"},
    ),
    Recipe(
        "python3.11-minimal",
        "3.11.2-1",
        "libpython3.11-stdlib (= 3.11.2-1)",
        {"usr/bin/python3.11": b"#!/bin/true\n", "usr/share/man/man1/python3.11.1.gz": b"manual"},
        ("usr/bin/python3.11",),
    ),
    Recipe(
        "libpython3.11-stdlib",
        "3.11.2-1",
        "mime-support | media-types:any, libdb5.3 (>= 5), zlib1g (>= 1:1.2)",
        {"usr/lib/python3.11/os.py": b"name = 'posix'\n"},
    ),
    Recipe(
        "python3-distutils",
        "3.11.2-3",
        "python3:any (>= 3.11)",
        {"usr/lib/python3.11/distutils/core.py": b""},
    ),
    Recipe("python3-lib2to3", "3.9.2-1"),
)
"""The least that a base is made of."""


@dataclass
class SmallArchive:
    """Both archives of Debian in a folder, with the suites of ``testing``."""

    folder: Path
    key: Key

    debs: Mapping[str, Path]
    """The packages of a base, by name."""

    valid_until: datetime | None = NOW + timedelta(days=7)
    codename: str = "testing"
    has_by_hash: bool = True

    def add(self, archive: str, suite: str, debs: list[Path]) -> None:
        """Make a signed suite that has *debs*."""
        entries = [self._entry(archive, deb) for deb in debs]
        index = lzma.compress("\n".join(entries).encode())
        folder = self.folder / archive / "dists" / suite
        packages = folder / f"main/binary-{ARCHITECTURE}"
        sha256 = hashlib.sha256(index).hexdigest()
        for path in (packages / "Packages.xz", packages / "by-hash" / "SHA256" / sha256):
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(index)
        listed = f" {sha256} {len(index)} main/binary-{ARCHITECTURE}/Packages.xz"
        (folder / "InRelease").write_bytes(self.key.sign(self._release(suite, listed)))

    def _entry(self, archive: str, deb: Path) -> str:
        place = self.folder / archive / "pool" / deb.name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(deb.read_bytes())
        control = run("dpkg-deb", "--field", deb).strip()
        digest = hashlib.sha256(deb.read_bytes()).hexdigest()
        return f"{control}\nFilename: pool/{deb.name}\nSize: {deb.stat().st_size}\nSHA256: {digest}\n"

    def _release(self, suite: str, listed: str) -> str:
        fields = {
            "Origin": "Debian",
            "Codename": suite.replace("testing", self.codename),
            "Date": format_datetime(NOW),
            **({"Valid-Until": format_datetime(self.valid_until)} if self.valid_until else {}),
            **({"Acquire-By-Hash": "yes"} if self.has_by_hash else {}),
        }
        return "".join(f"{name}: {value}\n" for name, value in fields.items()) + f"SHA256:\n{listed}\n"
