"""The check of a copy of a data set: its counts, its splits and its duplicates."""

import os
from pathlib import Path

import pytest

from tests.training.datasets.test_sketch_sets import draw_at, every_split
from training.datasets import catalogue
from training.datasets.check import check

REAL = Path(os.environ.get("XMR_DATA", "../shared/data"))
COUNTS = {
    "flickr8k": {"photos": 8091, "captions_en": 40_455, "captions_de": 5 * 7478 + 5528},  # 5,528 translations: train's
    "sketchy25": {"photos": 3125, "sketches": 3125, "classes": 125},
    "sketchy": {"photos": 3125, "sketches": 3125},
    "chairv2": {"photos": 400, "sketches": 1275},
    "multi30k": {"captions_en": 6 * 27_262, "captions_de": 6 * 27_262},
    "caltech101": {"photos": 1010},
    "imagenet1000": {"photos": 1000},
    "quickdraw": {"sketches": 76_211, "classes": 345},
    "coco_mini": {"photos": 80, "captions_en": 400},
    "sketchy-1": {"photos": 3125, "sketches": 3125},
    "sketchy-2": {"photos": 3125, "sketches": 3125},
}
LEFT_OUT = {"caltech101": {"background pictures, which have no class": 10}}


@pytest.mark.parametrize("name", COUNTS)
def test_the_real_sets_have_their_published_counts_and_no_id_in_two_splits(name):
    if not catalogue.get(name).place().is_dir():
        pytest.skip(f"{name} is not in {REAL}")
    found = check(name)
    assert found.found | COUNTS[name] == found.found
    left_out = {reason: len(what) for reason, what in found.skips.reasons.items()}
    assert not found.shared and left_out == LEFT_OUT.get(name, {})
    assert "expected" in found.line() and "of" not in found.line().split(";")[0].split()
    every_split(name, catalogue.get(name).place())
    assert found.line().startswith(f"{name}: ") and "\n" not in found.line()


def test_the_real_sets_are_divided_as_published():
    if not (REAL / "flickr8k").is_dir():
        pytest.skip(f"the real data is not in {REAL}")
    flickr = check("flickr8k").counts
    assert [flickr[split]["photos"] for split in ("train", "val", "test", "extra")] == [6000, 1000, 1000, 91]
    told = {
        min(i.labels)
        for s in ("train", "val", "test", "extra")
        for i in catalogue.load("flickr8k", s).items
        if i.language == "de"
    }
    assert len(told) == 7478
    chairs = check("chairv2").counts
    assert chairs["train"]["sketches"] + chairs["val"]["sketches"] == 952 and chairs["test"]["sketches"] == 323


def test_an_id_that_comes_twice_is_kept_once_and_listed(tmp_path):
    draw_at(tmp_path / "kfold/photo/dog/a.jpg")
    draw_at(tmp_path / "kfold/photo/dog/a.png")
    found = check("pacs", tmp_path)
    assert "1 ids that come twice (photo/dog/a)" in found.line() and found.found["photos"] == 1 and not found.shared
