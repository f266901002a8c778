"""The canvas's JSON: strokes in order, where they are shown, less what the eraser took; and back."""

from __future__ import annotations

import json
import random
import tracemalloc

import numpy as np
import pytest

from pages.widgets.canvas import MAX_POINTS, MAX_STROKES, canvas_drawing, drawing_from_canvas
from tests.xmr.preprocess.test_sketch import HOUSE
from xmr.modality import BadInput, Drawing
from xmr.preprocess import sketch_input


def path(points: list, pen: float = 4, stroke: str = "#000000", **more) -> dict:
    """A stroke as fabric.js 7 writes it: midpoints joined by quadratics, placed by its middle."""
    points = np.array(points, float)
    middles = (points[:-1] + points[1:]) / 2
    commands = [["M", *points[0]]]
    commands += [["Q", *at, *middle] for at, middle in zip(points[:-1], middles, strict=True)]
    commands += [["L", *points[-1]]]
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    extent = np.ptp(points, axis=0)
    return {
        "type": "Path",
        "version": "7.4.0",
        "originX": "center",
        "originY": "center",
        "left": middle[0],
        "top": middle[1],
        "width": extent[0],
        "height": extent[1],
        "stroke": stroke,
        "strokeWidth": pen,
        "fill": None,
        "scaleX": 1,
        "scaleY": 1,
        "angle": 0,
        "flipX": False,
        "flipY": False,
        "path": commands,
        **more,
    }


def strokes_of(*objects: dict) -> list[np.ndarray]:
    return list(drawing_from_canvas({"version": "7.4.0", "objects": list(objects), "background": ""}).strokes)


def test_canvas_strokes_come_in_order_with_their_coordinates():
    first, second = strokes_of(path([[10, 10], [50, 10], [90, 10]]), path([[20, 30], [20, 80]]))
    assert first[0].tolist() == [10, 10] and first[-1].tolist() == [90, 10] and (first[:, 1] == 10).all()
    assert second[0].tolist() == [20, 30] and second[-1].tolist() == [20, 80]


def test_a_path_without_a_place_keeps_its_coordinates():
    (stroke,) = strokes_of({"type": "path", "stroke": "black", "path": [["M", 1, 2], ["L", 5, 2], ["L", 5, 9]]})
    assert stroke[[0, -1]].tolist() == [[1, 2], [5, 9]]


def test_a_stroke_moved_scaled_mirrored_and_turned_is_where_the_canvas_shows_it():
    line = [[0, 0], [20, 0], [40, 0]]
    (moved,) = strokes_of(path(line, left=120, top=70))
    assert np.allclose(moved[[0, -1]], [[100, 70], [140, 70]])
    (corner,) = strokes_of(path(line, originX="left", originY="top", left=98, top=68))  # the corner of the ink
    assert np.allclose(corner[[0, -1]], [[100, 70], [140, 70]])
    (larger,) = strokes_of(path(line, scaleX=2, scaleY=2))
    assert np.allclose(larger[[0, -1]], [[-20, 0], [60, 0]])
    (mirrored,) = strokes_of(path(line, flipX=True))
    assert np.allclose(mirrored[[0, -1]], [[40, 0], [0, 0]])
    (turned,) = strokes_of(path(line, angle=90))  # clockwise: what pointed right points down
    assert np.allclose(turned[[0, -1]], [[20, -20], [20, 20]])


def test_the_eraser_cuts_a_stroke_in_two():
    eraser = path([[50, 0], [50, 20]], pen=20, stroke="#FFFFFF")
    left, right = strokes_of(path([[0, 10], [100, 10]]), eraser)
    assert abs(left[-1, 0] - 40) <= 1.01 and abs(right[0, 0] - 60) <= 1.01
    assert left[0].tolist() == [0, 10] and right[-1].tolist() == [100, 10]


def test_the_eraser_takes_only_what_was_drawn_before_it():
    eraser = path([[50, 0], [50, 20]], pen=20, stroke="rgb(255, 255, 255)")
    assert len(strokes_of(eraser, path([[0, 10], [100, 10]]))) == 1


def test_an_erased_drawing_is_empty_and_refused():
    drawing = drawing_from_canvas({"objects": [path([[0, 0], [9, 0]]), path([[-9, 0], [20, 0]], 30, "white")]})
    assert drawing.strokes == ()
    for empty in (drawing, drawing_from_canvas(None), drawing_from_canvas({"objects": []})):
        with pytest.raises(BadInput, match="empty"):
            sketch_input(empty)


def test_a_click_without_moving_is_a_dot():
    dot = path([[30, 30], [30.001, 30]])
    dot["path"] = [["M", 29.996, 30], ["L", 30.004, 30]]
    assert (sketch_input(Drawing(tuple(strokes_of(path([[0, 0], [200, 200]]), dot)))) < 128).any()


def test_a_drawing_put_on_a_canvas_comes_back_in_the_middle_of_it():
    drawing = Drawing((*HOUSE.strokes, np.array([[30, 50.0]])))
    back = drawing_from_canvas(canvas_drawing(drawing, size=340, pen=5))
    left, top, right, bottom = back.bounds()
    assert bottom - top == pytest.approx(0.84 * 340, abs=0.2) and top + bottom == pytest.approx(340, abs=0.2)
    assert left + right == pytest.approx(340, abs=0.2)
    assert len(back.strokes) == 3 and len(back.strokes[2]) == 1
    assert np.abs(sketch_input(back).astype(int) - sketch_input(drawing)).mean() < 0.5


def test_what_is_no_stroke_is_passed_over():
    assert strokes_of({"type": "Rect", "left": 1, "top": 2}, {"type": "Path", "path": []}) == []


def wander(steps: int, seed: int) -> list:
    """A line that a restless hand draws over a canvas of 340 px."""
    return (np.random.default_rng(seed).normal(0, 3, (steps, 2)).cumsum(axis=0) + 170).clip(0, 340).tolist()


def zigzag(sweeps: int) -> list:
    return [[340 * (n % 2), 340 * n / sweeps] for n in range(sweeps)]


def along(line: np.ndarray) -> np.ndarray:
    """Points a quarter of a pixel apart on a line."""
    pieces = [np.linspace(a, b, 2 + int(4 * np.hypot(*(b - a)))) for a, b in zip(line[:-1], line[1:], strict=True)]
    return np.concatenate([line, *pieces])


@pytest.mark.parametrize("seed", range(6))
def test_all_ink_under_a_later_eraser_is_gone_and_all_other_ink_stays(seed):
    rng = random.Random(seed)
    erases = [rng.random() < 0.4 for _ in range(12)]
    pens = [rng.choice([26, 26, 9, 60]) if eraser else 5 for eraser in erases]
    objects = [
        path(wander(15, 100 * seed + n), pens[n], "white" if eraser else "black") for n, eraser in enumerate(erases)
    ]
    lines = [along(strokes_of({**obj, "stroke": "black"})[0]) for obj in objects]
    left = [along(stroke) for stroke in strokes_of(*objects)]
    drawn = np.concatenate(left) if left else np.full((1, 2), 1e9)

    def apart(points: np.ndarray, others: np.ndarray) -> np.ndarray:
        return np.sqrt(((points[:, None] - others) ** 2).sum(axis=2)).min(axis=1)

    for n, ink in enumerate(lines):
        if erases[n]:
            continue
        later = [apart(ink, lines[m]) - pens[m] / 2 for m in range(n + 1, 12) if erases[m]]
        outside = np.min(later, axis=0) if later else np.full(len(ink), np.inf)
        if (outside > 2.5).any():
            assert apart(ink[outside > 2.5], drawn).max() < 1.5
        others = [line for m, line in enumerate(lines) if m != n and not erases[m]]
        alone = outside < -2.5  # and no other stroke is there, of which something may be left
        alone[alone] = apart(ink[alone], np.concatenate(others)) > 4 if alone.any() and others else alone[alone]
        if alone.any():
            assert apart(ink[alone], drawn).min() > 0.5


def test_strokes_that_no_eraser_met_keep_their_points_and_their_order():
    near, far, later = path([[0, 10], [100, 10]]), path([[0, 200], [90, 210]]), path([[0, 10], [70, 15]])
    eraser = path([[50, 0], [50, 20]], pen=20, stroke="white")
    left, right, second, third = strokes_of(near, far, eraser, later)
    assert left[0].tolist() == [0, 10] and right[-1].tolist() == [100, 10]
    assert second.tolist() == strokes_of(far)[0].tolist() and third.tolist() == strokes_of(later)[0].tolist()


@pytest.mark.parametrize(
    "objects",
    [
        [path(zigzag(240), 5), path(zigzag(240), 26, "white")],
        [path(zigzag(20_000), 5), path(zigzag(5_000), 26, "white")],
        [path(wander(400, n), *((26, "white") if n % 3 == 0 else (5, "black"))) for n in range(62)],
        [path(wander(8, n), *((26, "white") if n % 2 else (5, "black"))) for n in range(5_000)],
        [path(zigzag(9), *((1 + n, "white") if n % 2 else (5, "black"))) for n in range(600)],
        [path([[-1e9, 5], [1e9, 1e9]], 5), path([[-1e9, 5], [3, 1e9]], 1e5, "white"), path(wander(90, 0), 5)],
    ],
    ids=["zigzags", "long zigzags", "100,000 points", "5,000 strokes", "300 widths", "wild"],
)
def test_rubbing_out_takes_bounded_memory_however_much_ink_meets_erasers(objects):
    data = {"objects": json.loads(json.dumps(objects))}
    tracemalloc.start()
    try:
        drawing = drawing_from_canvas(data)
        if drawing.strokes:
            sketch_input(drawing)
        assert tracemalloc.get_traced_memory()[1] < 100e6
    finally:
        tracemalloc.stop()


def test_a_line_of_very_many_points_is_thinned_and_keeps_its_shape():
    circle = np.stack([np.cos(np.linspace(0, 6, 220_000)), np.sin(np.linspace(0, 6, 220_000))], axis=1) * 150 + 170
    commands = [["M", *circle[0].tolist()], *(["L", *point] for point in circle[1:].tolist())]
    (stroke,) = strokes_of({"type": "path", "stroke": "black", "path": commands})
    assert MAX_POINTS / 4 < len(stroke) <= MAX_POINTS + 1
    assert stroke[0].tolist() == circle[0].tolist() and stroke[-1].tolist() == circle[-1].tolist()
    assert np.abs(np.hypot(*(stroke - 170).T) - 150).max() < 0.01
    assert np.abs(np.diff(stroke, axis=0)).max() < 0.1


def test_a_drawing_of_too_many_strokes_is_refused_with_what_to_do():
    dot = {"type": "path", "stroke": "black", "path": [["M", 1, 2], ["L", 1, 3]]}
    assert len(strokes_of(*[dot] * MAX_STROKES)) == MAX_STROKES
    with pytest.raises(BadInput, match="has 10,001 strokes; at most 10,000 are read. Clear it"):
        strokes_of(*[dot] * (MAX_STROKES + 1))


COMMANDS = [["M", 10, 10], ["Q", 20, 10, 30, 10], ["L", 50, 10]]
LINE = {"type": "Path", "stroke": "black", "strokeWidth": 4, "path": COMMANDS}


@pytest.mark.parametrize(
    "data",
    [
        None,
        7,
        "objects",
        [],
        {},
        {"objects": None},
        {"objects": {"0": LINE}},
        {"objects": [None, 7, [], "path", {"type": ["path"]}, {"type": "path", "path": "M 0 0"}]},
        {"objects": [{"type": "path", "path": [None, [], ["M"], ["M", "x", "y"], [[], 1, 2], 7]}]},
    ],
)
def test_json_without_a_stroke_gives_an_empty_drawing(data):
    assert drawing_from_canvas(data).strokes == ()


@pytest.mark.parametrize("wrong", ["5", None, [], {}, float("nan"), float("inf"), 1e308, 10**400, True, [[[]]]])
def test_a_wrong_value_anywhere_costs_at_most_its_own_stroke(wrong):
    other = {**LINE, "path": [["M", 0, 90], ["L", 40, 90]]}
    spoilt = [{**LINE, key: wrong} for key in (*LINE, "left", "top", "scaleX", "scaleY", "angle", "originX", "flipX")]
    spoilt += [
        {**LINE, "path": [["M", 10, 10], command, ["L", 50, 10]]}
        for command in (["Q", wrong, 10, 30, 10], ["L", 5, wrong], [wrong, 1, 2], wrong)
    ]
    for obj in spoilt:
        *_, last = drawing_from_canvas({"objects": [{**LINE, "left": 0, "top": wrong}, obj, other]}).strokes
        assert last.tolist()[0] == [0, 90] and last.tolist()[-1] == [40, 90]
        eraser = {**obj, "stroke": "white"}
        for stroke in drawing_from_canvas({"objects": [other, eraser]}).strokes:
            assert np.isfinite(stroke).all()


def test_a_command_that_is_no_numbers_is_passed_over_and_the_rest_of_its_stroke_kept():
    unsound = [["L", None, 7], ["L", float("nan"), 7], ["C", 1, 2, 3, 4, 5, 6], ["L", 9]]
    (stroke,) = strokes_of({**LINE, "path": [["M", 1, 2], *unsound, ["L", 5, 2, "more"]]})
    assert stroke[0].tolist() == [1, 2] and stroke[-1].tolist() == [5, 2] and (stroke[:, 1] == 2).all()


def test_scrambled_json_is_read_or_refused_but_never_crashes():
    rng = random.Random(0)
    values = [None, True, -1, 0, 1e308, float("nan"), float("-inf"), 10**400, "white", "", [], {}, ["M", 1, 2], [[]]]

    def scramble(value):
        if rng.random() < 0.04:
            return rng.choice(values)
        if isinstance(value, dict):
            return {rng.choice(list(value)) if rng.random() < 0.03 else key: scramble(v) for key, v in value.items()}
        if isinstance(value, list):
            kept = [scramble(v) for v in value if rng.random() > 0.02]
            return kept * 3 if rng.random() < 0.02 else kept
        return value

    whole = {"version": "7.4.0", "objects": [path(wander(6, n), 20, "white" if n % 2 else "black") for n in range(6)]}
    whole = json.loads(json.dumps(whole))
    opened = 0
    for _ in range(300):
        drawing = drawing_from_canvas(scramble(whole))
        if drawing.strokes:
            opened += 1
            assert sketch_input(drawing).shape == (224, 224)
    assert opened > 150
