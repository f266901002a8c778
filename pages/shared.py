"""What the pages share: the systems and their searchers, the gallery, and the grid of photos."""

import json
from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from pages.widgets import inline, photos
from xmr import checkpoint
from xmr.gallery import DEMO, Gallery
from xmr.modality import BadInput, Hit, Item, Modality
from xmr.search import Searcher

DEFAULT = "tri"
BENCHMARKS = Path(__file__).resolve().parent.parent / "benchmarks" / "results"
NAMES = {Modality.SKETCH: "drawings", Modality.TEXT: "words", Modality.PHOTO: "photos"}


@st.cache_resource(show_spinner=False)
def open_gallery(folder: Path = DEMO) -> Gallery:
    """The gallery that all visitors share; BadInput if it cannot be opened."""
    return Gallery.open(folder)


@st.cache_resource(show_spinner=False)
def open_searcher(system: str = DEFAULT, folder: Path = DEMO) -> Searcher:
    """The searcher that all visitors share, ready to answer; BadInput if it cannot be opened."""
    searcher = Searcher(checkpoint.load(system), open_gallery(folder))
    searcher.prepare()
    return searcher


def load_gallery() -> Gallery:
    """The photos that this visitor chose on the Gallery page, or the shipped ones. If they cannot be opened, says why
    and ends the page."""
    try:
        if not systems():
            checkpoint.load(DEFAULT)  # says what is missing, and how to get it back
        return open_gallery(st.session_state.get("folder", DEMO))
    except BadInput as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


def load_searcher(system: str, gallery: Gallery) -> Searcher:
    """A system's searcher in a gallery. If it cannot be opened, says why and ends the page."""
    try:
        return open_searcher(system, gallery.path)
    except BadInput as error:
        st.error(str(error), icon=":material/error:")
        st.stop()


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
    """What training and the benchmarks wrote of each system, empty where there is nothing: its "metrics", its training
    "history", the "study" of its variants, a look into its "space", and its "speed": milliseconds a query by modality.
    """
    speeds = _read(BENCHMARKS / "latency.json", {}).get("systems", {})
    found = {}
    for name in systems():
        folder = checkpoint.ROOT / name
        found[name] = {
            "metrics": _read(folder / "metrics.json", {}), "history": _read(folder / "history.json", []),
            "study": _read(folder / "study.json", {}), "space": _read(folder / "space.json", {}),
            "speed": {kind: told["query_ms"] for kind, told in speeds.get(name, {}).items()},
        }  # fmt: skip
    return found


def _read(path: Path, without: Any) -> Any:
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else without


def able(asked: Collection[Modality], gallery: Gallery) -> tuple[list[str], str]:
    """The systems that can use every part of a query of these modalities, and a sentence on why the others can't."""
    can, cannot, indexed = [], [], gallery.systems()
    for name, config in systems().items():
        lacking = [NAMES[m] for m in dict.fromkeys(asked) if m not in config["encoders"]]
        if name not in indexed:
            cannot.append(f"{name} has not indexed these photos")
        elif lacking:
            cannot.append(f"{name} takes no {' and no '.join(lacking)}")
        elif len(set(asked)) > 1 and config["space"] != "cosine":
            cannot.append(f"{name} cannot mix")
        else:
            can.append(name)
    return can, f"Not for this query: {'; '.join(cannot)}." if cannot else ""


def worded(name: str) -> str:
    """A category as one says it: car_(sedan) -> car."""
    return name.partition("_(")[0].replace("_", " ")


def thumb(gallery: Gallery, item_id: str) -> str:
    """The address of a photo's thumbnail; empty, so that its caption shows instead, if the file is gone."""
    try:
        return inline(gallery.thumb(item_id).read_bytes())
    except OSError:
        return ""


def to_search(item_id: str) -> None:
    """Ask for photos like this one, on the Search page: its answer is at the next run's `follow`."""
    st.session_state.like, st.session_state.leave = item_id, True


def follow() -> None:
    """Call first on a page whose photos lead to Search."""
    if st.session_state.pop("leave", False):
        st.switch_page("search.py")


def photo_grid(gallery: Gallery, answers: Sequence[Hit | Item], on_like: Callable[[str], None],
               explain: Callable[[str], str] | None = None, key: str = "photos", framed: str | None = None) -> None:
    """Photos with "more like this"; those that answer a query with their score.

    explain: from a photo's id to the words that say why it answers; without it, its first caption.
    framed:  the category whose photos get a frame.
    """
    cards = []
    for answer in answers:
        item, note = answer, ""
        if isinstance(answer, Hit):
            item = answer.item
            sure = "" if answer.probability is None else f" · {answer.probability:.0%} likely"
            note = f"{answer.rank} · score {answer.score:.2f}{sure}"
        cards.append({"id": item.id, "source": thumb(gallery, item.id), "note": note,
                      "caption": (explain or gallery.caption)(item.id), "framed": framed in item.labels})
    photos(cards, on_like, key)
