"""The program that asks rattler: one question as JSON on standard input, one answer on standard output.

It is a process of its own because rattler's threads may outlive the interpreter that they hand results to:
in one of three runs or so Python then ends with a segmentation fault (py-rattler 0.28; the race is
https://github.com/PyO3/pyo3-async-runtimes/issues/40). This process ends without an interpreter's farewell.
No other file imports rattler.
"""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any

import rattler
from rattler.config import Config
from rattler.networking import Client
from rattler.package_streaming import PackageArchive, download_to_path
from rattler.repo_data import Gateway

_AT_ONCE = 8


async def solve(question: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the packages that satisfy the specifications of *question*; strict channel priority."""
    gateway = Gateway(cache_dir=question["cache"], client=_client())
    subdirs = [rattler.Subdir(name) for name in (question["subdir"], "noarch")]
    records = await rattler.solve(
        sources=question["channels"],
        specs=question["specs"],
        gateway=gateway,
        platforms=subdirs,
        virtual_packages=[_virtual(*each) for each in question["virtual_packages"]],
    )
    return [
        {
            "name": record.name.normalized,
            "version": str(record.version),
            "build": str(record.build),
            "subdir": record.subdir,
            "url": record.url,
            "sha256": record.sha256.hex() if record.sha256 else None,
            "size_bytes": record.size,
        }
        for record in records
    ]


async def fetch(question: Mapping[str, Any]) -> None:
    """Download the files of *question*, several at once; each that is complete is told at once."""
    client, slots = _client(), asyncio.Semaphore(_AT_ONCE)

    async def download(url: str, target: str) -> None:
        async with slots:
            await download_to_path(client, url, Path(target))
        _tell({"fetched": target})

    await asyncio.gather(*(download(url, target) for url, target in question["files"]))


async def lay_out(question: Mapping[str, Any]) -> None:
    """Put packages into a prefix, with another path written into them than the one where they are."""
    records = []
    for package in question["packages"]:
        record = await rattler.RepoDataRecord.from_package_archive(package["path"])
        record.sha256 = bytes.fromhex(package["sha256"])
        records.append(record)
    await rattler.install(
        records,
        target_prefix=question["prefix"],
        cache_dir=Path(question["cache"]),
        installed_packages=[],
        platform=rattler.Subdir(question["subdir"]),
        execute_link_scripts=False,
        show_progress=False,
        alternative_target_prefix=question["target"],
    )


async def contents(question: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return what each package wants to write: paths, the links among them, and Python entry points."""
    return [await _content(path) for path in question["packages"]]


async def _content(path: str) -> dict[str, Any]:
    archive = await PackageArchive.from_path(path)
    paths = (await archive.paths_json()).paths
    link = await archive.read_file("info/link.json")
    python = (json.loads(link) if link else {}).get("noarch") or {}
    return {
        "paths": [str(each.relative_path) for each in paths],
        "links": [str(each.relative_path) for each in paths if each.path_type.softlink],
        "entry_points": python.get("entry_points") or [],
    }


def _client() -> Client:
    """Return a client with the user's mirrors, proxies and logins (``rattler auth login``, netrc)."""
    config = Config.load_from_default_locations("rattler")
    # The host's certificates, or SSL_CERT_FILE: a company's CA is there, and not among Mozilla's.
    config.set("tls-root-certs", '"system"')
    return Client.from_config(config)


def _virtual(name: str, version: str, build: str) -> rattler.GenericVirtualPackage:
    return rattler.GenericVirtualPackage(
        rattler.PackageName(name), rattler.Version(version), rattler.BuildString(build)
    )


def _tell(answer: Mapping[str, Any]) -> None:
    print(json.dumps(answer), flush=True)  # noqa: T201 - standard output is the channel to the asking process


_VERBS: dict[str, Callable[[Mapping[str, Any]], Coroutine[Any, Any, Any]]] = {
    verb.__name__: verb for verb in (solve, fetch, lay_out, contents)
}


def main() -> None:
    """Answer the question on standard input."""
    question = json.load(sys.stdin)
    try:
        answer = asyncio.run(_VERBS[question["verb"]](question))
    except Exception as error:  # noqa: BLE001 - whatever it is, the asking process tells the user
        _tell({"error": type(error).__name__, "message": str(error)})
    else:
        _tell({"answer": answer})
    sys.stdout.flush()
    os._exit(0)  # see above


if __name__ == "__main__":
    main()
