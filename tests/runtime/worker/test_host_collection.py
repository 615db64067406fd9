"""When Python looks for garbage while the model host loads a model."""

LOOKING = """
import gc

class Model:
    def predict(self, data, params=None):
        return {"loading": self.loading, "predicting": gc.get_threshold(), "is_enabled": gc.isenabled()}

def _load_pyfunc(path):
    model = Model()
    CHANGE
    model.loading = gc.get_threshold()
    return model
"""


def test_a_model_is_loaded_with_few_looks_for_garbage(start_host, make_model):
    """Garbage is looked for more seldom while the model is loaded, and as ever when it predicts."""
    process = start_host(make_model(LOOKING.replace("CHANGE", "pass"))).model_process()

    seen = process.predict("anything")
    assert seen["is_enabled"]
    assert seen["loading"][0] > 100 * seen["predicting"][0]


def test_a_models_own_choice_stays(start_host, make_model):
    """What the model's code says about looking for garbage holds when it predicts."""
    process = start_host(make_model(LOOKING.replace("CHANGE", "gc.set_threshold(7, 5, 3)"))).model_process()

    assert process.predict("anything")["predicting"] == [7, 5, 3]
