"""What photos must be, said as facts: {"category": "cup", "taken": ("2024-01", "2024-06")}, checked and in one form."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xmr.modality import BadInput, listed, shown

FOLDER, LANGUAGE, TAKEN = "folder", "language", "taken"  # facts that are not compared as they are
Value = str | float | int | None
_MOST, _RANGES = 1_000, 50  # values, and ranges and folders, of all conditions together
_LONGEST, _STARS = 1_000, 8  # letters of a text; "*" of a pattern, each of which multiplies the time to match it


@dataclass(frozen=True)
class Range:
    """Values from `low` to `high`, both included; None for no limit. Text compares by its beginning: a month has all
    its days."""

    low: Value = None
    high: Value = None


Condition = tuple[str, tuple[Value | Range, ...]]
"""A fact and what it may be: one of these values, or in one of these ranges."""


def conditions(where: Mapping[str, Any]) -> tuple[Condition, ...]:
    """A `where` in a form that can be compared and hashed.

    Args:
        where: for each fact a value, or a list of values that will do; a range is {"from": low, "to": high}, and of
            "taken" also a pair of two. None stands for a fact that is not known of a photo.

    Raises:
        BadInput: it is none.

    >>> conditions({"colour": ["red", "blue"], "taken": "2024"})
    (('colour', ('red', 'blue')), ('taken', (Range(low='2024', high='2024'),)))
    """
    if not isinstance(where, Mapping) or not all(isinstance(name, str) for name in where):
        raise BadInput(f'What photos must be is said as facts, such as {{"category": "cup"}}; {shown(where)} came.')
    found = sorted(((name, _choices(name, given)) for name, given in where.items()), key=lambda one: one[0])
    every = [(name, choice) for name, choices in found for choice in choices]
    slow = sum(name == FOLDER or isinstance(choice, Range) for name, choice in every)
    if len(every) > _MOST or slow > _RANGES:
        raise BadInput(
            f"What photos must be may have {_MOST} values, {_RANGES} of them ranges and folders; {len(every)} and "
            f"{slow} came. Leave some out."
        )
    return tuple(found)


def parse(given: Sequence[str]) -> dict[str, Any]:
    """A `where` as it is written on the command line: NAME=VALUE, a range as NAME=FROM..TO; a name that comes several
    times may have any of its values. NAME==VALUE is no range, whatever dots are in it; nor is a folder one.

    Raises:
        BadInput: one has no "=".

    >>> parse(["colour=red", "colour=blue", "taken=2024-01..", "size=3"])
    {'colour': ['red', 'blue'], 'taken': [{'from': '2024-01', 'to': None}], 'size': ['3', 3]}
    >>> parse(["file==a..b.jpg", "folder=new..old"])
    {'file': ['a..b.jpg'], 'folder': ['new..old']}
    """
    found: dict[str, list] = {}
    for one in given:
        name, equals, value = one.partition("=")
        if not (name.strip() and equals):
            raise BadInput(
                f"{shown(one)} says no fact. Write NAME=VALUE, such as colour=red or taken=2024-01..2024-06."
            )
        low, dots, high = value.partition("..")
        alone, value = value.startswith("=") or name.strip() == FOLDER, value.removeprefix("=")
        choices = found.setdefault(name.strip(), [])
        if dots and not alone:
            choices += [{"from": low or None, "to": high or None}]
            numbers = [_number(end) if end else None for end in (low, high)]
            if any(number is not None for number in numbers) and all(
                number is not None or not end for number, end in zip(numbers, (low, high), strict=True)
            ):
                choices += [{"from": numbers[0], "to": numbers[1]}]
        else:
            choices += [value] if (number := _number(value)) is None else [value, number]
    return found


def _number(text: str) -> float | int | None:
    for kind in (int, float):
        try:
            number = kind(text)
        except ValueError:
            continue
        return number if number == number and abs(number) < 1e15 else None
    return None


def _choices(name: str, given: Any) -> tuple[Value | Range, ...]:
    if name == TAKEN and isinstance(given, tuple) and len(given) == 2:
        given = [{"from": given[0], "to": given[1]}]
    found: list[Value | Range] = []
    for value in listed(given):
        if isinstance(value, Mapping) and value and value.keys() <= {"from", "to"}:
            low, high = value.get("from"), value.get("to")
            ends = [end for end in (low, high) if end is not None]
            if not ends or not (all(isinstance(end, str) for end in ends) or all(_is_number(end) for end in ends)):
                raise BadInput(f"A range of {shown(name)} needs two texts or two numbers; {shown(value)} came.")
            for end in ends:
                _check(name, end)
            found.append(Range(low, high))
        elif not isinstance(value, (str, type(None))) and not _is_number(value):
            raise BadInput(
                f"{shown(name)} must be a text or a number, a range of them, or a list of these; {shown(value)} came."
            )
        else:
            _check(name, value)
            found += [Range(value, value)] if name == TAKEN and isinstance(value, str) else _spellings(value)
    return tuple(found)


def _spellings(value: Value) -> list[Value]:
    """The ways in which a value may be written: file names from a Mac have an umlaut as a letter and its dots, which
    looks like the one sign that is typed."""
    if not isinstance(value, str):
        return [value]
    return list(dict.fromkeys([value, *(unicodedata.normalize(form, value) for form in ("NFC", "NFD"))]))


def _check(name: str, value: Value) -> None:
    """Raise BadInput for a name or a text that no fact can be."""
    for text in (name, value):
        if isinstance(text, str) and (
            len(text) > _LONGEST or "\0" in text or text.encode(errors="ignore").decode() != text
        ):
            raise BadInput(f"{shown(text)} cannot be a fact: it is too long, or no text. Shorten or correct it.")
    if name == FOLDER and isinstance(value, str) and value.count("*") > _STARS:
        raise BadInput(f"A pattern of a folder may have {_STARS} stars; {shown(value)} came. Leave some out.")


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and value == value and abs(value) < 2**63
