"""Compare asks every system that can take a query, remembers a choice, and counts what people prefer without names."""

from __future__ import annotations

import sys
from itertools import combinations
from types import SimpleNamespace

import pytest
from PIL import Image

from pages import visit, votes
from pages.plain import plain
from pages.shared import open_system
from pages.widgets.canvas import canvas_drawing
from tests.apptest import cards, ids, press, said
from xmr import checkpoint
from xmr.gallery import DEMO, Gallery, index_folder

pytestmark = pytest.mark.slow

CONFIGS = {name: checkpoint.describe(name)["encoders"] for name in checkpoint.available()}
WORDED, DRAWN = ({name for name, takes in CONFIGS.items() if kind in takes} for kind in ("text", "sketch"))


@pytest.fixture
def compared(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(votes, "user_state_path", lambda _: tmp_path)
    monkeypatch.setattr(visit, "this_visitor", lambda: str(tmp_path))
    return opened("compare")


@pytest.fixture
def draw(monkeypatch):
    """Puts the gallery's example of a cup on the canvas, or nothing."""

    def draw(page, strokes: bool = True):
        drawn = None
        if strokes:
            with Gallery.open(DEMO) as gallery:
                drawn = canvas_drawing(gallery.examples()["cup"], 420, 6)
        monkeypatch.setattr(sys.modules["pages.ask"], "st_canvas", lambda **_: SimpleNamespace(json_data=drawn))
        return page.run()

    return draw


def type_in(page, words: str):
    page.text_input(key="words").set_value(words).run()
    assert not page.exception
    return page


def test_every_system_that_takes_the_query_answers_and_what_they_share_is_counted(compared):
    assert "asked of several systems" in said(compared)
    page = type_in(compared, "a red car")
    names = page.session_state["compared"]
    assert set(names) == WORDED and len(cards(page)) == 10 * len(names)
    found = {name: set(ids(page)[10 * at : 10 * at + 10]) for at, name in enumerate(names)}
    for a, b in combinations(names, 2):
        assert f"{a} and {b} share **{len(found[a] & found[b])}** of 10" in said(page)
    assert page.selectbox(key="category").value == "car_(sedan)"
    assert sum(card["framed"] for card in cards(page)[:10]) >= 5


@pytest.mark.parametrize(("visitor", "words", "answer"), [("de", "a red car", "en"), ("en", "ein rotes Auto", "de")])
def test_captions_answer_in_the_language_of_the_words_in_every_column(compared, visitor, words, answer):
    compared.session_state["language"] = visitor
    page = type_in(compared, words)
    both = {name for name in WORDED if {"en", "de"} <= set(CONFIGS[name]["text"].get("languages", ()))}
    answers = zip([name for name in page.session_state["compared"] for _ in range(10)], cards(page), strict=True)
    with Gallery.open(DEMO) as gallery:
        languages = {
            language
            for name, card in answers
            if name in both
            for language, text in gallery.captions(card["id"])
            if text == card["caption"]
        }
    assert len(both) > 1 and languages == {answer}


def test_systems_that_were_not_taught_the_language_of_the_words_say_so(compared):
    english = {name for name in WORDED if "de" not in CONFIGS[name]["text"].get("languages", ())}
    note = "This system was not trained on German"
    assert english and said(type_in(compared, "ein rotes Auto")).count(note) == len(english)
    assert note not in said(type_in(compared, "a red car"))


def test_a_drawing_of_a_fresh_visit_is_answered_by_every_system_that_takes_one(compared, draw):
    page = draw(compared)
    assert not page.exception and set(page.session_state["compared"]) == DRAWN
    assert len(cards(page)) == 10 * len(DRAWN)


def test_a_choice_is_remembered_for_each_kind_of_query(compared, draw):
    page = type_in(compared, "a red car")
    page.pills(key="compared").set_value(["tri"]).run()
    assert len(cards(page)) == 10
    draw(type_in(page, ""))
    assert set(page.session_state["compared"]) == DRAWN
    draw(page, strokes=False)
    type_in(page, "a dog")
    assert page.session_state["compared"] == ["tri"] and len(cards(page)) == 10


def test_without_names_two_systems_answer_and_a_vote_counts_once(compared, draw):
    page = draw(compared)
    page.toggle(key="blind").set_value(True).run()
    assert not page.exception and len(cards(page)) == 20
    assert not any(name in said(page) for name in DRAWN) and not any(card["note"] for card in cards(page))
    shown = ids(page)
    press(page, "Left")
    (count,) = votes.counted(list(CONFIGS))
    assert (count.asked, count.votes) == ("sketch", 1) and "Counted. Left: **" in said(page) and ids(page) == shown
    left = said(page).partition("Left: **")[2].partition("**")[0]
    assert count.counts == ((1, 0, 0) if count.first == left else (0, 1, 0))
    assert all(button.disabled for button in page.button if button.label in ("Left", "Right", "Both alike"))
    type_in(page, "blue")
    assert not any(name in said(page) for name in (count.first, count.second))


def test_who_loads_the_page_anew_is_asked_of_the_same_two_and_counts_once_and_others_are_asked_anew(
    compared, opened, monkeypatch
):
    def blind(page):
        return type_in(page, "a red car").toggle(key="blind").set_value(True).run()

    press(blind(compared), "Left")
    again = blind(opened("compare"))
    assert "Counted. Left: **" in said(again) and ids(again) == ids(compared)
    assert all(button.disabled for button in again.button if button.label in ("Left", "Right", "Both alike"))
    monkeypatch.setattr(visit, "this_visitor", lambda: "another")
    press(blind(opened("compare")), "Right")
    assert sum(count.votes for count in votes.counted(list(CONFIGS))) == 2


def test_a_vote_that_cannot_be_counted_is_told_and_can_be_given_again(compared, tmp_path):
    page = type_in(compared, "a red car")
    page.toggle(key="blind").set_value(True).run()
    (tmp_path / "votes.json").write_text("{")
    press(page, "Right")
    assert not page.exception and "damaged" in page.error[0].value
    (tmp_path / "votes.json").unlink()
    press(page, "Right")
    assert not page.error and votes.counted(list(CONFIGS))[0].votes == 1


def test_filters_and_photos_of_the_query_count_in_every_column_and_can_be_taken_away(compared):
    page = type_in(compared, "a cup")
    page.pills(key="compared").set_value(["tri", "flickr30k-clip"]).run()
    free = ids(page)
    page.multiselect(key="where-colour").set_value(["blue"]).run()
    with Gallery.open(DEMO) as gallery:
        assert len(ids(page)) == 20 and {gallery.get(id).facts["colour"] for id in ids(page)} == {"blue"}
    page.toggle(key="blind").set_value(True).run()
    blue = ids(page)
    press(page, "Clear filters")
    assert len(blue) == 20 and ids(page) != blue
    page.toggle(key="blind").set_value(False).run()
    assert ids(page) == free
    page.session_state["less"] = (free[0],)
    assert free[0] not in ids(page.run())
    press(page, "Not any more")
    page.session_state["like"] = free[0]
    alike = ids(page.run())
    assert "Photos like this one" in said(page) and free[0] not in alike and alike != free
    press(page, "Back to my query")
    assert ids(page) == free


def test_a_vote_on_other_photos_is_another_vote(compared, draw):
    page = draw(compared)
    page.toggle(key="blind").set_value(True).run()
    press(page, "Left")
    page.multiselect(key="where-colour").set_value(["blue"]).run()
    assert not any(button.disabled for button in page.button if button.label == "Left")


def test_a_gallery_of_one_photo_without_a_kind_asks_of_no_kind_and_its_photo_is_no_answer_to_itself(
    compared, tmp_path, opened
):
    Image.new("RGB", (64, 64), "red").save(tmp_path / "only.jpg")
    index_folder(tmp_path, [open_system("tri"), open_system("flickr30k-clip")])
    compared.session_state["folder"] = tmp_path / ".xmr"
    page = type_in(compared, "a red car")
    assert [key for key in page.get("selectbox") if key.key == "category"] == [] and len(ids(page)) == 2
    assert "share **1** of 1" in said(page)
    page.session_state["like"] = ids(page)[0]
    for blind in (False, True):
        page.toggle(key="blind").set_value(blind).run()
        assert not page.exception and not cards(page)
        assert "No other photo is left here." in said(page) and "filters" not in said(page)
        assert "Which answers this better?" not in said(page)
    searched = opened("search")
    searched.session_state["folder"], searched.session_state["like"] = tmp_path / ".xmr", page.session_state["like"]
    searched.run()
    assert "No other photo is left here." in said(searched) and "0 best of" not in said(searched)


def test_words_that_nobody_knows_are_told_in_the_visitors_language(compared, opened):
    for page in (compared, opened("search")):
        page.session_state["language"] = "de"
        page.text_input(key="words").set_value("[红色] 汽车").run()
        assert "No word of" not in said(page) and f"Kein Wort von „{plain('[红色] 汽车')}“ ist bekannt." in said(page)


def test_no_system_chosen_is_said(compared):
    page = type_in(compared, "a red car")
    page.pills(key="compared").set_value([]).run()
    assert "Choose at least one system." in said(page) and not cards(page)
