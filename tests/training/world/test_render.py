"""The rendered world's tracer, photos, scenes and render command."""

import argparse
import json

import numpy as np
import pytest
from PIL import Image

torch = pytest.importorskip("torch")

from training.world import command  # noqa: E402
from training.world.captions import describe  # noqa: E402
from training.world.families import families  # noqa: E402
from training.world.render import foot, photo, photo_and_view  # noqa: E402
from training.world.scene import Scene, sample_scene, set_camera, thing  # noqa: E402
from training.world.sdf import Shape  # noqa: E402
from training.world.trace import Camera, DistanceGrid, pixels, trace  # noqa: E402
from xmr.modality import BadInput  # noqa: E402

CLASS = "apple"


def _ball(radius: float = 0.5):
    shape = Shape()
    shape.part("ball").ball((0, radius, 0), radius, shape.material((0.5, 0.1, 0.1)))
    return shape.field()


def _scene(seed: int = 3) -> Scene:
    return sample_scene(families()[CLASS], seed, seed)


def _render(out, *options: str) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args(["--out", str(out), "--size", "48", "--classes", CLASS, "--workers", "1", *options]))


def _rows(out, split: str) -> list[dict]:
    return [json.loads(line) for line in (out / split / "facts.jsonl").read_text(encoding="utf-8").splitlines()]


def test_a_traced_ball_is_where_the_equation_of_the_sphere_puts_it():
    camera = Camera((2.0, 1.4, 0.7), (0.0, 0.5, 0.0), focal=1.8, roll=7.0, shift=(0.05, -0.04))
    view = trace(_ball(), camera, 40, 50)
    rays = camera.rays(*pixels(40, 50)).numpy()
    to_eye = np.subtract(camera.eye, (0.0, 0.5, 0.0))
    struck = []
    for i, ray in enumerate(rays.T):
        b = ray @ to_eye
        inside = b * b - to_eye @ to_eye + 0.25
        if inside <= 0:
            continue
        t = -b - np.sqrt(inside)
        normal = (to_eye + ray * t) / 0.5
        if abs(normal @ ray) < 0.12:  # at the very rim, a hit is a matter of the tolerance
            continue
        struck.append(i)
        assert view.depth.view(-1)[i] == pytest.approx(t, abs=1.5e-3 / abs(normal @ ray))
        assert view.normal.view(-1, 3)[i].numpy() @ normal > 0.999
    assert set(struck) <= set(view.hit.tolist())
    assert len(view.hit) < 1.15 * len(struck)


def test_a_camera_projects_a_point_to_the_ray_that_passes_through_it():
    camera = Camera((2.0, 1.4, 0.7), (0.1, 0.5, 0.0), focal=2.1, roll=-5.0, shift=(0.1, 0.03))
    u, v = torch.tensor([0.2, 0.9]), torch.tensor([0.3, 0.6])
    points = np.array(camera.eye) + 3.0 * camera.rays(u, v).numpy().T
    assert camera.project(points)[:, :2] == pytest.approx(np.stack([u, v], axis=1), abs=1e-5)


def test_the_coarse_grid_errs_by_less_than_a_cell():
    field = _ball()
    coarse = DistanceGrid(field)
    points = torch.rand(3, 500, generator=torch.Generator().manual_seed(0)) - torch.tensor([[0.5], [0.0], [0.5]])
    assert (coarse.distance(points) - field.distance(points)).abs().max() < coarse.cell


def test_the_same_scene_gives_the_same_photo_and_another_seed_another():
    scene, other = _scene(3), _scene(4)
    first = photo(thing(families()[CLASS], scene), scene, 48)
    assert first.dtype == np.uint8 and first.shape == (48, 48, 3)
    assert np.array_equal(first, photo(thing(families()[CLASS], scene), scene, 48))
    assert not np.array_equal(first, photo(thing(families()[CLASS], other), other, 48))


def test_the_box_holds_every_pixel_of_the_thing_and_no_less():
    scene = _scene()
    field = thing(families()[CLASS], scene)
    coarse = DistanceGrid(field)
    _, view = photo_and_view(field, coarse, foot(field, coarse, scene), scene, 48)
    left, top, right, bottom = view.box()
    there = (view.part >= 0).numpy()
    rows, columns = np.flatnonzero(there.any(axis=1)), np.flatnonzero(there.any(axis=0))
    assert (left, right) == (columns[0] / 48, (columns[-1] + 1) / 48)
    assert (top, bottom) == (rows[0] / 48, (rows[-1] + 1) / 48)


def test_the_camera_frames_the_thing_as_large_as_the_scene_says():
    scene = _scene()
    field = thing(families()[CLASS], scene)
    coarse = DistanceGrid(field)
    view = trace(field, set_camera(scene, coarse, -np.inf), 64, 64, coarse)
    left, top, right, bottom = view.box()
    assert max(right - left, bottom - top) == pytest.approx(scene.fill, abs=0.1)


def test_every_class_gives_scenes_that_captions_have_words_for():
    for family in families().values():
        for seed in range(6):
            command._caption_facts(sample_scene(family, seed, seed))  # raises for a word that they do not know


def test_rendering_goes_on_where_it_was_killed_and_ends_with_the_same_facts(tmp_path):
    whole, broken = tmp_path / "whole", tmp_path / "broken"
    _render(whole, "--split", "train=2,test=1")
    _render(broken, "--split", "train=1")
    path = broken / "train" / "facts.jsonl"
    path.write_bytes(path.read_bytes() + b'{"id": "train-apple-0001-0", "spl')  # killed in the middle of a line
    _render(broken, "--split", "train=2,test=1")
    for split in ("train", "test"):
        assert _rows(broken, split) == _rows(whole, split)
        for row in _rows(whole, split):
            name = f"{split}/photos/{row['id']}.webp"
            assert (whole / name).read_bytes() == (broken / name).read_bytes()
    assert (broken / "DONE").is_file()


def test_a_line_of_facts_holds_what_training_reads(tmp_path):
    _render(tmp_path, "--split", "test=1")
    rows = _rows(tmp_path, "test")
    assert len(rows) == 2 and len({row["instance"] for row in rows}) == 1  # two views of one thing
    for row in rows:
        assert [len(set(texts)) for texts in row["captions"].values()] == [5, 5]
        assert row["sketches"][0]["hand"] == "careful" != row["sketches"][1]["hand"]
        strokes = np.concatenate([np.array(s) for sketch in row["sketches"] for s in sketch["strokes"]])
        assert strokes.min() >= 0 and strokes.max() <= 256


def test_no_instance_is_in_two_splits():
    counts = {split: 40 for split in command.SPLITS}
    jobs = [*command._plan(counts, [CLASS], 48, 0, "cpu"), *command._plan(counts, [CLASS], 48, 1, "cpu")]
    owners = {}
    for job in jobs:
        owners.setdefault(job.instance, set()).add((job.seed, job.split))
    assert all(len(splits) == 1 for splits in owners.values())
    assert len({job.id for job in jobs}) == len(jobs) / 2


def test_wrong_options_say_what_is_right(tmp_path, monkeypatch):
    with pytest.raises(BadInput, match="apple"):
        _render(tmp_path, "--classes", "aple")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(BadInput, match="finds no GPU for --device cuda"):
        _render(tmp_path, "--device", "cuda")
    with pytest.raises(BadInput, match="train=40"):
        _render(tmp_path, "--split", "train")
    _render(tmp_path, "--split", "val=1")
    with pytest.raises(BadInput, match="another seed"):
        _render(tmp_path, "--split", "val=1", "--seed", "5")


def test_sheets_show_the_rendered_gallery_or_what_it_would_be(tmp_path, monkeypatch):
    monkeypatch.setitem(command.SEVERAL_SHARE, "gallery", 0.0)
    _render(tmp_path / "fresh", "--sheet", str(tmp_path / "fresh.png"))
    with Image.open(tmp_path / "fresh.png") as fresh:
        assert fresh.size == (8 * 96, 96)
    _render(tmp_path, "--split", "gallery=2")
    _render(tmp_path, "--sheet", str(tmp_path / "sheets"))
    with Image.open(tmp_path / "sheets" / f"{CLASS}.webp") as sheet:
        assert sheet.size == (8 * 96, 96)
        with Image.open(tmp_path / "gallery" / "photos" / f"gallery-{CLASS}-0001-0.webp") as second:
            shown = np.asarray(sheet.convert("RGB"), float)[:, 96:192]
            assert np.abs(shown - np.asarray(second.convert("RGB").resize((96, 96)), float)).mean() < 12


def test_fish_are_in_the_midst_of_the_water():
    scenes = [scene for seed in range(12) if (scene := sample_scene(families()["fish"], seed, seed)).place == "water"]
    assert scenes
    for scene in scenes:
        assert scene.stance == "under" and scene.hover is None
        assert not any("over" in caption for caption in describe(command._caption_facts(scene), 1)["en"][1:2])


def test_the_sea_is_bluer_than_red():
    shark = families()["shark"]
    scene = next(scene for seed in range(12) if (scene := sample_scene(shark, seed, seed)).place == "water")
    deep = photo(thing(shark, scene), scene, 32)[:4].reshape(-1, 3).mean(0)
    assert deep[2] > deep[0] + 20
