"""Calibration: from scores to the probability of a match."""

import shutil
from types import SimpleNamespace

import numpy as np
import pytest

from training.__main__ import main
from training.datasets import MissingData, labels_of
from training.datasets.hands import halves
from training.release import calibration
from training.release.calibration import calibrate, read_completeness
from xmr import checkpoint
from xmr.calibration import completeness, log_odds
from xmr.compose import certainty
from xmr.evaluation import SAYS_MORE, Question
from xmr.modality import Item, Modality


def test_a_likelier_answer_has_a_higher_score_in_every_kind_of_query(tiny_data):
    """Vectors of classes and images, spoilt a little: what a good system gives."""

    def vectors(items):
        def of(item):
            names = sorted(labels_of(item, "class") or labels_of(item, "image"))
            own = np.random.default_rng([*item.id.encode()])
            return np.random.default_rng([*names[0].encode()]).normal(size=16) + 0.8 * own.normal(size=16)

        found = np.stack([of(item) for item in items])
        return (found / np.linalg.norm(found, axis=1, keepdims=True)).astype(np.float32)

    claimed = ("flickr8k-test-en", "sketchy25-heldout", "chairv2-test")
    curves, reader = calibrate(vectors, claimed, Modality, Modality)
    assert reader == []  # no drawing has a half
    assert set(curves) == {"sketch_to_photo", "text_to_photo", "photo_to_photo", "photo_to_text"}
    assert {key for key, curve in curves.items() if "per_length" in curve} == {"text_to_photo"}
    assert set(calibrate(vectors, claimed, Modality, {Modality.SKETCH})[0]) == {"sketch_to_photo"}
    for curve in curves.values():
        assert curve["slope"] > 1 and curve["std"] > 0
        probability = 1 / (1 + np.exp(-(curve["slope"] * np.array([0.0, 1.0]) + curve["intercept"])))
        assert probability[0] < 0.5 < probability[1]


def test_words_for_a_colour_are_stated_by_what_the_composer_reads_in_them(monkeypatch):
    """Names lie near their photos, and colours far from theirs, as far as names from photos of other things; the
    composer knows."""
    rng = np.random.default_rng(0)
    facts = dict.fromkeys(("category", "colour", "material", "place"))
    photos = [Item(f"p{n}", Modality.PHOTO, f"p{n}", frozenset({f"class:c{n % 5}"}), facts=facts) for n in range(60)]
    names = [Item(f"c{n}", Modality.TEXT, f"c{n}", frozenset({f"class:c{n}"})) for n in range(5)]
    colours = [Item(f"red{n}", Modality.TEXT, f"red{n}") for n in range(6)]
    axis = np.eye(20, dtype=np.float32)
    emb = {item.id: axis[n] for n, item in enumerate([*names, *colours])}
    shown = rng.integers(6, size=60)
    for n, item in enumerate(photos):
        emb[item.id] = axis[n % 5] + 0.3 * axis[5 + shown[n]] + rng.normal(0, 0.08, 20).astype(np.float32)
    asked = [Question("", ((item, 1.0),), {"wanted@10": shown == n}) for n, item in enumerate(colours)]
    protocol = SimpleNamespace(name="sketchy25-heldout", gallery=None, items=lambda split: [*names, *photos])
    monkeypatch.setattr(calibration, "find", lambda name: protocol)
    monkeypatch.setattr(calibration.demo, "items", lambda: photos)
    monkeypatch.setattr(calibration, "ALONE", ("colour",))
    monkeypatch.setattr(calibration, "alone", lambda facts, split, kind: asked if split == "val" else [])

    def composer(terms, modalities):
        """Log-odds of 4 for 0.15 more than half of what is usual."""
        named = terms[:, :5].any(axis=1)
        return 30 * terms, np.where(named, -15, -4.5).astype(np.float32), np.zeros(len(terms))

    def vectors(items):
        return np.stack([emb[item.id] for item in items])

    def stated(curve, item):
        terms = vectors([item])
        (reader,), (bias,), _ = composer(terms, [Modality.TEXT])
        odds = log_odds(curve, vectors(photos) @ terms[0], 0.0, vectors(photos) @ reader + bias)
        return 1 / (1 + np.exp(-odds))

    told = {}
    for known in (None, composer):
        curves, _ = calibrate(vectors, ["sketchy25-heldout"], Modality, Modality, composer=known)
        told[known] = [stated(curves["text_to_photo"], item)[shown == n].mean() for n, item in enumerate(colours)]
        for n, item in enumerate(names):
            likely = stated(curves["text_to_photo"], item)
            assert likely[n::5].mean() > 0.9 and likely[np.arange(60) % 5 != n].mean() < 0.1
    assert "surest" in curves["text_to_photo"]
    assert np.mean(told[None]) < 0.3 and np.mean(told[composer]) > 0.7


def test_captions_do_not_count_as_names_and_whether_names_ask_for_several_things_does(monkeypatch):
    photos = [Item(f"p{n}", Modality.PHOTO, f"p{n}", frozenset({f"class:c{n % 2}"})) for n in range(30)]
    texts = [Item(name, Modality.TEXT, name, frozenset({"class:c0"})) for name in ("car", "a car", "motor car")]
    caption = Item("cap", Modality.TEXT, "red car", frozenset({"class:c0"}), facts={SAYS_MORE: True})
    protocol = SimpleNamespace(name="sketchy25-heldout", gallery=None, items=lambda split: [*texts, caption, *photos])
    monkeypatch.setattr(calibration, "find", lambda name: protocol)
    given = []
    monkeypatch.setattr(calibration, "curve", lambda answers: given.append(answers) or {})
    rng = np.random.default_rng(0)
    kinds = (Modality.TEXT, Modality.PHOTO)
    calibrate(lambda items: rng.normal(size=(len(items), 6)), ["sketchy25-heldout"], kinds, kinds[:1])
    ((answers,),) = given
    assert answers.scores.shape == (3, 30)
    assert answers.several.tolist() == [False, False, True]


def test_halves_of_drawings_are_told_from_whole_ones_by_what_was_fitted_to_others():
    """Vectors with a direction that tells halves from whole drawings, in noise; and drawings without halves."""
    rng = np.random.default_rng(0)
    drawn = [Item(f"d{n}", Modality.SKETCH, f"d{n}") for n in range(300)]
    items = drawn + halves(drawn[:200])
    emb = {item.id: rng.normal(0, 0.1, 40) for item in items}
    for item in items:
        emb[item.id][0] += -0.4 if item.facts else 0.4

    def vectors(asked):
        return np.stack([emb[item.id] for item in asked]).astype(np.float32)

    reader, read = read_completeness(items, vectors)
    assert len(reader) == 41 and reader[0] > 10 * np.abs(reader[1:-1]).max() / 2
    new = completeness(reader, vectors(items))
    assert all((read[item.id] < 0.5) == ("style" in item.facts) for item in items)
    assert [read[item.id] for item in drawn[200:]] == pytest.approx(new[200:300])
    assert not np.isclose([read[item.id] for item in drawn[:200]], new[:200], rtol=1e-3).all()
    emb = {item.id: rng.normal(0, 0.1, 40) for item in items}  # nothing tells them apart
    _, read = read_completeness(items, vectors)
    whole, begun = (np.mean([read[item.id] for item in some]) for some in (drawn[:200], items[300:]))
    assert abs(whole - begun) < 0.1


def test_mixed_queries_are_calibrated_by_what_meets_all_their_terms(monkeypatch):
    """Questions of two keys whose answers match by a known curve of what is known of them; others do not count."""
    rng = np.random.default_rng(0)
    photo, text = Item("p", Modality.PHOTO, ""), Item("t", Modality.TEXT, "t")
    asked, evidence = [], {}

    def ask(key: str, terms: int, names: tuple[str, ...], flat: bool = False) -> None:
        own, rarely, surest = certainty(rng.uniform(-6, 0, 40)), rng.uniform(-15, -5), rng.uniform(-4, 4, 40)
        odds = 1.5 * own + 1 - 0.1 * (rarely + 10) * surest
        right = rng.random(40) < (0.5 if flat else 1 / (1 + np.exp(-odds)))
        unwanted = rng.random(40) < 0.5
        marks = {"both@1": right, "wanted@10": right | unwanted, "unwanted@10": unwanted & ~right}
        wanted = ((photo, 1.0), (text, 1.0), (text, -1.0))[:terms]
        question = Question(key, wanted, {name: marks[name] for name in names})
        asked.append(question)
        evidence[id(question)] = None if terms == 1 else lambda photos: (own, rarely, surest)

    for _ in range(400):
        ask("colour", 2, ("both@1",))
        ask("minus", 3, ("wanted@10", "unwanted@10"))
        ask("minus-alone", 1, ("wanted@10",), flat=True)  # of one term
        ask("negated", 2, ("unwanted@10",), flat=True)  # nothing is wanted
    ranked = lambda question: SimpleNamespace(evidence=evidence[id(question)])  # noqa: E731
    monkeypatch.setattr(calibration, "mixed_questions", lambda *_: (asked, ranked, None))
    curves = calibration.calibrate_mixed(None, None)
    assert curves.keys() == {"mixed_to_photo", "mixed_photo_text_to_photo"}
    assert curves["mixed_to_photo"] == curves["mixed_photo_text_to_photo"]  # no other kinds were asked with
    curve = curves["mixed_to_photo"]
    assert curve["slope"] == pytest.approx(1.5, rel=0.1) and curve["intercept"] == pytest.approx(1, rel=0.2)
    assert curve["usual_length"] == pytest.approx(-10, abs=0.3) and curve["surest"] == pytest.approx(0, abs=0.05)
    assert curve["surest_per_length"] == pytest.approx(-0.1, rel=0.15)


def test_a_curve_stays_until_there_is_another_unless_it_is_of_other_graphs(
    checkpoint_folder, tmp_path, monkeypatch, capsys
):
    folder = shutil.copytree(checkpoint_folder, tmp_path / "tiny")
    config = checkpoint.describe("tiny", tmp_path) | {"protocols": []}
    before = config["calibration"] | {"mixed_to_photo": config["calibration"]["text_to_photo"]}
    checkpoint.sign(folder, config | {"calibration": before})
    told = {"text_to_photo": before["text_to_photo"] | {"slope": 9.0}}
    meanwhile = []

    def calibrate(*_):
        meanwhile.append(checkpoint.describe("tiny", tmp_path)["calibration"])  # what a kill would leave
        return told, []

    monkeypatch.setattr(calibration, "calibrate", calibrate)
    for name in ("evaluate", "write_card"):
        monkeypatch.setattr(calibration, name, lambda *_: None)
    assert main(["calibrate", "tiny", "--checkpoints", str(tmp_path)]) == 0
    config = checkpoint.describe("tiny", tmp_path)
    assert meanwhile == [before] and config["calibration"] == before | told
    assert f"is not here for {', '.join(sorted(before.keys() - told))}: as before" in capsys.readouterr().out
    calibration.sign_calibrated(folder, config, frozenset({Modality.TEXT}))
    assert meanwhile[1] == {asked: one for asked, one in before.items() if "text" not in asked and "mixed" not in asked}
    assert checkpoint.describe("tiny", tmp_path)["calibration"] == meanwhile[1] | told
    assert not capsys.readouterr().out


def test_where_the_questions_of_several_terms_are_not_here_they_have_no_curve(monkeypatch):
    def missing(*_):
        raise MissingData("not here")

    monkeypatch.setattr(calibration, "mixed_questions", missing)
    assert calibration.calibrate_mixed(None, None) == {}
