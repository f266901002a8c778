"""tri: a whole training through all its stages, its batches, its losses, and where its towers start."""

import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from tests.training.settings import gan
from training.datasets import flickr8k, sketchy25
from training.learn.losses import contrastive
from training.learn.recipe import load
from training.systems import sketchy_gan, tri
from training.systems.tri import LOSSES, Tri, TriTask, load_sketch_network
from training.towers.sketch import SketchTower
from xmr.modality import BadInput, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT
POOLS = ("flickr8k", "sketchy25", "world", "chairv2", "imagenet1000", "caltech101", "text")


def small(*overrides: str) -> list[str]:
    """tri's recipe with small towers, and with two steps of few items in each of its stages."""
    recipe = load(tri.Recipe, tri.YAML)
    stages = []
    for n, stage in enumerate(recipe.stages):
        counts = {key: 4 if key in POOLS else 48 if key == "size" else value for key, value in stage.settings.items()}
        stages += [f"stages.{n}.steps=2", f"stages.{n}.every=2", f"stages.{n}.settings={json.dumps(counts)}"]
    return [
        "sketch_init=''",
        "dim=8",
        "photo.hidden=8",
        "sketch.hidden=8",
        "photo.cut=0",
        "sketch_size=48",
        "text.vocab_size=220",
        "text.width=16",
        "text.depth=1",
        "text.heads=2",
        "precision=32-true",
        *stages,
        *overrides,
    ]


@pytest.fixture
def teacher(monkeypatch):
    """In place of MiniLM, unit vectors that depend on the sentence alone."""

    def encode(sentences: list[str]) -> np.ndarray:
        found = [np.random.default_rng([*text.encode()]).normal(size=tri.TEACHER_DIM) for text in sentences]
        return (np.stack(found) / tri.TEACHER_DIM**0.5).astype(np.float16)

    monkeypatch.setattr(tri, "sentence_encoder", lambda: encode)


@pytest.fixture
def task(tiny_data, tiny, teacher, tmp_path) -> TriTask:
    """tri on tiny data, before its training."""
    recipe = load(tri.Recipe, tri.YAML, small())
    return TriTask(recipe, tmp_path / "runs" / "cache", tmp_path / "runs" / "tri")


@pytest.fixture
def model(tiny) -> Tri:
    torch.manual_seed(0)
    return Tri(load(tri.Recipe, tri.YAML, small())).eval()


def test_a_training_goes_through_all_stages_and_publishes_what_it_validated(tiny_data, tiny, teacher, tmp_path):
    folder = tmp_path / "runs" / "tri"
    task = tri.run(folder, tmp_path / "runs" / "cache", small())
    history = json.loads((folder / "history.json").read_text())
    assert [entry["stage"] for entry in history] == [stage.name for stage in task.recipe.stages]
    trained = {f"train/{name}" for stage in task.recipe.stages for name in LOSSES if stage.settings.get(name)}
    assert trained == {key for entry in history for key in entry if key.startswith("train/")} - {"train/loss"}
    assert {key for key in task.recipe.score if key.startswith("world")} <= history[-1].keys()
    made = tri.published(folder)
    pictures, captioned = sketchy25.items("val"), flickr8k.items("val")
    for modality, pool, items in (
        (PHOTO, "sketchy25", pictures),
        (SKETCH, "sketchy25", pictures),
        (TEXT, "flickr8k", captioned),
    ):
        tower, items = made.towers[modality], [item for item in items if item.modality is modality][:3]
        with torch.inference_mode():
            vectors = tower.tower.eval()(torch.from_numpy(tower.inputs[:3])).numpy()
        np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
        np.testing.assert_allclose(vectors, task.vectors(task.val[pool], items), atol=3e-3)  # cached maps are halves


def test_pools_of_one_group_are_each_others_negatives_and_sketches_are_drawn_only_where_they_are_trained(task):
    stages = {stage.name: stage for stage in task.recipe.stages}
    words = task.batch(stages["words"], 0, np.random.default_rng(0))
    assert set(words["negative_groups"]) == {"captions", "names", "more_names"} and words["pairs"] is not None
    assert not any("sketch" in parts for parts in words["negative_groups"].values())
    drawings = task.batch(stages["fine drawings"], 0, np.random.default_rng(0))
    assert set(drawings["negative_groups"]) == {"objects", "chairs"} and drawings["pairs"] is None
    objects = drawings["negative_groups"]["objects"]
    assert len(objects["sketch"]["cls"]) == 8  # four of sketchy25, four of the rendered world
    classes = {task.vocabulary.number(frozenset({f"class:{name}"})) for name in ("dog", "car_(sedan)")}
    assert set(objects["sketch"]["cls"].tolist()) & classes and set(objects["sketch"]["cls"].tolist()) - classes
    assert (drawings["size"], drawings["mixup_alpha"]) == (48, 0.4)


def test_training_goes_on_without_a_data_set_that_is_missing_and_says_so(
    tiny_data, tiny, teacher, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv("XMR_WORLD", str(tmp_path / "nowhere"))
    task = TriTask(load(tri.Recipe, tri.YAML, small()), tmp_path / "cache", tmp_path / "tri")
    assert "world" not in task.pools and {"sketchy25", "flickr8k"} <= set(task.pools)
    assert "Training goes on without world. Expected world in" in capsys.readouterr().out


def test_a_stage_may_start_the_sketch_tower_from_the_photo_tower(task):
    stage = next(stage for stage in task.recipe.stages if stage.settings.get("init_from_photo"))
    with torch.no_grad():
        task.model.photo.head.linear.weight.add_(1)
    task.begin(stage, 1)  # resumed: not again
    assert not torch.equal(task.model.sketch.head.linear.weight, task.model.photo.head.linear.weight)
    task.begin(stage, 0)
    assert torch.equal(task.model.sketch.head.linear.weight, task.model.photo.head.linear.weight)


def test_a_frozen_photo_network_is_replaced_by_its_cached_features(task):
    stages = {stage.name: stage for stage in task.recipe.stages}
    photos = task.pools["flickr8k"].rows[PHOTO]
    task.begin(stages["joint"], 0)
    assert photos.features is None
    maps = photos.take(np.arange(3), np.zeros(3, int))["input"]
    task.begin(stages["words"], 0)
    features = photos.take(np.arange(3), np.zeros(3, int))["input"]
    assert maps.ndim == 4 and features.shape == (3, 6)
    with torch.no_grad():
        wanted = task.model.photo.eval().from_maps(maps)
        torch.testing.assert_close(task.model.photo.from_maps(features), wanted, atol=2e-3, rtol=1e-2)


def test_the_text_tower_starts_near_the_teacher(task):
    captions = [item for item in task.data["flickr8k train"] if item.modality is TEXT and item.language == "en"][:20]
    rows = task.vocabulary.add([item.content for item in captions])
    with torch.no_grad():
        ids = task.vocabulary.padded(rows)
        found = task.model.to_teacher(task.model.text.eval().features(ids)).numpy()
    teacher = task.text_pool.teacher[rows].astype(np.float32)
    cosine = (found * teacher).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(teacher, axis=1)
    others = (found * np.roll(teacher, 7, 0)).sum(1) / np.linalg.norm(found, axis=1) / np.linalg.norm(teacher, axis=1)
    assert cosine.mean() > others.mean() + 0.2


def test_a_mixture_of_sketches_matches_what_each_of_both_matches_by_its_share(model):
    model.class_share = 0.5
    torch.manual_seed(1)
    a, b = (torch.nn.functional.normalize(torch.randn(2, 8), dim=1) for _ in range(2))
    photos = {"group": torch.tensor([7, 8]), "cls": torch.tensor([1, 1])}
    drawn = {"group": torch.tensor([7, 8]), "cls": torch.tensor([1, -1]), "other": torch.tensor([1, 0]), "share": 0.75}
    alone = torch.tensor([[1.0, 0.0], [0.5, 0.5]])  # (photo, sketch): instance and class, none; class, instance
    positive = 0.75 * alone + 0.25 * alone[:, [1, 0]]
    scale = model.scale("photo_sketch")
    wanted = contrastive(a, b, positive, scale)
    torch.testing.assert_close(model.pair_loss(a, photos, b, drawn, "photo_sketch"), wanted)
    torch.testing.assert_close(model.pair_loss(b, drawn, a, photos, "photo_sketch"), wanted)
    assert not torch.isclose(wanted, contrastive(a, b, alone, scale))


def test_texts_of_all_lengths_come_back_in_their_order(model):
    inputs = [torch.randint(2, 200, (3, 9)), torch.randint(2, 200, (4, 2))]
    with torch.no_grad():
        wanted = torch.cat([model.text(ids) for ids in inputs])
        torch.testing.assert_close(model.embed_texts(inputs), wanted)


def test_the_losses_of_one_batch_go_down_together(task):
    """The real forward on a batch that stays the same, by instance alone: with two kinds of match no loss reaches 0."""
    model, weights = task.model.train(), dict.fromkeys(LOSSES, 1.0)
    model.class_share = 0.0
    model.requires_grad_(True)
    optimizer, losses = torch.optim.Adam(model.parameters(), lr=0.01), []
    for _ in range(60):
        torch.manual_seed(0)
        rng = np.random.default_rng(1)
        parts = {"objects": task.pools["world"].draw(rng, 0, 4, all_class_names=True)}
        losses.append(model(parts, task.text_pool.draw(rng, 0, 4), weights, size=48))
        optimizer.zero_grad()
        losses[-1]["loss"].backward()
        optimizer.step()
    assert set(losses[0]) == {*LOSSES, "loss"}
    assert losses[-1]["loss"] < 0.7 * losses[0]["loss"]
    assert all(losses[-1][name] < losses[0][name] for name in ("photo_text", "text_text", "distil"))


def test_a_sketch_tower_takes_over_the_network_of_another_system(pictures, tiny, tmp_path):
    sketchy_gan.run(tmp_path / "run", tmp_path / "cache", gan(pictures))
    weights = load_file(tmp_path / "run" / "best.safetensors")
    tower = SketchTower(8, 8, 0, name="tiny")
    head = tower.head.linear.weight.clone()
    load_sketch_network(tower, tmp_path / "run")
    for name, value in tower.upper.state_dict().items():
        torch.testing.assert_close(value, weights[f"sketch.upper.{name}"])
    assert torch.equal(tower.head.linear.weight, head)
    with pytest.raises(BadInput, match="Train it first: python -m training fit sketchy-gan"):
        load_sketch_network(tower, tmp_path / "sketchy-gan" / "gan-1")
    tower.upper = torch.nn.Linear(2, 2)
    with pytest.raises(BadInput, match="has another architecture"):
        load_sketch_network(tower, tmp_path / "run")
