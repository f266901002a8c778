"""What both sketch systems do: several devices, and their published form on ResNet-50."""

import json
from functools import partial

import numpy as np
import pytest
import timm
import torch
from safetensors.torch import save_file

from tests.training.settings import dann, gan
from training import systems
from training.learn import recipe as recipes
from training.systems import runs, sketch_base, sketchy_gan, zero_shot_dann
from xmr.modality import BadInput, Modality


@pytest.mark.skipif(torch.cuda.is_available(), reason="two processes on a CPU; here is a GPU")
@pytest.mark.parametrize(("system", "settings"), [(zero_shot_dann, dann), (sketchy_gan, gan)])
def test_both_systems_train_on_several_devices(pictures, tiny, tmp_path, monkeypatch, system, settings):
    monkeypatch.setattr(recipes, "fit", partial(recipes.fit, devices=2))
    task = system.run(tmp_path / "run", tmp_path / "cache", settings(pictures))
    last = json.loads((tmp_path / "run" / "history.json").read_text())[-1]
    assert np.isfinite(last["train/loss"]) and last["step"] == task.recipe.stages[-1].steps
    sketches = [item for item in task.val if item.modality is Modality.SKETCH][:3]
    np.testing.assert_allclose(np.linalg.norm(task.vectors(sketches), axis=1), 1, atol=1e-5)


@pytest.mark.parametrize("system", ["sketchy-gan", "zero-shot-dann"])
def test_what_is_as_published_trains_on_resnet_50(system, pictures, tmp_path, monkeypatch):
    save_file(timm.create_model("resnet50").state_dict(), tmp_path / "resnet50.safetensors")
    monkeypatch.setenv("XMR_WEIGHTS", str(tmp_path))
    module = systems.module(system)
    small = [
        f"folder={pictures}",
        "data=sketchy-2",
        "batch=3",
        "stages.0.steps=1",
        "stages.0.epochs=0",
        "stages.0.every=1",
        "protocols=[sketchy-2-unseen]",
        "precision=32-true",
    ]
    task = module.run(tmp_path / "run", tmp_path / "cache", [*runs.run_of(system, tmp_path, "paper")[1], *small])
    assert task.model.photo.features == 2048
    made = module.published(tmp_path / "run")
    assert made.dim == (2048 if system == "sketchy-gan" else task.recipe.dim)


@pytest.mark.parametrize(("system", "settings"), [(zero_shot_dann, dann), (sketchy_gan, gan)])
@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ("score=sketch_to_photo/category/p@2", "does not measure; did you mean 'sketch_to_photo"),
        ("world=2", "python -m training render"),
        ("outlines=2", "imagenet1000"),
        ("", "have nothing to match"),
    ],
)
def test_what_a_run_lacks_is_told_before_features_are_computed(
    system, settings, wrong, told, pictures, tiny, tmp_path, monkeypatch
):
    for name in ("XMR_DATA", "XMR_WORLD"):
        monkeypatch.setenv(name, str(tmp_path / "none"))
    if not wrong:
        every = sketch_base.real_items
        monkeypatch.setattr(
            sketch_base,
            "real_items",
            lambda recipe, split: [i for i in every(recipe, split) if i.modality is Modality.PHOTO],
        )
    distils = ["losses.names=1"] if system is zero_shot_dann and "outlines" in wrong else []
    with pytest.raises(BadInput, match=told):
        system.run(tmp_path / "run", tmp_path / "cache", settings(pictures, *distils, *filter(None, [wrong])))
    assert not list((tmp_path / "cache").glob("*.f16"))
