"""Votes are counted once each, whoever writes at the same time, and a file that is damaged is left as it is."""

from __future__ import annotations

import json
import threading
from collections import Counter

import numpy as np
import pytest

from pages import votes
from xmr.modality import BadInput


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setattr(votes, "user_state_path", lambda _: tmp_path / "state")
    return tmp_path / "state" / "votes.json"


def test_counts_are_those_of_a_tally_whichever_system_came_first(file):
    rng, tally = np.random.default_rng(0), Counter()
    for _ in range(60):
        first, second = rng.permutation(["tri", "a b", "sketchy-gan"])[:2]
        better = str(rng.choice(["first", "second", "neither"]))
        votes.add("text", first, second, better)
        tally["text", *sorted((first, second)), {"first": first, "second": second}.get(better)] += 1
    found = votes.counted(["tri", "a b", "sketchy-gan"])
    assert [count.votes for count in found] == sorted((count.votes for count in found), reverse=True)
    for count in found:
        key = (count.asked, count.first, count.second)
        assert count.counts == tuple(tally[(*key, who)] for who in (count.first, count.second, None))
    assert sum(count.votes for count in found) == 60
    assert {count.first for count in votes.counted(["tri", "sketchy-gan"])} == {"sketchy-gan"}


def test_votes_that_come_together_are_all_counted(file):
    threads = [threading.Thread(target=votes.add, args=("text", "a", "b", "first")) for _ in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert votes.counted(["a", "b"])[0].counts == (12, 0, 0)


def test_a_count_has_an_end(file, monkeypatch):
    monkeypatch.setattr(votes, "MOST", 2)
    for _ in range(4):
        votes.add("text", "a", "b", "neither")
    assert votes.counted(["a", "b"])[0].counts == (0, 0, 2)


@pytest.mark.parametrize(
    "content", ["{", "[]", '{"text": {"a": {"b": [1, 2]}}}', '{"text": {"a": {"b": ["x", 2, 3]}}}']
)
def test_a_damaged_file_is_named_and_left_alone(file, content):
    file.parent.mkdir()
    file.write_text(content)
    for act in (lambda: votes.add("text", "a", "b", "first"), lambda: votes.counted(["a"])):
        with pytest.raises(BadInput, match="Move it away"):
            act()
    assert file.read_text() == content


def test_a_folder_that_cannot_be_written_is_told(file, monkeypatch):
    file.parent.parent.joinpath("state").write_text("no folder")
    with pytest.raises(BadInput, match="not counted"):
        votes.add("text", "a", "b", "first")


def test_only_its_owner_reads_the_folder_and_nothing_else_lies_there(file):
    votes.add("text", "a", "b", "first")
    assert file.parent.stat().st_mode & 0o077 == 0
    assert json.loads(file.read_text()) == {"text": {"a": {"b": [1, 0, 0]}}}
    assert {path.name for path in file.parent.iterdir()} <= {"votes.json", "votes.lock"}


def test_answers_of_the_visitors_that_came_last_are_remembered(monkeypatch):
    monkeypatch.setattr(votes, "MOST_VISITORS", 2)
    monkeypatch.setattr(votes, "_answers", votes.OrderedDict())
    for visitor in ("first", "second", "first", "third"):
        votes.answers_of(visitor)["a question"] = "neither"
    assert votes.answers_of("first") and votes.answers_of("third") and not votes.answers_of("second")
