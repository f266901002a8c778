"""Adopts a model: one from a hub or a folder becomes a checkpoint like any other, without torch.

Its photo tower sees drawings as well, as if they were photographed. What its scores mean is fitted on the shipped
photos, so that weights, probabilities and mixtures work at once. Nothing that could run a program is ever read: only
ONNX graphs that hold their own weights, JSON, and the README.
"""

from __future__ import annotations

import os
import re
import shutil
import threading
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xmr import checkpoint
from xmr.adopt.fit import Fitted, fit_scores
from xmr.adopt.layout import FULL, Layout, encoders, find_layout
from xmr.adopt.source import DOWNLOADS, Source, Stopped, Told, find
from xmr.gallery import DEMO, Gallery
from xmr.home import models
from xmr.modality import BadInput, Modality, shown
from xmr.plain import plain

__all__ = [
    "DOWNLOADS",
    "FULL",
    "LIMITS",
    "Adopted",
    "Offer",
    "Stopped",
    "adopt",
    "check_languages",
    "check_name",
    "finish",
    "in_markdown",
    "languages_of",
    "look_up",
    "name_for",
    "remove",
]
_CODE = re.compile("[a-z]{2,3}")  # of a language
LIMITS = (
    "It was not trained here: what it has seen, and which biases it has from that, its own card says. It sees drawings "
    "with its photo tower, as if they were photographed."
)


@dataclass(frozen=True)
class Offer:
    """A model that could be adopted, before anything is downloaded.

    Attributes:
        source: where it is, and what its README says.
        layout: the files that are needed.
        name: what it will be called here.
        languages: those that its texts may be in, as far as its README says.
    """

    source: Source
    layout: Layout
    name: str
    languages: tuple[str, ...]

    @property
    def megabytes(self) -> float:
        """The size of the files that are needed."""
        return self.source.size(self.layout.files) / 1e6


@dataclass(frozen=True)
class Adopted:
    """A model that was adopted: its checkpoint's folder, what was fitted, and the seconds that it took."""

    name: str
    folder: Path
    fitted: Fitted
    seconds: float


def look_up(
    model: str,
    *,
    name: str | None = None,
    variant: str = FULL,
    revision: str | None = None,
    languages: Sequence[str] = (),
) -> Offer:
    """Look at a model, and download nothing but what its hub says of it.

    Args:
        model: a folder, or a hub's "owner/name".
        name: what to call it here; its own name, unless another is given.
        variant: "fp32", or a smaller one as the model's folder calls it, such as "quantized".
        revision: a branch, a tag or a commit of the hub; the newest commit, unless one is given. It is pinned.
        languages: the languages of its texts, such as "en"; what its README says, unless some are given.

    Raises:
        BadInput: there is no such model, none that can be adopted, or no such language; the message says the way
            round.
    """
    source = find(model, models(), revision)
    layout = find_layout(source, variant)
    called = check_name(name_for(source.model, variant) if name is None else name)
    return Offer(source, layout, called, check_languages(languages) or languages_of(source))


def check_languages(languages: Sequence[str]) -> tuple[str, ...]:
    """The languages that a person gave, each once; BadInput for one that is no code of two or three letters."""
    for one in languages:
        if not _CODE.fullmatch(one):
            raise BadInput(f"{shown(one)} is no language's code. Give its two or three small letters, such as de.")
    return tuple(dict.fromkeys(languages))


def check_name(called: str) -> str:
    """The name, if a new system may have it; BadInput if not."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}", called):
        raise BadInput(f"{shown(called)} is no name: letters, digits, “-”, “_” and “.”, at most 64. Give another.")
    if called in checkpoint.available():
        own = checkpoint.folder_of(called).parent == models()
        way = f", or remove that one first: python -m xmr adopt --remove {called}" if own else ": that one ships."
        raise BadInput(f"There is a system {called} already. Give this one another name (--name){way}")
    return called


def name_for(model: str, variant: str = FULL) -> str:
    """What a model is called here, unless a person gives a name.

    >>> name_for("Xenova/clip-vit-base-patch32"), name_for("/models/My CLIP (new)", "quantized")
    ('clip-vit-base-patch32', 'My-CLIP-new-quantized')
    """
    own = re.sub(r"[^A-Za-z0-9._]+", "-", model.rstrip("/").rpartition("/")[2]).strip("-._") or "model"
    return (own if variant == FULL else f"{own[:50]}-{variant}")[:64]


def languages_of(source: Source) -> tuple[str, ...]:
    """The languages of a model's texts, as far as its README says them; English where it says none."""
    told = source.about.get("language")
    told = [told] if isinstance(told, str) else told if isinstance(told, list) else []
    known = [one for one in map(str, told) if _CODE.fullmatch(one)]
    if "multilingual" in told:
        known += [one for one in ("en", "de") if one not in known]
    return tuple(known) or ("en",)


def _silent(what: str, done: int, total: int) -> None:
    pass


def adopt(offer: Offer, told: Told = _silent, stop: threading.Event | None = None, gallery: Path = DEMO) -> Adopted:
    """Make a checkpoint of a model, in the folder of adopted models.

    It is there as a whole or not at all; a download that was begun goes on at the next try.

    Args:
        offer: what `look_up` found.
        told: is told what is being done, and how far it is.
        stop: when it is set, adopting ends soon, and leaves no checkpoint.
        gallery: whose facts and captions its scores are fitted on; where there is no such gallery, they aren't.

    Raises:
        Stopped: `stop` was set.
        BadInput: it cannot be downloaded or read, or its graphs do something else than an image-text model's.
    """
    began, stop, source, layout = time.monotonic(), stop or threading.Event(), offer.source, offer.layout
    source.fetch(layout.files, told, stop)
    told("opening the graphs", 0, 0)
    try:
        found = encoders(source, layout, list(offer.languages))
    except BadInput:
        source.drop()  # what was downloaded is of no use, and would be met again at the next try
        raise
    config = {
        "name": offer.name,
        "about": f"{in_markdown(source.model)}, adopted: photos, drawings and texts "
        f"({', '.join(offer.languages)}) in one space.",
        "space": "cosine",
        "dim": found["photo"]["graph"]["dim"],
        "encoders": found,
        "card": {
            "command": f"adopt {source.model}",
            "built": f"The {layout.kind} export of {in_markdown(source.model)}, as it is: {layout.photo} and "
            f"{layout.text}.",
            "data": [],
            "limits": LIMITS,
            "source": source.home,
            "licence": source.licence,
        },
    }
    files = {"photo.onnx": layout.photo, "text.onnx": layout.text, "tokenizer.json": layout.tokenizer}

    def put(folder: Path) -> None:
        for name, there in files.items():
            _place(source.folder / there, folder / name, source.downloaded)

    adopted = finish(config, put, told, stop, gallery, began)
    source.drop()
    return adopted


def finish(
    config: dict[str, Any],
    put: Any,
    told: Told = _silent,
    stop: threading.Event | None = None,
    gallery: Path = DEMO,
    began: float | None = None,
) -> Adopted:
    """Make a checkpoint of graphs that are ready: fit what its scores mean, write its card, and let it appear.

    Args:
        config: its config.json without calibration, composer and hashes.
        put: is given a folder, and puts the files there that the config names.
        told, stop, gallery: as `adopt`.
        began: when it began, by time.monotonic().
    """
    stop, began = stop or threading.Event(), time.monotonic() if began is None else began
    home = models()
    folder = home / config["name"]
    making = home / f".making-{config['name']}-{os.getpid()}"
    try:
        _clear(home)
        making.mkdir(parents=True)
        put(making)
        try:
            checkpoint.sign(making, config)
        except checkpoint.CheckpointError as error:  # its settings are none that a checkpoint may have
            raise BadInput(f"{config['name']} cannot be adopted: {error.what}. Choose another export of it.") from None
        system = checkpoint.load(making)
        if (gallery / "gallery.sqlite").is_file():
            with Gallery.open(gallery) as photos:
                fitted = fit_scores(system, photos, told, stop)
        else:
            fitted = fit_scores(system, None, told, stop)
        card = {**config["card"], "milliseconds": fitted.milliseconds}
        whole = {**config, "calibration": fitted.calibration, "card": card}
        if fitted.floors:
            whole["composer"] = {"floors": fitted.floors}
        checkpoint.sign(making, whole)
        (making / "card.md").write_text(_card(whole, fitted, making), encoding="utf-8")
        if stop.is_set():
            raise Stopped("Adopting was stopped.")
        if folder.exists():  # made meanwhile
            raise BadInput(f"There is a system {config['name']} already. Give this one another name.")
        making.rename(folder)
    except OSError as error:
        raise BadInput(
            f"{error.filename or home} cannot be written: {error.strerror or error}. Make room or check the "
            "permissions, or set XMR_MODELS to another folder."
        ) from None
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return Adopted(config["name"], folder, fitted, time.monotonic() - began)


def _place(file: Path, name: Path, link: bool) -> None:
    """Have a file under another name as well, as a link where that is asked for and the disk can."""
    if link:
        with suppress(OSError):
            name.hardlink_to(file)
            return
    shutil.copyfile(file, name)


def _clear(home: Path) -> None:
    """Delete what was being made by processes that ended."""
    for folder in home.glob(".making-*"):
        number = folder.name.rpartition("-")[2]
        if number.isdigit() and not Path(f"/proc/{number}").exists() and Path("/proc").is_dir():
            shutil.rmtree(folder, ignore_errors=True)


def in_markdown(source: str) -> str:
    """A model's name or address, for whatever reads Markdown: those of a hub have no marks, a folder's may have any."""
    return plain(source) if source.startswith("/") else source


def _card(config: dict[str, Any], fitted: Fitted, folder: Path) -> str:
    """The card of an adopted model, in Markdown."""
    names = {part["file"] for part in config["encoders"].values()}
    sizes = ", ".join(f"{name} {(folder / name).stat().st_size / 1e6:.1f} MB" for name in sorted(names))
    speed = ", ".join(f"{kind} {value:.1f} ms" for kind, value in fitted.milliseconds.items())
    about, view = config["card"], config["encoders"][Modality.PHOTO]
    lines = [
        f"# {config['name']}",
        "",
        config["about"],
        "",
        f"{about['built']} Source: {in_markdown(about['source'])}. Licence: {plain(about['licence'])}. Graphs: "
        f"{sizes}; weights sha256 `{checkpoint.describe(folder.name, folder.parent)['weights'][:16]}`.",
        "",
        f"Pictures: {view['view']['resize']} at {view['size']} px, {view['view']['interpolation']}. Vectors of "
        f"{config['dim']} numbers, compared by cosine. A query, encoded where it was adopted: {speed}.",
        "",
        "## Calibration",
        "",
    ]
    if fitted.calibration:
        lines.append(
            f"Fitted on {fitted.photos} photos and {fitted.captions} captions of the shipped gallery: a match has the "
            "same category. What it reaches there is no measurement on items that it was not fitted on."
        )
        lines += ["", "| query | mean score | std | slope | intercept |", "| --- | --- | --- | --- | --- |"]
        for kind, one in fitted.calibration.items():
            lines.append(
                f"| {kind.replace('_', ' ')} | {one['mean']:.3f} | {one['std']:.3f} | {one['slope']:.2f} | "
                f"{one['intercept']:.2f} |"
            )
    else:
        lines.append("None: there was no gallery with categories. Answers have scores, and no probabilities.")
    if fitted.mixtures:
        chosen = "each photo is asked how likely it meets each term" if fitted.floors else "the terms become one vector"
        found = ", ".join(f"{value:.3f} by {rule}" for rule, value in fitted.mixtures.items())
        lines += ["", f"Mixtures: {chosen} (R-precision {found})."]
    return "\n".join([*lines, "", "## Limits", "", about["limits"], ""])


def remove(name: str) -> None:
    """Delete a model that was adopted; BadInput if there is none of that name."""
    folder = models() / name
    if name not in checkpoint.available(models()) or folder.parent != models():
        known = ", ".join(checkpoint.available(models())) or "none"
        raise BadInput(f"No model {shown(name)} was adopted (there: {known}). Those that ship are not removed.")
    gone = models() / f".making-{name}-0"  # so that a kill leaves no half of it
    try:
        shutil.rmtree(gone, ignore_errors=True)
        folder.rename(gone)
        shutil.rmtree(gone)
    except OSError as error:
        raise BadInput(f"{folder} cannot be removed: {error.strerror}. Check its permissions.") from None
