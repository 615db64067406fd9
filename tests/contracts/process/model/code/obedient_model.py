"""A model that does what its input says, on the standard library alone."""

import os
import time
from pathlib import Path


class ObedientModel:
    """Obeys the first word of its prompt."""

    made = 0
    """How many parts of streams this process has made."""

    def predict(self, data):
        """Return what the prompt asks for."""
        word, _, rest = data["prompt"].partition(" ")
        if word in {"pid", "made"}:
            return {"pid": os.getpid(), "made": self.made}[word]
        if word == "sleep":
            time.sleep(float(rest))
        elif word == "spin":
            while True:
                pass
        elif word == "exit":
            os._exit(int(rest))
        elif word == "leave":
            raise SystemExit(0)
        elif word == "raise":
            raise ValueError(data["prompt"])
        return rest

    def predict_stream(self, data):
        """Obey "delay count size …": wait, give so many parts of that size, then do the rest."""
        delay, count, size, *then = data["prompt"].split()
        time.sleep(float(delay))
        try:
            for number in range(int(count)):
                self.made += 1
                yield {"number": number, "padding": "x" * int(size)}
            if then:
                self.predict({"prompt": " ".join(then)})
        finally:
            print("stream closed", flush=True)  # noqa: T201 - what a model prints stands in the log


def _load_pyfunc(path):
    """Return the model, when a file named ``gate`` lets it, or fail as told."""
    behaviour = os.environ.get("LOADING", "")
    if behaviour == "raises":
        raise RuntimeError("the weights are missing")
    if behaviour == "dies":
        os._exit(7)
    while behaviour == "waits" and not Path(path, "gate").exists():
        time.sleep(0.01)
    return ObedientModel()
