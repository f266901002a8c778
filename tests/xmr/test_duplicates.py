"""Duplicates: equal files and the same picture in another size are grouped, the best first; others are left alone."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from tests.xmr.preprocess.files import HEIC, dng
from xmr.cli import main
from xmr.duplicates import find_duplicates
from xmr.gallery import Gallery, index_folder
from xmr.preprocess import open_picture


def scene(seed: int) -> Image.Image:
    cells = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    return Image.fromarray(cells).resize((800, 600), Image.Resampling.BICUBIC)


@pytest.fixture
def photos(tmp_path, system):
    for seed in range(12):
        scene(seed).save(tmp_path / f"{seed}.png")
    shutil.copy(tmp_path / "0.png", tmp_path / "copy of 0.png")
    scene(0).resize((400, 300)).save(tmp_path / "small.jpg", quality=60)
    ImageEnhance.Brightness(scene(5)).enhance(1.05).save(tmp_path / "brighter.jpg", quality=80)
    for number in range(3):  # of one colour each: no two of them show the same
        Image.new("RGB", (64, 64), (80 * number, 90, 90)).save(tmp_path / f"plain{number}.png")
    index_folder(tmp_path, [system])
    return tmp_path


def test_equal_files_and_the_same_picture_are_grouped_with_the_best_first(photos, system):
    with Gallery.open(photos) as gallery:
        groups = find_duplicates(gallery, system)
    found = {tuple((copy.path.name, copy.exact) for copy in group) for group in groups}
    assert found == {
        (("0.png", True), ("copy of 0.png", True), ("small.jpg", False)),
        (("5.png", True), ("brighter.jpg", False)),
    }
    best = next(group[0] for group in groups if len(group) == 3)
    assert (best.pixels, best.size) == (480_000, (photos / "0.png").stat().st_size)


def test_photos_that_pillow_does_not_open_can_be_the_best(tmp_path, system, monkeypatch):
    (tmp_path / "a.heic").write_bytes(HEIC)
    open_picture(HEIC).resize((32, 24)).save(tmp_path / "b.png")
    raw = dng(scene(1).resize((400, 300)), (200, 150))
    (tmp_path / "c.dng").write_bytes(raw)
    open_picture(raw).save(tmp_path / "d.png")
    index_folder(tmp_path, [system])
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 50_000)  # Pillow opens twice as many
    with Gallery.open(tmp_path) as gallery:
        found = {copy.path.name: copy for group in find_duplicates(gallery, system) for copy in group[:1]}
    assert found["c.dng"].pixels == 120_000 and found["c.dng"].size == len(raw)
    assert found["a.heic"].pixels == 64 * 48 and found["a.heic"].size == len(HEIC)


def test_a_file_whose_header_is_damaged_keeps_its_size(photos, system):
    content = (photos / "0.png").read_bytes()
    (photos / "0.png").write_bytes(content[:12])
    with Gallery.open(photos) as gallery:
        copies = next(group for group in find_duplicates(gallery, system) if len(group) == 3)
    damaged = next(copy for copy in copies if copy.path.name == "0.png")
    assert (damaged.pixels, damaged.size) == (0, 12)


def test_the_command_prints_groups_or_json(photos, checkpoint_folder, capsys):
    command = ["duplicates", str(photos), "--system", str(checkpoint_folder)]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert "best    0.5 Mpixel" in out and "same    0.5 Mpixel" in out and "near    0.1 Mpixel" in out
    assert out.endswith("2 photos are there more than once, with 3 copies\n")
    assert main([*command, "--json"]) == 0
    assert sorted(len(group) for group in json.loads(capsys.readouterr().out)) == [2, 3]


def test_names_in_json_are_as_they_are_on_the_disk(tmp_path, checkpoint_folder, system, capsys):
    for name in ("grün.png", "größer.png"):
        scene(0).save(tmp_path / name)
    index_folder(tmp_path, [system])
    assert main(["duplicates", str(tmp_path), "--system", str(checkpoint_folder), "--json"]) == 0
    out = capsys.readouterr().out
    assert "grün.png" in out and "größer.png" in out


def test_a_folder_that_is_not_indexed_is_refused_with_the_command(tmp_path, capsys):
    assert main(["duplicates", str(tmp_path)]) == 2
    assert "is not indexed yet. Index its photos first: python -m xmr index" in capsys.readouterr().err
