"""The Search page's logic, without a browser: what it answers, and what it says when it can't."""

import json
import sys

import pytest
from streamlit.testing.v1 import AppTest

from tests.browser import ROOT
from xmr.preprocess import drawing_from_canvas

pytestmark = pytest.mark.slow


@pytest.fixture
def page(monkeypatch) -> AppTest:
    """The Search page as a new visitor finds it."""
    monkeypatch.chdir(ROOT)
    # AppTest leaves the page as the main module, which every worker process started later would run again.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])
    page = AppTest.from_file(str(ROOT / "pages" / "search.py"), default_timeout=60).run()
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    """Everything on the page that is text."""
    kinds = (page.markdown, page.caption, page.warning, page.info, page.text)
    return "\n".join(element.value for kind in kinds for element in kind)


def cards(page: AppTest) -> list[dict]:
    """What the grid of photos was given to show."""
    grids = [e.proto for e in page.get("bidi_component") if e.proto.component_name == "xmr_photos"]
    return [card for grid in grids for card in json.loads(grid.json)]


def ids(page: AppTest) -> list[str]:
    return [card["id"] for card in cards(page)]


def test_a_new_visitor_is_told_what_to_do_and_shown_ten_photos(page):
    assert "photos to find" in said(page) and len(cards(page)) == 10


@pytest.mark.parametrize("words", ["a red car", "ein rotes Auto"])
def test_words_are_answered_with_ten_ranked_photos(page, words):
    page.text_input(key="words").set_value(words).run()
    assert not page.exception
    assert [card["note"].split(" · ")[0] for card in cards(page)] == [str(rank) for rank in range(1, 11)]
    assert all(card["caption"] and card["source"].startswith("data:image/webp;base64,") for card in cards(page))


def test_an_idea_fills_in_the_words(page):
    page.pills(key="idea").set_value("a red car").run()
    assert page.text_input(key="words").value == "a red car" and "10 best of" in said(page)


def test_an_example_is_put_on_a_new_canvas(page):
    before = page.session_state["canvas"]
    page.pills(key="example").set_value("cup").run()
    assert not page.exception and page.session_state["canvas"] == before + 1
    assert drawing_from_canvas(page.session_state["start"]).strokes


@pytest.mark.parametrize("words", ["🐶", "狗"])
def test_words_that_nobody_taught_it_are_explained(page, words):
    page.text_input(key="words").set_value(words).run()
    assert not page.exception and "is known" in said(page) and not cards(page)


def test_a_caption_of_blanks_is_no_query(page):
    page.text_input(key="words").set_value("   ").run()
    assert "photos to find" in said(page)


def test_without_alone_asks_for_something_to_find(page):
    page.text_input(key="without").set_value("grass").run()
    assert not page.exception and "Say what you look for" in said(page)


def test_without_changes_the_answer(page):
    page.text_input(key="words").set_value("a dog").run()
    before = ids(page)
    page.text_input(key="without").set_value("grass").run()
    assert not page.exception and ids(page) != before


def test_more_like_this_leaves_out_the_photo_itself_and_goes_back(page):
    page.text_input(key="words").set_value("a cat").run()
    first = page.session_state["like"] = ids(page)[0]
    page.run()
    assert "Photos like this one" in said(page) and len(ids(page)) == 10 and first not in ids(page)
    next(button for button in page.button if button.label == "Back to my query").click().run()
    assert "Photos like this one" not in said(page) and ids(page)[0] == first
