"""Fitting what an adopted model's scores mean, on a gallery whose facts are known."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event

import numpy as np
import pytest
from PIL import Image

from xmr.adopt import fit as fitting
from xmr.adopt.fit import fit_scores
from xmr.adopt.source import Stopped
from xmr.calibration import Answers, curve
from xmr.compose import stated_match
from xmr.gallery import Entry, Gallery
from xmr.modality import Drawing, Modality
from xmr.system import System

THINGS, COLOURS = ("car", "cup", "dog", "hat"), ("red", "blue", "green")
NAMES = [*THINGS, *COLOURS]
EACH = 5


@dataclass
class Knows:
    """Encodes what a content names, by one number a word; with noise of its own."""

    noise: float = 0.3
    seen: list = field(default_factory=list)
    vocabulary: None = None

    def encode(self, contents) -> np.ndarray:
        rows = []
        for one in contents:
            self.seen.append(one)
            if isinstance(one, Drawing):
                words, seed = [THINGS[int(abs(one.strokes[0][0, 0])) % 4]], int(one.strokes[0][0, 0] < 0)
            elif isinstance(one, Image.Image):
                words, seed = ["car"], 0
            else:
                told = Path(one).stem if isinstance(one, Path) else one
                words, seed = [name for name in NAMES if name in re.split(r"\W", told)], sum(told.encode())
            row = np.random.default_rng(seed).normal(size=32) * self.noise
            row[[NAMES.index(word) for word in words]] += 1
            rows.append(row / np.linalg.norm(row))
        return np.array(rows, np.float32)


@pytest.fixture
def gallery(tmp_path):
    """Photos of four things in three colours, five of each, with a caption and drawings of two things."""
    with Gallery.create(tmp_path / "gallery") as made:
        made.add(
            Entry(
                f"{thing}-{colour}-{n}",
                Image.new("RGB", (32, 32), colour),
                {"category": thing, "colour": colour},
                [("en", f"a {colour} {thing} {n}"), ("xx", "unread")],
            )
            for thing in THINGS
            for colour in COLOURS
            for n in range(EACH)
        )
        made.put_examples({"cup": Drawing((np.array([[1.0, 0], [1, 9]]),)), "dog": Drawing((np.array([[2.0, 0]]),))})
        yield made


@pytest.fixture
def system() -> System:
    known = Knows()
    config = {"encoders": {"text": {"languages": ["en"]}}}
    return System("knows", "cosine", 32, dict.fromkeys(Modality, known), "", config=config)


def silent(*_: object) -> None:
    pass


def test_the_curves_are_those_of_the_same_scores_by_hand(gallery, system):
    found = fit_scores(system, gallery, silent, Event())
    assert (found.photos, found.captions) == (60, 60)
    items = list(gallery)
    photos = system.encode(Modality.PHOTO, [gallery.thumb(item.id) for item in items])
    texts = system.encode(Modality.TEXT, [f"a {i.facts['colour']} {i.facts['category']} {i.id[-1]}" for i in items])
    relevant = np.array([[a.facts["category"] == b.facts["category"] for b in items] for a in items])
    assert found.calibration["text_to_photo"] == curve([Answers(texts @ photos.T, relevant)])
    alone, scores = relevant & ~np.eye(60, dtype=bool), photos @ photos.T
    np.fill_diagonal(scores, -1)
    assert found.calibration["photo_to_photo"] == curve([Answers(scores, alone)])
    assert found.calibration.keys() == {f"{m}_to_photo" for m in (*Modality, "mixed")} | {"photo_to_text"}
    assert "unread" not in system.encoders[Modality.TEXT].seen


def test_probabilities_follow_the_scores(gallery, system):
    found = fit_scores(system, gallery, silent, Event())
    calibrated = System("knows", "cosine", 32, system.encoders, "", found.calibration)
    for modality in Modality:
        vectors, answers = np.eye(1, 32, dtype=np.float32), np.zeros((1, 2, 32), np.float32)
        answers[0, :, 0] = 0.1, 0.9
        ((low, high),) = stated_match(calibrated, modality, Modality.PHOTO, vectors, answers, [None])
        assert low < 0.4 < 0.5 < high


def test_the_rule_for_mixtures_is_the_one_that_finds_more(gallery, system, monkeypatch):
    found = fit_scores(system, gallery, silent, Event())
    assert found.mixtures["all terms"] >= found.mixtures["one vector"] > 0.3
    assert found.floors and set(found.floors.values()) <= set(fitting.FLOORS)
    assert found.calibration["mixed_to_photo"]["slope"] > 0
    monkeypatch.setattr(fitting, "FLOORS", (0.499,))  # every term may be misread: nothing is asked of photos
    worse = fit_scores(system, gallery, silent, Event())
    assert worse.mixtures["one vector"] == found.mixtures["one vector"]
    assert (worse.floors is None) == (worse.mixtures["all terms"] < worse.mixtures["one vector"])


def test_without_a_gallery_or_facts_there_is_speed_but_no_calibration(tmp_path, system):
    assert fit_scores(system, None, silent, Event()).calibration == {}
    with Gallery.create(tmp_path / "bare") as bare:
        bare.add([Entry(f"p{n}", Image.new("RGB", (32, 32), "red"), {}, []) for n in range(9)])
        found = fit_scores(system, bare, silent, Event())
    assert found.calibration == {} and found.floors is None
    assert found.milliseconds.keys() == {"photo", "sketch", "text"}


def test_progress_is_told_and_a_stop_ends_it(gallery, system):
    steps, stop = [], Event()
    fit_scores(system, gallery, lambda *told: steps.append(told), Event())
    assert [done for _, done, _ in steps] == sorted(done for _, done, _ in steps)
    stop.set()
    with pytest.raises(Stopped):
        fit_scores(system, gallery, silent, stop)
