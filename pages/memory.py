"""Memory that nobody uses any more goes back to the system. glibc keeps it otherwise, and apart for each of the many
threads that run pages: 60 visits with uploads left 411 MB more than the first one, and 16 MB with two arenas."""

import asyncio
import ctypes
from contextlib import suppress

from xmr.encoder import release_unused

UNUSED = 600  # seconds after which an adopted model leaves the memory
_M_ARENA_MAX = -8  # malloc.h


def share_arenas() -> None:
    """Call before there are threads."""
    with suppress(OSError):  # another C library, which does as it does
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 2)


async def free_models() -> None:
    """Let go of adopted models that nobody uses any more; runs as long as the server."""
    while True:
        await asyncio.sleep(UNUSED / 10)
        if await asyncio.to_thread(release_unused, UNUSED):
            await asyncio.to_thread(give_back)


def give_back() -> None:
    """Call when much has become free."""
    with suppress(OSError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
