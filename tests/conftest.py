"""A tiny checkpoint and gallery that mean something: vectors hold a picture's mean colour and where it is dark, so
that "red" finds red photos and a sketch finds photos that are dark in the same places."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from xmr import checkpoint
from xmr.gallery import Entry, Gallery
from xmr.modality import Modality
from xmr.system import System

GRID = 4
DIM = 3 + GRID * GRID
COLOURS = {"red": (230, 40, 40), "green": (40, 200, 60), "blue": (50, 70, 230)}
GERMAN = {"red": "rotes", "green": "grünes", "blue": "blaues"}
PLACES = {"left": (20, 110), "right": (146, 236)}  # x range of the dark square
WORDS = ["[PAD]", "[UNK]", "a", "ein", "photo", "bild", ".", *COLOURS, *GERMAN.values()]


@pytest.fixture(scope="session", autouse=True)
def no_models_of_others(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """The tests see no model that the person who runs them has adopted."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XMR_MODELS", str(tmp_path_factory.mktemp("models")))
        yield


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory):
    """A tiny random CLIP in transformers.js's layout: its folder, and how its own library encodes."""
    from tests import models

    folder = tmp_path_factory.mktemp("hub") / "tiny-clip"
    original = models.write_transformers_js(folder)
    return folder, original


@pytest.fixture
def hub(clip, tmp_path, monkeypatch):
    """A hub with the model org/tiny, an empty folder of adopted models, and an empty cache."""
    from huggingface_hub import constants

    from tests.hub import CHUNK, Hub

    found = Hub()
    monkeypatch.setattr(constants, "DOWNLOAD_CHUNK_SIZE", CHUNK)  # as the tiny files are to large ones
    found.models["org/tiny"] = clip[0]
    for name, value in (("ENDPOINT", found.address), ("HF_HUB_CACHE", str(tmp_path / "cache"))):
        monkeypatch.setattr(constants, name, value)
    monkeypatch.setattr(
        constants, "HUGGINGFACE_CO_URL_TEMPLATE", found.address + "/{repo_id}/resolve/{revision}/{filename}"
    )
    monkeypatch.setattr("huggingface_hub.hf_api.constants.ENDPOINT", found.address)
    monkeypatch.setattr("huggingface_hub.hf_api.api.endpoint", found.address)
    monkeypatch.setenv("XMR_MODELS", str(tmp_path / "models"))
    yield found
    found.close()


@pytest.fixture(scope="session")
def checkpoint_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint named "tiny" with photo, sketch and text encoders. Copy it before damaging it."""
    return write_checkpoint(tmp_path_factory.mktemp("checkpoints") / "tiny")


@pytest.fixture(scope="session")
def system(checkpoint_folder: Path) -> System:
    return checkpoint.load(checkpoint_folder)


@pytest.fixture(scope="session")
def gallery_folder(tmp_path_factory: pytest.TempPathFactory, system: System) -> Path:
    """Six photos of three categories, named after their colours, with captions and vectors of "tiny"."""
    folder = tmp_path_factory.mktemp("galleries") / "six"
    with Gallery.create(folder) as gallery:
        fill_gallery(gallery, system)
    return folder


@pytest.fixture
def gallery(gallery_folder: Path):
    with Gallery.open(gallery_folder) as gallery:
        yield gallery


@pytest.fixture
def unprivileged(tmp_path: Path) -> Iterator[None]:
    """The rest of the test is run as a user whom permissions stop."""
    if os.geteuid():
        yield
        return
    for folder in (tmp_path, *tmp_path.rglob("*")):
        os.chown(folder, 65534, 65534)
    above = [folder for folder in tmp_path.parents if folder.name.startswith("pytest-")]
    for folder in above:
        folder.chmod(0o755)
    os.seteuid(65534)
    yield
    os.seteuid(0)


@pytest.fixture
def photo_folder(tmp_path: Path) -> Path:
    """Six PNG photos, one of them in a subfolder."""
    folder = tmp_path / "my photos"
    (folder / "more").mkdir(parents=True)
    for id, image, _ in pictures():
        image.save(folder / ("more" if id == "blue-right" else "") / f"{id}.png")
    return folder


def pictures():
    """(id, image, colour) of six 256 px photos: a coloured ground with a black square on the left or right."""
    for colour, rgb in COLOURS.items():
        for place, (left, right) in PLACES.items():
            image = Image.new("RGB", (256, 256), rgb)
            ImageDraw.Draw(image).rectangle((left, 80, right, 180), fill="black")
            yield f"{colour}-{place}", image, colour


def fill_gallery(gallery: Gallery, system: System) -> None:
    entries, images = [], []
    for id, image, colour in pictures():
        captions = [("en", f"a {colour} photo"), ("de", f"ein {GERMAN[colour]} bild")]
        entries.append(Entry(id, image, {"category": colour, "place": id.partition("-")[2]}, captions))
        images.append(image)
    with gallery.batch():
        gallery.add(entries)
        ids = [entry.id for entry in entries]
        gallery.put_vectors(system, Modality.PHOTO, ids, system.encode(Modality.PHOTO, images))
    texts = gallery.texts()
    vectors = system.encode(Modality.TEXT, [text.content for text in texts])
    gallery.put_vectors(system, Modality.TEXT, [text.id for text in texts], vectors)


def add_words(folder: Path) -> Path:
    """Give the tiny checkpoint a list of words, and keep its name."""
    counts = {"en": dict.fromkeys((*COLOURS, "photo", "a"), 900), "de": dict.fromkeys(GERMAN.values(), 90)}
    words = {"counts": counts, "others": ["flavour"], "function_words": ["a"]}
    (folder / "words.json").write_text(json.dumps(words))
    config = json.loads((folder / "config.json").read_text())
    config["encoders"]["text"]["words"] = "words.json"
    checkpoint.sign(folder, config)
    return folder


SLOPES, INTERCEPTS = np.array([5.0, 7.0, 9.0], np.float32), np.array([-1.0, -2.0, -3.0], np.float32)
FLOORS = np.array([0.02, 0.1, 0.01], np.float32)
MIXING = (np.eye(DIM) + 0.1 * np.random.default_rng(0).normal(size=(DIM, DIM))).astype(np.float32)


def add_composer(folder: Path) -> Path:
    """Give a checkpoint a composer: slope[kind] * (term @ MIXING), intercept[kind] and floor[kind]; kinds: photo,
    sketch, text."""
    nodes = [
        ("Gather", ["slopes", "kinds"], "slope", {}),
        ("Unsqueeze", ["slope", "axis"], "column", {}),
        ("MatMul", ["terms", "mixing"], "mixed", {}),
        ("Mul", ["mixed", "column"], "readers", {}),
        ("Gather", ["intercepts", "kinds"], "biases", {}),
    ]
    held = {"slopes": SLOPES, "intercepts": INTERCEPTS, "mixing": MIXING, "axis": np.array([1])}
    write_composer(folder / "composer.onnx", nodes, held, ["T", DIM], ["T"])
    config = json.loads((folder / "config.json").read_text()) | {"composer": {"file": "composer.onnx"}}
    checkpoint.sign(folder, config)
    return folder


def write_composer(path: Path, steps: list, held: dict[str, np.ndarray], readers: list, biases: list) -> None:
    """A graph of steps (op, inputs, output, attributes) from "terms" and "kinds" to "readers" and "biases"; FLOORS are
    its "floors"."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper

    steps, held = [*steps, ("Gather", ["floor", "kinds"], "floors", {})], held | {"floor": FLOORS}

    graph = helper.make_graph(
        [helper.make_node(op, inputs, [output], **attributes) for op, inputs, output, attributes in steps],
        "composer",
        [
            helper.make_tensor_value_info("terms", TensorProto.FLOAT, ["T", DIM]),
            helper.make_tensor_value_info("kinds", TensorProto.INT64, ["T"]),
        ],
        [
            helper.make_tensor_value_info("readers", TensorProto.FLOAT, readers),
            helper.make_tensor_value_info("biases", TensorProto.FLOAT, biases),
            helper.make_tensor_value_info("floors", TensorProto.FLOAT, ["T"]),
        ],
        [numpy_helper.from_array(array, key) for key, array in held.items()],
    )
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), path)


def write_checkpoint(folder: Path, tilt: float = 0.0) -> Path:
    """Write the tiny checkpoint; another `tilt` gives other weights that do almost the same."""
    import onnx
    from onnx import TensorProto, helper, numpy_helper
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers

    folder.mkdir(parents=True)
    table = Tokenizer(models.WordLevel({word: id for id, word in enumerate(WORDS)}, unk_token="[UNK]"))
    table.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Lowercase()])
    table.pre_tokenizer = pre_tokenizers.Whitespace()
    table.save(str(folder / "tokenizer.json"))

    def save(name: str, kind: int, shape: list, steps: list, constants: dict[str, np.ndarray]) -> None:
        """steps: (op, inputs, output, attributes); they end in "raw", which is brought to unit length."""
        nodes = [helper.make_node(op, inputs, [output], **attributes) for op, inputs, output, attributes in steps]
        nodes += [
            helper.make_node("ReduceL2", ["raw"], ["length"], axes=[1], keepdims=1),
            helper.make_node("Add", ["length", "tiny"], ["safe"]),
            helper.make_node("Div", ["raw", "safe"], ["vector"]),
        ]
        constants = {**constants, "tiny": np.array(1e-9, np.float32)}
        graph = helper.make_graph(
            nodes,
            name,
            [helper.make_tensor_value_info(name, kind, shape)],
            [helper.make_tensor_value_info("vector", TensorProto.FLOAT, ["N", DIM])],
            [numpy_helper.from_array(array, key) for key, array in constants.items()],
        )
        model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
        onnx.save(model, folder / f"{'text' if name == 'ids' else name}.onnx")

    cell = 224 // GRID
    half = np.array(0.5 + tilt, np.float32)
    scale = np.array(255, np.float32)
    save(
        "photo",
        TensorProto.UINT8,
        ["N", 224, 224, 3],
        [
            ("Cast", ["photo"], "float", {"to": TensorProto.FLOAT}),
            ("Div", ["float", "scale"], "unit", {}),
            ("Transpose", ["unit"], "planes", {"perm": [0, 3, 1, 2]}),
            (
                "AveragePool",
                ["planes"],
                "cells",
                {"kernel_shape": [cell, cell], "strides": [cell, cell]},
            ),  # (N, 3, 4, 4)
            ("ReduceMax", ["cells"], "bright", {"axes": [2, 3], "keepdims": 0}),  # (N, 3), the ground's colour
            ("Sub", ["bright", "half"], "colour", {}),
            ("ReduceMax", ["cells"], "light", {"axes": [1], "keepdims": 0}),  # (N, 4, 4)
            ("Flatten", ["light"], "flat", {"axis": 1}),
            ("Sub", ["half", "flat"], "dark", {}),
            ("Concat", ["colour", "dark"], "raw", {"axis": 1}),
        ],
        {"scale": scale, "half": half},
    )
    save(
        "sketch",
        TensorProto.UINT8,
        ["N", 224, 224],
        [
            ("Cast", ["sketch"], "float", {"to": TensorProto.FLOAT}),
            ("Div", ["float", "scale"], "unit", {}),
            ("Unsqueeze", ["unit", "axis"], "plane", {}),
            ("AveragePool", ["plane"], "cells", {"kernel_shape": [cell, cell], "strides": [cell, cell]}),
            ("Flatten", ["cells"], "flat", {"axis": 1}),
            ("Sub", ["most", "flat"], "dark", {}),
            ("Pad", ["dark", "pads"], "raw", {}),
        ],
        {
            "scale": scale,
            "most": np.array(0.9 + tilt, np.float32),
            "axis": np.array([1]),
            "pads": np.array([0, 3, 0, 0]),
        },
    )
    embedding = np.zeros((len(WORDS), DIM), np.float32)
    for colour, rgb in COLOURS.items():
        for word in (colour, GERMAN[colour]):
            embedding[WORDS.index(word), :3] = np.array(rgb) / 255 - 0.5 + tilt
    embedding[WORDS.index("[UNK]"), 3] = 0.01
    save(
        "ids",
        TensorProto.INT64,
        ["N", "L"],
        [
            ("Gather", ["embedding", "ids"], "words", {}),  # (N, L, DIM); the row of [PAD] is zero
            ("ReduceSum", ["words", "axis"], "raw", {"keepdims": 0}),
        ],
        {"embedding": embedding, "axis": np.array([1])},
    )

    curve = {"mean": 0.1, "std": 0.2, "slope": 8.0, "intercept": -4.0}
    encoders = {
        "photo": {"file": "photo.onnx", "size": 224},
        "sketch": {"file": "sketch.onnx", "size": 224},
        "text": {"file": "text.onnx", "tokenizer": "tokenizer.json", "max_tokens": 8, "languages": ["en", "de"]},
    }
    config = {
        "name": folder.name,
        "about": "for tests",
        "space": "cosine",
        "dim": DIM,
        "encoders": encoders,
        "calibration": {f"{modality}_to_photo": curve for modality in Modality} | {"photo_to_text": curve},
    }
    checkpoint.sign(folder, config)
    return folder
