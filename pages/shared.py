"""What the pages share: the loaded searcher and the grid of photos."""

from collections.abc import Callable, Sequence
from pathlib import Path

import streamlit as st

from pages.widgets import inline, photos
from xmr.checkpoint import load
from xmr.gallery import DEMO, Gallery
from xmr.modality import BadInput, Hit, Item, Query
from xmr.search import Searcher


@st.cache_resource(show_spinner=False)
def open_searcher(system: str = "tri", gallery: Path = DEMO) -> Searcher:
    """The searcher that all visitors share, ready to answer; BadInput if it cannot be opened."""
    searcher = Searcher(load(system), Gallery.open(gallery))
    searcher.prepare()
    return searcher


def load_searcher() -> Searcher:
    """The searcher. If it cannot be opened, says why and ends the page."""
    try:
        return open_searcher()
    except BadInput as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def thumb(searcher: Searcher, item_id: str) -> str:
    """The address of a photo's thumbnail; empty, so that its caption shows instead, if the file is gone."""
    try:
        return inline(searcher.gallery.thumb(item_id).read_bytes())
    except OSError:
        return ""


def photo_grid(searcher: Searcher, answers: Sequence[Hit | Item], on_like: Callable[[str], None],
               query: Query | None = None) -> None:
    """Photos with "more like this"; those that answer a query with their score, and the caption that comes closest to
    it."""
    cards = []
    for answer in answers:
        item, note = answer, ""
        if isinstance(answer, Hit):
            item = answer.item
            sure = "" if answer.probability is None else f" · {answer.probability:.0%} likely"
            note = f"{answer.rank} · score {answer.score:.2f}{sure}"
        caption = searcher.explain(query, item.id) if query else searcher.gallery.caption(item.id)
        cards.append({"id": item.id, "source": thumb(searcher, item.id), "caption": caption, "note": note})
    photos(cards, on_like)
