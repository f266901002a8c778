"""The sketch systems: what they are shown, what moves which of their parts, and when training gives up."""

import json
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import timm
import torch
from PIL import Image, ImageDraw
from safetensors.torch import load_file, save_file

from training import recipes, study
from training.datasets import labels_of
from training.datasets.outlines import outline, outlines
from training.fit import TrainingStopped
from training.publish import _export, publish
from training.raw import unit_vectors
from training.recipes import load, sketchy_gan, zero_shot_dann
from training.recipes.tri import take_over
from training.sampling import Vocabulary, make_pool
from training.sketches import real_items
from training.towers import photo as photo_tower
from training.towers.sketch import SketchTower
from xmr.encoder import Encoder
from xmr.modality import BadInput, Item, Modality

SEEN, UNSEEN = ("ant", "apple", "bear"), ("bat", "cow")
SMALL = ["backbone=tiny", "photo_cut=0", "hidden=8", "sketch_size=40", "query_size=48", "batch=6", "world=0",
         "precision=32-true", "stages.0.steps=4", "stages.0.every=2"]  # fmt: skip


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Five classes of Sketchy with 40 photos of one colour each, and a sketch of each of them."""
    rng = np.random.default_rng(0)
    for number, name in enumerate(SEEN + UNSEEN):
        for kind in ("photo", "sketch"):
            (tmp_path / "data" / kind / name).mkdir(parents=True)
        for n in range(40):
            colour = tuple(int(v) for v in np.clip(rng.normal(40 + 40 * number, 12, 3), 0, 255))
            Image.new("RGB", (30, 30), colour).save(tmp_path / "data" / "photo" / name / f"{name}{n}.jpg")
            page = Image.new("RGB", (60, 60), "white")
            ImageDraw.Draw(page).line([(5, 5 + 8 * number), (50, 10 + n)], fill="black", width=2)
            page.save(tmp_path / "data" / "sketch" / name / f"{name}{n}-1.png")
    return tmp_path / "data"


@pytest.fixture
def tiny(monkeypatch):
    """In place of MobileNetV2 and timm's networks a convolution of six features."""

    def backbone(cut: int, name: str = "tiny"):
        pooled = torch.nn.Sequential(torch.nn.Conv2d(6, 6, 1), torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten())
        return torch.nn.Conv2d(3, 6, 7, stride=5), pooled, 6

    monkeypatch.setattr(photo_tower, "backbone", backbone)
    monkeypatch.setattr(sketchy_gan, "backbone", backbone)


def dann(pictures: Path, *overrides: str) -> list[str]:
    return [f"folder={pictures}", "dim=8", "head=new", "reversal.hidden=4", *SMALL, *overrides]


def gan(pictures: Path, *overrides: str) -> list[str]:
    return [f"folder={pictures}", "data=sketchy", "protocols=[sketchy25-heldout]", "sizes=[40, 48]", "outlines=0",
            "code=8", "generator=8", "discriminator=8", *(one for one in SMALL if not one.startswith("hidden")),
            *overrides]  # fmt: skip


def test_what_trains_a_zero_shot_system_holds_nothing_of_an_unseen_class(pictures):
    recipe = load(zero_shot_dann.Recipe, Path(zero_shot_dann.__file__).with_suffix(".yaml"), dann(pictures))
    for split in ("train", "val"):
        found = {label for item in real_items(recipe, split) for label in labels_of(item, "class")}
        assert found and found <= {f"class:{name}" for name in SEEN}


@pytest.mark.skipif(torch.cuda.is_available(), reason="two processes on a CPU; here is a GPU")
@pytest.mark.parametrize(("system", "settings"), [(zero_shot_dann, dann), (sketchy_gan, gan)])
def test_both_systems_train_on_several_devices(pictures, tiny, tmp_path, monkeypatch, system, settings):
    monkeypatch.setattr(recipes, "fit", partial(recipes.fit, devices=2))
    task = system.run(tmp_path / "run", tmp_path / "cache", settings(pictures))
    last = json.loads((tmp_path / "run" / "history.json").read_text())[-1]
    assert np.isfinite(last["train/loss"]) and last["step"] == task.recipe.stages[-1].steps
    sketches = [item for item in task.val if item.modality is Modality.SKETCH][:3]
    np.testing.assert_allclose(np.linalg.norm(task.vectors(sketches), axis=1), 1, atol=1e-5)


def test_zero_shot_dann_trains_resumes_and_gives_unit_vectors(pictures, tiny, tmp_path):
    overrides = dann(pictures, "reversal.threshold=0", "reversal.length=1")
    task = zero_shot_dann.run(tmp_path / "run", tmp_path / "cache", overrides)
    last = json.loads((tmp_path / "run" / "history.json").read_text())[-1]
    assert {"train/triplet", "train/domain", "train/domain_right", "score"} <= last.keys()
    assert 0 <= last["train/domain_right"] <= 1
    vectors = task.vectors(task.val[:3])
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    again = zero_shot_dann.run(tmp_path / "run", tmp_path / "cache", overrides)  # nothing is left to be done
    np.testing.assert_allclose(again.vectors(task.val[:3]), vectors, atol=1e-6)


@pytest.mark.parametrize(("preserved", "dim"), [(0, 8), (0.5, 14)])
def test_zero_shot_dann_publishes_sketches_as_it_validated_them(pictures, tiny, tmp_path, preserved, dim):
    overrides = dann(pictures, "discriminant=1", f"preserved={preserved}")
    task = zero_shot_dann.run(tmp_path / "run", tmp_path / "cache", overrides)
    assert not torch.equal(task.model.discriminant.linear.weight, torch.eye(dim))
    made = zero_shot_dann.published(tmp_path / "run")
    part = made.parts[Modality.SKETCH]
    assert made.dim == dim
    sketches = [item for item in task.val if item.modality is Modality.SKETCH][:4]
    with torch.inference_mode():
        vectors = part.tower.eval()(torch.from_numpy(part.inputs[:4])).numpy()
    np.testing.assert_allclose(vectors, task.vectors(sketches), atol=1e-5)


@pytest.fixture
def imagenet(tmp_path: Path, monkeypatch) -> None:
    """A photo each of five of ImageNet's classes, the first of them of a kind with an unseen one."""
    (tmp_path / "imagenet1000").mkdir()
    for n, name in enumerate(("ox", "red_fox", "tabby", "lion", "boxer")):
        photo = Image.new("RGB", (60, 60), "white")
        ImageDraw.Draw(photo).ellipse([10, 10, 40 + n, 50], fill="red")
        photo.save(tmp_path / "imagenet1000" / f"n0{n}_{name}.jpg")
    monkeypatch.setenv("XMR_DATA", str(tmp_path))


@pytest.fixture
def taught(pictures, tiny, imagenet, tmp_path, monkeypatch):
    """A task whose sketches are taught what the photo network knows, with outlines of photos."""
    names = torch.nn.Linear(6, 1000)
    monkeypatch.setattr(zero_shot_dann, "classifier", lambda name: names.requires_grad_(False))
    return zero_shot_dann.run(tmp_path / "run", tmp_path / "cache", dann(
        pictures, "losses.triplet=0", "losses.contrast=1", "losses.names=1", "losses.features=1",
        "outlines=3"))  # fmt: skip


@pytest.mark.parametrize("loss", ["names", "features"])
def test_outlines_of_photos_teach_what_is_known_of_them_to_the_sketch_network(taught, loss):
    drawn = [item.id for item in taught.outlines.items]
    assert sorted(drawn) == [f"n0{n}_{name}#outline" for n, name in ((1, "red_fox"), (2, "tabby"), (3, "lion"),
                                                                    (4, "boxer"))]  # fmt: skip
    batch = taught.batch(taught.recipe.stages[0], 0, np.random.default_rng(0))
    assert batch["outline"]["input"].shape == (3, 224, 224)
    assert batch["outline"]["taught"].shape == (3, 1006)
    torch.testing.assert_close(batch["outline"]["taught"][:, :1000].sum(1), torch.ones(3))
    taught.model.train()
    taught.model(**batch)[loss].backward()
    assert taught.model.sketch.upper[0].weight.grad.any()


def test_preserved_features_are_seen_from_the_mean_of_the_training_photos(pictures, tiny, tmp_path):
    task = zero_shot_dann.run(tmp_path / "run", tmp_path / "cache", dann(pictures, "preserved=0.5"))
    features = task.features(task.real.rows[Modality.PHOTO].maps)
    for tower in (task.model.photo, task.model.sketch):
        torch.testing.assert_close(tower.head.kept.centre, features.mean(0))


def test_a_sketch_whose_features_are_its_photos_has_nothing_to_learn_of_them(taught):
    photos, model = taught.real.rows[Modality.PHOTO].maps, taught.model
    features = taught.features(photos)
    known = model.known(features)
    same = model.knowledge_losses(model.centre + 3 * (features - model.centre), known)
    torch.testing.assert_close(same["features"], torch.tensor(0.0), atol=1e-5, rtol=0)
    assert model.knowledge_losses(features.roll(1, 0), known)["features"] > 1e-3


@pytest.mark.parametrize("system", ["sketchy-gan", "zero-shot-dann"])
def test_what_is_as_published_trains_on_resnet_50(system, pictures, tmp_path, monkeypatch):
    save_file(timm.create_model("resnet50").state_dict(), tmp_path / "resnet50.safetensors")
    monkeypatch.setenv("XMR_WEIGHTS", str(tmp_path))
    module = recipes.module(system)
    small = [f"folder={pictures}", "data=sketchy-2", "batch=3", "stages.0.steps=1", "stages.0.every=1",
             "protocols=[sketchy-2-unseen]", "precision=32-true"]  # fmt: skip
    task = module.run(tmp_path / "run", tmp_path / "cache", [*study.run_of(system, tmp_path, "paper")[1], *small])
    assert task.model.photo.features == 2048
    made = module.published(tmp_path / "run")
    assert made.dim == (2048 if system == "sketchy-gan" else task.recipe.dim)


def test_an_outline_is_a_sketch_of_the_very_photo_that_it_was_made_of(tiny, tmp_path):
    photos = []
    for n in range(3):
        image = Image.new("RGB", (60, 60), "white")
        ImageDraw.Draw(image).rectangle([10, 10, 30 + 8 * n, 50], fill="green")
        image.save(tmp_path / f"{n}.png")
        labels = {"class:box"} | ({f"instance:{n}"} if n else set())
        photos.append(Item(str(n), Modality.PHOTO, tmp_path / f"{n}.png", frozenset(labels)))
    pool = make_pool("boxes", photos + outlines(photos), photo_tower.PhotoTower(0, 0, 0), 1, Vocabulary(), tmp_path)
    sketches, seen = pool.rows[Modality.SKETCH], pool.rows[Modality.PHOTO]
    assert sketches.group.tolist() == seen.group.tolist() == [0, 1, 2] and len(set(sketches.cls)) == 1


def test_an_outline_is_where_a_photo_changes():
    photo = Image.new("RGB", (100, 80), "navy")
    photo.paste("white", (50, 0, 100, 80))
    drawn = np.asarray(outline(photo))
    assert drawn.shape == (224, 224) and set(np.unique(drawn)) == {0, 255}
    columns = np.flatnonzero((drawn == 0).any(0))
    assert abs(columns - 112).max() < 5 and len(columns) > 1


def test_the_domain_classifier_pulls_the_towers_the_other_way(pictures, tiny, tmp_path):
    recipe = load(zero_shot_dann.Recipe, Path(zero_shot_dann.__file__).with_suffix(".yaml"),
                  dann(pictures, "reversal.threshold=0", "reversal.length=2"))  # fmt: skip
    model = zero_shot_dann.ZeroShotDann(recipe)
    a, b = (torch.randn(3, 8, requires_grad=True) for _ in range(2))
    model.domain_losses(a, b, epoch=1.0)["domain"].backward()
    wanted = torch.autograd.grad(
        0.5 * (torch.nn.functional.softplus(-model.domain(a)).mean()
               + torch.nn.functional.softplus(model.domain(b)).mean()), (a, b)
    )  # fmt: skip
    torch.testing.assert_close(a.grad, -0.5 * wanted[0])
    torch.testing.assert_close(b.grad, -0.5 * wanted[1])


def test_each_player_of_the_gan_is_moved_by_its_own_loss_alone(pictures, tiny):
    recipe = load(sketchy_gan.Recipe, Path(sketchy_gan.__file__).with_suffix(".yaml"), gan(pictures))
    model = sketchy_gan.SketchyGan(recipe, classes=3).eval()
    made, real = torch.randn(4, 6, requires_grad=True), torch.randn(4, 6)
    losses = model.play(made, real)
    losses["discriminator"].backward(retain_graph=True)
    assert made.grad is None and model.discriminator[1].weight.grad.any()
    model.zero_grad()
    losses["adversarial"].backward()
    assert made.grad.any() and not any(p.grad is not None and p.grad.any() for p in model.discriminator.parameters())


def test_sketchy_gan_trains_and_publishes_what_it_validated(pictures, tiny, tmp_path):
    task = sketchy_gan.run(tmp_path / "run", tmp_path / "cache", gan(pictures))
    last = json.loads((tmp_path / "run" / "history.json").read_text())[-1]
    assert {"train/discriminator", "train/adversarial", "told_apart", "score"} <= last.keys()
    made = sketchy_gan.published(tmp_path / "run")
    assert made.dim == 6 and set(made.parts) == {Modality.PHOTO, Modality.SKETCH}
    assert task.recipe.recall.photo and task.recipe.recall.sketch and len(task.recipe.sizes) > 1
    for modality, part in made.parts.items():
        items = [item for item in task.val if item.modality is modality][:4]
        with torch.inference_mode():
            vectors = part.tower.eval()(torch.from_numpy(part.inputs[:4])).numpy()
        np.testing.assert_allclose(vectors, task.vectors(items), atol=1e-5)


def test_the_generator_begins_with_what_the_network_sees_from_the_middle_of_all_sketches(pictures, tiny):
    recipe = load(sketchy_gan.Recipe, Path(sketchy_gan.__file__).with_suffix(".yaml"), gan(pictures, "code=6"))
    model = sketchy_gan.SketchyGan(recipe, classes=3).eval()
    photos, sketches = torch.randn(50, 6) + 3, torch.randn(40, 6) - 2
    model.begin(photos, sketches)
    wanted = torch.nn.functional.normalize(sketches - sketches.mean(0))
    with torch.inference_mode():
        torch.testing.assert_close(model.generator(model.sketch.code(sketches)), wanted, atol=1e-5, rtol=0)


def test_outlines_meet_their_own_photos_and_have_no_class(pictures, tiny, imagenet, tmp_path):
    overrides = gan(pictures, "outlines=30", "sketcher=tiny", "code=6", "mix=0")
    task = sketchy_gan.run(tmp_path / "run", tmp_path / "cache", overrides)
    batch = task.batch(task.recipe.stages[0], 0, np.random.default_rng(0))
    sketch, photo = batch["sketch"], batch["photo"]
    drawn = sketch["cls"] == -1
    assert drawn.sum() == 30 and (sketch["row"][drawn] == -1).all() and (sketch["row"][~drawn] >= 0).all()
    assert torch.isin(sketch["group"][drawn], photo["group"]).all()
    found = task.model(**batch)
    assert {"triplet", "contrast", "centres"} <= found.keys() and all(torch.isfinite(x) for x in found.values())


def test_systems_whose_photo_network_is_frozen_share_one_file_of_it(pictures, tiny, tmp_path):
    task = sketchy_gan.run(tmp_path / "run", tmp_path / "cache", gan(pictures))
    part = sketchy_gan.published(tmp_path / "run").parts[Modality.PHOTO]
    assert part.shared == "tiny"
    told = _export(Modality.PHOTO, part, tmp_path / "run", tmp_path / "checkpoints" / "one")
    written = tmp_path / "checkpoints" / "shared" / "tiny.onnx"
    assert (tmp_path / "checkpoints" / "one" / told["trunk"]).resolve() == written
    before = written.stat().st_mtime_ns
    assert _export(Modality.PHOTO, part, tmp_path / "run", tmp_path / "checkpoints" / "two") == told
    assert written.stat().st_mtime_ns == before
    encoder = Encoder.from_config(tmp_path / "checkpoints" / "two", Modality.PHOTO, told)
    photos = [item for item in task.val if item.modality is Modality.PHOTO][:4]
    np.testing.assert_allclose(encoder.encode([item.content for item in photos]), task.vectors(photos), atol=2e-3)
    trained = ["stages.0.rates={photo.upper.0: 1.0e-4, generator: 1.0e-3}"]
    sketchy_gan.run(tmp_path / "other", tmp_path / "cache", gan(pictures, *trained))
    assert not sketchy_gan.published(tmp_path / "other").parts[Modality.PHOTO].shared


def test_a_soup_is_the_mean_of_its_runs_and_trains_no_further(pictures, tiny, tmp_path):
    planned, folders = study.plan("sketchy-gan"), []
    with pytest.raises(BadInput, match="Train first: python -m training study sketchy-gan --variant gan"):
        list(study._runs("sketchy-gan", planned, "soup", tmp_path))
    for variant in (*planned.soup, "soup"):
        for folder, overrides in study._runs("sketchy-gan", planned, variant, tmp_path):
            task = sketchy_gan.run(folder, tmp_path / "cache", gan(pictures, *overrides, *SMALL[3:]))
            folders.append(folder)
    assert len(folders) == len(set(folders)) == 3 * len(planned.soup) + 1
    held = [load_file(folder / "best.safetensors") for folder in folders[:-1]]
    for name, value in task.model.state_dict().items():
        torch.testing.assert_close(value, torch.stack([one[name] for one in held]).mean(0))
    assert (folders[-1] / "history.json").read_text() == (folders[0] / "history.json").read_text()
    assert study.shipped("sketchy-gan", tmp_path)[0] == folders[-1]
    assert study.shipped("flickr30k-clip", tmp_path)[0] == study.run_of("flickr30k-clip", tmp_path)[0]
    with pytest.raises(BadInput, match="Train first: python -m training study sketchy-gan --variant gan"):
        publish("sketchy-gan", tmp_path / "none", tmp_path, tmp_path)


def test_a_sketch_tower_takes_over_the_network_of_another_system(pictures, tiny, tmp_path):
    sketchy_gan.run(tmp_path / "run", tmp_path / "cache", gan(pictures))
    held = load_file(tmp_path / "run" / "best.safetensors")
    tower = SketchTower(8, 8, 0, name="tiny")
    head = tower.head.linear.weight.clone()
    take_over(tower, tmp_path / "run")
    for name, value in tower.upper.state_dict().items():
        torch.testing.assert_close(value, held[f"sketch.upper.{name}"])
    assert torch.equal(tower.head.linear.weight, head)
    with pytest.raises(BadInput, match="Train it first: python -m training fit sketchy-gan"):
        take_over(tower, tmp_path / "sketchy-gan" / "gan-1")
    tower.upper = torch.nn.Linear(2, 2)
    with pytest.raises(BadInput, match="has another form"):
        take_over(tower, tmp_path / "run")


def test_a_discriminator_that_wins_stops_the_training_and_says_so(pictures, tiny, tmp_path, monkeypatch):
    monkeypatch.setattr(sketchy_gan, "told_apart", lambda *_: 1.0)
    with pytest.raises(TrainingStopped, match="for 2 validations: it has won"):
        sketchy_gan.run(tmp_path / "run", tmp_path / "cache", gan(pictures, "patience=2"))
    assert json.loads((tmp_path / "run" / "last.json").read_text())["step"] == 2  # the last good one is kept


def test_features_are_told_apart_by_guessing_half_the_time():
    always_real = torch.nn.Linear(2, 1)
    torch.nn.init.zeros_(always_real.weight)
    torch.nn.init.ones_(always_real.bias)
    one = np.ones((5, 2), np.float32)
    assert sketchy_gan.told_apart(always_real, one, one) == 0.5
    by_sign = torch.nn.Linear(2, 1, bias=False)
    torch.nn.init.ones_(by_sign.weight)
    assert sketchy_gan.told_apart(by_sign, -one, one) == 1.0


def test_several_seeds_become_a_mean_and_a_spread():
    entries = [{"about": "x", "metrics": {"map": value}, "spread": {"map": 9.0}, "chance": {"map": 0.1},
                "curves": {"a": [value, 0.0]}}
               for value in (0.2, 0.3, 0.4)]  # fmt: skip
    found = study.mean(entries)
    assert found["metrics"] == {"map": 0.3} and found["spread"] == {"map": 0.1} and found["seeds"] == 3


def test_a_variant_has_a_folder_of_its_own_and_one_that_is_unknown_is_named(tmp_path):
    folder, overrides = study.run_of("zero-shot-dann", tmp_path, "triplet", 2)
    assert folder == tmp_path / "zero-shot-dann" / "triplet-2"
    recipe = load(zero_shot_dann.Recipe, zero_shot_dann.YAML, overrides)
    assert (recipe.losses.domain, recipe.losses.triplet, recipe.seed) == (0, 1, 2)
    assert study.run_of("tri", tmp_path) == (tmp_path / "tri", [])
    with pytest.raises(BadInput, match="Choose one of: dann, triplet, whole-way, contrast, names"):
        study.run_of("zero-shot-dann", tmp_path, "best")
    with pytest.raises(BadInput, match="no variant 'best'. Choose among: dann, .*, plus, random-classes, paper, soup"):
        study.study("zero-shot-dann", tmp_path, tmp_path, ["plus", "best"])


def test_centred_features_are_seen_from_their_mean(pictures):
    items = real_items(load(zero_shot_dann.Recipe, zero_shot_dann.YAML, dann(pictures)), "train")
    colours = lambda shown: shown.reshape(len(shown), -1)[:, ::997].astype(float)  # noqa: E731
    for modality in (Modality.PHOTO, Modality.SKETCH):
        pair = [item for item in items if item.modality is modality][:2]
        one, other = unit_vectors(colours, pair, centred=True)
        np.testing.assert_allclose(one, -other, atol=1e-6)  # two, seen from their mean
        one, other = unit_vectors(colours, pair)
        assert one @ other > 0


def test_classes_are_not_recalled_by_a_temperature_that_no_loss_has_set(pictures, tiny, tmp_path):
    with pytest.raises(BadInput, match="Expected 'recall' to be 0"):
        sketchy_gan.run(tmp_path / "run", tmp_path / "cache", gan(pictures, "losses.centres=0"))
