"""Pictures in the query, without a browser: how they are understood, corrected and removed."""

import io
import sys
from collections import OrderedDict

import numpy as np
import pytest
from PIL import Image, ImageDraw

from pages import kept
from pages.pictures import box_of
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


def uploader(page):
    return next(one for one in page.file_uploader if one.key.startswith("pictures-"))


def give(page, *contents: bytes, name: str = "mine.png"):
    return uploader(page).set_value([(name, content, "image/png") for content in contents]).run()


def held(page):
    return page.session_state["pictures"] if "pictures" in page.session_state else ()  # noqa: SIM401 (no get there)


def test_a_picture_of_a_drawing_is_decoded_once_and_asked_with_as_it_is_seen(page, monkeypatch):
    pictures = sys.modules["pages.pictures"]
    read, opened_files = [], []
    monkeypatch.setattr(pictures, "read_drawing", lambda *a, f=pictures.read_drawing: read.append(a) or f(*a))
    monkeypatch.setattr(pictures, "is_drawing", lambda image: opened_files.append(image) or True)
    give(page, png(paper()))
    assert not page.exception and len(ids(page)) == 10 and "This is what I see as your drawing." in said(page)
    (picture,) = held(page)
    assert picture.content.size == (1024, 768) and picture.seen.size == (224, 224)
    assert picture.term.modality is Modality.SKETCH and picture.term.content is picture.seen
    assert not uploader(page).value and list(picture.vectors) == ["tri"]
    page.text_input(key="words").set_value("a cup").run()
    assert len(read) == len(opened_files) == 1 and "the words and the drawing" in said(page)


def test_the_pictures_that_count_are_also_beside_the_answers(page):
    def shown() -> int:
        return [image.proto.imgs[0].alt for image in page.get("image")].count("Searched as a photo.")

    give(page, png(photo()))
    assert shown() == 2
    page.session_state["like"], page.session_state["mix"] = "gallery-cup-0001-0", False
    page.run()
    assert shown() == 1


def test_several_pictures_are_one_query_each_taken_for_what_it_is_and_removed_by_one_click(opened):
    app = opened("frame")
    give(app, png(paper()), png(photo()))
    app.switch_page("compare.py").run()
    assert not app.exception and [one.term.modality for one in held(app)] == [Modality.SKETCH, Modality.PHOTO]
    assert held(app)[1].content.width == 1024
    for _ in range(2):
        press(app, "Remove")
    assert not app.exception and held(app) == () and "asked of several systems" in said(app)


@pytest.mark.parametrize(
    ("looks_drawn", "first", "then"), [(False, Modality.PHOTO, "drawing"), (True, Modality.SKETCH, "photo")]
)
def test_a_picture_that_was_mistaken_is_switched_by_one_click(page, monkeypatch, looks_drawn, first, then):
    monkeypatch.setattr(sys.modules["pages.pictures"], "is_drawing", lambda _: looks_drawn)
    give(page, png(paper()))
    (picture,) = held(page)
    assert picture.term.modality is first and len(ids(page)) == 10
    page.segmented_control(key=f"use-{picture.name}").set_value(then).run()
    assert not page.exception and len(ids(page)) == 10
    assert held(page)[0].term.modality is {"photo": Modality.PHOTO, "drawing": Modality.SKETCH}[then]


@pytest.mark.parametrize("taken_for_light", [True, False])
def test_inverted_takes_the_lines_for_what_they_were_not_taken_for(page, monkeypatch, taken_for_light):
    shades = {True: Image.new("L", (224, 224), 200), False: Image.new("L", (224, 224), 100)}

    def read_drawing(image, light_ink=None):
        return shades[taken_for_light if light_ink is None else light_ink].copy()

    monkeypatch.setattr(sys.modules["pages.pictures"], "read_drawing", read_drawing)
    give(page, png(paper()))
    assert held(page)[0].seen == shades[taken_for_light]
    use = f"use-{held(page)[0].name}"
    page.segmented_control(key=use).set_value("inverted").run()
    assert held(page)[0].seen == shades[not taken_for_light]
    page.segmented_control(key=use).set_value("drawing").run()
    assert held(page)[0].seen == shades[taken_for_light]


def test_a_picture_without_a_drawing_is_told_and_can_be_a_photo(page, monkeypatch):
    monkeypatch.setattr(sys.modules["pages.pictures"], "is_drawing", lambda _: True)
    give(page, png(Image.new("RGB", (400, 400), "white")))
    assert not page.exception and "no drawing in this picture" in said(page) and "photos to find" in said(page)
    page.segmented_control(key=f"use-{held(page)[0].name}").set_value("photo").run()
    assert len(ids(page)) == 10 and held(page)[0].term.modality is Modality.PHOTO


def test_what_cannot_be_read_is_named_and_what_was_given_with_it_and_before_stays(page):
    give(page, png(paper()))
    before = held(page)
    give(page, b"these are only words", png(photo()), name="![x](y).png")
    (warning,) = page.warning
    assert not page.exception and "is not a picture" in warning.value and "![" not in warning.value
    assert held(page)[0] is before[0] and len(held(page)) == 2 and not uploader(page).value
    give(page, png(paper()))
    assert not page.warning


def test_a_query_has_so_many_pictures_and_no_more(page):
    most = sys.modules["pages.pictures"].MOST
    give(page, *[png(photo((60, 60)))] * (most + 3))
    assert len(held(page)) == most and said(page).replace("\\", "").count(f"at most {most} pictures") == 1
    assert not page.exception and len(ids(page)) == 10


def test_strokes_of_a_file_are_shown_and_asked_with(page, monkeypatch):
    strokes = Drawing((np.array([[0.0, 0.0], [9.0, 9.0], [0.0, 9.0]]),))
    monkeypatch.setattr(sys.modules["pages.pictures"], "open_sketch", lambda _: strokes)
    give(page, b"<svg/>", name="mine.svg")
    assert not page.exception and len(ids(page)) == 10 and "This is what I see" in said(page)
    assert not any(control.key == f"use-{held(page)[0].name}" for control in page.segmented_control)


def test_a_part_of_a_photo_is_asked_with_and_the_whole_again(page):
    half = Image.new("RGB", (800, 400), "blue")
    half.paste(photo((400, 400)), (0, 0))
    give(page, png(half))
    whole, (picture,) = ids(page), held(page)
    press(page, "Choose a part")
    assert not page.exception and any(one.proto.component_name == "xmr_crop" for one in page.get("bidi_component"))
    part = picture.used("photo", (0.0, 0.0, 0.5, 1.0))
    page.session_state["pictures"] = (part,)
    page.run()
    assert part.part.size == (400, 400) and "A part of it is searched" in said(page) and ids(page) != whole
    page.session_state["pictures"] = (part.used("photo"),)
    assert ids(page.run()) == whole


@pytest.mark.parametrize(
    ("given", "box"),
    [
        ([0.1, 0.2, 0.9, 0.8], (0.1, 0.2, 0.9, 0.8)),
        ([0, 0, 1, 1], None),
        ([0.5, 0.5, 0.51, 0.9], None),
        ([0.9, 0.2, 0.1, 0.8], None),
        ([0, 0, 1, float("nan")], None),
        ([0, 0, 1, 1e9], None),
        (["0", 0, 1, 1], None),
        ([0.1, 0.2, 0.9], None),
        ({"left": 0}, None),
        (None, None),
    ],
)
def test_only_a_part_of_a_picture_is_one(given, box):
    assert box_of(given) == box


def test_the_camera_is_there_only_when_it_is_asked_for(page):
    assert not page.get("camera_input")
    press(page, "Camera")
    assert page.get("camera_input")
    press(page, "Close the camera")
    assert not page.exception and not page.get("camera_input")


def test_each_part_of_the_query_has_a_weight_of_its_own(page):
    give(page, png(paper()))
    page.pills(key="example").set_value("cup").run()
    page.segmented_control(key="system").set_value("tri").run()
    before = ids(page)
    assert {slider.label for slider in page.slider} == {"Weight of the drawing", "Weight of the picture"}
    page.slider(key="weight-drawing").set_value(0.05).run()
    assert not page.exception and ids(page) != before


def test_pictures_are_kept_under_names_that_differ_until_others_need_the_room(monkeypatch):
    monkeypatch.setattr(kept, "_entries", OrderedDict())
    first, again = photo((200, 100)), photo((100, 200)).convert("RGBA")
    names = [kept.keep(first, False)[0], kept.keep(again, True)[0]]
    assert len(set(names)) == 2 and min(map(len, names)) >= 16
    (there, drawn), (other, other_drawn) = map(kept.find, names)
    assert (drawn, other_drawn) == (False, True) and other.mode == "RGBA"
    assert np.abs(np.asarray(there, float) - np.asarray(first, float)).mean() < 6 and there.size == first.size
    assert (np.asarray(other) == np.asarray(again)).all()
    monkeypatch.setattr(kept, "MAX_BYTES", sum(entry.size for entry in kept._entries.values()))
    assert kept.find(names[0])  # the other one was not used for longer
    third, _ = kept.keep(Drawing((np.zeros((50, 2)),)), True)
    assert kept.find(names[1]) is None and kept.find(names[0]) and kept.find(third)[0].strokes[0].shape == (50, 2)
    monkeypatch.setattr(kept, "MAX_AGE", -1)
    assert kept.find(third) is None and not kept._entries


def test_a_drawing_of_many_dots_takes_no_more_room_than_is_counted(monkeypatch):
    monkeypatch.setattr(kept, "_entries", OrderedDict())
    dots = Drawing(tuple(np.array([[float(n), n]]) for n in range(1_000)))
    kept.keep(dots, True)
    (entry,) = kept._entries.values()
    assert sum(map(sys.getsizeof, dots.strokes)) + sys.getsizeof(dots.strokes) <= entry.size + 100


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_is_asked_with_as_it_is_kept_with_what_is_to_be_said_of_it(mode):
    image = photo((300, 200)).convert(mode)
    image.info["note"] = "It was cut short."
    name, now = kept.keep(image, False)
    later, _ = kept.find(name)
    assert (np.asarray(now) == np.asarray(later)).all() and now.mode == later.mode == mode
    assert now.info == later.info == {"note": "It was cut short."}
