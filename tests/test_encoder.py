"""Encoders: batches, what they accept, what they refuse, and several threads at once."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.conftest import DIM, pictures
from xmr.encoder import BATCH, Encoder, text_input
from xmr.modality import BadInput, Drawing, Modality
from xmr.preprocess import Tokenizer

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


def test_a_file_that_is_no_graph_is_refused(tmp_path):
    (tmp_path / "photo.onnx").write_bytes(b"no graph")
    encoder = Encoder.from_config(tmp_path, Modality.PHOTO, {"file": "photo.onnx", "size": 224})
    with pytest.raises(BadInput, match=r"photo\.onnx cannot be opened"):
        encoder.encode([next(pictures())[1]])
