"""On the published systems' own data: each is trained, published and measured by one command a step, on tiny trees in
the layouts in which the originals are unpacked."""

import json
import os
from pathlib import Path

import numpy as np
import pytest

from tests.training import tiny as write
from tests.training.datasets.test_caption_sets import coco_tree, iapr_tree, karpathy
from tests.training.settings import SMALL
from training.__main__ import main
from training.datasets import catalogue
from training.release import audit
from training.systems import coco_regions
from xmr import checkpoint

BRIEF = "stages=[{name: train, steps: 2, every: 2, settings: {}, rates: {%s}}]"
SKETCHES = [one for one in SMALL if not one.startswith(("hidden", "stages"))]
CAPTIONS = ["hidden=6", "batch=8", "precision=32-true", "backbone=tiny"]
BOTH_WAYS = {f"{way}/hit@{k}" for way in ("text_en_to_photo", "photo_to_text_en") for k in (1, 5, 10)}
UNSEEN = {f"sketch_to_photo/category/{name}" for name in ("map", "map@200", "p@100", "p@200")}


def paint(root: Path) -> Path:
    """Give every photo below a folder a look of its own."""
    rng = np.random.default_rng(0)
    for path in sorted(root.rglob("*.jpg")):
        write.draw_photo(path, rng)
    return root


@pytest.fixture
def sketchy(pictures, tmp_path) -> Path:
    """Sketchy as its authors pack it, with an extended photo of a class; bat and cow are unseen in sketchy-2."""
    root = tmp_path / "sketchy"
    for kind in ("photo", "sketch"):
        (root / "256x256" / kind).mkdir(parents=True)
        (root / "256x256" / kind / "tx_000000000000").symlink_to(pictures / kind)
    (root / "info").mkdir()
    listed = [f"{name}/{name}{n}.jpg" for name in ("ant", "cow") for n in range(9)]
    (root / "info/testset.txt").write_text("\n".join(listed))
    write.draw_photo(root / "EXTEND_image_sketchy/bat/ext_1.jpg", np.random.default_rng(0))
    return root


@pytest.fixture
def flickr30k(tmp_path) -> Path:
    """Flickr30k with Karpathy's captions, and Multi30k's German ones beside it."""
    root, rows = tmp_path / "flickr30k", {f"{n}.jpg": ("train", "train", "val", "test")[n % 4] for n in range(40)}
    (root / "flickr30k-images").mkdir(parents=True)
    karpathy(root / "dataset_flickr30k.json", rows)
    for name in rows:
        write.draw_photo(root / "flickr30k-images" / name, np.random.default_rng(int(name[:-4])))
    for part in ("raw", "image_splits"):
        (root / "multi30k/task2" / part).mkdir(parents=True)
    for split, name in (("train", "train"), ("val", "val"), ("test", "test_2016")):
        names = [photo for photo, of in rows.items() if of == split]
        (root / f"multi30k/task2/image_splits/{name}_images.txt").write_text("\n".join(names))
        (root / f"multi30k/task2/raw/{name}.1.de").write_text("\n".join(f"ein Haus {photo}" for photo in names))
    return root


@pytest.fixture
def coco(tmp_path) -> Path:
    """COCO 2014 with Karpathy's split."""
    root = tmp_path / "coco"
    coco_tree(root, "2014", "train", 30)
    coco_tree(root, "2014", "val", 8, first=101)
    rows = {path.name: "train" for path in (root / "train2014").iterdir()}
    rows |= {path.name: ("val", "test")[n % 2] for n, path in enumerate(sorted((root / "val2014").iterdir()))}
    of = {"filepath": lambda name: name.split("_")[1], "cocoid": lambda name: int(name[-16:-4])}
    karpathy(root / "dataset_coco.json", rows, **of)
    return paint(root)


@pytest.fixture
def iaprtc12(tmp_path) -> Path:
    iapr_tree(tmp_path / "iaprtc12", 80)
    return paint(tmp_path / "iaprtc12")


@pytest.fixture
def learn(tiny, tiny_bert, tmp_path, monkeypatch):
    """A function that trains a system's variant on a folder that is given from here, publishes it and measures it once
    more from elsewhere; it gives the checkpoint's config.json and metrics.json. No other data is here."""
    monkeypatch.chdir(tmp_path)
    for name in ("XMR_DATA", "XMR_WORLD"):
        (tmp_path / name).mkdir()
        monkeypatch.setenv(name, str(tmp_path / name))

    items, read = catalogue.DataSet.items, []
    monkeypatch.setattr(
        catalogue.DataSet, "items", lambda data, split, *at: read.append(split) or items(data, split, *at)
    )

    def learn(system: str, variant: str, root: Path, *settings: str) -> tuple[dict, dict]:
        every = [part.replace("BERT", str(tiny_bert)) for one in settings for part in ("--set", one)]
        assert main(["fit", system, "--variant", variant, "--data", os.path.relpath(root), *every]) == 0
        assert read.count("test") == 1  # to know what can be compared, not at each validation
        assert main(["publish", system, "--variant", variant]) == 0
        folder = tmp_path / "checkpoints" / f"{system}-{variant}"
        before = (folder / "metrics.json").read_bytes()
        with monkeypatch.context() as elsewhere:
            elsewhere.chdir("/")
            assert main(["evaluate", folder.name, "--checkpoints", str(folder.parent)]) == 0
        assert (folder / "metrics.json").read_bytes() == before and not (folder.parent / system).exists()
        told = json.loads((folder / "config.json").read_text())["card"]["command"]
        assert told.startswith(f"fit {system} --data {root} --set ") and told.endswith(f" --variant {variant}")
        assert f"Trained by `python -m training {told}`" in (folder / "card.md").read_text(encoding="utf-8")
        trained = {finding.about.partition(": ")[2]: finding.outcome for finding in audit.check_hashes(folder)}
        assert trained["trained by its recipe"] == audit.PASSED
        assert checkpoint.load(folder.name, folder.parent).name == folder.name
        return tuple(json.loads((folder / f"{name}.json").read_text()) for name in ("config", "metrics"))

    return learn


@pytest.mark.parametrize("split", ["sketchy-1", "sketchy-2"])
def test_zero_shot_dann_is_measured_on_the_unseen_classes_of_all_of_sketchy(learn, sketchy, split):
    rates = "photo.head: 1.0e-3, sketch.head: 1.0e-3, domain: 1.0e-3"
    settings = ["dim=8", "reversal.hidden=4", f"data={split}", BRIEF % rates, *SKETCHES]
    if split == "sketchy-1":  # of whose unseen classes there is one in the tree
        (sketchy / "256x256/photo/tx_000000000000/cow").rename(sketchy / "256x256/photo/tx_000000000000/deer")
        (sketchy / "256x256/sketch/tx_000000000000/cow").rename(sketchy / "256x256/sketch/tx_000000000000/deer")
    config, metrics = learn("zero-shot-dann", "paper", sketchy, *settings)
    (entry,) = metrics["protocols"].values()
    assert list(metrics["protocols"]) == config["protocols"] == [f"{split}-test"]
    assert entry["metrics"].keys() >= UNSEEN
    counts = {"sketchy-1": (40, 40), "sketchy-2": (80, 81)}
    assert (entry["queries"], entry["gallery"]) == counts[split]
    assert "sketch_to_photo" in config["calibration"] and config["card"]["data"][0] == split


def test_zero_shot_dann_trains_on_the_classes_that_the_first_systems_lists_name(learn, pictures):
    for kind, name in (("photo", "photos"), ("sketch", "sketches")):
        (pictures / kind).rename(pictures / name)
    (pictures / "train_labels.txt").write_text("ant\nbat\n")
    (pictures / "test_labels.txt").write_text("apple\n")
    rates = "photo.head: 1.0e-3, sketch.head: 1.0e-3, domain: 1.0e-3"
    settings = ["dim=8", "reversal.hidden=4", "data=sketchy-listed", BRIEF % rates, *SKETCHES]
    config, metrics = learn("zero-shot-dann", "paper", pictures, *settings)
    entry = metrics["protocols"]["sketchy-listed-test"]
    assert (entry["queries"], entry["gallery"]) == (40, 40) and entry["metrics"].keys() >= UNSEEN
    assert "Trained on the listed classes of Sketchy; the others and" in config["card"]["limits"]


def test_sketchy_gan_is_measured_on_the_authors_test_list(learn, sketchy):
    rates = "sketch: 1.0e-3, generator: 1.0e-3, discriminator: 1.0e-3"
    config, metrics = learn(
        "sketchy-gan", "paper", sketchy, "code=8", "generator=8", "discriminator=8", BRIEF % rates, *SKETCHES
    )
    entry = metrics["protocols"]["sketchy-test"]
    assert (entry["queries"], entry["gallery"]) == (18, 18) and "sketch_to_photo/category/p@1" in entry["metrics"]
    assert config["card"]["data"][0] == "sketchy" and "sketch_to_photo" in config["calibration"]


def test_flickr30k_clip_is_measured_on_flickr30ks_test_in_its_own_language(learn, flickr30k, tmp_path):
    rates = "photo.head: 1.0e-3, text.head: 1.0e-3"
    config, metrics = learn(
        "flickr30k-clip", "paper", flickr30k, "dim=6", "text_backbone=BERT", BRIEF % rates, *CAPTIONS
    )
    entry = metrics["protocols"]["flickr30k-test"]
    assert (entry["queries"], entry["gallery"]) == (50, 10)
    assert not [key for key in entry["metrics"] if "text_de" in key]  # which is there, and which it doesn't read
    rsum = 100 * sum(entry["metrics"][key] for key in BOTH_WAYS)
    assert entry["metrics"]["text_en_to_photo/rsum"] == pytest.approx(rsum, abs=0.01) and rsum > 0
    assert {"text_to_photo", "photo_to_text"} == set(config["calibration"])
    away = flickr30k.rename(flickr30k.with_name("away"))
    assert main(["evaluate", "flickr30k-clip-paper", "--data", str(away), "--batch-size", "7"]) == 0
    assert main(["show", "flickr30k-clip-paper", "--data", str(away), "--queries", "2", "--photos", "3"]) == 0
    assert main(["calibrate", "flickr30k-clip-paper"]) == 0
    path = tmp_path / "checkpoints/flickr30k-clip-paper"
    assert checkpoint.load(path).config["calibration"] == config["calibration"]
    assert json.loads((path / "metrics.json").read_text()) == metrics


def test_what_ships_trains_on_the_original_data_too(learn, flickr30k):
    rates = "photo.head: 1.0e-3, text.head: 1.0e-3"
    settings = ["dim=6", "text_backbone=BERT", "photo_cut=0", "hard_negative_share=0", BRIEF % rates, *CAPTIONS]
    _, metrics = learn("flickr30k-clip", "repaired", flickr30k, *settings)
    assert list(metrics["protocols"]) == ["flickr30k-test"]


def test_a_study_compares_variants_on_the_original_data(learn, flickr30k, tiny_bert, tmp_path):
    rates = "photo.head: 1.0e-3, text.head: 1.0e-3"
    every = ["dim=6", f"text_backbone={tiny_bert}", "photo_cut=0", BRIEF % rates, *CAPTIONS]
    asked = ["ablation", "flickr30k-clip", "--data", str(flickr30k), "--checkpoints", "mine", "--seeds", "1"]
    asked += [part for one in every for part in ("--set", one)]
    assert main([*asked, "--variant", "repaired", "--variant", "as-published"]) == 0
    study = json.loads((tmp_path / "mine/flickr30k-clip/study.json").read_text())
    assert study["variants"].keys() == {"repaired", "as-published"} == study["val"].keys()
    assert all(list(of) == ["flickr30k-test"] for of in study["variants"].values())
    assert study["trained_on"]["data"] == str(flickr30k) and study["test_evaluations"] == {
        "repaired": 1,
        "as-published": 1,
    }


@pytest.mark.parametrize("variant", ["paper", "paper-caption-anchor", "paper-fasttext"])
def test_coco_regions_is_measured_on_cocos_5k_and_1k(learn, coco, tower, monkeypatch, variant):
    monkeypatch.setattr(coco_regions, "network", lambda recipe, folder: tower.net)
    rates = "photo.head: 1.0e-3, text.head: 1.0e-3"
    settings = ["data=coco-karpathy", "dim=6", "photo_size=64", "text_backbone=BERT", BRIEF % rates]
    _, metrics = learn("coco-regions", variant, coco, *settings, *CAPTIONS[:-1])
    whole, folds = (metrics["protocols"][f"coco-karpathy-test{end}"] for end in ("", "-1k"))
    assert (whole["queries"], whole["gallery"]) == (20, 4)
    assert folds["metrics"] == whole["metrics"] and "text_en_to_photo/rsum" in folds["metrics"]  # one fold: all


@pytest.mark.parametrize(("variant", "language"), [("paper", "en"), ("paper-german", "de")])
def test_iaprtc12_hashing_is_measured_by_its_map_in_the_variants_language(learn, iaprtc12, variant, language):
    rates = "photo.head: 1.0e-3, text.head: 1.0e-3"
    settings = ["bits=[4, 8]", "text_backbone=BERT", BRIEF % rates, *CAPTIONS]
    _, metrics = learn("iaprtc12-hashing", variant, iaprtc12, *settings)
    entry = metrics["protocols"]["iaprtc12-test"]
    assert entry["queries"] == 8 and entry["gallery"] == 71
    text = f"text_{language}"
    ways = (f"{text}_to_photo", f"photo_to_{text}", f"{text}_to_{text}", "photo_to_photo")
    assert {key for key in entry["metrics"] if key.endswith("map")} == {f"{way}/tag/map" for way in ways}
