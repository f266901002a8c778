"""iaprtc12-hashing: its codes, its losses, and a whole training."""

import json

import numpy as np
import pytest
import torch

from tests.training.datasets.test_caption_sets import iapr_tree
from tests.training.tiny import write_world
from training.datasets import labels_of
from training.learn.recipe import load
from training.release import ablation
from training.systems import iaprtc12_hashing
from training.systems.runs import run_of
from xmr.modality import Modality


@pytest.fixture
def hashing(tiny) -> iaprtc12_hashing.Hashing:
    """The hashing model of 8 bits on tiny photo networks."""
    return iaprtc12_hashing.Hashing(load(iaprtc12_hashing.Recipe, iaprtc12_hashing.YAML, ["bits=[4, 8]"]))


def test_the_hashing_variant_of_the_rendered_world_reads_its_exact_labels(tmp_path, monkeypatch):
    monkeypatch.setenv("XMR_WORLD", str(tmp_path))
    write_world(tmp_path, "train", count=6)
    _, overrides = run_of("iaprtc12-hashing", tmp_path, "world")
    recipe = load(iaprtc12_hashing.Recipe, iaprtc12_hashing.YAML, [*overrides, "train=4"])
    found = iaprtc12_hashing.described(recipe, "train")
    photos = [item for item in found if item.modality is Modality.PHOTO]
    assert len(photos) == 4 and len(found) == 12  # each with a description in either language
    assert all(labels_of(item, "tag") <= {"tag:dog", "tag:car_(sedan)", "tag:street"} for item in found)


def test_codes_are_signs_when_asked_and_numbers_in_training(hashing):
    features = torch.randn(5, 6)
    hashing.train()
    assert (hashing.photo.head(features).abs() < 1).all()
    hashing.eval()
    assert set(hashing.photo.head(features).unique().tolist()) <= {-1.0, 1.0}
    hashing.photo.head.signs = False
    assert (hashing.photo.head(features).abs() < 1).all()


def test_every_hashing_loss_is_of_what_shares_a_concept_and_moves_both_towers(hashing):
    torch.manual_seed(0)
    tags = torch.zeros(6, 3, dtype=torch.bool)
    tags[torch.arange(6), torch.arange(6) % 3] = True
    ids = torch.randint(2, 40, (6, 7))
    losses = hashing.train()(
        {"input": torch.randn(6, 6), "tags": tags},
        text_en={"ids": ids, "tags": tags},
        text_de={"ids": ids.flip(0), "tags": tags.flip(0)},
    )
    assert losses.keys() == {"photo_text", "text_text", "photo_photo", "quantise", "balance", "loss"}
    losses["loss"].backward()
    assert hashing.photo.head.net[0].weight.grad.any() and hashing.text.layers[-1].output.dense.weight.grad.any()


def test_an_item_is_no_answer_to_itself(hashing):
    codes = {"photo": torch.tensor([[1.0] * 8, [1.0] * 8, [-1.0] * 8])}
    tags = {"photo": torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])}
    assert hashing.pair(codes, tags, "photo", "photo").item() == 0.0  # the two alike are as near as can be
    codes["photo"] = torch.tensor([[1.0] * 8, [-1.0] * 8, [1.0] * 8])
    wanted = 2.0 - 0.0 + hashing.recipe.margin  # 0 -> 1 is as far as can be, and 2, the wrong one, is where 0 is
    other = 2.0 - 2.0 + hashing.recipe.margin  # 1 -> 0, and 2, the wrong one, as far
    assert hashing.pair(codes, tags, "photo", "photo").item() == pytest.approx((wanted + other) / 2, abs=1e-5)


def test_hashing_as_published_trains_on_iapr_tc12_in_the_variants_one_language(
    tmp_path, monkeypatch, tiny_bert, timm_weights
):
    timm_weights("resnet18")
    iapr_tree(tmp_path / "iaprtc12", count=300)
    monkeypatch.setenv("XMR_DATA", str(tmp_path))
    folder, variant = run_of("iaprtc12-hashing", tmp_path / "runs", "paper-german")
    overrides = [
        *variant,
        f"text_backbone={tiny_bert}",
        "hidden=4",
        "bits=[4, 8]",
        "train=6",
        "batch=4",
        "stages.0.steps=1",
        "stages.0.epochs=0",
        "stages.0.every=1",
    ]
    task = iaprtc12_hashing.run(folder, tmp_path / "cache", overrides)
    assert task.model.text.width == 8 and task.model.photo.features == 512
    assert task.tags.shape[1] == 2  # its own labels, not what captions name
    found = iaprtc12_hashing.described(task.recipe, "train")
    assert {item.language for item in found} == {None, "de"} and len(found) == 12
    entry = ablation._evaluated(["iaprtc12-test"], task.modalities, task.vectors, task.recipe)["iaprtc12-test"]
    assert {"text_de_to_photo/tag/map", "photo_to_photo/tag/map"} <= entry["metrics"].keys()
    assert not any("text_en" in key for key in entry["metrics"])


def test_a_training_gives_codes_whose_prefixes_are_codes_too(tiny_data, tiny, tiny_bert, tmp_path):
    task = iaprtc12_hashing.run(
        tmp_path / "run",
        tmp_path / "cache",
        [
            f"text_backbone={tiny_bert}",
            "bits=[4, 8]",
            "hidden=6",
            "train=20",
            "batch=5",
            "precision=32-true",
            "stages.0.steps=2",
            "stages.0.epochs=0",
            "stages.0.every=2",
        ],
    )
    last = json.loads((tmp_path / "run" / "history.json").read_text())[-1]
    assert {"train/photo_text", "train/balance", "quantisation", "imbalance", "score"} <= last.keys()
    batch = task.batch(task.recipe.stages[0], 0, np.random.default_rng(0))
    assert batch["photo"]["tags"].shape == (len(batch["photo"]["group"]), task.tags.shape[1])
    views = task.views
    assert list(views) == [" 4 bits", " 8 bits", " 4 numbers", " 8 numbers"]
    for modality in (Modality.PHOTO, Modality.TEXT):
        items = [item for item in task.val if item.modality is modality][:3]
        long, short = views[" 8 bits"](items), views[" 4 bits"](items)
        assert set(long.ravel()) <= {-1.0, 1.0} and (long[:, :4] == short).all()
        np.testing.assert_array_equal(long, task.vectors(items))
        numbers = views[" 4 numbers"](items)
        np.testing.assert_allclose(np.linalg.norm(numbers, axis=1), 1, rtol=1e-5)
        assert (np.where(numbers > 0, 1, -1) == short).all()
    made = iaprtc12_hashing.published(tmp_path / "run")
    assert (made.space, made.dim, tuple(made.codes)) == ("hamming", 8, (4, 8))
    assert ", its last stages trained further, and" in made.card["built"]  # as the recipe's rates say
    assert "codes of 8 bits, whose first 4 are codes too." in made.card["built"]
    record = json.loads((tmp_path / "run" / "run.json").read_text())
    record["recipe"]["bits"] = [8]
    (tmp_path / "run" / "run.json").write_text(json.dumps(record))
    assert "codes of 8 bits. Answers whose" in iaprtc12_hashing.published(tmp_path / "run").card["built"]
