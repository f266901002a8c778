"""The ways in which ONNX exports of image-text models lie in folders, and what their files say of preprocessing.

Immich's: visual/model.onnx with visual/preprocess_cfg.json, textual/model.onnx with textual/tokenizer.json, and
config.json. transformers.js's: onnx/vision_model*.onnx with preprocessor_config.json, onnx/text_model*.onnx with
tokenizer.json, and config.json.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from xmr.adopt.source import Source
from xmr.checkpoint import SIDES
from xmr.encoder import BadGraph, CheckpointFile, Wiring, open_session, run_wired
from xmr.modality import BadInput, shown
from xmr.preprocess import AdoptedTokenizer, TextForm

if TYPE_CHECKING:
    import onnxruntime

FULL = "fp32"
_BATCH = 8  # pictures or texts at a time, for graphs that take any number
_PICKLES = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle")
_RESAMPLING = dict(enumerate(("nearest", "lanczos", "bilinear", "bicubic", "box", "hamming")))  # by Pillow's numbers
_NAMES = {
    "picture": ("pixel_values", "image", "images", "input"),
    "ids": ("input_ids", "text", "ids"),
    "mask": ("attention_mask",),
    "types": ("token_type_ids",),
}
_TOKENS = {"clip": 77, "siglip": 64, "siglip2": 64}  # of a text: transformers' defaults, which its configs leave out
_VECTORS = (  # from the likeliest
    "image_embeds",
    "text_embeds",
    "embedding",
    "image_features",
    "text_features",
    "sentence_embedding",
    "pooler_output",
)


@dataclass(frozen=True)
class Layout:
    """Which of a model's files are needed.

    Attributes:
        kind: "Immich" or "transformers.js".
        photo: the graph of the photo tower.
        text: that of the text tower.
        tokenizer: its tokenizer.json.
        settings: the JSON files that say how pictures and texts are prepared, as far as they are there.
    """

    kind: str
    photo: str
    text: str
    tokenizer: str
    settings: tuple[str, ...]

    @property
    def files(self) -> list[str]:
        """All of them."""
        return [self.photo, self.text, self.tokenizer, *self.settings]


def find_layout(source: Source, variant: str = FULL) -> Layout:
    """The layout of a model's files.

    variant: "fp32" is the model as it is; others, such as "quantized" or "fp16", what the model's folder calls a
        smaller one.

    Raises:
        BadInput: none that is known, or the variant is not there; the message says the way round.
    """
    files = source.files
    inner = "" if variant == FULL else f"{variant}/"
    ending = "" if variant == FULL else f"_{variant}"
    candidates = [
        Layout(
            "Immich",
            f"visual/{inner}model.onnx",
            f"textual/{inner}model.onnx",
            "textual/tokenizer.json",
            ("config.json", "visual/preprocess_cfg.json", "textual/tokenizer_config.json"),
        ),
        *(
            Layout(
                "transformers.js",
                f"{folder}vision_model{ending}.onnx",
                f"{folder}text_model{ending}.onnx",
                "tokenizer.json",
                ("config.json", "preprocessor_config.json", "tokenizer_config.json"),
            )
            for folder in ("onnx/", "")
        ),
    ]
    for one in candidates:
        if {one.photo, one.text, one.tokenizer} <= files:
            _check_whole(source, one, variant)
            settings = tuple(name for name in one.settings if name in files)
            return Layout(one.kind, one.photo, one.text, one.tokenizer, settings)
    raise BadInput(_why_not(source, variant))


def _check_whole(source: Source, layout: Layout, variant: str) -> None:
    """Raise BadInput if a graph keeps its weights in another file, which no hash covers and is never read."""
    for graph in (layout.photo, layout.text):
        beside = [name for name in (f"{graph}_data", f"{graph}.data") if name in source.files]
        if beside:
            others = [name for name in variants(source.files) if name != variant]
            way = f"Try another variant ({', '.join(others)}) with --variant." if others else "Choose another export."
            raise BadInput(f"{source.model} keeps the weights of {graph} in a file of their own, {beside[0]}. {way}")


def _why_not(source: Source, variant: str) -> str:
    files = source.files
    if known := variants(files):
        if variant not in known:
            return f"{source.model} has no variant {variant}. It has {', '.join(known)}: choose one with --variant."
        return f"{source.model} has no tokenizer.json, without which no text can be read. Choose another export of it."
    torch = f"With PyTorch it can be exported: python -m training adopt {source.model}"
    if "onnx/model.onnx" in files or "model.onnx" in files:
        return f"{source.model} has photos and texts in one ONNX graph, not one of each. {torch}"
    if any(name.endswith(".safetensors") for name in files):
        return f"{source.model} has no ONNX graphs (visual/ and textual/, or onnx/vision_model.onnx). {torch}"
    if pickles := sorted(name for name in files if name.endswith(_PICKLES)):
        return (
            f"{source.model} has its weights only as {pickles[0]}, a pickle, which can run any program and is never "
            "loaded. Look for an export of it as ONNX or safetensors, or have one made: "
            "https://huggingface.co/spaces/safetensors/convert"
        )
    return (
        f"{source.model} holds no model that can be adopted. Expected visual/model.onnx and textual/model.onnx, or "
        "onnx/vision_model.onnx and onnx/text_model.onnx, with a tokenizer.json."
    )


def variants(files: Collection[str]) -> list[str]:
    """The variants of a model that are there, as --variant names them."""
    found = set()
    for name in files:
        folder, _, file = name.rpartition("/")
        if file.startswith("vision_model") and file.endswith(".onnx") and folder in ("", "onnx"):
            found.add(file.removeprefix("vision_model").removesuffix(".onnx").lstrip("_") or FULL)
        elif file == "model.onnx" and (folder == "visual" or folder.startswith("visual/")):
            found.add(folder.removeprefix("visual").strip("/") or FULL)
    return sorted(found)


def encoders(source: Source, layout: Layout, languages: list[str]) -> dict[str, dict]:
    """The "encoders" of a checkpoint's config.json, with photo.onnx, text.onnx and tokenizer.json as its files.

    Raises:
        BadInput: a graph or a setting that cannot be used.
    """
    photo, text = (_opened(source, name) for name in (layout.photo, layout.text))
    size, view = _view(source, layout)
    taken = _shape(photo, "picture", source)
    for side in taken[2:]:
        if isinstance(side, int) and side != size:
            raise BadInput(f"{source.model} sees {side} px a side, but its settings say {size}. Download it again.")
    with _reading("What says how texts are prepared", source.model):
        form, max_tokens = _form(source, layout, _shape(text, "ids", source))
    tokenizer = source.folder / layout.tokenizer
    blank = np.zeros((1, 3, size, size), np.float32)
    full = AdoptedTokenizer(tokenizer, None, TextForm(max_tokens, **form | {"padded": True}))(["a photo"])
    wired = {
        "photo": _wire(photo, ("picture",), blank, source),
        "text": _wire(text, ("ids", "mask", "types"), full, source),
    }
    if not form["padded"]:
        short = AdoptedTokenizer(tokenizer, None, TextForm(max_tokens, **form))(["a photo"])
        form["padded"] = not _same(text, wired["text"], short, full)
    if wired["photo"]["dim"] != wired["text"]["dim"]:
        raise BadInput(
            f"{source.model} gives vectors of {wired['photo']['dim']} numbers for photos and of {wired['text']['dim']} "
            "for texts, which cannot be compared. Choose an export with its projections."
        )
    seen = {"file": "photo.onnx", "size": size, "batch": _batch(taken), "graph": wired["photo"], "view": view}
    read = {
        "file": "text.onnx",
        "tokenizer": "tokenizer.json",
        "max_tokens": max_tokens,
        "languages": languages,
        "batch": _batch(_shape(text, "ids", source)),
        "graph": wired["text"],
        "form": form,
    }
    return {"photo": seen, "sketch": seen, "text": read}


def _opened(source: Source, graph: str) -> onnxruntime.InferenceSession:
    try:
        return open_session(CheckpointFile(source.folder / graph, None))
    except BadGraph as error:
        raise BadInput(
            f"{graph} of {source.model} cannot be opened as an ONNX graph that holds its own weights ({error.why}). "
            "Download it again, or choose another variant or export of it."
        ) from None


def _batch(shape: list) -> int:
    return min(shape[0], 256) if isinstance(shape[0], int) else _BATCH


def _shape(session: onnxruntime.InferenceSession, key: str, source: Source) -> list:
    """The shape of a graph's pictures or token ids; a number where it is fixed."""
    for one in session.get_inputs():
        if one.name in _NAMES[key]:
            return one.shape
    given = ", ".join(one.name for one in session.get_inputs())
    raise BadInput(f"A graph of {source.model} takes {given}, but no {_NAMES[key][0]}. Choose another export of it.")


def _wire(session: onnxruntime.InferenceSession, keys: tuple[str, ...], example: np.ndarray, source: Source) -> dict:
    """A graph's entry "graph": the names of its inputs and of the output that is its vectors, and their length."""
    names = {}
    for one in session.get_inputs():
        key = next((key for key in keys if one.name in _NAMES[key]), None)
        if key is None:
            raise BadInput(
                f"A graph of {source.model} takes {one.name}, which means nothing here. Choose another export."
            )
        names[key] = one.name
    flat = [one.name for one in session.get_outputs() if len(one.shape or ()) in (0, 2)]
    for output in [*(name for name in _VECTORS if name in flat), *flat]:
        try:
            found = run_wired(session, Wiring(names, output, 0), example)
        except Exception as error:  # ONNX Runtime's own exceptions derive from nothing narrower
            said = " ".join(str(error).split())[:200]
            raise BadInput(
                f"A graph of {source.model} fails ({said}). Choose another export or variant of it."
            ) from None
        if found.ndim == 2 and len(found) == len(example):
            return names | {"output": output, "dim": found.shape[1]}
    given = ", ".join(one.name for one in session.get_outputs())
    raise BadInput(
        f"A graph of {source.model} gives {given}, none of them one vector each. Choose another export of it."
    )


def _same(session: onnxruntime.InferenceSession, wired: dict, short: np.ndarray, full: np.ndarray) -> bool:
    """Whether a text graph gives the same vector of a text that is not filled up, which takes less time."""
    wiring = Wiring({key: name for key, name in wired.items() if key in _NAMES}, wired["output"], wired["dim"])
    try:
        return bool((run_wired(session, wiring, short) @ run_wired(session, wiring, full).T).item() > 1 - 1e-4)
    except Exception:  # it takes texts of one length alone
        return False


@contextmanager
def _reading(what: str, model: str) -> Iterator[None]:
    """A context in which settings are read, which come from anyone: what is wrong with them becomes a BadInput."""
    try:
        yield
    except BadInput:
        raise
    except (KeyError, IndexError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        raise BadInput(f"{what} of {model} lacks or spoils {error}. Download it again.") from None


def _view(source: Source, layout: Layout) -> tuple[int, dict]:
    """The size and the "view" of the photo tower."""
    if layout.kind == "Immich":
        size, view = open_clip_view(source.read_json("visual/preprocess_cfg.json"), source.model)
    else:
        size, view = transformers_view(source.read_json("preprocessor_config.json"), source.model)
    if not isinstance(size, int) or not SIDES[0] <= size <= SIDES[1]:  # before a picture of that size is made
        least, most = SIDES
        raise BadInput(
            f"{source.model} sees pictures of {shown(size)} px a side, but here from {least} to {most:,} are. Choose "
            "another model."
        )
    return size, view


def open_clip_view(told: Mapping[str, Any], model: str) -> tuple[int, dict]:
    """The size and the "view" that open_clip's preprocess_cfg describes; BadInput for one that cannot be followed."""
    with _reading("The preprocess_cfg.json", model):
        size = told["size"]
        size, *others = size if isinstance(size, (list, tuple)) else [size]
        fill = told.get("fill_color", 0)
        view = {
            "resize": told.get("resize_mode", "shortest"),
            "edge": size,
            "interpolation": "bilinear" if told.get("interpolation") == "bilinear" else "bicubic",
            "mean": [float(one) for one in told["mean"]],
            "std": [float(one) for one in told["std"]],
            "centre": "round",
            "fill": int(fill[0] if isinstance(fill, (list, tuple)) else fill),
        }
    if view["resize"] not in ("shortest", "squash", "longest") or any(one != size for one in others):
        raise BadInput(f"{model} wants pictures {view['resize']} at {told['size']}, which is not done here.")
    return size, view


def transformers_view(told: Mapping[str, Any], model: str) -> tuple[int, dict]:
    """The size and the "view" that a preprocessor_config.json describes; BadInput for one that cannot be followed."""
    with _reading("The preprocessor_config.json", model):
        size, crop = told["size"], told.get("crop_size")
        squares = [_square(one) for one in (size, crop) if one is not None]
        cropped = bool(told.get("do_center_crop", crop is not None)) and crop is not None
        shortest = isinstance(size, int) or "shortest_edge" in size
        if not told.get("do_resize", True) or (shortest and not cropped) or (not shortest and len(set(squares)) > 1):
            raise BadInput(f"{model} takes pictures of any size, which is not done here. Choose another model.")
        scale = told.get("rescale_factor", 1 / 255) * 255 if told.get("do_rescale", True) else 255.0
        normal = told.get("do_normalize", True)
        view = {
            "resize": "shortest" if shortest else "squash",
            "edge": squares[0],
            "interpolation": _RESAMPLING[int(told.get("resample", 3))],
            "mean": [float(one) / scale for one in (told["image_mean"] if normal else (0, 0, 0))],
            "std": [float(one) / scale for one in (told["image_std"] if normal else (1, 1, 1))],
            "centre": "floor",
            "fill": 0,
        }
    target = _square(crop) if cropped else squares[0]
    if target > squares[0]:
        raise BadInput(f"{model} crops pictures to more than it resizes them to, which is not done here.")
    return target, view


def _square(size: Any) -> int:
    """The side of a size in one of transformers' forms."""
    if isinstance(size, int):
        return size
    if "shortest_edge" in size:
        return int(size["shortest_edge"])
    if size["height"] != size["width"]:
        raise ValueError(f"{size}, which is no square")
    return int(size["height"])


def _form(source: Source, layout: Layout, shape: list) -> tuple[dict, int]:
    """The "form" of the text tower, and the most tokens that it takes."""
    config = source.read_json("config.json")
    tokens = source.read_json("textual/tokenizer_config.json" if layout.kind == "Immich" else "tokenizer_config.json")
    text = config.get("text_cfg" if layout.kind == "Immich" else "text_config") or {}
    limits = [text.get("context_length"), text.get("max_position_embeddings"), tokens.get("model_max_length")]
    if layout.kind == "Immich":
        limits = [text.get("context_length", 77)]
    fixed = shape[1] if len(shape) > 1 and isinstance(shape[1], int) else None
    known = [int(one) for one in (fixed, *limits) if isinstance(one, (int, float)) and 1 < one <= 4096]
    family = str(config.get("model_type", ""))
    if not known and family in _TOKENS:
        known = [_TOKENS[family]]
    if not known:
        raise BadInput(f"Nothing in {source.model} says how long its texts may be. Choose another export of it.")
    clean = "none"
    if layout.kind == "Immich":
        wanted = (text.get("tokenizer_kwargs") or {}).get("clean")
        clean = "canonicalize" if wanted == "canonicalize" else "whitespace"
    elif family.startswith("siglip") and "Gemma" in str(tokens.get("tokenizer_class")):
        clean = "case"
    form = {
        "pad": _pad(source, layout, tokens),
        "padded": fixed is not None or layout.kind == "Immich" or family.startswith("siglip"),
        "clean": clean,
    }
    return form, min(known)


def _pad(source: Source, layout: Layout, told: Mapping[str, Any]) -> int:
    """The id of the token that fills."""
    held = source.read_json(layout.tokenizer)
    token = told.get("pad_token")
    token = token.get("content") if isinstance(token, dict) else token
    for added in held.get("added_tokens") or ():
        if added.get("content") == token:
            return int(added["id"])
    vocab = (held.get("model") or {}).get("vocab")
    if isinstance(vocab, dict) and isinstance(vocab.get(token), int):
        return vocab[token]
    if isinstance(vocab, list):  # of a Unigram model: pairs of a token and its score
        for number, pair in enumerate(vocab):
            if pair and pair[0] == token:
                return number
    padding = held.get("padding")
    return int(padding.get("pad_id", 0)) if isinstance(padding, dict) else 0
