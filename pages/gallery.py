"""Gallery: browse the photos that are searched, and make one's own photos searchable."""

import tempfile
from collections import Counter
from pathlib import Path

import streamlit as st

from pages.shared import (
    DEFAULT,
    follow,
    load_gallery,
    open_gallery,
    open_searcher,
    photo_grid,
    systems,
    to_search,
    worded,
)
from xmr.checkpoint import load
from xmr.folder import index_folder
from xmr.gallery import DEMO
from xmr.modality import BadInput, Item

A_PAGE = 30  # photos
FILTERS = {"category": "Things", "colour": "Colours", "place": "Places"}

state = st.session_state


def browse(items: list[Item]) -> None:
    """The photos that the filters leave, a page at a time."""
    kept = items
    columns = st.columns(len(FILTERS))
    for column, (fact, label) in zip(columns, FILTERS.items(), strict=True):
        counts = Counter(item.facts[fact] for item in items if item.facts.get(fact))
        if counts:
            chosen = column.multiselect(label, sorted(counts), key=f"filter-{fact}", placeholder="all",
                                        format_func=lambda name, counts=counts: f"{worded(name)} ({counts[name]})")
            kept = [item for item in kept if not chosen or item.facts.get(fact) in chosen]
    pages = max(1, -(-len(kept) // A_PAGE))
    row = st.container(horizontal=True, vertical_alignment="center")
    row.caption(f"{len(kept):,} of {len(items):,} photos")
    if not kept:
        st.info("No photo is all of that. Take one of the filters back.")
        return
    page = row.number_input("Page", 1, pages, key=f"page-{pages}", width=140) if pages > 1 else 1
    photo_grid(gallery, kept[(page - 1) * A_PAGE : page * A_PAGE], to_search, key="browse")


def own_photos() -> None:
    """Index a folder of this computer, or uploaded files, with the chosen systems; and search there from now on."""
    st.markdown("##### Your own photos")
    st.markdown("Index a folder of the computer that this app runs on, or upload some photos. Nothing leaves it, and "
                "the photos stay as they are; what is found out about them is kept in a folder `.xmr` beside them.")
    path = st.text_input("Folder", key="path", placeholder="/home/me/Pictures")
    files = st.file_uploader("Or photos", accept_multiple_files=True, key="files")
    names = list(systems())
    chosen = st.pills("For which systems", names, default=[DEFAULT], selection_mode="multi", key="indexed")
    row = st.container(horizontal=True)
    if row.button("Index them", type="primary", disabled=not (path or files) or not chosen, icon=":material/database:"):
        try:
            index(_stored(files) if files else Path(path.strip()).expanduser(), chosen)
        except BadInput as error:
            st.error(str(error), icon=":material/error:")
    if state.get("folder", DEMO) != DEMO:
        row.button("Back to the shipped photos", icon=":material/undo:", on_click=back)
    if "indexing" in state:
        indexed(*state.indexing)


def back() -> None:
    """Search the shipped photos again."""
    del state.folder
    state.pop("indexing", None)
    state.like = None


def _stored(files: list) -> Path:
    """A folder of this visit with the uploaded files in it."""
    if "uploads" not in state:
        state.uploads = Path(tempfile.mkdtemp(prefix="xmr-"))
    for file in files:
        (state.uploads / Path(file.name).name).write_bytes(file.getvalue())
    return state.uploads


def index(folder: Path, chosen: list[str]) -> None:
    """Index with a progress bar, and say what was passed over and why."""
    skipped: dict[Path, str] = {}
    for name in chosen:
        with st.spinner(f"Reading photos for {name} …"):
            bar = st.progress(0.0)
            report = index_folder(folder, load(name), lambda done, total, bar=bar: bar.progress(done / max(total, 1)))
            bar.empty()
        skipped |= dict(report.skipped)
    open_gallery.clear()
    open_searcher.clear()
    state.folder, state.like = report.gallery, None
    state.indexing = (report.indexed + report.kept, skipped)
    st.rerun()


def indexed(count: int, skipped: dict[Path, str]) -> None:
    """What came of indexing."""
    st.success(f"{count:,} photos can be searched now, on every page.", icon=":material/check:")
    if skipped:
        with st.expander(f"{len(skipped):,} files were passed over"):
            st.dataframe([{"file": str(path), "why": why} for path, why in skipped.items()], hide_index=True)


follow()
gallery = load_gallery()
st.markdown("#### The photos that are searched")
browse(list(gallery))
own_photos()
