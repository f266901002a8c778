"""The sentence tower: MiniLM's vectors, its tokenizer, and the trunk that systems share."""

import pytest
import torch

from training.learn.export import round_weights
from training.towers.sentence import (
    SPECIAL,
    SentenceTower,
    pretrained,
    special_tokens_first,
    tokenizer_json,
    write_tokenizer,
)
from xmr.preprocess import Tokenizer

TEXTS = ["A dog runs through the snow.", "Two children play football on the beach"]


@pytest.fixture(scope="module")
def tokenizer(tmp_path_factory) -> Tokenizer:
    return Tokenizer(write_tokenizer(tmp_path_factory.mktemp("tokenizer") / "tokenizer.json"))


@pytest.fixture(scope="module")
def tower() -> SentenceTower:
    torch.manual_seed(0)
    return SentenceTower(8, 4, 0.0).eval()


def test_the_tokenizer_gives_the_models_pieces_under_the_numbers_that_the_app_expects(tokenizer):
    whole = pretrained("shipped", "AutoTokenizer")
    rows = special_tokens_first(tokenizer_json("shipped"))
    assert sorted(rows) == list(range(len(whole)))
    assert [whole.convert_ids_to_tokens(row) for row in rows[:4]] == list(SPECIAL)
    for text in TEXTS:
        assert [rows[id] for id in tokenizer.encode([text], 32)[0]] == whole(text)["input_ids"]
    assert tokenizer.encode(["snow", TEXTS[1]], 32)[0, -1] == 0
    assert tokenizer.known("zebra") and not tokenizer.known("🐶") and not tokenizer.known("...")


def test_the_sentence_tower_gives_the_vectors_of_the_whole_model(tower, tokenizer):
    whole, encode = pretrained("shipped", "AutoModel").eval(), pretrained("shipped", "AutoTokenizer")
    given = encode(TEXTS, padding=True, return_tensors="pt")
    with torch.inference_mode():
        mask = given["attention_mask"][..., None]
        wanted = (whole(**given).last_hidden_state * mask).sum(1) / mask.sum(1)
        ids, short = (torch.from_numpy(tokenizer.encode(texts, 32)) for texts in (TEXTS, TEXTS[:1]))
        found, alone = (tower.features(tower.trunk(x), x) for x in (ids, short))
    assert torch.cosine_similarity(found, wanted).min() > 0.999  # what rounding the trunk costs
    torch.testing.assert_close(alone, found[:1], atol=1e-4, rtol=1e-4)  # padding counts for nothing


def test_the_trunk_stays_as_it_is_stored(tower):
    held = [parameter.clone() for parameter in tower.trunk.parameters()]
    round_weights(tower.trunk)
    for before, after in zip(held, tower.trunk.parameters(), strict=True):
        assert not after.requires_grad
        torch.testing.assert_close(before, after, atol=1e-8, rtol=1e-6)
