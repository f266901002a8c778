"""A look into a space: matching pairs on the diagonal, and a map on which every modality has its place."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from tests.conftest import COLOURS, GERMAN, pictures
from training.datasets import MissingData, world
from training.release import embedding_map
from xmr.modality import Item, Modality


@pytest.fixture
def rendered(monkeypatch, tmp_path):
    """The six photos of the tiny gallery as a rendered test split, with captions in two languages."""
    items = []
    for id, image, colour in pictures():
        image.save(tmp_path / f"{id}.png")
        labels = frozenset({f"class:{colour}_thing", f"image:{id}"})
        items.append(Item(id, Modality.PHOTO, tmp_path / f"{id}.png", labels))
        for language, text in (("en", f"a {colour} photo"), ("de", f"ein {GERMAN[colour]} bild")):
            items.append(Item(f"{id}#{language}0", Modality.TEXT, text, labels, language))
    monkeypatch.setattr(world, "items", lambda split, things: items)
    monkeypatch.setattr(embedding_map, "find", lambda name: SimpleNamespace(items=lambda split: items))
    return items


@pytest.fixture
def system(system):
    return replace(system, config={**system.config, "protocols": ["own-test"]})


def test_each_pair_is_of_another_class_and_scores_stand_a_query_a_line(rendered, system):
    found = embedding_map.survey(system)
    pairs = found["pairs"]
    assert found["of"] == "own-test" and set(pairs) == {"text"}  # there are no drawings
    assert pairs["text"]["classes"] == sorted(f"{colour}_thing" for colour in COLOURS)
    scores = np.array(pairs["text"]["scores"])
    assert scores.shape == (3, 3) and (scores.argmax(1) == np.arange(3)).all()


def test_the_map_has_every_item_with_its_class_and_the_same_places_again(rendered, system):
    first, again = (embedding_map.survey(system)["map"] for _ in range(2))
    assert first == again and len(first) == len(rendered)
    assert {point["modality"] for point in first} == {"photo", "text"}
    assert all(np.isfinite([point["x"], point["y"]]).all() for point in first)
    wanted = {item.content for item in rendered if item.modality is Modality.TEXT}
    assert {point["text"] for point in first if point["modality"] == "text"} == wanted


def test_codes_are_held_against_each_other_as_shares_of_their_bits(rendered, system):
    plain = np.array(embedding_map.survey(system)["pairs"]["text"]["scores"])
    coded = np.array(embedding_map.survey(replace(system, space="hamming"))["pairs"]["text"]["scores"])
    np.testing.assert_allclose(coded, plain / system.dim, atol=1e-3)


def test_photos_of_no_class_are_numbered_and_without_the_rendered_world_there_is_no_map(rendered, system, monkeypatch):
    own = [replace(item, labels=frozenset(x for x in item.labels if x.startswith("image:"))) for item in rendered]
    monkeypatch.setattr(embedding_map, "find", lambda name: SimpleNamespace(items=lambda split: own))

    def missing(split, things):
        raise MissingData("There is no rendered world.")

    monkeypatch.setattr(world, "items", missing)
    found = embedding_map.survey(system)
    photos = [item for item in own if item.modality is Modality.PHOTO]
    assert found["pairs"]["text"]["classes"] == [str(n + 1) for n in range(len(photos))] and found["map"] == []
    scores = np.array(found["pairs"]["text"]["scores"])
    texts = [next(t.content for t in own if t.language == "en" and t.labels == photo.labels) for photo in photos]
    wanted = system.encode_text(texts) @ system.encode_photo([photo.content for photo in photos]).T
    np.testing.assert_allclose(scores, wanted, atol=1e-3)
