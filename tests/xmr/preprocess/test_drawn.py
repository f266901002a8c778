"""Drawings are told from photographs, however they were brought."""

import numpy as np
import pytest
from PIL import Image

from tests.xmr.preprocess.test_page import image, page
from tests.xmr.preprocess.test_sketch import HOUSE, as_picture
from xmr.gallery import DEMO
from xmr.preprocess import is_drawing, read_drawing


@pytest.mark.parametrize(
    "drawing",
    [
        as_picture(HOUSE, 256, 2),
        image(0.9 - 0.8 * page()),
        image(0.2 + 0.7 * page()),
        image((0.9 - 0.8 * page()) * np.linspace(0.5, 1, 800)),
        read_drawing(as_picture(HOUSE, 256, 2)),
    ],
)
def test_lines_on_a_ground_are_a_drawing(drawing):
    assert is_drawing(drawing)


def test_most_photos_of_the_demo_gallery_are_none():
    thumbs = sorted((DEMO / "thumbs").glob("*.webp"))[::100]
    assert np.mean([is_drawing(Image.open(path)) for path in thumbs]) < 0.2
