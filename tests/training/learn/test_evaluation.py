"""Evaluation of what ships: vectors through exported encoders, and a protocol's figures on its test items alone."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from tests.conftest import add_words, pictures
from training.datasets import MissingData, protocols, world
from training.learn import evaluation
from training.learn.evaluation import encoder_vectors, evaluate_on_test
from xmr import checkpoint
from xmr.compose import compose
from xmr.evaluation import Comparison, Protocol, Question
from xmr.modality import Item, Modality, Query, Term

PHOTO, TEXT = Modality.PHOTO, Modality.TEXT


@pytest.fixture
def items(tmp_path) -> list[Item]:
    """Seven times six photos with a caption in each language."""
    found = []
    for turn in range(7):
        for id, image, colour in pictures():
            image.save(tmp_path / f"{id}.png")
            labels = frozenset({f"class:{colour}"})
            found.append(Item(f"{id}-{turn}", PHOTO, tmp_path / f"{id}.png", labels))
            found += [Item(f"{id}-{turn}-{x}", TEXT, f"a {colour} photo", labels, x) for x in ("en", "de")]
    return found


@pytest.fixture
def asked(items, monkeypatch) -> list[str]:
    """The splits that were read; the protocol "colours" is known."""
    splits: list[str] = []

    def of(split: str) -> list[Item]:
        splits.append(split)
        return items

    compared = tuple(
        Comparison(f"{key}_to_photo", kind, (PHOTO, None), "class", ("p@1",))
        for key, kind in (("photo", (PHOTO, None)), ("text_en", (TEXT, "en")), ("text_de", (TEXT, "de")))
    )
    monkeypatch.setattr(evaluation, "find", lambda name: Protocol(name, "about", of, compared))
    return splits


def test_vectors_are_those_of_one_item_at_a_time(system, items):
    for modality in (PHOTO, TEXT):
        some = [item for item in items if item.modality is modality]  # more than one batch
        slow = np.concatenate([encoder_vectors(system)([item]) for item in some])
        np.testing.assert_allclose(encoder_vectors(system)(some), slow, atol=1e-6)
    assert not np.allclose(slow[0], slow[-1])


def test_what_was_encoded_is_not_encoded_again(system, items, monkeypatch):
    counts: list[int] = []
    encode = type(system).encode

    def counted(self, modality, contents):
        counts.append(len(contents))
        return encode(self, modality, contents)

    monkeypatch.setattr(type(system), "encode", counted)
    photos = [item for item in items if item.modality is PHOTO]
    vectors = encoder_vectors(system)
    first = vectors(photos[:10])
    again = vectors(photos[5:15] + photos[5:7])
    assert sum(counts) == 15
    np.testing.assert_array_equal(again[[0, 10]], first[[5, 5]])


def test_only_the_test_items_are_measured_in_the_modalities_and_languages_asked_for(system, items, asked):
    vectors = encoder_vectors(system)
    entry = evaluate_on_test("colours", [PHOTO, TEXT], vectors)
    assert set(entry["metrics"]) == {f"{key}_to_photo/p@1" for key in ("photo", "text_en", "text_de")}
    assert entry["metrics"]["text_en_to_photo/p@1"] == 1.0 and asked == ["test"]
    assert set(evaluate_on_test("colours", [PHOTO, TEXT], vectors, languages=["de"])["metrics"]) == {
        "photo_to_photo/p@1",
        "text_de_to_photo/p@1",
    }
    assert set(evaluate_on_test("colours", [PHOTO], vectors)["metrics"]) == {"photo_to_photo/p@1"}


def test_figures_in_folds_are_the_means_of_the_folds_and_rsum_is_their_sum(monkeypatch):
    monkeypatch.setattr(protocols, "FOLD", 4)
    rng, names = np.random.default_rng(0), [f"image:{n}" for n in range(12)]
    photos = [Item(f"p{n}", PHOTO, "", frozenset({name})) for n, name in enumerate(names)]
    captions = [Item(f"t{n}", TEXT, f"{n}", frozenset({name}), "en") for n, name in enumerate(names * 2)]
    emb = {item.id: rng.normal(size=8) for item in photos + captions}
    compared = tuple(
        Comparison(key, *kinds, "image", ("hit@1", "hit@5", "hit@10", "median_rank"))
        for key, kinds in (
            ("text_en_to_photo", ((TEXT, "en"), (PHOTO, None))),
            ("photo_to_text_en", ((PHOTO, None), (TEXT, "en"))),
        )
    )
    monkeypatch.setattr(evaluation, "find", lambda name: Protocol(name, "", lambda split: photos + captions, compared))
    vectors = lambda items: np.stack([emb[item.id] for item in items]).astype(np.float32)  # noqa: E731
    entry = evaluate_on_test("some-test-1k", [PHOTO, TEXT], vectors)
    hits, ranks = [], []
    for start in (0, 4, 8):  # of each fold, the queries' first matches among its own photos alone
        fold = photos[start : start + 4]
        for caption in (one for one in captions if any(one.labels == photo.labels for photo in fold)):
            scores = [emb[caption.id] @ emb[photo.id] for photo in fold]
            right = next(score for score, photo in zip(scores, fold, strict=True) if photo.labels == caption.labels)
            ranks.append(sum(score > right for score in scores) + 1)
            hits.append(ranks[-1] == 1)
    figures = entry["metrics"]
    assert (entry["queries"], entry["gallery"]) == (24, 4)
    assert figures["text_en_to_photo/hit@1"] == pytest.approx(np.mean(hits), abs=1e-4)
    medians = [np.median(ranks[n : n + 8]) for n in (0, 8, 16)]
    assert figures["text_en_to_photo/median_rank"] == pytest.approx(np.mean(medians), abs=1e-4)
    error = np.sqrt(sum(np.var(hits[n : n + 8]) / 8 for n in (0, 8, 16))) / 3
    assert entry["stderr"]["text_en_to_photo/hit@1"] == pytest.approx(error, abs=1e-3)
    rsum = 100 * sum(value for key, value in figures.items() if "/hit@" in key)
    assert figures["text_en_to_photo/rsum"] == pytest.approx(rsum, abs=0.01)
    assert entry["chance"]["text_en_to_photo/rsum"] > 0
    assert not [key for key in evaluate_on_test("flickr8k-test-en", [PHOTO, TEXT], vectors)["metrics"] if "rsum" in key]


def test_what_cannot_be_measured_is_skipped_with_its_reason(system, asked, monkeypatch):
    told: list[str] = []
    assert evaluate_on_test("colours", [Modality.SKETCH], encoder_vectors(system), told.append) is None

    def missing(name: str) -> Protocol:
        raise MissingData("Expected the data set in x.")

    monkeypatch.setattr(evaluation, "find", missing)
    assert evaluate_on_test("colours", [PHOTO], encoder_vectors(system), told.append) is None
    assert told == [
        "colours: skipped. Its data has nothing to compare by sketch.",
        "colours: skipped. Expected the data set in x.",
    ]


@pytest.fixture
def mixed_asked(items, monkeypatch) -> list[Question]:
    """A photo with words, words less words, and a typed text, against six photos."""
    photos = items[::3][:6]
    red, blue = (Item(f"en:{word}", TEXT, word, language="en") for word in ("red", "blue"))
    typed = Item("en:a photo, no red", TEXT, "a green photo, no red", language="en", facts={"typed": True})
    marks = {"both@1": np.arange(6) == 2}
    found = [
        Question("photo", ((photos[0], 1.0), (blue, 0.5)), marks),
        Question("minus", ((red, 1.0), (blue, -1.0)), marks),
        Question("negated", ((typed, 1.0),), marks),
    ]
    monkeypatch.setattr(evaluation.mixed, "questions", lambda split: (found, photos))
    return found


def test_queries_of_several_terms_are_ranked_as_a_search_ranks_them(system, items, mixed_asked):
    asked, ranked, photos = evaluation.mixed_questions(system, "val", encoder_vectors(system))
    np.testing.assert_array_equal(photos, system.encode(PHOTO, [item.content for item in items[::3][:6]]))
    assert [len(question.terms) for question in asked] == [2, 2, 2]
    for question in asked:
        query = Query(tuple(Term(item.modality, item.content, weight) for item, weight in question.terms))
        np.testing.assert_allclose(ranked(question).scores(photos), photos @ compose(system, query), atol=1e-5)


def test_a_typed_question_asks_for_what_is_meant(system, mixed_asked):
    asked, _, _ = evaluation.mixed_questions(system, "val", encoder_vectors(system))
    assert [(item.content, weight) for item, weight in asked[2].terms] == [("a green photo", 1.0), ("red", -1.0)]
    assert asked[0].terms == mixed_asked[0].terms and asked[1].terms == mixed_asked[1].terms


def test_the_composer_of_a_system_ranks_its_mixed_queries(system, mixed_asked):
    composed = replace(system, composer=lambda terms, kinds: (4 * terms, *np.full((2, len(terms)), [[-1.0], [0.1]])))
    asked, ranked, photos = evaluation.mixed_questions(composed, "val", encoder_vectors(composed))
    _, plain, _ = evaluation.mixed_questions(system, "val", encoder_vectors(system))
    (red, _), (blue, _) = asked[1].terms
    curve = system.calibration["text_to_photo"]  # that of what alone is wanted
    met = 1 / (1 + np.exp(-curve["slope"] * photos @ system.encode(TEXT, [red.content])[0] - curve["intercept"]))
    unmet = 1 / (1 + np.exp(1 - 4 * photos @ system.encode(TEXT, [blue.content])[0]))
    wanted = np.log(met) + 3 * np.log(1 - unmet)  # what is unwanted counts three times
    found = ranked(asked[1]).scores(photos)
    np.testing.assert_allclose(found, wanted, rtol=1e-4)
    assert not np.allclose(found, plain(asked[1]).scores(photos))


def test_world_mixed_is_measured_of_whole_systems_alone(system, mixed_asked):
    vectors = encoder_vectors(system)
    assert evaluate_on_test("world-mixed", [PHOTO, TEXT], vectors) is None
    entry = evaluate_on_test("world-mixed", [PHOTO, TEXT], vectors, system=system)
    assert entry["metrics"].keys() == {"photo/both@1", "minus/both@1", "negated/both@1"} and entry["queries"] == 3


def test_world_mixed_is_skipped_for_a_system_that_reads_no_text(system, mixed_asked):
    silent, told = replace(system, encoders={PHOTO: system.encoder(PHOTO), Modality.SKETCH: None}), []
    assert evaluate_on_test("world-mixed", [PHOTO], encoder_vectors(silent), told.append, system=silent) is None
    assert told == [f"world-mixed: skipped. {system.name} takes no text."]


def test_mixed_queries_whose_data_is_missing_are_skipped_with_the_reason(system, monkeypatch):
    def missing(split: str):
        raise MissingData("Expected the gallery.")

    monkeypatch.setattr(evaluation.mixed, "questions", missing)
    told: list[str] = []
    assert evaluate_on_test("world-mixed", [PHOTO], encoder_vectors(system), told.append, system=system) is None
    assert told == ["world-mixed: skipped. Expected the gallery."]


def test_typed_texts_are_encoded_as_they_are_read_and_others_as_they_are(checkpoint_folder, tmp_path):
    worded = checkpoint.load(add_words(shutil.copytree(checkpoint_folder, tmp_path / "tiny")))
    vectors = encoder_vectors(worded)
    for text, meant in (
        ("a redd photo", "a red photo"),
        ("a blue photo, no rde", "a blue photo"),
        ("no red", "no red"),
    ):
        typed = Item(text, TEXT, text, facts={"style": "dropped", "typed": True})
        np.testing.assert_allclose(vectors([typed]), worded.encode(TEXT, [meant]), atol=1e-6)
    plain = Item("plain", TEXT, "a blue photo, no rde")
    np.testing.assert_allclose(vectors([plain]), worded.encode(TEXT, [plain.content]), atol=1e-6)
    assert not np.allclose(vectors([plain]), worded.encode(TEXT, ["a blue photo"]))


def test_what_is_rendered_is_known_by_its_scene_and_not_by_the_pixels_of_a_processor(tmp_path, monkeypatch):
    def identity(pixel: int, end: float = 9.0) -> str:
        row = {"id": "a", "category": "cup", "instance": "cup-1", "captions": {"en": ["a cup"]}}
        sketch = {"hand": "careful", "strokes": [[[0, 0], [4, end]]]}
        folder = tmp_path / f"{pixel}-{end}" / "test"
        (folder / "photos").mkdir(parents=True, exist_ok=True)
        (folder / "photos/a.webp").write_bytes(b"x" * pixel)
        (folder / "facts.jsonl").write_text(json.dumps(row | {"sketches": [sketch]}) + "\n")
        monkeypatch.setenv("XMR_WORLD", str(folder.parent))
        return evaluation._identity("p", world.items("test"), ())

    first = identity(3)
    assert identity(4, end=8.0) == first
    monkeypatch.setattr(world, "RENDERER", world.RENDERER + 1)
    assert identity(3) != first
