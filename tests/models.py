"""Tiny random image-text models, saved in the layouts in which hubs hold them, beside the libraries' own encoding."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from PIL import Image

SIDE = 48  # px of what the tiny networks take
TEXTS = [
    "a photo of a cat",
    "Two  DOGS\ton the beach!",
    "ein Auto im Schnee, ganz schön kalt",
    "x",
    "日本の写真 😀 naïve café",
    "it's the driver's car & we'll see",
    "100% sure: 3.14159",
    " ".join(f"word{n} and another" for n in range(60)),  # more tokens than any tower takes
    *(f"a {colour} {thing} number {n}" for n, (colour, thing) in enumerate([("red", "car"), ("blue", "cup")] * 21)),
]


@dataclass(frozen=True)
class Original:
    """A model as its own library runs it: pictures (PIL) and texts -> (N, dim) float32 at unit length."""

    photos: Callable[[list[Image.Image]], np.ndarray]
    texts: Callable[[list[str]], np.ndarray]


def pictures(count: int = 50) -> list[Image.Image]:
    """Smooth random pictures of all shapes, some smaller and some much larger than the networks take."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(count):
        width, height = rng.integers(40, 400, 2).tolist()
        small = rng.integers(0, 256, (height // 12 + 2, width // 12 + 2, 3), dtype=np.uint8)
        found.append(Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC))
    return found


def unit(vectors: torch.Tensor) -> np.ndarray:
    return torch.nn.functional.normalize(vectors.float(), dim=-1).numpy()


def clip_tables() -> tuple[dict[str, int], list[tuple[str, str]]]:
    """The vocabulary and the merges of CLIP's tokenizer, from the file that open_clip has with it."""
    import open_clip.tokenizer as own

    lines = gzip.decompress(Path(own.default_bpe()).read_bytes()).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    merges = [tuple(line.split()) for line in lines]
    letters = list(own.bytes_to_unicode().values())
    words = [*letters, *(f"{one}</w>" for one in letters), *map("".join, merges), "<|startoftext|>", "<|endoftext|>"]
    return {word: number for number, word in enumerate(words)}, merges


@cache
def clip_tokenizer():
    from transformers import CLIPTokenizer

    vocab, merges = clip_tables()
    return CLIPTokenizer(vocab=vocab, merges=merges, model_max_length=77)


def siglip_tokenizer(length: int = 16):
    """A little one of SigLIP's kind: pieces of words, small letters, no punctuation."""
    from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
    from transformers import PreTrainedTokenizerFast

    table = Tokenizer(models.Unigram())
    table.normalizer = normalizers.Sequence(
        [
            normalizers.Lowercase(),
            normalizers.Replace(Regex(r"[!-/:-@\[-`{-~]"), ""),  # ASCII's punctuation
            normalizers.Replace(Regex(r"\s+"), " "),
            normalizers.Strip(),
        ]
    )
    table.pre_tokenizer = pre_tokenizers.Metaspace()
    table.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>")
    table.train_from_iterator(TEXTS, trainer)
    table.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", 1)])
    return PreTrainedTokenizerFast(
        tokenizer_object=table, pad_token="</s>", eos_token="</s>", unk_token="<unk>", model_max_length=length
    )


def tiny_clip(kind: str = "CLIP", length: int = 16):
    """A CLIPModel, or a SiglipModel whose texts have that many tokens, of random weights, with its tokenizer."""
    import transformers

    torch.manual_seed(0)
    sizes = {"hidden_size": 32, "intermediate_size": 48, "num_hidden_layers": 2, "num_attention_heads": 4}
    seen = sizes | {"image_size": SIDE, "patch_size": 16}
    if kind == "CLIP":
        tokenizer = clip_tokenizer()
        read = sizes | {"vocab_size": 49408, "eos_token_id": 49407, "bos_token_id": 49406, "pad_token_id": 49407}
        config = transformers.CLIPConfig(text_config=read, vision_config=seen, projection_dim=24)
        return transformers.CLIPModel(config).eval(), tokenizer
    tokenizer = siglip_tokenizer(length)
    read = sizes | {"vocab_size": len(tokenizer), "max_position_embeddings": length, "projection_size": 32}
    config = transformers.SiglipConfig(text_config=read | {"pad_token_id": 1, "eos_token_id": 1}, vision_config=seen)
    return transformers.SiglipModel(config).eval(), tokenizer


def processor(kind: str = "CLIP"):
    import transformers

    if kind == "CLIP":
        return transformers.CLIPImageProcessor(size={"shortest_edge": SIDE}, crop_size={"height": SIDE, "width": SIDE})
    return transformers.SiglipImageProcessor(size={"height": SIDE, "width": SIDE})


def features(found) -> torch.Tensor:
    """What get_image_features and get_text_features give, in any version of transformers."""
    return found if isinstance(found, torch.Tensor) else found.pooler_output


def original_of(model, tokenizer, images, kind: str = "CLIP") -> Original:
    """A transformers model, as its library runs it."""
    form = {"padding": True} if kind == "CLIP" else {"padding": "max_length"}

    @torch.inference_mode()
    def photos(given: list[Image.Image]) -> np.ndarray:
        return unit(features(model.get_image_features(**images(given, return_tensors="pt"))))

    @torch.inference_mode()
    def texts(given: list[str]) -> np.ndarray:
        ids = tokenizer(given, truncation=True, return_tensors="pt", **form)
        taken = {"input_ids", "attention_mask"} if kind == "CLIP" else {"input_ids"}
        return unit(features(model.get_text_features(**{name: ids[name] for name in taken})))

    return Original(photos, texts)


class Seen(torch.nn.Module):
    def __init__(self, model) -> None:
        super().__init__()
        self.model = model

    def forward(self, pixel_values):
        return features(self.model.get_image_features(pixel_values=pixel_values))


class Read(torch.nn.Module):
    def __init__(self, model) -> None:
        super().__init__()
        self.model = model

    def forward(self, input_ids, attention_mask=None):
        return features(self.model.get_text_features(input_ids=input_ids, attention_mask=attention_mask))


def to_onnx(module, inputs: dict[str, torch.Tensor], path: Path, output: str, dynamic: bool = True) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    axes = {name: {0: "batch"} | ({1: "length"} if value.ndim == 2 else {}) for name, value in inputs.items()}
    torch.onnx.export(
        module.eval(),
        tuple(inputs.values()),
        str(path),
        input_names=list(inputs),
        output_names=[output],
        dynamic_axes=axes | {output: {0: "batch"}} if dynamic else None,
        opset_version=17,
        dynamo=False,
    )


def write_transformers_js(folder: Path, kind: str = "CLIP", mask: bool = True, length: int = 16) -> Original:
    """A CLIP, whose graph takes a mask or not, or a SigLIP, whose texts have that many tokens, in the layout of
    transformers.js."""
    model, tokenizer = tiny_clip(kind, length)
    images = processor(kind)
    vectors = ("image_embeds", "text_embeds") if kind == "CLIP" else ("pooler_output", "pooler_output")
    pixels, ids = torch.rand(2, 3, SIDE, SIDE), torch.ones(2, length if kind != "CLIP" else 9, dtype=torch.int64)
    ids[:, -1] = 49407 if kind == "CLIP" else 1
    to_onnx(Seen(model), {"pixel_values": pixels}, folder / "onnx/vision_model.onnx", vectors[0])
    text = {"input_ids": ids} | ({"attention_mask": torch.ones_like(ids)} if kind == "CLIP" and mask else {})
    to_onnx(Read(model), text, folder / "onnx/text_model.onnx", vectors[1])
    tokenizer.save_pretrained(folder)
    images.save_pretrained(folder)
    model.config.save_pretrained(folder)
    (folder / "README.md").write_text("---\nlicense: mit\nlanguage:\n- en\n- de\n---\n# A tiny model\n")
    return original_of(model, tokenizer, images, kind)


def tiny_open_clip(resize: str = "shortest"):
    """An open_clip model of random weights, and its transform."""
    import open_clip
    from open_clip.transform import PreprocessCfg, image_transform_v2

    torch.manual_seed(1)
    seen = {"image_size": SIDE, "layers": 2, "width": 32, "head_width": 8, "patch_size": 16}
    read = {"context_length": 77, "vocab_size": 49408, "width": 32, "heads": 4, "layers": 2}
    model = open_clip.CLIP(24, seen, read).eval()
    told = PreprocessCfg(size=SIDE, resize_mode=resize)
    return (
        model,
        {"embed_dim": 24, "vision_cfg": seen, "text_cfg": read},
        told,
        image_transform_v2(told, is_train=False),
    )


def open_clip_original(model, transform, tokenizer=None) -> Original:
    import open_clip

    tokens = tokenizer or open_clip.SimpleTokenizer()

    @torch.inference_mode()
    def photos(given: list[Image.Image]) -> np.ndarray:
        return unit(model.encode_image(torch.stack([transform(one) for one in given])))

    @torch.inference_mode()
    def texts(given: list[str]) -> np.ndarray:
        return unit(model.encode_text(tokens(given)))

    return Original(photos, texts)


def write_immich(folder: Path, resize: str = "shortest") -> Original:
    """An open_clip model as Immich's exporter writes it: one picture and one text of 77 tokens at a time."""
    from dataclasses import asdict

    model, config, told, transform = tiny_open_clip(resize)
    seen, read = torch.nn.Module(), torch.nn.Module()
    seen.model = read.model = model  # whose weights are then known to be weights
    seen.forward = lambda image: model.encode_image(image, normalize=True)
    read.forward = lambda text: model.encode_text(text, normalize=True)
    to_onnx(seen, {"image": torch.rand(1, 3, SIDE, SIDE)}, folder / "visual/model.onnx", "embedding", dynamic=False)
    ids = torch.ones(1, 77, dtype=torch.int32)
    to_onnx(read, {"text": ids}, folder / "textual/model.onnx", "embedding", dynamic=False)
    clip_tokenizer().save_pretrained(folder / "textual")
    (folder / "visual/preprocess_cfg.json").write_text(json.dumps(asdict(told)))
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "README.md").write_text("---\nlicense: mit\n---\n")
    return open_clip_original(model, transform)
