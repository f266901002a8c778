"""Which of two systems people found better, without knowing which is which: counts in a file of this server's user.

Only counts are kept there: of each kind of query and each two systems, how often the first was better, the second,
neither. Who answered what is known only while the server runs.
"""

from __future__ import annotations

import json
import math
import threading
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from filelock import FileLock, Timeout
from platformdirs import user_state_path

from pages.language import tr
from xmr.files import write_json
from xmr.modality import BadInput, Modality

MOST = 100_000  # of a count
MOST_VISITORS = 1_000  # whose answers are remembered, those that came last
_FILE = "votes.json"
_Z = 1.959964  # of 95%, in standard deviations
_WAIT = 5  # seconds for another server that is writing

Winner = Literal["first", "second", "neither"]

_lock = threading.Lock()
_answers: OrderedDict[str, dict[str, Winner]] = OrderedDict()  # by visitor


@dataclass(frozen=True)
class Count:
    """How often one system was found better than another.

    Attributes:
        asked:  the modalities of the queries, joined by "+".
        first, second: the systems, in the order of their names.
        counts: how often the first was better, the second, neither.
    """

    asked: str
    first: str
    second: str
    counts: tuple[int, int, int]

    @property
    def votes(self) -> int:
        """How many were asked."""
        return sum(self.counts)

    @property
    def chose(self) -> int:
        """How many found one of them better."""
        return self.counts[0] + self.counts[1]

    @property
    def share(self) -> float:
        """Of these, the share that found the first better; NaN if there are none."""
        return self.counts[0] / self.chose if self.chose else math.nan

    @property
    def interval(self) -> tuple[float, float]:
        """The 95% confidence interval of the share (Wilson 1927); all that there is, if nobody chose.

        >>> [round(end, 3) for end in Count("text", "a", "b", (8, 2, 5)).interval]
        [0.49, 0.943]
        """
        if not self.chose:
            return 0.0, 1.0
        n, p = self.chose, self.share
        middle, half = p + _Z**2 / (2 * n), _Z * math.sqrt(p * (1 - p) / n + _Z**2 / (4 * n**2))
        return max(0.0, (middle - half) / (1 + _Z**2 / n)), min(1.0, (middle + half) / (1 + _Z**2 / n))


def path() -> Path:
    """The file with the counts."""
    return user_state_path("xmr") / _FILE


def answers_of(visitor: str) -> dict[str, Winner]:
    """What a visitor answered, by the question, also in another tab and before a reload; to be added to."""
    with _lock:
        found = _answers[visitor] = _answers.pop(visitor, {})
        while len(_answers) > MOST_VISITORS:
            _answers.popitem(last=False)
    return found


def asked_by(modalities: Collection[Modality]) -> str:
    """The kind of a query.

    >>> asked_by([Modality.TEXT, Modality.SKETCH, Modality.TEXT])
    'sketch+text'
    """
    return "+".join(sorted(set(modalities)))


def add(asked: str, first: str, second: str, better: Winner) -> None:
    """Count one vote.

    Raises:
        BadInput: the file is damaged or cannot be written.
    """
    if second < first:
        first, second = second, first
        better = {"first": "second", "second": "first"}.get(better, better)
    file = path()
    try:
        file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with FileLock(file.with_suffix(".lock"), timeout=_WAIT):
            held = _read(file)
            counts = held.setdefault(asked, {}).setdefault(first, {}).setdefault(second, [0, 0, 0])
            at = ("first", "second", "neither").index(better)
            counts[at] = min(counts[at] + 1, MOST)
            write_json(file, held)
    except Timeout:
        raise BadInput(tr("Your answer was not counted: another server is writing the counts. Try again.")) from None
    except OSError as error:
        raise BadInput(
            tr("Your answer was not counted: {why}. Tell the server's operator.", why=error.strerror or error)
        ) from None


def counted(systems: Collection[str]) -> list[Count]:
    """All counts of these systems, those with the most votes first.

    Raises:
        BadInput: the file is damaged.
    """
    try:
        held = _read(path())
    except OSError as error:
        raise BadInput(
            tr("The counts of votes cannot be read: {why}. Tell the server's operator.", why=error.strerror)
        ) from None
    found = [
        Count(asked, first, second, tuple(counts))
        for asked, pairs in held.items()
        for first, others in pairs.items()
        for second, counts in others.items()
        if {first, second} <= set(systems)
    ]
    return sorted(found, key=lambda count: -count.votes)


def _read(file: Path) -> dict[str, dict[str, dict[str, list[int]]]]:
    """Kind of query -> first system -> second -> counts."""
    if not file.is_file():
        return {}
    try:
        held = json.loads(file.read_text(encoding="utf-8"))
        for pairs in held.values():
            for others in pairs.values():
                for first_better, second_better, neither in others.values():
                    if not all(isinstance(count, int) for count in (first_better, second_better, neither)):
                        raise ValueError("a count that is no number")
    except (ValueError, AttributeError, TypeError):
        raise BadInput(tr("{file} is damaged. Move it away: counting begins anew then.", file=file)) from None
    return held
