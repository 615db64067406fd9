"""Packages → a root file system: what their maintainer scripts would have done is done here, in Python."""

from collections.abc import Sequence

from lading.debian.control import parse_paragraph
from lading.debian.linker_cache import add_linker_cache
from lading.debian.root import Root, file, folder, link
from lading.debian.unpack import Unpacked
from lading.debian.user import USER_ID

_PASSWD = f"""\
root:x:0:0:root:/root:/usr/sbin/nologin
nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin
nonroot:x:{USER_ID}:{USER_ID}:nonroot:/home/nonroot:/usr/sbin/nologin
"""
_GROUP = f"""\
root:x:0:
tty:x:5:
staff:x:50:
nogroup:x:65534:
nonroot:x:{USER_ID}:
"""
_NSSWITCH = """\
passwd:         files
group:          files
shadow:         files
hosts:          files dns
networks:       files
protocols:      files
services:       files
ethers:         files
rpc:            files
"""

_LINKS = {
    "bin": "usr/bin",
    "sbin": "usr/sbin",
    "lib": "usr/lib",
    "lib64": "usr/lib64",
    "etc/localtime": "/usr/share/zoneinfo/Etc/UTC",
    "var/run": "/run",
    "var/lock": "/run/lock",
    # OpenSSL looks for certificates in its own folder; the package openssl, which is not here, has these.
    "usr/lib/ssl/cert.pem": "/etc/ssl/certs/ca-certificates.crt",
    "usr/lib/ssl/certs": "/etc/ssl/certs",
}
_FOLDERS = {
    "home": folder(),
    # The group is root's so that platforms which run images as any user of it (OpenShift) can write there.
    "home/nonroot": folder(0o770, USER_ID, 0),
    "root": folder(0o700),
    "run/lock": folder(0o1777),
    "tmp": folder(0o1777),
    "var/tmp": folder(0o1777),
    **{name: folder() for name in ("dev", "mnt", "opt", "proc", "srv", "sys", "usr/bin", "usr/lib64")},
}
_CERTIFICATES = "usr/share/ca-certificates/mozilla"


def assemble(packages: Sequence[Unpacked], architecture: str, python: str | None = None) -> Root:
    """Return the root file system that *packages* make.

    Args:
        packages: sorted by name.
        architecture: as Debian names it.
        python: the name of the interpreter, such as ``python3.11``, that ``python`` shall be.

    Raises:
        ArchiveError: two packages have different files at one path.
    """
    root = Root()
    for path, node in _FOLDERS.items():
        root.add(path, node)
    for path, target in _LINKS.items():
        root.put(path, link(target))
    for package in packages:
        for path, node in package.nodes:
            if path not in _FOLDERS and path not in _LINKS:
                root.add(path, node)
        _register(root, package)
    _add_accounts(root)
    _add_certificates(root)
    if python is not None:
        root.put("usr/bin/python3", link(python))
        root.put("usr/bin/python", link("python3"))
    add_linker_cache(root, architecture)
    return root


def _register(root: Root, package: Unpacked) -> None:
    """Say in the image that it has *package*, as distroless does, for Trivy, Grype, Syft and others.

    See its ``PACKAGE_METADATA.md``: what ``dpkg-deb --field`` prints, and the checksums beside.
    """
    folder_path = "var/lib/dpkg/status.d"
    name = parse_paragraph(package.control).get("Package", package.name)
    root.put(f"{folder_path}/{name}", file(package.control.encode()))
    root.put(f"{folder_path}/{name}.md5sums", file(package.checksums.encode()))


def _add_accounts(root: Root) -> None:
    root.put("etc/passwd", file(_PASSWD.encode()))
    root.put("etc/group", file(_GROUP.encode()))
    root.put("etc/nsswitch.conf", file(_NSSWITCH.encode()))
    root.put("etc/timezone", file(b"Etc/UTC\n"))


def _add_certificates(root: Root) -> None:
    """Join the certificates that Mozilla trusts, as ``update-ca-certificates`` does."""
    found = [node.data for name, node in root.below(_CERTIFICATES) if name.endswith(".crt")]
    bundle = b"".join(data if data.endswith(b"\n") else data + b"\n" for data in found)
    root.put("etc/ssl/certs/ca-certificates.crt", file(bundle))
