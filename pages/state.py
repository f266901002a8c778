"""Every key of st.session_state in one place: what a visit holds, by whom it is written and where it is read.

Left out are only keys of widgets that come in numbers: `canvas-<n>` and `weight-<part>` of ask.py, `pictures-<n>`,
`camera-<n>`, `use-<picture>` and `region-<picture>` of pictures.py, `scope-<gallery>` of galleries.py, `filter-<fact>`,
`page-<pages>` and `search-in-<gallery>` of gallery.py, `where-<fact>` of filters.py; and those of what only reports,
such as buttons, the canvas's tools and the grids.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st

from pages.history import History
from xmr.gallery import DEMO
from xmr.modality import Drawing

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

    from pages.indexing import Outcome
    from pages.pictures import Picture
    from pages.uploads import Uploads
    from xmr.adopt import Offer
    from xmr.gallery.jobs import Job
    from xmr.modality import BadInput


@dataclass(frozen=True)
class State:
    """The keys with what each is while nobody has written it. Where a key is a widget's, the widget writes it."""

    language: str | None = None  # "en" or "de", where somebody switched; written by frame.py
    browser_language: str | None = None  # the other one's default; written by language.py
    # frame.py writes these at each change of page.
    here: str | None = None  # the page's path in the address
    moved: bool = False  # ask.py puts the drawing on a fresh canvas, and takes it back
    turned: bool = False  # a phone's menu is closed

    # The query as an address; written and read by address.py.
    address: dict[str, str] | None = None  # as it was told last; None before the first run
    told: tuple[str, ...] = ()  # what of an address could not be used
    # The queries of this visit, each with when it changed last, and what is seen of it.
    past: tuple[tuple[float, dict[str, str], list[tuple[str, str]]], ...] = ()

    # The query: written by ask.py and address.py, and read there.
    start: dict | None = None  # the drawing that the canvas begins with
    canvas: int = 0  # the number of the canvas: another one begins anew
    history: History = History()  # the drawings on it, to undo and redo
    taken: int = 0  # steps of undo and redo so far
    read: tuple[dict | None, Drawing] = (None, Drawing(()))  # what was read from it last, and as which drawing
    drawn: str | None = ""  # that drawing as a text, None where it is too long for one
    linked: tuple[list, str] = ([], "")  # the strokes that an address put on a canvas, and their text
    pen: str | None = None  # widget
    example: str | None = None  # widget; compare.py reads a category in it
    words: str = ""  # widget; search.py writes an idea to it, compare.py reads a category in it
    without: str = ""  # widget
    exact: str | None = None  # the text that is searched for as it was typed
    weights: dict[str, float] | None = None  # of the parts of the query that somebody weighed

    # Its pictures: written by pictures.py and address.py, and read there and in ask.py.
    inbox: int = 0  # the number of the inbox: another one begins empty
    camera: bool = False  # whether it is open
    refused: tuple[str, ...] = ()  # why files that were given last cannot be used
    pictures: tuple[Picture, ...] = ()
    cropping: str | None = None  # the name of the picture of which a part is being chosen

    # What is searched.
    folder: Path = DEMO  # the gallery; written by indexing.py and gallery.py, read by shared.py
    like: str | None = None  # the photo whose like are wanted; written by shared.py and search.py, read by search.py
    where: dict[str, list[str]] | None = None  # the facts that answers must have, each with the values that will do
    less: tuple[str, ...] = ()  # the photos whose like are not wanted
    leave: bool = False  # on to Search; written and read by shared.py
    rename: str = ""  # widget of gallery.py
    delete_index: bool = False  # widget of gallery.py
    system: str | None = None  # widget of search.py
    wanted: str | None = None  # the system that was chosen, though the query may not suit it; search.py
    code: int | None = None  # widget of search.py: of a system of nested codes, how many of their bits are compared
    bits_wanted: int | None = None  # the number that was chosen there; search.py and address.py
    mix: bool = False  # whether they are wanted together with the query; search.py, ask.py
    mixing: bool = False  # widget of search.py
    idea: str | None = None  # widget of search.py

    # The answers: written by answers.py and filters.py unless it is said, and read there; `where` and `less` are above.
    most: int = 10  # how many are shown; address.py as well
    order: str | None = None  # widget: sorted by what
    fold: bool = True  # widget: photos that are nearly the same as one
    marked: tuple[str, ...] = ()  # written by grid.py
    unmarked: int = 0  # how often they were unmarked
    why: str | None = None  # the photo on which a heat map is wanted; written by grid.py
    said: tuple[str, str] = ("", "")  # a grid's key, and what went wrong with its large photo, to be told once; grid.py

    # The other pages' widgets, and what they came from.
    compared: list[str] | None = None  # widget of compare.py
    choices: dict[str, list[str]] | None = None  # the systems that were chosen there, by the modalities of the query
    blind: bool = False  # widget of compare.py
    uncounted: BadInput | None = None  # why the last answer was not counted; compare.py
    category: str | None = None  # widget of compare.py
    guess: str | None = None  # the category that compare.py found in the query
    view: dict[str, str] | None = None  # what is chosen on Results; written by view.py, whose widgets the next are
    test: str | None = None
    question: str | None = None
    look: bool = False
    look_system: str | None = None
    look_asked: str | None = None
    look_kind: str | None = None
    trained: str | None = None
    validated: str | None = None
    bits: str | None = None
    pairs: str | None = None
    mapped: str | None = None
    source: str = "folder"  # widget of gallery.py: where photos of one's own come from
    path: str = ""  # widget of gallery.py: a folder of the server
    usual: str | None = None  # widget of gallery.py: one that is offered
    indexed: list[str] | None = None  # widget of gallery.py: the systems that index

    # Adopting a model: widgets of adopting.py, and what was found under the name.
    model: str = ""
    variant: str = ""
    offer: Offer | None = None
    removing: str | None = None

    # Photos of one's own: written by gallery.py and indexing.py.
    uploads: Uploads | None = None
    files: list[UploadedFile] | tuple = ()  # widget: the uploader
    uploaded: frozenset[str] = frozenset()  # the ids of the files in it; frame.py empties it, as a new page does
    job: Job | None = None  # the indexing that this visit follows, until its end was told
    outcome: Outcome | None = None  # what came of the last one


class _Kept:
    """st.session_state, with State's defaults, and no key that State does not name."""

    def __getattr__(self, name: str) -> Any:
        return st.session_state.get(name, getattr(State, name))

    def __setattr__(self, name: str, value: Any) -> None:
        getattr(State, name)
        st.session_state[name] = value


state: State = _Kept()


def sent(key: str) -> Any:
    """What the browser sent of a widget, for its on_change; None if the server has forgotten that widget: Streamlit
    calls its on_change even so, where somebody was quick to open another page."""
    return st.session_state.get(key)
