"""Text that others wrote, such as names of files, as the pages show it."""

from xmr.plain import plain, shown

__all__ = ["plain", "shown"]
