"""The picture of queries and answers: a row a query, what matches in a green frame, a detector's boxes on the query."""

import argparse

import numpy as np
import pytest
from PIL import Image

from tests.conftest import pictures, write_checkpoint
from training.release import show
from xmr.evaluation import Comparison, Protocol
from xmr.modality import BadInput, Item, Modality

PHOTO, TEXT = Modality.PHOTO, Modality.TEXT


@pytest.fixture
def shown(tmp_path, monkeypatch):
    """Runs the command on the six photos of the tiny gallery and a caption of each; gives the picture."""
    write_checkpoint(tmp_path / "tiny")
    items = []
    for id, image, colour in pictures():
        image.save(tmp_path / f"{id}.png")
        labels = frozenset({f"class:{colour}"})
        items.append(Item(id, PHOTO, tmp_path / f"{id}.png", labels))
        items.append(Item(f"{id}#0", TEXT, f"a {colour} photo", labels, "en"))
    text, photo = (TEXT, "en"), (PHOTO, None)
    asked = (
        Comparison("a", text, photo, "class", ()),
        Comparison("b", text, photo, "class", ()),
        Comparison("c", photo, text, "class", ()),
    )

    def shown(items=items, **changes) -> Image.Image:
        monkeypatch.setattr(show, "find", lambda name: Protocol(name, "", lambda split: items, asked))
        parser = argparse.ArgumentParser()
        show.add_arguments(parser)
        args = parser.parse_args(
            [
                "tiny",
                "--protocol",
                "p",
                "--queries",
                "2",
                "--photos",
                "3",
                "--checkpoints",
                str(tmp_path),
                "--out",
                str(tmp_path / "out"),
            ]
        )
        show.run(argparse.Namespace(**vars(args) | changes))
        return Image.open(tmp_path / "out" / "tiny.png").convert("RGB")

    return shown


def test_each_kind_of_query_has_its_rows_and_what_matches_a_green_frame(shown):
    step = show.CELL + show.GAP
    page = shown()
    assert page.size == (4 * step + show.GAP, 4 * step + show.GAP)  # two captions and two photos, three answers each
    pixels = np.asarray(page)
    for row in range(4):
        framed = [
            (pixels[show.GAP + row * step, show.GAP + column * step + 40] == show.RIGHT).all() for column in range(1, 4)
        ]
        assert framed[:2] == [True, True] and not framed[2]  # two of the six are of the query's colour


def test_boxes_are_drawn_on_the_photos_that_ask(shown, monkeypatch):
    monkeypatch.setattr(
        show, "proposed", lambda run, photos, count: {p.id: np.array([[0.25, 0.25, 0.75, 0.75]]) for p in photos}
    )
    pixels, step = np.asarray(shown(proposals=1)), show.CELL + show.GAP
    yellow = (pixels == show.PROPOSED).all(2)
    assert yellow[2 * step :, :step].any() and not yellow[: 2 * step].any() and not yellow[:, step:].any()


def test_a_protocol_without_anything_to_ask_is_named(shown):
    with pytest.raises(BadInput, match="no query that tiny takes"):
        shown(items=[])
