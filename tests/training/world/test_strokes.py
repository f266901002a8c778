from types import SimpleNamespace

import numpy as np
import pytest

from training.world.lines import CANVAS, DETAIL, OCCLUSION, SILHOUETTE, edges, outline
from training.world.sdf import Shape
from training.world.strokes import DRAWING_STYLES, MARGIN, _simplified, _turning_angles, sketch
from training.world.trace import Camera, trace


def view(build, eye, size=128, focal=2.0, target=(0.0, 0.5, 0.0)):
    shape = Shape()
    shape.material((0.5, 0.5, 0.5))
    shape.material((0.1, 0.1, 0.1))
    build(shape)
    camera = Camera(tuple(eye), tuple(target), focal)
    return trace(shape.field(normalise=False), camera, size, size), camera


def ball(shape):
    shape.part("ball").ball((0, 0.5, 0), 0.5)


def crate(shape):
    shape.part("crate").box((0, 0.5, 0), (0.5, 0.5, 0.5))


def creature(shape):
    body = shape.part("body", blend=0.05)
    body.ellipsoid((0, 0.45, 0), (0.5, 0.22, 0.2))
    body.limb((0.3, 0.4, 0.12), (0.32, 0.0, 0.12), 0.06, mirror=True)
    body.limb((-0.3, 0.4, 0.12), (-0.32, 0.0, 0.12), 0.06, mirror=True)
    shape.part("head").ball((0.5, 0.75, 0), 0.2)
    shape.part("eyes").ball((0.6, 0.8, 0.15), 0.035, m=1, mirror=True)


@pytest.fixture(scope="module")
def beast():
    return view(creature, (1.5, 1.2, 3.0))[0]


def distance_to(lines, points):
    """(n,) distance of points to the nearest of some (densely sampled) lines."""
    dense = []
    for line in lines:
        for a, b in zip(line[:-1], line[1:], strict=True):
            dense += [a + (b - a) * t for t in np.linspace(0, 1, 9)]
    dense = np.array(dense)
    return np.array([np.hypot(*(dense - p).T).min() for p in points])


def test_outline_of_a_ball_is_one_closed_circle():
    buffer, camera = view(ball, (3.0, 0.5, 0.0), size=256)
    lines = outline(buffer)
    assert len(lines) == 1 and lines[0].closed and lines[0].kind == SILHOUETTE
    # A ball of radius r at distance d is seen under the angle asin(r / d).
    radius = camera.focal * np.tan(np.arcsin(0.5 / 3.0)) * CANVAS
    assert np.abs(np.hypot(*(lines[0].points - CANVAS / 2).T) - radius).max() < 1.5


def test_a_ball_off_the_axis_is_drawn_where_it_is():
    buffer, camera = view(ball, (3.0, 0.5, 0.0), size=96, focal=1.5, target=(0.0, 0.3, 0.2))
    middle = camera.project(np.array([[0, 0.5, 0]]))[0, :2] * CANVAS
    points = outline(buffer)[0].points
    assert np.abs((points.min(axis=0) + points.max(axis=0)) / 2 - middle).max() < 4


def test_a_crate_shows_its_three_inner_edges():
    buffer, camera = view(crate, (2.2, 2.2, 1.8), size=192)
    lines = [line.points for line in outline(buffer)]
    near = np.array([0.5, 1.0, 0.5])
    for axis, end in ((0, -0.5), (1, 0.0), (2, -0.5)):
        far = near.copy()
        far[axis] = end
        along = near + np.linspace(0.1, 0.9, 15)[:, None] * (far - near)
        assert distance_to(lines, camera.project(along)[:, :2] * CANVAS).max() < 3


def test_a_plate_seen_at_a_glance_has_no_edge_across_it():
    def plate(shape):
        shape.part("plate").box((0, 0.5, 0), (0.8, 0.05, 0.8))

    buffer, camera = view(plate, (3.0, 0.95, 0.4), focal=1.4, size=192)
    lines = [line.points for line in outline(buffer)]
    x, z = np.meshgrid(np.linspace(-0.4, 0.4, 9), np.linspace(-0.5, 0.5, 9))
    top = np.stack([x, np.full_like(x, 0.55), z], axis=-1).reshape(-1, 3)
    assert distance_to(lines, camera.project(top)[:, :2] * CANVAS).min() > 3


def test_a_ball_before_a_wall_is_occlusion():
    def build(shape):
        shape.part("both").ball((0.8, 0.5, 0), 0.2)
        shape.parts[0].box((0, 0.5, 0), (0.05, 0.5, 0.5))

    kinds = edges(view(build, (3.0, 0.5, 0.0))[0])
    assert (kinds == OCCLUSION).sum() > 30


def test_eyes_become_small_loops(beast):
    eyes = [line for line in outline(beast) if line.closed and line.kind == DETAIL]
    assert len(eyes) == 1 and 10 < eyes[0].length < 40  # the other eye is on the far side


def test_the_same_rng_draws_the_same(beast):
    for hand in DRAWING_STYLES:
        a, b, c = (sketch(beast, hand, np.random.default_rng(seed)) for seed in (5, 5, 6))
        assert len(a) == len(b) and all(np.array_equal(p, q) for p, q in zip(a, b, strict=True))
        assert len(a) != len(c) or any(
            p.shape != q.shape or not np.array_equal(p, q) for p, q in zip(a, c, strict=True)
        )


@pytest.mark.parametrize("hand", DRAWING_STYLES)
def test_strokes_stay_on_the_canvas_and_are_few(beast, hand):
    for seed in range(8):
        strokes = sketch(beast, hand, np.random.default_rng(seed))
        assert 1 <= len(strokes) <= 60
        for stroke in strokes:
            assert stroke.ndim == 2 and stroke.shape[1] == 2 and len(stroke) >= 2
            assert np.isfinite(stroke).all() and stroke.min() >= MARGIN and stroke.max() <= CANVAS - MARGIN


@pytest.mark.parametrize("hand", DRAWING_STYLES)
@pytest.mark.parametrize("distance", [8.0, 25.0, 60.0])
def test_even_a_tiny_thing_gets_a_stroke(hand, distance):
    buffer, _ = view(ball, (distance, 0.5, 0.0), size=96)
    for seed in range(4):
        assert len(sketch(buffer, hand, np.random.default_rng(seed))) >= 1


def test_a_thing_that_fills_the_view_gets_a_stroke():
    buffer, _ = view(crate, (0.9, 0.5, 0.0), size=32)
    assert (buffer.part >= 0).all()
    assert len(sketch(buffer, "doodle", np.random.default_rng(0))) >= 1


def test_a_careful_hand_keeps_closer_to_the_thing_than_a_doodle(beast):
    lines = [line.points for line in outline(beast)]
    off = {
        hand: np.mean(
            [distance_to(lines, np.concatenate(sketch(beast, hand, np.random.default_rng(s)))).mean() for s in range(4)]
        )
        for hand in ("careful", "doodle")
    }
    assert off["careful"] < 4 and off["careful"] < off["doodle"]


def test_a_marker_shows_less_than_a_careful_hand(beast):
    count = {
        hand: np.mean([len(sketch(beast, hand, np.random.default_rng(s))) for s in range(8)])
        for hand in ("careful", "marker")
    }
    assert count["marker"] < count["careful"]


def test_an_empty_view_and_an_unknown_hand_are_refused(beast):
    nothing = SimpleNamespace(
        depth=np.full((8, 8), np.inf),
        normal=np.zeros((8, 8, 3)),
        part=np.full((8, 8), -1),
        share=np.zeros((1, 0)),
        hit=np.zeros(0, int),
    )
    for act in (edges, outline, lambda g: sketch(g, "doodle", np.random.default_rng(0))):
        with pytest.raises(ValueError, match="nothing to draw"):
            act(nothing)
    with pytest.raises(ValueError, match="careful"):
        sketch(beast, "hasty", np.random.default_rng(0))


def test_simplified_line_leaves_no_point_further_than_the_slack():
    t = np.linspace(0, 6, 200)
    line = np.stack([40 * t, 30 * np.sin(t) + 5 * np.sin(7 * t)], axis=1)
    simple = _simplified(line, 2.0)
    assert len(simple) < len(line) / 4 and np.array_equal(simple[[0, -1]], line[[0, -1]])
    assert distance_to([simple], line).max() < 2.0 + 1.0  # the samples of the slow distance are up to 1 apart


def test_bend_is_sharpest_at_the_corner():
    leg = np.linspace(0, 1, 20)[:, None]
    line = np.concatenate([leg * (20.0, 0.0), (20.0, 0.0) + leg[1:] * (0.0, 20.0)])
    bends = _turning_angles(line, 4)
    assert bends.argmax() == 19 and abs(bends.max() - 90) < 1e-6
