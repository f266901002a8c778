"""Word vectors: the same again, and of unseen words too."""

import numpy as np
import pytest

from training.towers import words
from training.towers.words import WordTower, word_vectors
from xmr.modality import BadInput

CAPTIONS = ["a dog runs through the snow", "a dog sleeps", "two children play football", "children run"] * 5


def test_word_vectors_are_the_same_again_and_know_words_by_their_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(words, "WIDTH", 12)
    first, kept = (word_vectors("fasttext", CAPTIONS, tmp_path / name) for name in ("one", "two"))
    tower = WordTower(first, 4, 4, 0.0)
    assert (tower.features("A dog sleeps!") == WordTower(kept, 4, 4, 0.0).features("a dog sleeps")).all()
    assert np.abs(tower.features("doggy")).sum() > 0 and not tower.features("…").any()
    again = word_vectors("fasttext", CAPTIONS, tmp_path / "one")
    assert (again["dog"] == first["dog"]).all()
    with pytest.raises(BadInput, match=r"fastText's own \.bin"):
        word_vectors(str(tmp_path / "none.bin"), CAPTIONS, tmp_path)
