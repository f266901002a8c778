"""Making a whole system: every step once, in order, and on from the one in which it was stopped."""

from __future__ import annotations

import json

import pytest

from training.__main__ import COMMANDS
from training.release.make import STEPS, make, steps
from training.systems import module
from xmr import checkpoint
from xmr.modality import BadInput


def test_every_step_is_a_command_and_every_system_that_ships_has_steps():
    assert set(STEPS) == set(checkpoint.available())
    for system in STEPS:
        for step in steps(system):
            command, *rest = step.split()
            assert command in COMMANDS
            assert command == "render" or module(rest[0]).YAML.is_file()
        assert sum(step.startswith("publish") for step in steps(system)) >= 1


def test_a_make_that_is_stopped_goes_on_with_the_step_it_was_in(tmp_path):
    ran = []

    def command(words: list[str]) -> int:
        ran.append(" ".join(words))
        if len(ran) == 4:
            raise KeyboardInterrupt
        return 0

    with pytest.raises(KeyboardInterrupt):
        make("tri", tmp_path, command)
    assert json.loads((tmp_path / "make-tri.json").read_text()) == steps("tri")[:3]
    assert make("tri", tmp_path, command) == 0
    assert ran == [*steps("tri")[:4], *steps("tri")[3:]]
    assert not list(tmp_path.iterdir())


def test_a_step_that_fails_ends_it_and_is_tried_again(tmp_path):
    statuses = iter([0, 2, 0, 0, 0])
    assert make("flickr30k-clip", tmp_path, lambda words: next(statuses)) == 2
    assert make("flickr30k-clip", tmp_path, lambda words: next(statuses)) == 0
    assert list(statuses) == []


def test_a_record_of_other_steps_is_refused(tmp_path):
    (tmp_path / "make-tri.json").write_text('["fit something"]')
    with pytest.raises(BadInput, match="Remove it"):
        make("tri", tmp_path, lambda words: 0)
