"""The list of galleries: what was indexed is remembered, chosen, renamed and taken off, by whom it may be."""

import json
import os
import shutil
import sys
from pathlib import Path

import pytest

from pages import galleries, shared, trust, visit
from pages.plain import plain
from tests.apptest import ids, press, said
from tests.pages.test_address import address
from tests.pages.test_app import finish, index, png
from xmr import checkpoint
from xmr.gallery import DEMO, Gallery, index_folder
from xmr.modality import BadInput

pytestmark = pytest.mark.slow


@pytest.fixture
def allowed(monkeypatch, tmp_path):
    """Whoever comes may index what lies below tmp_path; nobody sits at the server's own computer yet."""
    monkeypatch.setenv("XMR_FOLDERS", str(tmp_path))
    monkeypatch.setattr(trust, "own_machine", lambda: False)


@pytest.fixture
def owner(allowed, monkeypatch):
    monkeypatch.setattr(trust, "own_machine", lambda: True)


def listed() -> list[list[str]]:
    return json.loads(galleries._file().read_text())


def test_what_was_indexed_can_be_chosen_again_by_another_visit_renamed_and_taken_off(opened, owner, photo_folder):
    page = opened("frame").switch_page("gallery.py").run()
    assert not page.radio
    finish(index(page, photo_folder))
    assert "6 photos can be searched now" in said(page) and listed() == [[str(photo_folder), "my photos"]]
    page = opened("frame").switch_page("gallery.py").run()
    assert page.radio[0].options == ["The shipped photos", "my photos"] and "3,000 of 3,000 photos" in said(page)
    page.radio[0].set_value(str(photo_folder)).run()
    assert not page.exception and "6 of 6 photos" in said(page)
    assert address(page)["gallery"] == str(photo_folder)
    page.text_input(key="rename").set_value("  Holiday\n**2026**  ").run()
    press(page, "Use this name")
    assert (
        listed() == [[str(photo_folder), "Holiday **2026**"]] and page.radio[0].options[1] == "Holiday \\*\\*2026\\*\\*"
    )
    page.switch_page("search.py").run()
    (scope,) = (box for box in page.selectbox if box.label == "Photos to search")
    assert scope.options == ["The shipped photos", "Holiday **2026**"]
    scope.set_value("").run()
    assert "3,000 photos to find" in said(page) and "gallery" not in address(page)
    page.switch_page("gallery.py").run()
    page.radio[0].set_value(str(photo_folder)).run()
    press(page, "Remove it")
    assert listed() == [] and "3,000 of 3,000 photos" in said(page) and not page.radio
    assert len(list(photo_folder.glob("*.*"))) == 6 and (photo_folder / ".xmr" / "gallery.sqlite").exists()


def test_two_galleries_of_one_name_are_told_apart(opened, owner, photo_folder):
    other = shutil.copytree(photo_folder, photo_folder.parent / "elsewhere" / photo_folder.name)
    next(other.glob("*.*")).unlink()
    page = opened("frame").switch_page("gallery.py").run()
    finish(index(page, photo_folder))
    finish(index(page, other))
    assert len(set(page.radio[0].options)) == 3 and "5 of 5 photos" in said(page)
    for folder, count in ((photo_folder, 6), (other, 5)):
        page.radio[0].set_value(str(folder)).run()
        assert f"{count} of {count} photos" in said(page) and address(page)["gallery"] == str(folder)


def test_a_gallery_that_has_gone_can_be_chosen_to_be_indexed_again_or_removed(opened, owner, photo_folder):
    moved = photo_folder.with_name("moved")
    page = opened("frame").switch_page("gallery.py").run()
    finish(index(page, photo_folder))
    press(page, "Back to the shipped photos")
    photo_folder.rename(moved)
    shared.open_gallery.clear()  # as who deletes an index does
    page.radio[0].set_value(str(photo_folder)).run()
    assert not page.exception and f"The index of {plain(photo_folder)} is gone" in said(page)
    moved.rename(photo_folder)
    shutil.rmtree(photo_folder / ".xmr")
    finish(press(page, "Refresh"))
    assert not page.exception and "6 of 6 photos" in said(page)
    shutil.rmtree(photo_folder)
    shared.open_gallery.clear()
    page.run()
    assert "is gone" in said(page)
    press(page, "Remove it")
    assert not page.exception and listed() == [] and "3,000 of 3,000 photos" in said(page)


def test_a_folder_without_photos_is_told_and_what_was_said_of_one_gallery_is_for_no_other(opened, owner, photo_folder):
    other = shutil.copytree(photo_folder, photo_folder.with_name("other"))
    page = opened("frame").switch_page("gallery.py").run()
    finish(index(page, photo_folder))
    page.text_input(key="rename").set_value("Holiday").run()
    press(page, "Use this name")
    assert page.text_input(key="rename").value == ""
    for photo in photo_folder.rglob("*.png"):
        photo.unlink()
    finish(press(page, "Refresh"))
    told = "No photo is left in this gallery"
    assert told in said(page) and "Remove one of them" not in said(page)
    page.switch_page("search.py").run()
    page.text_input(key="words").set_value("red").run()
    assert told in said(page) and ".xmr" not in said(page)
    page.switch_page("gallery.py").run()
    page.checkbox(key="delete_index").check().run()
    press(page, "Remove it")
    finish(index(page, other))
    assert page.checkbox(key="delete_index").value is False


def test_a_gallery_is_brought_up_to_date_by_one_click(opened, owner, photo_folder):
    page = opened("frame").switch_page("gallery.py").run()
    finish(index(page, photo_folder))
    next(photo_folder.glob("*.*")).unlink()
    finish(press(page, "Refresh"))
    assert not page.exception and "5 photos can be searched now" in said(page) and len(ids(page)) == 5


def test_an_index_goes_with_its_gallery_where_that_is_wanted_and_the_photos_stay(owner, photo_folder, system, opened):
    index_folder(photo_folder, [system])
    (photo_folder / ".xmr" / "mine.txt").write_text("not the program's")
    before = {file.name for file in photo_folder.glob("*.*")}
    page = opened("frame")
    own = sys.modules["pages.galleries"]
    own.remember(photo_folder)
    own.forget(str(photo_folder), delete_index=True)
    assert {file.name for file in photo_folder.glob("*.*")} == before and listed() == [] and not page.exception
    assert [file.name for file in (photo_folder / ".xmr").iterdir()] == ["mine.txt"]
    with pytest.raises(BadInput, match="is not indexed yet"):
        Gallery.open(photo_folder)
    own.forget(str(DEMO), delete_index=True)
    with Gallery.open(DEMO) as demo:
        assert len(demo) == 3_000


def test_others_choose_from_the_list_but_change_nothing_and_see_only_what_they_may_open(
    opened, allowed, photo_folder, monkeypatch, tmp_path
):
    page = opened("frame").switch_page("gallery.py").run()
    finish(index(page, photo_folder))
    assert page.radio and not {"Use this name", "Remove it"} & {button.label for button in page.button}
    for change in (lambda: galleries.rename(str(photo_folder), "evil"), lambda: galleries.forget(str(photo_folder))):
        with pytest.raises(BadInput, match="Only someone at the computer"):
            change()
    assert listed() == [[str(photo_folder), "my photos"]]
    monkeypatch.setenv("XMR_FOLDERS", str(tmp_path / "elsewhere"))
    assert not opened("frame").switch_page("gallery.py").run().radio


def test_what_a_visitor_indexes_leads_out_of_no_folder_that_was_named(opened, allowed, monkeypatch, photo_folder):
    monkeypatch.setenv("XMR_FOLDERS", str(photo_folder))
    away = photo_folder.parent / "away"
    away.mkdir()
    (photo_folder / "more" / "blue-right.png").rename(away / "private.png")
    (photo_folder / "linked").symlink_to(away)
    page = opened("frame").switch_page("gallery.py").run()
    finish(index(page, photo_folder))
    assert "5 photos can be searched now" in said(page) and "5 of 5 photos" in said(page)
    (told,) = page.dataframe[0].value.to_dict("records")
    assert told["file"].endswith("linked") and "out of the folders that may be used here" in told["why"]


def test_a_damaged_list_is_an_empty_one_and_grows_only_so_far(owner, tmp_path):
    galleries._file().parent.mkdir(parents=True, exist_ok=True)
    galleries._file().write_text('{"a": [}')
    assert galleries._remembered() == []
    for number in range(galleries.MOST + 3):
        galleries.remember(tmp_path / str(number))
    assert len(listed()) == galleries.MOST and listed()[0][1] == str(galleries.MOST + 2)


def test_uploads_are_found_again_after_a_reload_and_by_nobody_else(opened, monkeypatch):
    monkeypatch.setattr(visit, "this_visitor", lambda: "me")
    page = opened("frame").switch_page("gallery.py").run()
    page.file_uploader[0].set_value([("a.jpg", png(0), "image/jpeg")]).run()
    finish(press(page, "Index them"))
    assert address(page)["gallery"] == "uploads"
    again = opened("frame").switch_page("gallery.py").run()
    assert "Still here from before: 1 photo" in said(again).replace("\\", "")
    again.radio[0].set_value("uploads").run()
    assert "1 of 1 photos" in said(again) and address(again)["gallery"] == "uploads"
    monkeypatch.setattr(visit, "this_visitor", lambda: "you")
    stranger = opened("frame").switch_page("gallery.py").run()
    assert not stranger.radio and "Still here" not in said(stranger)


told_what_is_open = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="what is open is not told here")


def open_files() -> list[str]:
    """What of a deleted file is open stays on the disk: names, captions and positions of private photos."""
    links = [os.path.join("/proc/self/fd", name) for name in os.listdir("/proc/self/fd")]
    return [os.readlink(link) for link in links if os.path.islink(link)]


@told_what_is_open
def test_of_an_index_that_is_deleted_nothing_stays_open_and_all_of_another(owner, photo_folder, opened):
    index_folder(photo_folder, [checkpoint.load("tri")])
    page = opened("frame")
    own, app = sys.modules["pages.galleries"], sys.modules["pages.shared"]
    own.remember(photo_folder)
    other = app.open_gallery(DEMO)
    for folder in (photo_folder, photo_folder / ".xmr"):
        assert app.open_searcher("tri", folder).search(text="red", k=1)
    assert any(name.startswith(str(photo_folder)) for name in open_files())
    own.forget(str(photo_folder), delete_index=True)
    assert not page.exception and not any(name.startswith(str(photo_folder)) for name in open_files())
    assert app.open_gallery(DEMO) is other and len(other) == 3_000


@told_what_is_open
def test_of_uploads_that_are_deleted_nothing_stays_open(opened, monkeypatch):
    monkeypatch.setattr(visit, "this_visitor", lambda: "one who leaves")
    page = opened("frame").switch_page("gallery.py").run()
    page.file_uploader[0].set_value([("a.jpg", png(0), "image/jpeg")]).run()
    finish(press(page, "Index them"))
    page.switch_page("search.py").run().text_input(key="words").set_value("something").run()
    folder = page.session_state["uploads"].folder
    assert len(ids(page)) == 1 and any(name.startswith(str(folder)) for name in open_files())
    assert visit._endings.pop(next(iter(page.session_state["uploads"].visits)))()
    assert not folder.exists() and not any(name.startswith(str(folder)) for name in open_files())
