"""What a person typed -> what is meant: spelling, German without its umlauts, and what the photos should not show."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice
from typing import Any

from xmr.modality import BadInput
from xmr.preprocess.text import clean_text

SHORTEST = 2  # letters of a word that is corrected ...
PART = 3  # ... and of a part of a compound, or of two words typed as one
BEGUN = 4  # letters of a last word that is completed
MOST_WORDS = 64  # of a text that are looked up; longer texts are taken as they are from there on
MOST_UNWANTED = 16  # of a text; further negations stay in it
_WORD = re.compile(r"(?<![^\W_])[^\W\d_]+(?:['’-][^\W\d_]+)*(?![^\W_])")  # but no letters of "50mm"
_JOINTS = re.compile("['-]")
_CONTRACTED = re.compile(r"[^\W\d_]+'(?:t|d|m|re|ve|ll)")
_DIGRAPHS = {"ae": "ä", "oe": "ö", "ue": "ü", "ss": "ß"}
_DOTTED = {"a": "ä", "o": "ö", "u": "ü"}
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_LINKS = ("", "s", "n", "en", "es", "er")  # between the parts of a German compound
_EDIT = 4.5  # what an edit costs, in units of the logarithm of a word's count
_SAME_START, _SAME_LANGUAGE, _SAME_LETTERS, _NEIGHBOURS = 1.5, 2.0, 1.0, 1.0  # what speaks for a word, in these units
_KEYBOARD = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_BESIDE = {a + b for row in _KEYBOARD for a, b in zip(row, row[1:], strict=False)}
_ARTICLES = {"a", "an", "the", "ein", "eine", "einen", "einem", "einer", "der", "die", "das", "den", "dem", "des"}
_COUNTED = {"one", "two", "three", "four", "five", "six", "other", "many", "zwei", "drei", "vier", "fünf", "sechs"}
_COUNTED |= {"eine", "einen", "andere", "anderen", "anderer", "viele"}  # name something after an article
# What people ask with, and captions never say: no misspelling of what these name.
_ASKING = frozenset(
    ["want", "wants", "wanted", "wanna", "gimme", "zeig", "zeige", "such", "suche", "finde", "möchte", "hätte", "gib"]
)
_RARE, _COMMON = 30, 1000  # a word that is rarer and one slip from one that is more common is taken for that
_LIKELY = 20  # a word this frequent may be a part of two that were typed together

_NOT_EN = (
    r"no(?!\s+(?:one|\d+)\b)|not|without|w/o|(?>except(?:\s+for)?)|excluding|but\s+not|neither"
    r"|(?:anything|everything|all)\s+but|other\s+than|rather\s+than|instead\s+of"
    r"|(?:is|are|was|were|has|have)n['’]?t"
    r"|(?>(?:do|does|did)(?:n['’]?t|\s+not)(?:\s+(?:want|like|need|show|see|have|include|contain))?(?:\s+to\s+see|\s+me)?)"
)
_NOT_DE = r"kein(?:e|en|em|er|es)?|ohne|nicht|außer|ausser|weder|(?:an)?statt"
_NEGATION = re.compile(
    rf"(?:\b(?:and|or|but|with|und|oder|aber|mit)\s+)?(?<![\w'’-])(?:{_NOT_EN}|{_NOT_DE})(?![\w'’-])"
    r"(?!\s+(?:only|just|more|less|longer|far|nur|bloß|mehr|weit)\b)\s+"
    r"(?:(?:any|a|an|the|ein|eine|einen|einem|einer|der|die|das|den|dem)(?:\s+|$))?",
    re.IGNORECASE,
)
_MINUS = re.compile(r"(?<!\S)-([^\W\d_]+)(?!\S)")  # "car -red", as to a search engine
_LISTED = re.compile(r"\s*(?:,|\b(?:and|or|nor|und|oder|noch)\b)\s*", re.IGNORECASE)
_ENDS = re.compile(  # what is wanted goes on after these
    r"[,;.!?:()\[\]]|\b(?:but|with|in|on|at|under|over|near|behind|beside|is|are|was|were|has|have|who|which|while|and\s+\w+ing"
    r"|aber|mit|im|auf|am|an|bei|unter|über|neben|hinter|vor|ist|sind|waren|haben|wird|werden|sitzt|sitzen"
    r"|steht|stehen|liegt|liegen|geht|gehen|läuft|laufen|fährt|fahren|rennt|rennen|spielt|spielen|springt|trägt)\b",
    re.IGNORECASE,
)
_EDGES = ' ,;.!?:()[]/–—-"„“”…'
_SIGN = re.compile(r"\b(?:signs?|schild(?:er|ern|s)?)\b", re.IGNORECASE)  # "a no parking sign" wants one


@dataclass(frozen=True)
class Reading:
    """What is searched for in the place of a typed text.

    Attributes:
        typed: the text as it came.
        wanted: what the photos should show, as the vocabulary spells it; "" if the text says only what they should not.
        unwanted: what they should not show.
        corrected: the words that were replaced, each with what is used instead. Umlauts and ß that were typed as other
            letters are put right without a word.
        unknown: words of which nothing is known.
    """

    typed: str
    wanted: str
    unwanted: tuple[str, ...] = ()
    corrected: tuple[tuple[str, str], ...] = ()
    unknown: tuple[str, ...] = ()

    @property
    def terms(self) -> tuple[tuple[str, float], ...]:
        """The texts to search for, each with the weight 1 or -1. What is not wanted is taken away from "a photo" where
        nothing else is asked for."""
        wanted = self.wanted or ("a photo" if self.unwanted else self.typed)
        return ((wanted, 1.0), *((text, -1.0) for text in self.unwanted))

    @property
    def partly_known(self) -> bool:
        """Whether some word is known beside those that are not, so that there is something to search for."""
        words = [word for word in self.wanted.split() if any(letter.isalpha() for letter in word)]
        return any(not any(strange in word for strange in self.unknown) for word in words)

    @property
    def changed(self) -> bool:
        """Whether something else is searched for than what was typed, so that a person should hear of it."""
        return bool(self.unwanted or self.corrected)


def read(text: str, vocabulary: Vocabulary | None = None, negations: bool = True) -> Reading:
    """Read a text as a person means it.

    Args:
        text: as typed.
        vocabulary: the words that are known; None: the spelling stays.
        negations: whether "no", "without", "kein", "ohne" and the like take away what they name; False where a system
            cannot mix terms.

    >>> read("a beach without any people").unwanted, read("kein Hund").wanted
    (('people',), '')
    """
    typed = unicodedata.normalize("NFC", clean_text(text))  # an umlaut may come as a letter and its dots
    wanted, unwanted = without_negations(typed) if negations else (typed, ())
    if vocabulary is None:
        return Reading(text, wanted, unwanted)
    corrected: list[tuple[str, str]] = []
    unknown: list[str] = []
    parts = []
    for part in (wanted, *unwanted):
        read_as, changes, strange = vocabulary.correct(part, context=typed)
        parts.append(read_as)
        corrected += changes
        unknown += strange
    if unwanted and vocabulary.says_nothing(parts[0]):  # "there is no dog"
        parts[0] = ""
    return Reading(text, parts[0], tuple(parts[1:]), tuple(dict.fromkeys(corrected)), tuple(dict.fromkeys(unknown)))


def without_negations(text: str) -> tuple[str, tuple[str, ...]]:
    """A text without the parts that say what is not wanted, and what these name.

    A negation reaches to the next comma, preposition or verb; what "and" or "or" adds to it counts too. A minus in
    front of a word reaches over that word. What a sign says is no negation.

    >>> without_negations("a street without cars and people in the rain")
    ('a street in the rain', ('cars', 'people'))
    >>> without_negations("ein Strand, aber keine Menschen")
    ('ein Strand', ('Menschen',))
    >>> without_negations("cars -red that aren't blue")
    ('cars that', ('red', 'blue'))
    """
    kept: list[str] = []
    unwanted = _MINUS.findall(text)[:MOST_UNWANTED]
    text = _MINUS.sub("", text, count=MOST_UNWANTED)
    at = 0
    while len(unwanted) < MOST_UNWANTED and (match := _NEGATION.search(text, at)):
        end = _ENDS.search(text, match.end())
        stop = end.start() if end else len(text)
        begin = max((end.end() for end in _ENDS.finditer(text, 0, match.start())), default=0)
        on_sign = _SIGN.search(text, begin, stop)
        following = _NEGATION.search(text, match.end(), stop)
        stop = following.start() if following else stop
        named = [one.strip(_EDGES) for one in _LISTED.split(text[match.end() : stop])]
        named = [one for one in named if one and not _NEGATION.fullmatch(f"{one} ")]
        if on_sign or not named:  # or nothing follows: it negates nothing
            kept.append(text[at : match.end()])
            at = match.end()
            continue
        kept.append(text[at : match.start()])
        unwanted += named
        at = stop
    if not unwanted:
        return text, ()
    kept.append(text[at:])
    wanted = re.sub(r"\s+", " ", " ".join(kept))
    wanted = re.sub(r"(?:[,;] ?)+(?=[,;])", "", wanted.replace(" ,", ",")).strip(_EDGES)
    return re.sub(r"^(?:but|and|with|aber|und|mit)\s+", "", wanted), tuple(unwanted)


class Vocabulary:
    """The words that a system learnt, with how often it met each, by language; and words that are right all the same.

    >>> words = Vocabulary({"en": {"banana": 90, "red": 500}, "de": {"grün": 40, "käfer": 9}})
    >>> words.correct("a red bannana")
    ('a red banana', [('bannana', 'banana')], [])
    >>> words.correct("gruener Kaefer")[0]
    'gruener käfer'
    """

    def __init__(
        self,
        counts: Mapping[str, Mapping[str, int]],
        others: Collection[str] = (),
        function_words: Collection[str] = (),
    ) -> None:
        """All words are in small letters.

        counts: language -> word -> how often.
        others: words of which nothing was learnt, which are no misspellings.
        function_words: those that name nothing: a text can't consist of one, or end in one after an article.
        """
        self.counts, self.others, self.function_words = counts, frozenset(others), frozenset(function_words)

    @classmethod
    def from_json(cls, content: bytes, path: Any = "The list of words") -> Vocabulary:
        """The vocabulary of a file's content: {"counts": {"en": {"car": 12}}, "others": [], "function_words": ["of"]};
        BadInput if it is none. path: the file's, for the message."""
        try:
            found = json.loads(content)
            counts = {language: dict(words) for language, words in found["counts"].items()}
            sound = all(type(n) is int and n > 0 for words in counts.values() for n in words.values())
            others, function_words = (frozenset(map(str, found[key])) for key in ("others", "function_words"))
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            sound = False
        if not sound:
            raise BadInput(f"{path} is not a list of words that can be read. Restore the file.")
        return cls(counts, others, function_words)

    def correct(self, text: str, context: str | None = None) -> tuple[str, list[tuple[str, str]], list[str]]:
        """A text in this vocabulary's spelling, the words that were replaced with what they became, and the words of
        which nothing is known.

        context: the whole text, whose other words tell the language; None: this text.
        """
        language = self.language(text if context is None else context)
        corrected, unknown, parts, at = [], [], [], 0
        words = list(islice(_WORD.finditer(text), MOST_WORDS))
        for number, match in enumerate(words):
            word, lower = match[0], _lower(match[0])
            if len(word) < SHORTEST:
                continue
            last = number == len(words) - 1
            named = last and number > 0 and words[number - 1][0].lower() in _ARTICLES
            meant = self._meant(lower, language, last, named)
            if meant is None:
                unknown.append(word)
                continue
            if meant != lower:
                parts += [text[at : match.start()], meant]
                at = match.end()
                if meant not in self._restored(lower):
                    corrected.append((word, meant))
        return "".join([*parts, text[at:]]), corrected, unknown

    def says_nothing(self, text: str) -> bool:
        """Whether a text has no other words than function words."""
        return all(_lower(word) in self.function_words for word in _WORD.findall(text))

    def language(self, text: str) -> str | None:
        """The language that most words of a text are more frequent in; None where that is open."""
        if not self.counts:
            return None
        votes = dict.fromkeys(self.counts, 0.0)
        for match in islice(_WORD.finditer(text), MOST_WORDS):
            found = {language: words.get(_lower(match[0]), 0) for language, words in self.counts.items()}
            if total := sum(found.values()):
                for language, count in found.items():
                    votes[language] += count / total
        best, *others = sorted(votes, key=votes.__getitem__, reverse=True)
        return best if votes[best] > 0.5 + max((votes[other] for other in others), default=0.0) else None

    def _meant(self, word: str, language: str | None, last: bool, named: bool) -> str | None:
        """What is used for a word: itself where nothing is better; None where it is strange.

        last: whether the text ends with it, so that it should name something. named: whether it follows an article too.
        """
        if word in _ASKING and not last:
            return word
        if word in self._frequency and not (named and word in self.function_words and word not in _COUNTED):
            found = max((word, *self._restored(word, dots=False)), key=self._frequency.__getitem__)
            rare = self._frequency[found] < _RARE  # many type "strasse", and some "fahrad"
            return (rare and self._nearest(found, language, last, 1, at_least=_COMMON)) or found
        if restored := self._restored(word) or [w for w in _shortened(word) if w in self._frequency]:
            return max(restored, key=self._frequency.__getitem__)
        if self._compound(word) or _CONTRACTED.fullmatch(word):
            return word
        if word in self.others:
            return None
        if word.endswith("'s") and "'" not in (owner := word[:-2]):
            meant = self._meant(owner, language, False, False)
            return meant and f"{meant}'s"
        if len(parts := _JOINTS.split(word)) > 1 and all(len(p) < SHORTEST or p in self._frequency for p in parts):
            return word
        return (
            self._nearest(word, language, last, 1)
            or (last and self._completed(word))
            or self._split(word)
            or self._nearest(word, language, last, 2)
        )

    @cached_property
    def _frequency(self) -> dict[str, int]:
        found: dict[str, int] = {}
        for words in self.counts.values():
            for word, count in words.items():
                found[word] = found.get(word, 0) + count
        return found

    def _restored(self, word: str, dots: bool = True) -> list[str]:
        """The known words that a word may be whose umlauts and ß were written out or, with `dots`, lost their dots."""
        german = self.counts.get("de", {})
        spots = [(at, 2, _DIGRAPHS[word[at : at + 2]]) for at in range(len(word)) if word[at : at + 2] in _DIGRAPHS]
        if dots:
            spots += [(at, 1, _DOTTED[letter]) for at, letter in enumerate(word) if letter in _DOTTED]
        found = []
        for count in range(1, min(len(spots), 3) + 1):
            for chosen in combinations(spots[:12], count):
                variant, end = "", 0
                for at, length, letter in sorted(chosen):
                    if at < end:
                        break
                    variant, end = variant + word[end:at] + letter, at + length
                else:
                    if (variant := variant + word[end:]) in german:
                        found.append(variant)
        return found

    def _compound(self, word: str) -> bool:
        """Whether a word is made of two known German ones: "Kaffeetasse"."""
        german = self.counts.get("de", {})
        return any(
            word[at:] in german
            and any(
                word[:at].endswith(link) and at - len(link) >= PART and word[: at - len(link)] in german
                for link in _LINKS
            )
            for at in range(PART, len(word) - PART + 1)
        )

    def _split(self, word: str) -> str | None:
        """The two frequent words that were typed as one: "redcar"."""
        best, highest = None, _LIKELY - 1
        for at in range(PART, len(word) - PART + 1):
            rarer = min(self._frequency.get(half, 0) for half in (word[:at], word[at:]))
            if rarer > highest:
                best, highest = f"{word[:at]} {word[at:]}", rarer
        return best

    def _completed(self, word: str) -> str | None:
        """The likeliest known word that begins with this one, which is being typed: "eleph"."""
        if len(word) < BEGUN:
            return None
        return max((w for w in self._frequency if w.startswith(word)), key=self._frequency.__getitem__, default=None)

    def _nearest(self, word: str, language: str | None, last: bool, most: int, at_least: int = 1) -> str | None:
        """The likeliest known word within `most` edits, of which a short word can have only one: letters dropped,
        added, replaced or swapped (the optimal string alignment distance). A text doesn't end with a function word."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        most = min(most, 1 if len(word) < 5 else 2)
        best, highest = None, -math.inf
        for length in range(max(PART, len(word) - most), len(word) + most + 1):
            near = self._by_length.get(length, [])
            for known, distance, _ in process.extract(word, near, scorer=OSA.distance, score_cutoff=most, limit=None):
                if self._frequency[known] < at_least or (last and known in self.function_words):
                    continue
                if _JOINTS.findall(word) != _JOINTS.findall(known):  # "no-one" is not "nonne"
                    continue
                score = math.log(self._frequency[known]) - _EDIT * distance + _SAME_START * (word[0] == known[0])
                score += _SAME_LETTERS * (set(word) == set(known)) + _NEIGHBOURS * _slipped(word, known)
                score += _SAME_LANGUAGE * (language is not None and known in self.counts[language])
                if score > highest:
                    best, highest = known, score
        return best

    @cached_property
    def _by_length(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for word in self._frequency:
            if len(word) >= PART:
                found.setdefault(len(word), []).append(word)
        return found


def _lower(word: str) -> str:
    return unicodedata.normalize("NFKC", word).lower().replace("’", "'")


def _shortened(word: str) -> set[str]:
    """A word whose letters were drawn out, "caaaar", with two and with one of them in their place."""
    return {_DRAWN_OUT.sub(instead, word) for instead in (r"\1\1", r"\1")} - {word}


def _slipped(word: str, known: str) -> bool:
    """Whether one key was hit for another beside it."""
    pairs = [a + b for a, b in zip(word, known, strict=False) if a != b]
    return len(word) == len(known) and len(pairs) == 1 and not {pairs[0], pairs[0][::-1]}.isdisjoint(_BESIDE)
