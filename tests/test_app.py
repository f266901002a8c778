"""The Search page's logic, without a browser: what it answers, and what it says when it can't."""

import pytest
from streamlit.testing.v1 import AppTest

from tests.browser import ROOT

pytestmark = pytest.mark.slow


@pytest.fixture
def page(monkeypatch) -> AppTest:
    """The Search page as a new visitor finds it."""
    monkeypatch.chdir(ROOT)
    page = AppTest.from_file(str(ROOT / "pages" / "search.py"), default_timeout=60).run()
    assert not page.exception
    return page


def said(page: AppTest) -> str:
    """Everything on the page that is text."""
    return "\n".join(e.value for kind in (page.markdown, page.caption, page.warning, page.info) for e in kind)


def likes(page: AppTest) -> list:
    return [button for button in page.button if button.label == "More like this"]


def test_a_new_visitor_is_told_what_to_do_and_shown_ten_photos(page):
    assert "photos to find" in said(page) and len(likes(page)) == 10


@pytest.mark.parametrize("words", ["a red car", "ein rotes Auto"])
def test_words_are_answered_with_ten_ranked_photos(page, words):
    page.text_input(key="words").set_value(words).run()
    assert not page.exception and len(likes(page)) == 10
    ranks = [caption.value.split(" · ")[0] for caption in page.caption if "score" in caption.value]
    assert ranks == [str(rank) for rank in range(1, 11)]


def test_an_idea_fills_in_the_words(page):
    page.pills(key="idea").set_value("a red car").run()
    assert page.text_input(key="words").value == "a red car" and "10 best of" in said(page)


@pytest.mark.parametrize("words", ["🐶", "狗"])
def test_words_that_nobody_taught_it_are_explained(page, words):
    page.text_input(key="words").set_value(words).run()
    assert not page.exception and "is known" in said(page) and not likes(page)


def test_a_caption_of_blanks_is_no_query(page):
    page.text_input(key="words").set_value("   ").run()
    assert "photos to find" in said(page)


def test_without_alone_asks_for_something_to_find(page):
    page.text_input(key="without").set_value("grass").run()
    assert not page.exception and "Say what you look for" in said(page)


def test_without_changes_the_answer(page):
    page.text_input(key="words").set_value("a dog").run()
    before = [button.key for button in likes(page)]
    page.text_input(key="without").set_value("grass").run()
    assert not page.exception and [button.key for button in likes(page)] != before


def test_more_like_this_leaves_out_the_photo_itself_and_goes_back(page):
    page.text_input(key="words").set_value("a cat").run()
    first = likes(page)[0].key
    likes(page)[0].click().run()
    assert "Photos like this one" in said(page) and first not in [button.key for button in likes(page)]
    next(button for button in page.button if button.label == "Back to my query").click().run()
    assert "Photos like this one" not in said(page) and likes(page)[0].key == first
