"""A drawing survives its way through an address; what is no drawing is refused in a sentence."""

import zlib
from base64 import urlsafe_b64encode

import numpy as np
import pytest

from pages.widgets.canvas import canvas_drawing, drawing_from_canvas
from pages.widgets.strokes import LONGEST, from_text, to_text
from xmr.gallery import DEMO, Gallery
from xmr.modality import BadInput, Drawing
from xmr.preprocess import sketch_input


def circle(x: float, y: float, radius: float, points: int = 200) -> np.ndarray:
    turn = np.linspace(0, 2 * np.pi, points)
    return np.stack([x + radius * np.cos(turn), y + radius * np.sin(turn)], axis=1)


def distance(points: np.ndarray, line: np.ndarray) -> float:
    """The largest distance of some points from a polyline: a loop over its pieces."""
    best = np.full(len(points), np.inf)
    for start, end in zip(line, line[1:], strict=False):
        along = end - start
        share = ((points - start) @ along / max(along @ along, 1e-9)).clip(0, 1)
        best = np.minimum(best, np.linalg.norm(points - (start + share[:, None] * along), axis=1))
    return float(best.max())


def test_strokes_keep_their_order_and_their_place_to_a_unit():
    drawn = (circle(200, 200, 120), np.array([[10.0, 400.0], [410.0, 20.0]]), circle(-30, 430, 25))
    back = from_text(to_text(Drawing(drawn))).strokes
    assert len(back) == 3
    for there, here in zip(back, drawn, strict=True):
        assert distance(here, there) < 1 and distance(there, here) < 1


def test_a_dot_stays_a_dot_and_no_stroke_no_text():
    (dot,) = from_text(to_text(Drawing((np.array([[7.0, 9.0]]),)))).strokes
    assert dot.tolist() == [[7.0, 9.0]] and to_text(Drawing(())) == ""


def test_every_example_is_a_short_text_and_looks_the_same_to_a_system():
    with Gallery.open(DEMO) as gallery:
        examples = list(gallery.examples().values())
    assert examples
    for drawing in examples:
        shown = drawing_from_canvas(canvas_drawing(drawing, 420, 6))
        text = to_text(shown)
        assert len(text) <= LONGEST and text.replace("-", "").replace("_", "").isalnum()
        back = drawing_from_canvas(canvas_drawing(from_text(text), None, 6))
        assert np.abs(sketch_input(back).astype(float) - sketch_input(shown)).mean() < 3  # of 255


def test_a_long_drawing_is_simplified_until_it_fits_and_an_endless_one_has_no_text():
    rng = np.random.default_rng(0)
    across = np.arange(0, 400, 4.0)
    waves = [np.stack([across, y + rng.normal(0, 0.6, 100).cumsum()], axis=1) for y in range(0, 420, 6)]
    whole, half = Drawing(tuple(waves)), Drawing(tuple(waves[::2]))
    assert 0 < len(to_text(whole)) <= LONGEST
    points = [sum(map(len, from_text(to_text(drawing)).strokes)) for drawing in (whole, half)]
    assert points[0] < 2 * points[1]  # each of its lines has fewer
    assert to_text(Drawing((rng.uniform(0, 420, (20_000, 2)),))) is None


def packed(raw: bytes) -> str:
    return urlsafe_b64encode(zlib.compress(raw, 9)).decode().rstrip("=")


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "äöü",
        "A" * (LONGEST + 1),
        "not a drawing",
        to_text(Drawing((circle(200, 200, 120),)))[:-8],
        packed(b"\x00" * 10_000_000),  # a bomb
        packed(b"\x05\x02\x02"),  # five points, of which one came
        packed(b"\xff\xff\xff\xff\xff\xff\x7f"),
        packed(b"\x02" + b"\xff\xff\x7f" * 4),  # far outside
    ],
)
def test_what_is_no_drawing_is_refused_in_a_sentence(text):
    with pytest.raises(BadInput, match=r"The drawing in this address is damaged\. Ask"):
        from_text(text)
