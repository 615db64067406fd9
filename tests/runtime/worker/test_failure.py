"""Exceptions as errors of the wire."""

import asyncio
import importlib.util
import sys
import types
from pathlib import Path

import pytest
from lading_runtime.worker.failure import describe, describe_raised, is_mlflow_exception, stack_trace
from lading_runtime.worker.redaction import Redactor
from lading_runtime.worker.refusal import Refusal


@pytest.fixture
def module_at(tmp_path):
    """Give a function that imports source text under a name, from a file at a path."""
    made = []

    def import_at(path: str, name: str, source: str) -> types.ModuleType:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(source)
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        made.append(name)
        spec.loader.exec_module(module)
        return module

    yield import_at
    for name in made:
        del sys.modules[name]


def raised_by(function, *arguments) -> BaseException:
    """Return what *function* raises."""
    with pytest.raises(BaseException) as caught:  # noqa: PT011 - each test says what it wants of it
        function(*arguments)
    return caught.value


MODEL = """
def predict(value):
    return check(value)

def check(value):
    raise ValueError(f"bad value {value}")

def translate(value):
    try:
        check(value)
    except ValueError as error:
        raise KeyError("no translation") from error

def stumble(value):
    try:
        check(value)
    except ValueError:
        return {}["missing"]

def recurse(value):
    return recurse(value)
"""


def test_the_model_is_to_blame_for_what_it_raises(module_at):
    """An exception of the model has its type, its text and its frames."""
    model = module_at("site-packages/shop/model.py", "shop", MODEL)
    error = describe_raised(raised_by(model.predict, "tomato"), str)

    assert (error["source"], error["type"], error["message"]) == ("model", "ValueError", "bad value tomato")
    assert 'shop/model.py", line 3, in predict\n' in error["stack_trace"]
    assert error["stack_trace"].endswith("ValueError: bad value tomato\n")


def test_texts_have_no_values_of_the_payload(module_at):
    """Neither the message nor the stack trace repeats what the client sent."""
    model = module_at("shop.py", "shop", MODEL)
    error = describe_raised(raised_by(model.predict, "tomato"), Redactor(["tomato"]))

    assert error["message"] == "bad value \N{HORIZONTAL ELLIPSIS}"
    assert "tomato" not in error["stack_trace"]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("site-packages/mlflow/pyfunc/model.py", "mlflow.pyfunc.model"),
        ("somewhere/mlflow/pyfunc/model.py", "mlflow.pyfunc.model"),
        ("dist-packages/mlflow/pyfunc/model.py", "__main__of_a_pickle"),
        ("lib/python3.11/asyncio/runners.py", "runners"),
    ],
)
def test_frames_of_others_are_left_out(module_at, path, name):
    """Frames of MLflow and of the machinery, by module or by file, are not in a stack trace."""
    others = module_at(path, name, "def call(function, value):\n    return function(value)\n")
    model = module_at("shop.py", "shop", MODEL)
    trace = stack_trace(raised_by(others.call, model.predict, 1), str)

    assert Path(path).name not in trace
    assert "shop.py" in trace


def test_frames_of_the_event_loop_are_left_out(module_at):
    """A model that runs coroutines shows its own frames, not the loop's."""
    model = module_at("shop.py", "shop", "async def predict(value):\n    raise ValueError(value)\n")
    trace = stack_trace(raised_by(lambda: asyncio.run(model.predict("x"))), str)

    assert "asyncio/" not in trace
    assert "in predict" in trace


def test_an_error_without_frames_of_the_model_still_has_a_trace(module_at):
    """Where only others' frames are left, the trace is the line with type and text."""
    others = module_at("mlflow/own.py", "mlflow.own", "def call(value):\n    raise TypeError('not so')\n")
    error = raised_by(others.call, 1)
    error = error.with_traceback(error.__traceback__.tb_next if error.__traceback__ else None)

    assert stack_trace(error, str) == "TypeError: not so\n"


def test_causes_come_first(module_at):
    """What caused an error is told before it, as Python tells it."""
    model = module_at("shop.py", "shop", MODEL)
    caused = stack_trace(raised_by(model.translate, 1), str)
    followed = stack_trace(raised_by(model.stumble, 1), str)

    assert caused.index("ValueError: bad value 1") < caused.index("direct cause") < caused.index("KeyError")
    assert followed.index("ValueError") < followed.index("During handling") < followed.index("KeyError")


def test_causes_in_a_circle_end():
    """Errors that name each other as their cause are told once each."""
    first, second = ValueError("first"), ValueError("second")
    first.__cause__, second.__cause__ = second, first

    assert stack_trace(first, str).count("ValueError: first") == 1


def test_endless_recursion_is_told_shortly(module_at):
    """A thousand equal frames are summed up."""
    model = module_at("shop.py", "shop", MODEL)
    error = describe_raised(raised_by(model.recurse, 1), str)

    assert error["type"] == "RecursionError"
    assert len(error["stack_trace"].splitlines()) < 40


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_ending_the_process_is_its_own_kind_of_error(kind):
    """A model that tries to end the process is told apart from one that fails."""
    assert describe_raised(kind(3), str)["source"] == "exit"


class Coded(Exception):
    """An error as MLflow's: by its name and module alone, for MLflow is not imported."""

    def __init__(self, message, **codes):
        super().__init__(message)
        vars(self).update(codes)


MlflowException = type("MlflowException", (Coded,), {"__module__": "mlflow.exceptions"})


class OwnMlflowException(MlflowException):  # type: ignore[misc, valid-type]
    """What a model may derive from it."""


def test_the_codes_of_an_mlflow_exception_count():
    """An MlflowException, or one derived from it, brings the codes that it has, and no others."""
    full = OwnMlflowException(
        "nf", error_code="NOT_FOUND", sqlstate="KAM00", error_class="RESOURCE_NOT_FOUND"
    )
    told = describe_raised(full, str)
    bare = describe_raised(MlflowException("rl", error_code="REQUEST_LIMIT_EXCEEDED", sqlstate=None), str)

    assert told["source"] == "mlflow"
    assert (told["error_code"], told["sqlstate"], told["error_class"]) == (
        "NOT_FOUND",
        "KAM00",
        "RESOURCE_NOT_FOUND",
    )
    assert bare["error_code"] == "REQUEST_LIMIT_EXCEEDED"
    assert not {"sqlstate", "error_class"} & bare.keys()


def test_a_name_alone_is_no_mlflow_exception():
    """A class of the same name that is not MLflow's is any exception of the model."""
    impostor = type("MlflowException", (Exception,), {"__module__": "shop"})

    assert not is_mlflow_exception(impostor("x"))


def test_native_loaders_refuse_as_mlflow_does():
    """A Refusal, which stands for an MlflowException where MLflow is not installed, brings codes as well."""
    told = describe_raised(Refusal("one row only", "INVALID_PARAMETER_VALUE"), str)

    assert (told["source"], told["error_code"]) == ("mlflow", "INVALID_PARAMETER_VALUE")


def test_an_exception_that_cannot_say_itself_is_told_by_type():
    """An exception whose ``__str__`` raises is answered with its type."""

    class Mute(Exception):
        def __str__(self):
            raise RuntimeError

    error = describe(Mute(), "model", str)

    assert (error["type"], error["message"], error["stack_trace"]) == ("Mute", "", "Mute\n")
