"""Sentence transformers as MLflow saves them: tiny ones with random weights."""

import tempfile
from pathlib import Path
from typing import Any

import mlflow.sentence_transformers
import pandas as pd
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.models import Pooling, Transformer
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from tests.flavours.variant import Variant

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "a", "fine", "day", "rain", "again"]
TEXTS = ["a fine day", "rain again", "something else"]
FRAME = pd.DataFrame({"text": TEXTS})
INPUTS = (
    FRAME,
    TEXTS,
    "a fine day",
    FRAME.set_axis([3, 4, 5]),
    FRAME.head(0),
    pd.DataFrame({"input": TEXTS}),
    pd.DataFrame({"input": [TEXTS]}),
    pd.DataFrame({"more": TEXTS, "input": TEXTS}),
    (FRAME, {"normalize_embeddings": True}),
    (FRAME, {"batch_size": 1}),
    (FRAME, {"unknown": 1}),
    (FRAME, {"batch_size": "many"}),
)


def encoder() -> Any:
    """A small encoder."""
    torch.manual_seed(0)
    folder = tempfile.mkdtemp()
    words = Tokenizer(WordPiece({word: number for number, word in enumerate(WORDS)}, unk_token="[UNK]"))
    words.pre_tokenizer = Whitespace()
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=words,
        unk_token="[UNK]",
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        model_max_length=16,
    )
    tokenizer.save_pretrained(folder)
    sizes = {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 16}
    BertModel(BertConfig(vocab_size=len(WORDS), **sizes)).save_pretrained(folder)
    transformer = Transformer(folder)
    return SentenceTransformer(modules=[transformer, Pooling(16)], device="cpu")


def save(**options: Any) -> Any:
    """How the encoder is saved."""
    options = {"pip_requirements": ["sentence-transformers"], **options}
    return lambda folder: mlflow.sentence_transformers.save_model(encoder(), str(Path(folder)), **options)


VARIANTS = {
    "encoder": Variant(save(input_example=TEXTS), INPUTS),
    "embeddings_task": Variant(save(task="llm/v1/embeddings", input_example={"input": TEXTS}), INPUTS),
}
