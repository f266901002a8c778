"""The systems: one module and one YAML file each, and the interface that the modules share.

A system's module defines `Recipe` (a dataclass), `YAML` (the file with its values), `run(folder, cache, overrides)`,
which trains a run in a folder, or resumes it, and returns the task, and `published(folder)`, which returns the
PublishedSystem of a finished run. A module that makes a whole system also defines `words(recipe)`, which returns the
sentences of the card that follow from the recipe alone.
"""

import dataclasses
import importlib
import types
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from torch import nn

from xmr.modality import BadInput, Modality


@dataclasses.dataclass(frozen=True)
class PublishedTower:
    """One tower to export.

    Attributes:
        tower: the module; None keeps the graph that is already published.
        inputs: (N, ...) inputs of val items, on which the exported graph is compared with the tower.
        config: the encoder's entry in config.json without its files, such as {"size": 224}.
        shared: file name in checkpoints/shared of the frozen trunk that several systems use; empty if the tower has
            none. A tower with a shared trunk has the modules `trunk` and `rest`.
    """

    tower: nn.Module | None
    inputs: np.ndarray
    config: dict[str, Any]
    shared: str = ""


@dataclasses.dataclass(frozen=True)
class PublishedSystem:
    """A trained system to publish.

    Attributes:
        name: the system's name.
        about: the system in one sentence.
        protocols: names of the protocols that measure it.
        space: "cosine", "euclidean" or "hamming".
        dim: length of its vectors.
        towers: one for each modality.
        composer: ranks photos for queries of several terms; None: there is none, or the published one stays.
        card: text for the model card: "built" (how it was built), "data" (keys of training.release.card.DATA), "limits"
            and, of a published system rebuilt, how it "differs" from that.
        codes: the lengths in bits at which its codes can be compared; empty if only whole vectors can.
        further: whether its weights go on from those that are published, whose history stays on record then.
    """

    name: str
    about: str
    protocols: tuple[str, ...]
    space: str
    dim: int
    towers: Mapping[Modality, PublishedTower]
    card: Mapping[str, Any]
    composer: nn.Module | None = None
    further: bool = False
    codes: Sequence[int] = ()


def module(name: str) -> types.ModuleType:
    """Import the module of a system by its name, such as "coco-regions".

    Raises:
        BadInput: there is no such system; the message lists the names.
    """
    known = sorted(path.stem.replace("_", "-") for path in Path(__file__).parent.glob("*.yaml"))
    if name not in known:
        raise BadInput(f"There is no recipe {name!r}. Choose one of: {', '.join(known)}.")
    return importlib.import_module(f"training.systems.{name.replace('-', '_')}")
