"""A folder <-> a System: reads what training published, and refuses what is missing or damaged."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path

from xmr.encoder import Encoder
from xmr.modality import BadInput, Modality
from xmr.system import System

ROOT = Path(__file__).resolve().parent.parent / "checkpoints"
_SPACES = ("cosine", "euclidean", "hamming")
_FILES = ("file", "trunk", "tokenizer")  # of an encoder, as paths from the checkpoint's folder


class CheckpointError(BadInput):
    """A checkpoint is missing or damaged; the message names the remedy."""


def available(root: str | Path = ROOT) -> list[str]:
    """The names of the checkpoints in a folder, sorted."""
    return sorted(config.parent.name for config in Path(root).glob("*/config.json"))


def describe(name: str, root: str | Path = ROOT) -> dict:
    """What a checkpoint's config.json says, without a look at its graphs; CheckpointError if it cannot be read."""
    folder = Path(root) / name
    try:
        return json.loads((folder / "config.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise _damaged(folder, "config.json is missing") from None
    except (OSError, ValueError) as error:
        raise _damaged(folder, f"config.json cannot be read: {error}") from None


def load(name: str | Path, root: str | Path = ROOT) -> System:
    """The system of that name under `root`, or in the folder `name` itself. Its graphs are opened at first use.

    Raises:
        CheckpointError: no such checkpoint, a file missing or unreadable, or towers that aren't the ones published.
    """
    folder = Path(name) if (Path(name) / "config.json").is_file() else Path(root) / name
    if not folder.is_dir():
        known = ", ".join(available(root)) or "none"
        raise CheckpointError(
            f"There is no checkpoint {folder} (there: {known}). Choose one of those, restore it with "
            f"git checkout -- {folder}, or train one: python -m training fit"
        )
    config = describe(folder.name, folder.parent)
    try:
        system = System(
            name=config["name"],
            space=config["space"],
            dim=int(config["dim"]),
            encoders={
                Modality(modality): Encoder.from_config(folder, Modality(modality), part)
                for modality, part in config["encoders"].items()
            },
            weights=config["weights"],
            calibration=config.get("calibration") or {},
            config=config,
        )
        named = sorted({part[key] for part in config["encoders"].values() for key in _FILES if key in part})
    except KeyError as error:
        raise _damaged(folder, f"config.json lacks {error}") from None
    except (OSError, ValueError, TypeError, AttributeError) as error:
        raise _damaged(folder, f"config.json cannot be read: {error}") from None
    if system.space not in _SPACES:
        raise _damaged(folder, f"config.json has the space {system.space!r}, expected one of {', '.join(_SPACES)}")
    for file in named:
        if not (folder / file).is_file():
            raise _damaged(folder, f"{file} is missing")
    found = weights_hash(folder, config["encoders"])
    if found != system.weights:
        raise _damaged(folder, f"its towers hash to {found[:8]}, but config.json promises {system.weights[:8]}")
    return system


def weights_hash(folder: str | Path, encoders: Mapping[str, Mapping]) -> str:
    """sha256 (hex) over the bytes of the graphs that a config's "encoders" name, in the order of their names."""
    digest = hashlib.sha256()
    for name in sorted({part[key] for part in encoders.values() for key in ("file", "trunk") if key in part}):
        with open(Path(folder) / name, "rb") as file:
            while block := file.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _damaged(folder: Path, what: str) -> CheckpointError:
    return CheckpointError(
        f"The checkpoint {folder} is damaged: {what}. "
        f"Restore it with git checkout -- {folder}, or publish it again: python -m training publish"
    )
