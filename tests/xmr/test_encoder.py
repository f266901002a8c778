"""Encoders: batches, what they accept, what they refuse, and several threads at once."""

from __future__ import annotations

import json
import shutil
import threading
import tracemalloc
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper, numpy_helper
from PIL import Image, ImageDraw

from tests.conftest import DIM, pictures
from xmr import checkpoint
from xmr.encoder import BATCH, Encoder, providers, text_input
from xmr.modality import BadInput, Drawing, Modality
from xmr.preprocess import Tokenizer
from xmr.system import System

SQUARE = Drawing((np.array([[0, 0], [0, 9], [9, 9], [9, 0], [0, 0.0]]),))


def test_vectors_are_unit_length_float32_whatever_the_batch(system):
    images = [image for _, image, _ in pictures()] * 7  # more than one batch
    assert len(images) > BATCH
    vectors = system.encode(Modality.PHOTO, images)
    assert vectors.shape == (len(images), DIM) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    alone = np.concatenate([system.encode(Modality.PHOTO, [image]) for image in images[:6]])
    np.testing.assert_allclose(vectors[:6], alone, atol=1e-6)


def test_captions_of_different_lengths_give_the_same_vectors_together_and_alone(system):
    texts = ["red", "ein rotes bild", "a green photo ."]
    alone = np.concatenate([system.encode(Modality.TEXT, [text]) for text in texts])
    np.testing.assert_allclose(system.encode(Modality.TEXT, texts), alone, atol=1e-6)


def test_nothing_gives_no_vectors(system):
    for modality in Modality:
        assert system.encode(modality, []).shape == (0, DIM)


def test_a_picture_may_come_as_an_image_a_path_or_bytes(system, tmp_path):
    _, image, _ = next(pictures())
    path = tmp_path / "photo.png"
    image.save(path)
    same = system.encode(Modality.PHOTO, [image, path, str(path), path.read_bytes()])
    assert (same == same[0]).all()


def test_a_sketch_may_come_as_a_drawing_or_a_picture(system):
    assert system.encode(Modality.SKETCH, [SQUARE, picture_of_a_square()]).shape == (2, DIM)


def picture_of_a_square() -> Image.Image:
    image = Image.new("RGB", (100, 100), "white")
    ImageDraw.Draw(image).rectangle((20, 20, 80, 80), outline="black", width=2)
    return image


@pytest.mark.parametrize("text", ["", "   \n"])
def test_an_empty_caption_is_refused(system, text):
    with pytest.raises(BadInput, match="The caption is empty. Describe"):
        system.encode(Modality.TEXT, [text])


@pytest.mark.parametrize("text", ["🚗🎈", "红色的汽车", "...", "xyzzy " * 2000])
def test_a_caption_without_a_known_word_is_refused_and_not_repeated_at_length(system, text):
    with pytest.raises(BadInput, match="No word of .* is known. Describe the photo in English or German") as error:
        system.encode(Modality.TEXT, [text])
    assert len(str(error.value)) < 150


def test_a_long_caption_counts_as_its_first_words(system, checkpoint_folder):
    long = "a red photo " * 1000
    assert len(long) > 10_000
    first = system.encode(Modality.TEXT, ["a red photo a red photo a red"])
    assert (system.encode(Modality.TEXT, [long]) == first).all()
    tokenizer = Tokenizer(checkpoint_folder / "tokenizer.json")
    assert text_input(tokenizer, [long], max_tokens=8).shape == (1, 8)


def test_a_session_is_opened_once_however_many_threads_ask_first(checkpoint_folder):
    config = {"file": "sketch.onnx", "size": 224}
    made = Encoder.from_config(checkpoint_folder, Modality.SKETCH, config)
    opened = []
    blank = np.full((1, 224, 224), 255, np.uint8)
    encoder = Encoder(Modality.SKETCH, lambda: opened.append(1) or made.session, lambda _: blank)
    results: list[np.ndarray] = []
    threads = [threading.Thread(target=lambda: results.append(encoder.encode([SQUARE]))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opened) == 1 and len(results) == 8


@pytest.fixture
def folder(checkpoint_folder: Path, tmp_path: Path) -> Path:
    """A copy of the tiny checkpoint that may be damaged."""
    return Path(shutil.copytree(checkpoint_folder, tmp_path / "tiny"))


def graph(
    steps: list[tuple],
    outputs: dict[str, tuple[int, list]],
    constants: dict[str, np.ndarray] | None = None,
    inputs: dict[str, tuple[int, list]] | None = None,
) -> onnx.ModelProto:
    """A graph of `steps` (op, inputs, output, attributes); inputs and outputs are (type, shape) by name. Unless given,
    its input is a photo tower's, and `ones` (N, DIM) is there to build on."""
    made = (
        [
            ("ReduceMax", ["photo"], "brightest", {"axes": [1, 2, 3], "keepdims": 0}),
            ("Shape", ["brightest"], "count", {}),
            ("Concat", ["count", "dim"], "shape", {"axis": 0}),
            ("Expand", ["one", "shape"], "ones", {}),
        ]
        if inputs is None
        else []
    )
    constants = {"one": np.array(1, np.float32), "dim": np.array([DIM])} | (constants or {})
    return helper.make_model(
        helper.make_graph(
            [helper.make_node(op, names, [output], **attributes) for op, names, output, attributes in [*made, *steps]],
            "graph",
            *(
                [helper.make_tensor_value_info(name, *what) for name, what in those.items()]
                for those in (inputs or {"photo": (TensorProto.UINT8, ["N", 224, 224, 3])}, outputs)
            ),
            [numpy_helper.from_array(array, name) for name, array in constants.items()],
        ),
        opset_imports=[helper.make_opsetid("", 17)],
        ir_version=9,
    )


FLOATS = {"vector": (TensorProto.FLOAT, ["N", DIM])}
SAME = ("Identity", ["ones"], "vector", {})


def put(folder: Path, content: onnx.ModelProto | bytes, file: str = "photo.onnx") -> System:
    """Put a graph into a checkpoint and sign it, so that only its content can be wrong."""
    (folder / file).write_bytes(content if isinstance(content, bytes) else content.SerializeToString())
    checkpoint.sign(folder)
    return checkpoint.load(folder)


def refused(system: System, message: str, content: object = None, modality: Modality = Modality.PHOTO) -> None:
    """Encoding is refused twice, each time with one sentence."""
    content = next(pictures())[1] if content is None else content
    for _ in range(2):
        with pytest.raises(BadInput, match=message) as error:
            system.encode(modality, [content])
        assert "\n" not in str(error.value) and len(str(error.value)) < 600
        assert error.value.__suppress_context__ or error.value.__context__ is None  # no traceback of another's


def test_a_graph_made_for_these_tests_is_taken(folder):
    system = put(folder, graph([SAME], FLOATS))
    assert (system.encode(Modality.PHOTO, [next(pictures())[1]] * 3) == np.ones((3, DIM))).all()


@pytest.mark.parametrize("content", [b"no graph", b"", b"\0" * 1000, b"ORTM" * 100], ids=repr)
def test_a_file_that_is_no_graph_is_refused(folder, content):
    refused(put(folder, content), r"photo\.onnx cannot be opened as an ONNX graph .* Restore the checkpoint")


@pytest.mark.parametrize("share", [0.1, 0.5, 0.9, 0.99])
def test_a_graph_that_ends_too_early_is_refused(folder, share):
    whole = (folder / "photo.onnx").read_bytes()
    refused(put(folder, whole[: int(len(whole) * share)]), r"photo\.onnx cannot be opened as an ONNX graph")


@pytest.mark.parametrize(
    ("modality", "other", "message"),
    [
        ("photo", "text", "photo encoder takes ids as .*int64.* where photo as .*uint8"),
        ("text", "photo", "text encoder takes photo as .*uint8.*, where ids as .*int64"),
        ("sketch", "photo", "sketch encoder takes photo as .*, where sketch as"),
    ],
)
def test_a_graph_of_another_modality_is_refused(folder, modality, other, message):
    content = {"photo": next(pictures())[1], "sketch": SQUARE, "text": "a red photo"}[modality]
    system = put(folder, (folder / f"{other}.onnx").read_bytes(), f"{modality}.onnx")
    refused(system, message, content, Modality(modality))


@pytest.mark.parametrize(
    ("outputs", "steps", "message"),
    [
        (
            {"vector": (TensorProto.DOUBLE, ["N", DIM])},
            [("Cast", ["ones"], "vector", {"to": TensorProto.DOUBLE})],
            "gives .*double",
        ),
        (FLOATS | {"ones": (TensorProto.FLOAT, ["N", DIM])}, [SAME], "gives .*float.*, .*float.*, where one"),
        (
            {"vector": (TensorProto.FLOAT, ["N", "D"])},
            [("Expand", ["ones", "shape"], "vector", {})],
            "of a fixed length",
        ),
        (
            {"vector": (TensorProto.FLOAT, ["N"])},
            [("ReduceMax", ["ones"], "vector", {"axes": [1], "keepdims": 0})],
            "of a fixed length",
        ),
        (
            {"vector": (TensorProto.FLOAT, ["N", 3 + DIM])},
            [("Concat", ["ones", "three"], "vector", {"axis": 1})],
            "tiny promises vectors of 19 numbers, but its photo encoder gives 22",
        ),
        (
            {"vector": (TensorProto.FLOAT, ["M", DIM])},
            [("Concat", ["ones", "ones"], "vector", {"axis": 0})],
            r"gives an array of \(2, 19\), where \(1, 19\)",
        ),
        (FLOATS, [("Log", ["zero"], "low", {}), ("Mul", ["ones", "low"], "vector", {})], "gives no finite numbers"),
        (FLOATS, [("Div", ["zero", "zero"], "none", {}), ("Mul", ["ones", "none"], "vector", {})], "no finite numbers"),
        (FLOATS, [("Gather", ["ones", "far"], "vector", {"axis": 1})], "photo encoder fails .*restore the checkpoint"),
    ],
)
def test_a_graph_that_gives_anything_but_vectors_of_the_space_is_refused(folder, outputs, steps, message):
    more = {"zero": np.zeros(1, np.float32), "three": np.ones((1, 3), np.float32), "far": np.full(DIM, 100_000)}
    refused(put(folder, graph(steps, outputs, more)), message)


def test_a_picture_that_alone_gives_no_finite_numbers_is_refused_and_the_others_are_not(folder):
    steps = [
        ("Cast", ["brightest"], "most", {"to": TensorProto.FLOAT}),
        ("Unsqueeze", ["most", "last"], "column", {}),
        ("Div", ["ones", "column"], "vector", {}),
    ]
    system = put(folder, graph(steps, FLOATS, {"last": np.array([1])}))
    refused(system, "gives no finite numbers. Try another photo", Image.new("RGB", (50, 50), "black"))
    assert system.encode(Modality.PHOTO, [Image.new("RGB", (50, 50), "white")]).shape == (1, DIM)


def test_pictures_of_another_size_than_the_graphs_are_refused(folder):
    config = json.loads((folder / "config.json").read_text())
    config["encoders"]["photo"]["size"] = 192
    checkpoint.sign(folder, config)
    refused(checkpoint.load(folder), "The graph of the photo encoder fails .*192.* restore the checkpoint")


def test_a_token_that_the_graph_has_no_row_for_is_refused(folder):
    text = (folder / "tokenizer.json").read_text().replace('"red":7', '"red":700').replace('"red": 7', '"red": 700')
    assert "700" in text
    refused(put(folder, text.encode(), "tokenizer.json"), "text encoder fails", "red", Modality.TEXT)


def test_a_trunk_of_another_kind_is_refused(folder):
    shutil.copyfile(folder / "text.onnx", folder / "trunk.onnx")
    config = json.loads((folder / "config.json").read_text())
    config["encoders"]["photo"]["trunk"] = "trunk.onnx"
    checkpoint.sign(folder, config)
    refused(checkpoint.load(folder), "photo encoder takes ids as .*, where photo as")
    shutil.copyfile(folder / "photo.onnx", folder / "trunk.onnx")  # of the right kind, but the graph takes no states
    checkpoint.sign(folder)
    refused(checkpoint.load(folder), "photo encoder takes photo as .*, where states as")


@pytest.mark.parametrize("where", ["weights.bin", "../weights.bin", "/weights.bin"])
@pytest.mark.parametrize("held", ["initializer", "attribute"])
def test_a_graph_with_weights_in_another_file_is_refused(folder, monkeypatch, where, held):
    """External data may name any file, and no hash covers it."""
    monkeypatch.chdir(folder)
    beside = {"weights.bin": folder, "../weights.bin": folder.parent, "/weights.bin": folder}[where]
    np.ones(DIM, np.float32).tofile(beside / "weights.bin")
    weights = TensorProto(name="weights", data_type=TensorProto.FLOAT, dims=[DIM], data_location=TensorProto.EXTERNAL)
    for key, value in (("location", str(folder) + where if where.startswith("/") else where), ("length", str(4 * DIM))):
        weights.external_data.add(key=key, value=value)
    model = graph([("Mul", ["ones", "weights"], "vector", {})], FLOATS)
    if held == "initializer":
        model.graph.initializer.append(weights)
    else:
        model.graph.node.insert(0, helper.make_node("Constant", [], ["weights"], value=weights))
    refused(put(folder, model), "cannot be opened as an ONNX graph that holds its own weights")


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"\xff", b"{}", b'{"version": "1.0", "model": {"type": "WordLevel", "vocab": {}}}'],
    ids=repr,
)
def test_a_tokenizer_that_cannot_be_read_is_refused(folder, content):
    refused(put(folder, content, "tokenizer.json"), r"tokenizer\.json is not a tokenizer", "red", Modality.TEXT)


def test_a_tokenizer_that_panics_is_refused(folder):
    tree = json.loads((folder / "tokenizer.json").read_text())
    tree["post_processor"] = {
        "type": "TemplateProcessing",
        "special_tokens": {},
        "pair": [{"Sequence": {"id": "A", "type_id": 0}}],
        "single": [{"SpecialToken": {"id": "nowhere", "type_id": 0}}, {"Sequence": {"id": "A", "type_id": 0}}],
    }
    system = put(folder, json.dumps(tree).encode(), "tokenizer.json")
    refused(system, r"tokenizer\.json is not a tokenizer that can be read", "red", Modality.TEXT)


@pytest.mark.slow
def test_two_hundred_graphs_and_tokenizers_with_wrong_bytes_give_vectors_or_one_sentence(folder):
    contents = {Modality.PHOTO: next(pictures())[1], Modality.SKETCH: SQUARE, Modality.TEXT: "a red photo"}
    files = ["photo.onnx", "sketch.onnx", "text.onnx", "tokenizer.json"]
    whole, used = {file: (folder / file).read_bytes() for file in files}, 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        file = files[seed % len(files)]
        wrong = bytearray(whole[file])
        for at in random.integers(len(wrong), size=random.choice([1, 3, 10])):
            wrong[at] = random.integers(256)
        modality = Modality.TEXT if file == "tokenizer.json" else Modality(file.removesuffix(".onnx"))
        try:
            vectors = put(folder, bytes(wrong), file).encode(modality, [contents[modality]])
        except BadInput as error:
            assert "\n" not in str(error) and len(str(error)) < 600, seed
        else:
            used += 1
            assert vectors.shape == (1, DIM) and np.isfinite(vectors).all(), seed
        (folder / file).write_bytes(whole[file])
    assert 0 < used < 200


@pytest.mark.parametrize("content", [None, 7, 1.5, ["red"], {"a": 1}, object(), np.zeros((3, 3)), SQUARE, b"red"])
def test_a_text_that_is_none_is_refused(system, content):
    with pytest.raises(BadInput, match="A caption must be text; .* came"):
        system.encode(Modality.TEXT, [content])


@pytest.mark.parametrize("content", [None, 7, ["red.png"], object(), np.zeros((3, 3)), SQUARE])
def test_a_photo_that_is_none_is_refused(system, content):
    with pytest.raises(BadInput, match=r"Expected a picture \(Image\), or a picture file's path or bytes; .* came"):
        system.encode(Modality.PHOTO, [content])


def test_fifty_megabytes_of_text_cost_little(system):
    long = "a red photo " * 4_500_000
    assert len(long) > 50_000_000
    tracemalloc.start()
    vectors = system.encode(Modality.TEXT, [long])
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (vectors == system.encode(Modality.TEXT, ["a red photo a red photo a red"])).all()
    assert most < 1_000_000 + len(long)  # at most one copy, where there are spaces to strip


@pytest.mark.parametrize("text", ["\ud800", "\0", "\u200f\u200e\u202e", "\ufeff", "\x1b\x07", "\u2028 \u3000"])
def test_a_text_of_marks_alone_is_empty(system, text):
    with pytest.raises(BadInput, match="The caption is empty"):
        system.encode(Modality.TEXT, [text])


@pytest.mark.parametrize(
    "text",
    [
        "\ud800red",
        "red\0",
        "\u200fred\u202c",
        "\ufeffred",
        "\x1bred",
        "red\ud800\udc00",
        "r\u00aded",
        "\u202ered\u202c",
    ],
)
def test_marks_that_only_steer_how_a_text_is_shown_count_for_nothing(system, text):
    assert (system.encode(Modality.TEXT, [text]) == system.encode(Modality.TEXT, ["red"])).all()


def test_graphs_run_on_the_cpu_unless_a_gpu_is_asked_for_and_there(monkeypatch):
    monkeypatch.delenv("XMR_DEVICE", raising=False)
    assert providers() == ["CPUExecutionProvider"]
    monkeypatch.setenv("XMR_DEVICE", "cuda")
    known = ["CPUExecutionProvider"]
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: known)
    with pytest.raises(BadInput, match="knows no GPU"):
        providers()
    known.append("CUDAExecutionProvider")
    assert providers() == ["CUDAExecutionProvider", "CPUExecutionProvider"]
    monkeypatch.setenv("XMR_DEVICE", "tpu")
    with pytest.raises(BadInput, match="Expected cpu or cuda as XMR_DEVICE, got .*tpu"):
        providers()
