"""Several things in one picture: where they stand, what the renderer makes of them, and what captions say of them."""

import random
import re
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from training.world import command  # noqa: E402
from training.world.arrange import ALWAYS_SINGLE, ON_TOP, SUPPORTS, Composition, arrange, sample_composition  # noqa: E402
from training.world.captions import COLOURS, LIGHTS, PLACES, POSES, Facts  # noqa: E402
from training.world.families import families  # noqa: E402
from training.world.group import Group, turned  # noqa: E402
from training.world.lexicon import LEXICON  # noqa: E402
from training.world.relations import INVERSE, RELATIONS, relate  # noqa: E402
from training.world.scene import sample_scene  # noqa: E402
from training.world.sdf import Shape  # noqa: E402
from training.world.strokes import sketch  # noqa: E402
from training.world.surface import surface  # noqa: E402
from training.world.trace import Camera, DistanceGrid, trace  # noqa: E402


def _crate(kind: str = "wood"):
    shape = Shape()
    shape.part("crate").box((0, 0.5, 0), (0.5, 0.5, 0.3), shape.material((0.5, 0.3, 0.1), kind))
    return shape.field(normalise=False)


def _two() -> Group:
    return Group(
        [_crate(), _crate("stone")], [0.0, 30.0], [1.0, 0.5], [np.zeros(3), np.array([1.5, 0, 0.4])], [3, 4], 0.0
    )


def _bare(category: str, instance: int, place: str = "studio"):
    """A thing on the ground of a place, whatever its class does by itself."""
    scene = sample_scene(families()[category], instance, instance)
    return replace(scene, place=place, light="sun", stance="ground", hover=0.4)


def test_a_group_is_as_far_as_the_nearest_of_its_things():
    group = _two()
    points = torch.rand(3, 4000, generator=torch.Generator().manual_seed(0)) * 2.6 - 0.6
    crate = _crate()
    local = torch.tensor(turned(30.0), dtype=torch.float32).T @ ((points - torch.tensor([[1.5], [0], [0.4]])) / 0.5)
    exact = torch.minimum(crate.distance(points), crate.distance(local) * 0.5)
    found = group.distance(points)
    assert (found <= exact + 1e-5).all()
    near = exact < 0.15
    assert near.sum() > 50 and torch.allclose(found[near], exact[near], atol=1e-5)


def test_a_group_has_the_surface_of_each_thing_in_its_own_space():
    group = _two()
    points = torch.tensor([[0.0, 1.5], [1.0, 0.5], [0.1, 0.4]])  # on top of the one and of the other
    normals = torch.tensor([[0.0, 0.0], [1.0, 1.0], [0.0, 0.0]])
    part, share = group.surface(points)
    assert part.tolist() == [0, 1] and share.tolist() == [[1, 0], [0, 1]]
    found = group.surfaces(share, points, normals, torch.full((2,), 0.01))
    own = surface(
        _crate("stone").materials,
        torch.ones(1, 1),
        torch.tensor([[0.0], [1.0], [0.0]]),
        normals[:, 1:],
        torch.full((1,), 0.02),
        4,
    )
    assert torch.allclose(found.albedo[:, 1:], own.albedo, atol=1e-5) and torch.equal(found.rough[1:], own.rough)


def test_each_thing_of_a_view_has_a_box_of_its_own():
    group = _two()
    view = trace(group, Camera((0.6, 0.9, 5.0), (0.6, 0.4, 0.0), 1.8), 64, 64)
    left, right = (own.box() for own in group.seen(view))
    assert left[2] <= right[0] and view.box()[0] == left[0] and view.box()[2] == right[2]


def test_a_drawing_of_a_group_shows_every_thing():
    group = _two()
    view = trace(group, Camera((0.6, 0.9, 5.0), (0.6, 0.4, 0.0), 1.8), 96, 96)
    for hand in ("careful", "doodle", "wobbly", "marker"):
        strokes = sketch(view, hand, np.random.default_rng(1), group.first_part[:-1])
        for own in group.seen(view):
            left, top, right, bottom = (256 * x for x in own.box())
            assert any((abs(s.mean(0) - ((left + right) / 2, (top + bottom) / 2)) < 40).all() for s in strokes), hand


@pytest.mark.parametrize("relation", ["beside", "behind", "in front of", "on", "between", None])
def test_things_do_not_cut_into_one_another_and_stand_as_the_relation_says(relation):
    first, second, third = _bare("cup", 1), _bare("table", 2), _bare("chair", 3)
    if relation == "between":
        composition = Composition(first, (second, third), relation, (0,), (1, 2))
    elif relation:
        composition = Composition(first, (second,), relation, (0,), (1,))
    else:
        composition = Composition(first, tuple(_bare("cup", n) for n in (4, 5, 6)))
    group, scene = arrange(composition)
    grids = [DistanceGrid(field, 1 / 18).surface_points() for field in group.fields]
    clouds = [
        (s + k * (t @ torch.tensor(g.T, dtype=torch.float32))).T.numpy()
        for s, k, t, g in zip(group.shifts, group.scales, group.turns, grids, strict=True)
    ]
    for a, cloud in enumerate(clouds):
        for b, field in enumerate(group.fields):
            if a != b:
                inside = field.distance(group.local(b, torch.tensor(cloud.T))) * group.scales[b]
                assert inside.min() > -0.03, (a, b)
    angle = np.radians(scene.azimuth)
    away, right = np.array([-np.cos(angle), -np.sin(angle)]), np.array([np.sin(angle), -np.cos(angle)])
    middles = [(c.min(0) + c.max(0))[[0, 2]] / 2 for c in clouds]
    feet = [c[:, 1].min() for c in clouds]
    if relation == "on":
        assert feet[0] > feet[1] + 0.5 * np.ptp(clouds[1][:, 1])
    else:
        assert max(feet) - min(feet) < 0.06
    if relation in ("behind", "in front of"):
        assert ((middles[0] - middles[1]) @ away > 0) == (relation == "behind")
    if relation == "between":
        sides = [(middles[0] - middle) @ right for middle in middles[1:]]
        assert sides[0] * sides[1] < 0


def test_a_thing_too_flat_to_be_seen_standing_is_not_put_on_another():
    composition = sample_composition(families()["bread"], 6_000_114, 600_011_400, 6_111_400)
    assert composition.relation == "on" and arrange(composition) is None


def test_what_goes_together_shares_a_place_and_an_instance_range():
    for name, family in families().items():
        for seed in range(3):
            composition = sample_composition(family, seed, seed, 500)
            if name in ALWAYS_SINGLE:
                assert composition is None
                continue
            assert 2 <= len(composition.things) <= 4
            kinds = {one.category for one in composition.others}
            assert (kinds == {name}) == (composition.relation is None)
            assert all(500 <= one.instance < 510 for one in composition.others)
            assert len({(one.category, one.instance) for one in composition.things}) == len(composition.things)
            for kind in kinds:
                assert composition.scene.place in (*families()[kind].places, "sky"), (name, kind)
            if composition.relation == "on":
                rider, carrier = (
                    composition.things[k[0]].category for k in (composition.subjects, composition.objects)
                )
                assert rider in ON_TOP[carrier].split() and carrier in SUPPORTS[rider]
            command._captions(composition)  # raises for a word that they do not know


def test_about_a_fifth_of_the_photos_are_crowded_and_none_of_val():
    def share(split):
        jobs = command._plan({split: 40}, list(families()), 48, 0, "cpu")
        return np.mean([job.several for job in jobs])

    assert share("val") == 0
    for split in ("train", "test", "gallery"):
        assert share(split) == pytest.approx(command.SEVERAL_SHARE[split], abs=0.02)


def test_a_line_of_facts_of_several_things(tmp_path, monkeypatch):
    monkeypatch.setitem(command.SEVERAL_SHARE, "test", 1.0)
    (tmp_path / "test" / "photos").mkdir(parents=True)
    row = command.make(command.Job("test", "cup", 0, 0, 0, 64), tmp_path)
    assert row["category"] == row["objects"][0]["category"] == "cup" and row["box"] == row["objects"][0]["box"]
    assert 2 <= len(row["objects"]) <= 4
    for thing in row["objects"]:
        left, top, right, bottom = thing["box"]
        assert right - left > 0.04 and bottom - top > 0.04
    assert [len(set(texts)) for texts in row["captions"].values()] == [5, 5]
    assert row == command.make(command.Job("test", "cup", 0, 0, 0, 64), tmp_path)


def _facts(category, colour=None, count=1, pose=None, place="kitchen", light="sun"):
    return Facts(category, colour, None, place, light, None, pose, count)


def _said(relation, things, language):
    return {caption for seed in range(200) for caption in relate(relation, things, seed)[language]}


def test_relations_in_english():
    said = _said("on", [_facts("cup", "red"), _facts("table")], "en")
    assert {"a red cup on a table", "A red mug stands on top of a table.", "On a table there is a red cup."} <= said
    said = _said("behind", [_facts("dog", place="grass"), _facts("chair", count=2, place="grass")], "en")
    assert {"a dog behind two chairs", "two chairs in front of a dog", "a dog and two chairs"} <= said
    assert not any("behind a dog" in caption for caption in said)
    said = _said("between", [_facts("cat", pose="sitting"), _facts("cup"), _facts("hat")], "en")
    assert {"a cat between a cup and a hat", "a cat, a mug and a hat"} <= said


def test_relations_in_german_stand_in_the_dative():
    said = _said("on", [_facts("cup", "red"), _facts("table")], "de")
    assert {"eine rote Tasse auf einem Tisch", "Auf einem Tisch steht ein roter Becher."} <= said
    assert "eine Tasse, die auf einem Tisch steht" in _said("on", [_facts("cup"), _facts("table")], "de")
    said = _said("behind", [_facts("bear", place="grass"), _facts("lion", "gold", place="grass")], "de")
    assert {"ein Bär hinter einem goldenen Löwen", "ein goldener Löwe vor einem Bären"} <= said
    assert {"Das Foto zeigt einen Bären hinter einem Löwen."} <= said
    said = _said("beside", [_facts("apple", "red", 3), _facts("cup")], "de")
    assert {"drei rote Äpfel neben einer Tasse", "Neben einem Becher liegen drei Äpfel."} <= said
    assert {"eine Tasse neben drei Äpfeln", "ein Bild von drei roten Äpfeln und einer Tasse"} <= said
    said = _said("between", [_facts("cat"), _facts("bear"), _facts("apple", count=2)], "de")
    assert "eine Katze zwischen einem Bären und zwei Äpfeln" in said


@pytest.mark.parametrize("relation", RELATIONS)
def test_five_different_captions_of_any_relation(relation):
    rng = random.Random(relation)
    for seed in range(300):
        place, light = rng.choice(list(PLACES)), rng.choice(list(LIGHTS))
        kinds = rng.sample(sorted(LEXICON), 3 if relation == "between" else 2)
        things = [
            _facts(k, rng.choice([None, *COLOURS]), rng.choice([1, 1, 2, 3]), rng.choice([None, *POSES]), place, light)
            for k in kinds
        ]
        for captions in relate(relation, things, seed).values():
            assert len({c.lower() for c in captions}) == 5, captions
            for caption in captions:
                assert not re.search(r"  |None|[{}~]| [.,]|\.\.", caption), caption
                assert not caption.endswith(".") or caption[0].isupper(), caption
    assert all(INVERSE[INVERSE[r]] == r for r in INVERSE)
