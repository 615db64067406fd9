"""The commands and their help."""

import subprocess
import sys

import pytest

COMMANDS = ("build-image", "dockerfile", "serve", "predict", "version")


def test_help_fits_a_small_terminal(lading):
    """All commands and exit codes are seen at once, in 80 columns and 24 lines."""
    done = lading("--help")

    lines = done.stdout.splitlines()
    assert done.returncode == 0
    assert len(lines) <= 24
    assert max(map(len, lines)) <= 80
    assert all(f"  {command} " in done.stdout for command in COMMANDS)
    assert "130 interrupted" in done.stdout


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_explains_itself(lading, command):
    """Each command has help of its own, without words of Python in it."""
    done = lading(command, "--help")

    assert (done.returncode, done.stderr) == (0, "")
    assert f"Usage: lading {command}" in done.stdout
    assert "<class" not in done.stdout


def test_build_image_is_a_program_of_its_own(lading):
    """`build-image` is `lading build-image`."""
    own, other = lading("--help", program="build-image"), lading("build-image", "--help")

    assert "--model-uri" in own.stdout
    assert set(other.stdout.split()) - {"lading"} <= set(own.stdout.split())


def test_help_does_not_wait_for_what_building_needs():
    """Neither the engine's client nor an HTTP client nor progress bars are imported for help."""
    script = (
        "import sys; sys.argv[1:] = ['--help']\n"
        "from lading.cli.app import main\n"
        "try: main()\nexcept SystemExit: pass\n"
        "print(sorted({'docker', 'httpx', 'fsspec', 'rich', 'jinja2', 'yaml'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert done.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize("program", ["main", "build_image"])
@pytest.mark.parametrize("module", ["typer", "packaging"])
def test_an_interruption_while_loading_is_one_line(program, module):
    """Ctrl-C in the first second, when most time goes into imports, shows no traceback either."""
    script = f"""\
import sys

class Interrupting:
    def find_spec(self, name, path=None, target=None):
        if name == {module!r}:
            raise KeyboardInterrupt

sys.meta_path.insert(0, Interrupting())
sys.argv[1:] = ["build-image"]
from lading.cli.app import {program}
{program}()
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stderr) == (130, "lading: interrupted\n")


def test_version_names_both_programs(lading):
    """The version says which Lading and which Python."""
    assert lading("version").stdout.startswith("lading 0.")


@pytest.mark.parametrize(
    "words", [("nope",), ("build-image",), ("build-image", "-m", "x", "-n", "a", "--nope")]
)
def test_wrong_usage_is_2(lading, words):
    """An unknown command, a missing and an unknown option end with 2 and say what is wrong."""
    done = lading(*words)

    assert done.returncode == 2
    assert "Error:" in done.stderr
