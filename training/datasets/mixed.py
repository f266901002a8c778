"""world-mixed: queries of several terms against the demo gallery, whose facts say exactly which photos answer them.

A person's drawing, a rendered one or a photo says which thing, and words say which colour or which place; words alone
ask for a thing and take away a colour, a place or another thing; and words for a colour, a place, a material, or for a
thing in its colour are asked by themselves.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np

from training.datasets import MissingData, demo, labels_of, sketchy25, unit_hash, world
from training.datasets.names import phrases
from training.world.captions import COLOURS, MATERIALS, PLACES
from training.world.lexicon import LEXICON
from xmr.evaluation import Question
from xmr.modality import Item, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
ABOUT = (
    "Two terms against the demo gallery. Drawings: people's of sketchy25's held-out photos (colour, phrase, place) or "
    "rendered ones of new things (rendered); photo: a rendered photo of a new thing, another colour; _de: in German. "
    "both@1: the first answer is right in both; share@10: the share of ten, or of as many as there are; ceiling@1: "
    "both@1 if the words were met exactly and the drawing ranked the rest. minus: words less a colour, a place or a "
    "thing; unwanted@10 and wanted@10: the share of ten that shows what was taken away, and what was asked for; "
    "plain@10: wanted@10 without the minus. negated: a thing that a typed text says should not be there. _alone: one "
    "text for a colour, a place, a material, or a thing in its colour (phrase); half of all these are val's."
)
ALONE = ("colour", "place", "material", "phrase")  # what words say by themselves
ENOUGH = 10  # photos of a wanted thing without what is taken away, so that ten such answers are there


class Facts:
    """What is known of a gallery's photos, as arrays."""

    def __init__(self, photos: list[Item]) -> None:
        self.photos = photos
        seen = [(row, thing) for row, photo in enumerate(photos) for thing in things(photo)]
        self._row = np.array([row for row, _ in seen])
        self._of = {
            "category": np.array([thing["category"] for _, thing in seen], object),
            "colour": np.array([thing["colour"] for _, thing in seen], object),
            "material": np.array([thing["material"] for _, thing in seen], object),
            "place": np.array([photos[row].facts["place"] for row, _ in seen], object),
        }

    def shows(self, **wanted: str) -> np.ndarray:
        """(G,) bool, the photos in which one thing has all these: category, colour, material, and the photo's place."""
        met = np.all([self._of[fact] == value for fact, value in wanted.items()], axis=0)
        return np.bincount(self._row[met], minlength=len(self.photos)) > 0

    def values(self, category: str, fact: str) -> list[str]:
        """The colours or places in which the photos show a category, in order."""
        return sorted(set(self._of[fact][self._of["category"] == category]) - {None, "multicoloured"})


def things(photo: Item) -> list[dict]:
    """The facts of each thing in a rendered photo."""
    return photo.facts.get("objects", [photo.facts])


def questions(split: str) -> tuple[list[Question], list[Item]]:
    """The questions of "val" or "test", and the gallery's photos; raises MissingData."""
    facts = Facts(demo.items())
    drawn = [item for item in sketchy25.items(split) if item.modality is SKETCH]
    found = list(_with_words(facts, drawn, "", ("colour", "phrase", "place")))
    try:
        rendered = world.items(split, things="one")
    except MissingData:
        rendered = []
    found += _with_words(facts, [item for item in rendered if item.modality is SKETCH], "rendered", ("colour",))
    photos = [item for item in rendered if item.modality is PHOTO]
    found += _with_words(facts, photos, "photo", ("colour",), lambda item: item.facts["colour"])
    found += _minus(facts)
    found += _negated(facts)
    found += [question for kind in ALONE for question in alone(facts, split, kind)]
    return found, facts.photos


def alone(facts: Facts, split: str, kind: str) -> Iterator[Question]:
    """What words for each value of a kind of ALONE find by themselves, in both languages; each value is asked in one
    split, "val" or "test"."""
    for wanted in _values(facts, kind):
        right = facts.shows(**wanted)
        if (split == "val") != (unit_hash("/".join(wanted.values()), f"alone/{kind}") < 0.5) or not right.any():
            continue
        for language in ("en", "de"):
            key = f"{kind}_alone" + ("_de" if language == "de" else "")
            marks = {"wanted@1": right, "wanted@10": right}
            asked = text(said(wanted, language), language)
            yield Question(key, ((asked, 1.0),), marks, as_many=frozenset({"wanted@10"}))


def _values(facts: Facts, kind: str) -> Iterator[dict[str, str]]:
    if kind != "phrase":
        yield from ({kind: value} for value in {"colour": COLOURS, "place": PLACES, "material": MATERIALS}[kind])
        return
    for category in LEXICON:
        yield from ({"category": category, "colour": colour} for colour in facts.values(category, "colour"))


def items(split: str) -> list[Item]:
    """All that the questions of "val" or "test" are made of, each once; raises MissingData."""
    asked, _ = questions(split)
    return list({(item.modality, item.id): item for question in asked for item, _ in question.terms}.values())


def text(words: str, language: str) -> Item:
    return Item(f"{language}:{words}", TEXT, words, language=language)


def coloured(category: str, colour: str, language: str) -> str:
    """ "a red car", "ein rotes Auto"."""
    noun, word = getattr(LEXICON[category], language)[0], getattr(COLOURS[colour], language)[0]
    return noun.phrase([word]) if language == "en" else noun.phrase("nom", [word])


def placed(place: str, language: str) -> str:
    """ "in the snow", "im Schnee"."""
    return PLACES[place][language == "de"][0]


def said(wanted: Mapping[str, str], language: str) -> str:
    """Words for a colour, a place, a material, or a thing in its colour, as `Facts.shows` takes these."""
    match wanted:
        case {"category": category, "colour": colour}:
            return coloured(category, colour, language)
        case {"colour": colour}:
            return getattr(COLOURS[colour], language)[0]
        case {"place": place}:
            return placed(place, language)
        case {"material": material}:
            return getattr(MATERIALS[material], f"{language}_tail")
    raise ValueError(f"Nothing is said of {wanted}")


def _with_words(
    facts: Facts,
    pictures: Iterable[Item],
    name: str,
    kinds: tuple[str, ...],
    known: Callable[[Item], str] | None = None,
) -> Iterator[Question]:
    """Each picture with words, in both languages. known: what the words never say of it, as the picture shows it."""
    for item in pictures:
        classes = sorted(label.removeprefix("class:") for label in labels_of(item, "class"))
        category = classes[0]
        for kind in kinds:
            fact = "place" if kind == "place" else "colour"
            values = [value for value in facts.values(category, fact) if not known or value != known(item)]
            if not values:
                continue
            value = values[_number(f"{item.id}/{fact}") % len(values)]
            right = facts.shows(category=category, **{fact: value})
            wanted = {"category": category, fact: value} if kind == "phrase" else {fact: value}
            for language in ("en", "de"):
                words = said(wanted, language)
                key = (name or kind) + ("_de" if language == "de" else "")
                narrowed = None if kind == "phrase" else facts.shows(**{fact: value})
                yield Question(
                    key,
                    ((item, 1.0), (text(words, language), 1.0)),
                    {"both@1": right, "share@10": right},
                    narrowed,
                    frozenset({"share@10"}),
                )


def _minus(facts: Facts) -> Iterator[Question]:
    """Words less words, in English: a thing less a colour and less a place, a place less a thing."""
    for category in LEXICON:
        wanted, name = facts.shows(category=category), phrases(category)["en"][1]
        cases = []
        for fact in ("colour", "place"):
            values = facts.values(category, fact)
            counts = {value: (wanted & facts.shows(**{fact: value})).sum() for value in values}
            if values and wanted.sum() - counts[most := max(values, key=counts.__getitem__)] >= ENOUGH:
                cases.append((name, wanted, said({fact: most}, "en"), facts.shows(**{fact: most})))
        if place := _usual_place(facts, category):
            cases.append((placed(place, "en"), facts.shows(place=place), name, wanted))
        for words, right, less, wrong in cases:
            terms = ((text(words, "en"), 1.0), (text(less, "en"), -1.0))
            yield Question("minus", terms, {"unwanted@10": wrong, "wanted@10": right})
            yield Question("minus", terms[:1], {"plain@10": right})


def _negated(facts: Facts) -> Iterator[Question]:
    """What is typed: "no car", "in the snow without car", "kein Auto"; with nothing else wanted, or with a place."""
    for category in LEXICON:
        unwanted, place = facts.shows(category=category), _usual_place(facts, category)
        if place is None:
            continue
        english, german = phrases(category)["en"][0], LEXICON[category].de[0]
        typed = {
            "en": (f"no {english}", f"{placed(place, 'en')}, no {english}", f"{placed(place, 'en')} without {english}"),
            "de": (f"kein {german.nominative}", f"{placed(place, 'de')} ohne {german.nominative}"),
        }
        for language, texts in typed.items():
            for words in texts:
                item = Item(f"{language}:{words}", TEXT, words, language=language, facts={"typed": True})
                yield Question("negated", ((item, 1.0),), {"unwanted@10": unwanted})


def _usual_place(facts: Facts, category: str) -> str | None:
    """Where most photos of a category were taken; None where there is none."""
    places = {place: facts.shows(category=category, place=place).sum() for place in facts.values(category, "place")}
    return max(places, key=places.__getitem__, default=None)


def _number(key: str) -> int:
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:6], "little")
