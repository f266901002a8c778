"""An SVG file becomes the strokes that it shows; a hostile one does no harm."""

from __future__ import annotations

import time

import numpy as np
import pytest

from xmr.modality import BadInput, Drawing
from xmr.preprocess import open_picture, open_sketch
from xmr.preprocess.svg import read_svg


def svg(inside: str, attributes: str = 'viewBox="0 0 100 100"', before: str = "") -> bytes:
    return f'{before}<svg xmlns="http://www.w3.org/2000/svg" {attributes}>{inside}</svg>'.encode()


def strokes(inside: str, **given) -> list[np.ndarray]:
    return list(read_svg(svg(inside, **given)).strokes)


def test_lines_of_a_path_are_its_strokes():
    one, other = strokes('<path d="M5 40H20L32 22 M1 2v3z" fill="none" stroke="black"/>')
    assert one.tolist()[0] == [5, 40] and one.tolist()[-1] == [32, 22] and [20, 40] in one.tolist()
    assert other.tolist()[0] == other.tolist()[-1] == [1, 2]


def test_curves_run_through_the_points_that_their_formula_gives():
    (curve,) = strokes('<path d="M0 0C0 10 10 10 10 0"/>')
    t = np.linspace(0, 1, len(curve))
    assert np.allclose(curve, np.column_stack([10 * (3 * t**2 - 2 * t**3), 30 * t * (1 - t)]))
    for arc in strokes(
        '<path d="M0 5A5 5 0 0 1 10 5"/><circle cx="5" cy="5" r="5"/><ellipse cx="5" cy="5" rx="5" ry="5"/>'
    ):
        assert np.allclose(np.hypot(*(arc - 5).T), 5, atol=0.02)


def test_shapes_groups_and_uses_are_moved_by_their_transforms():
    inside = (
        '<defs><path id="a" d="M0 0L1 0"/></defs><g transform="translate(10 20)"><line x2="3"/>'
        '<use href="#a" x="5" transform="scale(2)"/></g><polygon points="0,0 4,0 4,4"/><rect width="2" height="3"/>'
    )
    line, used, polygon, rect = strokes(inside)
    assert line.tolist() == [[10, 20], [13, 20]] and used.tolist() == [[20, 20], [22, 20]]
    assert polygon.tolist() == [[0, 0], [4, 0], [4, 4], [0, 0]] and np.ptp(rect, axis=0).tolist() == [2, 3]


@pytest.mark.parametrize(
    "unseen",
    [
        '<rect width="100%" height="100%" fill="#ccc"/>',
        '<rect width="50" height="50" fill="white"/>',
        '<path d="M0 0L9 9" fill="none"/>',
        '<g display="none"><path d="M0 0L9 9"/></g>',
        '<g style="visibility:hidden"><path d="M0 0L9 9"/></g>',
        '<path opacity="0" d="M0 0L9 9"/>',
        "<text>hello</text><script>alert(1)</script><style>path{}</style>",
        '<image href="http://localhost:1/a.png" width="9" height="9"/><use href="file:///etc/passwd"/><use href="#b"/>',
        '<path d="M0 0L nan 3"/><path d="hello"/><path d="M0 0 L 1e400 3"/><polygon points=""/>',
        "",
    ],
)
def test_what_nobody_would_see_is_no_stroke(unseen):
    assert len(strokes(unseen + '<path d="M0 0L5 5"/>')) == 1
    with pytest.raises(BadInput, match="has no line in it"):
        strokes(unseen)


BOMB = "<!DOCTYPE svg [<!ENTITY a 'aaaaaaaaaa'><!ENTITY b '&a;&a;&a;&a;&a;&a;&a;&a;&a;'>]>"
FILE = "<!DOCTYPE svg [<!ENTITY a SYSTEM 'file:///etc/passwd'>]>"
TWICE = "".join(f'<g id="g{n + 1}"><use href="#g{n}"/><use href="#g{n}"/></g>' for n in range(30))


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (svg("<text>&b;</text>", before=BOMB), "entities"),
        (svg("<text>&a;</text>", before=FILE), "entities"),
        (svg('<path id="g0" d="M0 0L1 1"/>' + TWICE), "too many parts"),
        (svg('<g id="a"><use href="#a"/></g>'), "too many parts"),
        (svg("<g>" * 5_000 + '<path d="M0 0L1 1"/>' + "</g>" * 5_000), "too many parts"),
        (svg(f'<path d="M0 0{"L1 1" * 50_000}"/>'), "too many points"),
        (svg('<path d="M0 0L1 1"/>')[:-4], "damaged"),
        (svg("") + b" " * 5_000_000, "5 MB"),
    ],
)
def test_a_hostile_file_is_refused_soon(data, said):
    start = time.perf_counter()
    with pytest.raises(BadInput, match=said):
        read_svg(data)
    assert time.perf_counter() - start < 20


def test_svg_is_opened_as_a_sketch_and_not_as_a_photo(tmp_path):
    path = tmp_path / "a.svg"
    path.write_bytes(svg('<path d="M0 0L5 5"/>'))
    for source in (path, str(path), path.read_bytes()):
        assert isinstance(open_sketch(source), Drawing)
    with open(path, "rb") as file:
        assert isinstance(open_sketch(file), Drawing) and not file.closed
    with pytest.raises(BadInput, match="an SVG drawing"):
        open_picture(path)
    with pytest.raises(BadInput, match="There is no file"):
        open_sketch(tmp_path / "b.svg")
