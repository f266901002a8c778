"""Photos at full size go to the visitor who searches them, within limits, and nothing else of the server does."""

from __future__ import annotations

import asyncio
import io
import os
import threading

import httpx
import numpy as np
import pytest
from PIL import Image
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
from starlette.testclient import TestClient

from pages import desktop, grid, originals, trust, visit
from pages.state import state
from xmr.gallery import Gallery, index_folder
from xmr.modality import BadInput


@pytest.fixture
def folder(tmp_path, system):
    """One photo of 2,400 x 1,800 px, one behind a link that leads out of the folder, and one that was damaged since."""
    folder, outside = tmp_path / "mine", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    for path, shade in ((folder / "große Tasse.jpg", 90), (outside / "other.jpg", 160), (folder / "gone bad.jpg", 30)):
        Image.new("RGB", (2400, 1800), (shade, 60, 60)).save(path)
    (folder / "link.jpg").symlink_to(outside / "other.jpg")
    index_folder(folder, [system])
    (folder / "gone bad.jpg").write_text("root:x:0:0")
    return folder


@pytest.fixture
def ids(folder):
    with Gallery.open(folder) as gallery:
        return {item.content.name: item.id for item in gallery}


@pytest.fixture
def base(folder, monkeypatch):
    monkeypatch.setattr(visit, "this_visitor", lambda: "me")
    with Gallery.open(folder) as gallery:
        return f"/{originals.address(gallery)}"


def browser(visitor: str | None = "me") -> TestClient:
    cookies = {visit.COOKIE: visitor} if visitor else {}
    return TestClient(Starlette(routes=[originals.ROUTE]), cookies=cookies)


def size_of(answer) -> tuple[int, int]:
    assert answer.status_code == 200
    return Image.open(io.BytesIO(answer.content)).size


def test_a_photo_is_shown_as_large_as_a_screen_and_whole_on_demand(base, ids):
    address = base + ids["große Tasse.jpg"]
    assert size_of(browser().get(address)) == (2048, 1536)
    assert size_of(browser().get(f"{address}?whole")) == (2400, 1800)
    answer = browser().get(address)
    assert answer.headers["content-type"] == "image/jpeg" and answer.headers["x-content-type-options"] == "nosniff"


def test_only_the_visitor_to_whom_it_was_shown_gets_it(base, ids):
    address = base + ids["große Tasse.jpg"]
    assert [browser(who).get(address).status_code for who in ("you", None)] == [404, 404]
    assert browser().get(address.replace("/photos/", "/photos/x")).status_code == 404
    assert browser().get(f"{base}nothing").status_code == 404
    assert browser().get(f"{base}..%2f..%2fetc%2fpasswd").status_code == 404


def test_what_lies_outside_of_the_folder_or_is_no_picture_stays_where_it_is(base, ids):
    for name in ("link.jpg", "gone bad.jpg"):
        for how in ("", "?whole", "?file"):
            answer = browser().get(base + ids[name] + how)
            assert max(size_of(answer)) == 256 and answer.headers["content-type"] == "image/webp"


def test_a_download_is_the_file_as_it_is_and_is_never_opened_by_the_browser(base, ids, folder):
    answer = browser().get(f"{base}{ids['große Tasse.jpg']}?file")
    assert answer.content == (folder / "große Tasse.jpg").read_bytes()
    assert answer.headers["content-disposition"] == "attachment; filename*=utf-8''gro%C3%9Fe%20Tasse.jpg"
    assert answer.headers["content-type"] == "application/octet-stream"


def test_photos_that_wait_to_be_decoded_hold_up_nothing_else(base, ids, monkeypatch):
    """Whatever else the server sends, such as the page itself, shares a pool of 40 threads."""
    go, begun = threading.Event(), threading.Semaphore(0)

    def decoded(*_) -> tuple[bytes, str]:
        begun.release()
        assert go.wait(20)
        return b"", "image/jpeg"

    async def ask() -> list[int]:
        app = Starlette(routes=[originals.ROUTE, Route("/other", lambda request: Response("here"))])
        async with httpx.AsyncClient(
            transport=httpx.ASGITransport(app), base_url="http://localhost", cookies={visit.COOKIE: "me"}
        ) as client:
            photos = [asyncio.create_task(client.get(base + ids["große Tasse.jpg"])) for _ in range(60)]
            try:
                await asyncio.to_thread(begun.acquire)
                await asyncio.sleep(0.5)
                other = await asyncio.wait_for(client.get("/other"), 5)
            finally:
                go.set()
            return [other.status_code, *(answer.status_code for answer in await asyncio.gather(*photos))]

    monkeypatch.setattr(originals, "large", decoded)
    assert asyncio.run(ask()) == [200] * 61


def test_photos_go_with_their_gallery(base, ids, folder):
    os.rename(folder, folder.with_name("moved"))
    assert browser().get(base + ids["große Tasse.jpg"]).status_code == 404


def test_the_cache_keeps_what_was_used_last_within_its_limit():
    rng, cache, slow = np.random.default_rng(0), originals._Newest(10), []
    for _ in range(2_000):
        key, size = int(rng.integers(8)), int(rng.integers(1, 6))
        if rng.random() < 0.5:
            assert cache.get(key) == next((value for other, value, _ in slow if other == key), None)
            slow.sort(key=lambda one: one[0] == key)  # the newest last
        else:
            cache.put(key, value := object(), size)
            slow = [*(one for one in slow if one[0] != key), (key, value, size)]
            while sum(size for *_, size in slow) > 10:
                slow.pop(0)


def test_nothing_stays_in_memory_of_what_is_deleted(base, ids, folder):
    browser().get(base + ids["große Tasse.jpg"])
    held = len(originals._encoded._held)
    assert originals._encoded._size == sum(size for _, size in originals._encoded._held.values())
    originals.forget(folder / "other")
    assert len(originals._encoded._held) == held
    originals.forget(folder)
    assert not any(key[0].is_relative_to(folder) for key in originals._encoded._held)
    assert originals._encoded._size == sum(size for _, size in originals._encoded._held.values())


@pytest.fixture
def started(monkeypatch):
    """The commands that would have been started."""
    started = []
    monkeypatch.setattr(desktop.subprocess, "Popen", lambda command, **_: started.append(command))
    monkeypatch.setattr(desktop.shutil, "which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr(desktop.sys, "platform", "linux")
    monkeypatch.setenv("DISPLAY", ":0")
    return started


def ask(folder, sent) -> list[str]:
    """What a browser sends; the photos whose like are wanted, and are not, from then on."""
    asked = []
    with Gallery.open(folder) as gallery:
        grid._act(gallery, sent, asked.append, asked.append, "photos")
    return asked


def test_files_are_opened_only_on_ones_own_machine_and_only_pictures(folder, ids, started, monkeypatch):
    cup = ids["große Tasse.jpg"]
    for own in (False, True):
        monkeypatch.setattr(trust, "own_machine", lambda own=own: own)
        for what in ("open", "reveal"):
            for id in (cup, ids["gone bad.jpg"], ids["link.jpg"], "nothing", "../../etc/passwd"):
                ask(folder, [what, id])
        assert len(started) == 2 * own
    assert started == [["/usr/bin/xdg-open", str(folder / "große Tasse.jpg")], ["/usr/bin/xdg-open", str(folder)]]


def test_a_computer_without_a_screen_says_so(started, monkeypatch, folder):
    monkeypatch.delenv("DISPLAY")
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    with pytest.raises(BadInput, match="Copy the path"):
        desktop.open_file(folder / "große Tasse.jpg")
    assert not started


def test_what_a_browser_makes_up_is_passed_over(folder, ids, monkeypatch):
    monkeypatch.setattr(trust, "own_machine", lambda: True)
    for sent in (None, 1, "like", [], ["like"], ["like", 7], ["less", "x"], ["open", None], ["mark", "all"], {"a": 1}):
        ask(folder, sent)
    for id in ("nothing", "\ud800", "x" * 1_000_000):
        assert not ask(folder, ["like", id]) and not ask(folder, ["less", id])
    assert ask(folder, ["like", ids["link.jpg"]]) == ask(folder, ["less", ids["link.jpg"]]) == [ids["link.jpg"]]
    many = [ids["link.jpg"], "nothing", 7, None, *["x" * 99] * 500]
    ask(folder, ["mark", many])
    assert state.marked == (ids["link.jpg"],)
