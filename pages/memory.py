"""Memory that nobody uses any more goes back to the system. glibc keeps it otherwise, and apart for each of the many
threads that run pages: 60 visits with uploads left 411 MB more than the first one, and 16 MB with two arenas."""

import ctypes
from contextlib import suppress

_M_ARENA_MAX = -8  # malloc.h


def share_arenas() -> None:
    """Call before there are threads."""
    with suppress(OSError):  # another C library, which does as it does
        ctypes.CDLL("libc.so.6").mallopt(_M_ARENA_MAX, 2)


def give_back() -> None:
    """Call when much has become free."""
    with suppress(OSError):
        ctypes.CDLL("libc.so.6").malloc_trim(0)
