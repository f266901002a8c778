"""What a person typed -> what is meant: spelling, German without its umlauts, and what the photos should not show."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from html import unescape

from xmr.preprocess.negation import without_negations
from xmr.preprocess.spelling import Vocabulary
from xmr.preprocess.text import clean_text

_ADDRESS = re.compile(  # or a file's name: no words to correct, and no negations. "A dog.The cat" is none
    r"(?<!\S)\S*(?:://|(?<!\S)(?:@|[.~]{0,2}/)(?=\w)|(?<=\w)(?:[@\\]|\.(?![A-ZÄÖÜ][a-zäöüß]))(?=\w))\S*"
)
_PRIVATE = 0xE000  # where signs begin that no text has once it is clean
_TAG = re.compile(r"</?[A-Za-z][^<>]*>")  # pasted from a web page
_ALT = re.compile(r"""\balt\s*=\s*(["'])(.*?)\1""", re.IGNORECASE)  # what such a tag says in words
_LINK = re.compile(r"!?\[([^\[\]]+)\]\([^()\s]*\)")  # pasted Markdown
_APOSTROPHE = re.compile(r"(?<=\w)[´`ʼ′](?=\w)")
_EMOJI = re.compile(
    "[\u231a\u231b\u23f0-\u23f3\u2600-\u27bf\u2b50\U0001f300-\U0001f3fa\U0001f400-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]*"
)
_MOOD = re.compile(
    "[\u2639\u263a\U0001f600-\U0001f637\U0001f641-\U0001f644\U0001f910-\U0001f915\U0001f970-\U0001f976]\ufe0f?"
)
_SPOT = re.compile(r"^(?:large|medium) (\w+) (?:circle|square)$")
_CALLED = re.compile(r" (?:face|sign|symbol)$")  # what no one says who means the thing itself
_COLOURED = "\U0001f000"  # from here on a black heart is black; before, it is one that is filled
_FILLED = re.compile(r"^(?:heavy |black |white )+")

# What a request begins with, "can you show me some pictures of", and what makes it polite.
_REQUEST = re.compile(
    r"\W*(?:(?:hi|hey|hello|hallo|ok(?:ay)?|please|pls|bitte|siri|google|alexa|I|ich|we|wir)\b\W*)*?"
    r"(?:(?:(?:can|could|would|will)\s+you\s+(?:please\s+)?)?(?:show|find|give|get)\s+(?:me|us)|gimme|find"
    r"|(?:I|we)\s+(?:(?:just|really)\s+)?(?:want|need|wanna)(?:(?:\s+to)?\s+see)?"
    r"|(?:I|we)(?:['’]?d|\s+would)\s+like(?:\s+to\s+see)?"
    r"|(?:(?:I|we)(?:['’]?m|['’]?re|\s+a(?:m|re))\s+)?(?:look|search)(?:ing)?\s+for"
    r"|do\s+you\s+have|have\s+you\s+got|(?:is|are)\s+there"
    r"|(?:ich|wir)\s+(?:suchen?|will|wollen|möchten?|brauchen?|hätten?)|suche|finde|(?:zeige?|gib)(?:\s+(?:mir|uns))?+"
    r"|(?:kannst|könntest)\s+du\s+(?:mir|uns)|hast\s+du|habt\s+ihr|gibt\s+es)\b"
    r"(?:\s+(?:please|bitte|mal|gerne?|some|any)\b)*\s+"
    r"(?:(?:(?:an?|the|eine?|das)\s+)?(?:pictures?|photos?|pics?|images?|fotos?|bild(?:er)?)"
    r"\s+(?:of|with|from|von|mit)\s+)?",
    re.IGNORECASE,
)
_POLITE = re.compile(
    r"^\W*(?:please|bitte)\b\W+|[\s,]+(?:please|pls|plz|thanks|thank\s+you|bitte|danke)\W*$", re.IGNORECASE
)
_SHOWN = re.compile(r"\s+(?:zeigen|sehen|finden)\W*$", re.IGNORECASE)  # how German requests end


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
        wanted = "a photo" if self.only_unwanted else self.wanted or self.typed
        return ((wanted, 1.0), *((text, -1.0) for text in self.unwanted))

    @property
    def only_unwanted(self) -> bool:
        """Whether it says only what the photos should not show."""
        return bool(self.unwanted and not self.wanted)

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
    typed = clean_text(text)
    typed = clean_text(unescape(_TAG.sub(_said, _LINK.sub(r"\1", typed)))) or typed  # an entity may stand for any sign
    typed = _APOSTROPHE.sub("'", unicodedata.normalize("NFC", typed))  # an umlaut may come as a letter and its dots
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
    wanted = without_request(wanted)
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


def without_request(text: str) -> str:
    """What a text asks for, without the words that only ask.

    >>> without_request("can you show me some pictures of cats, please?")
    'cats'
    >>> without_request("Ich möchte einen Hund sehen"), without_request("please")
    ('einen Hund', 'please')
    """
    asked = _POLITE.sub("", text)
    if begun := _REQUEST.match(asked):
        asked = _SHOWN.sub("", asked[begun.end() :])
    return asked if any(map(str.isalnum, asked)) else text


def pictures_named(text: str) -> tuple[str, list[tuple[str, str]]]:
    """A text with the names that Unicode has for its emoji in their place, and these emoji with their names. A face
    beside anything else only tells the mood, and is left out; a coloured spot is a colour.

    >>> pictures_named("a 🐶 on the beach")
    ('a dog on the beach', [('🐶', 'dog')])
    """
    if text.isascii():
        return text, []
    found: list[tuple[str, str]] = []
    without_moods = _MOOD.sub(" ", text)
    if any(map(str.isalnum, without_moods)) or _EMOJI.search(without_moods):
        text = without_moods

    def name(match: re.Match[str]) -> str:
        called = _SPOT.sub(r"\1", _CALLED.sub("", unicodedata.name(match[0][0], "").lower()))
        if match[0][0] in "\U0001f6ab\u274c":  # crossed out
            called = "no"
        if match[0][0] < _COLOURED:
            called = _FILLED.sub("", called)
        found.append((match[0], called))
        return f" {found[-1][1]} "

    named = _EMOJI.sub(name, text)
    return (re.sub(r"\s+", " ", named).strip(), found) if found else (text.strip(), [])


def _said(tag: re.Match[str]) -> str:
    alt = _ALT.search(tag[0])
    return f" {alt[2]} " if alt else " "
