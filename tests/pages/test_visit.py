"""A browser is known again by its cookie, and what belongs to a visit goes once its tab is gone for good."""

import asyncio

import pytest
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import HTMLResponse, PlainTextResponse
from starlette.routing import Route

from pages import visit


async def get(path: str, cookie: str = "") -> list[str]:
    """The cookies that an answer sets."""
    app = Starlette(
        routes=[
            Route("/", lambda request: HTMLResponse("page")),
            Route("/health", lambda request: PlainTextResponse("ok")),
        ],
        middleware=[Middleware(visit.KnowVisitors)],
    )
    sent = []

    async def receive():
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message):
        sent.append(message)

    await app(
        {
            "type": "http",
            "method": "GET",
            "path": path,
            "headers": [(b"cookie", cookie.encode())],
            "query_string": b"",
            "http_version": "1.1",
        },
        receive,
        send,
    )
    return [value.decode() for name, value in sent[0]["headers"] if name == b"set-cookie"]


def test_a_browser_gets_a_word_that_nobody_guesses_and_keeps_it():
    (first,), (second,) = asyncio.run(get("/")), asyncio.run(get("/"))
    name, word = first.split(";")[0].split("=")
    assert name == visit.COOKIE and len(word) >= 40 and first != second
    assert "HttpOnly" in first and "SameSite=Lax" in first
    assert asyncio.run(get("/", f"other=1; {name}={word}")) == []
    assert asyncio.run(get("/health")) == []


class Server:
    """Of Streamlit's runtime, what tells which tabs are there."""

    def __init__(self, *there: str) -> None:
        self.there, self.closed = set(there), []

    def is_active_session(self, visit: str) -> bool:
        return visit in self.there

    def close_session(self, visit: str) -> None:
        self.closed.append(visit)


@pytest.fixture
def now(monkeypatch) -> list[float]:
    """The seconds since two visits, "a" and "b", were seen first."""
    clock = [0.0]
    monkeypatch.setattr(visit.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(visit, "_last_seen", {})
    monkeypatch.setattr(visit, "_endings", {})
    for name in "ab":
        monkeypatch.setattr(visit, "this_visit", lambda name=name: name)
        visit.seen()
    return clock


def look(server: Server) -> None:
    asyncio.run(visit._end_visits(server, 120))


def test_a_visit_ends_once_its_tab_has_been_gone_for_long_and_others_do_not(now):
    ended, server = [], Server("a", "b")
    visit.at_end(lambda: ended.append("b") or True)
    for now[0] in (0, 300):
        look(server)
    server.there.remove("b")
    now[0] = 400
    look(server)
    assert not ended and not server.closed  # it may come back, as after a break of the connection
    now[0] = 421
    look(server)
    look(server)
    assert ended == ["b"] and server.closed == ["b"]


def test_a_visit_that_comes_back_goes_on(now):
    ended, server = [], Server("a")
    visit.at_end(lambda: ended.append("b") or True)
    for now[0], there in ((100, {"a"}), (119, {"a", "b"}), (220, {"a"}), (238, {"a", "b"}), (999, {"a", "b"})):
        server.there = there
        look(server)
    assert not ended and not server.closed


def test_what_cannot_go_yet_is_asked_again(now):
    asked, server = [], Server("a")
    visit.at_end(lambda: asked.append(1) or len(asked) == 3)
    now[0] = 121
    for _ in range(5):
        look(server)
    assert len(asked) == 3


def test_a_look_that_fails_is_not_the_last_one(now, monkeypatch, caplog):
    ended, servers = [], [Server("a"), None, Server("a")]  # the one in the middle can't be asked
    visit.at_end(lambda: ended.append("b") or True)

    def next_server():
        now[0] += 100
        return servers.pop(0)

    monkeypatch.setattr(visit.runtime, "get_instance", next_server)
    monkeypatch.setattr(visit, "_PAUSE", 0)

    async def run() -> None:
        looking = asyncio.create_task(visit.end_visits())
        while not ended:
            await asyncio.sleep(0)
        looking.cancel()

    asyncio.run(asyncio.wait_for(run(), 60))
    assert "could not be ended" in caplog.text and not servers
