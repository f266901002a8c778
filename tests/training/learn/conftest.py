"""A tiny vocabulary, and a pool of tiny pictures and captions."""

import pytest
import torch

from tests.training.tiny import TinyTower, pool_items
from training.learn.sampling import Vocabulary, make_pool
from training.towers.text import train_tokenizer
from xmr.preprocess import Tokenizer


@pytest.fixture
def vocabulary(tmp_path) -> Vocabulary:
    train_tokenizer([f"{n} {w} caption" for n in range(8) for w in ("en", "de")] * 4, 60, tmp_path / "t.json")
    return Vocabulary(Tokenizer(tmp_path / "t.json"), 16)


@pytest.fixture
def pool(tmp_path, vocabulary):
    torch.manual_seed(0)
    cache = tmp_path / "cache"
    return make_pool("tiny", pool_items(tmp_path), TinyTower(), 2, vocabulary, cache, same_instance_prob=0.5)
