"""Indexing jobs in the app: they run in the background of the server, and every page shows their progress."""

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Event, Lock
from weakref import WeakSet

import streamlit as st

from pages import galleries, trust, visit
from pages.language import tr
from pages.plain import plain
from pages.shared import forget_gallery, like, open_gallery, open_system, systems
from pages.state import state
from pages.uploads import Uploads
from xmr.gallery import DEMO, Gallery, IndexReport, index_folder
from xmr.gallery.indexing import Progress
from xmr.gallery.jobs import Job, Jobs, State, Work
from xmr.modality import BadInput

_jobs = Jobs()  # of this server
_UPLOADS = "your uploads"  # the title of their job
_uploads: dict[str, Uploads] = {}  # by visitor
_sharing = Lock()  # who uses which of these: no visit begins to use what another one ends
_shown: WeakSet[Job] = WeakSet()  # jobs whose outcome some visit has shown
_ICONS = {State.DONE: ":material/check:", State.CANCELLED: ":material/stop_circle:", State.FAILED: ":material/error:"}


@dataclass(frozen=True)
class Outcome:
    """The outcome of a job.

    Attributes:
        state:   how it ended.
        said:    a sentence about it.
        skipped: files that were skipped, and why.
        noted:   damaged files that were read, and what is wrong with them.
    """

    state: State
    said: str
    skipped: Sequence[tuple[Path, str]] = ()
    noted: Sequence[tuple[Path, str]] = ()

    @property
    def icon(self) -> str:
        """The icon of its state."""
        return _ICONS[self.state]


def index_own(folder: Path, names: Sequence[str]) -> None:
    """Start indexing a folder of the server with some systems.

    Raises:
        BadInput: the visitor has another job, or too many are waiting.
    """
    opened, allowed = [open_system(name) for name in names], [*trust.roots(), folder.resolve()]
    _start(
        visit.this_visitor(),
        f"“{folder.name or folder}”",
        lambda progress, stop: index_folder(folder, opened, progress, within=allowed, stop=stop),
    )


def index_uploads(uploads: Uploads, names: Sequence[str], refused: Sequence[tuple[str, str]]) -> None:
    """Start indexing the uploads with some systems; `refused` are files that were rejected before, with reasons.

    Raises:
        BadInput: the visit has another job, or too many are waiting.
    """
    opened, called = [open_system(name) for name in names], tr("The upload")

    def work(progress: Callable[[Progress], None], stop: Event) -> IndexReport:
        try:
            report = index_folder(uploads.folder, opened, progress, stop=stop)
        except BadInput as error:
            raise BadInput(str(error).replace(str(uploads.folder), called)) from None
        drop_removed(uploads)  # those that were removed during indexing
        skipped, noted = (
            tuple((path.relative_to(uploads.folder), why.replace(f"{uploads.folder}/", "")) for path, why in named)
            for named in (report.skipped, report.noted)
        )
        return replace(report, skipped=(*((Path(name), why) for name, why in refused), *skipped), noted=noted)

    _start(visit.this_visitor(), _UPLOADS, work)


def index_searched(name: str) -> None:
    """Start indexing the photos that are searched now with one more system; instead of the shipped ones, which stay as
    they are, a copy of them.

    Raises:
        BadInput: the visitor has another job, or too many are waiting.
    """
    if state.folder == DEMO:
        system = open_system(name)
        title = f"“{tr('The shipped photos')}”"
        _start(
            visit.this_visitor(),
            title,
            lambda progress, stop: index_folder(galleries.copy_of_shipped(), [system], progress, stop=stop),
        )
    elif state.uploads and state.folder.is_relative_to(state.uploads.folder):
        index_uploads(state.uploads, [name], ())
    else:
        gallery = open_gallery(state.folder)
        index_own(gallery.root, [*(one for one in gallery.systems() if one in systems()), name])


def _start(owner: str, title: str, work: Work) -> None:
    state.outcome, state.told = None, ()
    state.job = _jobs.start(owner, title, work)


def new_uploads() -> Uploads:
    """A folder for the uploads of this visitor; it is deleted when the last of the visits ends that use it."""
    with _sharing:
        return _shared(Uploads())


def take_uploads() -> None:
    """Use what this visitor uploaded in another visit that goes on, or went on until a moment ago: before a reload."""
    if state.uploads is None:
        with _sharing:
            if (there := _uploads.get(visit.this_visitor())) and there.visits:
                state.uploads = _shared(there)


def _shared(uploads: Uploads) -> Uploads:
    uploads.visits.add(visit.this_visit())
    _uploads[visit.this_visitor()] = uploads
    visit.at_end(partial(_end, visit.this_visit(), visit.this_visitor(), uploads))
    return uploads


def drop_removed(uploads: Uploads) -> None:
    """Remove photos from the gallery of a visit's uploads that are no longer among the uploads."""
    with suppress(BadInput), Gallery.open(uploads.folder) as gallery:  # there may be no gallery yet
        held = set(uploads.names.values())
        gallery.remove([id for file, (id, *_) in gallery.originals().items() if file not in held])


def _end(ended: str, visitor: str, uploads: Uploads) -> bool:
    """Delete uploads when the last visit that uses them has ended; returns False while a job still reads them."""
    with _sharing:
        uploads.visits.discard(ended)
        if uploads.visits:
            return True
    job = _jobs.of(visitor)
    if job is not None and job.active and job.title == _UPLOADS:
        _jobs.cancel(visitor)
    if job is not None and job.active and job.title == _UPLOADS:
        return False
    if _uploads.get(visitor) is uploads:
        del _uploads[visitor]
    forget_gallery(uploads.folder)
    uploads.end()
    return True


def follow(aloud: bool) -> None:
    """Follow the visitor's job; called at the beginning of each run of a page.

    A job that the visitor started in another visit (before a reload) is taken over. When a job has ended, its outcome
    is shown once and its gallery is searched from then on.

    Args:
        aloud: show a toast.
    """
    if state.job is None:
        job = _jobs.of(visit.this_visitor())
        if job is not None and job not in _shown:
            state.job = job
    if (job := state.job) is not None and not job.active:
        state.job = None
        _shown.add(job)
        state.outcome = _outcome(job)
        if job.state is State.DONE:
            state.folder = job.report.gallery
            like(None)
            if job.title != _UPLOADS:
                with suppress(BadInput):  # the list cannot be written: the gallery can be searched all the same
                    galleries.remember(open_gallery(state.folder).root)
        if aloud:
            st.toast(plain(state.outcome.said), icon=state.outcome.icon)


def _outcome(job: Job) -> Outcome:
    report = job.report
    if job.state is State.DONE:
        said = tr("{photos} can be searched now, on every page.", photos=photos(report.indexed + report.kept))
    elif job.state is State.FAILED:
        said = tr("Indexing {title} failed. {error}", title=_title(job), error=job.error)
    elif job.progress:
        said = tr(
            "Indexing {title} was stopped at {done} of {total} photos. What was read is kept: index again to continue.",
            title=_title(job),
            done=job.progress.done,
            total=job.progress.total,
        )
    else:
        said = tr("Indexing {title} was stopped.", title=_title(job))
    return Outcome(job.state, said, report.skipped, report.noted) if report else Outcome(job.state, said)


def show_line() -> None:
    """Show the progress of the visit's job in one line, if there is a job."""
    if state.job is not None:
        st.fragment(_line, run_every=1.0)()


def show_panel() -> None:
    """Show the progress of the visit's job in detail, with a button that stops it."""
    if state.job is not None:
        st.fragment(_panel, run_every=1.0)()


def _active() -> Job:
    """The visit's job; if it has ended, the whole page is run again to show the outcome."""
    if state.job is None or not state.job.active:
        st.rerun()
    return state.job


def _line() -> None:
    job = _active()
    left = f", {_left(job.seconds_left)}" if job.seconds_left is not None else ""
    st.page_link("gallery.py", label=plain(f"{_headline(job)}{left}"), icon=":material/database:")


def _panel() -> None:
    job = _active()
    share, facts = 0.0, [_headline(job)]
    if job.progress and job.progress.total:
        share = min(job.progress.done / job.progress.total, 1.0)
        facts += [tr("{count} a second", count=round(job.rate))] if job.rate is not None else []
        facts += [_left(job.seconds_left)] if job.seconds_left is not None else []
        facts += [tr("{count} passed over", count=job.progress.skipped)] if job.progress.skipped else []
    st.progress(share, text=plain(" · ".join(facts)))
    st.button(
        tr("Stopping …") if job.stopping else tr("Stop"),
        disabled=job.stopping,
        icon=":material/stop_circle:",
        key="stop",
        on_click=_jobs.cancel,
        args=(job.owner,),
        help=tr("What was read is kept."),
    )


def _headline(job: Job) -> str:
    title = _title(job)
    if job.state is State.WAITING:
        return tr("{title}: to be indexed after {count} other jobs", title=title, count=_jobs.ahead_of(job))
    if not job.progress:
        return tr("Indexing {title} …", title=title)
    done, total = job.progress.done, job.progress.total
    return tr("Indexing {title}: {done} of {total} photos", title=title, done=done, total=total)


def _title(job: Job) -> str:
    return tr("your uploads") if job.title == _UPLOADS else job.title


def photos(count: int) -> str:
    """1 photo, 2 photos."""
    return tr("1 photo") if count == 1 else tr("{count} photos", count=count)


def _left(seconds: float) -> str:
    return tr("{time} left", time=_duration(seconds))


def _duration(seconds: float) -> str:
    """A duration in hours, minutes or seconds."""
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
