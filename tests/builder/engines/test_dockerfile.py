"""A plan as a Dockerfile."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading import __version__
from lading.engines.dockerfile import FIRST_LINE, Stage, quoted, render, render_stage, words

GOLDEN = Path(__file__).parent / "golden"


def test_the_whole_dockerfile_is_as_written_down(plan_of):
    """The Dockerfile of a plan is known to the letter: golden/Dockerfile is what we want it to be."""
    text = render(plan_of(workers=2, env={"GREETING": 'a "quoted" $HOME \\ value'}, labels={"team": "a$b"}))

    assert text == (GOLDEN / "Dockerfile").read_text().replace("VERSION", __version__)


def test_the_whole_is_the_stages_on_one_another(plan_of):
    """Each stage's own Dockerfile is a part of the whole, on the name of the stage before.

    What it installs in is the base itself, so that another server leaves the installed environment as it is.
    """
    plan = plan_of()
    bases = {Stage.SERVER: plan.base, Stage.ENVIRONMENT: "server", Stage.MODEL: "environment"}

    whole = render(plan)

    assert whole.startswith(FIRST_LINE)
    for stage, base in bases.items():
        own = render_stage(stage, plan.on(base)).strip()
        assert own.replace(f"FROM {base} AS {stage}-install", f"FROM {plan.base} AS {stage}-install") in whole


def test_nothing_needs_a_shell_or_a_network(plan_of):
    """Every command is an argument vector, and nothing is fetched."""
    instructions = [line for line in render(plan_of()).splitlines() if line.startswith(("RUN", "ENTRYPOINT"))]

    assert all(isinstance(json.loads(line.split(maxsplit=1)[1]), list) for line in instructions)
    assert "http" not in render(plan_of())


def test_a_change_of_the_model_changes_only_the_last_stage(plan_of):
    """Server and environment do not know the model; the runtime's steps come before it."""
    before = plan_of()
    (plan_of.model / "MLmodel").write_text("changed\n")
    after = plan_of()

    for stage in (Stage.SERVER, Stage.ENVIRONMENT):
        assert render_stage(stage, before.on("x")) == render_stage(stage, after.on("x"))
    text = render_stage(Stage.MODEL, after)
    assert text.index("COPY runtime/") < text.index("ENTRYPOINT") < text.index("COPY model/")
    assert text.index("COPY model/") < text.index("ai.lading.model.digest")


@given(st.text(st.characters(exclude_characters="\n\r\0", codec="utf-8")))
def test_quoted_values_expand_to_themselves(value):
    """Whatever a value holds, the instruction gets exactly it: quotes, dollars and backslashes included."""
    text = quoted(value)

    assert (text[0], text[-1]) == ('"', '"')
    assert unquoted(text[1:-1]) == value


def unquoted(text: str) -> str:
    """What Docker makes of the inside of double quotes; an expansion would be an error here."""
    result, rest = "", iter(text)
    for character in rest:
        assert character not in '"$'
        result += next(rest) if character == "\\" else character
    return result


@pytest.mark.parametrize("command", [["python3", "-c", 'print("$HOME")'], ["a b", "\\", "ü"]])
def test_commands_are_json(command):
    """The exec form is a JSON array, as Docker reads it."""
    assert json.loads(words(command)) == command
