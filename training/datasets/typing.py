"""Texts as people type them: each slip or habit as a function of a text, its language and a random generator."""

import hashlib
import re
from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np

from xmr.modality import Item

Kind = Callable[[str, str, np.random.Generator], str | None]  # None: such a text can't be typed in this way

_WORD = re.compile(r"[^\W\d_]{3,}")
_ROWS = {"en": ("qwertyuiop", "asdfghjkl", "zxcvbnm"), "de": ("qwertzuiopü", "asdfghjklöä", "yxcvbnm")}
_WRITTEN_OUT = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"})
_UNDOTTED = str.maketrans("äöüÄÖÜ", "aouAOU")
_ARTICLE = re.compile(r"\b(?:an?|the|ein(?:e[mnrs]?)?|d(?:er|ie|as|en|em))\s+", re.IGNORECASE)


def typed(items: Iterable[Item], kinds: Iterable[str], seed: str) -> list[Item]:
    """Each text as it is (style "clean") and in each of some kinds, as far as it can be: items of the same labels whose
    fact "style" is the kind and whose fact "typed" is True, beside their own facts. The same for the same seed."""
    found = []
    for item in items:
        typed_facts = item.facts | {"typed": True}
        found.append(replace(item, id=f"{item.id}#clean", language=None, facts=typed_facts | {"style": "clean"}))
        for kind in kinds:
            digest = hashlib.sha256(f"{seed}/{item.id}/{kind}".encode()).digest()
            rng = np.random.default_rng(int.from_bytes(digest[:8], "little"))
            text = KINDS[kind](item.content, item.language or "en", rng)
            if text is not None and text != item.content:
                facts = typed_facts | {"style": kind}
                found.append(replace(item, id=f"{item.id}#{kind}", content=text, language=None, facts=facts))
    return found


def dropped(text: str, language: str, rng: np.random.Generator) -> str | None:
    """One letter is missing."""
    return _in_a_word(text, rng, lambda word, at: word[:at] + word[at + 1 :])


def doubled(text: str, language: str, rng: np.random.Generator) -> str | None:
    """One letter came twice."""
    return _in_a_word(text, rng, lambda word, at: word[: at + 1] + word[at:])


def swapped(text: str, language: str, rng: np.random.Generator) -> str | None:
    """Two neighbouring letters changed places."""

    def swap(word: str, at: int) -> str:
        at = min(at, len(word) - 2)
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]

    return _in_a_word(text, rng, swap)


def wrong(text: str, language: str, rng: np.random.Generator) -> str | None:
    """The key beside the right one was hit."""

    def hit(word: str, at: int) -> str:
        beside = _beside(word[at].lower(), language)
        key = beside[int(rng.integers(len(beside)))]
        return word[:at] + (key.upper() if word[at].isupper() else key) + word[at + 1 :]

    return _in_a_word(text, rng, hit)


def twice_wrong(text: str, language: str, rng: np.random.Generator) -> str | None:
    """Two slips in one word of at least seven letters."""
    if not re.search(r"[^\W\d_]{7,}", text):
        return None
    slips = (dropped, doubled, swapped, wrong)
    first = slips[int(rng.integers(len(slips)))](text, language, rng)
    return first and slips[int(rng.integers(len(slips)))](first, language, rng)


def capitals(text: str, language: str, rng: np.random.Generator) -> str | None:
    return text.upper()


def punctuated(text: str, language: str, rng: np.random.Generator) -> str | None:
    """With marks that say nothing."""
    styles = ("{}!!!", '"{}"', "{}...", "„{}“", "  {} ?", "-- {} --", "{}.", "({})")
    return styles[int(rng.integers(len(styles)))].format(text)


def written_out(text: str, language: str, rng: np.random.Generator) -> str | None:
    """ae, oe, ue and ss for the letters that other keyboards don't have."""
    return text.translate(_WRITTEN_OUT)


def undotted(text: str, language: str, rng: np.random.Generator) -> str | None:
    """The umlauts without their dots."""
    return text.translate(_UNDOTTED)


def bare(text: str, language: str, rng: np.random.Generator) -> str | None:
    """Without articles."""
    return _ARTICLE.sub("", text) or None


def reordered(text: str, language: str, rng: np.random.Generator) -> str | None:
    """The words in another order."""
    words = _ARTICLE.sub("", text).split()
    return " ".join(words[n] for n in rng.permutation(len(words))) if len(words) > 1 else None


KINDS: dict[str, Kind] = {
    "dropped": dropped,
    "doubled": doubled,
    "swapped": swapped,
    "wrong": wrong,
    "twice-wrong": twice_wrong,
    "capitals": capitals,
    "punctuated": punctuated,
    "written-out": written_out,
    "undotted": undotted,
    "bare": bare,
    "reordered": reordered,
}


def _in_a_word(text: str, rng: np.random.Generator, slip: Callable[[str, int], str]) -> str | None:
    """A slip in the longest word, or one time in four in another one: at any letter, the first one time in eight."""
    words = sorted(_WORD.finditer(text), key=lambda match: len(match[0]), reverse=True)
    if not words:
        return None
    word = words[int(rng.integers(len(words))) if rng.random() < 0.25 else 0]
    at = 0 if rng.random() < 0.125 else int(rng.integers(1, len(word[0])))
    return text[: word.start()] + slip(word[0], at) + text[word.end() :]


def _beside(letter: str, language: str) -> str:
    """The keys beside a letter's on a keyboard of that language; itself where it isn't on it."""
    rows = _ROWS.get(language, _ROWS["en"])
    for number, row in enumerate(rows):
        if (at := row.find(letter)) >= 0:
            near = [row[at - 1 : at] if at else "", row[at + 1 : at + 2]]
            near += [rows[other][at : at + 1] for other in (number - 1, number + 1) if 0 <= other < len(rows)]
            return "".join(near)
    return letter
