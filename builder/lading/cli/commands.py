"""The commands and their help.

Only the module of the command that runs is imported, so that help does not wait for what building needs.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

import typer

from lading.cli.exit_codes import EPILOG


@dataclass(frozen=True, slots=True)
class _Command:
    module: str
    help: str

    def load(self) -> Callable[..., None]:
        """Return the function behind the command."""
        command: Callable[..., None] = import_module(self.module).command
        return command


@dataclass(frozen=True, slots=True)
class _Group:
    module: str
    help: str

    def load(self) -> typer.Typer:
        """Return the commands of the group."""
        commands: typer.Typer = import_module(self.module).commands
        return commands


_BUILD_IMAGE = _Command("lading.cli.build_image", "Build a container image that serves a model.")

_COMMANDS: dict[str, _Command | _Group] = {
    "build-image": _BUILD_IMAGE,
    "dockerfile": _Command("lading.cli.dockerfile", "Write a folder that plain `docker build` builds."),
    "serve": _Command("lading.cli.serve", "Serve a model on this machine, without a container."),
    "predict": _Command("lading.cli.predict", "Predict once, from a file or standard input."),
    "swap-model": _Command("lading.cli.swap_model", "Put another model into an image, in its registry."),
    "rebase": _Command("lading.cli.rebase", "Put another base or server under an image, in its registry."),
    "cache": _Group("lading.cli.cache", "Look after what builds keep on this machine."),
    "version": _Command("lading.cli.version", "Print the versions that matter."),
}

_HELP = "Container images for MLflow models: small, reproducible, and quick to rebuild."


def lading() -> None:
    """Run ``lading``."""
    words = (word for word in sys.argv[1:] if not word.startswith("-"))
    _app(next(words, ""))()


def build_image() -> None:
    """Run ``build-image``, which is ``lading build-image``."""
    app = _empty_app()
    app.command("build-image", help=_BUILD_IMAGE.help, epilog=EPILOG)(_BUILD_IMAGE.load())
    app()


def _empty_app() -> typer.Typer:
    return typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)


def _app(wanted: str) -> typer.Typer:
    """Return the application with the command *wanted* ready to run, and the others' names."""
    app = _empty_app()
    app.callback(help=_HELP, epilog=EPILOG, no_args_is_help=True)(_nothing)
    for name, command in _COMMANDS.items():
        match command:
            case _Group():
                group = command.load() if name == wanted else typer.Typer()
                app.add_typer(group, name=name, help=command.help, no_args_is_help=True)
            case _Command():
                app.command(name, help=command.help)(command.load() if name == wanted else _nothing)
    return app


def _nothing() -> None:
    """Stand for a command that does not run."""
