"""``lading cache``: looking after the store."""

import json
import re
from pathlib import Path
from typing import Annotated

import typer

from lading import carrying, upkeep
from lading.cli import options
from lading.cli.reporting import reported
from lading.errors import InvalidOption, StoreError
from lading.store import Store

commands = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@commands.command("list")
@reported
def list_(
    *,
    as_json: Annotated[bool, typer.Option("--json", help="Print it as JSON.")] = False,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Print where the store is, what it holds, and how much that is."""
    store = Store.default()
    holdings = upkeep.survey(store)
    if as_json:
        held = [{"name": held.name, "count": held.count, "size_bytes": held.size_bytes} for held in holdings]
        typer.echo(json.dumps({"path": str(store.root), "holdings": held}, indent=2))
        return
    typer.echo(store.root)
    for holding in (*holdings, _total(holdings)):
        typer.echo(f"{holding.name:30} {holding.count:6} {holding.size_bytes / 1e6:10.1f} MB")


@commands.command()
@reported
def prune(
    *,
    unused_for: Annotated[
        str, typer.Option(metavar="TIME", help="How long nobody has used it: 12h, 30d, 8w; an hour at least.")
    ] = "30d",
    everything: Annotated[
        bool, typer.Option("--all", help="Remove everything; only while no build runs.")
    ] = False,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Remove what no build has used for long."""
    if everything:
        removed = upkeep.prune(Store.default(), -1, kept_kinds=frozenset())
    else:
        removed = upkeep.prune(Store.default(), max(_seconds(unused_for), upkeep.IN_USE_S))
    typer.echo(f"removed {removed.count} files, {removed.size_bytes / 1e6:.1f} MB")


@commands.command()
@reported
def verify(
    *,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Hash everything anew; what was damaged is removed, and told."""
    damaged = upkeep.verify(Store.default())
    for path in damaged:
        typer.echo(path)
    if damaged:
        raise StoreError(
            f"{len(damaged)} files of the store were damaged, and are removed",
            hint="builds fetch or make them again; look after the disk",
        )
    typer.echo("nothing is damaged")


@commands.command()
@reported
def export(
    file: Annotated[Path, typer.Argument(metavar="FILE", dir_okay=False, help="Where it is written.")],
    *,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Write the whole store to one file, for a machine without network."""
    count = carrying.export(Store.default(), file)
    typer.echo(f"{file}: {count} files, {file.stat().st_size / 1e6:.1f} MB")


@commands.command("import")
@reported
def import_(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", exists=True, dir_okay=False, help="What export has written.")
    ],
    *,
    debug: options.Debug = False,  # noqa: ARG001 - for `reported`
) -> None:
    """Add what an exported store holds; only from whom you trust."""
    typer.echo(f"added {carrying.import_(Store.default(), file)} files")


def _total(holdings: tuple[upkeep.Holding, ...]) -> upkeep.Holding:
    count, size_bytes = (sum(getattr(held, name) for held in holdings) for name in ("count", "size_bytes"))
    return upkeep.Holding("all", count, size_bytes)


def _seconds(text: str) -> float:
    match = re.fullmatch(r"(\d+)([smhdw])", text)
    if match is None:
        raise InvalidOption(f"--unused-for {text!r} is no time", hint="write one like 12h, 30d or 8w")
    return float(int(match[1]) * _SECONDS[match[2]])
