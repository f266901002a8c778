"""The drawings that were on the canvas one after the other: what undo and redo step through."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

MOST_STEPS = 100
MOST_BYTES = 8_000_000  # of the strokes of all steps, each counted where it first came


@dataclass(frozen=True)
class History:
    """Each step is a whole drawing, its strokes as JSON; neighbours share those that both have.

    at:      the step that is on the canvas.
    strokes: those of that step, as the canvas gave them.
    added:   of each step, the characters of the strokes that the one before it did not have.
    """

    steps: tuple[tuple[str, ...], ...] = ((),)
    at: int = 0
    strokes: Sequence[Any] = ()
    added: tuple[int, ...] = (0,)

    def recorded(self, strokes: Sequence[Any], at_once: bool = False) -> History:
        """With another drawing after this one, in the place of what was undone. The oldest steps make way for it.

        Strokes that were added are a step each, since a quick hand draws several before the canvas reports them; unless
        they came `at_once`.
        """
        same = [new == old for new, old in zip(strokes, self.strokes, strict=False)]
        if all(same) and len(strokes) == len(self.strokes):
            return self
        held = self.steps[self.at]
        kept = len(held) if all(same) and len(strokes) > len(held) else None  # None: not only strokes were added
        same += [False] * (len(strokes) - len(same))
        drawing = tuple(held[n] if same[n] else json.dumps(new) for n, new in enumerate(strokes))
        if kept is None or at_once:
            new, sizes = [drawing], [sum(len(text) for text, old in zip(drawing, same, strict=True) if not old)]
        else:
            ends = range(max(kept + 1, len(drawing) - MOST_STEPS + 1), len(drawing) + 1)
            new = [drawing[:end] for end in ends]
            sizes = [sum(map(len, drawing[kept : ends[0]])), *(len(step[-1]) for step in new[1:])]
        steps, sizes = (*self.steps[: self.at + 1], *new), (*self.added[: self.at + 1], *sizes)
        first = max(0, len(steps) - MOST_STEPS)
        while first < len(steps) - 1 and sum(sizes[first:]) > MOST_BYTES:
            first += 1
        return History(steps[first:], len(steps) - first - 1, strokes, sizes[first:])

    def moved(self, by: int) -> History:
        """So many steps forward, or back where it is negative, as far as there are any."""
        at = min(max(self.at + by, 0), len(self.steps) - 1)
        return replace(self, at=at, strokes=[json.loads(text) for text in self.steps[at]])

    @property
    def undoable(self) -> bool:
        """Whether there is a step before this one."""
        return self.at > 0

    @property
    def redoable(self) -> bool:
        """Whether there is a step after this one."""
        return self.at < len(self.steps) - 1
