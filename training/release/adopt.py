"""`python -m training adopt`: a model of open_clip, transformers, sentence-transformers or timm -> a system.

For what hubs hold as safetensors alone; what they hold as ONNX needs no torch: `python -m xmr adopt`.
"""

from __future__ import annotations

import argparse
import sys
import threading
import time
from collections.abc import Callable, Sequence
from fnmatch import fnmatch
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from training.learn.export import ExportRefused, export
from training.release.fit_sketch import adapt
from training.towers import foreign
from xmr import checkpoint
from xmr.adopt import LIMITS, Adopted, check_languages, check_name, finish, in_markdown, languages_of, name_for
from xmr.adopt.source import Source, find
from xmr.cli import told_progress
from xmr.encoder import Encoder
from xmr.gallery import DEMO, Gallery
from xmr.home import models
from xmr.modality import BadInput, Modality, printable
from xmr.plain import plain
from xmr.preprocess import AdoptedTokenizer, TextForm

PARITY = 1e-4  # largest distance by cosine of a graph's vector from its library's
_NEEDED = ["*.safetensors", "*.json", "*.txt", "*.model", "README.md"]
Loaded = TypeVar("Loaded")
_SAME_SPACE = 0.5  # share of captions whose vector by another text tower must be nearest to that by the model's own


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument(
        "model", help="a folder, owner/name on the hub (hf-hub: before it or not), or open_clip's NAME/TAG"
    )
    parser.add_argument("--name", help="what to call it here (default: its own name)")
    parser.add_argument(
        "--text", help="a sentence-transformers model that reads its texts, such as one of many languages"
    )
    parser.add_argument("--language", action="append", default=[], help="of its texts, such as de; may be repeated")
    parser.add_argument(
        "--fit-sketch", action="store_true", help="also fit an adapter for drawings, on what data is here"
    )
    parser.add_argument("--revision", help="a commit, tag or branch of the hub (default: the newest commit)")


def run(args: argparse.Namespace) -> None:
    """Run the command; raises BadInput or ExportRefused."""
    if args.fit_sketch and args.model in checkpoint.available(models()):  # it was adopted before
        adapt(args.model)
        return
    made = adopt(args.model, args.name, args.text, args.language, args.revision)
    speed = ", ".join(f"{kind} {value:.1f} ms" for kind, value in made.fitted.milliseconds.items())
    print(f"{made.name}: adopted in {made.seconds:.0f} s ({made.folder}). A query: {speed}")
    if args.fit_sketch:
        adapt(made.name)


def adopt(
    model: str,
    name: str | None = None,
    text: str | None = None,
    languages: Sequence[str] = (),
    revision: str | None = None,
    gallery: Path = DEMO,
) -> Adopted:
    """Export a model's towers, hold them against the library's own encoding, and make a checkpoint of them.

    Args:
        model: as the command takes it.
        name: what to call it here.
        text: a sentence-transformers model whose texts are in the same space as the model's photos.
        languages: of its texts.
        revision: of the hub.
        gallery: whose facts and captions its scores are fitted on.

    Raises:
        BadInput: no such model, one that works otherwise, or texts in another space.
        ExportRefused: the graphs' vectors are not the library's.
    """
    began = time.monotonic()
    called, spoken = check_name(name or name_for(model)), check_languages(languages)
    source = _found(_repository(model), revision)
    reader = None if text is None else _found(text)
    photo, texts = _loaded(source, foreign.load)
    told = "its own"
    if reader is not None:
        own, texts = texts, _loaded(reader, foreign.load_texts)
        told = f"{in_markdown(reader.home)}, licence {plain(reader.licence)}"
        if own is not None:
            _check_space(own, texts, gallery)
    spoken = spoken or languages_of(reader or source)
    config: dict[str, Any] = {
        "name": called,
        "about": f"{in_markdown(source.model)}, adopted: photos and drawings"
        + (f", and texts ({', '.join(spoken)}), in one space." if texts else " in one space."),
        "space": "cosine",
        "dim": 0,
        "encoders": {},
        "parity": {},
        "card": {
            "command": f"adopt {model}",
            "built": f"{in_markdown(source.model)}, exported as it is; its texts are read by "
            f"{'none' if texts is None else told}.",
            "data": [],
            "limits": LIMITS,
            "source": source.home,
            "licence": source.licence,
        },
    }
    made = finish(
        config, lambda folder: _put(config, folder, photo, texts, spoken, gallery), gallery=gallery, began=began
    )
    for one in (source, reader):
        if one is not None:
            one.drop()
    return made


def _repository(model: str) -> str:
    """The folder or the hub's repository that holds a model; open_clip's names have theirs in its own list."""
    if Path(model).expanduser().is_dir():
        return model
    import open_clip

    name, _, tag = model.partition("/")
    held = open_clip.get_pretrained_cfg(name, tag) if tag else {}
    return str(held["hf_hub"]).strip("/") if held.get("hf_hub") else model


def _found(model: str, revision: str | None = None) -> Source:
    """A model, whose licence is said before anything of it is downloaded; BadInput if it has no safetensors."""
    source = find(model, models(), revision)
    print(printable(f"{source.home}: licence {source.licence}"), file=sys.stderr)
    foreign.check_weights(source.files, source.model)
    return source


def _loaded(source: Source, load: Callable[[Path], Loaded]) -> Loaded:
    """What `load` makes of a model's folder. Of a hub's files those that are needed are downloaded, and never a pickle
    or a program; what is of no use does not stay."""
    names = sorted(name for name in source.files if any(fnmatch(name, one) for one in _NEEDED))
    with told_progress() as show:
        source.fetch(names, show, threading.Event())
    try:
        return load(source.folder)
    except BadInput as error:
        source.drop()
        raise BadInput(str(error).replace(str(source.folder), source.model)) from None


def _put(
    config: dict[str, Any],
    folder: Path,
    photo: foreign.PhotoTower,
    texts: foreign.TextTower | None,
    languages: Sequence[str],
    gallery: Path,
) -> None:
    """Write the graphs and the tokenizer, and what the config says of them; raises ExportRefused."""
    pictures, captions = _examples(gallery)
    blank = np.zeros((2, 3, photo.size, photo.size), np.float32)
    export(photo.tower, {"picture": blank}, folder / "photo.onnx", small=False)
    config["dim"] = photo.encode(pictures[:1]).shape[1]
    seen = {"file": "photo.onnx", "size": photo.size, "batch": 8, "view": photo.view}
    seen["graph"] = {"picture": "picture", "output": "vector", "dim": config["dim"]}
    config["encoders"] |= {"photo": seen, "sketch": seen}
    _hold(config, folder, Modality.PHOTO, pictures, photo.encode(pictures))
    if texts is None:
        return
    texts.tokenizer.save(str(folder / "tokenizer.json"))
    read = {
        "file": "text.onnx",
        "tokenizer": "tokenizer.json",
        "max_tokens": texts.max_tokens,
        "languages": list(languages),
        "batch": 8,
        "form": texts.form,
    }
    tokens = AdoptedTokenizer(folder / "tokenizer.json", None, TextForm(texts.max_tokens, **texts.form))
    ids, mask = tokens(captions[:2]).swapaxes(0, 1).copy()
    inputs = {"ids": ids, "mask": mask}
    export(texts.tower, inputs, folder / "text.onnx", small=False)
    taken = _inputs(folder / "text.onnx")
    read["graph"] = {key: key for key in inputs if key in taken} | {"output": "vector", "dim": config["dim"]}
    config["encoders"]["text"] = read
    _hold(config, folder, Modality.TEXT, captions, texts.encode(captions))


def _inputs(path: Path) -> set[str]:
    """The inputs of a graph: the exporter leaves out what the tower does not use."""
    import onnx

    return {one.name for one in onnx.load(path).graph.input}


def _hold(config: dict, folder: Path, modality: Modality, contents: list, wanted: np.ndarray) -> None:
    """Write down how far an encoder's vectors are from the library's; raises ExportRefused if that is too far."""
    found = Encoder.from_config(folder, modality, config["encoders"][modality]).encode(contents)
    if found.shape != wanted.shape:
        raise BadInput(
            f"The {modality} tower gives vectors of {wanted.shape[1]} numbers, where {found.shape[1]} were expected: "
            "the two towers have no space in common. Choose another model for the texts."
        )
    farthest = float((1 - (found.astype(np.float64) * wanted).sum(axis=1)).max())
    if not farthest <= PARITY:
        raise ExportRefused(
            f"The {modality} graph's vectors differ from the library's by {farthest:.2g} (cosine); at most {PARITY} is "
            "accepted. Its preprocessing is another than its files say: choose another export of it."
        )
    config["parity"][str(modality)] = float(f"{max(farthest, 0):.2g}")


def _check_space(own: foreign.TextTower, other: foreign.TextTower, gallery: Path) -> None:
    """Raise BadInput unless another text tower puts captions near to where a model's own one puts them."""
    _, captions = _examples(gallery)
    a, b = own.encode(captions), other.encode(captions)
    if a.shape != b.shape:
        raise BadInput(
            f"The texts have vectors of {b.shape[1]} numbers, the model's of {a.shape[1]}: another space. Choose a "
            "text model that was taught by this one."
        )
    same = float(((b @ a.T).argmax(axis=1) == np.arange(len(a))).mean())
    if same < _SAME_SPACE:
        raise BadInput(
            f"The two text models have different spaces: of the same {len(a)} captions, {same:.0%} are nearest to "
            "themselves. Choose a text model that was taught by this one."
        )


def _examples(gallery: Path) -> tuple[list[Image.Image], list[str]]:
    """Photos and captions of a gallery to compare encodings on; made up where there is no gallery."""
    captions = [
        "a photo of a cat",
        "two dogs on the beach",
        "x",
        "100% sure: it's a CUP of tea!",
        "a red car in the snow",
    ]
    if (gallery / "gallery.sqlite").is_file():
        with Gallery.open(gallery) as photos:
            items = photos.sample(24)
            pictures = [Image.open(photos.thumb(item.id)).convert("RGB") for item in items]
            found = [text for item in items for _, text in photos.captions(item.id, "en")[-1:]]
        return pictures, list(dict.fromkeys([*captions, *found]))
    rng = np.random.default_rng(0)
    noise = [rng.integers(0, 256, (9, 12, 3), dtype=np.uint8) for _ in range(8)]
    return [Image.fromarray(one).resize((400, 300), Image.Resampling.BICUBIC) for one in noise], captions
