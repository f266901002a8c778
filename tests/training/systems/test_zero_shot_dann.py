"""zero-shot-dann: unseen classes stay unseen, what moves which part, and a whole training."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.settings import SEEN, dann
from training.datasets import labels_of, sketchy
from training.learn.recipe import load
from training.release import exposure
from training.release.publish import _export
from training.systems import runs, zero_shot_dann
from training.systems.sketch_base import real_items
from xmr import checkpoint
from xmr.modality import Modality


@pytest.fixture
def taught(pictures, tiny, imagenet, tmp_path, monkeypatch):
    """A task whose sketches are taught what the photo network knows, with outlines of photos."""
    names = torch.nn.Linear(6, 1000)
    monkeypatch.setattr(zero_shot_dann, "classifier", lambda name: names.requires_grad_(False))
    return zero_shot_dann.run(
        tmp_path / "run",
        tmp_path / "cache",
        dann(pictures, "losses.triplet=0", "losses.contrast=1", "losses.names=1", "losses.features=1", "outlines=3"),
    )


def test_what_trains_a_zero_shot_system_holds_nothing_of_an_unseen_class(pictures):
    recipe = load(zero_shot_dann.Recipe, Path(zero_shot_dann.__file__).with_suffix(".yaml"), dann(pictures))
    for split in ("train", "val"):
        found = {label for item in real_items(recipe, split) for label in labels_of(item, "class")}
        assert found and found <= {f"class:{name}" for name in SEEN}


def test_zero_shot_dann_trains_resumes_and_gives_unit_vectors(pictures, tiny, tmp_path):
    overrides = dann(pictures, "reversal.threshold=0", "reversal.length=1")
    task = zero_shot_dann.run(tmp_path / "run", tmp_path / "cache", overrides)
    last = json.loads((tmp_path / "run" / "history.json").read_text())[-1]
    assert {"train/triplet", "train/domain", "train/domain_accuracy", "score"} <= last.keys()
    assert 0 <= last["train/domain_accuracy"] <= 1
    assert last["train/reversal_on"] == 1 and 0 < last["train/reversal"] <= 1
    vectors = task.vectors(task.val[:3])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    again = zero_shot_dann.run(tmp_path / "run", tmp_path / "cache", overrides)  # nothing is left to be done
    np.testing.assert_allclose(again.vectors(task.val[:3]), vectors, atol=1e-6)


@pytest.mark.parametrize(("feature_scale", "dim"), [(0, 8), (0.5, 14)])
def test_zero_shot_dann_publishes_sketches_as_it_validated_them(pictures, tiny, tmp_path, feature_scale, dim):
    overrides = dann(pictures, "lda_shrinkage=1", f"feature_scale={feature_scale}")
    task = zero_shot_dann.run(tmp_path / "run", tmp_path / "cache", overrides)
    assert not torch.equal(task.model.discriminant.linear.weight, torch.eye(dim))
    made = zero_shot_dann.published(tmp_path / "run")
    part = made.towers[Modality.SKETCH]
    assert made.dim == dim
    sketches = [item for item in task.val if item.modality is Modality.SKETCH][:4]
    with torch.inference_mode():
        vectors = part.tower.eval()(torch.from_numpy(part.inputs[:4])).numpy()
    np.testing.assert_allclose(vectors, task.vectors(sketches), atol=1e-5)


@pytest.mark.parametrize("loss", ["names", "features"])
def test_outlines_of_photos_teach_what_is_known_of_them_to_the_sketch_network(taught, loss):
    drawn = [item.id for item in taught.outlines.items]
    assert sorted(drawn) == [
        f"n0{n}_{name}#outline" for n, name in ((1, "red_fox"), (2, "tabby"), (3, "lion"), (4, "boxer"))
    ]
    batch = taught.batch(taught.recipe.stages[0], 0, np.random.default_rng(0))
    assert batch["outline"]["input"].shape == (3, 224, 224)
    assert batch["outline"]["targets"].shape == (3, 1006)
    torch.testing.assert_close(batch["outline"]["targets"][:, :1000].sum(1), torch.ones(3))
    taught.model.train()
    taught.model(**batch)[loss].backward()
    assert taught.model.sketch.upper[0].weight.grad.any()


def test_preserved_features_are_seen_from_the_mean_of_the_training_photos(pictures, tiny, tmp_path):
    task = zero_shot_dann.run(tmp_path / "run", tmp_path / "cache", dann(pictures, "feature_scale=0.5"))
    features = task.features(task.real.rows[Modality.PHOTO].maps)
    for tower in (task.model.photo, task.model.sketch):
        torch.testing.assert_close(tower.head.features.centre, features.mean(0))


def test_a_sketch_whose_features_are_its_photos_has_nothing_to_learn_of_them(taught):
    photos, model = taught.real.rows[Modality.PHOTO].maps, taught.model
    features = taught.features(photos)
    known = model.teacher_targets(features)
    same = model.distillation_losses(model.centre + 3 * (features - model.centre), known)
    torch.testing.assert_close(same["features"], torch.tensor(0.0), atol=1e-5, rtol=0)
    assert model.distillation_losses(features.roll(1, 0), known)["features"] > 1e-3


def test_the_domain_classifier_pulls_the_towers_the_other_way(pictures, tiny, tmp_path):
    recipe = load(
        zero_shot_dann.Recipe,
        Path(zero_shot_dann.__file__).with_suffix(".yaml"),
        dann(pictures, "reversal.threshold=0", "reversal.length=2"),
    )
    model = zero_shot_dann.ZeroShotDann(recipe)
    a, b = (torch.randn(3, 8, requires_grad=True) for _ in range(2))
    model.domain_losses(a, b, epoch=1.0)["domain"].backward()
    wanted = torch.autograd.grad(
        0.5
        * (
            torch.nn.functional.softplus(-model.domain(a)).mean() + torch.nn.functional.softplus(model.domain(b)).mean()
        ),
        (a, b),
    )
    torch.testing.assert_close(a.grad, -0.5 * wanted[0])
    torch.testing.assert_close(b.grad, -0.5 * wanted[1])


@pytest.mark.parametrize(
    "variant", ["mixed", "mixed-3", "as-published", "strength-0.3", "strength-1", "strength-3", "strength-10"]
)
def test_the_reversal_is_whole_before_the_first_checkpoint(variant):
    overrides = runs.run_of("zero-shot-dann", Path("runs"), variant)[1]
    recipe = load(zero_shot_dann.Recipe, zero_shot_dann.YAML, overrides)
    (stage,) = recipe.stages
    assert recipe.losses.domain > 0 and recipe.reversal.strength > 0
    assert recipe.reversal.at(recipe.reversal.threshold) == 0
    assert recipe.reversal.at(stage.every) == recipe.reversal.strength and stage.every <= stage.epochs


def test_the_centres_bring_both_domains_to_one_point_and_ship_with_the_towers(pictures, tiny, tmp_path):
    overrides = dann(pictures, "centred=true", "lda_shrinkage=0", "mirror_queries=false")
    task = zero_shot_dann.run(tmp_path / "run", tmp_path / "cache", overrides)
    model = task.model.eval()
    for modality, centre in ((Modality.PHOTO, model.photo_centre), (Modality.SKETCH, model.sketch_centre)):
        seen = task.real.rows[modality].items
        tower = model.photo if modality is Modality.PHOTO else model.sketch
        before = task.vectors(seen, lambda _, pixels, tower=tower: tower(pixels))
        np.testing.assert_allclose(centre.centre, before.mean(0), atol=0.02)
        assert np.linalg.norm(task.vectors(seen).mean(0)) < 0.5 * np.linalg.norm(before.mean(0))
        part = zero_shot_dann.published(tmp_path / "run").towers[modality]
        with torch.inference_mode():
            vectors = part.tower.eval()(torch.from_numpy(part.inputs[:4])).numpy()
        drawn = [item for item in task.val if item.modality is modality][:4]
        np.testing.assert_allclose(vectors, task.vectors(drawn), atol=1e-5)


def test_what_ships_goes_on_from_what_is_published_and_says_so(pictures, tiny, tmp_path, monkeypatch):
    """The first run is published; the heads go on from there, and once more from what they have become."""
    monkeypatch.setattr(checkpoint, "ROOT", tmp_path / "checkpoints")
    folder = tmp_path / "checkpoints" / "zero-shot-dann"
    folder.mkdir(parents=True)
    first = zero_shot_dann.run(tmp_path / "first", tmp_path / "cache", dann(pictures, "lda_shrinkage=1"))
    made = zero_shot_dann.published(tmp_path / "first")
    assert not made.further
    for modality, part in made.towers.items():
        _export(modality, part, tmp_path / "first", folder)
    card = {**made.card}
    monkeypatch.setattr(checkpoint, "describe", lambda name: {"card": card})
    further = [
        *dann(pictures, "networks=published", "centred=true", "lda_shrinkage=1", "stages.0.interpolation={}"),
        "stages.0.rates={photo.head: 1.0e-9, sketch.head: 1.0e-9, domain: 1.0e-3}",
    ]
    task = zero_shot_dann.run(tmp_path / "second", tmp_path / "cache", further)
    for name in ("photo.head.linear.weight", "sketch.upper.0.weight"):
        torch.testing.assert_close(task.model.state_dict()[name], first.model.state_dict()[name], atol=2e-2, rtol=0)
    again = zero_shot_dann.published(tmp_path / "second")
    said = "their mean over the training items is subtracted"
    assert again.further and again.card["built"].count(said) == 1 and again.card["data"] == made.card["data"]
    for modality, part in again.towers.items():
        _export(modality, part, tmp_path / "second", folder)
    card.update(again.card)
    third = zero_shot_dann.run(tmp_path / "third", tmp_path / "cache", further)
    torch.testing.assert_close(
        third.model.state_dict()["sketch.head.linear.weight"],
        task.model.state_dict()["sketch.head.linear.weight"],
        atol=2e-2,
        rtol=0,
    )
    assert zero_shot_dann.published(tmp_path / "third").card["built"].count(said) == 1


def test_what_settings_are_chosen_by_is_of_neither_splits_unseen_classes():
    unseen, developed = sketchy.UNSEEN, set(sketchy.DEVELOPED_ON.split())
    assert len(developed) == 20 and not developed & (unseen["sketchy-1"] | unseen["sketchy-2"])
    assert unseen[sketchy.DEVELOPMENT] == developed | unseen["sketchy-2"]


def test_a_frozen_sketch_networks_features_give_the_vectors_that_its_pixels_give(pictures, tiny, tmp_path):
    rates = "stages.0.rates={photo.head: 1.0e-3, sketch.head: 1.0e-3, domain: 1.0e-3}"
    overrides = dann(pictures, rates, "mirror_queries=false", "lda_shrinkage=0", "stages.0.interpolation={}")
    task = zero_shot_dann.run(tmp_path / "run", tmp_path / "cache", overrides)
    drawn = task.batch(task.recipe.stages[0], 0, np.random.default_rng(0))["sketch"]["input"]
    assert task.frozen and drawn.shape == (6, 6)  # pooled features of six sketches, not their pixels
    for modality in (Modality.SKETCH, Modality.PHOTO):
        items = [item for item in task.val if item.modality is modality][:4]
        np.testing.assert_allclose(task.vectors(items), task.vectors(items, task.model.embed), atol=2e-3)


def test_a_card_says_that_a_reversal_of_a_few_steps_does_not_mix_the_domains():
    shipped, whole = (
        load(zero_shot_dann.Recipe, zero_shot_dann.YAML, runs.run_of("zero-shot-dann", Path("runs"), variant)[1])
        for variant in ("names", "mixed")
    )
    said = "it does not mix sketches with photos"
    assert said in zero_shot_dann.words(shipped)["limits"] and said not in zero_shot_dann.words(whole)["limits"]


@pytest.mark.parametrize("variant", ["mixed", "as-published"])
def test_the_reversal_reaches_its_strength_and_is_on_for_most_of_the_steps(variant):
    recipe = load(zero_shot_dann.Recipe, zero_shot_dann.YAML, runs.run_of("zero-shot-dann", Path("runs"), variant)[1])
    found = exposure.reversal(recipe, [], sketches=39 * recipe.batch)  # as many as there are to train on, in steps
    assert found["strongest"] == recipe.reversal.strength == 1 and 2 * found["on"] > found["steps"]
    steps = sum(stage.in_steps(39).steps for stage in recipe.stages)
    assert found["steps"] == steps and recipe.reversal.at((steps - 1) / 39) == 1


def test_what_ships_mixes_sketches_with_photos():
    study = json.loads((checkpoint.ROOT / "zero-shot-dann" / "study.json").read_text())
    assert study["ships"] == "mixed" and study["probe"]["mixed"]["metrics"]["accuracy"] <= 0.7
