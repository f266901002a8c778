"""Word vectors: the same again, and of unseen words too."""

import numpy as np
import pytest
import torch

from training.learn.export import export, session
from training.towers import words
from training.towers.words import WordTable, WordTower, read_table, word_vectors, write_table
from xmr.modality import BadInput
from xmr.preprocess import Tokenizer

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


def test_a_table_of_words_gives_the_towers_vectors_and_passes_over_words_that_it_lacks(tmp_path, monkeypatch):
    monkeypatch.setattr(words, "WIDTH", 12)
    tower = WordTower(word_vectors("fasttext", CAPTIONS, tmp_path), 4, 4, 0.0).eval()
    write_table(tower.vectors, CAPTIONS, tmp_path)
    table = WordTable(read_table(tmp_path), 4, 4, 0.0).eval()
    table.head.load_state_dict(tower.head.state_dict())
    assert table.state_dict().keys() == {f"head.{name}" for name in tower.head.state_dict()}  # a run's weights fit
    told = ["A dog sleeps!", "two children, football", "the DOG runs"]
    ids = Tokenizer(tmp_path / "tokenizer.json").encode([*told, "the zebra dog runs"], 32)
    with torch.inference_mode():
        wanted = tower.head(torch.from_numpy(np.stack([tower.features(text) for text in told])))
        found = table(torch.from_numpy(ids))
    np.testing.assert_allclose(found[:3], wanted, atol=1e-5)
    np.testing.assert_allclose(found[3], found[2], atol=1e-6)
    assert not Tokenizer(tmp_path / "tokenizer.json").known("zebra")
    export(table, {"ids": ids[:2]}, tmp_path / "text.onnx")
    exported = session(tmp_path / "text.onnx").run(None, {"ids": ids})[0]
    with torch.inference_mode():
        np.testing.assert_allclose(exported, table(torch.from_numpy(ids)), atol=1e-4)
