"""The spelling of a text: slips, umlauts and compounds, put right from the words that a system learnt."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from functools import cache, cached_property
from itertools import combinations, islice
from typing import Any

from xmr.modality import BadInput
from xmr.preprocess.negation import NEGATING

SHORTEST = 2  # letters of a word that is corrected ...
PART = 3  # ... and of a part of a compound, or of two words typed as one
LONG = 5  # ... of one that may have two slips, and is hardly another by chance
BEGUN = 4  # ... and of a last word that is completed
MOST_WORDS = 64  # of a text that are looked up; longer texts are taken as they are from there on
_WORD = re.compile(r"(?<![^\W_])[^\W\d_]+(?:['’-][^\W\d_]+)*(?![^\W_])")  # but no letters of "50mm"
_JOINTS = re.compile("['-]")
_CONTRACTED = re.compile(r"[^\W\d_]+'(?:t|d|m|re|ve|ll)")
_DIGRAPHS = {"ae": "ä", "oe": "ö", "ue": "ü", "ss": "ß"}
_DIGRAPH = re.compile("[aou]e")
_DOTTED = {"a": "ä", "o": "ö", "u": "ü"}
_HUMP = re.compile(r"(?<=[^\W\d_A-ZÄÖÜ])(?=[A-ZÄÖÜ])")
_DRAWN_OUT = re.compile(r"(.)\1{2,}")
_LINKS = ("", "s", "n", "en", "es", "er")  # between the parts of a German compound
_ENDINGS = {"en": ("s", "es", "ed", "er", "ing", "ies", "y"), "de": ("e", "en", "em", "er", "es", "n", "s")}
_EDIT = 4.5  # what an edit costs, in units of the logarithm of a word's count
_SAME_START, _SAME_LETTERS = 1.5, 1.0  # what speaks for a word, in these units ...
_OTHER_LANGUAGE, _OTHER_LETTER = 2.0, 2.0  # ... and against it; the latter for each that is no likely slip for another
_SURE = {1: 7.0, 2: 4.0}  # edits -> what has to speak for a word, less 1 for each letter that was typed, ...
_LEAST, _MOST = -2.0, 3.0  # ... within these: short words are near others by chance, and strange ones are no slips
_KEYBOARDS = (("qwertyuiop", "asdfghjkl", "zxcvbnm"), ("qwertzuiopü", "asdfghjklöä", "yxcvbnm"))
_ALIKE = ("aeiouyäöü", "cksxzß", "cgjkq", "dt", "bp", "fvw", "mn", "yz")  # in sound, or on keyboards of two languages
_ARTICLES = {"a", "an", "the", "ein", "eine", "einen", "einem", "einer", "der", "die", "das", "den", "dem", "des"}
_COUNTED = {"one", "two", "three", "four", "five", "six", "other", "many", "zwei", "drei", "vier", "fünf", "sechs"}
_COUNTED |= {"eine", "einen", "andere", "anderen", "anderer", "viele"}  # name something after an article
# What people ask with, and captions hardly ever say: it names nothing, and is no misspelling of what does.
_WORDS_TO_ASK = """
i i'm i'd im me my you your we it's its that's there's want wants wanted wanna need like give get gimme got find
search searching looking show please pls plz thanks thank hi hello hey ok okay could cannot can't would do does did
don't dont have any anything everything something nothing everyone anyone someone nobody none how when where wheres
why whose too just only yet than then if such pic pics picture pictures photo photos image images color colors
colour colours
ich mir mich du dir dich euch uns wir mein meine meinen meinem meiner meines dein deine deinen unser unsere unseren
euer eure zeig zeige zeigt zeigen suche suchen finde finden möchte möchten will willst wollen wollte hätte hätten
gern gerne gib gebt brauche brauchen kann kannst könnt können könntest habe habt hast bist seid sehen mag magst mögen
bitte danke hallo alles etwas nichts niemand keiner keines wer wen wem wessen wann warum weshalb wieso wo woher wohin
welcher welches welchen welchem sondern sonst außer anstelle doch schon dann denn wenn weil ja nein heute gestern
immer nie niemals hundert tausend einzige einziger einziges einzigen jede jeder jedes jeden foto fotos bild bilder
farbe farben
"""
_ASKING = frozenset(_WORDS_TO_ASK.split())
_DOUBLING, _SWAP, _SHORT_SLIP = 30, 400, 1000  # a word so many times rarer than the one it may be a slip of, is one
_JOINED = 10  # two words are one if that is so many times as frequent as the rarer of them, and the other way round
_COMMON = 1000  # a word this frequent is meant, rather than a compound that nobody wrote, one edit away
_FAMILIAR = 200  # a word this frequent may be completed
_LIKELY = 20  # a word this frequent may be a part of two that were typed together


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
        names: Collection[Collection[str]] = (),
    ) -> None:
        """All words are in small letters.

        counts: language -> word -> how often.
        others: words of which nothing was learnt, which are no misspellings.
        function_words: those that name nothing: a text can't consist of one, or end in one after an article.
        names: the words of each name of one thing that has several. They are kept with the longest first.
        """
        self.counts, self.others = counts, frozenset(others)
        self.function_words = frozenset(function_words)
        self.names = tuple(sorted(map(frozenset, names), key=len, reverse=True))

    @classmethod
    def from_json(cls, content: bytes, path: Any = "The list of words") -> Vocabulary:
        """The vocabulary of a file's content: {"counts": {"en": {"car": 12}}, "others": [], "function_words": ["of"],
        "names": [["dog", "hot"]]}, of which the names may be missing; BadInput if it is none. path: the file's, for the
        message."""
        try:
            found = json.loads(content)
            counts = {language: dict(words) for language, words in found["counts"].items()}
            sound = all(type(n) is int and n > 0 for words in counts.values() for n in words.values())
            others, function_words = (frozenset(map(str, found[key])) for key in ("others", "function_words"))
            names = [[str(word) for word in name] for name in found.get("names", ())]
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            sound = False
        if not sound:
            raise BadInput(f"{path} is not a list of words that can be read. Restore the file.")
        return cls(counts, others, function_words, names)

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
            begin, end = match.span()
            if len(word) < SHORTEST or begin < at:
                continue
            last = number == len(words) - 1
            if not last and text[end : words[number + 1].start()] == " ":
                end = words[number + 1].end()
                if joined := self._respaced(lower, _lower(words[number + 1][0])):
                    corrected.append((text[begin:end], joined))
                    parts += [text[at:begin], joined]
                    at = end
                    continue
            named = last and number > 0 and words[number - 1][0].lower() in _ARTICLES
            abbreviated = len(word) == SHORTEST and word.isupper() and (not text.isupper() or word == text)  # "an AI"
            meant = self._unhumped(word) or self._meant(lower, language, last, named)
            if meant is None or (meant != lower and abbreviated):
                unknown.append(word)
                continue
            if meant != lower:
                parts += [text[at : match.start()], meant]
                at = match.end()
                in_two = meant == self._compound(lower) and all(half in lower for half in meant.split())
                if not in_two and meant not in self._restored(lower):
                    corrected.append((word, meant))
        return "".join([*parts, text[at:]]), corrected, unknown

    def negations_put_right(self, text: str) -> tuple[str, list[tuple[str, str]]]:
        """A text with slips in the words that negate put right, and these words with what they became. They come before
        all others: read as something else, "wihtout people" finds people.

        >>> Vocabulary({"en": {"one": 9}, "de": {"nacht": 9}}).negations_put_right("ein Strand onhe Boote")
        ('ein Strand ohne Boote', [('onhe', 'ohne')])
        """
        corrected = []

        def put_right(match: re.Match[str]) -> str:
            word = _lower(match[0])
            meant = _misspelt_negations().get(word)
            frequent = word in self.others and sorted(word) != sorted(meant or "")  # "nciht" is frequent, but no word
            if meant is None or word in self._frequency or frequent:
                return match[0]
            corrected.append((match[0], meant))
            return meant

        return _WORD.sub(put_right, text), corrected

    def knows(self, text: str) -> bool:
        """Whether something is known of a word of a text that names anything: of "asdf", "the" and "42" it is not."""
        words = {word for word in _WORD.findall(text) if len(word) >= SHORTEST} - set(self.correct(text)[2])
        return any(_lower(word) not in self.function_words for word in words)

    def says_nothing(self, text: str) -> bool:
        """Whether a text has no other words than function words and those that people ask with."""
        return all(_lower(word) in self.function_words or _lower(word) in _ASKING for word in _WORD.findall(text))

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
        if word in _ASKING and not named:
            return word
        if word in self._frequency and not (named and word in self.function_words and word not in _COUNTED):
            found = self._likeliest(word)
            known = self._put_right(found, max(self.counts.values(), key=lambda counts: counts.get(found, 0)))
            return self._rather_two(known) or known
        if restored := self._restored(word) or [w for w in _shortened(word) if w in self._frequency]:
            return max(restored, key=self._frequency.__getitem__)
        if _CONTRACTED.fullmatch(word):
            return word
        compound = self._compound(word) or self._compound(_DIGRAPH.sub(lambda match: _DIGRAPHS[match[0]], word))
        if compound and language == "en":
            compound = word
        if word in self.others:
            return compound or (word if self._inflected(word, PART) else None)
        if compound:
            return self._nearest(word, language, last, 1, at_least=_COMMON) or compound
        if word.endswith("'s") and "'" not in (owner := word[:-2]):
            meant = self._meant(owner, language, False, False)
            return meant and f"{meant}'s"
        if len(parts := _JOINTS.split(word)) > 1 and any(part in self._frequency for part in parts):
            right = all(len(part) < SHORTEST or part in self._frequency or part in self.others for part in parts)
        else:
            right = self._inflected(word, LONG)
        if right:
            return word
        likely = (
            self._nearest(word, language, last, 1)
            or (last and self._completed(word))
            or self._split(word)
            or self._nearest(word, language, last, 2)
        )
        if not likely and "-" in word:
            read = [self._meant(part, language, False, False) or "" for part in parts]
            return "-".join(read) if all(read) else None
        return likely and self._likeliest(likely)

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

    def _put_right(self, word: str, counts: Mapping[str, int]) -> str:
        """A known word, or the one of the same language of which it is a slip that captions have too: "fahrad", "udn".
        Only lost dots, a letter that is doubled or not and two that are swapped count: "goats" are no "boats", however
        rare."""
        doubled = {word[:at] + word[at] + word[at:] for at in range(len(word))}
        doubled |= {word[:at] + word[at + 1 :] for at in range(1, len(word)) if word[at] == word[at - 1]}
        swapped = {word[:at] + word[at + 1] + word[at] + word[at + 2 :] for at in range(len(word) - 1)} - {word}
        times = dict.fromkeys({*swapped, *self._restored(word)}, _SWAP) | dict.fromkeys(doubled, _DOUBLING)
        if len(word) < LONG:
            times = dict.fromkeys(times, _SHORT_SLIP)
        return max((word, *times), key=lambda known: counts.get(known, 0) / times.get(known, 1))

    def _compound(self, word: str) -> str | None:
        """The two known German words, put right, that a word is made of: "kaffee tasse" for "Kaffeetasse"; None if
        there are none. Few begin and none ends with a function word: "withhat" and "dogand" are two words."""
        german, english = self.counts.get("de", {}), self.counts.get("en", {})
        best: tuple[str, ...] = ()
        highest = 0
        for at in range(PART, len(word) - PART + 1):
            for link in _LINKS:
                first, second = word[: at - len(link)], word[at:]
                if second in self.function_words:
                    continue
                if first in self.function_words and english.get(first, 0) > german.get(first, 0):
                    continue
                rarer = min(german.get(first, 0), german.get(second, 0))
                if word[:at].endswith(link) and len(first) >= PART and rarer > highest:
                    best, highest = (first, second), rarer
        return " ".join(self._put_right(self._likeliest(part), german) for part in best) or None

    def _rather_two(self, word: str) -> str | None:
        """The two words that a German one is made of, if it is so much rarer that more was learnt from them."""
        compound, german = self._compound(word), self.counts.get("de", {})
        if not compound or word in self.counts.get("en", {}):
            return None
        return compound if min(german.get(part, 0) for part in compound.split()) > _JOINED * german[word] else None

    def _likeliest(self, word: str) -> str:
        """A word, or the more frequent one that it is with its umlauts or its ß written out."""
        return max((word, *self._restored(word, dots=False)), key=lambda known: self._frequency.get(known, 0))

    def _inflected(self, word: str, shortest: int) -> bool:
        """Whether a word is a known one with another ending, "sunsets" or "gläsernem" beside "gläsernen", rather than
        with a letter that was lost or doubled at its end. shortest: letters of what is before the ending."""
        for language, endings in _ENDINGS.items():
            known = self.counts.get(language, {})
            for end in endings:
                stem = word.removesuffix(end)
                if len(stem) < shortest or stem == word or stem[-1] == end[0]:
                    continue
                if stem in known or any(stem + other in known for other in endings if end not in other):
                    return True
        return False

    def _split(self, word: str) -> str | None:
        """The two frequent words of one language that were typed as one: "redcar"."""
        best, highest = None, _LIKELY - 1
        for at in range(PART, len(word) - PART + 1):
            for language, counts in self.counts.items():
                rarer = min(counts.get(word[:at], 0), counts.get(word[at:], 0))
                ending = language == "de" and word[at:] in _ARTICLES  # "schaukelnden"
                if rarer > highest and not ending:
                    best, highest = f"{word[:at]} {word[at:]}", rarer
        return best

    def _respaced(self, first: str, second: str) -> str | None:
        """What was typed with a space at a wrong place, "butter fly" or "re dcar"; None where it may well be at the
        right one: "hot dog"."""
        rarer, other = sorted(self._frequency.get(word, int(word in self.others)) for word in (first, second))
        joined = first + second
        best = max((joined, *self._restored(joined)), key=lambda word: self._frequency.get(word, 0))
        if min(len(first), len(second)) >= PART:
            likely = self._frequency.get(best, 0) > _JOINED * rarer
        else:
            likely = not rarer and self._frequency.get(best, 0) > max(other, _FAMILIAR)
        if likely or rarer:
            return best if likely else None
        for at in (len(first) - 1, len(first) + 1):
            halves = joined[:at], joined[at:]
            if min(self._frequency.get(half, 0) for half in halves) > max(_JOINED * other, _LIKELY):
                return " ".join(halves)
        return None

    def _unhumped(self, word: str) -> str | None:
        """The known words that were joined with a capital letter each, as in "#RedCar"."""
        halves = _HUMP.sub(" ", word).lower().split()
        known = all(len(half) >= SHORTEST and half in self._frequency for half in halves)
        return " ".join(halves) if known and len(halves) > 1 else None

    def _completed(self, word: str) -> str | None:
        """The likeliest known word that begins with this one, which is being typed: "eleph"."""
        if len(word) < BEGUN:
            return None
        begun = (w for w, count in self._frequency.items() if w.startswith(word) and count >= _FAMILIAR)
        return max(begun, key=self._frequency.__getitem__, default=None)

    def _nearest(self, word: str, language: str | None, last: bool, most: int, at_least: int = 1) -> str | None:
        """The likeliest known word within `most` edits, of which a short word can have only one: letters dropped,
        added, replaced or swapped (the optimal string alignment distance). A text doesn't end with a function word."""
        from rapidfuzz import process
        from rapidfuzz.distance import OSA

        most = min(most, 1 if len(word) < LONG else 2)
        best, highest, needed = None, -math.inf, _MOST
        for length in range(max(PART, len(word) - most), len(word) + most + 1):
            near = self._by_length.get(length, [])
            for known, distance, _ in process.extract(word, near, scorer=OSA.distance, score_cutoff=most, limit=None):
                if self._frequency[known] < at_least or (last and known in self.function_words):
                    continue
                if _JOINTS.findall(word) != _JOINTS.findall(known):  # "no-one" is not "nonne"
                    continue
                score = math.log(self._frequency[known]) - _EDIT * distance + _SAME_START * (word[0] == known[0])
                score += _SAME_LETTERS * (set(word) == set(known))
                score -= _OTHER_LANGUAGE * (language is not None and known not in self.counts[language])
                if score > highest:
                    score -= _OTHER_LETTER * _strange_letters(word, known)
                if score > highest:
                    best, highest, needed = known, score, _SURE[distance] - len(word)
        return best if highest >= min(max(needed, _LEAST), _MOST) else None

    @cached_property
    def _by_length(self) -> dict[int, list[str]]:
        found: dict[int, list[str]] = {}
        for word in self._frequency:
            if len(word) >= PART:
                found.setdefault(len(word), []).append(word)
        return found


def _lower(word: str) -> str:
    return unicodedata.normalize("NFKC", word).lower().replace("’", "'")


@cache
def _misspelt_negations() -> dict[str, str]:
    """Words that negate with two letters swapped, one doubled or, unless they are short, one lost or hit beside its
    key; each with the right one."""
    found: dict[str, str] = {}
    beside = {*_beside(), *(pair[::-1] for pair in _beside())}
    for right in reversed(NEGATING):
        spots = range(len(right) < LONG, len(right))  # "lein" and "jein" are other words
        slips = {right[:at] + right[at + 1] + right[at] + right[at + 2 :] for at in spots[:-1]}
        slips |= {right[:at] + right[at] + right[at:] for at in range(len(right))}
        if len(right) > PART:
            slips |= {right[:at] + right[at + 1 :] for at in spots}
            slips |= {right[:at] + pair[1] + right[at + 1 :] for at in spots for pair in beside if pair[0] == right[at]}
        found |= dict.fromkeys(slips - set(NEGATING), right)
    return found


def _shortened(word: str) -> set[str]:
    """A word whose letters were drawn out, "caaaar", with two and with one of them in their place."""
    return {_DRAWN_OUT.sub(instead, word) for instead in (r"\1\1", r"\1")} - {word}


def _beside() -> set[str]:
    """Pairs of letters that are hit for each other, since their keys touch."""
    pairs = set()
    for upper, middle, lower in _KEYBOARDS:
        for row, below in ((upper, middle), (middle, lower), (lower, "")):
            pairs |= {a + b for keys in (row[1:], below, "_" + below) for a, b in zip(row, keys, strict=False)}
    return pairs


_CONFUSED = _beside() | {a + b for letters in _ALIKE for a in letters for b in letters}


def _strange_letters(word: str, known: str) -> int:
    """How many letters stand for others, or were added to others, that they neither touch on a keyboard nor sound
    like."""
    typed, meant = Counter(word) - Counter(known), Counter(known) - Counter(word)
    near = meant or known
    likely = sum(any(a == b or a + b in _CONFUSED or b + a in _CONFUSED for b in near) for a in typed.elements())
    return max(min(typed.total(), meant.total() or typed.total()) - likely, 0)
