"""Texts as people type them: what each slip and habit changes, and what it leaves."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests import odd
from training.datasets.typing import KINDS, _beside, typed
from xmr.modality import Item, Modality

SLIPS = ("dropped", "doubled", "swapped", "wrong")


def all_slips(kind: str, text: str, language: str) -> set[str]:
    """Every text that one slip in a word of three letters or more can give."""
    found = set()
    for at, letter in enumerate(text):
        begin = end = at
        while begin and text[begin - 1].isalpha():
            begin -= 1
        while end < len(text) and text[end].isalpha():
            end += 1
        if not letter.isalpha() or end - begin < 3:
            continue
        if kind == "dropped":
            found.add(text[:at] + text[at + 1 :])
        elif kind == "doubled":
            found.add(text[:at] + letter + text[at:])
        elif kind == "swapped" and at + 1 < end:
            found.add(text[:at] + text[at + 1] + text[at] + text[at + 2 :])
        elif kind == "wrong":
            keys = _beside(letter.lower(), language)
            found |= {text[:at] + (key.upper() if letter.isupper() else key) + text[at + 1 :] for key in keys}
    return found


@pytest.mark.parametrize("kind", SLIPS)
@pytest.mark.parametrize(("text", "language"), [("a Red car", "en"), ("ein grüner Käfer, 3 Öfen", "de"), ("Fuß", "de")])
def test_one_slip_is_one_of_all_that_there_are_and_each_of_them_comes(kind, text, language):
    rng = np.random.default_rng(0)
    found = {KINDS[kind](text, language, rng) for _ in range(1500)}
    assert found == all_slips(kind, text, language)


@pytest.mark.parametrize("kind", [*SLIPS, "twice-wrong"])
def test_a_text_without_a_word_has_no_slips(kind):
    for text in ("", "1234", "ab cd", "🚗"):
        assert KINDS[kind](text, "en", np.random.default_rng(0)) is None


def test_two_slips_need_a_long_word():
    rng = np.random.default_rng(0)
    assert KINDS["twice-wrong"]("a short text", "en", rng) is None
    once = set().union(*(all_slips(kind, "elephant", "en") for kind in SLIPS))
    for _ in range(50):
        found = KINDS["twice-wrong"]("elephant", "en", rng)
        assert any(found in all_slips(kind, text, "en") for text in once for kind in SLIPS)


@pytest.mark.parametrize(
    ("letter", "language", "keys"),
    [
        ("q", "en", "wa"),
        ("g", "en", "fhtb"),
        ("z", "de", "tuh"),
        ("z", "en", "xa"),
        ("ü", "de", "pä"),
        ("é", "en", "é"),
    ],
)
def test_the_keys_beside_a_letter_are_those_of_its_keyboard(letter, language, keys):
    assert sorted(_beside(letter, language)) == sorted(keys)


@pytest.mark.parametrize(
    ("kind", "text", "found"),
    [
        ("capitals", "a red Käfer", "A RED KÄFER"),
        ("written-out", "Ein grüner Käfer aß Öl", "Ein gruener Kaefer ass Oel"),
        ("undotted", "Ein grüner Käfer aß Öl", "Ein gruner Kafer aß Ol"),
        ("bare", "The car and an apple, eine Tür, dem Hund", "car and apple, Tür, Hund"),
        ("bare", "a ", None),
        ("reordered", "a car", None),
        ("reordered", "car", None),
    ],
)
def test_habits_change_the_whole_text(kind, text, found):
    assert KINDS[kind](text, "de", np.random.default_rng(0)) == found


def test_another_order_has_the_same_words_without_articles():
    rng = np.random.default_rng(0)
    found = {KINDS["reordered"]("a red car", "en", rng) for _ in range(50)}
    assert found == {"red car", "car red"}


def test_marks_stand_around_the_text():
    rng = np.random.default_rng(0)
    found = {KINDS["punctuated"]("red car", "en", rng) for _ in range(200)}
    assert len(found) == 8 and all("red car" in text and len(text) > 7 for text in found)
    assert all(not letter.isalnum() for text in found for letter in text.replace("red car", ""))


@odd.FIXED
@given(st.text(), st.sampled_from(["en", "de", "xx"]), st.integers(0, 9))
def test_any_text_can_be_typed_in_any_way_or_not_at_all(text, language, seed):
    for kind in KINDS.values():
        found = kind(text, language, np.random.default_rng(seed))
        assert found is None or isinstance(found, str)


ITEMS = [
    Item("a", Modality.TEXT, "ein Käfer", frozenset({"class:bug"}), "de"),
    Item("b", Modality.TEXT, "Hund", frozenset({"class:dog"}), "de"),
]


def test_each_text_comes_as_it_is_and_in_each_kind_that_changes_it():
    found = typed(ITEMS, KINDS, "seed")
    styles = {item.id: item.facts["style"] for item in found}
    assert {style for id, style in styles.items() if id.startswith("a#")} == {"clean", *KINDS} - {
        "twice-wrong",
        "reordered",
    }
    assert {style for id, style in styles.items() if id.startswith("b#")} == {
        "clean", "dropped", "doubled", "swapped", "wrong", "capitals", "punctuated",
    }  # fmt: skip
    by_id = {item.id: item for item in found}
    assert by_id["a#clean"].content == "ein Käfer" and by_id["b#capitals"].content == "HUND"
    assert all(item.facts["typed"] and item.language is None for item in found)
    assert by_id["a#bare"].labels == {"class:bug"} and by_id["a#bare"].content == "Käfer"


def test_what_is_typed_depends_on_the_seed_and_on_nothing_else():
    def texts(seed: str, items: list[Item], kinds=SLIPS) -> dict[str, str]:
        return {item.id: item.content for item in typed(items, kinds, seed)}

    assert texts("val", ITEMS) == texts("val", ITEMS)
    assert texts("val", ITEMS[:1]).items() <= texts("val", ITEMS[::-1]).items()  # however many others there are
    assert texts("val", ITEMS, SLIPS[:1]).items() <= texts("val", ITEMS).items()
    assert texts("val", ITEMS) != texts("test", ITEMS)
