"""Background indexing in a server: a queue of jobs, of which one runs at a time.

A job continues when the page that started it is closed. It ends with the process; the gallery keeps what was done.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from enum import StrEnum

from xmr.gallery.indexing import IndexReport, Progress
from xmr.modality import BadInput

Work = Callable[[Callable[[Progress], None], threading.Event], IndexReport]
"""The work of a job, such as index_folder: (function that takes its progress, event that stops it) -> report."""


class State(StrEnum):
    """The state of a job."""

    WAITING = "waiting"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Job:
    """One indexing job. Its attributes may be read from any thread.

    Attributes:
        owner:    id of the visitor; a job is only shown to its owner.
        title:    name of what is indexed.
        state:    whether it waits, runs or how it ended.
        progress: None until the first photos are done.
        report:   the result; None if it failed, or was cancelled before it began.
        error:    a sentence that says why it failed.
    """

    def __init__(self, owner: str, title: str, work: Work) -> None:
        self.owner, self.title = owner, title
        self.state = State.WAITING
        self.progress: Progress | None = None
        self.report: IndexReport | None = None
        self.error = ""
        self._work = work
        self._stop = threading.Event()

    @property
    def active(self) -> bool:
        """Whether it is waiting or running."""
        return self.state in (State.WAITING, State.RUNNING)

    @property
    def stopping(self) -> bool:
        """Whether it was cancelled but still finishes its last batch."""
        return self.active and self._stop.is_set()

    @property
    def rate(self) -> float | None:
        """Photos a second; None until the first are done."""
        return self.progress.rate if self.progress else None

    @property
    def seconds_left(self) -> float | None:
        """The estimated time left; None if it is unknown."""
        return self.progress.seconds_left if self.progress else None

    def stop(self) -> None:
        """End the job after the current batch; what is done is kept."""
        self._stop.set()

    def run(self) -> None:
        """Do the work in this thread; `state` says how it ended."""
        self.state = State.RUNNING
        try:
            if not self._stop.is_set():
                self.report = self._work(self._tell, self._stop)
            self.state = State.CANCELLED if self._stop.is_set() else State.DONE
        except BadInput as error:
            self.error = str(error)
            self.state = State.CANCELLED if self._stop.is_set() else State.FAILED
        except OSError as error:
            self.error = f"{error.filename or 'A file'} cannot be used: {error.strerror or error}. Try again."
            self.state = State.FAILED
        except Exception as error:
            logging.getLogger(__name__).exception("Indexing %s failed", self.title)
            self.error = (
                f"The program failed ({type(error).__name__}); the server's log tells where. What was done "
                "is kept: try again."
            )
            self.state = State.FAILED

    def _tell(self, progress: Progress) -> None:
        self.progress = progress


class Jobs:
    """The jobs of one server: one runs at a time, and each owner has at most one; only the latest is remembered."""

    def __init__(self, most: int = 20) -> None:
        """`most` is the largest number of active jobs, and of finished jobs that are remembered."""
        self._most = most
        self._latest: dict[str, Job] = {}
        self._waiting: deque[Job] = deque()
        self._worker: threading.Thread | None = None
        self._lock = threading.Lock()

    def start(self, owner: str, title: str, work: Work) -> Job:
        """Queue a job; it starts as soon as no other runs.

        Raises:
            BadInput: the owner has an active job, or too many jobs are waiting.
        """
        with self._lock:
            if (latest := self._latest.get(owner)) and latest.active:
                raise BadInput(f"{latest.title} is still being indexed. Wait for its end, or stop it.")
            if sum(job.active for job in self._latest.values()) >= self._most:
                raise BadInput(f"{self._most} folders wait to be indexed here already. Try again later.")
            self._latest.pop(owner, None)
            for other in [other for other, job in self._latest.items() if not job.active][: -self._most]:
                del self._latest[other]
            job = self._latest[owner] = Job(owner, title, work)
            self._waiting.append(job)
            if self._worker is None:
                self._worker = threading.Thread(target=self._work, name="indexing", daemon=True)
                self._worker.start()
            return job

    def of(self, owner: str) -> Job | None:
        """The owner's latest job; None if there is none."""
        return self._latest.get(owner)

    def ahead_of(self, job: Job) -> int:
        """The number of jobs that must end before this one starts."""
        with self._lock:
            return self._waiting.index(job) + 1 if job in self._waiting else 0

    def cancel(self, owner: str) -> None:
        """Stop the owner's job. What was done is kept; a waiting job ends at once."""
        with self._lock:
            if job := self._latest.get(owner):
                job.stop()
                if job in self._waiting:
                    self._waiting.remove(job)
                    job.state = State.CANCELLED

    def _work(self) -> None:
        while True:
            with self._lock:
                if not self._waiting:
                    self._worker = None
                    return
                job = self._waiting.popleft()
            job.run()
