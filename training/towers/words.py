"""The word tower: the mean of a caption's fastText vectors (Bojanowski et al. 2017) and a head. It is not exported."""

import hashlib
import re
from pathlib import Path

import numpy as np
from torch import nn

from training.towers.heads import ProjectionHead
from xmr.modality import BadInput

WIDTH, EPOCHS, BUCKETS = 300, 10, 50_000


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
