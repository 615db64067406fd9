"""`lading build-image`: what a user reads when something is wrong, and the dry run."""

import json
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

MLMODEL = "flavors: {python_function: {loader_module: mine, python_version: 3.11.7}}\nmlflow_version: 3.1.0\n"


@pytest.fixture
def model(tmp_path) -> Path:
    """A model whose environment is one package of a folder."""
    folder: Path = tmp_path / "iris"
    folder.mkdir()
    (folder / "MLmodel").write_text(MLMODEL)
    (folder / "requirements.txt").write_text("alpha==1.0\n")
    (folder / "python_env.yaml").write_text("python: 3.11.7\ndependencies: [-r requirements.txt]\n")
    return folder


@pytest.mark.parametrize(
    ("words", "code", "message"),
    [
        (("-m", "nope", "-n", "iris"), 3, "nope"),
        (("-m", "models:/", "-n", "iris"), 2, "'models:/' is no model URI"),
        (("-m", "iris", "-n", "Iris:latest"), 2, "'Iris:latest' is no image name"),
        (("-m", "iris", "-n", "iris", "--platform", "windows/amd64"), 2, "unknown platform 'windows/amd64'"),
        (("-m", "iris", "-n", "iris", "--env", "A"), 2, "'A' is not NAME=VALUE"),
        (
            ("-m", "iris", "-n", "iris", "--from-lock", "iris/MLmodel"),
            5,
            "cannot read the lock 'iris/MLmodel'",
        ),
        (("-m", "iris", "-n", "iris", "--base-image", "a b"), 2, "'a b' is no image name"),
        (("-m", "iris", "-n", "iris", "-o", "no/such/folder/x.tar"), 2, "a folder that does not exist"),
        (("-m", "iris", "-n", "iris", "-o", "type=x"), 2, "unknown type"),
        (("-m", "iris", "-n", "iris", "--lock", "no/such/folder/lock"), 6, "cannot write the lock"),
    ],
)
def test_bad_input_is_one_line_and_a_code(lading, model, packages, words, code, message):
    """The message says what and which; there is no traceback, and nothing on stdout."""
    packages.wheel("alpha")
    words = (*words, "--find-links", packages.folder)

    done = lading("build-image", *words, "--progress", "none")

    assert (done.returncode, done.stdout) == (code, "")
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    if code != 2 or "NAME=VALUE" not in message:
        assert len(done.stderr.splitlines()) == 1
        assert done.stderr.startswith("lading: ")


def test_debug_shows_where_an_error_happened(lading):
    """A traceback comes only when it is asked for, before the line that says what is wrong."""
    done = lading("build-image", "-m", "nope", "-n", "iris", "--debug")

    assert done.returncode == 3
    assert "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].startswith("lading: ")


def test_a_folder_that_is_no_model_is_named(lading, tmp_path):
    """A folder without MLmodel is an error with its name."""
    (tmp_path / "empty").mkdir()

    done = lading("build-image", "-m", "empty", "-n", "iris", "--progress", "none")

    assert done.returncode == 3
    assert re.match(r"lading: .*empty.*MLmodel", done.stderr)


def test_without_an_engine_it_says_where_it_looked(lading, model, packages):
    """The message names what was tried and what to do."""
    options = ("--progress", "none", "--find-links", packages.folder)
    packages.wheel("alpha"), packages.wheel("pandas")

    done = lading("build-image", "-m", "iris", "-n", "iris", *options, DOCKER_HOST="unix:///no/such.sock")

    assert done.returncode == 7
    assert "tried unix:///no/such.sock (DOCKER_HOST): no such socket" in done.stderr
    assert "ci/provision" in done.stderr


def test_a_dry_run_prints_the_plan_and_needs_no_engine(lading, model, packages):
    """The plan is text for people, or JSON, and says what would be installed where."""
    packages.wheel("alpha"), packages.wheel("pandas")
    words = ("build-image", "-m", "iris", "-n", "iris", "--dry-run", "--find-links", packages.folder)

    text = lading(*words, "--mlflow", "none", "--progress", "none", DOCKER_HOST="unix:///no/such.sock")
    as_json = lading(
        *words, "--mlflow", "none", "--json", "--port", "9000", DOCKER_HOST="unix:///no/such.sock"
    )

    assert text.returncode == 0, text.stderr
    assert "base: python:3.11-slim-bookworm" in text.stdout
    assert "    alpha: 1.0" in text.stdout
    plan = json.loads(as_json.stdout)
    assert (plan["port"], plan["env"]["PORT"]) == (9000, "9000")
    assert plan["environment"]["packages"]["alpha"] == "1.0"
    assert "lading-runtime" in plan["server"]["packages"]
    assert plan["labels"]["ai.lading.model.uri"] == "file:iris"


def test_what_happens_is_told_on_stderr(lading, model, packages):
    """In a log each step has a line when it begins and one when it ends; stdout has only the result."""
    packages.wheel("alpha"), packages.wheel("pandas")

    done = lading("build-image", "-m", "iris", "-n", "iris", "--dry-run", "--find-links", packages.folder)

    assert "fetch the model ...\n" in done.stderr
    assert re.search(r"^lock the environment: \d+\.\d s$", done.stderr, re.MULTILINE)
    assert "..." not in done.stdout


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interruption_is_130(tmp_path, number):
    """Ctrl-C, SIGTERM as CI systems send it, and a terminal that goes away end in one line and 130."""
    script = """\
import os, sys, time
from lading.cli.reporting import reported

@reported
def command():
    print("ready", flush=True)
    while True:  # a signal that comes right before a sleep is heard after it
        time.sleep(0.1)

import typer
app = typer.Typer(pretty_exceptions_enable=False)
app.command()(command)
sys.argv[1:] = []
app()
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(number)
    _, errors = process.communicate(timeout=60)

    assert (process.returncode, errors) == (130, "lading: interrupted\n")
