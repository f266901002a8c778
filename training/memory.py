"""What the allocator does with the memory of large tensors."""

import ctypes
import sys


def keep_memory() -> None:
    """Have glibc keep what a step frees for the next one. Else it gives large blocks back and gets them anew, page by
    page, which can cost a third of a step on a CPU. Elsewhere than on glibc nothing is changed."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None) if sys.platform == "linux" else None
    if mallopt is not None:
        for option in (-1, -3):  # M_TRIM_THRESHOLD, M_MMAP_THRESHOLD
            mallopt(option, 2**31 - 1)
