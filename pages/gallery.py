"""The gallery page: browse the photos that are searched, and index photos of one's own."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages import indexing, trust, uploads
from pages.grid import photo_grid
from pages.plain import counted, plain, shown
from pages.shared import (
    DEFAULT,
    back_button,
    display_name,
    follow,
    load_gallery,
    search_shipped,
    show_error,
    systems,
    to_search,
)
from pages.state import state
from xmr.gallery import DEMO
from xmr.gallery.jobs import State
from xmr.modality import BadInput, Item

PAGE_SIZE = 30  # photos
FILTERS = {"category": "Things", "colour": "Colours", "place": "Places"}


def browse(items: list[Item]) -> None:
    """Show the photos that match the filters, one page at a time."""
    kept = items
    columns = st.columns(len(FILTERS))
    for column, (fact, label) in zip(columns, FILTERS.items(), strict=True):
        counts = Counter(item.facts[fact] for item in items if item.facts.get(fact))
        if counts:
            labels = {name: shown(f"{display_name(name)} ({count})") for name, count in counts.items()}
            chosen = column.multiselect(
                label, sorted(counts), key=f"filter-{fact}", placeholder="all", format_func=labels.get
            )
            kept = [item for item in kept if not chosen or item.facts.get(fact) in chosen]
    pages = max(1, -(-len(kept) // PAGE_SIZE))
    row = st.container(horizontal=True, vertical_alignment="center")
    row.caption(f"{len(kept):,} of {len(items):,} photos")
    if not kept:
        st.info("No photo matches all filters. Remove one of them.")
        return
    page = row.number_input("Page", 1, pages, key=f"page-{pages}", width=140) if pages > 1 else 1
    photo_grid(gallery, kept[(page - 1) * PAGE_SIZE : page * PAGE_SIZE], to_search, key="browse")


def own_photos() -> None:
    """Index a folder of the server, or uploaded files, with the chosen systems, and search them from then on."""
    st.markdown("##### Your own photos")
    roots = trust.roots()
    path = ask_for_folder(roots)
    files = ask_for_uploads("Or photos" if roots else "Photos")
    chosen = st.pills("Systems", list(systems()), default=[DEFAULT], selection_mode="multi", key="indexed")
    given = files or path or (state.uploads and state.uploads.names)
    row = st.container(horizontal=True)
    if row.button(
        "Index them",
        type="primary",
        icon=":material/database:",
        disabled=not given or not chosen or state.job is not None,
    ):
        try:
            if path and not files:
                indexing.index_own(trust.own_folder(path, roots), chosen)
            else:
                index_uploads(files, chosen)
            st.rerun()
        except BadInput as error:
            show_error(error)
    if state.folder != DEMO:
        back_button(row)
    indexing.show_panel()
    if state.outcome:
        show_outcome(state.outcome)


def ask_for_folder(roots: Sequence[Path]) -> str:
    """Ask for a folder of the server, or say why there is none to choose; "" if none was given."""
    if not roots:
        st.markdown("Upload some photos. Nobody else can see them, and they are deleted when you leave.")
        st.caption(
            "Folders of the computer that runs this app can't be indexed, because others may have access to it. The "
            f"person who runs it can allow some in `{trust.SETTING}`: see SECURITY.md."
        )
        return ""
    st.markdown(
        "Index a folder of the computer that runs this app, or upload some photos. Nothing leaves this computer, "
        "and the photos are not changed; the index is kept in a folder `.xmr` beside them."
    )
    return (
        st.text_input("Folder", key="path", placeholder=str(roots[0] / "Pictures"), persist_state="session") or ""
    ).strip()


def ask_for_uploads(label: str) -> list[UploadedFile]:
    """Show the uploader; returns its files."""
    most = f"up to {uploads.MAX_PHOTOS}, {uploads.MAX_BYTES / 1e6:.0f} MB together"
    files = st.file_uploader(
        f"{label}, {most}",
        accept_multiple_files=True,
        key="files",
        on_change=forget_removed,
        help="Only you can see them, and they are deleted when you close or reload this page.",
    )
    if state.uploads and state.uploads.names and not files:  # a visit to another page emptied the uploader
        row = st.container(horizontal=True, vertical_alignment="center")
        row.caption(f"Still here from before: {counted(len(state.uploads.names), 'photo')}")
        row.button("Remove them", icon=":material/delete:", on_click=remove, args=(tuple(state.uploads.names),))
    return files


def index_uploads(files: list[UploadedFile], chosen: list[str]) -> None:
    """Store the new uploaded files, and index all that are stored."""
    if state.uploads is None:
        state.uploads = indexing.new_uploads()
    with st.spinner("Checking the photos …"):
        refused = state.uploads.take(files)
    if not state.uploads.names:
        raise BadInput(refused[0][1])
    indexing.index_uploads(state.uploads, chosen, refused)


def forget_removed() -> None:
    """Delete the photos that were removed from the uploader."""
    there = frozenset(file.file_id for file in state.files)
    remove(tuple(state.uploaded - there))
    state.uploaded = there


def remove(ids: Sequence[str]) -> None:
    """Delete some of the uploaded photos."""
    if state.uploads is not None and state.uploads.remove(ids):
        indexing.drop_removed(state.uploads)
        if not state.uploads.names and state.folder.is_relative_to(state.uploads.folder):
            search_shipped()


def show_outcome(outcome: indexing.Outcome) -> None:
    """Show the outcome of an indexing job."""
    show = {State.DONE: st.success, State.CANCELLED: st.info, State.FAILED: st.error}[outcome.state]
    show(plain(outcome.said), icon=outcome.icon)
    for title, named in (("Passed over", outcome.skipped), ("Read, with a note", outcome.noted)):
        if named:
            with st.expander(f"{title}: {counted(len(named), 'file')}"):
                st.dataframe([{"file": shown(path), "why": shown(why)} for path, why in named], hide_index=True)


follow()
gallery = load_gallery()
st.markdown("#### The photos that are searched")
browse(list(gallery))
own_photos()
