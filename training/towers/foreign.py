"""The towers of other libraries' models (open_clip, transformers, sentence-transformers, timm), with the preprocessing
that each of them does, so that they can be exported.

Their weights are read from safetensors alone, never from a pickle."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from torch import nn

from xmr.adopt.layout import open_clip_view, transformers_view
from xmr.modality import BadInput

Encoded = Callable[[list], np.ndarray]  # pictures or texts -> (N, dim) at unit length, as the library itself does it


@dataclass(frozen=True)
class PhotoTower:
    """A photo tower.

    Attributes:
        tower: pictures (N, 3, size, size) -> (N, dim) at unit length.
        size: side of what it takes.
        view: the rest of its preprocessing, as config.json's "view" says it.
        encode: PIL images, encoded by the library's own preprocessing.
    """

    tower: nn.Module
    size: int
    view: dict[str, Any]
    encode: Encoded


@dataclass(frozen=True)
class TextTower:
    """A text tower.

    Attributes:
        tower: ids and mask, (N, L) each -> (N, dim) at unit length.
        tokenizer: of the library `tokenizers`.
        max_tokens: the most tokens of a text.
        form: the rest of its preprocessing, as config.json's "form" says it.
        encode: texts, encoded by the library's own tokenizer.
    """

    tower: nn.Module
    tokenizer: Any
    max_tokens: int
    form: dict[str, Any]
    encode: Encoded


class Unit(nn.Module):
    """Another module's vectors at unit length; `call` is how the module is asked, and gives a tensor or an output of
    transformers."""

    def __init__(self, model: nn.Module, call: Callable[..., Any]) -> None:
        super().__init__()
        self.model, self.call = model, call

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        found = self.call(*inputs)
        found = found if isinstance(found, torch.Tensor) else found.pooler_output
        return nn.functional.normalize(found.float(), dim=-1)


def check_weights(names: Collection[str], model: str) -> None:
    """Raise BadInput unless there are weights as safetensors among a model's files."""
    if not any(name.endswith(".safetensors") for name in names):
        raise BadInput(
            f"{model} holds no safetensors. Pickles (.bin, .pt) can run any program and are never loaded: look for an "
            "export as safetensors, or have one made: https://huggingface.co/spaces/safetensors/convert"
        )


def load(folder: Path) -> tuple[PhotoTower, TextTower | None]:
    """The towers of the model in a folder; no text tower for a model of photos alone.

    Raises:
        BadInput: the folder holds no model of these libraries, none with safetensors, or one that works otherwise.
    """
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    check_weights(names, str(folder))
    with _loading(folder):
        if "open_clip_config.json" in names:
            return _open_clip(folder)
        if "modules.json" in names:
            return _sentence_transformers(folder)
        config = json.loads((folder / "config.json").read_text(encoding="utf-8")) if "config.json" in names else {}
        if "architecture" in config:
            return _timm(folder), None
        if "model_type" in config:
            return _transformers(folder)
    raise BadInput(
        f"{folder} holds no model that is known here: expected open_clip_config.json, modules.json of "
        "sentence-transformers, or a config.json of transformers or timm."
    )


def load_texts(folder: Path) -> TextTower:
    """The text tower of a sentence-transformers model of texts; raises BadInput for another model."""
    with _loading(folder):
        model = _sentence_transformer(folder)
    tokenizer = model.tokenizer
    limit = model.max_seq_length or tokenizer.model_max_length
    if not hasattr(tokenizer, "backend_tokenizer") or not limit or limit > 4096:
        raise BadInput(f"{folder} reads texts in a way that is not known here. Choose another model.")

    def call(ids: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        told = {"input_ids": ids, "attention_mask": mask}
        for module in model:
            told = module(told)
        return told["sentence_embedding"]

    def encode(texts: list[str]) -> np.ndarray:
        return model.encode(list(texts), normalize_embeddings=True, batch_size=16, show_progress_bar=False)

    form = {"pad": int(tokenizer.pad_token_id or 0), "padded": False, "clean": "none"}
    return TextTower(Unit(model, call), tokenizer.backend_tokenizer, int(limit), form, encode)


@contextmanager
def _loading(folder: Path) -> Iterator[None]:
    """While this lasts, nothing is unpickled and no program that came with a model is run, whichever library tries, and
    what a library says is a BadInput."""
    from transformers import dynamic_module_utils

    def refuse(*_: Any, **__: Any) -> None:
        raise BadInput(
            "This model has weights as a pickle, which can run any program and is never loaded. Look for an export as "
            "safetensors, or have one made: https://huggingface.co/spaces/safetensors/convert"
        )

    held, patience = (torch.load, torch.jit.load), dynamic_module_utils.TIME_OUT_REMOTE_CODE
    torch.load = torch.jit.load = refuse
    dynamic_module_utils.TIME_OUT_REMOTE_CODE = 0  # it would ask whether to run a program, and take a "y"
    try:
        yield
    except BadInput:
        raise
    except Exception as error:  # libraries raise almost anything for files that do not fit each other
        if "trust_remote_code" in str(error):
            raise _needs_a_program(folder) from None
        said = " ".join(str(error).split())[:300]
        raise BadInput(f"{folder} cannot be loaded ({type(error).__name__}: {said}). Download it again.") from None
    finally:
        torch.load, torch.jit.load = held
        dynamic_module_utils.TIME_OUT_REMOTE_CODE = patience


def _needs_a_program(folder: Path) -> BadInput:
    return BadInput(
        f"{folder} can only be loaded by a program that comes with it, and such a program is never run. Choose another "
        "model, or an export of this one as ONNX."
    )


def _sentence_transformer(folder: Path) -> Any:
    """The sentence-transformers model in a folder; BadInput if a part of it is a program of its own, which some
    versions of the library run unasked."""
    from sentence_transformers import SentenceTransformer

    listed = folder / "modules.json"
    modules = json.loads(listed.read_text(encoding="utf-8")) if listed.is_file() else []
    if not all(str(one["type"]).startswith("sentence_transformers.") for one in modules):
        raise _needs_a_program(folder)
    return SentenceTransformer(
        str(folder), device="cpu", trust_remote_code=False, model_kwargs={"use_safetensors": True}
    ).eval()


def _open_clip(folder: Path) -> tuple[PhotoTower, TextTower]:
    import open_clip

    name = f"local-dir:{folder}"
    model, transform = open_clip.create_model_from_pretrained(name)
    tokens = open_clip.get_tokenizer(name)
    size, view = open_clip_view(open_clip.get_model_preprocess_cfg(model), str(folder))
    photo = PhotoTower(
        Unit(model, model.encode_image).eval(),
        size,
        view,
        _encoded(lambda some: model.encode_image(torch.stack([transform(one) for one in some]))),
    )
    if isinstance(tokens, open_clip.SimpleTokenizer):
        table, pad, clean = _simple_tokenizer(tokens), 0, tokens.clean_fn.__name__.removeprefix("_clean_")
    elif getattr(tokens, "tokenizer_mode", None) or getattr(tokens, "strip_sep_token", False):
        raise BadInput(f"{folder} reads texts in a way that is not known here. Choose another model.")
    else:
        table, pad = tokens.tokenizer.backend_tokenizer, int(tokens.tokenizer.pad_token_id or 0)
        clean = tokens.clean_fn.__name__.removeprefix("_clean_")
    text = TextTower(
        Unit(model, lambda ids, mask: model.encode_text(ids)).eval(),
        table,
        tokens.context_length,
        {"pad": pad, "padded": True, "clean": clean},
        _encoded(lambda some: model.encode_text(tokens(some))),
    )
    return photo, text


def _simple_tokenizer(own: Any) -> Any:
    """open_clip's own tokenizer, as one of the library `tokenizers`."""
    from transformers import CLIPTokenizer

    merges = sorted(own.bpe_ranks, key=own.bpe_ranks.__getitem__)
    begin, end = own.decoder[own.sot_token_id], own.decoder[own.eot_token_id]
    made = CLIPTokenizer(vocab=own.encoder, merges=merges, bos_token=begin, eos_token=end, unk_token=end, pad_token=end)
    return made.backend_tokenizer


def _transformers(folder: Path) -> tuple[PhotoTower, TextTower]:
    from transformers import AutoImageProcessor, AutoModel, AutoTokenizer

    plain = {"local_files_only": True, "trust_remote_code": False}
    model = AutoModel.from_pretrained(folder, use_safetensors=True, **plain).eval()
    images = AutoImageProcessor.from_pretrained(folder, **plain)
    tokenizer = AutoTokenizer.from_pretrained(folder, **plain)
    return _image_text(model, images, tokenizer, folder)


def _sentence_transformers(folder: Path) -> tuple[PhotoTower, TextTower]:
    """A sentence-transformers model whose only network takes pictures and texts."""
    model = _sentence_transformer(folder)
    first, *others = model
    if not hasattr(getattr(first, "model", first.auto_model), "get_image_features"):
        raise BadInput(
            f"{folder} takes texts alone. It can read texts for a photo tower in the same space: "
            f"python -m training adopt MODEL --text {folder}"
        )
    if any(type(one).__name__ != "Normalize" for one in others):
        raise BadInput(
            f"{folder} changes its vectors by {type(others[0]).__name__}, which is not exported. Choose another."
        )
    return _image_text(first.auto_model, first.processor.image_processor, first.tokenizer, folder)


def _image_text(model: nn.Module, images: Any, tokenizer: Any, folder: Path) -> tuple[PhotoTower, TextTower]:
    """The towers of a model of transformers with get_image_features and get_text_features."""
    if not hasattr(model, "get_image_features") or not hasattr(tokenizer, "backend_tokenizer"):
        raise BadInput(f"{folder} is no model of photos and texts ({type(model).__name__}). Choose another.")
    told = json.loads(images.to_json_string())
    size, view = transformers_view(told, str(folder))
    family, text = model.config.model_type, model.config.text_config
    padded = family.startswith("siglip")
    limits = [tokenizer.model_max_length, getattr(text, "max_position_embeddings", 0)]
    if "roberta" in text.model_type or family == "altclip":
        limits[1] -= 2  # its first position is the third
    limit = min(one for one in limits if 1 < one <= 4096)
    masked = not padded

    def read(ids: torch.Tensor, mask: torch.Tensor) -> Any:
        return model.get_text_features(input_ids=ids, attention_mask=mask if masked else None)

    def texts(some: list[str]) -> Any:
        form = {"padding": "max_length" if padded else True, "truncation": True, "max_length": limit}
        told = tokenizer(some, return_tensors="pt", **form)
        return read(told["input_ids"], told.get("attention_mask"))

    photo = PhotoTower(
        Unit(model, lambda pixels: model.get_image_features(pixel_values=pixels)).eval(),
        size,
        view,
        _encoded(lambda some: model.get_image_features(**images(some, return_tensors="pt"))),
    )
    form = {"pad": int(tokenizer.pad_token_id or 0), "padded": padded, "clean": "none"}
    return photo, TextTower(Unit(model, read).eval(), tokenizer.backend_tokenizer, limit, form, _encoded(texts))


def _timm(folder: Path) -> PhotoTower:
    import timm
    from timm.data import create_transform, resolve_data_config

    model = timm.create_model(f"local-dir:{folder}", pretrained=True, num_classes=0).eval()
    told = resolve_data_config(model=model)
    transform = create_transform(**told, is_training=False)
    _, height, width = told["input_size"]
    modes = {"center": "shortest", "squash": "squash"}
    if height != width or told["crop_mode"] not in modes:
        raise BadInput(f"{folder} sees pictures of {width} x {height} px ({told['crop_mode']}). Choose another model.")
    resize = modes[told["crop_mode"]]
    edge = math.floor(height / told["crop_pct"])
    if resize == "squash" and edge != height:
        raise BadInput(f"{folder} crops what it has squashed, which is not done here. Choose another model.")
    view = {
        "resize": resize,
        "edge": edge,
        "interpolation": told["interpolation"],
        "mean": list(told["mean"]),
        "std": list(told["std"]),
        "centre": "round",
        "fill": 0,
    }
    encode = _encoded(lambda some: model(torch.stack([transform(one) for one in some])))
    return PhotoTower(Unit(model, model).eval(), height, view, encode)


def _encoded(call: Callable[[list], Any]) -> Encoded:
    """A function that encodes a list, eight at a time."""

    @torch.inference_mode()
    def encode(contents: list[Image.Image] | list[str]) -> np.ndarray:
        rows = []
        for start in range(0, len(contents), 8):
            found = call(list(contents[start : start + 8]))
            found = found if isinstance(found, torch.Tensor) else found.pooler_output
            rows.append(nn.functional.normalize(found.float(), dim=-1).numpy())
        return np.concatenate(rows)

    return encode
