"""Memory that nobody uses any more goes back to the system. glibc keeps it otherwise, and apart for each of the many
threads that run pages; and of what lies at the end of an arena but the first, `malloc_trim` gives nothing back. And no
message of a browser takes very much of it."""

from __future__ import annotations

import asyncio
import ctypes
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # `share_arena` comes before any package
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

MOST_LISTS, MOST_VALUES = 200_000, 1_000_000  # of a browser's message: twice the points that are read of a drawing
UNUSED = 600  # seconds after which an adopted model leaves the memory
_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h
_LARGE = 1 << 20  # bytes from which on a block lies apart, and goes back as soon as it is free
_TOP = 8 << 20  # bytes that may stay free at the arena's end


class LimitMessages:
    """ASGI middleware that ends the connection of a browser whose message has very many lists or values, as Streamlit
    does with one that is too long: what it says of the page is kept as long as the visit, and each list of JSON, which
    has two letters, takes 800 bytes."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def receive_small() -> Message:
            message = await receive()
            sent = message.get("bytes") or b""
            if sent.count(b"[") + sent.count(b"{") <= MOST_LISTS and sent.count(b",") <= MOST_VALUES:
                return message
            await send({"type": "websocket.close", "code": 1009})
            return {"type": "websocket.disconnect", "code": 1009}

        await self.app(scope, receive_small if scope["type"] == "websocket" else receive, send)


def share_arena() -> None:
    """Have all threads share one arena, where large blocks, such as pictures, have no place; of itself, glibc would let
    them in once some were freed. Call it first: a thread that has an arena of its own keeps it."""
    with suppress(OSError):  # another C library, which does as it does
        libc = ctypes.CDLL("libc.so.6")
        for setting, value in ((_M_ARENA_MAX, 1), (_M_MMAP_THRESHOLD, _LARGE), (_M_TRIM_THRESHOLD, _TOP)):
            libc.mallopt(setting, value)


async def free_models() -> None:
    """Let go of adopted models that nobody uses any more; runs as long as the server."""
    from xmr.encoder import release_unused  # not above: numpy begins threads

    while True:
        await asyncio.sleep(UNUSED / 10)
        if await asyncio.to_thread(release_unused, UNUSED):
            await asyncio.to_thread(give_back)


def give_back() -> None:
    """Call when much has become free."""
    with suppress(OSError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
