"""Memory that nobody uses any more goes back to the system. glibc keeps it otherwise, and apart for each of the many
threads that run pages; and of what lies at the end of an arena but the first, `malloc_trim` gives nothing back."""

import asyncio
import ctypes
from contextlib import suppress

UNUSED = 600  # seconds after which an adopted model leaves the memory
_M_ARENA_MAX = -8  # malloc.h


def share_arena() -> None:
    """Have all threads share one arena. Call it first: a thread that has an arena of its own keeps it."""
    with suppress(OSError):  # another C library, which does as it does
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 1)


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
