"""What a client is told of an error that a model process reports."""

from lading_runtime.errors import ModelProcessLost
from lading_runtime.server.answers import error_in


def test_the_words_with_which_a_model_ends_its_process_are_its_own():
    """``SystemExit("…")`` is told as what it is; its text may repeat the payload, as that of any error."""
    error = error_in({"error": {"source": "exit", "type": "SystemExit", "message": "secret words"}})

    assert type(error) is ModelProcessLost
    assert error.message == "the model tried to end its process"


def test_a_process_that_says_nothing_is_lost():
    """An answer without a value and without an error is none."""
    assert error_in({}).message == "the model process gave no answer"
