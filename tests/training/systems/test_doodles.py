"""doodles: what it trains, what stays as it is published, and how it goes back into the checkpoint."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from training.datasets import MissingData, demo, world
from training.learn.augment import resized
from training.learn.export import export
from training.learn.restore import load_onnx_weights
from training.release.publish import publish
from training.systems import doodles, doodles_again
from training.towers import photo as photo_tower
from training.towers.heads import Classifier
from training.towers.sketch import Mirrored, Named, SketchTower
from xmr import checkpoint
from xmr.encoder import Encoder
from xmr.gallery import Gallery
from xmr.modality import BadInput, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
SETTINGS = {
    "quickdraw": 4,
    "sketchy25": 3,
    "chairv2": 2,
    "world": 2,
    "another": 0.4,
    "size": 40,
    "augmented": 0.5,
    "loss_names": 1,
    "loss_demo": 1,
    "loss_sketchy25": 1,
    "loss_own_sketchy25": 1,
    "loss_own_chairv2": 1,
    "loss_distil": 1,
}
WATCHED = (
    "quickdraw-demo/sketch_to_photo/category/any@10",
    "quickdraw-photos/sketch_to_photo/half/p@1",
    "sketchy25-heldout/sketch_to_photo/category/p@1",
)


def overrides(place: Path) -> list[str]:
    stage = {
        "name": "doodles",
        "steps": 4,
        "every": 2,
        "rates": {"sketch": 1e-2, "log_scale": 1e-2},
        "settings": SETTINGS,
    }
    score = json.dumps(dict.fromkeys(WATCHED, 1))
    return [
        f"checkpoints={place / 'checkpoints'}",
        "watched=1.0",
        "raster=48",
        "size=48",
        "query_size=48",
        "share=0.5",
        f"score={score}",
        f"stages={json.dumps([stage])}",
    ]


@pytest.fixture
def trained(place) -> doodles.Task:
    return doodles.run(place / "runs/doodles", place / "runs/cache", overrides(place))


def test_a_run_trains_the_sketch_tower_alone_from_what_is_published(place, trained):
    begun, names = doodles.tower(), trained.model.names.clone()
    load_onnx_weights(begun, place / "checkpoints/tri/sketch.onnx")
    before, after = begun.state_dict(), trained.model.sketch.state_dict()
    assert all(not torch.equal(before[name], after[name]) for name in before if "stem" not in name)
    history = json.loads((place / "runs/doodles/history.json").read_text())
    assert [entry["step"] for entry in history] == [2, 4] and set(WATCHED) <= history[-1].keys()
    assert {f"train/{name}" for name in ("names", "demo", "sketchy25", "own_sketchy25", "own_chairv2", "distil")} <= (
        history[-1].keys()
    )
    told = checkpoint.load("tri", place / "checkpoints").encode(TEXT, ["a green", "a photo green"]).mean(0)
    row = list(trained.labels.numbers).index("class:green")
    np.testing.assert_allclose(names[row], told / np.linalg.norm(told), atol=1e-5)
    assert set(trained.labels.numbers) == {"class:red", "class:blue", "class:green", "class:chair"}
    again = doodles.run(place / "runs/doodles", place / "runs/cache", overrides(place))  # nothing is left to be done
    assert all(torch.equal(again.model.sketch.state_dict()[name], after[name]) for name in after)


def test_each_drawing_meets_what_it_shows_and_the_very_photo_that_was_drawn(place, trained):
    batch = trained.batch(replace(trained.recipe.stages[0], settings=SETTINGS), 0, np.random.default_rng(0))
    labels = list(trained.labels.numbers)
    assert batch["input"].shape == (11, 48, 48) and batch["input"].dtype == torch.uint8
    own = {name: rows.tolist() for name, rows in batch["own"].items()}
    assert own["demo"] == [-1] * 11
    assert [row >= 0 for row in own["sketchy25"]] == 4 * [False] + 3 * [True] + 4 * [False]
    assert [row >= 0 for row in own["chairv2"]] == 7 * [False] + 2 * [True] + 2 * [False]
    for row, cls in zip(own["sketchy25"], batch["cls"].tolist(), strict=True):
        if row >= 0:
            assert trained.model.shown_sketchy25[:, row].nonzero().flatten().tolist() == [cls]
    assert {labels[cls] for cls in batch["cls"][-2:]} == {"class:red"}
    assert batch["taught"].any(1).tolist() == 9 * [False] + 2 * [True]
    assert {labels[cls] for cls in batch["cls"][7:9]} == {"class:chair"}


def test_the_losses_are_those_of_each_drawing_alone(place, trained):
    model, batch = trained.model.eval(), trained.batch(trained.recipe.stages[0], 1, np.random.default_rng(1))
    with torch.no_grad():
        told = model(**batch | {"augmented": 0.0})
        vectors = model.sketch(resized(batch["input"], batch["size"]))
    by = {"names": [], "demo": [], "own_chairv2": [], "distil": []}
    for n, vector in enumerate(vectors):
        cls = int(batch["cls"][n])
        by["names"].append(-(model.scale("names") * model.names @ vector).log_softmax(0)[cls])
        chances = (model.scale("demo") * model.photos_demo @ vector).log_softmax(0)
        if model.shown_demo[cls].any():
            by["demo"].append(-chances[model.shown_demo[cls] > 0].mean())
        if (row := int(batch["own"]["chairv2"][n])) >= 0:
            by["own_chairv2"].append(-(model.scale("chairv2") * model.photos_chairv2 @ vector).log_softmax(0)[row])
        if batch["taught"][n].any():
            by["distil"].append(1 - batch["taught"][n] @ vector)
    for name, values in by.items():
        assert told[name] == pytest.approx(float(torch.stack(values).mean()), abs=1e-4), name
    assert told["loss"] == pytest.approx(sum(float(told[name]) for name in told if name != "loss"), abs=1e-3)


def test_without_rendered_drawings_to_keep_it_does_not_begin(place):
    (world.root() / "drawings/facts.jsonl").unlink()
    with pytest.raises(MissingData, match="training render --split drawings"):
        doodles.run(place / "runs/doodles", place / "runs/cache", overrides(place))


def test_publishing_changes_the_sketch_graph_and_what_is_said_of_it_alone(place, trained):
    folder = place / "checkpoints/tri"
    before = shutil.copytree(folder, place / "before")
    publish("doodles", place / "runs", place / "checkpoints", place / "galleries")
    for name in ("photo.onnx", "text.onnx", "tokenizer.json"):
        assert (folder / name).read_bytes() == (before / name).read_bytes()
    assert (folder / "sketch.onnx").read_bytes() != (before / "sketch.onnx").read_bytes()
    config, old = (json.loads((one / "config.json").read_text()) for one in (folder, before))
    assert config["encoders"] == old["encoders"] and config["weights"] != old["weights"]
    assert {m: config["parity"][m] == old["parity"][m] for m in config["parity"]} == {
        "photo": True,
        "sketch": False,
        "text": True,
    }
    assert "quickdraw" in config["card"]["data"] and config["card"]["command"].startswith("fit doodles --set ")
    assert {"slope", "intercept", "mean", "std"} <= config["calibration"]["sketch_to_photo"].keys()
    assert config["calibration"]["sketch_to_photo"] != old["calibration"].get("sketch_to_photo")
    assert len(config["completeness"]) == config["dim"] + 1  # of the doodles and their halves
    for asked in ("text_to_photo", "photo_to_photo"):  # between graphs that stay
        assert config["calibration"][asked] == old["calibration"][asked]
    history = json.loads((folder / "history.json").read_text())
    assert [entry["stage"] for entry in history] == ["words", "doodles", "doodles"]
    assert 'at step 2 of stage "doodles"' in (folder / "card.md").read_text()  # 0.99 of "words" was of other metrics
    metrics = json.loads((folder / "metrics.json").read_text())["protocols"]["quickdraw-demo"]["metrics"]
    assert {"sketch_to_photo/category/any@10", "sketch_to_photo/half/p@1"} <= metrics.keys()
    with Gallery.open(place / "galleries/demo") as gallery:  # the same vectors, of the new weights
        now = gallery.vectors(checkpoint.load("tri", place / "checkpoints"), PHOTO)[1]
    shipped = trained.vectors(demo.items())
    np.testing.assert_allclose(now, shipped, atol=1e-6)
    held_out = [item for item in trained.val["sketchy25-heldout"][1] if item.modality is SKETCH]
    drawn = trained.rasters(held_out, 48)
    encoder = Encoder.from_config(folder, SKETCH, config["encoders"]["sketch"])
    shown, halfway = drawn[np.arange(len(drawn.items)), 0], doodles.tower()
    load_onnx_weights(halfway, before / "sketch.onnx")
    ends = halfway.state_dict(), trained.model.sketch.state_dict()
    halfway.load_state_dict({name: (ends[0][name] + ends[1][name]) / 2 for name in ends[0]})
    with torch.inference_mode():
        vectors = Mirrored(halfway.eval())(torch.from_numpy(shown)).numpy()
    np.testing.assert_allclose(encoder.run(shown), vectors, atol=0.02)  # but for the rounding to 8 bits
    publish("doodles", place / "runs", place / "checkpoints", place / "galleries")  # once more: no entry comes twice
    assert json.loads((folder / "history.json").read_text()) == history


def test_a_graphs_weights_are_those_of_the_tower_it_was_made_of(place):
    sketch, again = doodles.tower(), doodles.tower()
    with torch.no_grad():
        for value in sketch.parameters():
            value.normal_()
    export(sketch, {"sketch": np.zeros((1, 48, 48), np.uint8)}, place / "sketch.onnx")
    load_onnx_weights(again, place / "sketch.onnx")
    for name, value in sketch.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)


def test_a_graph_of_another_form_or_none_is_told(place):
    path = place / "checkpoints/tri/sketch.onnx"
    with pytest.raises(BadInput, match=r"Expected weights 'head.linear.weight' of \(5, 6\) in .*one of \(19, 6\)"):
        load_onnx_weights(SketchTower(5, 8, 0), path)
    with pytest.raises(BadInput, match="there is none"):
        load_onnx_weights(torch.nn.Linear(3, 3), path)
    with pytest.raises(BadInput, match="git checkout"):
        load_onnx_weights(doodles.tower(), place / "nowhere.onnx")


def named(tower: SketchTower) -> Named:
    """tri's sketch tower with what `classes` published behind it."""
    folder = checkpoint.ROOT / "tri"
    record = json.loads((folder / "run.json").read_text())
    while record["recipe"]["name"] != "classes":
        record = record["before"]
    held = {one.name: one.dims for one in onnx.load(folder / "sketch.onnx").graph.initializer}
    count, features = held["names.small"][0], tower.features
    behind = torch.nn.Module()
    behind.classes = Classifier(torch.zeros(features), torch.ones(features), count)
    behind.register_buffer("names", torch.zeros(count, doodles.form().dim))
    load_onnx_weights(behind, folder / "sketch.onnx")
    recipe = record["recipe"]
    return Named(tower, behind.classes, behind.names, recipe["pull"], recipe["near"]).eval()


@pytest.mark.parametrize("name", ["photo", "sketch"])
def test_the_shipped_towers_load_back_to_what_ships(name):
    like = doodles.form()
    kind = {"photo": photo_tower.PhotoTower, "sketch": SketchTower}[name]
    settings = getattr(like, name)
    tower = kind(like.dim, settings.hidden, settings.cut, settings.dropout, like.backbone).eval()
    load_onnx_weights(tower, checkpoint.ROOT / "tri" / f"{name}.onnx")
    shape = (2, 224, 224, 3) if name == "photo" else (2, 144, 144)
    tower = tower if name == "photo" else named(tower)
    shown = np.random.default_rng(0).integers(0, 256, shape).astype(np.uint8)
    encoder = Encoder.from_config(checkpoint.ROOT / "tri", Modality(name), checkpoint.describe("tri")["encoders"][name])
    with torch.inference_mode():
        np.testing.assert_allclose(tower(torch.from_numpy(shown)).numpy(), encoder.run(shown), atol=1e-5)


def test_once_more_the_tower_goes_on_from_what_doodles_made_of_it(place, trained):
    for name, module in (("doodles", doodles), ("doodles-again", doodles_again)):
        stage = [setting.replace('"name": "doodles"', f'"name": "{name}"') for setting in overrides(place)]
        module.run(place / "runs" / name, place / "runs/cache", stage)
        publish(name, place / "runs", place / "checkpoints", place / "galleries")
    folder = place / "checkpoints/tri"
    card = json.loads((folder / "config.json").read_text())["card"]
    assert "fit doodles`, on doodles too" in card["built"] and card["built"].endswith("fit doodles-again`.")
    assert card["command"].startswith("fit doodles-again --set ") and "quickdraw" in card["data"]
    history = json.loads((folder / "history.json").read_text())
    assert [entry["stage"] for entry in history] == ["words", *["doodles"] * 2, *["doodles-again"] * 2]
    first, again = (place / "runs" / name / "sketch.onnx" for name in ("doodles", "doodles-again"))
    assert first.read_bytes() != again.read_bytes()
