"""Systems, "Add a model": for whoever sits at the server's computer, and for nobody else."""

from __future__ import annotations

import re
import shutil
import threading
import time
from pathlib import Path

import pytest
from platformdirs import user_data_path
from streamlit.testing.v1 import AppTest

from pages import adopting, galleries, indexing, memory, shared, trust
from tests.apptest import press
from tests.apptest import said as written
from xmr import adopt, checkpoint, encoder
from xmr.encoder import release_unused
from xmr.gallery import Gallery, index_folder
from xmr.gallery.jobs import Jobs


def said(page) -> str:
    """What is written on the page, as a person reads it."""
    return written(page).replace("\\", "")


@pytest.fixture
def folder(clip) -> Path:
    """A tiny CLIP in a folder."""
    return clip[0]


@pytest.fixture
def home(tmp_path, monkeypatch):
    """No adopted models, a visitor at the server's computer, and little to measure on."""
    monkeypatch.setenv("XMR_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(trust, "own_machine", lambda: True)
    monkeypatch.setattr("xmr.adopt.fit.PHOTOS", 12)
    monkeypatch.setattr("xmr.adopt.fit.CAPTIONS", 6)
    adopting._jobs.clear()
    yield tmp_path / "models"
    for job in adopting._jobs:
        job.stop.set()
        job.thread.join(30)
    adopting._jobs.clear()
    for cached in (shared.systems, shared.reports, shared.open_system, shared.open_searcher):
        cached.clear()


def wait() -> None:
    adopting._jobs[-1].thread.join(60)
    assert not adopting._jobs[-1].active


def test_a_model_in_a_folder_is_looked_up_adopted_and_removed(home, folder, opened, monkeypatch):
    given = []
    monkeypatch.setattr(memory, "give_back", lambda: given.append(len(checkpoint.available(home))))
    page = opened("systems")
    page.text_input(key="model").input(str(folder)).run()
    page = press(page, "Look it up")
    assert "Licence: **mit**. 10 MB to read. Texts: en, de." in said(page) and not home.exists()
    page = press(page, "Adopt it")
    wait()
    page.run()
    page.run()  # as the fragment that watches it does
    assert not page.exception and "tiny-clip was adopted in" in said(page)
    assert given == [1]  # once the model is there, what measuring it took goes back to the system
    assert "Indexing the 3,000 photos that are searched now takes about" in said(page)
    assert re.search(r"words: \d+\.\d ms", said(page).partition("</span> tiny-clip")[2])
    assert "</span> tiny-clip" in said(page) and "tiny-clip · 10 MB on disk · not in memory" in said(page)
    page.selectbox(key="removing").set_value("tiny-clip").run()
    page = press(page, "Remove")
    assert not page.exception and "</span> tiny-clip" not in said(page) and checkpoint.available(home) == []


@pytest.fixture
def adopted(home, folder) -> Path:
    """The folder of a tiny CLIP that was adopted."""
    return adopt.adopt(adopt.look_up(str(folder)), gallery=Path("no gallery")).folder


def test_a_model_is_removed_while_another_is_adopted_and_that_stays_the_only_one(adopted, opened, folder):
    done = threading.Event()
    job = adopting.Job("other", thread=threading.Thread(target=done.wait, args=(60,)))
    job.thread.start()
    try:
        adopting._jobs[:] = [job]
        page = opened("systems")
        page.selectbox(key="removing").set_value("tiny-clip").run()
        page = press(page, "Remove")
        assert not page.exception and not adopted.exists() and adopting._jobs == [job]
        adopting.start(adopt.look_up(str(folder)))
        assert adopting._jobs == [job]
    finally:
        done.set()


def test_a_tab_that_follows_a_job_which_another_forgot_is_shown_anew(home):
    def page():
        import streamlit as st

        from pages import adopting

        st.session_state.runs = st.session_state.get("runs", 0) + 1
        if st.session_state.runs == 1:
            adopting._progress()

    shown = AppTest.from_function(page).run()
    assert not shown.exception and shown.session_state["runs"] == 2


def test_the_memory_of_each_model_is_told_and_gone_when_it_was_let_go_of(adopted, opened, monkeypatch):
    assert "tiny-clip · 10 MB on disk · not in memory" in said(opened("systems"))
    measured = iter([300.0, 342.4])  # before the graph of its texts is opened, and after
    monkeypatch.setattr("xmr.encoder.resident", lambda: next(measured))
    monkeypatch.setattr(adopting, "resident", lambda: 1234.0)
    page = opened("systems")
    system = shared.open_system("tiny-clip")
    system.encode_text(["a cat", "a dog"])
    page.run()
    assert not page.exception and "tiny-clip · 10 MB on disk · 42 MB in memory" in said(page)
    assert "The whole server takes 1,234 MB of memory. A model leaves it when unused for 10 minutes." in said(page)
    release_unused(0)
    assert "tiny-clip · 10 MB on disk · not in memory" in said(page.run())


def test_results_say_that_nothing_is_known_of_how_an_adopted_model_was_trained(adopted, opened):
    page = opened("results")
    page.segmented_control(key="trained").set_value("tiny-clip").run()
    assert not page.exception and "Nothing is known here of how it was trained" in said(page)


def test_where_memory_cannot_be_measured_no_figure_is_told(adopted, opened, monkeypatch):
    for module in (adopting, encoder):
        monkeypatch.setattr(module, "resident", lambda: 0.0)
    page = opened("systems")
    shared.open_system("tiny-clip").encode_text(["a cat"])
    assert "tiny-clip · 10 MB on disk · in memory" in said(page.run()) and "whole server" not in said(page)


@pytest.fixture
def systems_page(opened, monkeypatch):
    """The page Systems in its frame, of a visitor whom nobody else's job precedes."""
    monkeypatch.setattr(indexing, "_jobs", Jobs())
    return opened("frame").switch_page("systems.py").run()


def search_in(page, folder: Path):
    page.session_state["folder"] = folder
    return page.run()


def indexed(page):
    """The page once the job that it follows has ended."""
    for _ in range(300):
        if page.session_state["job"] is None:
            return page
        time.sleep(0.1)
        page.run()
    raise AssertionError("the job never ended")


def test_the_shipped_photos_are_indexed_as_a_copy(adopted, systems_page, gallery_folder, tmp_path, monkeypatch):
    shipped = shutil.copytree(gallery_folder, tmp_path / "shipped")
    before = {path: path.read_bytes() for path in shipped.rglob("*") if path.is_file()}
    for module in (galleries, indexing):
        monkeypatch.setattr(module, "DEMO", shipped)
    for _ in range(2):  # the second time there is a copy
        page = indexed(press(search_in(systems_page, shipped), "Index the photos that are searched now"))
        copy = page.session_state["folder"]
        assert not page.exception and copy.name == "shipped photos" and copy.is_relative_to(user_data_path("xmr"))
        with Gallery.open(copy) as gallery:
            assert len(gallery) == 6 and "tiny-clip" in gallery.systems() and "tiny" in gallery.systems()
    assert {path: path.read_bytes() for path in shipped.rglob("*") if path.is_file()} == before
    assert "Index the photos that are searched now" not in {button.label for button in page.button}


def test_ones_own_photos_are_indexed_by_a_click(adopted, systems_page, photo_folder):
    index_folder(photo_folder, [checkpoint.load("tri")])
    page = search_in(systems_page, photo_folder / ".xmr")
    page = indexed(press(page, "Index the photos that are searched now"))
    with Gallery.open(photo_folder) as gallery:
        assert not page.exception and {"tri", "tiny-clip"} <= set(gallery.systems())


def test_a_damaged_model_is_told_and_can_be_removed(adopted, home, opened):
    (adopted / "text.onnx").write_bytes(b"")
    page = opened("systems")
    assert not page.exception and "tiny-clip · damaged: remove it and adopt it again" in said(page)
    (adopted / "text.onnx").unlink()
    page.run()
    assert not page.exception and "Damaged: text.onnx is missing" in said(page)
    page.selectbox(key="removing").set_value("tiny-clip").run()
    page = press(page, "Remove")
    assert not page.exception and checkpoint.available(home) == []


def test_what_another_program_adopts_or_removes_is_noticed(home, folder, systems_page):
    assert "</span> tiny-clip" not in said(systems_page)
    adopt.adopt(adopt.look_up(str(folder)), gallery=Path("no gallery"))
    before = shared.open_system("tri")
    assert "</span> tiny-clip" in said(systems_page.run())
    assert shared.open_system("tri") is not before
    before = shared.open_system("tri")
    assert "</span> tiny-clip" in said(systems_page.run()) and shared.open_system("tri") is before
    adopt.remove("tiny-clip")
    assert "</span> tiny-clip" not in said(systems_page.run()) and not systems_page.exception


def test_what_cannot_be_adopted_is_told_in_a_sentence(home, opened, tmp_path):
    (tmp_path / "it").mkdir()
    (tmp_path / "it" / "pytorch_model.bin").write_bytes(b"")
    page = opened("systems")
    page.text_input(key="model").input(str(tmp_path / "it")).run()
    page = press(page, "Look it up")
    assert "a pickle, which can run any program and is never loaded" in said(page)
    assert "Adopt it" not in {button.label for button in page.button}


def test_adopting_is_stopped_by_a_click_and_leaves_nothing(home, folder, opened, monkeypatch):
    def slow(self, what: str, done: int, total: int) -> None:
        self.what, self.done, self.total = what, done, total
        for _ in range(600):
            if self.stop.is_set():
                return
            time.sleep(0.05)

    monkeypatch.setattr(adopting.Job, "tell", slow)
    page = opened("systems")
    page.text_input(key="model").input(str(folder)).run()
    page = press(press(page, "Look it up"), "Adopt it")
    assert adopting._jobs[-1].active
    page = press(page, "Stop")
    wait()
    assert "stopped" in said(page.run()) and checkpoint.available(home) == []


def test_nobody_else_is_offered_it(opened, monkeypatch):
    monkeypatch.setattr(trust, "own_machine", lambda: False)
    page = opened("systems")
    assert not page.text_input and "Look it up" not in {button.label for button in page.button}


def test_only_one_at_this_computer_whom_no_proxy_brings_is_trusted():
    assert trust._at_this_computer("localhost", {"Host": "localhost:8501"})
    assert not trust._at_this_computer("0.0.0.0", {"Host": "localhost:8501"})
    assert not trust._at_this_computer("localhost", {"Host": "localhost:8501", "X-Forwarded-For": "1.2.3.4"})
