"""Undo and redo: whole drawings, which share what they have in common, and take bounded memory."""

import pytest

from pages.history import MOST_BYTES, MOST_STEPS, History

A, B, C = ({"path": [["M", n, n]]} for n in range(3))


def drawn(*drawings: list) -> History:
    history = History()
    for drawing in drawings:
        history = history.recorded(drawing)
    return history


def test_steps_go_back_to_the_empty_canvas_and_forward_again():
    history = drawn([A], [A, B])
    assert history.undoable and not history.redoable
    one = history.moved(-1)
    assert one.strokes == [A] and one.undoable and one.redoable
    assert one.moved(-1).strokes == [] and not one.moved(-1).undoable
    assert one.moved(1).strokes == [A, B] and history.moved(-9).moved(9).strokes == [A, B]


def test_the_same_drawing_is_no_new_step():
    history = drawn([A])
    assert history.recorded([dict(A)]) is history and History().recorded([]) == History()


def test_what_is_drawn_after_an_undo_takes_the_place_of_what_was_undone():
    history = drawn([A], [A, B]).moved(-1).recorded([A, C])
    assert not history.redoable and history.moved(-1).strokes == [A]


def test_strokes_that_were_reported_together_are_undone_one_by_one():
    history = drawn([A], [A, B, C])
    assert history == drawn([A], [A, B], [A, B, C])
    assert History().recorded([A, B, C], at_once=True).moved(-1).strokes == []
    many = [{"n": n} for n in range(3 * MOST_STEPS)]
    assert drawn(many).moved(-2).strokes == many[:-2] and len(drawn(many).steps) == MOST_STEPS


@pytest.mark.parametrize("last", [[], [B], [A], [C, B], [B, A], [A, B, C]])
def test_any_change_can_be_undone(last):
    history = drawn([A, B], last)
    assert history.moved(-1).strokes == [A, B] and history.moved(-1).moved(1).strokes == last


def test_steps_share_the_strokes_that_they_have_in_common():
    history = drawn([A], [A, B], [A, B, C])
    assert history.steps[1][0] is history.steps[3][0] and history.added[1:] == tuple(
        len(step[-1]) for step in history.steps[1:]
    )


def test_the_oldest_steps_make_way():
    history = drawn(*([{"n": n}] for n in range(MOST_STEPS + 20)))
    assert len(history.steps) == len(history.added) == MOST_STEPS
    assert history.moved(-MOST_STEPS).strokes == [{"n": 20}]
    large = drawn(*([{"n": n, "more": "x" * (MOST_BYTES // 4)}] for n in range(9)))
    assert len(large.steps) == 3 and large.moved(-1).strokes[0]["n"] == 7
    huge = large.recorded(["x" * 2 * MOST_BYTES])
    assert len(huge.steps) == 1 and len(huge.strokes[0]) == 2 * MOST_BYTES
