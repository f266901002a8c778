"""attributes: what rendered photos are held against, that drawings stay, and how it goes into the published system."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.conftest import DIM
from tests.training.systems.conftest import CATEGORIES, seen
from tests.training.tiny import draw_photo, write_chairv2, write_world
from training.datasets import labels_of
from training.datasets.names import phrases
from training.learn.export import export
from training.learn.losses import distillation
from training.learn.restore import load_onnx_weights
from training.release.publish import publish
from training.systems import attributes, attributes_again, further, typed
from training.systems.attributes import Attributes, Held
from training.towers import photo as photo_tower
from training.towers.text import TextTower
from xmr import checkpoint
from xmr.modality import Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
WATCHED = {"phrases/both@1": 1, "flickr8k-test-en/text_to_photo/hit@1": 3}
SETTINGS = {
    "world": 8, "flickr8k": 6, "sketchy25": 5, "chairv2": 3, "others": 2, "names": 3, "sentences": 4, "typed": 0.0,
    "loss_terms": 1.0, "loss_scenes": 0.5, "loss_captions": 1.0, "loss_names": 0.7, "loss_drawn": 0.5,
    "loss_rendered": 1.0, "loss_photos": 2.0, "loss_texts": 3.0,
}  # fmt: skip


def overrides(place: Path) -> list[str]:
    rates = {"photo": 1e-2, "text": 1e-2, "log_scale": 1e-2}
    stage = {"name": "attributes", "steps": 4, "every": 2, "rates": rates, "settings": SETTINGS}
    return [
        f"checkpoints={place / 'checkpoints'}",
        "captions=24",
        "sentences=9",
        "neighbours=3",
        "precision=32-true",
        "share=0.5",
        f"score={json.dumps(WATCHED)}",
        f"stages={json.dumps([stage])}",
    ]


@pytest.fixture
def place(published_tri: Path, monkeypatch) -> Path:
    """The published tri, with a photo tower of a convolution, and all that is photographed."""

    def backbone(cut: int, name: str):
        upper = torch.nn.Sequential(torch.nn.Conv2d(6, 6, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        return torch.nn.Conv2d(3, 6, 56, stride=56), upper, 6

    monkeypatch.setattr(photo_tower, "backbone", backbone)
    like = further.form()
    like = replace(like, photo=replace(like.photo, hidden=8))
    for module in (further, typed, attributes):
        monkeypatch.setattr(module, "form", lambda: like)
    torch.manual_seed(1)
    folder = published_tri / "checkpoints/tri"
    export(attributes.photo_tower(), {"photo": np.zeros((1, 224, 224, 3), np.uint8)}, folder / "photo.onnx")
    (folder / "words.json").write_text("{}")
    checkpoint.sign(folder, json.loads((folder / "config.json").read_text()))
    write_chairv2(published_tri / "data/chairv2")
    rng = np.random.default_rng(0)
    draw_photo(published_tri / "data/imagenet1000/n00_tench.jpg", rng)
    draw_photo(published_tri / "data/caltech101/ant/image_0001.jpg", rng)
    write_world(published_tri / "world", "photos", 24, categories=CATEGORIES)
    facts = published_tri / "world/photos/facts.jsonl"
    rows = [row | seen(n) for n, row in enumerate(map(json.loads, facts.read_text().splitlines()))]
    facts.write_text("\n".join(map(json.dumps, rows)))
    return published_tri


@pytest.fixture
def trained(place: Path) -> attributes.Task:
    return attributes.run(place / "runs/attributes", place / "runs/cache", overrides(place))


def test_a_run_trains_both_towers_from_what_is_published(place, trained):
    for name, begun in (("photo", attributes.photo_tower()), ("text", typed.tower())):
        load_onnx_weights(begun, place / f"runs/attributes/{name}.onnx")
        after = getattr(trained.model, name).state_dict()
        changed = {key for key, value in begun.state_dict().items() if not torch.equal(value, after[key])}
        assert {key for key in after if not key.startswith("stem.")} == changed, name
    history = json.loads((place / "runs/attributes/history.json").read_text())
    assert [entry["step"] for entry in history] == [2, 4]
    for entry in history:
        one, three = (entry[key] for key in WATCHED)
        assert entry["score"] == pytest.approx((one + 3 * three) / 4, abs=1e-4)
    assert {f"train/{name}" for name in ("terms", "scenes", "captions", "drawn", "photos", "texts")} <= history[
        -1
    ].keys()
    again = attributes.run(place / "runs/attributes", place / "runs/cache", overrides(place))
    after = trained.model.state_dict()
    assert all(torch.equal(value, after[name]) for name, value in again.model.state_dict().items())


def test_photos_and_texts_are_to_stay_where_the_published_towers_have_them(trained):
    for name, photos in trained.photos.items():
        wanted = trained.system.encode(PHOTO, [item.content for item in photos.items[:3]])
        np.testing.assert_allclose(photos.taught[:3, 0], wanted, atol=2e-3, err_msg=name)  # maps are kept in 16 bits
    for row in (0, 7, len(trained.staying) - 1):
        wanted = trained.system.encode(TEXT, [trained.staying[row].content])[0]
        np.testing.assert_allclose(trained.taught[row], wanted, atol=1e-5)


def test_rendered_photos_are_held_against_words_that_are_true_of_some_and_not_of_all(trained):
    world, told = trained.photos["world"].items, {}
    for group, words in trained.words.items():
        for (text, _), shown in zip(words, trained.met[group], strict=True):
            told.setdefault(tuple(trained.tokenizer.encode([text], 16)[0].tolist()), []).append((group, text, shown))
    for seed in range(4):
        rng = np.random.default_rng(seed)
        rows = trained._alike(8, rng)
        assert len(rows) == 8 and {len(trained.kinds[kind]) for kind in trained.kinds} == {12}
        held = trained._terms(rows, 0.0, rng)
        assert held.rows.tolist() == [*range(8)] and held.right.any(1).all() and not held.right.bool().all(1).any()
        for ids, right in zip(held.against.tolist(), held.right.bool().numpy(), strict=True):
            asked = next(shown for of, shown in told.items() if [i for i in of if i] == [i for i in ids if i])
            assert any(np.array_equal(shown[rows], right) for _, _, shown in asked)
    red = next(n for n, (text, _) in enumerate(trained.words["phrase"]) if text == "a red cup")
    for photo, shown in zip(world, trained.met["phrase"][red], strict=True):
        assert shown == (photo.facts["category"] == "cup" and photo.facts["colour"] == "red")


def test_drawings_and_captions_are_held_against_their_own_photos(trained):
    rng = np.random.default_rng(2)
    photos, rows = trained.photos["sketchy25"], np.arange(5)
    held = trained._drawn("sketchy25", rows, 20, rng)
    assert held.rows.tolist() == [20, 21, 22, 23, 24]
    for vector, right in zip(held.against.numpy(), held.right.numpy(), strict=True):
        own = int(right.argmax())
        (instance,) = labels_of(photos.items[own], "instance")
        assert any(np.array_equal(vector, trained.drawn[id]) for id in trained.drawings[instance])
        same = [bool(photos.classes[own] & photos.classes[row]) for row in rows]
        share = further.form().class_share
        np.testing.assert_allclose(right, [(1 - share) * (n == own) + share * one for n, one in enumerate(same)])
    held = trained._named("sketchy25", rows, 20, 0.0, rng)
    for ids, right in zip(held.against.tolist(), held.right.bool().tolist(), strict=True):
        told = {
            label: [[n for n in trained.tokenizer.encode([text], 16)[0].tolist() if n] for text in texts]
            for label in set().union(*photos.classes[:5])
            for texts in [sum(phrases(label.removeprefix("class:"), synonyms=True).values(), [])]
        }
        asked = [label for label, texts in told.items() if [n for n in ids if n] in texts]
        assert any(right == [label in photos.classes[row] for row in rows] for label in asked)
    held = trained._captioned(np.array([0, 2, 3]), 9, "en", 0.0, rng)
    for ids, row, right in zip(held.against, held.rows.tolist(), held.right, strict=False):
        assert row - 9 == int(right.argmax())
        known = [trained.tokenizer.encode([text], 16)[0] for text in trained.captions[[0, 2, 3][row - 9]]["en"]]
        assert any([i for i in ids.tolist() if i] == [i for i in one.tolist() if i] for one in known)
    rows = trained._alike(8, rng)
    held, classes = trained._described(rows, 0.0, rng), [trained.photos["world"].classes[row] for row in rows]
    assert held.neither.tolist() == [[a == b for b in classes] for a in classes]


def test_the_losses_are_those_of_each_pair_alone(place):
    torch.manual_seed(0)
    model = Attributes(attributes.photo_tower(), TextTower(30, DIM, 8, 1, 2, 9, 0.0)).eval()
    maps, ids = torch.randn(5, 6, 4, 4), torch.randint(1, 30, (3, 4))
    photos, texts = (torch.nn.functional.normalize(torch.randn(n, DIM), dim=1) for n in (5, 3))
    asked, drawn = torch.randint(1, 30, (2, 6)), torch.nn.functional.normalize(torch.randn(2, DIM), dim=1)
    right = torch.tensor([[1.0, 0, 1], [0, 1, 0]])
    held = [("terms", Held(asked, torch.arange(3), right)), ("drawn", Held(drawn, torch.tensor([3, 4]), torch.eye(2)))]
    weights = {"terms": 2.0, "drawn": 0.5, "rendered": 5.0, "photos": 3.0, "texts": 4.0}
    with torch.no_grad():
        found = model(maps, photos, 3, held, ids, texts, weights)
        shown, scale = model.photo.from_maps(maps), float(torch.tensor(3.0).exp())
        chances = (scale * model.text(asked) @ shown[:3].T).softmax(1).numpy()
        terms = -np.mean([(np.log(chances[0, 0]) + np.log(chances[0, 2])) / 2, np.log(chances[1, 1])])
        odds = (scale * drawn @ shown[3:].T).numpy()
        both = -np.mean([[np.log(np.exp(o[n]) / np.exp(o).sum()) for n, o in enumerate(way)] for way in (odds, odds.T)])
        pairs = [(shown[:3], photos[:3]), (shown[3:], photos[3:]), (model.text(ids), texts)]
        stay = [float(distillation(ours, theirs)) for ours, theirs in pairs]
    assert float(found["terms"]) == pytest.approx(terms, abs=1e-4)
    assert float(found["drawn"]) == pytest.approx(both, abs=1e-4)
    wanted = 2 * terms + 0.5 * both + 5 * stay[0] + 3 * stay[1] + 4 * stay[2]
    assert float(found["loss"]) == pytest.approx(wanted, abs=1e-3)


def test_publishing_changes_photos_and_texts_and_keeps_drawings(place, trained):
    folder = place / "checkpoints/tri"
    asked = {
        PHOTO: [item.content for item in trained.photos["flickr8k"].items[:4]],
        TEXT: ["a red cup", "ein Hund"],
    }
    begun, drawn = checkpoint.load("tri", folder.parent), (folder / "sketch.onnx").read_bytes()
    before = {modality: begun.encode(modality, some) for modality, some in asked.items()}
    shutil.rmtree(place / "galleries/demo/vectors", ignore_errors=True)
    publish("attributes", place / "runs", folder.parent, place / "none")
    assert (folder / "sketch.onnx").read_bytes() == drawn
    after = checkpoint.load("tri", folder.parent)
    for modality, some in asked.items():
        assert not np.allclose(before[modality], after.encode(modality, some), atol=1e-3), modality
    assert "fit attributes" in checkpoint.describe("tri", folder.parent)["card"]["built"]


def test_once_more_the_towers_go_on_from_what_is_published(place):
    stage = [setting.replace('"name": "attributes"', '"name": "attributes-again"') for setting in overrides(place)]
    attributes_again.run(place / "runs/attributes-again", place / "runs/cache", stage)
    begun = (place / "checkpoints/tri/photo.onnx").read_bytes()
    assert (place / "runs/attributes-again/photo.onnx").read_bytes() == begun
    made = attributes_again.published(place / "runs/attributes-again")
    assert made.card["built"].endswith("on twice as many photos, by `python -m training fit attributes-again`.")
    assert made.further
