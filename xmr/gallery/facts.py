"""Conditions on facts as SQL over a gallery's tables: which photos meet them, and how often each value occurs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from xmr.where import FOLDER, LANGUAGE, TAKEN, Condition, Range, Value

MOST = 500  # values of a fact that are counted
BUILT_IN = (FOLDER, LANGUAGE, "file")
NAMES = "SELECT DISTINCT key FROM items, json_each(items.facts)"
_Sql = tuple[str, list[Any]]
_GLOB = frozenset("*?[")


def known(name: str) -> _Sql:
    """A row if any photo has this fact."""
    return "SELECT 1 FROM items WHERE json_type(facts, ?) IS NOT NULL LIMIT 1", [_path(name)]


def selected(wanted: Sequence[Condition]) -> _Sql:
    """The rows of the photos that meet all conditions."""
    condition, values = _all(wanted)
    return f"SELECT row FROM items WHERE {condition}", values


def counted(wanted: Sequence[Condition]) -> _Sql:
    """(fact, value, number of photos), the most frequent values first. Measures, such as coordinates, are left out."""
    condition, values = _all(wanted)
    return (
        f"WITH some AS (SELECT row, file, facts FROM items WHERE {condition}) "
        "SELECT name, value, count(DISTINCT item) AS photos FROM ("
        f"SELECT key AS name, CASE key WHEN '{TAKEN}' THEN substr(atom, 1, 4) ELSE atom END AS value, row AS item "
        "FROM some, json_each(some.facts) WHERE type IN ('text', 'integer', 'true', 'false') AND key <> 'file' "
        f"UNION ALL SELECT '{FOLDER}', substr(file, 1, instr(file, '/') - 1), row FROM some WHERE instr(file, '/') "
        f"UNION ALL SELECT '{LANGUAGE}', language, item FROM some JOIN captions ON item = some.row "
        "JOIN texts ON texts.row = captions.text) GROUP BY name, value ORDER BY name, photos DESC, value",
        values,
    )


def _all(wanted: Sequence[Condition]) -> _Sql:
    parts, values = ["1"], list[Any]()
    for name, choices in wanted:
        plain = [choice for choice in choices if choice is not None and not isinstance(choice, Range)]
        if name in (FOLDER, LANGUAGE):
            each = [_one(name, choice) for choice in choices]
        else:
            each = [_one(name, choice) for choice in choices if choice is None or isinstance(choice, Range)]
            each += [_among(name, plain)] if plain else []
        parts.append(" OR ".join(sql for sql, _ in each) or "0")
        values += [value for _, more in each for value in more]
    return " AND ".join(f"({part})" for part in parts), values


def _one(name: str, choice: Value | Range) -> _Sql:
    """Whether a photo's fact is what it may be."""
    if name == FOLDER:
        return _in_folder(choice)
    if name == LANGUAGE:
        spoken = "SELECT item FROM captions JOIN texts ON texts.row = captions.text"
        if choice is None:
            return f"row NOT IN ({spoken})", []
        return f"row IN ({spoken} WHERE language = ?)", [choice if isinstance(choice, str) else None]
    fact, at = _fact(name)
    if not isinstance(choice, Range):
        return f"{fact} IS NULL", at
    text = isinstance(choice.low if choice.low is not None else choice.high, str)
    parts, values = [f"typeof({fact}) {'=' if text else 'IN'} {_TEXT if text else _NUMBER}"], list[Any](at)
    if choice.low is not None:
        parts.append(f"{fact} >= ?")
        values += [*at, choice.low]
    if choice.high is not None:
        parts.append(f"substr({fact}, 1, length(?)) <= ?" if text else f"{fact} <= ?")
        values += [*at, choice.high, choice.high] if text else [*at, choice.high]
    return f"({' AND '.join(parts)})", values


def _among(name: str, values: list) -> _Sql:
    fact, at = _fact(name)
    return f"{fact} IN (SELECT value FROM json_each(?))", [*at, json.dumps(values)]


def _fact(name: str) -> _Sql:
    fact = "json_extract(facts, ?)"
    return f"ifnull({fact}, file)" if name == "file" else fact, [_path(name)]


_TEXT, _NUMBER = "'text'", "('integer', 'real')"


def _in_folder(choice: Value | Range) -> _Sql:
    if not isinstance(choice, str):
        return ("file IS NULL", []) if choice is None else ("0", [])
    folder = choice.strip("/")
    below = ("substr(file, 1, length(?)) = ?", [f"{folder}/", f"{folder}/"] if folder else ["", ""])
    if _GLOB & set(folder):  # a folder's own name may have these signs in it
        return f"({below[0]} OR file GLOB ?)", [*below[1], folder]
    return below


def _path(name: str) -> str:
    """The JSON path of a fact; a name with a quote or a backslash in it leads nowhere."""
    return f'$."{name}"' if not {'"', "\\"} & set(name) else "$.none.none"
