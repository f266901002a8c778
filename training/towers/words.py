"""The word tower: the mean of a caption's fastText vectors (Bojanowski et al. 2017) and a head; exported as a table."""

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from tokenizers import Regex, Tokenizer, models, normalizers, pre_tokenizers
from torch import nn

from training.towers.heads import ProjectionHead
from xmr.modality import BadInput
from xmr.preprocess import UNKNOWN

WIDTH, EPOCHS, BUCKETS = 300, 10, 50_000
TABLE = "words.safetensors"


class WordTower(nn.Module):
    """Maps captions to unit vectors (N, dim). `vectors` are gensim's, which cover unseen words by their n-grams."""

    def __init__(self, vectors, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.vectors = vectors
        self.head = ProjectionHead(vectors.vector_size, dim, hidden, dropout)

    def features(self, caption: str) -> np.ndarray:
        """The mean word vector (width,) float32 of a caption; zero if it has no words."""
        found = [self.vectors[word] for word in tokens(caption)]
        return np.mean(found, axis=0) if found else np.zeros(self.vectors.vector_size, np.float32)


class WordTable(nn.Module):
    """A WordTower to export: token ids (N, L) of `write_table`'s tokenizer -> unit vectors (N, dim). Each word's
    vector, the mean of its n-grams', is a row of a table; a word that has none counts for nothing.

    table: (V, width), whose first two rows are zero.
    """

    def __init__(self, table: torch.Tensor, dim: int, hidden: int, dropout: float) -> None:
        super().__init__()
        self.register_buffer("table", table, persistent=False)  # a run's weights are those of the head
        self.head = ProjectionHead(table.shape[1], dim, hidden, dropout)

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        known = (ids > UNKNOWN).sum(1, keepdim=True)  # (N, 1)
        return self.head(F.embedding(ids, self.table).sum(1) / known.clamp(min=1))


def write_table(vectors, captions: Iterable[str], folder: Path) -> None:
    """Write what a WordTable needs of word vectors: TABLE, the vectors of all words of these captions, and
    tokenizer.json, which finds a caption's words in it as `tokens` does."""
    known = sorted({word for caption in captions for word in tokens(caption)})
    rows = np.stack([np.zeros(vectors.vector_size, np.float32)] * 2 + [vectors[word] for word in known])
    save_file({"table": torch.from_numpy(rows.astype(np.float32))}, folder / TABLE)
    numbers = {word: n for n, word in enumerate(("[PAD]", "[UNK]", *known))}
    table = Tokenizer(models.WordLevel(numbers, "[UNK]"))
    table.normalizer = normalizers.Lowercase()
    table.pre_tokenizer = pre_tokenizers.Split(Regex(r"\W+"), "removed")
    table.save(str(folder / "tokenizer.json"))


def read_table(folder: Path) -> torch.Tensor:
    """The table that `write_table` wrote into a folder, (V, width)."""
    return load_file(folder / TABLE)["table"]


def tokens(caption: str) -> list[str]:
    """The words of a caption, lower-cased."""
    return re.findall(r"\w+", caption.lower())


def word_vectors(name: str, captions: list[str], cache: Path):
    """Load or train word vectors.

    Args:
        name:     "fasttext" to train them on the captions, or the path of a .bin file in fastText's format.
        captions: to train on.
        cache:    folder of the trained vectors.

    Raises:
        BadInput: the file is missing or isn't in fastText's format.
    """
    from gensim.models import KeyedVectors
    from gensim.models.fasttext import FastText, load_facebook_vectors

    if name != "fasttext":
        try:
            return load_facebook_vectors(name)
        except Exception as error:  # what gensim raises depends on where the file stops making sense
            raise BadInput(
                f"{name} cannot be read as fastText's vectors ({error}). Give bert, fasttext, or the path "
                "of a model in fastText's own .bin format."
            ) from error
    key = hashlib.sha256("\n".join(captions).encode()).hexdigest()[:16]
    path = cache / f"fasttext-{key}"
    if not path.is_file():
        path.parent.mkdir(parents=True, exist_ok=True)
        # one worker, so that the same captions give the same vectors
        model = FastText(vector_size=WIDTH, window=5, min_count=2, sg=1, workers=1, seed=1, bucket=BUCKETS)
        sentences = [tokens(caption) for caption in captions]
        model.build_vocab(sentences)
        model.train(sentences, total_examples=len(sentences), epochs=EPOCHS)
        model.wv.save(str(path))
    return KeyedVectors.load(str(path))
