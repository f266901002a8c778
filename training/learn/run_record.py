"""Records a run's settings, data and code in run.json, and refuses to resume the run when they have changed.

run.json holds the recipe, and hashes of the data's items and of the code. Without it, `fit` with other settings in the
folder of a finished run would find nothing left to do, and would record the new settings for the old weights.
"""

import ast
import hashlib
import json
import shutil
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from typing import Any

from training.datasets import data_of, fingerprint
from xmr.files import write_json
from xmr.modality import BadInput, Item

FILE = "run.json"
WEIGHTS = ("last.json", "best.safetensors")  # a run that has neither has trained nothing yet
MAX_LISTED = 6  # differences that an error message lists
ROOT = Path(__file__).resolve().parents[2]
# The code that determines the weights. Publishing, for example, is not part of it.
CODE = (
    "training/systems",
    "training/learn",
    "training/datasets",
    "training/towers",
    "training/world/lexicon.py",
    "xmr/preprocess",
)


class RunMismatch(BadInput):
    """The folder holds a run with other settings, data or code."""


class RunRecord:
    """The run.json of one folder: "recipe", "data" (None until the data is read) and "code", the versions of the code
    that trained the weights, oldest first.

    Raises:
        RunMismatch: there is a run, but no run.json.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / FILE
        if self.path.is_file():
            self.held: dict[str, Any] | None = json.loads(self.path.read_text(encoding="utf-8"))
        elif (folder / "last.json").is_file():
            raise RunMismatch(
                f"{folder} holds a run without {FILE}, so that nobody can tell by which settings it was "
                f"trained. {_remedy()}"
            )
        else:
            self.held = None

    def bind(self, recipe: Mapping[str, Any], unbound: Collection[str]) -> None:
        """Record the recipe and the code version, after comparing them with those of the run in the folder. A run that
        has no weights yet starts over with others.

        Args:
            recipe:  the settings, as plain dicts and lists.
            unbound: names of settings that may change, because they don't affect the weights.

        Raises:
            RunMismatch: they differ; the message lists the differences.
        """
        recipe, code = json.loads(json.dumps(recipe)), code_version()
        if self.held:
            old, new = (
                {name: value for name, value in _flatten(one) if name.partition(".")[0] not in unbound}
                for one in (self.held["recipe"], recipe)
            )
            found = [
                f"{name}: {_as_json(old.get(name))} -> {_as_json(new.get(name))}"
                for name in dict.fromkeys((*old, *new))
                if old.get(name) != new.get(name)
            ]
            changed = f"other code ({self.held['code'][-1]} -> {code})" if self.held["code"][-1] != code else ""
            if (found or changed) and not any((self.folder / name).is_file() for name in WEIGHTS):
                remove_run(self.folder)  # it stopped before anything was trained, such as for want of data
                self.held = None
            elif found:
                also = f" and by {changed}" if changed else ""
                raise RunMismatch(f"{self.folder} holds a run by other settings ({_shorten(found)}){also}. {_remedy()}")
            elif changed:
                raise RunMismatch(
                    f"{self.folder} holds a run by {changed}. Go on with it all the same "
                    f"(--accept-code). Or: {_remedy()}"
                )
        new = self.held is None
        self.held = {"code": [code], "data": None} | (self.held or {}) | {"recipe": recipe}
        if new:  # that of a run that is there changes only when its data is known to be the same
            write_json(self.path, self.held)

    def bind_data(self, data: Mapping[str, Sequence[Item]]) -> None:
        """Record the identity of the data; raises RunMismatch if the run began with other data."""
        new, old = identity_of(data), self.held["data"]
        if old is not None and old != new:
            found = []
            for name in dict.fromkeys((*old, *new)):
                counts = [f"{one[name]['items']:,}" if name in one else "none" for one in (old, new)]
                if counts[0] != counts[1]:
                    found.append(f"{name}: {counts[0]} -> {counts[1]} items")
                elif old[name] != new[name]:
                    found.append(f"{name}: {counts[0]} items, but not the same")
            raise RunMismatch(f"{self.folder} holds a run on other data ({_shorten(found)}). {_remedy()}")
        self.held["data"] = new
        write_json(self.path, self.held)


def read_recipe(folder: Path) -> dict[str, Any]:
    """The recipe in a run's run.json; raises BadInput if there is no run."""
    path = folder / FILE
    if not path.is_file():
        raise BadInput(f"Expected a run in {folder}, but there is no {FILE}. Train it first: python -m training fit")
    return json.loads(path.read_text(encoding="utf-8"))["recipe"]


def trained_on(folder: Path, data: str | None = None) -> AbstractContextManager[None]:
    """A context in which the data set that the run or the checkpoint in a folder was trained on is read from where it
    was then, as training.datasets.data_of; without a run.json it changes nothing.

    data: the folder where it lies now, or its name under $XMR_DATA; None for where it was.

    Raises:
        BadInput: data was given, but there is no run.json to say which data set it is.
    """
    if data is None and not (folder / FILE).is_file():
        return data_of({})
    recipe = read_recipe(folder)
    return data_of(recipe if data is None else recipe | {"folder": data})


def accept_code(folder: Path) -> None:
    """Let a run resume although the code has changed since; both versions are recorded."""
    path, code = folder / FILE, code_version()
    held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {"code": [code]}
    if held["code"][-1] != code:
        write_json(path, held | {"code": [*held["code"], code]})


def remove_run(folder: Path) -> None:
    """Delete the files of a run, so that it starts over. Other subfolders are kept; a folder without a run is left
    alone."""
    if (folder / FILE).is_file() or (folder / "last.json").is_file():
        shutil.rmtree(folder / "tensorboard", ignore_errors=True)
        for path in folder.iterdir():
            if path.is_file():
                path.unlink()


@cache
def code_version(root: Path = ROOT) -> str:
    """A hash of the source code that determines the weights, without comments and docstrings: 12 hex digits."""
    found = hashlib.sha256()
    for place in CODE:
        for path in sorted((root / place).rglob("*.py")) or [root / place]:
            found.update(
                f"{path.relative_to(root).as_posix()}\n{_without_docstrings(path.read_text(encoding='utf-8'))}\n".encode()
            )
    return found.hexdigest()[:12]


def identity_of(data: Mapping[str, Sequence[Item]]) -> dict[str, dict[str, Any]]:
    """For each name the number of "items" and a "hash" of their fingerprints, labels and languages, in any order."""
    hashes = {name: hashlib.sha256(b"".join(sorted(map(_identity, items)))) for name, items in data.items()}
    return {name: {"items": len(data[name]), "hash": found.hexdigest()[:12]} for name, found in hashes.items()}


def _identity(item: Item) -> bytes:
    return hashlib.sha256(repr((fingerprint(item), sorted(item.labels), item.language)).encode()).digest()


def _without_docstrings(source: str) -> str:
    """Source in a canonical form, without comments and docstrings."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        documented = isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if documented and ast.get_docstring(node, clean=False) is not None:
            node.body = node.body[1:] or [ast.Pass()]
    return ast.unparse(tree)


def _flatten(value: Any, name: str = "") -> Iterator[tuple[str, Any]]:
    """Flatten nested dicts and lists into (dotted name, value) pairs."""
    if isinstance(value, dict | list) and value:
        for key, part in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _flatten(part, f"{name}.{key}" if name else str(key))
    else:
        yield name, value


def _as_json(value: Any) -> str:
    return "unset" if value is None else json.dumps(value)


def _shorten(found: list[str]) -> str:
    more = len(found) - MAX_LISTED
    return "; ".join(found[:MAX_LISTED]) + (f"; and {more:,} more" if more > 0 else "")


def _remedy() -> str:
    return "Train into another folder (--runs DIR), or start over (--restart), which deletes that run."
