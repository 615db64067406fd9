"""What `docker buildx build --progress plain` prints."""

from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lading.engines.buildkit_log import BuildKitLog
from lading.progress import Silent

FAILED_BUILD = """\
#0 building with "default" instance using docker driver

#2 [internal] load .dockerignore
#2 transferring context: 2B done
#2 DONE 0.0s

#5 [internal] load build context
#5 transferring context: 50.11MB 0.9s
#5 transferring context: 124.38MB 1.7s done
#5 DONE 1.7s

#9 [server-install 3/3] RUN ["python3.11", "/lading/install.py", "/opt/lading"]
#9 DONE 0.3s

#11 [environment-install 2/2] RUN ["python3.11", "/lading/install.py", "/opt/env"]
#11 0.301 error: the hash of beta is another
#11 ERROR: process "python3.11 /lading/install.py /opt/env" did not complete successfully: exit code: 1
------
 > [environment-install 2/2] RUN ["python3.11", "/lading/install.py", "/opt/env"]:
0.301 error: the hash of beta is another
------
Dockerfile:20
--------------------
  20 | >>> RUN ["python3.11", "/lading/install.py", "/opt/env"]
--------------------
ERROR: failed to solve: process "python3.11 /lading/install.py /opt/env" did not complete: exit code: 1
"""


@dataclass
class Recorder(Silent):
    """Remembers what it is told."""

    lines: list[str] = field(default_factory=list)
    sent: list[tuple[str, int]] = field(default_factory=list)

    @contextmanager
    def transfer(self, name, total_bytes):
        """Remember what was moved."""
        yield lambda count: self.sent.append((name, count))

    def line(self, text: str) -> None:
        """Remember the line."""
        self.lines.append(text)


def read(text: str) -> tuple[BuildKitLog, Recorder]:
    """A log that has read *text*, and what it told."""
    told = Recorder()
    log = BuildKitLog(told)
    for line in text.splitlines():
        log.read(line)
    return log, told


def test_every_line_is_handed_on():
    """Whoever watches sees what BuildKit prints, without its empty lines."""
    _, told = read(FAILED_BUILD)

    assert told.lines == [line for line in FAILED_BUILD.splitlines() if line]


def test_what_was_sent_is_told_once():
    """The context counts when all of it was sent; the list of ignored files is not the context."""
    _, told = read(FAILED_BUILD)

    assert told.sent == [("context", 124_380_000)]


def test_a_failure_names_step_and_reason():
    """The step is the one that failed, the reason what it ended with."""
    log, _ = read(FAILED_BUILD)

    step, _, reason = log.failure.partition(": ")
    assert step == '[environment-install 2/2] RUN ["python3.11", "/lading/install.py", "/opt/env"]'
    assert reason == 'process "python3.11 /lading/install.py /opt/env" did not complete: exit code: 1'
    assert log.has_failed_step
    assert "the hash of beta is another" in log.tail


@pytest.mark.parametrize(
    ("text", "failure"),
    [
        ("ERROR: failed to build: failed to solve: no such thing\n", "no such thing"),
        ("ERROR: no builder\nmore\n", "no builder"),
        ("docker: something else\n", "docker: something else"),
        ("", "no output"),
    ],
)
def test_not_only_steps_fail(text, failure):
    """Where no step failed, the reason is what the command said in the end."""
    log, _ = read(text)

    assert (log.failure, log.has_failed_step) == (failure, False)


@given(st.text())
def test_any_text_can_be_read(text):
    """A line of an unknown kind is handed on, and nothing else."""
    log, told = read(text)

    assert len(told.lines) <= len(text.splitlines())
    assert log.failure
