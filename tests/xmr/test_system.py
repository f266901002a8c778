"""Systems: encoding by modality, and scores between vectors in each space."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.conftest import DIM, add_words, pictures
from xmr import checkpoint
from xmr.index.faiss import FaissIndex
from xmr.modality import BadInput, Drawing, Modality
from xmr.preprocess import Reading

SQUARE = Drawing((np.array([[0, 0], [0, 9], [9, 9], [9, 0], [0, 0.0]]),))


def test_each_modality_has_a_method_that_takes_one_content_or_a_list(system, tmp_path):
    photos = [image for _, image, _ in pictures()]
    photos[1].save(tmp_path / "one.png")
    sketch = Image.new("L", (256, 256), 255)
    ImageDraw.Draw(sketch).rectangle((20, 80, 110, 180), outline=0, width=3)
    for encode, modality, contents in (
        (system.encode_text, Modality.TEXT, ["a red photo", "blaues"]),
        (system.encode_photo, Modality.PHOTO, [photos[0], tmp_path / "one.png", str(tmp_path / "one.png")]),
        (system.encode_sketch, Modality.SKETCH, [SQUARE, sketch]),
    ):
        found = encode(contents)
        assert found.shape == (len(contents), DIM) and found.dtype == np.float32
        np.testing.assert_array_equal(found, system.encode(modality, contents))
        np.testing.assert_array_equal(encode(tuple(contents)), found)
        np.testing.assert_allclose(encode(contents[0]), found[:1], atol=1e-6)  # one caption, not its letters
        assert encode([]).shape == (0, DIM)


@pytest.mark.parametrize("space", ["cosine", "euclidean", "hamming"])
def test_similarity_equals_a_loop_and_the_index(system, space):
    system, rng = replace(system, space=space), np.random.default_rng(0)
    a, b = rng.normal(size=(4, DIM)).astype(np.float32), rng.normal(size=(7, DIM)).astype(np.float32)
    if space == "hamming":
        a, b = np.sign(a), np.sign(b)

    def slow(one, other):
        if space == "cosine":
            return float(one @ other / (np.linalg.norm(one) * np.linalg.norm(other)))
        return -float((one != other).sum()) if space == "hamming" else -float(np.sqrt(((one - other) ** 2).sum()))

    found = system.similarity(a, b)
    np.testing.assert_allclose(found, [[slow(one, other) for other in b] for one in a], atol=1e-5)
    index = FaissIndex("flat", space, DIM)
    index.add(np.arange(len(b)), b)
    scores, rows = index.search(a, 7)
    np.testing.assert_allclose(np.take_along_axis(found, rows, axis=1), scores, atol=1e-5)
    assert system.similarity(a[:0], b).shape == (0, 7) and system.similarity(a, b[:0]).shape == (4, 0)


@pytest.mark.parametrize(
    "wrong", [np.zeros(DIM), np.zeros((2, DIM + 1)), [[0.0] * DIM], np.full((1, DIM), np.nan), None]
)
def test_what_are_no_vectors_of_the_space_has_no_similarity(system, wrong):
    for a, b in ((wrong, np.ones((1, DIM))), (np.ones((1, DIM)), wrong)):
        with pytest.raises(BadInput, match=rf"tiny's vectors must be numbers of shape \(N, {DIM}\)|must be finite"):
            system.similarity(a, b)


@pytest.fixture
def worded(checkpoint_folder, tmp_path) -> Path:
    """The tiny checkpoint with a list of words."""
    return add_words(shutil.copytree(checkpoint_folder, tmp_path / "tiny"))


def test_a_text_is_read_with_the_checkpoints_words(worded):
    found = checkpoint.load(worded).read("a redd phoot, no gren or gruenes flavour")
    assert (found.wanted, found.unwanted) == ("a red photo", ("green", "grünes flavour"))
    assert found.corrected == (("redd", "red"), ("phoot", "photo"), ("gren", "green")) and found.unknown == ("flavour",)


def test_a_system_without_words_leaves_the_spelling(system):
    assert system.encoder(Modality.TEXT).vocabulary is None
    assert system.read("redd, no blu") == Reading("redd, no blu", "redd", ("blu",))


def test_a_system_that_cannot_mix_takes_a_text_as_a_whole(system):
    for space, unwanted in (("cosine", ("blue",)), ("euclidean", ()), ("hamming", ())):
        assert replace(system, space=space).read("red, no blue").unwanted == unwanted
    assert system.read("red, no blue", negations=False).wanted == "red, no blue"


def test_a_system_that_takes_no_text_reads_none(system):
    blind = replace(system, encoders={Modality.PHOTO: system.encoders[Modality.PHOTO]})
    with pytest.raises(BadInput, match="cannot search by text"):
        blind.read("red")


def test_a_list_of_words_is_read_when_it_is_needed_and_changes_no_vector(worded, system):
    loaded = checkpoint.load(worded)
    assert loaded.weights != system.weights  # it is part of what is signed
    assert loaded.fingerprint(Modality.TEXT) == system.fingerprint(Modality.TEXT)
    (worded / "words.json").write_text("{}")
    assert loaded.encode(Modality.TEXT, ["red"]).shape == (1, DIM)
    with pytest.raises(BadInput, match=r"words\.json"):
        loaded.read("red")
    with pytest.raises(BadInput, match="was changed"):
        checkpoint.load(worded)
    checkpoint.sign(worded)  # meant, but still no list of words
    with pytest.raises(BadInput, match="is not a list of words that can be read"):
        checkpoint.load(worded).read("red")


def test_one_text_is_not_taken_letter_by_letter(system):
    alone, listed = system.encode(Modality.TEXT, "a red cup"), system.encode(Modality.TEXT, ["a red cup"])
    assert alone.shape == (1, system.dim) and (alone == listed).all()
