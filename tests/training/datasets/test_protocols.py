"""Protocols: what is compared with what, and who may claim one."""

import json
import os
import shutil
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from tests.training.datasets.test_sketch_sets import draw_at, ids
from training.datasets import demo, labels_of, protocols, sketchy, typing
from training.datasets.protocols import PROTOCOLS, find, folds
from training.learn.recipe import load
from training.release import evaluate
from training.systems.tri import YAML, Recipe
from xmr.checkpoint import sign
from xmr.evaluation import SAYS_MORE
from xmr.gallery import Entry, Gallery
from xmr.modality import BadInput, Item, Modality

REAL = Path(os.environ.get("XMR_DATA", "../shared/data"))
real = pytest.mark.skipif(not (REAL / "sketchy25").is_dir(), reason=f"the real data is not in {REAL}")
PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH


@real
@pytest.mark.parametrize("name", ["sketchy-1", "sketchy-2"])
def test_unseen_protocols_hold_all_sketches_of_their_classes_against_all_photos(name, monkeypatch):
    monkeypatch.setenv("XMR_DATA", str(REAL))
    items = find(f"{name}-unseen").items("test")
    sizes = [len(ids(items, modality)) for modality in (PHOTO, SKETCH)]
    assert sizes == [25 * len(sketchy.UNSEEN[name])] * 2
    assert {min(labels_of(i, "class")) for i in items} == {f"class:{c}" for c in sketchy.UNSEEN[name]}
    photos = {labels_of(i, "instance") for i in items if i.modality is PHOTO}
    assert all(labels_of(i, "instance") in photos for i in items)
    for split in ("train", "val"):
        seen = find(f"{name}-unseen").items(split)
        assert seen and not {min(labels_of(i, "class")) for i in seen} & {min(labels_of(i, "class")) for i in items}


def test_tri_claims_no_zero_shot_protocol_for_it_has_seen_all_classes():
    claimed = load(Recipe, YAML).protocols
    assert set(claimed) <= set(PROTOCOLS) and not [name for name in claimed if name.endswith("unseen")]


@pytest.mark.parametrize("name", ["sketchy-3-unseen", "flickr9k-test", "sketchy25", "world-tset"])
def test_an_unknown_protocol_is_an_error_that_names_those_there_are(name):
    with pytest.raises(BadInput, match="sketchy-2-unseen"):
        find(name)


def test_folds_are_photos_in_their_order_with_all_their_captions(monkeypatch):
    monkeypatch.setattr(protocols, "FOLD", 3)
    photos = [Item(f"p{n}", PHOTO, Path(f"{n}.jpg"), frozenset({f"image:{n}"})) for n in range(8)]
    captions = [Item(f"t{n}{k}", Modality.TEXT, "", frozenset({f"image:{n}"}), "en") for n in range(8) for k in "ab"]
    found = [[item.id for item in fold] for fold in folds([*captions[::-1], *photos])]
    assert [[id for id in fold if id[0] == "p"] for fold in found] == [["p0", "p1", "p2"], ["p3", "p4", "p5"]]
    assert [{id for id in fold if id[0] == "t"} for fold in found] == [
        {f"t{n}{k}" for n in part for k in "ab"} for part in ((0, 1, 2), (3, 4, 5))
    ]  # the last two photos fill no fold
    assert [len(fold) for fold in folds(photos[:2])] == [2]


@pytest.fixture
def checkpoint(checkpoint_folder, tmp_path) -> Path:
    """The tiny checkpoint, to be changed."""
    return shutil.copytree(checkpoint_folder, tmp_path / "checkpoints" / "tiny")


def sketchy_at(root: Path, *classes: str) -> None:
    """sketchy25's tree with six photos a class, a sketch of each."""
    for name in classes:
        for n in range(6):
            draw_at(root / f"sketchy25/photo/{name}/{name}{n}.jpg")
            page = Image.new("L", (40, 40), 255)
            ImageDraw.Draw(page).line([(5, 5 + n), (35, 20)], fill=0, width=2)
            (root / f"sketchy25/sketch/{name}").mkdir(parents=True, exist_ok=True)
            page.save(root / f"sketchy25/sketch/{name}/{name}{n}-1.png")


def claiming(system: Path, *protocols: str) -> None:
    config = json.loads((system / "config.json").read_text()) | {"protocols": protocols}
    sign(system, config)


def test_a_checkpoint_reports_what_it_claims_and_nothing_else(checkpoint, tmp_path, monkeypatch):
    sketchy_at(tmp_path / "data", "tree", "cow")
    monkeypatch.setenv("XMR_DATA", str(tmp_path / "data"))
    claiming(checkpoint, "sketchy-2-unseen", "chairv2-test", "sketchy25-test")
    told = []
    report = evaluate.evaluate(checkpoint.name, checkpoint.parent, progress=told.append)
    assert set(report["protocols"]) == {"sketchy-2-unseen", "sketchy25-test"}
    assert [line for line in told if "chairv2-test: skipped" in line]
    entry = report["protocols"]["sketchy-2-unseen"]
    assert (entry["queries"], entry["gallery"]) == (12, 12)
    assert set(entry["metrics"]) == {
        f"sketch_to_photo/category/{m}" for m in ("map", "map@200", "p@1", "p@100", "p@200")
    } | {f"sketch_to_photo/instance/hit@{k}" for k in (1, 5, 10)}
    worst = json.loads((checkpoint / "worst.json").read_text())
    assert worst["weights"] == report["weights"] and worst["protocols"].keys() == report["protocols"].keys()
    asked = worst["protocols"]["sketchy-2-unseen"]
    assert asked.keys() == {"sketch_to_photo/category", "sketch_to_photo/instance"} and "worst" not in entry
    assert all(one.keys() == {"query", "rank", "found"} for found in asked.values() for one in found)
    with pytest.raises(BadInput, match="doesn't list sketchy-1-unseen among"):
        evaluate.evaluate(checkpoint.name, checkpoint.parent, ["sketchy-1-unseen"])
    claiming(checkpoint, "sketchy25-test")
    report = evaluate.evaluate(checkpoint.name, checkpoint.parent, progress=told.append)
    assert set(report["protocols"]) == {"sketchy25-test"}  # a figure that may no longer be claimed goes


def test_a_checkpoint_that_claims_nothing_is_told_how_to(checkpoint):
    with pytest.raises(BadInput, match="publish again: python -m training publish"):
        evaluate.evaluate(checkpoint.name, checkpoint.parent)


def test_a_system_is_asked_only_what_it_has_encoders_for(checkpoint, tmp_path, monkeypatch):
    sketchy_at(tmp_path / "data", "ant", "bee")
    monkeypatch.setenv("XMR_DATA", str(tmp_path / "data"))
    config = json.loads((checkpoint / "config.json").read_text()) | {"protocols": ["sketchy25-heldout"]}
    del config["encoders"]["text"]
    sign(checkpoint, config)
    report = evaluate.evaluate(checkpoint.name, checkpoint.parent, progress=lambda line: None)
    keys = report["protocols"]["sketchy25-heldout"]["metrics"]
    assert keys and not [key for key in keys if "text" in key]


def test_typed_demo_asks_for_each_class_by_its_names_and_a_caption_as_people_type_them(tmp_path, monkeypatch):
    with Gallery.create(tmp_path / "demo") as gallery:
        for name in ("cup", "dog"):
            for n in range(2):
                captions = [("en", f"a {name}, number {n}"), ("de", f"Bild {n}: {name}"), ("en", f"another {name}{n}")]
                gallery.add([Entry(f"{name}{n}", Image.new("RGB", (9, 9)), {"category": name}, captions)])
    monkeypatch.setattr(demo, "DEMO", tmp_path / "demo")
    protocol = PROTOCOLS["typed-demo"]
    for split, number in (("val", 0), ("test", 1)):  # the photo whose caption is asked
        items = protocol.items(split)
        clean = {item.content for item in items if item.facts["style"] == "clean"}
        assert clean == {
            "cup", "a cup", "Tasse", "eine Tasse", f"a cup, number {number}", f"Bild {number}: cup",
            "dog", "a dog", "Hund", "ein Hund", f"a dog, number {number}", f"Bild {number}: dog",
        }  # fmt: skip
        assert {item.facts["style"] for item in items} <= {"clean", *typing.KINDS}
        assert all(len(labels_of(item, "class")) == 1 and item.facts["typed"] for item in items)
        told = {item.id.split("#")[1] for item in items if SAYS_MORE in item.facts}
        assert told == {"en2", "de2"}  # captions, in whatever style
    assert [item.id for item in protocol.gallery("test")] == ["cup0", "cup1", "dog0", "dog1"]
    assert {comparison.query[1] for comparison in protocol.comparisons} == {"clean", *typing.KINDS}
