"""The gallery page: choose what is searched, browse it, and index photos of one's own."""

from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages import galleries, indexing, selection, trust, uploads
from pages.grid import photo_grid
from pages.language import in_digits, tr
from pages.plain import plain, shown
from pages.shared import (
    DEFAULT,
    back_button,
    follow,
    in_words,
    load_gallery,
    need_systems,
    open_gallery,
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
FOLDER, UPLOADS = "folder", "uploads"  # where one's own photos come from


def choose() -> None:
    """The galleries that can be searched: choose one, rename it, bring it up to date, or take it off the list."""
    for told in state.told:
        st.warning(plain(told), icon=":material/link_off:")
    found = {choice.key: choice for choice in galleries.choices()}
    now = galleries.key_of_chosen()
    if len(found) > 1:
        widget = f"search-in-{now}"
        st.session_state[widget] = now
        st.radio(
            tr("Search in"),
            found,
            key=widget,
            format_func=lambda key: plain(found[key].name),
            captions=[
                plain(key) if choice.folder != DEMO and key != galleries.UPLOADS else ""
                for key, choice in found.items()
            ],
            on_change=galleries.switch,
            args=(widget, now),
        )
    if not galleries.is_remembered(now):
        return
    with st.container(horizontal=True, gap="small"):
        st.button(
            tr("Refresh"),
            icon=":material/refresh:",
            disabled=state.job is not None,
            on_click=refresh,
            args=(now,),
            help=tr("Indexes what has changed in the folder since then."),
        )
        if not trust.own_machine():
            return
        with st.popover(tr("Rename"), icon=":material/edit:"):
            st.text_input(tr("Name"), key="rename", max_chars=galleries.LONGEST_NAME, placeholder=found[now].name)
            st.button(tr("Use this name"), on_click=change, args=(lambda: galleries.rename(now, state.rename or ""),))
        with st.popover(tr("Remove from the list"), icon=":material/delete:"):
            st.markdown(tr("The photos stay as they are."))
            st.checkbox(tr("Also delete its index, which takes a while to build again"), key="delete_index")
            st.button(
                tr("Remove it"), on_click=change, args=(lambda: galleries.forget(now, bool(state.delete_index)), True)
            )


def refresh(key: str) -> None:
    """Index what has changed in a folder, with the systems that indexed it."""
    indexed: Sequence[str] = ()
    try:
        folder = trust.own_folder(key, trust.roots())
        with suppress(BadInput):  # its index is gone
            indexed = open_gallery(folder).systems()
        indexing.index_own(folder, [name for name in indexed if name in systems()] or [DEFAULT])
    except BadInput as error:
        state.told = (str(error),)


def change(do, leave: bool = False) -> None:
    """Change the list of galleries; `leave`: and search the shipped photos."""
    try:
        do()
        state.told, state.rename, state.delete_index = (), "", False  # what was said of one gallery is for no other
        if leave:
            search_shipped()
    except BadInput as error:
        state.told = (str(error),)


def browse(items: list[Item]) -> None:
    """Show the photos that match the filters, one page at a time."""
    kept = items
    filters = {"category": tr("Things"), "colour": tr("Colours"), "place": tr("Places")}
    columns = st.columns(len(filters))
    for column, (fact, label) in zip(columns, filters.items(), strict=True):
        counts = Counter(item.facts[fact] for item in items if item.facts.get(fact))
        if counts:
            labels = {name: shown(f"{in_words(name)} ({in_digits(count)})") for name, count in counts.items()}
            key = f"filter-{fact}"
            st.session_state[key] = [name for name in st.session_state.get(key, ()) if name in counts]
            chosen = column.multiselect(label, sorted(counts), key=key, placeholder=tr("all"), format_func=labels.get)
            kept = [item for item in kept if not chosen or item.facts.get(fact) in chosen]
    pages = max(1, -(-len(kept) // PAGE_SIZE))
    row = st.container(horizontal=True, vertical_alignment="center")
    row.caption(tr("{kept} of {all} photos", kept=len(kept), all=len(items)))
    if not kept:
        st.info(tr("No photo matches all filters. Remove one of them."))
        return
    page = row.number_input(tr("Page"), 1, pages, key=f"page-{pages}", width=140) if pages > 1 else 1
    shown_now = kept[(page - 1) * PAGE_SIZE : page * PAGE_SIZE]
    selection.bar(gallery, state.marked)
    photo_grid(gallery, shown_now, to_search, key="browse", marks=True)


def own_photos() -> None:
    """Index a folder of the server, or uploaded files, with the chosen systems, and search them from then on."""
    st.markdown(f"#### {tr('Your own photos')}")
    roots = trust.roots()
    source = ask_for_source() if roots else UPLOADS
    if not roots:
        st.caption(
            tr(
                "Folders of the computer that runs this app can't be indexed, because others may have access to it. "
                "The person who runs it can allow some in `{setting}`: see SECURITY.md.",
                setting=trust.SETTING,
            )
        )
    path, files = "", []
    if source == UPLOADS:
        files = ask_for_uploads()
    else:
        path = ask_for_folder(roots)
    chosen = st.pills(tr("Systems"), list(systems()), default=[DEFAULT], selection_mode="multi", key="indexed")
    given = path or files or (source == UPLOADS and state.uploads and state.uploads.names)
    row = st.container(horizontal=True)
    if row.button(
        tr("Index them"),
        type="primary",
        icon=":material/database:",
        disabled=not given or not chosen or state.job is not None,
    ):
        state.outcome = None  # of the try before
        try:
            if source == UPLOADS:
                index_uploads(files, chosen)
            else:
                indexing.index_own(trust.own_folder(path, roots), chosen)
            st.rerun()
        except BadInput as error:
            show_error(error)
    if state.folder != DEMO:
        back_button(row)
    indexing.show_panel()
    if state.outcome:
        show_outcome(state.outcome)


def ask_for_source() -> str:
    """Ask whether the photos are in a folder of the server, or uploaded."""
    names = {FOLDER: tr("A folder of this computer"), UPLOADS: tr("Photos to upload")}
    before = bool(state.uploads and state.uploads.names)
    return st.segmented_control(
        tr("Your own photos"),
        names,
        format_func=names.get,
        default=UPLOADS if before else FOLDER,
        key="source",
        required=True,
        persist_state="session",
        label_visibility="collapsed",
        on_change=lambda: setattr(state, "uploaded", frozenset()),  # the uploader will be empty
    )


def ask_for_folder(roots: Sequence[Path]) -> str:
    """Ask for a folder of the server; "" if none was given."""
    st.markdown(
        tr(
            "Nothing leaves this computer, and the photos are not changed; the index is kept in a folder `.xmr` beside "
            "them."
        )
    )
    path = st.text_input(
        tr("Folder"), key="path", live=True, placeholder=str(roots[0] / "Pictures"), persist_state="session"
    )
    st.caption(tr("Allowed: folders below {folders}.", folders=plain(", ".join(map(str, roots)))))
    if usual := [str(folder) for folder in trust.usual_folders(roots)]:
        st.pills(tr("Such as"), usual, key="usual", format_func=plain, on_change=take_usual, wrap=True)
    return (path or "").strip()


def take_usual() -> None:
    """Put a folder that is offered where one types."""
    state.path, state.usual = state.usual, None


def ask_for_uploads() -> list[UploadedFile]:
    """Show the uploader; returns its files."""
    st.markdown(tr("Nobody else can see them, and they are deleted when you leave."))
    most = tr("up to {photos}, {size} MB together", photos=uploads.MAX_PHOTOS, size=f"{uploads.MAX_BYTES / 1e6:.0f}")
    files = st.file_uploader(
        f"{tr('Photos')}, {most}",
        accept_multiple_files=True,
        key="files",
        on_change=forget_removed,
        help=tr("Only you can see them, and they are deleted soon after you have closed this page."),
    )
    if state.uploads and state.uploads.names and not files:  # another page or a reload emptied the uploader
        row = st.container(horizontal=True, vertical_alignment="center")
        row.caption(tr("Still here from before: {photos}", photos=indexing.photos(len(state.uploads.names))))
        row.button(tr("Remove them"), icon=":material/delete:", on_click=remove, args=(tuple(state.uploads.names),))
    return files


def index_uploads(files: list[UploadedFile], chosen: list[str]) -> None:
    """Store the new uploaded files, and index all that are stored."""
    if state.uploads is None:
        state.uploads = indexing.new_uploads()
    with st.spinner(tr("Checking the photos …")):
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
    if outcome.state is State.DONE:
        st.page_link("search.py", label=tr("Search them"), icon=":material/search:")
    for title, named in ((tr("Passed over"), outcome.skipped), (tr("Read, with a note"), outcome.noted)):
        if named:
            with st.expander(f"{title}: {tr('1 file') if len(named) == 1 else tr('{count} files', count=len(named))}"):
                rows = [{tr("file"): shown(path), tr("why"): shown(why)} for path, why in named]
                st.dataframe(rows, hide_index=True)


follow()
need_systems()
own_photos()
st.markdown(f"#### {tr('The photos that are searched')}")
choose()
gallery = load_gallery(way_back=False)  # last, since one that is gone can be chosen, indexed again and removed above
browse(list(gallery))
