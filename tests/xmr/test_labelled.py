"""The figures of adopted models on a labelled gallery; test_cli has those of an indexed one."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image

from tests import models
from training.datasets.protocols import PROTOCOLS
from training.release import evaluate as command
from xmr import adopt, checkpoint
from xmr.adopt.source import find
from xmr.gallery import Entry, Gallery
from xmr.labelled import evaluate_indexed, evaluate_named
from xmr.modality import BadInput, Drawing, Modality


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """An adopted model."""
    monkeypatch.setenv("XMR_MODELS", str(tmp_path / "models"))
    models.write_transformers_js(tmp_path / "tiny-clip", "Siglip")
    made = adopt.adopt(adopt.look_up(str(tmp_path / "tiny-clip")), gallery=tmp_path)
    return made.folder


def silent(*_: object) -> None:
    pass


def test_the_figures_are_those_of_a_slow_loop_and_others_stay(tiny, gallery_folder, tmp_path):
    shutil.copytree(gallery_folder, tmp_path / "six")
    with Gallery.open(tmp_path / "six") as gallery:
        gallery.put_examples({"red": Drawing((np.array([[0.0, 0], [9, 9]]),))})
        (tiny / "metrics.json").write_text(
            json.dumps({"weights": checkpoint.load("tiny-clip").weights, "protocols": {"other": {"metrics": {}}}})
        )
        report = evaluate_named("tiny-clip", gallery, None, silent)
        system, items = checkpoint.load("tiny-clip"), list(gallery)
        photos = system.encode_photo([gallery.thumb(item.id) for item in items])
        right = []
        for number, item in enumerate(items):
            text = gallery.captions(item.id, "en")[0][1]
            scores = system.encode_text(text)[0] @ photos.T
            scores[number] = -np.inf
            right.append(items[int(scores.argmax())].facts["category"] == item.facts["category"])
    assert report == json.loads((tiny / "metrics.json").read_text())
    assert report["protocols"].keys() == {"other", "gallery-captions-en", "gallery-captions-de", "gallery-sketches"}
    entry = report["protocols"]["gallery-captions-en"]
    assert entry["metrics"]["text_to_photo/hit@1"] == pytest.approx(np.mean(right), abs=1e-4)
    assert entry["queries"] == 6 and entry["gallery"] == 5 and entry["chance"]["text_to_photo/hit@1"] == 0.2
    assert report["protocols"]["gallery-sketches"]["queries"] == 1


def test_what_ships_is_measured_by_the_same_and_its_published_figures_stay(tiny, gallery):
    before = (checkpoint.folder_of("tri") / "metrics.json").read_bytes()
    report = evaluate_named("tri", gallery, None, silent)
    assert report["system"] == "tri" and report["protocols"].keys() == {"gallery-captions-de", "gallery-captions-en"}
    assert report["protocols"]["gallery-captions-en"]["metrics"]["text_to_photo/hit@1"] > 0.2
    assert (checkpoint.folder_of("tri") / "metrics.json").read_bytes() == before


@pytest.mark.parametrize("encoded", range(5))
def test_of_a_gallery_that_is_not_indexed_whole_what_is_there_is_measured(tmp_path, system, encoded):
    colours, captions = ("red", "green", "blue", "red"), (("en", "one"), ("en", "two"), ("en", "three"), ("de", "vier"))
    with Gallery.create(tmp_path / "gallery") as gallery:
        ids = gallery.add(
            Entry(f"{n}", Image.new("RGB", (32, 32), colour), {"category": colour}, [captions[n]])
            for n, colour in enumerate(colours)
        )
        vectors = np.eye(4, system.dim, dtype=np.float32)
        gallery.put_vectors(system, Modality.PHOTO, ids[:encoded], vectors[:encoded])
        gallery.put_vectors(system, Modality.TEXT, [text.id for text in gallery.texts()], vectors)
        if encoded < 2:
            with pytest.raises(BadInput, match=f"of {encoded} of its 4 photos. Make the others: .* --system tiny"):
                evaluate_indexed(system, gallery, None)
            return
        found = evaluate_indexed(system, gallery, None)["protocols"]
    asked = {language: entry["queries"] for language, entry in found.items()}
    known = {"gallery-captions-en": min(encoded, 3), "gallery-captions-de": encoded - 3}
    assert asked == {language: count for language, count in known.items() if count > 0}


def test_sketches_that_are_not_there_are_told(tiny, gallery):
    with pytest.raises(BadInput, match="There is no sketch"):
        evaluate_named("tiny-clip", gallery, tiny, silent)


def test_a_model_that_lies_nowhere_is_none(tmp_path):
    with pytest.raises(BadInput, match="There is no folder"):
        find("nothing/here/at/all", tmp_path)


def test_training_evaluates_an_adopted_model_on_all_protocols_in_its_languages(tiny, tmp_path, monkeypatch):
    asked = []

    def measured(name, modalities, vectors, progress, languages, stated, system, worst):
        asked.append((name, languages))
        return {"metrics": {"text_to_photo/hit@1": 0.5}} if name == "flickr8k-test-en" else None

    monkeypatch.setattr(command, "evaluate_on_test", measured)
    report = command.evaluate("tiny-clip", tmp_path / "checkpoints", progress=silent)
    assert {name for name, _ in asked} == {*PROTOCOLS, "world-mixed"}
    assert {languages for _, languages in asked} == {frozenset({"en", "de"})}
    assert report["protocols"]["flickr8k-test-en"]["evaluations"] == 1
    assert json.loads((tiny / "metrics.json").read_text())["protocols"].keys() == {"flickr8k-test-en"}
