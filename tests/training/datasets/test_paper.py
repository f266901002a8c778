"""Sketches restyled as people bring them: the same drawing, always the same picture, and a metric a style."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from training.datasets import paper, picture
from training.datasets.paper import STYLES, restyled
from training.datasets.protocols import PROTOCOLS, SKETCH
from xmr.evaluation import by_kind, labels_of
from xmr.modality import Item
from xmr.preprocess import sketch_input
from xmr.preprocess.sketch import dilate_disc

DATA = Path(os.environ.get("XMR_DATA", Path(__file__).parents[4] / "shared" / "data"))


def house(pen: int = 3) -> Image.Image:
    image = Image.new("L", (256, 256), 255)
    ImageDraw.Draw(image).line([(60, 220), (60, 120), (130, 40), (200, 120), (200, 220), (60, 220)], fill=0, width=pen)
    ImageDraw.Draw(image).line([(60, 120), (200, 120)], fill=0, width=pen)
    return image


@pytest.mark.parametrize("style", STYLES)
def test_a_style_is_the_same_for_an_item_and_another_for_the_next(style):
    one, again, other = (restyled(house(), style, name) for name in ("a", "a", "b"))
    assert one.tobytes() == again.tobytes() and one.tobytes() != other.tobytes()
    assert 350 <= max(one.size) <= 2560


@pytest.mark.parametrize("style", STYLES)
def test_the_drawing_is_what_is_read_of_its_restyled_picture(style):
    wanted = sketch_input(house()) < 128
    shares = []
    for name in "abc":
        read = sketch_input(restyled(house(), style, name)) < 128
        near_wanted, near_read = (dilate_disc(ink.astype(np.uint8), 12.0) > 0 for ink in (wanted, read))
        shares.append((near_wanted[read].mean(), near_read[wanted].mean()))
    right, whole = np.median(shares, axis=0)  # turned by some degrees, no line lies just where it was
    assert right > 0.8 and whole > 0.8, shares


def test_items_are_the_same_sketches_clean_and_in_each_style(tmp_path):
    house().save(tmp_path / "house.png")
    labels = frozenset({"class:cabin", "instance:1"})
    found = paper.items([Item(f"house{n}", SKETCH, tmp_path / "house.png", labels) for n in range(paper.MOST + 5)])
    kinds = by_kind(found)
    assert {style for _, style in kinds} == {"clean", *STYLES}
    chosen = {tuple(item.id.partition("/")[2] for item in items) for items in kinds.values()}
    assert len(chosen) == 1 and len(set(*chosen)) == paper.MOST and all(item.labels == labels for item in found)
    assert picture(kinds[SKETCH, "clean"][0]).size == (256, 256)
    first = kinds[SKETCH, "kraft"][0]
    assert picture(first).tobytes() == restyled(house(), "kraft", first.id.partition("/")[2]).tobytes()


@pytest.mark.skipif(not (DATA / "sketchy25").is_dir(), reason=f"needs sketchy25 in {DATA}")
def test_paper_demo_compares_each_style_with_the_demo_gallery(monkeypatch):
    monkeypatch.setenv("XMR_DATA", str(DATA))
    protocol = PROTOCOLS["paper-demo"]
    kinds = by_kind(protocol.items("val"))
    assert {c.query for c in protocol.comparisons} == set(kinds)
    gallery = {label for item in protocol.gallery("val") for label in labels_of(item, "class")}
    assert all(item.labels & gallery for items in kinds.values() for item in items)
