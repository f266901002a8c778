"""The pages' logic, without a browser: what they answer, and what they say when they can't."""

import copy
import io
import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PIL import Image
from streamlit.testing.v1 import AppTest

from pages import indexing, shared, uploads, visit
from pages.pictures import Picture
from pages.plain import plain
from pages.widgets.canvas import MAX_STROKES, drawing_from_canvas
from tests.apptest import cards, ids, press, said
from xmr import checkpoint
from xmr.encoder import Encoder
from xmr.gallery import DEMO, Gallery, IndexReport, index_folder
from xmr.gallery.indexing import Progress
from xmr.gallery.jobs import Jobs
from xmr.modality import BadInput, Modality, Term
from xmr.preprocess import Vocabulary

pytestmark = pytest.mark.slow


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
    assert "canvas" not in page.session_state  # the first one
    page.pills(key="example").set_value("cup").run()
    assert not page.exception and page.session_state["canvas"] == 1
    assert drawing_from_canvas(page.session_state["start"]).strokes


def test_what_was_drawn_is_undone_and_redone_and_comes_back_after_it_was_cleared(page):
    ask, state = sys.modules["pages.ask"], page.session_state
    page.pills(key="example").set_value("cup").run()
    cup = list(state["start"]["objects"])
    assert cup and state["history"].undoable

    def does(act) -> int:
        """How many strokes the next canvas begins with."""
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(ask, "state", SimpleNamespace(**{key: state[key] for key in ("history", "canvas")}, taken=0))
            patch.setattr(ask.st, "session_state", {})
            act()
            state["history"], state["canvas"] = ask.state.history, ask.state.canvas
            return len(ask.state.start["objects"])

    assert does(lambda: ask._step(-1)) == 0 and does(lambda: ask._step(1)) == len(cup)
    assert does(ask._clear) == 0 and does(lambda: ask._step(-1)) == len(cup)


def test_a_drawing_is_read_once_and_one_of_too_many_strokes_explained(page, monkeypatch):
    ask, read = sys.modules["pages.ask"], []
    stroke = {"type": "Path", "stroke": "black", "path": [["M", 10, 10], ["L", 50, 90]]}
    drawn = {"objects": [stroke]}
    monkeypatch.setattr(ask, "st_canvas", lambda **_: SimpleNamespace(json_data=copy.deepcopy(drawn)))
    monkeypatch.setattr(ask, "drawing_from_canvas", lambda data: read.append(data) or drawing_from_canvas(data))
    page.run()
    assert len(cards(page.run())) == 10 and len(read) == 1
    drawn["objects"].append(stroke)
    assert not page.run().exception and len(read) == 2
    drawn["objects"] *= MAX_STROKES
    assert not page.run().exception and "strokes; at most 10,000 are read" in said(page)


@pytest.mark.parametrize("words", ["→ ←", "狗"])
def test_words_that_nobody_taught_it_are_explained(page, words):
    page.text_input(key="words").set_value(words).run()
    assert not page.exception and "is known" in said(page) and not cards(page)


def test_emoji_find_what_they_show(page):
    page.text_input(key="words").set_value("🐶").run()
    assert "Showing **dog**" in said(page) and cards(page)


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


@pytest.fixture
def spelling(monkeypatch) -> None:
    """Every system knows a few words."""
    words = Vocabulary({"en": dict.fromkeys(("a", "red", "banana", "car", "trees", "grass"), 500)})
    monkeypatch.setattr(Encoder, "vocabulary", property(lambda encoder: words))


def test_what_is_read_otherwise_than_typed_is_told_and_one_click_takes_it_as_typed(page, spelling):
    typed = "a red bannana, no trees"
    page.text_input(key="words").set_value(typed).run()
    assert "Showing **banana**. Without **trees**." in said(page) and not page.exception
    meant, button = ids(page), f"Search for “{plain(typed)}” instead"
    press(page, button)
    assert f"Searching for exactly “{plain(typed)}”." in said(page) and "Showing" not in said(page)
    assert ids(page) != meant and button not in [one.label for one in page.button]
    page.text_input(key="words").set_value("a red banana").run()
    assert not {"Showing", "Without **", "exactly"} & set(said(page).split()) and len(ids(page)) == 10
    page.text_input(key="without").set_value("trees").run()
    assert ids(page) == meant  # as if it had been put so


def test_words_of_which_nothing_is_known_are_told_and_the_others_count(page, spelling):
    page.text_input(key="words").set_value("a red zzzzzzz").run()
    assert "Unknown: *zzzzzzz*." in said(page) and len(ids(page)) == 10
    assert not [one for one in page.button if one.label.startswith("Search for")]
    page.text_input(key="words").set_value("zzzzzzz").run()
    assert "Unknown: *zzzzzzz*." in said(page)


def test_words_that_are_too_long_for_a_button_are_shortened(page, spelling):
    page.text_input(key="words").set_value("a red bannana " + "z" * 300).run()
    (button,) = [one.label for one in page.button if one.label.startswith("Search for")]
    assert (
        button.endswith("…” instead")
        and len(button) < 80
        and len(said(page).split("Unknown: *")[1].split("*")[0]) == 40
    )
    press(page, button)
    assert "Searching for exactly “a red bannana zzz" in said(page) and "z" * 41 not in said(page)


def test_the_same_slip_in_both_fields_is_told_twice(page, spelling):
    page.text_input(key="words").set_value("gras").run()
    page.text_input(key="without").set_value("gras").run()
    assert not page.exception and said(page).count("Showing **grass**.") == 2


def test_more_like_this_leaves_out_the_photo_itself_and_goes_back(page):
    page.text_input(key="words").set_value("a cat").run()
    first = page.session_state["like"] = ids(page)[0]
    page.run()
    assert "Photos like this one" in said(page) and len(ids(page)) == 10 and first not in ids(page)
    next(button for button in page.button if button.label == "Back to my query").click().run()
    assert "Photos like this one" not in said(page) and ids(page)[0] == first


def test_words_that_only_take_away_leave_the_rest_of_the_query_what_it_is(page):
    page.session_state["like"], page.session_state["mix"] = "gallery-cup-0001-0", True
    page.text_input(key="without").set_value("snow").run()
    taken_away = ids(page)
    page.text_input(key="without").set_value("").run()
    page.text_input(key="words").set_value("no snow").run()
    assert "Without **snow**." in said(page) and ids(page) == taken_away
    page.switch_page("compare.py").run()
    assert not page.exception and ids(page)[:10] == taken_away


SYSTEMS = checkpoint.available()


def test_words_are_offered_only_to_systems_that_take_them(page):
    deaf = [name for name in SYSTEMS if "text" not in checkpoint.describe(name)["encoders"]]
    assert deaf
    page.text_input(key="words").set_value("a red car").run()
    assert not set(deaf) & set(page.segmented_control(key="system").options)
    (told,) = [one.value for one in page.caption if "takes no words" in one.value]
    assert all(name in told for name in deaf)


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
    assert not page.exception and "No photo matches all filters" in said(page)


@pytest.fixture
def gallery_page(opened, monkeypatch, tmp_path):
    """The Gallery page of a visitor who may name folders below tmp_path, and whom nobody else's job precedes."""
    monkeypatch.setenv("XMR_FOLDERS", str(tmp_path))
    monkeypatch.setattr(indexing, "_jobs", Jobs())
    return opened("frame").switch_page("gallery.py").run()


def finish(page: AppTest) -> AppTest:
    """The page once the job that it follows has ended."""
    for _ in range(600):
        if "job" not in page.session_state or page.session_state["job"] is None:
            return page
        time.sleep(0.1)
        page.run()
    raise AssertionError("the job never ended")


def uploader(page: AppTest):
    """The uploader of a page on which folders may be named as well."""
    return page.segmented_control(key="source").set_value("uploads").run().file_uploader[0]


def index(page: AppTest, folder: Path) -> AppTest:
    page.text_input(key="path").set_value(str(folder)).run()
    return press(page, "Index them")


def test_a_folder_is_indexed_with_all_systems_at_once_and_searched_from_then_on(gallery_page, photo_folder):
    (photo_folder / "broken.jpg").write_bytes(b"no picture")
    page = gallery_page
    page.pills(key="indexed").set_value(["tri", "sketchy-gan"]).run()
    finish(index(page, photo_folder))
    assert not page.exception and "6 photos can be searched now" in said(page)
    assert page.session_state["folder"] == photo_folder / ".xmr"
    assert [Path(file).name for file in page.dataframe[0].value["file"]] == ["broken.jpg"]
    assert len(ids(page)) == 6
    with Gallery.open(photo_folder) as gallery:
        assert set(gallery.systems()) == {"tri", "sketchy-gan"}
    press(page, "Back to the shipped photos")
    assert not page.exception and "of 3,000 photos" in said(page)


def test_what_was_read_of_a_damaged_upload_is_told_without_the_servers_paths(gallery_page, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    out = io.BytesIO()
    Image.effect_noise((400, 300), 60).convert("RGB").save(out, "JPEG")
    page = gallery_page
    uploader(page).set_value([("cut.jpg", out.getvalue()[:-500], "image/jpeg")]).run()
    finish(press(page, "Index them"))
    assert "1 photo can be searched now" in said(page)
    (row,) = page.dataframe[0].value.to_dict("records")
    assert row["file"] == "cut.jpg" and row["why"] and str(tmp_path) not in row["why"]
    uploads.end_all()


@pytest.mark.parametrize(
    ("path", "why"),
    [
        ("/etc", "is not among the folders that may be used here"),
        ("Pictures", "Give the whole path"),
        ("{tmp}/none", "There is no folder"),
        ("{tmp}/empty", "holds no"),
        ("~nosuchuser", "~nosuchuser is not among the folders"),
        ("{tmp}/![x](https:~~evil.example~~a.png)", "There is no folder"),
    ],
)
def test_a_folder_that_cannot_be_used_is_explained_and_its_name_stays_a_name(gallery_page, tmp_path, path, why):
    (tmp_path / "empty").mkdir()
    page = finish(index(gallery_page, path.format(tmp=tmp_path)))
    (error,) = page.error
    assert not page.exception and plain(why) in error.value and "![" not in error.value
    (error,) = index(page, Path("/")).error  # that of the last try alone
    assert "is not among the folders" in error.value


def test_a_folder_that_is_offered_is_indexed_although_photos_were_uploaded_and_the_next_step_is_offered(
    gallery_page, monkeypatch, tmp_path, photo_folder
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    page = gallery_page
    assert f"Allowed: folders below {plain(str(tmp_path))}." in said(page)
    uploader(page).set_value([("a.jpg", png(0), "image/jpeg")]).run()
    page.segmented_control(key="source").set_value("folder").run()
    page.pills(key="usual").set_value(str(tmp_path)).run()
    assert page.text_input(key="path").value == str(tmp_path) and not page.file_uploader
    finish(press(page, "Index them"))
    assert "6 photos can be searched now" in said(page) and "Search them" in links(page)
    page.switch_page("search.py").run()
    assert "6 photos of" in said(page) and not any(one.label == "Search your own photos" for one in page.button)
    uploads.end_all()


def test_a_blank_path_cannot_be_indexed(gallery_page):
    gallery_page.text_input(key="path").set_value("   ").run()
    assert next(button for button in gallery_page.button if button.label == "Index them").disabled


def test_who_may_name_no_folder_is_told_why_and_can_upload(opened, monkeypatch, tmp_path):
    monkeypatch.setenv("XMR_FOLDERS", "")
    page = opened("frame").switch_page("gallery.py").run()
    assert not any(field.key == "path" for field in page.text_input) and "XMR_FOLDERS" in said(page)
    page.session_state["path"] = str(tmp_path)  # typed while it could be
    page.run()
    assert next(button for button in page.button if button.label == "Index them").disabled and page.file_uploader


class Slow:
    """Stands for index_folder, and waits for the test."""

    def __init__(self, folder: Path) -> None:
        self.report = IndexReport(folder, indexed=40, kept=2, moved=0, removed=0, skipped=())
        self.go = threading.Event()

    def __call__(self, folder, systems, progress, *, stop, within=None):
        progress(Progress(10, 50))
        progress(Progress(20, 50, skipped=1))
        while not stop.is_set() and not self.go.wait(0.02):
            pass
        return self.report


@pytest.fixture
def slow(monkeypatch, photo_folder, system) -> Slow:
    """Six photos that are indexed, in the place of those whose indexing takes its time."""
    index_folder(photo_folder, [system])
    slow = Slow(photo_folder / ".xmr")
    monkeypatch.setattr(indexing, "index_folder", slow)
    return slow


def shown_progress(page: AppTest) -> str:
    """The text above the bar."""
    for _ in range(100):
        for bar in page.get("progress"):
            if "20 of 50" in bar.proto.text:
                return bar.proto.text.replace("\\", "")
        time.sleep(0.05)
        page.run()
    raise AssertionError("no progress was shown")


def links(page: AppTest) -> list[str]:
    return [link.proto.label.replace("\\", "") for link in page.get("page_link")]


def test_indexing_goes_on_whichever_page_is_open_and_its_end_is_told_once(gallery_page, slow, photo_folder):
    page = index(gallery_page, photo_folder)
    told = shown_progress(page)
    assert told.startswith("Indexing “my photos”: 20 of 50 photos") and "1 passed over" in told
    assert next(button for button in page.button if button.label == "Index them").disabled
    for name in ("search.py", "systems.py"):
        page.switch_page(name).run()
        assert not page.exception and any("Indexing “my photos”: 20 of 50 photos" in link for link in links(page))
    assert not page.toast
    slow.go.set()
    finish(page)
    assert [toast.value.replace("\\", "") for toast in page.toast] == ["42 photos can be searched now, on every page."]
    assert page.session_state["folder"] == photo_folder / ".xmr" and not links(page)
    page.run()
    assert not page.toast


def test_indexing_can_be_stopped_and_says_what_is_kept(gallery_page, slow, photo_folder):
    page = index(gallery_page, photo_folder)
    shown_progress(page)
    finish(press(page, "Stop"))
    assert "was stopped at 20 of 50 photos" in said(page).replace("\\", "") and "folder" not in page.session_state


def test_after_a_reload_the_same_visitor_is_told_and_nobody_else(opened, gallery_page, slow, photo_folder, monkeypatch):
    monkeypatch.setattr(visit, "this_visitor", lambda: "me")
    shown_progress(index(gallery_page, photo_folder))
    again = opened("frame")
    assert any("Indexing “my photos”" in link for link in links(again))
    monkeypatch.setattr(visit, "this_visitor", lambda: "you")
    stranger = opened("frame")
    assert not links(stranger)
    slow.go.set()
    finish(again)
    assert again.toast and not stranger.run().toast
    assert "folder" not in stranger.session_state and not opened("frame").toast


def test_a_gallery_that_has_gone_leaves_a_way_back(gallery_page, photo_folder):
    page = finish(index(gallery_page, photo_folder))
    page.switch_page("search.py").run()
    shutil.rmtree(photo_folder)
    shared.open_gallery.clear()  # as who deletes an index does
    page.text_input(key="words").set_value("a red car").run()
    (error,) = page.error
    assert not page.exception and plain(f"The index of {photo_folder} is gone") in error.value
    assert page.session_state["address"] == {"words": "a red car", "gallery": str(photo_folder)}
    press(page, "Back to the shipped photos")
    assert not page.error and "of 3,000 photos" in said(page)


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (
            OSError(5, "Input/output error", "/disk/![x](y)"),
            "/disk/![x](y) cannot be used: Input/output error. Try again.",
        ),
        (BadInput("The gallery is damaged. Delete it."), "The gallery is damaged. Delete it."),
    ],
)
@pytest.mark.parametrize("name", ["search.py", "compare.py", "gallery.py"])
def test_an_error_that_no_page_expects_is_told_in_a_sentence(opened, monkeypatch, name, error, told):
    page = opened("frame")

    def failing(*_):
        raise error

    for method in ("systems", "__iter__"):
        monkeypatch.setattr(Gallery, method, failing)
    page.switch_page(name).run()
    assert not page.exception and [shown.value for shown in page.error] == [plain(told)]


def test_a_photo_that_has_gone_since_it_was_chosen_is_told_and_the_search_goes_on(page):
    page.session_state["like"] = "gone"
    page.run()
    assert not page.exception and "is not in this gallery" in said(page) and len(ids(page)) == 10


def png(shade: int) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (300, 200), (shade, 80, 80)).save(out, "PNG")
    return out.getvalue()


def test_two_uploads_of_one_name_are_two_photos_and_what_is_no_picture_is_named(gallery_page, monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    page = gallery_page
    uploader(page).set_value(
        [
            ("IMG_0001.jpg", png(0), "image/jpeg"),
            ("IMG_0001.jpg", png(200), "image/jpeg"),
            ("![x](y).jpg", b"words", "image/jpeg"),
        ]
    ).run()
    finish(press(page, "Index them"))
    assert not page.exception and "2 photos can be searched now" in said(page)
    assert {card["caption"] for card in cards(page)} == {"IMG_0001.jpg", "IMG_0001 (2).jpg"}
    assert list(page.dataframe[0].value["file"]) == ["![x](y).jpg"]
    page.switch_page("search.py").run()
    page.text_input(key="words").set_value("red").run()
    assert len(ids(page)) == 2
    uploads.end_all()


def test_more_like_a_photo_is_asked_whatever_was_uploaded_before(page):
    page.session_state["like"] = "gallery-cup-0001-0"
    page.run()
    wanted = ids(page)
    other = np.eye(checkpoint.describe("tri")["dim"], dtype=np.float32)[0]
    uploaded = Picture("a name", Image.new("RGB", (9, 9)), drawing=False).used("photo")
    uploaded.vectors["tri"] = Term(Modality.PHOTO, other)
    page.session_state["pictures"] = (uploaded,)
    page.run()
    assert not page.exception and ids(page) == wanted
