"""Pictures in the query, without a browser: how they are understood, corrected and removed."""

import io
import sys

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.apptest import ids, press, said
from xmr.modality import Drawing, Modality

pytestmark = pytest.mark.slow


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def paper() -> Image.Image:
    """A cup, drawn with a dark pen on a large sheet of light paper."""
    sheet = Image.new("RGB", (1600, 1200), (235, 233, 228))
    pen = ImageDraw.Draw(sheet)
    pen.rectangle((400, 300, 900, 900), outline=(30, 30, 50), width=14)
    pen.ellipse((850, 420, 1150, 720), outline=(30, 30, 50), width=14)
    return sheet


def photo(size: tuple[int, int] = (1200, 800)) -> Image.Image:
    return Image.merge("RGB", [Image.effect_noise(size, 90) for _ in range(3)])


def uploader(page, place: str):
    return next(one for one in page.file_uploader if one.key.startswith(f"{place}-"))


def give(page, place: str, content: bytes, name: str = "mine.png"):
    return uploader(page, place).set_value((name, content, "image/png")).run()


def terms(page):
    return [page.session_state[key].term for key in ("sketch", "photo") if key in page.session_state]


def test_a_picture_of_a_drawing_is_decoded_once_and_asked_with_as_it_is_seen(page, monkeypatch):
    pictures = sys.modules["pages.pictures"]
    read, opened_files = [], []
    monkeypatch.setattr(pictures, "read_drawing", lambda *a, f=pictures.read_drawing: read.append(a) or f(*a))
    monkeypatch.setattr(pictures, "is_drawing", lambda image: opened_files.append(image) or True)
    give(page, "sketch", png(paper()))
    assert not page.exception and len(ids(page)) == 10 and "This is what I see as your drawing." in said(page)
    picture = page.session_state["sketch"]
    assert picture.content.size == (1024, 768) and picture.seen.size == (224, 224)
    assert picture.term.modality is Modality.SKETCH and picture.term.content is picture.seen
    assert uploader(page, "sketch").value is None and list(picture.vectors) == ["tri"]
    page.text_input(key="words").set_value("a cup").run()
    assert len(read) == len(opened_files) == 1 and "the drawing and the words" in said(page)


def test_a_picture_stays_on_other_pages_and_is_removed_by_one_click(opened):
    app = opened("frame")
    give(app, "sketch", png(paper()))
    give(app, "photo", png(photo()))
    app.switch_page("compare.py").run()
    assert not app.exception and [term.modality for term in terms(app)] == [Modality.SKETCH, Modality.PHOTO]
    assert app.session_state["photo"].content.width == 1024
    for _ in range(2):
        press(app, "Remove")
    assert not app.exception and app.session_state["sketch"] is app.session_state["photo"] is None
    assert "asked of several systems" in said(app)


@pytest.mark.parametrize(
    ("place", "looks_drawn", "sentence", "first", "then"),
    [
        ("sketch", False, "looks like a photo, but it is searched as a drawing", Modality.SKETCH, "photo"),
        ("photo", True, "looks like a drawing, but it is searched as a photo", Modality.PHOTO, "drawing"),
    ],
)
def test_a_picture_in_the_wrong_place_is_told_and_switched_by_one_click(
    page,
    monkeypatch,
    place,
    looks_drawn,
    sentence,
    first,
    then,
):
    monkeypatch.setattr(sys.modules["pages.pictures"], "is_drawing", lambda _: looks_drawn)
    give(page, place, png(paper()))
    assert sentence in said(page) and page.session_state[place].term.modality is first
    page.segmented_control(key=f"{place}_use").set_value(then).run()
    assert not page.exception and "looks like" not in said(page) and len(ids(page)) == 10
    assert page.session_state[place].term.modality is {"photo": Modality.PHOTO, "drawing": Modality.SKETCH}[then]


def test_a_photo_in_its_own_place_is_asked_no_question(page, monkeypatch):
    monkeypatch.setattr(sys.modules["pages.pictures"], "is_drawing", lambda _: False)
    give(page, "photo", png(photo()))
    assert "Searched as a photo." in said(page) and not any(c.key == "photo_use" for c in page.segmented_control)


@pytest.mark.parametrize("taken_for_light", [True, False])
def test_inverted_takes_the_lines_for_what_they_were_not_taken_for(page, monkeypatch, taken_for_light):
    shades = {True: Image.new("L", (224, 224), 200), False: Image.new("L", (224, 224), 100)}

    def read_drawing(image, light_ink=None):
        return shades[taken_for_light if light_ink is None else light_ink].copy()

    monkeypatch.setattr(sys.modules["pages.pictures"], "read_drawing", read_drawing)
    give(page, "sketch", png(paper()))
    assert page.session_state["sketch"].seen == shades[taken_for_light]
    page.segmented_control(key="sketch_use").set_value("inverted").run()
    assert page.session_state["sketch"].seen == shades[not taken_for_light]
    page.segmented_control(key="sketch_use").set_value("drawing").run()
    assert page.session_state["sketch"].seen == shades[taken_for_light]


def test_a_picture_without_a_drawing_is_told_and_can_be_a_photo(page):
    give(page, "sketch", png(Image.new("RGB", (400, 400), "white")))
    assert not page.exception and "no drawing in this picture" in said(page) and "photos to find" in said(page)
    page.segmented_control(key="sketch_use").set_value("photo").run()
    assert len(ids(page)) == 10 and page.session_state["sketch"].term.modality is Modality.PHOTO


@pytest.mark.parametrize("place", ["sketch", "photo"])
def test_what_cannot_be_read_is_named_and_what_was_given_before_stays(page, place):
    give(page, place, png(paper()))
    before = page.session_state[place]
    give(page, place, b"these are only words", "![x](y).png")
    (warning,) = page.warning
    assert not page.exception and "is not a picture" in warning.value and "![" not in warning.value
    assert page.session_state[place] is before and uploader(page, place).value is None
    give(page, place, png(paper()))
    assert not page.warning


def test_strokes_of_a_file_are_shown_and_asked_with(page, monkeypatch):
    strokes = Drawing((np.array([[0.0, 0.0], [9.0, 9.0], [0.0, 9.0]]),))
    monkeypatch.setattr(sys.modules["pages.pictures"], "open_sketch", lambda _: strokes)
    give(page, "sketch", b"<svg/>", "mine.svg")
    assert not page.exception and len(ids(page)) == 10 and "This is what I see" in said(page)
    assert not any(control.key == "sketch_use" for control in page.segmented_control)


def test_the_camera_is_there_only_when_it_is_asked_for(page):
    assert not page.get("camera_input")
    press(page, "Camera")
    assert page.get("camera_input")
    press(page, "Close the camera")
    assert not page.exception and not page.get("camera_input")


def test_each_part_of_the_query_has_a_weight_of_its_own(page):
    give(page, "sketch", png(paper()))
    page.pills(key="example").set_value("cup").run()
    page.segmented_control(key="system").set_value("tri").run()
    before = ids(page)
    sliders = {slider.label for slider in page.slider}
    assert sliders == {"Weight of the drawing", "Weight of the drawing you gave"}
    page.slider(key="weight-the drawing").set_value(0.05).run()
    assert not page.exception and ids(page) != before
