"""The lines that an engine streams."""

import pytest
from docker.errors import APIError
from lading.engines.events import BuildOutput, StreamFailed, explain, first_line, follow
from lading.progress import Silent


class Lines(Silent):
    """Remembers what it is told."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def line(self, text: str) -> None:
        """Remember it."""
        self.lines.append(text)


def test_printed_lines_are_told_without_colours():
    """Each line of a stream is told once; empty ones and terminal codes are left out."""
    told = Lines()

    events = list(follow([{"stream": "\x1b[91mone\x1b[0m\n\n two\n"}, {"aux": {}}], told))

    assert told.lines == ["one", " two"]
    assert len(events) == 2


def test_an_error_in_a_stream_is_raised():
    """What the engine reports in the middle ends the stream."""
    with pytest.raises(StreamFailed, match=r"^no such thing$"):
        list(follow([{"stream": "x"}, {"error": " no such thing\n"}], Silent()))


@pytest.mark.parametrize(
    ("streams", "steps"),
    [
        (
            [
                "Step 1/2 : FROM a\n",
                " ---> 72f823ebda07\n",
                " ---> Running in 444444444444\n",
                " ---> e27b869388fc\n",
            ],
            ["72f823ebda07", "e27b869388fc"],
        ),
        (["[1/2] STEP 2/5: USER 0\n", "--> e1ae5b7d993\n"], ["e1ae5b7d993"]),
    ],
)
def test_the_images_of_steps_are_known(streams, steps):
    """Docker and Podman tell the image of each step, each in its own way."""
    output = BuildOutput()
    for stream in streams:
        output.read({"stream": stream})

    assert output.steps == steps


@pytest.mark.parametrize("event", [{"aux": {"ID": "sha256:" + "a" * 64}}, {"stream": "a" * 64 + "\n"}])
def test_the_result_is_known(event):
    """The result is told apart from the text, or is its last line."""
    output = BuildOutput()
    output.read(event)
    output.read({"stream": "Successfully built bbbbbbbbbbbb\n"})

    assert output.image == "a" * 64


def test_a_full_disk_is_explained():
    """A message about space says how to get some; others get the hint of their place."""
    assert "docker image prune" in str(explain("write /x: no space left on device", "x"))
    assert explain("anything else", "x") == "x"


def test_only_the_engines_own_words_are_shown():
    """The text of docker-py around a message is left out, and so is all but its first line."""
    assert (
        first_line(APIError("404 Client Error", explanation="no such image: x\nmore")) == "no such image: x"
    )
    assert first_line(StreamFailed("boom")) == "boom"
    assert first_line(ValueError()) == "ValueError"
