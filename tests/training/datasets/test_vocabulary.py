"""The list of words that typed texts are held against: from captions, the names of classes, and the world's words."""

import json

import pytest

from training.datasets.vocabulary import DESCRIBED, FEWEST, FUNCTION_WORDS, NAMES, write_words
from xmr.modality import Item, Modality
from xmr.preprocess import Vocabulary


def caption(text: str, language: str | None, n: int = 0) -> Item:
    return Item(f"{text}{n}", Modality.TEXT, text, language=language)


@pytest.fixture(scope="module")
def found(tmp_path_factory) -> dict:
    """Of a few captions, each met as often as its number says."""
    path = tmp_path_factory.mktemp("words") / "words.json"
    texts = {
        ("a Zyx stands , zyx !", "en"): 2,  # four times
        ("the qwop of a zyx", "en"): FEWEST,
        ("a rare plugh", "en"): FEWEST - 1,
        ("Ein Zöx und zöx-förmige don't", "de"): FEWEST,
        ("unheard", None): 9,
    }
    items = [caption(text, language, n) for (text, language), count in texts.items() for n in range(count)]
    items.append(Item("photo", Modality.PHOTO, "zyx.jpg", language="en"))
    write_words(path, items, {"class:flying_saucer", "class:matches", "class:dog"})
    assert Vocabulary.from_json(path.read_bytes()).counts  # it can be read
    return json.loads(path.read_text(encoding="utf-8"))


def test_words_of_captions_count_by_language_from_three_on(found):
    english, german = found["counts"]["en"], found["counts"]["de"]
    assert english["zyx"] == 4 + FEWEST and english["qwop"] == FEWEST and "plugh" not in english
    assert german["zöx"] == 2 * 0 + FEWEST and german["zöx-förmige"] == FEWEST and german["don't"] == FEWEST
    assert "unheard" not in english | german and "zyx" not in german and "zöx" not in english


def test_names_of_classes_count_more_in_both_languages(found):
    english, german = found["counts"]["en"], found["counts"]["de"]
    for word in ("flying", "saucer", "matches", "dog", "dogs", "car", "cars", "cup", "elephants"):
        assert english[word] >= NAMES, word
    for word in ("hund", "hunde", "auto", "autos", "tasse", "tassen", "elefanten"):
        assert german[word] >= NAMES, word
    assert "a" in english and english["a"] < NAMES and "flying_saucer" not in english


def test_names_of_several_words_are_kept_as_such(found):
    names = [set(name) for name in found["names"]]
    assert {"flying", "saucer"} in names and {"hot", "air", "balloon"} in names and {"alarm", "clocks"} in names
    assert all(len(name) > 1 for name in names)
    assert not set().union(*names) & {"a", "of", "photo", "drawing", "two", "zwei", "hunde"}


def test_words_that_describe_count_though_no_caption_had_them(found):
    english, german = found["counts"]["en"], found["counts"]["de"]
    for word in ("turquoise", "beach", "snow"):
        assert DESCRIBED <= english[word] < NAMES, word
    for word in ("türkises", "strand", "schnee"):
        assert DESCRIBED <= german[word] < NAMES, word


def test_others_are_frequent_words_that_no_count_has_and_function_words_name_nothing(found):
    others = set(found["others"])
    assert {"monday", "science", "münchen", "kirsche", "freiheit"} <= others
    assert not others & {"dog", "hund", "a", "qwop", "fahrad", "bannana", "teh"}
    assert not others & (found["counts"]["en"].keys() | found["counts"]["de"].keys())
    assert set(found["function_words"]) <= set(FUNCTION_WORDS.split())
    assert {"the", "of", "mit", "der"} <= set(found["function_words"])
    named = {word for counts in found["counts"].values() for word, count in counts.items() if count >= NAMES}
    assert not set(found["function_words"]) & named
