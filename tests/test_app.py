"""The pages' logic, without a browser: what they answer, and what they say when they can't."""

import json
import sys
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tests.browser import ROOT
from xmr import checkpoint
from xmr.gallery import DEMO, Gallery
from xmr.modality import Modality, Term
from xmr.preprocess import drawing_from_canvas

pytestmark = pytest.mark.slow


@pytest.fixture
def opened(monkeypatch):
    """A page by its file's name, or with "frame" the first one in it, as a new visitor finds it."""
    monkeypatch.chdir(ROOT)
    # AppTest leaves the page as the main module, which every worker process started later would run again.
    monkeypatch.setitem(sys.modules, "__main__", sys.modules["__main__"])

    def opened(name: str) -> AppTest:
        page = AppTest.from_file(str(ROOT / "pages" / f"{name}.py"), default_timeout=60).run()
        assert not page.exception
        return page

    return opened


@pytest.fixture
def page(opened) -> AppTest:
    return opened("search")


def said(page: AppTest) -> str:
    """Everything on the page that is text."""
    kinds = (page.markdown, page.caption, page.warning, page.info, page.text, page.success, page.error)
    return "\n".join(element.value for kind in kinds for element in kind)


def cards(page: AppTest) -> list[dict]:
    """What the grid of photos was given to show."""
    grids = [e.proto for e in page.get("bidi_component") if e.proto.component_name == "xmr_photos"]
    return [card for grid in grids for card in json.loads(grid.json)]


def ids(page: AppTest) -> list[str]:
    return [card["id"] for card in cards(page)]


def test_a_run_of_the_app_puts_nothing_in_a_field_that_may_be_typed_in(opened):
    app = opened("frame")
    app.text_input(key="words").set_value("a red car").run()
    app.run()
    assert app.text_input(key="words").value == "a red car"
    assert not any(field.proto.set_value for field in app.text_input)


def test_no_menu_is_closed_over_the_page_that_one_began_with(opened):
    def closes(app) -> bool:
        return any("stSidebarCollapseButton" in html.proto.body for html in app.get("html"))

    app = opened("frame")
    assert not closes(app)
    assert closes(app.switch_page("systems.py").run()) and closes(app.run())


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


SYSTEMS = checkpoint.available()


def test_words_are_offered_only_to_systems_that_take_them(page):
    deaf = [name for name in SYSTEMS if "text" not in checkpoint.describe(name)["encoders"]]
    assert deaf
    page.text_input(key="words").set_value("a red car").run()
    assert not set(deaf) & set(page.segmented_control(key="system").options)
    assert all(f"{name} takes no words" in said(page) for name in deaf)


@pytest.mark.parametrize("name", SYSTEMS)
def test_every_system_finds_photos_like_one_of_the_gallery(page, name):
    page.session_state["wanted"] = name
    page.session_state["like"] = "gallery-cup-0001-0"
    page.run()
    assert not page.exception and page.session_state["system"] == name
    assert len(ids(page)) == 10 and "gallery-cup-0001-0" not in ids(page)


def test_a_system_that_cannot_use_the_query_gives_way_and_comes_back(page):
    deaf = next(n for n in SYSTEMS if "text" not in checkpoint.describe(n)["encoders"])
    page.session_state["wanted"] = deaf
    page.text_input(key="words").set_value("a red car").run()
    assert page.session_state["system"] == "tri" and len(ids(page)) == 10
    page.text_input(key="words").set_value("").run()
    assert page.session_state["system"] == deaf


def test_compare_shows_each_systems_ten_and_how_many_they_share(opened):
    page = opened("compare")
    assert "asked of several systems" in said(page)
    page.text_input(key="words").set_value("a red car").run()
    assert not page.exception
    compared = page.session_state["compared"]
    assert len(cards(page)) == 10 * len(compared)
    if len(compared) > 1:
        first, second = (set(ids(page)[10 * n : 10 * n + 10]) for n in (0, 1))
        assert f"{compared[0]} and {compared[1]} share **{len(first & second)}** of 10" in said(page)
    assert page.selectbox(key="category").value == "car_(sedan)"
    assert sum(card["framed"] for card in cards(page)[:10]) >= 5


def _held(system: str, file: str) -> dict:
    path = ROOT / "checkpoints" / system / f"{file}.json"
    return json.loads(path.read_text()) if path.is_file() else {}


def test_results_show_what_the_files_hold(opened):
    page = opened("results")
    held = json.loads((ROOT / "checkpoints" / "tri" / "metrics.json").read_text())["protocols"]
    protocol = page.selectbox[0].value
    assert held[protocol]["about"] in said(page)
    for name in page.selectbox[0].options:
        page.selectbox[0].set_value(name).run()
        assert not page.exception
    protocol, question = page.selectbox[0].value, page.segmented_control[0].value
    entries = [_held(name, "metrics")["protocols"].get(protocol, {}) for name in SYSTEMS]
    drawn = any(question in entry.get("curves", {}) for entry in entries)  # precision against recall
    for name in SYSTEMS:
        page.segmented_control(key="trained").set_value(name).run()
        files = {file: _held(name, file) for file in ("metrics", "study", "space")}
        wanted = 3 + drawn  # the bars, the losses, what validation said
        wanted += 2 if files["space"] else 0  # the pairs and the map
        wanted += any(" bits" in variant for variant in files["study"].get("variants", {}))
        assert not page.exception and len(page.get("vega_lite_chart")) == wanted, name
        for variant in {measured.split()[0] for measured in files["study"].get("variants", {})}:
            assert f"- **{variant}**: " in said(page), (name, variant)



def test_every_system_has_a_card(opened):
    page = opened("systems")
    for name in SYSTEMS:
        config = checkpoint.describe(name)
        assert config["about"] in said(page) and config["card"]["limits"] in said(page)


def test_filters_leave_what_is_all_of_them(opened):
    page = opened("gallery")
    page.multiselect(key="filter-category").set_value(["cup"]).run()
    page.multiselect(key="filter-place").set_value(["kitchen"]).run()
    with Gallery.open(DEMO) as gallery:
        wanted = [i.id for i in gallery if i.facts["category"] == "cup" and i.facts["place"] == "kitchen"]
    assert ids(page) == wanted[:30] and f"{len(wanted)} of 3,000 photos" in said(page)


def test_filters_that_nothing_passes_say_so(opened):
    page = opened("gallery")
    page.multiselect(key="filter-category").set_value(["shark"]).run()
    page.multiselect(key="filter-place").set_value(["kitchen"]).run()
    assert not page.exception and "No photo is all of that" in said(page)


def test_a_folder_is_indexed_and_searched_from_then_on(opened, photo_folder):
    (photo_folder / "broken.jpg").write_bytes(b"no picture")
    page = opened("gallery")
    page.text_input(key="path").set_value(str(photo_folder)).run()
    next(b for b in page.button if b.label == "Index them").click().run()
    assert not page.exception and "6 photos can be searched now" in said(page)
    assert page.session_state["folder"] == photo_folder / ".xmr"
    assert [Path(file).name for file in page.dataframe[0].value["file"]] == ["broken.jpg"]
    assert len(ids(page)) == 6
    next(b for b in page.button if b.label == "Back to the shipped photos").click().run()
    assert not page.exception and "of 3,000 photos" in said(page)


def test_a_folder_that_is_not_there_is_explained(opened):
    page = opened("gallery")
    page.text_input(key="path").set_value("/no/such/folder").run()
    next(b for b in page.button if b.label == "Index them").click().run()
    assert not page.exception and "There is no folder" in said(page)


def test_more_like_a_photo_is_asked_whatever_was_uploaded_before(page):
    page.session_state["like"] = "gallery-cup-0001-0"
    page.run()
    wanted = ids(page)
    other = np.eye(checkpoint.describe("tri")["dim"], dtype=np.float32)[0]
    uploaded = SimpleNamespace(file_id="1", picture=object(), small="", terms={"tri": Term(Modality.PHOTO, other)})
    page.session_state["upload"] = uploaded
    page.run()
    assert not page.exception and ids(page) == wanted
