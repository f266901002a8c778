"""sketchy-gan-classes: it begins with the published network, learns Sketchy's classes alone, and moves drawings; photos
stay."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from tests.conftest import DIM, write_checkpoint
from training.datasets import labels_of, sketchy25
from training.learn.export import export
from training.learn.features import pixels
from training.release.publish import publish
from training.systems import sketchy_gan, sketchy_gan_classes
from training.towers import photo
from training.towers.heads import ProjectionHead, PrototypePull
from training.towers.photo import TowerThen
from training.towers.sketch import Mirrored, MultiScale, Seen, towards
from xmr import checkpoint
from xmr.encoder import Encoder
from xmr.modality import Modality

PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH
SIDE, CODE = 48, 5
STAGE = {
    "name": "classes",
    "steps": 40,
    "every": 20,
    "rates": {"classes": 0.1},
    "settings": {
        "quickdraw": 5,
        "another": 4,
        "sketchy25": 3,
        "chairv2": 2,
        "world": 1,
        "dropped": 0,
        "smoothing": 0.1,
    },
}


@pytest.fixture
def network(place, monkeypatch) -> nn.Module:
    """The sketch network and the generator of a published checkpoints/sketchy-gan."""
    monkeypatch.setattr(sketchy_gan, "backbone", photo.backbone)
    like = sketchy_gan_classes.form()
    like = replace(
        like, code=CODE, generator=7, sizes=(32, 40), query_size=SIDE, protocols=("sketchy25-heldout",), dropout=0.0
    )
    monkeypatch.setattr(sketchy_gan_classes, "form", lambda: like)
    for path in (place / "data/sketchy25/photo").glob("*/*.jpg"):  # of another colour each class
        Image.new("RGB", (60, 60), {"chair": "green"}.get(path.parent.name, path.parent.name)).save(path)
    torch.manual_seed(0)
    made = nn.Sequential(sketchy_gan.SketchNetwork("any", CODE), ProjectionHead(CODE, DIM, 7)).eval()
    folder = write_checkpoint(place / "checkpoints" / "sketchy-gan")
    pull = PrototypePull(torch.eye(3, DIM), torch.tensor(9.0), 0.2)
    whole = TowerThen(MultiScale(Mirrored(made), SIDE, like.sizes), pull)
    export(whole, {"sketch": np.zeros((1, SIDE, SIDE), np.uint8)}, folder / "sketch.onnx")
    config = json.loads((folder / "config.json").read_text())
    del config["encoders"]["text"]
    config["encoders"]["sketch"]["size"] = SIDE
    card = {
        "command": "ablation",
        "built": "Trained.",
        "data": ["sketchy25"],
        "limits": "Small.",
        "differs": "It does.",
    }
    checkpoint.sign(folder, config | {"name": "sketchy-gan", "parity": {"photo": 1e-7, "sketch": 2e-7}, "card": card})
    (folder / "history.json").write_text(json.dumps([{"stage": "train", "step": 9, "score": 0.99}]))
    return made


@pytest.fixture
def trained(place, network) -> sketchy_gan_classes.Task:
    settings = [
        f"checkpoints={place / 'checkpoints'}",
        f"size={SIDE}",
        "pull=3.0",
        "near=0.8",
        'score={"quickdraw-photos/sketch_to_photo/category/p@1": 1}',
        f"stages={json.dumps([STAGE])}",
    ]
    return sketchy_gan_classes.run(place / "runs/sketchy-gan-classes", place / "runs/cache", settings)


def shown(items) -> torch.Tensor:
    return torch.from_numpy(np.stack([pixels(item, 0, SIDE) for item in items]))


def test_the_features_are_those_of_the_published_network(network, trained):
    drawn = [item for item in trained.data["sketchy25"] if item.modality is SKETCH][:4]
    features, vectors, kept = trained._read(drawn)
    with torch.inference_mode():
        ways = [network[0].features(way) for way in (shown(kept), shown(kept).flip(2))]
        np.testing.assert_allclose(features, (ways[0] + ways[1]) / 2, atol=2e-3)
        np.testing.assert_allclose(vectors, Mirrored(network)(shown(kept)), atol=2e-3)


def test_it_learns_the_classes_that_have_photos_and_moves_towards_their_mean(trained):
    assert set(trained.labels.numbers) == {
        "class:red",
        "class:blue",
        "class:chair",
        "careful",
    }  # not quickdraw's "green"
    assert {min(labels_of(item, "class")) for item in trained.data["quickdraw"]} >= {"class:red", "class:green"}
    careful = trained.labels.numbers["careful"]
    assert {name for name, (_, cls, _) in trained.pools.items() if (cls == careful).any()} == {"chairv2"}
    assert not trained.model.names[careful].any()
    photos = [item for item in sketchy25.items("train") if item.modality is PHOTO and "class:red" in item.labels]
    mean = trained.system.encode(PHOTO, [item.content for item in photos]).mean(0)
    row = trained.labels.numbers["class:red"]
    np.testing.assert_allclose(trained.model.names[row], mean / np.linalg.norm(mean), atol=1e-3)


def test_what_is_published_moves_and_the_photo_graph_stays(place, trained):
    folder = place / "checkpoints/sketchy-gan"
    before = shutil.copytree(folder, place / "before")
    for _ in range(2):
        publish("sketchy-gan-classes", place / "runs", place / "checkpoints", place / "galleries")
        assert (folder / "photo.onnx").read_bytes() == (before / "photo.onnx").read_bytes()
        config = json.loads((folder / "config.json").read_text())
        assert config["name"] == "sketchy-gan" and config["protocols"] == [
            "sketchy25-heldout",
            "quickdraw-demo",
            "quickdraw-photos",
        ]
        built = config["card"]["built"]
        assert built.startswith("Trained. By `python -m training fit sketchy-gan-classes`") and built.count("By ") == 1
        assert config["card"]["differs"] == "It does." and "quickdraw" in config["card"]["data"]
    drawn = [item for item in trained.data["quickdraw"]][:6]
    encoder = Encoder.from_config(folder, SKETCH, config["encoders"]["sketch"])
    features, vectors, _ = trained._read(drawn)
    with torch.inference_mode():
        logits = trained.model.classes(features.float())
        moved = towards(vectors.float(), logits, trained.model.names, 3.0, 0.8).numpy()
    np.testing.assert_allclose(encoder.run(shown(drawn).numpy()), moved, atol=0.05)
    assert np.abs(moved - vectors.float().numpy()).max() > 0.1


def test_a_tower_is_seen_as_the_network_is(place, network):
    found = sketchy_gan_classes.tower(place / "checkpoints/sketchy-gan/sketch.onnx", DIM).eval()
    page = torch.full((1, SIDE, SIDE), 255)
    page[0, 5:20, 9] = 0
    with torch.inference_mode():
        torch.testing.assert_close(Seen(found)(page)[:, 6:], Mirrored(network)(page), atol=2e-3, rtol=0)
