"""Shared by the pages: the systems and their searchers, and the gallery."""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.language import german, language, listed, tr
from pages.plain import plain
from pages.state import state
from pages.widgets import inline
from xmr import checkpoint
from xmr.gallery import DEMO, Gallery
from xmr.gallery.location import HIDDEN, holds_gallery
from xmr.home import models
from xmr.modality import BadInput, Modality
from xmr.remote import RemoteSearcher, Server
from xmr.search import Searcher
from xmr.system import System

DEFAULT = "tri"
BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"


@st.cache_resource(show_spinner=False)
def open_system(name: str) -> System:
    """The system that all visitors share, whichever gallery they search; with "@" and a number of bits behind its name,
    the same graphs with codes of that length. BadInput if it cannot be opened."""
    whole, bits = checkpoint.name_and_bits(name)
    return checkpoint.load(whole) if bits is None else open_system(whole).shortened(bits)


# Only the most recently used galleries and searchers are kept: galleries come and go with visits.
@st.cache_resource(show_spinner=False, max_entries=32)
def open_gallery(folder: Path = DEMO) -> Gallery:
    """The gallery that all its visitors share; BadInput if it cannot be opened."""
    return Gallery.open(folder)


@st.cache_resource(show_spinner=False, max_entries=64)
def open_searcher(system: str = DEFAULT, folder: Path = DEMO) -> Searcher:
    """The searcher that all visitors of a gallery share, ready to answer; BadInput if it cannot be opened."""
    opened, gallery, server = open_system(system), open_gallery(folder), Server.of_environment()
    if server is not None and server.answers_for(opened, gallery):
        searcher: Searcher = RemoteSearcher(opened, gallery, server)
    else:
        searcher = Searcher(opened, gallery)
    searcher.prepare()
    return searcher


def forget_gallery(folder: Path) -> None:
    """Let go of the gallery of a folder before it is deleted: what is open of a file stays on the disk, and what was
    read of it in memory. Needs no visit."""
    for path in (folder, folder / HIDDEN):
        with suppress(BadInput):  # there is none
            open_gallery(path).close()
        open_gallery.clear(path)
        for name, config in systems().items():
            for whole in (name, *(f"{name}@{bits}" for bits in config.get("codes", ()))):
                open_searcher.clear(whole, path)


def load_gallery(way_back: bool = True) -> Gallery:
    """The photos that this visitor chose on the Gallery page, or the shipped ones. If they cannot be opened, says why
    and ends the page, with a button for the shipped ones if `way_back`."""
    need_systems()
    try:
        gallery = open_gallery(state.folder)
        gallery.version()  # it may have gone since
        if not len(gallery):
            raise BadInput(
                tr(
                    "No photo is left in this gallery. Choose another one on the page Gallery, or add photos and index "
                    "them again."
                )
            )
        return gallery
    except BadInput as error:
        gone = state.folder != DEMO and not holds_gallery(state.folder)
        show_error(BadInput(_gone()) if gone else error)
        if way_back and state.folder != DEMO:
            back_button(st)
        st.stop()


def need_systems() -> None:
    """If there is no system at all, says what is missing and how to get it back, and ends the page."""
    if not systems():
        try:
            checkpoint.load(DEFAULT)
        except BadInput as error:
            show_error(error)
            st.stop()


def _gone() -> str:
    return tr(
        "The index of {folder} is gone: the folder was moved or removed, or its disk is not connected. Go back to the "
        "shipped photos, or index it again on the page Gallery.",
        folder=photos_folder(state.folder),
    )


def photos_folder(gallery: Path) -> Path:
    """The folder whose photos a gallery has, as far as its own place tells, for one that cannot be opened."""
    return gallery.parent if gallery.name == HIDDEN else gallery


def load_searcher(system: str, gallery: Gallery) -> Searcher:
    """A system's searcher in a gallery. If it cannot be opened, says why and ends the page."""
    try:
        return open_searcher(system, gallery.path)
    except BadInput as error:
        show_error(error)
        st.stop()


def show_error(error: BadInput) -> None:
    """Show what went wrong, and what to do about it."""
    st.error(plain(error), icon=":material/error:")


def back_button(place: DeltaGenerator) -> None:
    """A button for searching the shipped photos again."""
    place.button(tr("Back to the shipped photos"), icon=":material/undo:", on_click=search_shipped)


def search_shipped() -> None:
    """Search the shipped photos from now on."""
    state.folder, state.outcome = DEMO, None
    like(None)


_noticed: list[tuple] = []  # what `notice_models` saw last


def notice_models() -> None:
    """Open anew what another program adopted, measured or removed since the last look; call it before each page."""
    now = []
    for name in checkpoint.available(models()):
        with suppress(OSError):  # it goes at this moment
            files = (models() / name / file for file in ("config.json", "metrics.json"))
            now += [(file, file.stat().st_mtime_ns) for file in files if file.is_file()]
    if now != _noticed:
        _noticed[:] = now
        for cached in (systems, reports, open_system, open_searcher):
            cached.clear()


@st.cache_data(show_spinner=False)
def systems() -> dict[str, dict]:
    """Each published system's config.json by name, the default first; those that can't be read are left out."""
    found = {}
    for name in sorted(checkpoint.available(), key=lambda name: (name != DEFAULT, name)):
        try:
            found[name] = checkpoint.describe(name)
        except BadInput:
            continue
    return found


@st.cache_data(show_spinner=False)
def reports() -> dict[str, dict]:
    """The reports of training and the benchmarks on each system, empty where there is none: its "metrics", its "worst"
    queries, its training "history", the "study" of its variants, a look into its "space", its "speed": milliseconds a
    query by modality, and how fast its "codes" are searched by their length.
    """
    speeds = _read(BENCHMARKS / "latency.json", {}).get("systems", {})
    codes = _read(BENCHMARKS / "codes.json", {})
    found = {}
    for name, config in systems().items():
        folder = checkpoint.folder_of(name)
        own = config.get("card", {}).get("milliseconds", {})  # as measured where a model was adopted
        found[name] = {
            "metrics": _read(folder / "metrics.json", {}),
            "worst": _read(folder / "worst.json", {}),
            "history": _read(folder / "history.json", []),
            "study": _read(folder / "study.json", {}),
            "space": _read(folder / "space.json", {}),
            "speed": {kind: told["query_ms"] for kind, told in speeds.get(name, {}).items()} or own,
            "codes": codes if codes.get("system") == name else {},
        }
    return found


def _read(path: Path, without: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else without


def names() -> dict[Modality, str]:
    """What a system may take, in plain words."""
    return {Modality.SKETCH: tr("drawings"), Modality.TEXT: tr("words"), Modality.PHOTO: tr("photos")}


def compatible_systems(asked: Sequence[Modality], gallery: Gallery) -> tuple[list[str], str]:
    """The systems that can use a query whose parts are of these modalities, and a sentence on why the others can't."""
    can, indexed = [], gallery.systems()
    cannot: dict[str, list[str]] = {}  # by the reason
    for name, config in systems().items():
        lacking = [modality for modality in dict.fromkeys(asked) if modality not in config["encoders"]]
        if name not in indexed:
            cannot.setdefault(tr("no vectors of these photos"), []).append(name)
        elif lacking:
            takes = tr("takes no {things}", things=listed([names()[modality] for modality in lacking]))
            cannot.setdefault(takes, []).append(name)
        elif len(asked) > 1 and config["space"] != "cosine":
            cannot.setdefault(tr("takes one thing at a time"), []).append(name)
        else:
            can.append(name)
    return can, tr("Not offered here: {systems}.", systems=by_reason(cannot)) if cannot else ""


def by_reason(cannot: dict[str, list[str]]) -> str:
    """Systems with why they are left out.

    >>> by_reason({"takes no drawings": ["one", "two"]})
    'one, two (takes no drawings)'
    """
    return "; ".join(f"{', '.join(those)} ({reason})" for reason, those in cannot.items())


def display_name(name: str) -> str:
    """A category in plain words: car_(sedan) -> car."""
    return name.partition("_(")[0].replace("_", " ")


def in_words(value: str, spoken: str | None = None) -> str:
    """A category, or what else a photo's fact may be, in the visitor's language where that is known.

    spoken: that language, where it was asked for already.
    """
    name = display_name(value)
    return german().get(name, name) if (spoken or language()) == "de" else name


def thumb(gallery: Gallery, item_id: str) -> str:
    """The address of a photo's thumbnail; empty, so that its caption shows instead, if it is gone."""
    try:
        return inline(gallery.thumbnail(item_id))
    except BadInput:
        return ""


def like(item_id: str | None) -> None:
    """Ask for photos like this one and for nothing else, until the query changes; None: for the query again."""
    state.like, state.mix = item_id, False


def changed() -> None:
    """Call where a part of the query changes: what was done last counts, together with the photo whose like are
    wanted; and what was wrong with the address of an earlier query is no news."""
    state.mix, state.told = state.like is not None, ()


def to_search(item_id: str) -> None:
    """Ask for photos like this one, on the Search page: its answer is at the next run's `follow`."""
    like(item_id)
    state.leave = True


def switch_page(name: str) -> None:
    """Go on to another page with the address as it is: without its parameters it would be a step of the history."""
    st.switch_page(name, query_params=st.query_params.to_dict())


def follow() -> None:
    """Call first on a page whose photos lead to Search."""
    if state.leave:
        state.leave = False
        switch_page("search.py")
