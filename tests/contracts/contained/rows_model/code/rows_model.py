"""The obedient model of the process tests, row by row: its requests can be predicted together."""

import obedient_model


class RowsModel:
    """Obeys each row's prompt."""

    def __init__(self, one: obedient_model.ObedientModel) -> None:
        self._one = one

    def predict(self, data):
        """Return what the prompts ask for, as text."""
        return [str(self._one.predict({"prompt": prompt})) for prompt in data["prompt"]]


def _load_pyfunc(path):
    """Return the model."""
    return RowsModel(obedient_model._load_pyfunc(path))
