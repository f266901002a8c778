"""Overlaps: equal sentences, equal files and strokes, and copies of a photo are found; what only resembles is not."""

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from tests.training.tiny import draw_photo
from training.datasets.overlaps import content_key, equal_contents, equal_sentences, look_of, photos_alike, sentence_key
from xmr.modality import Drawing, Item, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT


def caption(text: str, language: str = "en", label: str = "image:1") -> Item:
    return Item(f"{text}{language}", TEXT, text, frozenset({label}), language)


@pytest.fixture
def photos(tmp_path) -> list[Item]:
    """Forty photos that differ in ground, colour and place of a shape."""
    rng, found = np.random.default_rng(0), []
    for n in range(40):
        path = tmp_path / f"{n}.png"
        noise = rng.integers(0, 255, (6, 6, 3), dtype=np.uint8)
        Image.fromarray(noise).resize((96, 96), Image.Resampling.BICUBIC).save(path)
        found.append(Item(str(n), PHOTO, path, frozenset()))
    return found


def test_sentences_are_equal_without_case_punctuation_and_spacing_but_by_language():
    held = [caption("A dog runs."), caption("Ein Hund, der rennt", "de")]
    asked = [
        caption("a dog  runs"),
        caption("a dog run"),
        caption("A dog runs.", "de"),
        caption("ein Hund der rennt", "de"),
    ]
    assert [item.content for item in equal_sentences(asked, held)] == ["a dog  runs", "ein Hund der rennt"]
    assert sentence_key("Ｄｏｇ") == "dog"  # full width


def test_names_of_classes_are_no_captions():
    name = caption("a dog", label="class:dog")
    assert equal_sentences([caption("a dog")], [name]) == equal_sentences([name], [caption("a dog")]) == []


def test_contents_are_equal_by_bytes_and_by_strokes(tmp_path, photos):
    copy = tmp_path / "copy.png"
    copy.write_bytes(photos[3].content.read_bytes())
    copied = Item("copy", PHOTO, copy, frozenset())
    assert equal_contents([copied, *photos[:3]], photos[3:]) == [copied]
    copy.with_name("b.png").write_bytes(copy.read_bytes()[:-1] + b"?")
    assert equal_contents([Item("b", PHOTO, copy.with_name("b.png"), frozenset())], photos) == []
    strokes = [np.array([[0.0, 0], [1, 2]]), np.array([[3.0, 4], [5, 6]])]
    drawings = [Drawing(tuple(strokes)), lambda: Drawing(tuple(strokes)), Drawing((np.concatenate(strokes),))]
    drawn = [Item(str(n), SKETCH, f"f#{n}", frozenset(), facts={"drawing": d}) for n, d in enumerate(drawings)]
    assert equal_contents(drawn[1:], drawn[:1]) == [drawn[1]]
    assert content_key(caption("a dog")) == content_key(Item("x", PHOTO, tmp_path / "gone.png", frozenset())) == ""


@pytest.mark.parametrize(
    "changed",
    [
        lambda photo: photo.resize((40, 48), Image.Resampling.LANCZOS),
        lambda photo: ImageEnhance.Brightness(photo).enhance(0.7),
        lambda photo: ImageEnhance.Contrast(photo).enhance(0.8),
    ],
    ids=["smaller", "darker", "paler"],
)
def test_a_changed_copy_of_a_photo_is_found_and_no_other_photo_is_taken_for_one(tmp_path, photos, changed):
    path = tmp_path / "copy.jpg"
    with Image.open(photos[7].content) as photo:
        changed(photo).save(path, quality=70)
    copy = Item("copy", PHOTO, path, frozenset())
    assert photos_alike([copy], photos) == [(copy, photos[7])]
    assert photos_alike([copy], photos[:7] + photos[8:]) == []
    assert photos_alike(photos[:20], photos[20:]) == []


def test_different_things_on_a_plain_ground_are_not_alike(tmp_path):
    rng, found = np.random.default_rng(1), []
    for n, colour in enumerate(("red", "green", "blue")):
        draw_photo(tmp_path / f"{n}.png", rng, colour)
        found.append(Item(str(n), PHOTO, tmp_path / f"{n}.png", frozenset()))
    assert photos_alike(found[:1], found[1:]) == []


def test_hashes_are_those_of_a_slow_loop(photos):
    with Image.open(photos[0].content) as photo:
        cells = np.asarray(photo.convert("RGB").convert("L").resize((9, 9), Image.Resampling.BOX), int)
    wanted = [cells[y, x + 1] > cells[y, x] for y in range(8) for x in range(8)]
    wanted += [cells[y + 1, x] > cells[y, x] for y in range(8) for x in range(8)]
    assert (look_of(photos[0].content).bits > 0).tolist() == [bool(bit) for bit in wanted]


def test_what_is_no_picture_is_like_nothing(tmp_path, photos):
    (tmp_path / "broken.jpg").write_bytes(b"no picture")
    assert photos_alike([Item("broken", PHOTO, tmp_path / "broken.jpg", frozenset())], photos) == []
