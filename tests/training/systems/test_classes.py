"""classes: what it learns from which features, how drawings move, and how it goes into the published system."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from tests.conftest import DIM
from training.datasets import MissingData, world
from training.learn.features import pixels
from training.learn.restore import load_onnx_weights
from training.release.publish import publish
from training.systems import classes, doodles
from training.towers.heads import Classifier
from training.towers.rounding import round_weights
from training.towers.sketch import Mirrored, Named, Seen, towards
from xmr import checkpoint
from xmr.encoder import Encoder
from xmr.modality import Modality

SKETCH = Modality.SKETCH
WATCHED = {"quickdraw-demo/sketch_to_photo/category/p@1": 1, "quickdraw-photos/sketch_to_photo/half/p@1": 2}
SETTINGS = {"quickdraw": 5, "another": 4, "sketchy25": 3, "chairv2": 2, "world": 1, "dropped": 0.0, "smoothing": 0.1}


def overrides(place) -> list[str]:
    stage = {"name": "classes", "steps": 40, "every": 20, "rates": {"classes": 0.1}, "settings": SETTINGS}
    return [
        f"checkpoints={place / 'checkpoints'}",
        "size=48",
        "pull=3.0",
        "near=0.8",
        f"score={json.dumps(WATCHED)}",
        f"stages={json.dumps([stage])}",
    ]


@pytest.fixture
def trained(place) -> classes.Task:
    return classes.run(place / "runs/classes", place / "runs/cache", overrides(place))


def test_only_the_classifier_learns_and_the_features_are_the_towers(place, trained):
    assert {name for name, _ in trained.model.named_parameters()} == {"classes.linear.weight", "classes.linear.bias"}
    tower = doodles.tower().eval()
    load_onnx_weights(tower, place / "checkpoints/tri/sketch.onnx")
    drawn = [item for item in trained.data["quickdraw"]][:4]
    features, vectors, kept = trained._read(drawn)
    shown = torch.from_numpy(np.stack([trained_input(item) for item in kept]))
    with torch.inference_mode():
        slow = [tower.upper(tower.maps(way)) for way in (shown, shown.flip(2))]
        np.testing.assert_allclose(features, (slow[0] + slow[1]) / 2, atol=2e-3)
        np.testing.assert_allclose(vectors, Mirrored(tower)(shown), atol=2e-3)
    history = json.loads((place / "runs/classes/history.json").read_text())
    assert [entry["step"] for entry in history] == [20, 40] and set(WATCHED) <= history[-1].keys()
    assert history[-1]["train/loss"] < history[0]["train/loss"] < np.log(len(trained.labels.numbers))


def trained_input(item) -> np.ndarray:
    return pixels(item, 0, 48)


def test_a_batch_has_so_many_drawings_of_each_set_with_their_classes(trained):
    batch = trained.batch(replace(trained.recipe.stages[0], settings=SETTINGS), 0, np.random.default_rng(0))
    assert batch["features"].shape == (15, 6) and batch["cls"].shape == (15,)
    labels = list(trained.labels.numbers)
    by_set = dict(zip(trained.pools, batch["cls"].split([5, 3, 2, 1, 4]), strict=True))
    assert {labels[number] for number in by_set["chairv2"]} == {"class:chair"}
    assert {labels[number] for number in by_set["world"]} == {"class:red"}
    assert {labels[number] for number in by_set["quickdraw"]} <= {"class:red", "class:blue", "class:green"}


def test_the_classifier_sees_standardised_features_and_is_as_good_once_rounded():
    torch.manual_seed(0)
    spread = torch.logspace(-3, 1, 40)
    model = classes.Classes(Classifier(spread * torch.randn(40), spread, 450), torch.eye(450)).eval()
    nn.init.normal_(model.classes.linear.weight)
    features, cls = model.classes.mean + spread * torch.randn(6, 40), torch.tensor([0, 1, 2, 0, 1, 2])
    with torch.no_grad():
        standard = (features - model.classes.mean) / spread
        logits = torch.stack([model.classes.linear(one) for one in standard])
        loss = np.mean([-float(one.log_softmax(0)[right]) for one, right in zip(logits, cls, strict=True)])
        assert float(model(features, cls, 0.5, 0.0)["loss"]) == pytest.approx(loss, rel=1e-5)
        round_weights(model.classes)
        assert float((model.classes(features) - logits).std() / logits.std()) < 0.02


def test_a_vector_moves_towards_the_expected_name_as_far_as_it_lacks(place):
    vectors, names = torch.eye(3)[:1], torch.eye(3)
    sure = torch.tensor([[-50.0, 50.0, -50.0]])
    torch.testing.assert_close(
        towards(vectors, sure, names, 2.0, 0.25), torch.tensor([[1.0, 0.5, 0.0]]) / 1.25**0.5
    )  # all of 0.25 is missing
    torch.testing.assert_close(towards(names[1:2], sure, names, 2.0, 0.9), names[1:2])  # is there already
    torch.testing.assert_close(towards(vectors, sure, names, 0.0, 0.9), vectors)
    half = torch.tensor([[0.0, 0.0, -50.0]])  # the first or the second: cosine 0.71 with what is expected
    moved = towards(vectors, half, names, 2.0, 0.5**0.5 + 0.1)
    torch.testing.assert_close(moved, torch.tensor([[1.1, 0.1, 0.0]]) / (1.1**2 + 0.1**2) ** 0.5)
    torch.manual_seed(1)
    tower, shown = doodles.tower().eval(), torch.full((2, 48, 48), 255)
    shown[0, 5:20, 9] = 0
    names, classifier = torch.eye(DIM)[:3], Classifier(torch.rand(tower.features), torch.ones(tower.features), 3)
    nn.init.normal_(classifier.linear.weight)
    named = Named(tower, classifier, names, 3.0, 0.9)
    with torch.inference_mode():
        features, vectors = Seen(tower)(shown).split([tower.features, DIM], dim=1)
        torch.testing.assert_close(vectors, Mirrored(tower)(shown))
        torch.testing.assert_close(named(shown), towards(vectors, named.classes(features), names, 3.0, 0.9))


def test_without_rendered_drawings_it_does_not_begin(place):
    (world.root() / "drawings/facts.jsonl").unlink()
    with pytest.raises(MissingData, match="training render --split drawings"):
        classes.run(place / "runs/classes", place / "runs/cache", overrides(place))


def test_publishing_changes_the_sketch_graph_alone_and_the_tower_in_it_stays(place, trained):
    folder = place / "checkpoints/tri"
    config = json.loads((folder / "config.json").read_text())
    config["card"] = {"command": "fit tri", "built": "Trained.", "data": ["sketchy25"], "limits": "Small."}
    checkpoint.sign(folder, config)
    before = shutil.copytree(folder, place / "before")
    publish("classes", place / "runs", place / "checkpoints", place / "galleries")
    for name in ("photo.onnx", "text.onnx", "tokenizer.json"):
        assert (folder / name).read_bytes() == (before / name).read_bytes()
    config = json.loads((folder / "config.json").read_text())
    assert config["card"]["built"].startswith("Trained. By `python -m training fit classes`, a linear classifier")
    assert "learned 4 classes" in config["card"]["built"] and config["card"]["command"].startswith("fit classes --set ")
    tower, again = doodles.tower(), doodles.tower()
    load_onnx_weights(tower, before / "sketch.onnx")
    load_onnx_weights(again, folder / "sketch.onnx")  # from which another training would go on
    for name, value in tower.state_dict().items():
        torch.testing.assert_close(again.state_dict()[name], value)
    drawn = [item for item in trained.val["quickdraw-demo"][1] if item.modality is SKETCH][:6]
    shown = np.stack([trained_input(item) for item in drawn])
    encoder = Encoder.from_config(folder, SKETCH, config["encoders"]["sketch"])
    features, vectors, _ = trained._read(drawn)
    with torch.inference_mode():
        logits = trained.model.classes(features.float())
        moved = towards(vectors.float(), logits, trained.model.names, 3.0, 0.8).numpy()
    np.testing.assert_allclose(encoder.run(shown), moved, atol=0.05)  # but for the rounding to 8 and 16 bits
    publish("classes", place / "runs", place / "checkpoints", place / "galleries")
    assert json.loads((folder / "config.json").read_text())["card"]["built"] == config["card"]["built"]
