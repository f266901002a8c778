"""Regions: boxes read and mirrored, a detector's proposals in a graph, features kept, and the triplets on them."""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.test_data_captions import REAL
from training.datasets import MissingData, catalogue
from training.datasets.boxes import boxed, classes
from training.publish import _export
from training.recipes import Part, coco_regions, detector, load
from training.regions import kept_features, region_means
from training.sampling import Cycle
from training.towers import regions, words
from training.towers.regions import REGION, RegionTower, faster_rcnn
from training.towers.words import WordTower, word_vectors
from xmr.encoder import Encoder
from xmr.modality import BadInput, Item, Modality

CAPTIONS = ["a dog runs through the snow", "a dog sleeps", "two children play football", "children run"] * 5


def tiny_backbone(cut: int, name: str = ""):
    pooled = torch.nn.Sequential(torch.nn.Conv2d(6, 8, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
    return torch.nn.Conv2d(3, 6, 16, stride=16), pooled, 8


@pytest.fixture
def tower(monkeypatch) -> RegionTower:
    monkeypatch.setattr(regions, "backbone", tiny_backbone)
    torch.manual_seed(0)
    return RegionTower(faster_rcnn(4, proposals=7, size=64), dim=5, hidden=4, dropout=0.0).eval()


@pytest.fixture
def photos(tmp_path) -> list[Item]:
    rng = np.random.default_rng(0)
    found = []
    for n in range(4):
        path = tmp_path / f"{n}.png"
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), dtype=np.uint8)).save(path)
        found.append(Item(str(n), Modality.PHOTO, path, frozenset({f"image:{n}"})))
    return found


def test_coco_boxes_are_shares_of_the_photo_and_crowds_have_none(tmp_path):
    (tmp_path / "annotations").mkdir()
    names = [f"{n}.jpg" for n in range(12)]
    rows = [{"id": n, "image_id": n, "category_id": 3, "bbox": [10, 20, 30, 40], "iscrowd": 0} for n in range(12)]
    rows.append({"id": 99, "image_id": 0, "category_id": 3, "bbox": [0, 0, 5, 5], "iscrowd": 1})
    (tmp_path / "annotations" / "instances_train2017.json").write_text(json.dumps({
        "images": [{"id": n, "file_name": name, "width": 100, "height": 80} for n, name in enumerate(names)],
        "annotations": rows, "categories": [{"id": 3, "name": "cat"}]}))  # fmt: skip
    train, val, test = (boxed(str(tmp_path), split) for split in ("train", "val", "test"))
    assert {item.id for item, _ in train}.isdisjoint(item.id for item, _ in test) and not val
    assert sorted(item.id for item, _ in train + test) == sorted(names)
    for item, things in train + test:
        assert things == [("cat", (0.1, 0.25, 0.4, 0.75))]
        assert item.content == tmp_path / "train2017" / item.id
    assert classes(train, test) == ["cat"]
    with pytest.raises(MissingData, match=r"instances_train\*\.json"):
        boxed(str(tmp_path / "annotations"), "train")


def test_a_mirrored_photo_has_mirrored_boxes():
    task = detector.Task.__new__(detector.Task)
    task.recipe, task.cycle = load(detector.Recipe, detector.YAML, ["flip=1.0", "batch=2"]), Cycle(2, 1)

    class Train:
        @staticmethod
        def take(rows):
            box = torch.tensor([[10.0, 20.0, 50.0, 60.0]])
            return torch.arange(8.0).reshape(2, 1, 1, 4), [{"boxes": box, "labels": torch.tensor([1])} for _ in rows]

    task.train = Train
    batch = task.batch(None, 0, np.random.default_rng(0))
    assert batch["maps"][0, 0, 0].tolist() == [3, 2, 1, 0]
    assert batch["targets"][0]["boxes"].tolist() == [[174, 20, 214, 60]]


def test_a_detector_learns_boxes_from_maps(monkeypatch):
    monkeypatch.setattr(regions, "backbone", tiny_backbone)
    torch.manual_seed(0)
    model = regions.Detector(faster_rcnn(2, proposals=7, size=64), 64)
    targets = [{"boxes": torch.tensor([[8.0, 8, 40, 40]]), "labels": torch.tensor([1])} for _ in range(2)]
    losses = model.train()(torch.randn(2, 6, 4, 4), targets)
    assert losses["loss"].item() == pytest.approx(sum(v.item() for k, v in losses.items() if k != "loss"), rel=1e-5)
    losses["loss"].backward()
    for part in (model.net.rpn.head.cls_logits, model.net.roi_heads.box_head.linear):
        assert part.weight.grad.any()
    assert not any(p.requires_grad for p in model.net.backbone.parameters())
    found = model.eval().detect(torch.randn(2, 6, 4, 4))
    assert len(found) == 2 and set(found[0]) == {"boxes", "labels", "scores"}


def test_a_photos_vector_is_the_head_on_its_proposals_mean(tower):
    photo = torch.randint(0, 255, (3, 64, 64, 3), dtype=torch.uint8)
    with torch.inference_mode():
        boxes, features = tower.regions(photo)
        assert [len(one) for one in boxes] == [len(one) for one in features] and 0 < len(boxes[0]) <= 7
        wanted = tower.head(torch.stack([one.mean(0) for one in features]))
        torch.testing.assert_close(tower(photo), wanted)
        torch.testing.assert_close(tower(photo[1:2]), wanted[1:2], atol=1e-5, rtol=1e-4)


def test_the_graph_takes_one_photo_at_a_time_with_proposals_and_all(tower, photos, tmp_path):
    pixels = np.stack([np.asarray(Image.open(item.content)) for item in photos])
    told = _export(Modality.PHOTO, Part(tower, pixels, {"size": 64, "batch": 1}), tmp_path, tmp_path / "tiny")
    encoder = Encoder.from_config(tmp_path / "tiny", Modality.PHOTO, told)
    with torch.inference_mode():
        wanted = tower(torch.from_numpy(pixels)).numpy()
    np.testing.assert_allclose(encoder.encode([item.content for item in photos]), wanted, atol=1e-4)


def test_features_are_computed_once_and_what_cannot_be_read_is_left_out(tower, photos, tmp_path, capsys):
    photos[2].content.write_bytes(b"no picture")
    found = region_means(tower, photos, 64, tmp_path / "cache")
    assert set(found) == {"0", "1", "3"} and found["0"].shape == (REGION,)
    assert "2 is left out" in capsys.readouterr().out

    def never():
        raise AssertionError("computed again")

    again = kept_features(tower.net, [photos[0], photos[3]], never, tmp_path / "cache")
    assert set(again) == {"0", "3"} and (again["3"] == found["3"]).all()


def test_no_caption_of_the_anchors_own_photo_is_a_wrong_one(tower):
    recipe = load(coco_regions.Recipe, coco_regions.YAML, ["margin=0.5"])
    text = torch.nn.Module()
    text.head = torch.nn.Linear(3, 5)
    model = coco_regions.Model(recipe, tower, text)
    features, told = torch.randn(4, REGION), torch.randn(4, 3)
    apart = model(features, told, torch.arange(4))
    assert apart["loss"].item() == pytest.approx(apart["photo_anchor"].item() + apart["caption_anchor"].item())
    assert apart["photo_anchor"].item() > 0
    assert model(features, told, torch.zeros(4, dtype=torch.int64))["loss"].item() == 0  # all of one photo: none wrong


@pytest.mark.skipif(not (REAL / "coco_mini").is_dir(), reason=f"the real data is not in {REAL}")
def test_the_recipe_trains_on_coco_as_its_adapter_reads_it(tower, tmp_path, monkeypatch):
    monkeypatch.setattr(coco_regions, "network", lambda recipe, folder: tower.net)
    overrides = ["data=coco_mini", f"folder={REAL / 'coco_mini'}", "photo_size=64", "dim=16", "hidden=8", "batch=16",
                 "stages.0.steps=40", "stages.0.every=20"]  # fmt: skip
    task = coco_regions.run(tmp_path / "coco-regions" / "both-1", tmp_path / "cache", overrides)
    photos = catalogue.load("coco_mini", "train", REAL / "coco_mini").items
    assert len(task.photos) == sum(item.modality is Modality.PHOTO for item in photos) > 60
    first, last = json.loads((tmp_path / "coco-regions" / "both-1" / "history.json").read_text())
    assert last["train/loss"] < first["train/loss"]
    found = task.vectors([item for item in task.val if item.modality is Modality.TEXT])
    assert found.shape == (5 * sum(item.modality is Modality.PHOTO for item in task.val), 16)
    np.testing.assert_allclose(np.linalg.norm(found, axis=1), 1, rtol=1e-5)


def test_word_vectors_are_the_same_again_and_know_words_by_their_parts(tmp_path, monkeypatch):
    monkeypatch.setattr(words, "WIDTH", 12)
    first, kept = (word_vectors("fasttext", CAPTIONS, tmp_path / name) for name in ("one", "two"))
    tower = WordTower(first, 4, 4, 0.0)
    assert (tower.features("A dog sleeps!") == WordTower(kept, 4, 4, 0.0).features("a dog sleeps")).all()
    assert np.abs(tower.features("doggy")).sum() > 0 and not tower.features("…").any()
    again = word_vectors("fasttext", CAPTIONS, tmp_path / "one")
    assert (again["dog"] == first["dog"]).all()
    with pytest.raises(BadInput, match=r"fastText's own \.bin"):
        word_vectors(str(tmp_path / "none.bin"), CAPTIONS, tmp_path)


def test_a_detector_that_is_not_trained_or_not_known_is_named_with_the_remedy(tmp_path):
    with pytest.raises(BadInput, match="python -m training fit detector"):
        detector.trained(tmp_path)
    with pytest.raises(BadInput, match="Choose 'shipped', or one of: fasterrcnn"):
        regions.pretrained("yolo", 36, 800)
    with pytest.raises(BadInput, match="publish coco-regions"):
        detector.published(tmp_path)
