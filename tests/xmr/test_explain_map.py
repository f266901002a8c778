"""Which parts of a photo answer a query: with the shipped system, on rendered scenes whose boxes are known."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

import xmr
from xmr import checkpoint
from xmr.modality import BadInput, Modality, Query
from xmr.search import Searcher


@pytest.fixture(scope="module")
def photos() -> Searcher:
    return xmr.open()


def scenes(photos: Searcher, most: int) -> list:
    """Photos of things of several kinds, evenly out of the gallery."""
    found = [item for item in photos.gallery if len({one["category"] for one in item.facts.get("objects", ())}) > 1]
    return found[:: max(1, len(found) // most)][:most]


def test_the_cells_of_a_photo_add_up_to_its_score_but_for_the_heads_bias(photos):
    """The bias, W2 (gate * b1) + b2 + b over the length, hardly depends on the photo."""
    encoder = photos.system.encoder(Modality.PHOTO)
    rest = []
    for item in scenes(photos, 8):
        cells = encoder.cells(photos.gallery.thumbnail(item.id))  # (7, 7, 256)
        rest.append(encoder.encode([photos.gallery.thumbnail(item.id)])[0] - cells.sum((0, 1)))
    assert np.linalg.norm(rest, axis=1).max() < 0.1  # of a vector of length 1


@pytest.mark.slow
def test_the_cell_that_counts_most_is_in_the_box_of_the_thing_that_was_asked_for(photos):
    """The pointing game (Zhang et al. 2016), over cells that the box touches; chance is the share of such cells."""
    hits, chances = [], []
    for item in scenes(photos, 110):
        for thing in item.facts["objects"]:
            name = thing["category"].partition("_(")[0].replace("_", " ")
            found = photos.explain_map(Query.of(text=f"a {name}"), item.id)
            rows, columns = found.shape
            left, top, right, bottom = thing["box"]
            across = (np.arange(columns) < right * columns) & (np.arange(1, columns + 1) > left * columns)
            down = (np.arange(rows) < bottom * rows) & (np.arange(1, rows + 1) > top * rows)
            inside = np.outer(down, across)
            hits.append(inside.ravel()[found.argmax()])
            chances.append(inside.mean())
    assert np.mean(chances) < 0.35
    assert np.mean(hits) >= 0.75


@pytest.mark.parametrize("name", ["iaprtc12-hashing", "sketchy-gan"])
def test_a_system_whose_vectors_cannot_be_split_says_so(name, photos):
    item = next(iter(photos.gallery))
    with pytest.raises(BadInput, match="cannot tell which parts"):
        checkpoint.load(name).encoder(Modality.PHOTO).cells(photos.gallery.thumbnail(item.id))


def test_a_piece_that_was_changed_is_refused(tmp_path, photos):
    folder = tmp_path / "tri"
    shutil.copytree(checkpoint.ROOT / "tri", folder)
    with (folder / "photo-cells.onnx").open("ab") as file:
        file.write(b"\0")
    system = checkpoint.load(folder)
    with pytest.raises(BadInput, match="changed"):
        system.encoder(Modality.PHOTO).cells(photos.gallery.thumbnail(next(iter(photos.gallery)).id))
