"""Visitors and visits. A visitor is a browser; a visit is one of its tabs, until the tab is closed or reloaded.

A visitor is recognised by a cookie with a random id. All data of a visit are deleted when it ends.
"""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable

import streamlit as st
from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from streamlit import runtime
from streamlit.runtime.scriptrunner import get_script_run_ctx

from pages import memory

COOKIE = "xmr_visitor"
_PAUSE = 10  # seconds between checks for visits that have ended
_last_seen: dict[str, float] = {}  # by visit
_endings: dict[str, Callable[[], bool]] = {}  # by visit


class KnowVisitors:
    """ASGI middleware that sets the cookie in pages for browsers without one."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def send_cookie(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                if headers.get("content-type", "").startswith("text/html"):
                    headers.append("set-cookie", f"{COOKIE}={secrets.token_urlsafe()}; Path=/; HttpOnly; SameSite=Lax")
            await send(message)

        unknown = scope["type"] == "http" and COOKIE not in HTTPConnection(scope).cookies
        await self.app(scope, receive, send_cookie if unknown else send)


def this_visit() -> str:
    """The id of this visit."""
    return get_script_run_ctx().session_id


def this_visitor() -> str:
    """The id of this visitor; without a cookie, each visit counts as a visitor."""
    return st.context.cookies.get(COOKIE) or this_visit()


def went_through_history() -> bool:
    """Whether this run is because somebody went back or forward in the browser."""
    return bool(getattr(get_script_run_ctx(), "is_history_navigation", False))


def seen() -> None:
    """Register this visit; called in each run of a page."""
    _last_seen[this_visit()] = time.monotonic()


def at_end(do: Callable[[], bool]) -> None:
    """Call `do` when this visit has ended, again and again until it returns True. It must not use Streamlit."""
    _endings[this_visit()] = do


async def end_visits() -> None:
    """End visits whose tab has been closed for longer than a browser may reconnect; runs as long as the server.

    Streamlit itself ends such a visit only when another one starts.
    """
    while True:
        await asyncio.sleep(_PAUSE)
        try:
            if await _end_visits(runtime.get_instance(), st.get_option("server.disconnectedSessionTTL")):
                await asyncio.to_thread(memory.give_back)
        except Exception:  # must go on, or no visit would be ended any more
            logging.getLogger(__name__).exception("Visits that are over could not be ended")


async def _end_visits(server: runtime.Runtime, patience: float) -> int:
    """End the visits that are over, and return their number; `patience` is in seconds."""
    count = 0
    for visit, last in list(_last_seen.items()):
        if server.is_active_session(visit):
            _last_seen[visit] = time.monotonic()
        elif time.monotonic() - last > patience:
            server.close_session(visit)
            if await asyncio.to_thread(_endings.get(visit, lambda: True)):
                _endings.pop(visit, None)
                del _last_seen[visit]
                count += 1
    return count
