"""Jobs run one at a time, each seen by its owner alone, and end in one of three ways without losing anything."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from xmr.gallery.indexing import IndexReport, Progress
from xmr.gallery.jobs import Job, Jobs, State
from xmr.modality import BadInput

REPORT = IndexReport(Path("gallery"), indexed=3, kept=0, moved=0, removed=0, skipped=())


class Gate:
    """Work that says when it began, and goes on when it is told to."""

    def __init__(self, result: IndexReport | Exception = REPORT) -> None:
        self.result = result
        self.began, self.go = threading.Event(), threading.Event()

    def __call__(self, progress, stop):
        self.began.set()
        assert self.go.wait(60)
        if isinstance(self.result, Exception):
            raise self.result
        return self.result


def ended(job: Job) -> Job:
    """The job, once it is over."""
    for _ in range(6000):
        if not job.active:
            return job
        threading.Event().wait(0.01)
    raise AssertionError("it never ended")


def test_jobs_run_one_at_a_time_in_the_order_they_came():
    jobs, gates = Jobs(), [Gate() for _ in range(3)]
    mine = [jobs.start(f"visitor {number}", "photos", gate) for number, gate in enumerate(gates)]
    for number, gate in enumerate(gates):
        assert gate.began.wait(60)
        assert [job.state for job in mine] == ["done"] * number + ["running"] + ["waiting"] * (2 - number)
        assert [jobs.ahead_of(job) for job in mine] == [0] * (number + 1) + [1, 2][: 2 - number]
        assert not any(later.began.is_set() for later in gates[number + 1 :])
        gate.go.set()
        ended(mine[number])
    assert all(job.report is REPORT for job in mine)


def test_a_job_that_comes_after_all_others_ended_runs_as_well():
    jobs = Jobs()
    for _ in range(3):
        gate = Gate()
        gate.go.set()
        assert ended(jobs.start("me", "photos", gate)).state is State.DONE


def test_an_owner_is_given_only_his_own_jobs():
    jobs, gate = Jobs(), Gate()
    job = jobs.start("me", "photos", gate)
    assert jobs.of("me") is job and jobs.of("you") is None
    jobs.cancel("you")
    assert not job.stopping
    gate.go.set()
    assert ended(job).state is State.DONE and jobs.of("me") is job


def test_an_owner_has_one_active_job_at_most():
    jobs, gate = Jobs(), Gate()
    job = jobs.start("me", "photos of cats", gate)
    with pytest.raises(BadInput, match="photos of cats is still being indexed"):
        jobs.start("me", "others", Gate())
    gate.go.set()
    ended(job)
    gate.began.clear()
    assert ended(jobs.start("me", "others", gate)).state is State.DONE


def test_a_job_too_many_is_refused_and_ended_ones_are_forgotten_in_time():
    jobs, gate = Jobs(most=3), Gate()
    for number in range(3):
        jobs.start(f"visitor {number}", "photos", gate)
    with pytest.raises(BadInput, match="3 folders wait"):
        jobs.start("one more", "photos", gate)
    gate.go.set()
    ended(jobs.of("visitor 2"))
    for number in range(10):
        ended(jobs.start(f"later visitor {number}", "photos", gate))
    assert [number for number in range(10) if jobs.of(f"later visitor {number}")] == [6, 7, 8, 9]


def test_cancelling_stops_after_the_photos_at_hand_and_keeps_what_is_reported():
    jobs, began = Jobs(), threading.Event()

    def work(progress, stop):
        progress(Progress(32, 100))
        began.set()
        assert stop.wait(60)
        return REPORT

    job = jobs.start("me", "photos", work)
    assert began.wait(60) and not job.stopping
    jobs.cancel("me")
    assert ended(job).state is State.CANCELLED and job.report is REPORT and job.progress.done == 32


def test_a_waiting_job_is_cancelled_at_once_and_never_runs():
    jobs, first, second = Jobs(), Gate(), Gate()
    running = jobs.start("you", "photos", first)
    assert first.began.wait(60)
    job = jobs.start("me", "photos", second)
    jobs.cancel("me")
    assert job.state is State.CANCELLED and running.state is State.RUNNING
    first.go.set()
    ended(running)
    assert not second.began.is_set()


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (BadInput("No photo here. Add some."), "No photo here. Add some."),
        (
            OSError(28, "No space left on device", "/photos/.xmr"),
            "/photos/.xmr cannot be used: No space left on device",
        ),
        (KeyError("slip"), "The program failed (KeyError)"),
        (MemoryError(), "The program failed (MemoryError)"),
    ],
)
def test_a_failed_job_says_why_in_a_sentence_and_the_next_one_runs(error, said):
    jobs, failing, fine = Jobs(), Gate(error), Gate()
    job, after = jobs.start("me", "photos", failing), jobs.start("you", "photos", fine)
    failing.go.set()
    fine.go.set()
    assert ended(job).state is State.FAILED and job.error.startswith(said) and "Traceback" not in job.error
    assert ended(after).state is State.DONE


def test_rate_and_time_left_are_those_of_the_progress():
    told = []

    def work(tell, stop):
        for done in (0, 32, 96):
            tell(Progress(done, 128, seconds=done / 16))
            told.append((job.rate, job.seconds_left))

    job = Job("me", "photos", work)
    assert job.rate is None and job.seconds_left is None
    job.run()
    assert told == [(None, None), (16.0, 6.0), (16.0, 2.0)]


def test_no_job_keeps_the_process_from_ending():
    code = """
import threading
from xmr.gallery.jobs import Jobs
began = threading.Event()
Jobs().start("me", "photos", lambda progress, stop: began.set() or threading.Event().wait())
assert began.wait(60)
"""
    assert subprocess.run([sys.executable, "-c", code], timeout=60).returncode == 0
