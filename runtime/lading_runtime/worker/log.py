"""What the model's side has to say to people: lines on standard error, in the server's form."""

from __future__ import annotations

import json
import os
import sys
import time


def report(message: str, stack_trace: str = "") -> None:
    """Write one event: a line of text below its stack trace, or a JSON object with LADING_LOG_FORMAT=json."""
    if os.environ.get("LADING_LOG_FORMAT") == "json":
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        event = {
            "time": now,
            "level": "ERROR" if stack_trace else "INFO",
            "logger": __name__,
            "message": message,
        }
        text = json.dumps({**event, "stack_trace": stack_trace} if stack_trace else event) + "\n"
    else:
        text = f"{stack_trace}model host: {message}\n"
    # One write, so that lines of several processes do not mix.
    sys.stderr.write(text)
    sys.stderr.flush()
