"""world-mixed: which photos answer queries of several terms, held against the facts one photo at a time."""

import numpy as np
import pytest

from training.datasets import MissingData, demo, mixed, sketchy25, world
from training.datasets.mixed import ENOUGH, Facts, coloured, placed, questions, things
from training.datasets.names import phrases
from training.world.captions import COLOURS, PLACES
from training.world.lexicon import LEXICON
from xmr.evaluation import Question
from xmr.modality import Item, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
CATEGORIES = ("cup", "dog", "chair")


@pytest.fixture(scope="module")
def photos() -> list[Item]:
    """120 photos of three classes with random facts, each third of two things, and in some nothing is of one colour."""
    rng, found = np.random.default_rng(0), []
    colours = [*list(COLOURS)[:4], "multicoloured", None]

    def thing() -> dict:
        colour = colours[int(rng.integers(len(colours)))]
        return {"category": str(rng.choice(CATEGORIES)), "colour": colour, "material": str(rng.choice(["wood", "fur"]))}

    for n in range(120):
        facts = thing() | {"place": str(rng.choice(list(PLACES)[:3]))}
        if n % 3 == 0:
            facts = {**facts, "objects": [thing(), thing()]}
        found.append(Item(f"p{n}", PHOTO, f"{n}.jpg", facts=facts))
    return found


@pytest.fixture
def asked(photos, monkeypatch) -> list[Question]:
    """The questions of "val", with three human drawings and two rendered things, each drawn and photographed."""
    drawn = [Item(f"s{n}", SKETCH, "", frozenset({f"class:{name}"})) for n, name in enumerate(CATEGORIES)]
    rendered = [
        Item(f"{kind}{n}", kind, "", frozenset({"class:cup", f"instance:{n}"}), facts={"colour": colour})
        for n, colour in enumerate(list(COLOURS)[:4])
        for kind in (SKETCH, PHOTO)
    ]
    monkeypatch.setattr(demo, "items", lambda: photos)
    monkeypatch.setattr(sketchy25, "items", lambda split: [*drawn, Item("x", PHOTO, "", frozenset({"class:cup"}))])
    monkeypatch.setattr(world, "items", lambda split, things: rendered)
    found, gallery = questions("val")
    assert gallery == photos
    return found


def shows(photo: Item, **wanted: str) -> bool:
    """Whether one thing of a photo has all these."""
    place = wanted.pop("place", None)
    met = [all(thing[fact] == value for fact, value in wanted.items()) for thing in things(photo)]
    return any(met) and place in (None, photo.facts["place"])


@pytest.mark.parametrize(
    "wanted",
    [
        {"category": "cup"},
        {"category": "cup", "colour": "red"},
        {"category": "dog", "material": "fur", "place": "table"},
        {"place": "studio"},
        {"category": "dog", "colour": "nothing"},
        {"category": "cup", "colour": "red", "material": "wood", "place": "grass"},
    ],
)
def test_a_photo_shows_what_one_thing_in_it_has_all_of(photos, wanted):
    assert Facts(photos).shows(**wanted).tolist() == [shows(photo, **wanted) for photo in photos]


def test_two_things_do_not_share_their_facts():
    two = [
        {"category": "cup", "colour": "red", "material": None},
        {"category": "dog", "colour": "blue", "material": None},
    ]
    facts = Facts([Item("p", PHOTO, "", facts={"objects": two, "place": "table"})])
    assert facts.shows(category="cup", colour="red").all() and not facts.shows(category="cup", colour="blue").any()
    assert facts.values("cup", "colour") == ["red"] and facts.values("fox", "colour") == []


def test_values_are_those_that_words_can_say(photos):
    facts = Facts(photos)
    seen = {thing["colour"] for photo in photos for thing in things(photo) if thing["category"] == "cup"}
    assert {None, "multicoloured"} <= seen
    assert facts.values("cup", "colour") == sorted(seen - {None, "multicoloured"})


def test_a_picture_with_words_is_answered_by_what_meets_both(asked, photos):
    keys = {"colour", "phrase", "place", "rendered", "photo"}
    found = [question for question in asked if question.key.removesuffix("_de") in keys]
    assert {question.key for question in found} == keys | {f"{key}_de" for key in keys}
    for question in found:
        (picture, one), (words, other) = question.terms
        assert one == other == 1.0 and words.language == ("de" if question.key.endswith("_de") else "en")
        category = min(label for label in picture.labels if label.startswith("class:")).removeprefix("class:")
        key = question.key.removesuffix("_de")
        if key == "place":
            told = {value: {"place": value} for value in PLACES if placed(value, words.language) == words.content}
        elif key == "phrase":
            told = {v: {"colour": v} for v in COLOURS if coloured(category, v, words.language) == words.content}
        else:
            told = {v: {"colour": v} for v in COLOURS if getattr(COLOURS[v], words.language)[0] == words.content}
        ((value, said),) = told.items()
        right = [shows(photo, category=category, **said) for photo in photos]
        assert question.marks["both@1"].tolist() == question.marks["share@10"].tolist() == right and any(right)
        assert question.as_many == {"share@10"}
        if key == "phrase":
            assert question.narrowed is None
        else:
            assert question.narrowed.tolist() == [shows(photo, **said) for photo in photos]
        if key == "photo":
            assert value != picture.facts["colour"]  # the words never say what the photo shows


def test_both_languages_ask_for_the_same(asked):
    english = [question for question in asked if question.key in ("colour", "phrase", "place")]
    german = [question for question in asked if question.key in ("colour_de", "phrase_de", "place_de")]
    for one, other in zip(english, german, strict=True):
        assert one.terms[0] == other.terms[0]
        np.testing.assert_array_equal(one.marks["both@1"], other.marks["both@1"])


def test_less_what_is_taken_away_there_is_still_enough_to_find(asked, photos):
    found = [question for question in asked if question.key == "minus"]
    assert len(found) >= 6 and len(found) % 2 == 0
    for with_minus, plain in zip(found[::2], found[1::2], strict=True):
        (wanted, one), (less, other) = with_minus.terms
        assert (one, other) == (1.0, -1.0) and plain.terms == ((wanted, 1.0),)
        right, wrong = with_minus.marks["wanted@10"], with_minus.marks["unwanted@10"]
        np.testing.assert_array_equal(plain.marks["plain@10"], right)
        assert wrong.any() and (right & wrong).any()
        if any(less.content in words.en for words in COLOURS.values()):
            assert (right & ~wrong).sum() >= ENOUGH
        category = next((name for name in CATEGORIES if phrases(name)["en"][1] == less.content), None)
        if category:
            assert wrong.tolist() == [shows(photo, category=category) for photo in photos]


def test_what_a_typed_text_negates_is_what_should_not_be_found(asked, photos):
    found = [question for question in asked if question.key == "negated"]
    assert len(found) == 5 * len(CATEGORIES)
    for question in found:
        ((item, weight),) = question.terms
        assert weight == 1.0 and item.facts == {"typed": True}
        category = next(
            name
            for name in CATEGORIES
            if item.content.endswith((f" {phrases(name)['en'][0]}", f" {LEXICON[name].de[0].nominative}"))
        )
        assert question.marks["unwanted@10"].tolist() == [shows(photo, category=category) for photo in photos]


def test_without_rendered_things_the_others_are_asked(photos, monkeypatch):
    def missing(split, things):
        raise MissingData("no world")

    monkeypatch.setattr(demo, "items", lambda: photos)
    monkeypatch.setattr(sketchy25, "items", lambda split: [Item("s", SKETCH, "", frozenset({"class:dog"}))])
    monkeypatch.setattr(world, "items", missing)
    keys = {question.key for question in mixed.questions("val")[0]}
    assert {"colour", "phrase_de", "minus", "negated"} <= keys and not {"rendered", "photo"} & keys


def test_words_alone_are_asked_in_one_split_in_both_languages_by_what_the_photos_show(photos):
    facts = Facts(photos)
    for kind in mixed.ALONE:
        asked = {split: list(mixed.alone(facts, split, kind)) for split in ("val", "test")}
        told = {split: {question.terms[0][0].content for question in of} for split, of in asked.items()}
        assert not told["val"] & told["test"], kind
        every = asked["val"] + asked["test"]
        assert {question.key for question in every} == {f"{kind}_alone", f"{kind}_alone_de"}
        assert all(question.right.any() and len(question.terms) == 1 for question in every)
    phrases = {q.terms[0][0].content: q for split in ("val", "test") for q in mixed.alone(facts, split, "phrase")}
    for category in CATEGORIES:
        for colour in facts.values(category, "colour"):
            for language in ("en", "de"):
                question = phrases[coloured(category, colour, language)]
                wanted = [shows(photo, category=category, colour=colour) for photo in photos]
                assert question.right.tolist() == wanted and question.terms[0][0].language == language
