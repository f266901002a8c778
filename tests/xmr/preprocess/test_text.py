"""Captions become token ids."""

from __future__ import annotations

import numpy as np
import pytest

from xmr.modality import BadInput
from xmr.preprocess.text import MAX_CHARS, Tokenizer, clean_text


@pytest.fixture
def tokenizer(checkpoint_folder) -> Tokenizer:
    return Tokenizer(checkpoint_folder / "tokenizer.json")


def test_captions_become_ids_padded_to_the_longest(tokenizer):
    ids = tokenizer.encode(["a red photo", "ROTES", "ein ding"], max_tokens=8)
    assert ids.dtype == np.int64 and ids.shape == (3, 3)
    assert ids[0].tolist() == [2, 7, 4] and ids[1].tolist() == [10, 0, 0] and ids[2].tolist() == [3, 1, 0]


def test_long_captions_are_cut_and_empty_ones_are_one_unknown_word(tokenizer):
    assert tokenizer.encode(["red " * 10_000], max_tokens=8).shape == (1, 8)
    assert tokenizer.encode([""], max_tokens=8).tolist() == [[1]]
    assert tokenizer.encode([], max_tokens=8).shape == (0, 1)


def test_a_caption_is_known_by_its_words_and_not_by_its_punctuation(tokenizer):
    assert tokenizer.known("zebra, RED!") and tokenizer.known("ｒｅｄ")  # NFKC
    for text in ("", "…", ". . .", "🚗🚗", "红色的汽车", "zebra"):
        assert not tokenizer.known(text)


def test_a_damaged_tokenizer_is_refused(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(BadInput, match="is not a tokenizer"):
        Tokenizer(tmp_path / "tokenizer.json")


def test_the_first_two_thousand_characters_count(tokenizer):
    assert MAX_CHARS == 2000
    assert clean_text("  " * 5000 + "x" * 3000) == "x" * 2000
    words = "red " * 499 + "green "  # "green" begins at character 1,996, and is cut
    assert tokenizer.encode([words], max_tokens=4096)[0].tolist() == [7] * 499 + [1]
    assert not tokenizer.known("zebra " * 400 + "red")


def test_what_steers_how_a_text_is_shown_is_left_out_and_what_is_no_character_is_a_space():
    assert clean_text("\u202ea\u00adb\u200fc\ufeff") == "abc"
    assert clean_text("\0a\ud800b\u200bc\x1bd\n") == "a b c d"
    assert clean_text("ein  weißer\tHund, 5 €") == "ein  weißer Hund, 5 €"  # and anything else stays
