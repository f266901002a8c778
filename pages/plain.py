"""Text that others wrote, such as names of files, as the pages show it."""

from xmr.plain import plain, shown

__all__ = ["plain", "short", "shown"]


def short(text: str, most: int = 40) -> str:
    """The text, or its first letters where it is longer than fits a button."""
    return text if len(text) <= most else f"{text[: most - 1]}…"
