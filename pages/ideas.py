"""Words to begin with: what a visitor may ask of these photos, on the page before anything is asked."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from pages.language import language, tr
from pages.plain import shown
from pages.shared import DEFAULT, in_words, open_searcher, systems
from xmr.gallery import DEMO, Gallery
from xmr.modality import BadInput, Modality, Query, Term

_MOST = 4
_SHORT = 45  # letters of a caption that is an idea
_SURE = 0.3  # that the best photo fits


def ideas(gallery: Gallery) -> list[str]:
    """A few: of one's own photos some of their captions or kinds of things, else what seems to be on some; or none."""
    if gallery.path == DEMO:
        return [tr("a red car"), tr("a tiger in the snow"), tr("a blue cup on a table"), tr("a green tree")]
    found: list[str] = []
    for item in gallery.sample(24):
        captions = gallery.captions(item.id)
        own = [text for code, text in captions if code == language()] or [text for _, text in captions]
        found += [text for text in map(str, own) if 0 < len(text) <= _SHORT][:1]
    found = list(dict.fromkeys(found)) or [in_words(name) for name in gallery.categories()]
    return [shown(text) for text in found[:_MOST]] or _general(gallery)


def _general(gallery: Gallery) -> list[str]:
    """Of what many photos show, that of which the default system is surest here."""
    if DEFAULT not in gallery.systems() or Modality.TEXT not in systems().get(DEFAULT, {}).get("encoders", {}):
        return []
    texts = (
        *(
            tr("people"),
            tr("a child"),
            tr("a dog"),
            tr("a cat"),
            tr("a bird"),
            tr("a horse"),
            tr("flowers"),
            tr("a tree"),
        ),
        *(tr("mountains"), tr("the sea"), tr("snow"), tr("a street"), tr("a house"), tr("a car"), tr("a bicycle")),
        *(tr("a boat"), tr("a table"), tr("food")),
    )
    try:
        return _surest(gallery.path, texts, gallery.version())
    except BadInput:  # the search itself says so
        return []


@st.cache_data(show_spinner=False, max_entries=32)
def _surest(folder: Path, texts: tuple[str, ...], version: tuple[int, ...]) -> list[str]:
    searcher = open_searcher(DEFAULT, folder)
    best = {text: searcher.search(Query((Term(Modality.TEXT, text),)), 1) for text in texts}
    sure = {text: hits[0].match or 0 for text, hits in best.items() if hits}
    return sorted((text for text in sure if sure[text] >= _SURE), key=lambda text: -sure[text])[:_MOST]
