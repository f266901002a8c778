"""sketchy-gan: what moves generator and discriminator, when training stops, and a whole training."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.settings import gan
from training.learn.fit import TrainingStopped
from training.learn.recipe import load
from training.systems import sketchy_gan
from xmr.modality import BadInput, Modality


def test_each_player_of_the_gan_is_moved_by_its_own_loss_alone(pictures, tiny):
    recipe = load(sketchy_gan.Recipe, Path(sketchy_gan.__file__).with_suffix(".yaml"), gan(pictures))
    model = sketchy_gan.SketchyGan(recipe, classes=3).eval()
    made, real = torch.randn(4, 6, requires_grad=True), torch.randn(4, 6)
    losses = model.adversarial_losses(made, real)
    losses["discriminator"].backward(retain_graph=True)
    assert made.grad is None and model.discriminator[1].weight.grad.any()
    model.zero_grad()
    losses["adversarial"].backward()
    assert made.grad.any() and not any(p.grad is not None and p.grad.any() for p in model.discriminator.parameters())


def test_sketchy_gan_trains_and_publishes_what_it_validated(pictures, tiny, tmp_path):
    task = sketchy_gan.run(tmp_path / "run", tmp_path / "cache", gan(pictures))
    last = json.loads((tmp_path / "run" / "history.json").read_text())[-1]
    assert {"train/discriminator", "train/adversarial", "discriminator_accuracy", "score"} <= last.keys()
    made = sketchy_gan.published(tmp_path / "run")
    assert made.dim == 6 and set(made.towers) == {Modality.PHOTO, Modality.SKETCH}
    assert task.recipe.prototype_pull.photo and task.recipe.prototype_pull.sketch and len(task.recipe.sizes) > 1
    for modality, part in made.towers.items():
        items = [item for item in task.val if item.modality is modality][:4]
        with torch.inference_mode():
            vectors = part.tower.eval()(torch.from_numpy(part.inputs[:4])).numpy()
        np.testing.assert_allclose(vectors, task.vectors(items), atol=1e-5)


def test_the_generator_begins_with_what_the_network_sees_from_the_middle_of_all_sketches(pictures, tiny):
    recipe = load(sketchy_gan.Recipe, Path(sketchy_gan.__file__).with_suffix(".yaml"), gan(pictures, "code=6"))
    model = sketchy_gan.SketchyGan(recipe, classes=3).eval()
    photos, sketches = torch.randn(50, 6) + 3, torch.randn(40, 6) - 2
    model.init_from_features(photos, sketches)
    wanted = torch.nn.functional.normalize(sketches - sketches.mean(0))
    with torch.inference_mode():
        torch.testing.assert_close(model.generator(model.sketch.code(sketches)), wanted, atol=1e-5, rtol=0)


def test_a_code_of_more_numbers_than_the_photos_have_directions_is_refused(pictures, tiny, tmp_path):
    with pytest.raises(BadInput, match="Expected at most 6 for 'code' with these training photos, got 8"):
        sketchy_gan.run(tmp_path / "run", tmp_path / "cache", gan(pictures, "sketch_backbone=tiny"))


def test_outlines_meet_their_own_photos_and_have_no_class(pictures, tiny, imagenet, tmp_path):
    overrides = gan(pictures, "outlines=30", "sketch_backbone=tiny", "code=6", "mixup_alpha=0")
    task = sketchy_gan.run(tmp_path / "run", tmp_path / "cache", overrides)
    batch = task.batch(task.recipe.stages[0], 0, np.random.default_rng(0))
    sketch, photo = batch["sketch"], batch["photo"]
    drawn = sketch["cls"] == -1
    assert drawn.sum() == 30 and (sketch["row"][drawn] == -1).all() and (sketch["row"][~drawn] >= 0).all()
    assert torch.isin(sketch["group"][drawn], photo["group"]).all()
    found = task.model(**batch)
    assert {"triplet", "contrast", "centres"} <= found.keys() and all(torch.isfinite(x) for x in found.values())


def test_a_discriminator_that_wins_stops_the_training_and_says_so(pictures, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(sketchy_gan, "discriminator_accuracy", lambda *_: 1.0)
    with pytest.raises(TrainingStopped, match="for 2 validations: it has won"):
        sketchy_gan.run(tmp_path / "run", tmp_path / "cache", gan(pictures, "patience=2"))
    assert json.loads((tmp_path / "run" / "last.json").read_text())["step"] == 2  # the last good one is kept


def test_features_are_told_apart_by_guessing_half_the_time():
    always_real = torch.nn.Linear(2, 1)
    torch.nn.init.zeros_(always_real.weight)
    torch.nn.init.ones_(always_real.bias)
    one = np.ones((5, 2), np.float32)
    assert sketchy_gan.discriminator_accuracy(always_real, one, one) == 0.5
    by_sign = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.ones_(by_sign.weight)
    assert sketchy_gan.discriminator_accuracy(by_sign, -one, one) == 1.0


def test_the_pull_needs_the_temperature_that_the_centres_loss_trains(pictures, tiny, tmp_path):
    with pytest.raises(BadInput, match="Expected 'prototype_pull' to be 0"):
        sketchy_gan.run(tmp_path / "run", tmp_path / "cache", gan(pictures, "losses.centres=0"))
