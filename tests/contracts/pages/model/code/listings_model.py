"""A model that says which rows it was given, on the standard library alone."""

import time


class ListingsModel:
    """Prices flats by their size."""

    def predict(self, data, params=None):
        """Return a price for each row, in the currency that is asked for; refuse what has no rooms."""
        if isinstance(data, dict):
            return {"heard": data}
        if (data["rooms"] < 1).any():
            raise ValueError("a flat without rooms")
        currency = params["currency"]
        return [
            {"title": title, "price": area * 100, "currency": currency, "rooms": rooms}
            for title, area, rooms in zip(data["title"], data["area"], map(str, data["rooms"]), strict=True)
        ]

    def predict_stream(self, data):
        """Say one word after the other."""
        for word in data["prompt"].split():
            time.sleep(0.01)
            yield word


def _load_pyfunc(path):
    """Return the model."""
    return ListingsModel()
