"""A model that does what its input says, on the standard library alone."""

import os
import time
from pathlib import Path


class ObedientModel:
    """Obeys the first word of its prompt."""

    def predict(self, data):
        """Return what the prompt asks for."""
        word, _, rest = data["prompt"].partition(" ")
        if word == "pid":
            return os.getpid()
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
