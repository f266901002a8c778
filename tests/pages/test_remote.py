"""The app asks a server where one is named, and then loads no model of its own."""

from __future__ import annotations

import threading
import time

import httpx
import pytest
import uvicorn

from pages import shared
from tests.apptest import ids, said
from xmr import serve
from xmr.gallery import DEMO
from xmr.remote import RemoteSearcher
from xmr.search import Searcher


@pytest.fixture
def afresh():
    """Nothing is open before and after."""
    for cached in (shared.open_searcher, shared.open_system, shared.open_gallery):
        cached.clear()
    yield
    for cached in (shared.open_searcher, shared.open_system, shared.open_gallery):
        cached.clear()


@pytest.fixture
def server(monkeypatch):
    """The API over the shipped photos, which the app is told of."""
    made = uvicorn.Server(uvicorn.Config(serve.create_app(DEMO, ["tri"], key="word"), "127.0.0.1", 0, log_config=None))
    thread = threading.Thread(target=made.run, daemon=True)
    thread.start()
    while not made.started:
        time.sleep(0.01)
    address = f"http://127.0.0.1:{made.servers[0].sockets[0].getsockname()[1]}"
    while httpx.get(f"{address}/ready").status_code != 200:
        time.sleep(0.05)
    monkeypatch.setenv("XMR_SERVER", address)
    monkeypatch.setenv("XMR_API_KEY", "word")
    yield made
    made.should_exit = True
    thread.join(10)


def test_the_app_answers_through_a_server_and_loads_nothing(afresh, server, page):
    page.text_input(key="words").input("a red car").run()
    found = ids(page)
    assert len(found) == 10 and not page.exception and not page.error
    searcher = shared.open_searcher("tri", DEMO)
    assert isinstance(searcher, RemoteSearcher) and not shared.open_system("tri").loaded
    assert [
        hit.id for hit in Searcher(shared.open_system("tri"), shared.open_gallery()).search(text="a red car")
    ] == found


def test_a_server_that_is_not_there_is_told_with_what_to_do(afresh, monkeypatch, opened):
    monkeypatch.setenv("XMR_SERVER", "http://127.0.0.1:9")
    page = opened("search")
    page.text_input(key="words").input("a red car").run()
    assert "does not answer" in said(page) and "unset XMR" in said(page).replace("\\", "")
