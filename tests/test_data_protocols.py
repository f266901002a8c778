"""Protocols: what is held against what, who may claim one, and that measuring in parts changes no figure."""

import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.test_data_sketches import draw_at, ids
from training import evaluate
from training.datasets import labels_of, sketchy
from training.datasets.protocols import PROTOCOLS, Comparison, Protocol, find
from training.evaluate import measure
from training.recipes import load
from training.recipes.tri import Recipe
from xmr import metrics
from xmr.checkpoint import weights_hash
from xmr.modality import BadInput, Item, Modality

REAL = Path(os.environ.get("XMR_DATA", "../shared/data"))
real = pytest.mark.skipif(not (REAL / "sketchy25").is_dir(), reason=f"the real data is not in {REAL}")
PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH
TO_PHOTO = Comparison("sketch_to_photo", (SKETCH, None), (PHOTO, None), "class", ("p@1", "map@3", "median_rank"))
AMONG = Comparison("photo_to_photo", (PHOTO, None), (PHOTO, None), "class", ("hit@1", "map"))


@pytest.fixture
def pool() -> tuple[list[Item], dict[str, np.ndarray]]:
    """20 photos and 17 sketches of 4 classes, one of them without a photo; and a vector for each."""
    rng = np.random.default_rng(0)
    photos = [Item(f"p{n}", PHOTO, "", frozenset({f"class:{n % 3}"})) for n in range(20)]
    sketches = [Item(f"s{n}", SKETCH, "", frozenset({f"class:{n % 4}"})) for n in range(17)]
    return photos + sketches, {item.id: rng.normal(size=5) for item in photos + sketches}


def slowly(name: str, queries: list[Item], gallery: list[Item], emb: dict, itself: bool) -> list[float]:
    """Query by query."""
    found = []
    for query in queries:
        others = [item for item in gallery if not (itself and item.id == query.id)]
        scores = np.array([[emb[query.id] @ emb[item.id] for item in others]])
        relevant = np.array([[bool(query.labels & item.labels) for item in others]])
        found += metrics.measure(name, scores, relevant).tolist()
    return found


@pytest.mark.parametrize("at_a_time", [3, 1000])
def test_figures_are_those_of_each_query_alone(pool, monkeypatch, at_a_time):
    monkeypatch.setattr(evaluate, "QUERIES", at_a_time)
    items, emb = pool
    photos, sketches = items[:20], items[20:]
    entry = measure(Protocol("x", "", lambda split: items, (TO_PHOTO, AMONG)), items,
                    lambda some: np.stack([emb[i.id] for i in some]))  # fmt: skip
    for comparison, queries in ((TO_PHOTO, sketches), (AMONG, photos)):
        for name in comparison.metrics:
            values = slowly(name, queries, photos, emb, itself=comparison is AMONG)
            middle = np.nanmedian if name == "median_rank" else np.nanmean
            assert entry["metrics"][f"{comparison.key}/{name}"] == pytest.approx(middle(values), abs=1e-4)
    assert (entry["queries"], entry["gallery"], entry["dropped"]) == (17, 20, 4)


def test_queries_of_a_gallery_apart_are_searched_in_all_of_it(pool):
    items, emb = pool
    queries, gallery = items[:6], items[6:]
    entry = measure(Protocol("x", "", lambda split: queries, (AMONG,)), queries,
                    lambda some: np.stack([emb[i.id] for i in some]), gallery)  # fmt: skip
    assert (entry["queries"], entry["gallery"], entry["dropped"]) == (6, 14, 0)
    values = slowly("map", queries, gallery[:14], emb, itself=False)
    assert entry["metrics"]["photo_to_photo/map"] == pytest.approx(np.mean(values), abs=1e-4)


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
    claimed = load(Recipe, Path(evaluate.__file__).parent / "recipes" / "tri.yaml").protocols
    assert set(claimed) <= set(PROTOCOLS) and not [name for name in claimed if name.endswith("unseen")]


@pytest.mark.parametrize("name", ["sketchy-3-unseen", "flickr9k-test", "sketchy25", "world-tset"])
def test_an_unknown_protocol_is_an_error_that_names_those_there_are(name):
    with pytest.raises(BadInput, match="sketchy-2-unseen"):
        find(name)


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
    (system / "config.json").write_text(json.dumps(config))


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
    assert set(entry["metrics"]) == {f"sketch_to_photo/category/{m}" for m in ("map", "map@200", "p@1", "p@100",
                                     "p@200")} | {f"sketch_to_photo/instance/hit@{k}" for k in (1, 5, 10)}  # fmt: skip
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
    config["weights"] = weights_hash(checkpoint, config["encoders"])
    (checkpoint / "config.json").write_text(json.dumps(config))
    report = evaluate.evaluate(checkpoint.name, checkpoint.parent, progress=lambda line: None)
    keys = report["protocols"]["sketchy25-heldout"]["metrics"]
    assert keys and not [key for key in keys if "text" in key]
