"""What the pages share: the loaded searcher and the grid of photos."""

from collections.abc import Callable, Sequence

import streamlit as st

from xmr.checkpoint import load
from xmr.gallery import Gallery
from xmr.modality import BadInput, Hit, Item, Query
from xmr.search import Searcher

CARD = 164  # px: two beside each other on a phone of 420, five on a desktop


@st.cache_resource(show_spinner="Opening the gallery")
def _open(system: str, gallery: str) -> Searcher:
    return Searcher(load(system), Gallery.open(gallery))


def load_searcher(system: str = "tri", gallery: str = "galleries/demo") -> Searcher:
    """The searcher that all visitors share. If it cannot be opened, says why and ends the page."""
    try:
        return _open(system, gallery)
    except BadInput as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def photo_grid(searcher: Searcher, answers: Sequence[Hit | Item], on_like: Callable[[str], None],
               query: Query | None = None) -> None:
    """Photos in rows as wide as the screen allows, each with "more like this"; those that answer a query with their
    score, and the caption that comes closest to it."""
    with st.container(horizontal=True, gap="small"):
        for answer in answers:
            item = answer.item if isinstance(answer, Hit) else answer
            caption = searcher.explain(query, item.id) if query else searcher.gallery.caption(item.id)
            with st.container(width=CARD, gap="xxsmall"):
                st.image(str(searcher.gallery.thumb(item.id)), width="stretch", alt=caption)
                st.markdown(caption)
                if isinstance(answer, Hit):
                    sure = "" if answer.probability is None else f" · {answer.probability:.0%} likely"
                    st.caption(f"{answer.rank} · score {answer.score:.2f}{sure}")
                st.button("More like this", key=f"like-{item.id}", type="tertiary", icon=":material/image_search:",
                          on_click=on_like, args=(item.id,))
