"""What ``docker buildx build --progress plain`` prints, read line by line.

    #5 [internal] load build context                        step 5 begins
    #5 transferring context: 124.38MB 1.7s done             what was sent, in powers of 1000
    #9 [environment-install 2/2] RUN ["python3.11", …]
    #9 0.301 error: hash mismatch                           0.301 s after it began, the step printed this
    #9 ERROR: process "…" did not complete successfully: exit code: 1
    ERROR: failed to solve: process "…" did not complete successfully: exit code: 1

Everything else is for people.
"""

import re
from collections import deque
from dataclasses import dataclass, field

from lading.progress import Progress

_BEGIN = re.compile(r"#(?P<step>\d+) (?P<title>\[.+)")
_SENT = re.compile(r"#(?P<step>\d+) transferring context: (?P<number>[\d.]+)(?P<unit>[kMGT]?)B .*done")
_STEP_FAILED = re.compile(r"#(?P<step>\d+) ERROR: ")
_FAILED = re.compile(r"ERROR: (?:failed to (?:build|solve): )*(?P<reason>.+)")

_CONTEXT = "[internal] load build context"
_BYTES = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9, "T": 10**12}
_TAIL_LINES = 200


@dataclass(slots=True)
class BuildKitLog:
    """Hands on what a build prints, and remembers what a failure is explained with."""

    progress: Progress
    _titles: dict[str, str] = field(default_factory=dict)
    _tail: deque[str] = field(default_factory=lambda: deque(maxlen=_TAIL_LINES))
    _failed_step: str | None = None
    _reason: str | None = None

    def read(self, line: str) -> None:
        """Take a line."""
        if not line:
            return
        self.progress.line(line)
        self._tail.append(line)
        if match := _BEGIN.fullmatch(line):
            self._titles.setdefault(match["step"], match["title"])
        elif (match := _SENT.fullmatch(line)) and self._titles.get(match["step"]) == _CONTEXT:
            self._tell_sent(round(float(match["number"]) * _BYTES[match["unit"]]))
        elif match := _STEP_FAILED.match(line):
            self._failed_step = self._titles.get(match["step"])
        elif match := _FAILED.fullmatch(line):
            self._reason = match["reason"]

    def _tell_sent(self, size_bytes: int) -> None:
        with self.progress.transfer("context", size_bytes) as moved:
            moved(size_bytes)

    @property
    def tail(self) -> str:
        """The last lines."""
        return "\n".join(self._tail)

    @property
    def has_failed_step(self) -> bool:
        """Whether it was a step of the Dockerfile that failed, not BuildKit."""
        return self._failed_step is not None

    @property
    def failure(self) -> str:
        """The reason why the build failed, with the step if it was one."""
        reason = self._reason or (self._tail[-1] if self._tail else "no output")
        return f"{self._failed_step}: {reason}" if self._failed_step else reason
