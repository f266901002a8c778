"""The text tower, its tokenizer and its teacher."""

import numpy as np
import torch
from torch import nn

from training.towers.sentence import SHIPPED, pretrained
from training.towers.text import TextTower, init_bag_of_words, sentence_encoder, train_tokenizer
from xmr.preprocess import Tokenizer


def _text_tower(pieces: int = 50) -> TextTower:
    torch.manual_seed(0)
    tower = TextTower(pieces, 16, width=32, depth=2, heads=4, max_tokens=12, dropout=0.1).eval()
    for parameter in tower.parameters():
        if parameter.ndim > 1:
            nn.init.normal_(parameter, std=0.2)  # the blocks start at zero, which would prove nothing
    return tower


def test_padding_changes_no_vector():
    tower = _text_tower()
    ids = torch.randint(2, 50, (3, 5))
    padded = nn.functional.pad(ids, (0, 6))
    torch.testing.assert_close(tower(padded), tower(ids))


def test_the_order_of_words_counts():
    tower = _text_tower()
    assert not torch.allclose(tower(torch.tensor([[5, 6, 7]])), tower(torch.tensor([[7, 6, 5]])), atol=1e-3)


def test_the_tokenizer_folds_case_and_knows_no_foreign_letters(tmp_path):
    texts = ["A brown dog runs over grass", "Ein brauner Hund läuft über Gras", "zwei Männer", "a red car"] * 5
    train_tokenizer(texts, 80, tmp_path / "t.json")
    table = Tokenizer(tmp_path / "t.json")
    assert (table.encode(["DOG über"], 16) == table.encode(["dog ÜBER"], 16)).all()
    assert table.known("hund") and not table.known("狗") and not table.known("🐕") and not table.known("!?")
    ids = table.encode(["a dog", "a brown dog runs over"], 16)
    assert ids[0, -1] == 0 and (ids[1] > 0).all()


def test_the_bag_of_words_imitates_a_teacher_that_is_one():
    torch.manual_seed(0)
    rng = np.random.default_rng(0)
    meaning = rng.normal(size=(50, 40)).astype(np.float32)
    ids = [rng.integers(2, 50, rng.integers(2, 9)) for _ in range(600)]
    targets = np.stack([meaning[row].mean(0) for row in ids])
    targets /= np.linalg.norm(targets, axis=1, keepdims=True)
    tower = TextTower(50, 16, width=32, depth=1, heads=4, max_tokens=12, dropout=0.0).eval()
    to_teacher = nn.Linear(32, 40)
    init_bag_of_words(tower, to_teacher, ids, targets)
    with torch.no_grad():
        guesses = np.stack([to_teacher(tower.features(torch.from_numpy(row)[None]))[0].numpy() for row in ids])
    cosine = (guesses * targets).sum(1) / np.linalg.norm(guesses, axis=1)
    assert cosine.mean() > 0.9, cosine.mean()


def test_the_teacher_is_the_normalised_mean_of_minilms_token_states():
    texts = ["A dog runs through the snow.", "Two children play football on the beach, and a third one watches them."]
    tokenizer, model = pretrained(SHIPPED, "AutoTokenizer"), pretrained(SHIPPED, "AutoModel").eval()
    inputs = tokenizer(texts, padding=True, return_tensors="pt")
    with torch.inference_mode():
        mask = inputs["attention_mask"][..., None]
        mean = (model(**inputs).last_hidden_state * mask).sum(1) / mask.sum(1)
    found = sentence_encoder()(texts)
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, torch.nn.functional.normalize(mean).numpy(), atol=1e-3)
