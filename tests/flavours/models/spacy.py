"""spaCy pipelines as MLflow saves them."""

import random
from typing import Any

import mlflow.spacy
import pandas as pd
import spacy
from spacy.training import Example

from tests.flavours.variant import Variant, forget

TEXTS = {"a fine day": 1.0, "what a joy": 1.0, "rain again": 0.0, "a bad storm": 0.0}
FRAME = pd.DataFrame({"text": ["a fine storm", "joy", ""]})
INPUTS = (
    FRAME,
    FRAME.set_axis([4, 5, 6]),
    FRAME.head(0),
    FRAME.assign(more="x"),
    pd.DataFrame({"number": [1]}),
)


def pipeline(component: str) -> Any:
    """A small pipeline with a text categoriser."""
    random.seed(0)
    spacy.util.fix_random_seed(0)
    nlp = spacy.blank("en")
    categoriser = nlp.add_pipe(component)
    for label in ("good", "bad"):
        categoriser.add_label(label)
    examples = [
        Example.from_dict(nlp.make_doc(text), {"cats": {"good": good, "bad": 1 - good}})
        for text, good in TEXTS.items()
    ]
    optimizer = nlp.initialize(lambda: examples)
    for _ in range(3):
        nlp.update(examples, sgd=optimizer)
    return nlp


def save(component: str) -> Any:
    """How a pipeline is saved."""
    options: dict[str, Any] = {"input_example": FRAME.head(2), "pip_requirements": ["spacy"]}
    return lambda folder: mlflow.spacy.save_model(pipeline(component), folder, **options)


def save_old(folder: Any) -> None:
    """A model whose flavour does not say where its data is."""
    save("textcat")(folder)
    forget(folder, "spacy", "data")


VARIANTS = {
    "exclusive": Variant(save("textcat"), INPUTS),
    "several": Variant(save("textcat_multilabel"), INPUTS),
    "old": Variant(save_old, INPUTS),
}
