"""Keeps the C library's allocator from returning large tensors' memory to the operating system."""

import ctypes
import sys


def keep_memory() -> None:
    """Make glibc keep freed memory for the next step; without glibc, do nothing.

    By default glibc returns large blocks to the system. The next step then has to fault them in page by page, which can
    cost a third of its time on a CPU.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for option in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
            mallopt(option, 2**31 - 1)
