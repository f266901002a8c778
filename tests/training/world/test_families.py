"""Every class of the rendered world builds, stands on the ground, and keeps its shape when it is painted anew."""

import numpy as np
import pytest
import torch

from training.world.families import families
from training.world.sdf import SHARP, Shape, polygon_distance, smooth_outline, soft_minimum, toward, turn

FAMILIES = families()


def looks(family):
    """Every colour, material and pose of a family at least once."""
    longest = max(len(family.colours), len(family.materials), len(family.poses))
    for i in range(longest):
        yield (
            family.colours[i % len(family.colours)],
            family.materials[i % len(family.materials)] if family.materials else None,
            family.poses[i % len(family.poses)] if family.poses else None,
        )


@pytest.mark.parametrize("name", FAMILIES)
def test_every_instance_builds_to_unit_size_on_the_ground(name):
    for seed, (colour, material, pose) in enumerate(looks(FAMILIES[name])):
        field = FAMILIES[name].shape(seed, colour, material, pose).field()
        size = field.high - field.low
        assert size.max() == pytest.approx(1, abs=1e-4)
        assert field.low[1] == pytest.approx(0, abs=1e-4)
        middle = (field.low + field.high)[:, None] / 2
        points = middle + (torch.rand(3, 4000, generator=torch.Generator().manual_seed(seed)) - 0.5) * size[:, None]
        assert (field.distance(points) < 0).any() or size.min() < 0.1  # something solid is inside its own box


@pytest.mark.parametrize("name", FAMILIES)
def test_an_instance_keeps_its_shape_in_another_colour(name):
    family = FAMILIES[name]
    material = family.materials[0] if family.materials else None
    pose = family.poses[0] if family.poses else None
    points = torch.rand(3, 500, generator=torch.Generator().manual_seed(0)) - torch.tensor([[0.5], [0], [0.5]])
    one, other = (
        family.shape(3, colour, material, pose).field().distance(points)
        for colour in (family.colours[0], family.colours[-1])
    )
    assert torch.equal(one, other)


def test_classes_are_named_as_in_sketchy():
    assert len(FAMILIES) >= 32
    assert all(name == name.strip().lower() for name in FAMILIES)


def ball(radius=0.5):
    shape = Shape()
    shape.material((1, 0, 0))
    shape.part("ball").ball((0, 0, 0), radius)
    return shape


POINTS = torch.rand(3, 200, generator=torch.Generator().manual_seed(1)) * 4 - 2


def test_a_ball_measures_the_distance_to_a_sphere():
    assert torch.allclose(ball().field(normalise=False).distance(POINTS), POINTS.norm(dim=0) - 0.5, atol=1e-5)


@pytest.mark.parametrize(
    "add",
    [
        lambda p: p.box((0.1, 0.2, 0), (0.5, 0.3, 0.2), turned=turn(y=30)),
        lambda p: p.cone((0, -0.4, 0), (0.1, 0.5, 0.2), 0.4, 0.1),
        lambda p: p.limb((0, -0.4, 0), (0.1, 0.5, 0.2), 0.3, 0.1),
        lambda p: p.ring((0, 0, 0), 0.5, 0.1, turned=turn(x=40)),
        lambda p: p.ring((0, 0, 0), 0.5, 0.1, arc=120),
        lambda p: p.plate((0, 0, 0), smooth_outline([(-0.5, -0.3), (0.5, -0.2), (0.3, 0.4), (-0.2, 0.1)]), 0.1),
        lambda p: p.lathe((0, 0, 0), [(0, -0.5), (0.4, -0.4), (0.2, 0.1), (0.3, 0.5), (0, 0.5)]),
        lambda p: p.ellipsoid((0, 0, 0), (0.5, 0.3, 0.2), turned=turn(z=20)),
    ],
    ids=["box", "cone", "limb", "ring", "arc", "plate", "lathe", "ellipsoid"],
)
def test_a_step_of_the_distance_never_jumps_through_a_surface(add):
    """At a distance d outside, no point nearer than d is inside (a tracer steps 0.9 d)."""
    shape = Shape()
    shape.material((1, 1, 1))
    add(shape.part("solid"))
    field = shape.field(normalise=False)
    d = field.distance(POINTS)
    rays = torch.nn.functional.normalize(torch.randn(3, 64, generator=torch.Generator().manual_seed(2)), dim=0)
    for i in (d > 0.02).nonzero()[:40, 0]:
        reached = field.distance(POINTS[:, i : i + 1] + rays * d[i] * 0.9)
        assert (reached > -2 * SHARP - 0.01).all()


@pytest.mark.parametrize(
    "fill", [lambda part: None, lambda part: part.ball((0, 0, 0), 0.2, carve=True)], ids=["empty", "only carved"]
)
def test_a_part_without_a_solid_primitive_is_refused_by_its_name(fill):
    shape = Shape()
    shape.material((1, 1, 1))
    shape.part("hull").ball((0, 0, 0), 0.5)
    fill(shape.part("portholes"))
    with pytest.raises(ValueError, match="'portholes' holds no solid primitive"):
        shape.field()


def test_a_mirrored_primitive_has_its_twin_across_the_middle():
    shape = Shape()
    shape.material((1, 1, 1))
    shape.part("wings").box((0.2, 0.1, 0.6), (0.3, 0.05, 0.2), turned=turn(x=25, y=15), mirror=True)
    field = shape.field(normalise=False)
    flipped = POINTS * torch.tensor([[1.0], [1.0], [-1.0]])
    assert torch.allclose(field.distance(POINTS), field.distance(flipped), atol=1e-4)


def test_polygon_distance_is_that_of_a_square():
    square = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)], float)
    points = np.random.default_rng(0).uniform(-2, 2, (100, 2))
    q = np.abs(points) - 1
    expected = np.linalg.norm(np.maximum(q, 0), axis=1) + np.minimum(q.max(axis=1), 0)
    assert np.allclose(polygon_distance(points, square), expected)


def test_the_seam_of_a_blend_shares_both_materials():
    shape = Shape()
    red, blue = shape.material((1, 0, 0)), shape.material((0, 0, 1))
    part = shape.part("pair", blend=0.1)
    part.ball((-0.3, 0, 0), 0.4, red)
    part.ball((0.3, 0, 0), 0.4, blue)
    _, share = shape.field(normalise=False).surface(torch.tensor([[0.0, -0.7, 0.7], [0.27, 0, 0], [0, 0, 0]]))
    assert torch.allclose(share.sum(dim=0), torch.ones(3), atol=1e-5)
    assert share[:, 0] == pytest.approx([0.5, 0.5], abs=1e-3)
    assert share[red, 1] > 0.9 and share[blue, 2] > 0.9


def test_turns_compose_about_x_then_y_then_z():
    assert np.allclose(turn(x=90) @ (0, 1, 0), (0, 0, 1))
    assert np.allclose(turn(x=90, y=90) @ (0, 1, 0), (1, 0, 0))
    assert np.allclose(toward((1, 2, 3)) @ (0, 1, 0), np.array([1, 2, 3]) / np.sqrt(14))


@pytest.mark.parametrize("k", [SHARP, 0.05])
def test_the_soft_minimum_is_torchs_log_of_sums_of_exponentials(k):
    distances = torch.randn(6, 500, generator=torch.Generator().manual_seed(0))
    before = distances.clone()
    assert torch.allclose(soft_minimum(distances, k), -k * torch.logsumexp(distances / -k, dim=0), atol=1e-6)
    assert torch.equal(distances, before)
