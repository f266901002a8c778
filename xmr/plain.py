"""Text that others wrote, such as names of files, shown as it is: without Markdown or links."""

import re

from xmr.modality import printable

_JOINERS = "\u200c\u200d\xa0"  # of words and of emoji: not printable by themselves, and harmless
_MARKS = re.compile(r"([!-/:-@\[-`{-~])")  # all of ASCII's: each of them may have a backslash before it
_LINKS = re.compile(r"(?<=http)(?=s?://)|(?<=www)(?=\.)|(?<=[\w.+-])(?=@)", re.IGNORECASE)  # inside of what becomes one


def shown(text: str) -> str:
    r"""The text with what cannot be seen, or would turn the rest around, written as \x1b or \u202e. For whatever shows
    text as it stands: st.text, tables, lists to choose from, the grid of photos."""
    return printable(str(text), _JOINERS)


def plain(text: str) -> str:
    """The text for whatever reads Markdown: messages, captions, labels of buttons. An address in it is no link, since a
    browser may ask for its host before anyone clicks; a joiner that has no width stands in it."""
    return _MARKS.sub(r"\\\1", _LINKS.sub("\u2060", shown(text)))
