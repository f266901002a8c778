"""The words that tri learns, with how often: what its reading of typed texts holds them against."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from PIL import ImageColor
from wordfreq import top_n_list, zipf_frequency

from training.datasets.names import phrases
from training.world.captions import COLOURS, PLACES, Facts, describe
from training.world.lexicon import LEXICON, NUMBERS, English, German
from xmr.calibration import naming_words
from xmr.files import replacing
from xmr.modality import Item, Modality

FEWEST = 3  # a word that is met less often may be a slip
FREQUENT = {"en": 20_000, "de": 30_000}  # words of a language, the most frequent ones, are right; German bends more
RARER = {4: 25_000, 5: 40_000, 6: 100_000}  # letters, at least -> so many are right: short ones are slips of others
NAMES = 2000  # are added to the count of what names a thing, and ...
DESCRIBED = 50  # ... of what describes one, since that is what people ask for
FUNCTION_WORDS = """
a an the of in on at to and or with by from for as is are was were be been being it its he she his her him they them
their this that these those there here who which what while into over under up down out off near next behind one two
three four five six some many several other another each both all no not without very
der die das den dem des ein eine einen einem einer eines und oder mit von vom zu zum zur im am auf aus bei für über
unter vor hinter neben zwischen durch um nach ist sind war wird werden hat haben er sie es sich ihr ihre ihren ihrem
seine seinen seinem seiner sein dass welche während als wie auch noch nur nicht kein keine zwei drei vier fünf sechs
viele mehrere einige andere anderen anderer ander
"""
_TWO = {numbers[2] for numbers in NUMBERS.values()}
_WORD = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")


def write_words(path: Path, texts: Iterable[Item], labels: Iterable[str]) -> None:
    """Write the words as xmr.preprocess.Vocabulary reads them; words that were not met, but are frequent, are
    right too.

    Args:
        path: the JSON file.
        texts: what was trained on, in English and German.
        labels: classes whose names count as well as those of the rendered world.
    """
    counts: dict[str, Counter] = {"en": Counter(), "de": Counter()}
    for item in texts:
        if item.modality is Modality.TEXT and item.language:
            counts[item.language].update(_words(item.content))
    counts = {language: Counter({w: n for w, n in found.items() if n >= FEWEST}) for language, found in counts.items()}
    named: dict[str, set[str]] = {"en": set(), "de": set()}
    labels = {*LEXICON, *(label.removeprefix("class:") for label in labels)}
    for label in labels:
        for language, found in _names(label).items():
            named[language] |= found
    for language, found in named.items():
        counts[language].update(dict.fromkeys(found, NAMES))
        counts[language].update(dict.fromkeys(_describing(language) - found, DESCRIBED))
    known = counts["en"].keys() | counts["de"].keys()
    function_words = set(FUNCTION_WORDS.split()) - named["en"] - named["de"]
    with replacing(path) as part:
        part.write_text(
            json.dumps(
                {
                    "counts": {language: dict(sorted(found.items())) for language, found in counts.items()},
                    "others": sorted(frequent() - known),
                    "function_words": sorted(function_words),
                    "names": _of_several_words(labels),
                },
                ensure_ascii=False,
            ),
            encoding="utf-8",
        )


def _of_several_words(labels: Iterable[str]) -> list[tuple[str, ...]]:
    """The words, in alphabetical order, of each name that has several, for one thing and for several, in both
    languages."""
    called = {phrases(label)["en"][0] for label in labels}
    called |= {text for words in LEXICON.values() for noun in (*words.en, *words.de) for text in _forms(noun)}
    named = {naming_words(text) - _TWO for text in called}
    return sorted(tuple(sorted(words)) for words in named if len(words) > 1)


def frequent() -> set[str]:
    """The most frequent words of each language, of three letters or more, rarer ones the longer they are (wordfreq:
    Speer 2022), and the names of colours."""
    found: set[str] = set()
    for language, count in FREQUENT.items():
        found |= {word for word in top_n_list(language, count, wordlist="small") if word.isalpha() and len(word) > 2}
        for letters, rank in RARER.items():
            found |= {w for w in top_n_list(language, rank, wordlist="large") if w.isalpha() and len(w) >= letters}
    return found | {colour for colour in ImageColor.colormap if zipf_frequency(colour, "en", wordlist="large") > 2}


def _words(text: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(text)]


def _names(label: str) -> dict[str, set[str]]:
    """The words that name a class, one or several of it, by language."""
    if label not in LEXICON:
        return {"en": _naming(phrases(label)["en"][0])}
    return {
        language: {
            word for noun in getattr(LEXICON[label], language) for text in _forms(noun) for word in _naming(text)
        }
        for language in ("en", "de")
    }


def _forms(noun: English | German) -> tuple[str, str]:
    """A noun for one thing and for several, without an article."""
    if isinstance(noun, English):
        return noun.name, noun.phrase(count=2, article="")
    return noun.nominative, noun.phrase("nom", count=2, article="")


def _naming(text: str) -> set[str]:
    """The words of a name, and the parts of those with hyphens: the only one, or all but function words.

    >>> sorted(_naming("Halloween-Kürbis"))
    ['halloween', 'halloween-kürbis', 'kürbis']
    """
    words = _words(text)
    parts = {part for word in words for part in re.split("['’-]+", word) if len(part) > 2} | set(words)
    return parts if len(words) == len(parts) == 1 else parts - set(FUNCTION_WORDS.split())


def _describing(language: str) -> set[str]:
    """The words of the rendered world's captions."""
    found = set()
    for at, category in enumerate(LEXICON):
        for colour in COLOURS:
            place = list(PLACES)[at % len(PLACES)]
            facts = Facts(category, colour, None, place, "sun", "side", None)
            found.update(word for text in describe(facts, at)[language] for word in _words(text))
    return found
