"""A tiny published tri with what its later trainings need: data sets, a rendered world and the demo gallery."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from tests.conftest import DIM, write_checkpoint
from tests.training.datasets.test_protocols import sketchy_at
from tests.training.datasets.test_quickdraw import write
from tests.training.tiny import ENGLISH, GERMAN, write_flickr8k, write_multi30k, write_world
from training.datasets import demo
from training.learn.export import export
from training.systems import composer, doodles, further, typed
from training.towers import photo as photo_tower
from training.towers.text import TextTower, train_tokenizer
from training.world.captions import COLOURS, PLACES
from xmr import checkpoint
from xmr.gallery import Entry, Gallery, index_folder

CATEGORIES = ("cup", "dog")


@pytest.fixture
def published_tri(tmp_path: Path, monkeypatch) -> Path:
    """checkpoints/tri, whose text tower is a small one that wasn't trained; data, world and galleries/demo."""
    like = further.form()
    small = replace(like.text, vocab_size=300, width=8, depth=1, heads=2, max_tokens=16, dropout=0.0)
    like = replace(like, dim=DIM, protocols=("flickr8k-test-en", "world-mixed"), text=small)
    for module in (further, typed, composer):
        monkeypatch.setattr(module, "form", lambda: like)
    folder = write_checkpoint(tmp_path / "checkpoints" / "tri")
    told = [text.format(word) for text in (*ENGLISH, *GERMAN) for word in ("red cup", "a dog", "blau", "grün", "Tasse")]
    train_tokenizer([*told, "abcdefghijklmnopqrstuvwxyzäöüß 0123456789"] * 3, 300, folder / "tokenizer.json")
    torch.manual_seed(0)
    tower = TextTower(300, DIM, 8, 1, 2, 16, 0.0).eval()
    with torch.no_grad():
        for value in tower.parameters():
            value.normal_(std=0.3)
    export(tower, {"ids": np.ones((2, 5), np.int64)}, folder / "text.onnx")
    config = json.loads((folder / "config.json").read_text())
    config["encoders"]["text"]["max_tokens"] = 16
    card = {"command": "fit tri", "built": "Trained.", "data": ["sketchy25"], "limits": "Small."}
    config |= {"name": "tri", "parity": {"photo": 1e-7, "sketch": 2e-7, "text": 3e-7}, "card": card}
    checkpoint.sign(folder, config)
    (folder / "history.json").write_text(json.dumps([{"stage": "words", "step": 9, "score": 0.9}]))
    data = tmp_path / "data"
    write_flickr8k(data / "flickr8k")
    write_multi30k(data / "multi30k")
    sketchy_at(data, *CATEGORIES)
    write(data / "quickdraw", *CATEGORIES, "okapi", count=60)
    write_world(tmp_path / "world", "mixed", 24, categories=CATEGORIES)
    facts = tmp_path / "world/mixed/facts.jsonl"
    rows = [row | seen(n) for n, row in enumerate(map(json.loads, facts.read_text().splitlines()))]
    facts.write_text("\n".join(map(json.dumps, rows)))
    with Gallery.create(tmp_path / "galleries/demo") as gallery:
        for n in range(48):
            colour = tuple(int(v) for v in np.random.default_rng(n).integers(0, 256, 3))
            captions = [("en", f"a {CATEGORIES[n % 2]} {n}"), ("de", f"ein Ding {n}")]
            facts = {"category": CATEGORIES[n % 2], **seen(n)}
            gallery.add([Entry(f"g{n:02}", Image.new("RGB", (9, 9), colour), facts, captions)])
    index_folder(tmp_path / "galleries/demo", [checkpoint.load("tri", tmp_path / "checkpoints")])
    monkeypatch.setattr(demo, "DEMO", tmp_path / "galleries/demo")
    monkeypatch.setenv("XMR_DATA", str(data))
    monkeypatch.setenv("XMR_WORLD", str(tmp_path / "world"))
    return tmp_path


def seen(n: int) -> dict:
    """The facts of the n-th photo: every colour comes with every place."""
    colour, place = list(COLOURS)[n // 2 % 3], list(PLACES)[n // 6 % 2]
    return {"colour": colour, "place": place, "material": ("wood", None)[n % 3 > 0]}


@pytest.fixture
def place(tmp_path: Path, monkeypatch) -> Path:
    """A checkpoint "tri" with a sketch tower of a convolution, a gallery with its vectors, and a little of each set."""

    def backbone(cut: int, name: str):
        upper = torch.nn.Sequential(torch.nn.Conv2d(6, 6, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        return torch.nn.Conv2d(3, 6, 7, stride=5), upper, 6

    monkeypatch.setattr(photo_tower, "backbone", backbone)
    like = doodles.form()
    like = replace(
        like, dim=DIM, sketch=replace(like.sketch, hidden=8), protocols=("quickdraw-photos", "quickdraw-demo")
    )
    monkeypatch.setattr(doodles, "form", lambda: like)
    folder = write_checkpoint(tmp_path / "checkpoints" / "tri")
    torch.manual_seed(0)
    export(doodles.tower(), {"sketch": np.zeros((1, 48, 48), np.uint8)}, folder / "sketch.onnx")
    config = json.loads((folder / "config.json").read_text())
    config["encoders"]["sketch"]["size"] = 48
    config |= {
        "name": "tri",
        "parity": {"photo": 1e-7, "sketch": 2e-7, "text": 3e-7},
    }
    checkpoint.sign(folder, config)
    (folder / "history.json").write_text(json.dumps([{"stage": "words", "step": 9, "score": 0.99}]))
    with Gallery.create(tmp_path / "galleries/demo") as gallery:
        for name, colour in (("red", "red"), ("blue", "blue")):
            gallery.add([Entry(name, Image.new("RGB", (9, 9), colour), {"category": name}, [("en", f"a {colour}")])])
    index_folder(tmp_path / "galleries/demo", [checkpoint.load("tri", tmp_path / "checkpoints")])
    monkeypatch.setattr(demo, "DEMO", tmp_path / "galleries/demo")
    monkeypatch.setattr(doodles, "phrases", lambda name, synonyms: {"en": [f"a {name}", f"a photo {name}"]})
    monkeypatch.setenv("XMR_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("XMR_WORLD", str(tmp_path / "world"))
    sketchy_at(tmp_path / "data", "red", "blue", "chair")
    write(tmp_path / "data/quickdraw", "red", "blue", "green", count=60)
    (tmp_path / "data/chairv2/photo").mkdir(parents=True)
    stroke = [[0, 0], [10, 10], [20, 0]]
    rows = [{"id": f"{n}_1", "split": "train", "photo": f"{n}.jpg", "strokes": [stroke]} for n in range(60)]
    (tmp_path / "data/chairv2/sketches.jsonl").write_text("\n".join(map(json.dumps, rows)))
    for n in range(60):
        Image.new("RGB", (9, 9)).save(tmp_path / f"data/chairv2/photo/{n}.jpg")
    sketches = [{"hand": "careful", "strokes": [[0, 0, 9, 9]]}]
    row = {"id": "drawings-red-0", "category": "red", "instance": "red-1", "sketches": sketches}
    (tmp_path / "world/drawings").mkdir(parents=True)
    (tmp_path / "world/drawings/facts.jsonl").write_text(json.dumps(row))
    return tmp_path
