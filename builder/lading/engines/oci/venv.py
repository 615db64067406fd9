"""What makes a folder of an image a virtual environment (PEP 405), beside the packages in it.

`sys.prefix` and `site` go by ``pyvenv.cfg`` and the links in ``bin``, so ``.pth`` files and scripts behave
as in any other environment. It has no pip, as those that uv makes.
"""

import posixpath
from collections.abc import Iterable

from lading.engines.oci.scheme import Scheme, folders_of
from lading.oci.tar import Kind, TarEntry, padding

_SETTINGS = """\
home = {home}
include-system-site-packages = false
version = {minor}
"""

SETTINGS = "pyvenv.cfg"


def links(scheme: Scheme, python: str) -> dict[str, str]:
    """Return the links of an environment by path, each with what it leads to.

    Args:
        scheme: of the environment.
        python: the absolute path of the interpreter that it stands on.
    """
    names = ("bin/python3", f"bin/python{scheme.minor}")
    return {"bin/python": python, **dict.fromkeys(names, "python"), "lib64": "lib"}


def skeleton(scheme: Scheme, python: str) -> bytes:
    """Return the tar entries of an environment without packages.

    Args:
        scheme: of the environment.
        python: the absolute path of the interpreter that it stands on.
    """
    text = _SETTINGS.format(home=posixpath.dirname(python), minor=scheme.minor).encode()
    root = scheme.target.strip("/")
    found = links(scheme, python)
    entries = [folder_headers(scheme, [*found, f"{scheme.packages}/."])]
    for path, goal in sorted(found.items()):
        entries.append(TarEntry(f"{root}/{path}", Kind.LINK, mode=0o777, target=goal).header())
    entries += [TarEntry(f"{root}/{SETTINGS}", size_bytes=len(text)).header(), text, padding(len(text))]
    return b"".join(entries)


def folder_headers(scheme: Scheme, paths: Iterable[str]) -> bytes:
    """Return the tar entries of all folders that *paths* of an environment are in, parents first.

    Every layer has them, always the same: a folder that only a lower layer tells of would be made by some
    engines for root alone.
    """
    root = scheme.target.strip("/")
    found = folders_of(f"{root}/{path}" for path in paths)
    ordered = sorted(found, key=lambda path: path.split("/"))
    return b"".join(TarEntry(path, Kind.FOLDER, mode=0o755).header() for path in ordered)
