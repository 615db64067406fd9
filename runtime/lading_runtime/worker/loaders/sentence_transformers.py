"""Sentence transformers, loaded without MLflow.

The reference is ``mlflow.sentence_transformers._load_pyfunc`` and its ``_SentenceTransformerModelWrapper``.
"""

from __future__ import annotations

import importlib
from typing import Any

from lading_runtime.worker.loaders.flavour import data_of, release_of
from lading_runtime.worker.loaders.python_function import model_config
from lading_runtime.worker.model import LoadedModel, ModelFolder, Params
from lading_runtime.worker.refusal import Refusal

FIRST_WITH_REMOTE_CODE = (2, 3)
"""The version from which code in the model's folder is asked about, and MLflow trusts it."""


class SentenceTransformersLoader:
    """Loads an encoder from its folder."""

    def load(self, model: ModelFolder) -> LoadedModel:
        """Return *model* loaded."""
        library = importlib.import_module("sentence_transformers")
        is_asked = release_of(library.__version__) >= FIRST_WITH_REMOTE_CODE
        options = {"trust_remote_code": True} if is_asked else {}
        encoder = library.SentenceTransformer(str(data_of(model)), **options)
        config = model_config(model.python_function.get("config")) or {}
        return LoadedModel(
            "sentence_transformers", Encoder(encoder, has_task=bool(config.get("task"))).predict
        )


class Encoder:
    """Encodes the first column of a frame, or texts as they come."""

    def __init__(self, encoder: Any, *, has_task: bool) -> None:
        self.encoder = encoder
        self.has_task = has_task
        self.pandas = importlib.import_module("pandas")

    def predict(self, data: Any, params: Params = None) -> Any:
        """Return an embedding per text; OpenAI's answer if the model has a task and *data* its form.

        Raises:
            Refusal: *params* are none of the encoder's.
        """
        texts = self.texts(data)
        try:
            embeddings = self.encoder.encode(texts, **(params or {}))
        except TypeError as error:
            if not params:
                raise
            message = "Received invalid parameter value for `params` argument"
            raise Refusal(message, "INVALID_PARAMETER_VALUE") from error
        if self.has_task and type(data) is self.pandas.DataFrame and next(iter(data.columns)) == "input":
            return self.as_openai(texts, embeddings)
        return embeddings

    def texts(self, data: Any) -> Any:
        """Return what the encoder is given for *data*: it refuses frames and series."""
        if type(data) is self.pandas.Series:
            return data.tolist()
        if type(data) is not self.pandas.DataFrame:
            return data
        texts = data.iloc[:, 0].tolist()
        return texts[0] if texts and type(texts[0]) is list else texts

    def as_openai(self, texts: list[str], embeddings: Any) -> dict[str, Any]:
        """Return *embeddings* as OpenAI's embeddings API answers."""
        tokens = sum(len(self.encoder.tokenizer(text)["input_ids"]) for text in texts)
        return {
            "object": "list",
            "data": [
                {"object": "embedding", "index": index, "embedding": embedding}
                for index, embedding in enumerate(embeddings)
            ],
            "usage": {"prompt_tokens": tokens, "total_tokens": tokens},
        }
