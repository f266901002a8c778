"""Outlines: of the very photo, where it changes."""

import numpy as np
from PIL import Image, ImageDraw

from training.datasets.outlines import outline, outlines
from training.learn.sampling import Vocabulary, make_pool
from training.towers import photo as photo_tower
from xmr.modality import Item, Modality


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
