"""What a person typed -> what is meant: spelling, German without its umlauts, and what the photos should not show."""

from __future__ import annotations

import json
import math
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from functools import cache, cached_property
from html import unescape
from itertools import combinations, islice
from typing import Any

from xmr.modality import BadInput
from xmr.preprocess.text import clean_text

SHORTEST = 2  # letters of a word that is corrected ...
PART = 3  # ... and of a part of a compound, or of two words typed as one
LONG = 5  # ... of one that may have two slips, and is hardly another by chance
BEGUN = 4  # ... and of a last word that is completed
MOST_WORDS = 64  # of a text that are looked up; longer texts are taken as they are from there on
MOST_UNWANTED = 16  # of a text; further negations stay in it
_WORD = re.compile(r"(?<![^\W_])[^\W\d_]+(?:['’-][^\W\d_]+)*(?![^\W_])")  # but no letters of "50mm"
_ADDRESS = re.compile(  # or a file's name: no words to correct, and no negations. "A dog.The cat" is none
    r"(?<!\S)\S*(?:://|(?<!\S)(?:@|[.~]{0,2}/)(?=\w)|(?<=\w)(?:[@\\]|\.(?![A-ZÄÖÜ][a-zäöüß]))(?=\w))\S*"
)
_PRIVATE = 0xE000  # where signs begin that no text has once it is clean
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")  # pasted from a web page
_APOSTROPHE = re.compile(r"(?<=\w)[´`ʼ′](?=\w)")
_EMOJI = re.compile("[\u2600-\u27bf\u2b50\U0001f300-\U0001f3fa\U0001f400-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]*")
_CALLED = re.compile(r" (?:face|sign|symbol)$")  # what no one says who means the thing itself
_COLOURED = "\U0001f000"  # from here on a black heart is black; before, it is one that is filled
_FILLED = re.compile(r"^(?:heavy |black |white )+")
_JOINTS = re.compile("['-]")
_CONTRACTED = re.compile(r"[^\W\d_]+'(?:t|d|m|re|ve|ll)")
_DIGRAPHS = {"ae": "ä", "oe": "ö", "ue": "ü", "ss": "ß"}
_DOTTED = {"a": "ä", "o": "ö", "u": "ü"}
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
_JOINED = 10  # two words are one if that is so many times as frequent as the rarer of them
_COMMON = 1000  # a word this frequent is meant, rather than a compound that nobody wrote, one edit away
_FAMILIAR = 200  # a word this frequent may be completed
_LIKELY = 20  # a word this frequent may be a part of two that were typed together

_NOT_EN = (
    r"(?:no|zero)(?!\s+(?:one|to|gravity|waste|\d+)\b)|(?>not(?:\s+at\s+all)?(?:\s+(?:wearing|having|showing|containing))?)(?!\s+(?:all|every|to)\b)"
    r"|with\s?out(?!\s+of\b)|w/o(?:ut)?|minus(?!\s+\d)|(?:(?<=that\s)|(?<=who\s)|(?<=which\s))never|in\s+no\s+way|by\s+no\s+means"
    r"|(?>except(?:\s+for)?)|exclud(?:e|es|ing)|lack(?:s|ing)|but\s+not|neither|(?:hardly|barely|scarcely)\s+any"
    r"|(?:devoid|free)\s+of|(?:any(?:thing|one|body)?|every(?:thing|one|body)?|all)(?:\s+colou?rs?)?\s+but"
    r"|(?:other|rather)\s+than|instead\s+of|(?:apart|aside)\s+from|with\s+the\s+exception\s+of"
    r"|(?:is|are|was|were|has|have)['’]?n['’]?t"
    r"|(?>(?:do|does|did)(?:n['’]?t|\s+not)(?:\s+(?:want|like|need|show|see|have|wear|include|contain))?(?:\s+to\s+see|\s+me)?)"
)
_NOT_DE = (
    r"kein(?:e[nmrs]?|s)?|ohne|kaum(?!\s+(?:zu|mehr|noch)\b)|nicht?(?!\s+(?:alle[nmrs]?|jede[nmrs]?)\b)|(?<=\bd[ae][rs]\s)nie(?:mals)?|(?<=\bdie\s)nie(?:mals)?|außer|ausser|alles\s+bis\s+auf"
    r"|weder|(?<!findet\s)(?<!finden\s)(?:an)?statt|anstelle(?:\s+von)?|frei\s+von|mit\s+Ausnahme\s+von"
    r"|abgesehen\s+von|auf\s+keinen\s+Fall|keines(?:falls|wegs)"
)
# What follows a negation that takes nothing away: "not only", "not very big", "no doubt", "Ohne Titel".
_MEANT = (
    r"(?!\s+(?:only|just|more|less|longer|far|necessarily|always|very|so|too|quite|really|entirely|completely|both|doubt"
    r"|hurry|title|nur|bloß|mehr|weit|unbedingt|immer|sehr|ganz|zu|wirklich|völlig|besonders|zweifel|titel|atem|betrieb)\b)"
)
_ARTICLE = r"(?:any|a|an|the|eine[nmrs]?|ein|der|die|das|den|dem|des)"
# What leads to a negation: "a cup [that is] not red", "a street [where there are almost] no cars".
_LEADING = (
    r"(?:that|which|who|der|die|das)(?:['’]s|\s+(?:has|have))?|and|or|but|with|where|there|is|are|was|were|wearing"
    r"|(?:on|in|at)\s+which|almost|nearly|absolutely|definitely|und|oder|aber|mit|wo|da|hier|dies|es|gibt|ist|sind"
    r"|trägt|(?:auf|in|an|bei)\s+(?:dem|der|denen)|fast(?=\s+kein)|ganz|gar|völlig|überhaupt"
)
_NEGATION = re.compile(
    rf"(?:,?\s*\b(?:{_LEADING})\s+){{0,5}}"
    rf"(?<![\w-])(?<!\w['’])(?<!\bnothing\s)(?<!\bnichts\s)(?<!\bnone\s)(?:{_NOT_EN}|{_NOT_DE})(?![\w'’-]){_MEANT}\s+"
    rf"(?P<article>{_ARTICLE}(?:\s+|$))?(?:(?:single|einzige[nmrs]?)\s+)?",
    re.IGNORECASE,
)
# "A beach with nobody on it", "ein Strand, auf dem niemand ist" have no people; "nobody smiles" does.
_NOBODY = {
    "no people": re.compile(
        r"\b(?:with|there(?:['’]s|\s+is))\s+(?:nobody|no[ -]one)\b"
        r"|\b(?:nobody|no[ -]one)(?=\s+(?:there|here|around|visible|in|on|at|near|under|inside)\b)",
        re.IGNORECASE,
    ),
    "keine Menschen": re.compile(
        r"\b(?:mit\s+niemand(?:em)?|es\s+ist\s+niemand)\b"
        r"|\bniemand(?=\s+(?:da|dort|hier|ist|zu\s+sehen|darauf|drauf|darin|drin|im|in|am|an|auf|bei)\b)",
        re.IGNORECASE,
    ),
}
_NOT_WITHOUT = re.compile(r"\b(?:not|never|nicht|nie)\s+(?:without|ohne)\s+", re.IGNORECASE)
# One word: "car -red", as to a search engine, "a not red car", "ein nicht rotes Auto", "a car-free street", "autofrei".
_UNWANTED = re.compile(
    r"(?<!\S)[-!]([^\W\d_]+)(?!\S)"
    r"|\b(?:non[- ]|nicht-)(?!(?:stop|stick|slip|fiction|profit)\b)([^\W\d_]+)"
    rf"|(?<=\ba\s)not{_MEANT}\s+([^\W\d_]+)(?=\s+[^\W\d_])"
    rf"|(?<=\bein\s)nicht{_MEANT}\s+([^\W\d_]+e[rs])(?=\s+\w)|(?<=\beine\s)nicht\s+([^\W\d_]+e)(?=\s+\w)"
    r"|(?<=\beine[nmr]\s)nicht\s+([^\W\d_]+en)(?=\s+\w)"
    r"|(?<![\w-])([^\W\d_]+)-free(?![\w-])|(?<![\w-])([^\W\d_]{3,}?)-?frei(?:e[nmrs]?)?(?![\w-])"
    r"|\b(menschen)leer(?:e[nmrs]?)?\b",
    re.IGNORECASE,
)
_SAY_NO = """
without nicht not no ohne keine keinen kein keinem keiner keines except instead neither anything everything isn't aren't
don't doesn't außer ausser weder statt
"""
_NEGATING = _SAY_NO.split()
_LISTED = re.compile(rf"\s*(?:,|\b(?:and|or|nor|und|oder|noch)\b)\s*(?:{_ARTICLE}\s+)?", re.IGNORECASE)
_PLACE = r"in|on|at|under|over|near|behind|beside|im|auf|am|an|bei|unter|über|neben|hinter|vor"
_AT_PLACE = re.compile(rf"(?:{_PLACE})\s+(?=\w)", re.IGNORECASE)  # "not in the water"
# What a negation ends with, and says nothing by itself: "no cars [at all]", "keine Autos [zu sehen]".
_CLOSED = (
    r"at\s+all|whatsoever|anywhere|here|hier|in\s+(?:sight|Sicht)|(?:in|on)\s+(?:it|them)|on\s*$|to\s+be\s+seen|zu\s+sehen"
    r"|weit\s+und\s+breit|mehr|darauf|drauf|darin|drin"
)
_ITEM = rf"(?!{_ARTICLE}\s)[^\W\d_]+(?:\s(?!\w+ing\b)[^\W\d_]+)?\s*"  # of a list: "no dogs, cats or birds"
_ENDS = re.compile(  # what is wanted goes on after these
    rf",(?!\s*(?:(?:{_ITEM},\s*){{0,8}}{_ITEM},?\s*)?\b(?:or|nor|oder|noch)\s)|[;.!?:()\[\]]|\b(?:{_CLOSED}|{_PLACE}"
    r"|but|with|is|are|was|were|has|have|who|which|while|and\s+\w+ing|please|thanks"
    r"|(?<!no\s)(?<!not\s)(?<!n't\s)(?<!never\s)(?<!any\s)(?<!without\s)"
    r"(?:stand|sit|walk|run|ride|jump|climb|play|hold|swim)s?"
    r"|aber|sondern|mit|ist|sind|waren|haben|wird|werden|sitzt|sitzen|steht|stehen|liegt|liegen|geht|gehen|läuft|laufen"
    r"|fährt|fahren|rennt|rennen|spielt|spielen|springt|trägt|sehen|bitte|danke)\b",
    re.IGNORECASE,
)
# "No shoes and a bag" asks for a bag; "without a hat and a bag" does not.
_ENDS_AND_ONE = re.compile(
    rf"{_ENDS.pattern}|\b(?:and\s+(?:an?|some|one|two)|und\s+(?:eine?[nmr]?|zwei))\s", re.IGNORECASE
)
_CLOSING = re.compile(
    rf"(?:\s*\b(?:{_CLOSED}|ist|sind|hat|haben|trägt|tragen)\b|,?\s*\b(?:but|sondern)\b)+", re.IGNORECASE
)
_EDGES = " ,;.!?:()[]/–—-\"„“”…'‚‘’"
_SIGN = re.compile(  # "a no parking sign" wants one, and so does "no parking"
    r"\b(?:signs?|says|saying|stating|schild(?:er|ern|s)?|aufschrift|no\s+(?:parking|smoking|entry|trespassing)|kein\s+(?:zutritt|durchgang))\b",
    re.IGNORECASE,
)


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
    typed = _APOSTROPHE.sub("'", unescape(_TAG.sub(" ", typed)).strip() or typed)
    addresses = {_PRIVATE + number: address for number, address in enumerate(_ADDRESS.findall(typed))}
    for sign, address in addresses.items():  # what stands for it till the end is neither a word nor punctuation
        typed = typed.replace(address, chr(sign), 1)
    corrected: list[tuple[str, str]] = []
    slips: list[tuple[str, str]] = []
    if vocabulary is not None:
        typed, corrected = pictures_named(typed)
        if negations:
            typed, slips = vocabulary.negations_put_right(typed)
    wanted, unwanted = without_negations(typed) if negations else (typed, ())
    if not unwanted:  # else what is unwanted tells how they were read
        corrected += slips
    if vocabulary is None:
        return Reading(text, wanted.translate(addresses), tuple(part.translate(addresses) for part in unwanted))
    unknown: list[str] = []
    parts = []
    for part in (wanted, *unwanted):
        read_as, changes, strange = vocabulary.correct(part, context=typed)
        parts.append(read_as.translate(addresses))
        corrected += changes
        unknown += strange
    if unwanted and vocabulary.says_nothing(parts[0]):  # "there is no dog"
        parts[0] = ""
    return Reading(text, parts[0], tuple(parts[1:]), tuple(dict.fromkeys(corrected)), tuple(dict.fromkeys(unknown)))


def pictures_named(text: str) -> tuple[str, list[tuple[str, str]]]:
    """A text with the names that Unicode has for its emoji in their place, and these emoji with their names.

    >>> pictures_named("a 🐶 on the beach")
    ('a dog on the beach', [('🐶', 'dog')])
    """
    if text.isascii():
        return text, []
    found: list[tuple[str, str]] = []

    def name(match: re.Match[str]) -> str:
        called = _CALLED.sub("", unicodedata.name(match[0][0], "").lower())
        if match[0][0] < _COLOURED:
            called = _FILLED.sub("", called)
        found.append((match[0], called))
        return f" {found[-1][1]} "

    named = _EMOJI.sub(name, text)
    return (re.sub(r"\s+", " ", named).strip(), found) if found else (text, [])


def without_negations(text: str) -> tuple[str, tuple[str, ...]]:
    """A text without the parts that say what is not wanted, and what these name.

    A negation reaches to the next comma, preposition or verb, or over a list that "or" closes; what "and" or "or" adds
    to it counts too, and what only leads to it or closes it goes with it. A minus in front of a word reaches over that
    word. What a sign says is no negation.

    >>> without_negations("a street without cars and people in the rain")
    ('a street in the rain', ('cars', 'people'))
    >>> without_negations("ein Strand, aber keine Menschen")
    ('ein Strand', ('Menschen',))
    >>> without_negations("cars -red that aren't blue")
    ('cars', ('red', 'blue'))
    """
    kept: list[str] = []
    text = _NOT_WITHOUT.sub("", text)
    for said, nobody in _NOBODY.items():
        text = nobody.sub(said, text)
    unwanted = [match[match.lastindex or 0] for match in islice(_UNWANTED.finditer(text), MOST_UNWANTED)]
    text = _UNWANTED.sub("", text, count=MOST_UNWANTED)
    at = 0
    while len(unwanted) < MOST_UNWANTED and (match := _NEGATION.search(text, at)):
        place = _AT_PLACE.match(text, match.end())
        ends = _ENDS if match["article"] else _ENDS_AND_ONE
        end = ends.search(text, place.end() if place else match.end())
        stop = end.start() if end else len(text)
        begin = max((end.end() for end in _ENDS.finditer(text, 0, match.start())), default=0)
        on_sign = _SIGN.search(text, begin, stop)
        following = _NEGATION.search(text, match.end(), stop)
        stop = following.start() if following else stop
        named = [one.strip(_EDGES) for one in _LISTED.split(text[match.end() : stop])]
        named = [one for one in named if one and not _NEGATION.fullmatch(f"{one} ")]
        if on_sign or not named:  # or nothing follows: it negates nothing
            again = following is not None and following.start() == match.end() and not on_sign  # "no no dogs"
            kept.append(text[at : match.start() if again else match.end()])
            at = match.end()
            continue
        kept.append(text[at : match.start()])
        unwanted += named
        closing = _CLOSING.match(text, stop)
        at = closing.end() if closing else stop
    if not unwanted:
        return text, ()
    kept.append(text[at:])
    wanted = re.sub(r"\s+", " ", " ".join(kept))
    wanted = re.sub(r"(?:[,;] ?)+(?=[,;])", "", wanted.replace(" ,", ",")).strip(_EDGES)
    return re.sub(r"^(?:but|and|with|aber|und|mit|sondern)\s+", "", wanted), tuple(unwanted)


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
        self.counts, self.others = counts, frozenset(others)
        self.function_words = frozenset(function_words)

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
            meant = self._meant(lower, language, last, named)
            if meant is None or (meant != lower and abbreviated):
                unknown.append(word)
                continue
            if meant != lower:
                parts += [text[at : match.start()], meant]
                at = match.end()
                if meant not in self._restored(lower):
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
            found = max((word, *self._restored(word, dots=False)), key=self._frequency.__getitem__)
            return self._put_right(found, max(self.counts.values(), key=lambda counts: counts.get(found, 0)))
        if restored := self._restored(word) or [w for w in _shortened(word) if w in self._frequency]:
            return max(restored, key=self._frequency.__getitem__)
        if _CONTRACTED.fullmatch(word):
            return word
        compound = self._compound(word)
        if word in self.others:
            return word if compound or self._inflected(word, PART) else None
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
        return likely

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
        """A word that is made of two known German ones, "Kaffeetasse", with both put right; None if it is not. Few
        begin and none ends with a function word: "withhat" and "dogand" are two words."""
        german, english = self.counts.get("de", {}), self.counts.get("en", {})
        for at in range(PART, len(word) - PART + 1):
            for link in _LINKS:
                first, second = word[: at - len(link)], word[at:]
                if second in self.function_words:
                    continue
                if first in self.function_words and english.get(first, 0) > german.get(first, 0):
                    continue
                if word[:at].endswith(link) and len(first) >= PART and first in german and second in german:
                    return self._put_right(first, german) + link + self._put_right(second, german)
        return None

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
    for right in reversed(_NEGATING):
        spots = range(len(right) < LONG, len(right))  # "lein" and "jein" are other words
        slips = {right[:at] + right[at + 1] + right[at] + right[at + 2 :] for at in spots[:-1]}
        slips |= {right[:at] + right[at] + right[at:] for at in range(len(right))}
        if len(right) > PART:
            slips |= {right[:at] + right[at + 1 :] for at in spots}
            slips |= {right[:at] + pair[1] + right[at + 1 :] for at in spots for pair in beside if pair[0] == right[at]}
        found |= dict.fromkeys(slips - set(_NEGATING), right)
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
