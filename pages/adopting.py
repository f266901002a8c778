"""Systems, "Add a model": a model of a hub or a folder becomes a system, for whoever sits at the server's computer."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

import streamlit as st

from pages import indexing, memory, shared, trust
from pages.language import tr
from pages.plain import plain, shown
from pages.state import state
from xmr import adopt, checkpoint
from xmr.encoder import resident
from xmr.home import models
from xmr.modality import BadInput, Modality
from xmr.system import System

_EVERY = 0.5  # seconds between looks at a job
_NAMED = "Xenova/clip-vit-base-patch32"


@dataclass
class Job:
    """The adopting of one model, in the background; one at a time in the whole server.

    Attributes:
        name: what the model will be called.
        what: what is being done, as the library says it.
        done: how much of it, of `total`; 0 of 0 where that is not known.
        error: a sentence that says why it failed.
        made: what came of it.
    """

    name: str
    what: str = ""
    done: int = 0
    total: int = 0
    error: str = ""
    made: adopt.Adopted | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None

    @property
    def active(self) -> bool:
        return self.thread is not None and self.thread.is_alive()

    def run(self, offer: adopt.Offer) -> None:
        try:
            self.made = adopt.adopt(offer, self.tell, self.stop)
        except BadInput as error:
            self.error = str(error)
        except Exception as error:  # or the page would wait for ever
            self.error = f"The program failed ({type(error).__name__}: {error}). Try again."
        finally:
            memory.give_back()  # its graphs were opened, to be measured

    def tell(self, what: str, done: int, total: int) -> None:
        self.what, self.done, self.total = what, done, total


_lock = threading.Lock()
_jobs: list[Job] = []  # the latest


def show() -> None:
    """The section of the page, where this visitor may use it."""
    if not trust.own_machine():
        return
    with st.expander(tr("Add a model"), icon=":material/add:", expanded=bool(_jobs)):
        st.markdown(
            tr(
                "A CLIP, SigLIP or MobileCLIP as ONNX, from a hub or a folder of this computer, becomes a system like "
                "the others: you can draw with it, mix, compare it and index your photos with it."
            )
        )
        _form()
        if state.offer is not None:
            _offer(state.offer)
        if _jobs:
            _progress()
        _adopted()


def _form() -> None:
    name, variant, look = st.columns([0.6, 0.2, 0.2], vertical_alignment="bottom")
    name.text_input(tr("Name on the hub, or folder"), key="model", placeholder=_NAMED)
    variant.text_input(
        tr("Variant"), key="variant", placeholder=adopt.FULL, help=tr("Such as quantized, for less memory.")
    )
    if look.button(tr("Look it up"), icon=":material/search:", width="stretch", disabled=not state.model.strip()):
        state.offer = None
        try:
            with st.spinner(tr("Asking the hub")):
                state.offer = adopt.look_up(state.model.strip(), variant=state.variant.strip() or adopt.FULL)
        except BadInput as error:
            shared.show_error(error)


def _offer(offer: adopt.Offer) -> None:
    """What a model is and costs, said before it is downloaded."""
    st.markdown(
        tr(
            "**{name}** from {home}. Licence: **{licence}**. {size} MB to read. Texts: {languages}.",
            name=plain(offer.name),
            home=plain(offer.source.home),
            licence=plain(offer.source.licence),
            size=round(offer.megabytes),
            languages=plain(", ".join(offer.languages)),
        )
    )
    st.button(tr("Adopt it"), icon=":material/download:", type="primary", on_click=start, args=(offer,))


def start(offer: adopt.Offer) -> None:
    """Begin to adopt a model in the background, unless another is being adopted."""
    with _lock:
        if _jobs and _jobs[-1].active:
            return
        job = Job(offer.name)
        job.thread = threading.Thread(target=job.run, args=(offer,), name="adopting", daemon=True)
        _jobs[:] = [job]
        job.thread.start()
    state.offer = None


@st.fragment(run_every=_EVERY)
def _progress() -> None:
    """How far the latest job is, or what came of it; the whole page is shown anew at its end, and where another tab
    forgot it."""
    if not (latest := _jobs[-1:]):
        st.rerun()
    (job,) = latest
    if job.active:
        share = job.done / job.total if job.total else 0.0
        what = tr("{name}: {what}", name=plain(job.name), what=plain(job.what) or "…")
        st.progress(min(share, 1.0), what)
        st.button(tr("Stop"), icon=":material/close:", on_click=job.stop.set, disabled=job.stop.is_set())
        return
    if job.made is not None and job.name not in shared.systems():
        shared.notice_models()
        st.rerun()
    if job.made is not None and job.name in shared.systems():
        _told(job.made)
    elif job.error:
        shared.show_error(BadInput(job.error))


def _told(made: adopt.Adopted) -> None:
    """What a model costs, as it was measured."""
    speed = made.fitted.milliseconds
    told = ", ".join(f"{shared.names()[Modality(kind)]} {value:.0f} ms" for kind, value in speed.items())
    photos = len(shared.open_gallery(state.folder))
    seconds = photos * speed.get("photo", 0) / 1000
    st.success(
        tr(
            "{name} was adopted in {seconds} s. A query: {speed}. Indexing the {count} photos that are searched now "
            "takes about {time}: the button below begins it.",
            name=plain(made.name),
            seconds=f"{made.seconds:.0f}",
            speed=told,
            count=photos,
            time=f"{seconds / 60:.0f} min" if seconds > 90 else f"{seconds:.0f} s",
        )
    )


def _adopted() -> None:
    """Which models were adopted, whether each is in memory, and ways to index with it and to remove one."""
    names = checkpoint.available(models())
    if not names:
        return
    try:
        indexed = shared.open_gallery(state.folder).systems()
    except BadInput:  # which the pages that search it tell
        indexed = names
    for name in names:
        row = st.container(horizontal=True, vertical_alignment="center")
        try:
            loaded = _in_memory(shared.open_system(name))
        except BadInput:
            row.caption(tr("{name} · damaged: remove it and adopt it again", name=shown(name)))
            continue
        size = sum(path.stat().st_size for path in checkpoint.folder_of(name).iterdir()) / 1e6
        row.caption(f"{shown(name)} · {tr('{size} MB on disk', size=round(size))} · {loaded}")
        if name not in indexed:
            row.button(
                tr("Index the photos that are searched now"),
                icon=":material/database:",
                key=f"index-with-{name}",
                disabled=state.job is not None,
                on_click=_index,
                args=(name,),
                help=tr(
                    "For the shipped photos, this makes a copy in your data folder, which is searched from then on."
                ),
            )
    if total := round(resident()):
        st.caption(
            tr(
                "The whole server takes {total} MB of memory. A model leaves it when unused for {minutes} minutes.",
                total=total,
                minutes=memory.UNUSED // 60,
            )
        )
    for told in state.told:
        st.warning(plain(told), icon=":material/error:")
    chosen, button = st.columns([0.8, 0.2], vertical_alignment="bottom")
    chosen.selectbox(tr("Remove a model"), names, index=None, key="removing", placeholder=tr("a model"))
    if button.button(tr("Remove"), icon=":material/delete:", width="stretch", disabled=state.removing is None):
        try:
            adopt.remove(str(state.removing))
        except BadInput as error:
            shared.show_error(error)
            return
        with _lock:  # what came of a job is no news any more; one that goes on stays the only one
            _jobs[:] = [job for job in _jobs if job.active]
        shared.notice_models()
        st.rerun()


def _in_memory(system: System) -> str:
    """Whether a model is in memory, and how much of that its graphs took when they were opened."""
    if not system.loaded:
        return tr("not in memory")
    return tr("{size} MB in memory", size=megabytes) if (megabytes := round(system.megabytes)) else tr("in memory")


def _index(name: str) -> None:
    """Begin to index the photos that are searched now with a model."""
    try:
        indexing.index_searched(name)
        state.told = ()
    except BadInput as error:
        state.told = (str(error),)
