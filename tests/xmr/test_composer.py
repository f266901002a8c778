"""The learned composer: a graph that gives a reader and a bias a term, and what is no such graph."""

from __future__ import annotations

import copy
import pickle
import shutil
import threading
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from tests.conftest import DIM, FLOORS, INTERCEPTS, MIXING, SLOPES, add_composer, write_composer
from xmr import checkpoint
from xmr.composer import KINDS, CurveComposer, GraphComposer
from xmr.encoder import CheckpointFile, open_session
from xmr.modality import BadInput, Modality

PHOTO, SKETCH, TEXT = Modality.PHOTO, Modality.SKETCH, Modality.TEXT


@pytest.fixture
def folder(checkpoint_folder, tmp_path) -> Path:
    return add_composer(shutil.copytree(checkpoint_folder, tmp_path / "tiny"))


def opened(path: Path) -> GraphComposer:
    return GraphComposer(partial(open_session, CheckpointFile(path, None)))


def graph(path: Path, *steps: tuple, held=None, readers=("T", DIM), biases=("T",)) -> GraphComposer:
    write_composer(path, list(steps), held or {}, list(readers), list(biases))
    return opened(path)


def test_each_term_is_read_by_its_kind(folder):
    assert KINDS == (PHOTO, SKETCH, TEXT)  # a graph that was exported relies on it
    terms = np.random.default_rng(0).normal(size=(4, DIM)).astype(np.float32)
    kinds = [TEXT, PHOTO, TEXT, SKETCH]
    readers, biases, floors = checkpoint.load(folder).composer(terms, kinds)
    for n, number in enumerate((2, 0, 2, 1)):
        np.testing.assert_allclose(readers[n], SLOPES[number] * (terms[n] @ MIXING), rtol=1e-4, atol=1e-4)
        assert (biases[n], floors[n]) == (INTERCEPTS[number], FLOORS[number])


def test_a_system_without_a_composer_has_none_and_its_weights_are_others(folder, system):
    assert system.composer is None and checkpoint.load(folder).weights != system.weights
    assert checkpoint.load(folder).fingerprint(PHOTO) == system.fingerprint(PHOTO)  # its vectors are the same


def test_a_graph_that_was_exchanged_is_refused(folder):
    content = (folder / "composer.onnx").read_bytes()
    loaded = checkpoint.load(folder)
    (folder / "composer.onnx").write_bytes(content[:-1] + b"x")
    with pytest.raises(BadInput, match="composer.onnx"):
        loaded.composer(np.ones((1, DIM), np.float32), [TEXT])
    with pytest.raises(BadInput, match="was changed"):
        checkpoint.load(folder)
    (folder / "composer.onnx").unlink()
    with pytest.raises(BadInput, match="composer.onnx is missing"):
        checkpoint.load(folder)


ROW = {"row": np.zeros(DIM, np.float32), "axes": np.array([1])}
BIAS = ("ReduceSum", ["terms", "axes"], "biases", {"keepdims": 0})


@pytest.mark.parametrize(
    ("steps", "shapes", "message"),
    [
        ([("Identity", ["row"], "readers", {}), BIAS], ([DIM], ["T"]), "one reader a term"),
        ([("Transpose", ["terms"], "readers", {}), BIAS], ([DIM, "T"], ["T"]), "one reader a term"),
        (
            [("Identity", ["terms"], "readers", {}), ("Identity", ["row"], "biases", {})],
            (["T", DIM], [DIM]),
            "one reader a term",
        ),
        (
            [("Log", ["gone"], "readers", {}), ("Mul", ["terms", "zero"], "gone", {}), BIAS],
            (["T", DIM], ["T"]),
            "no finite numbers",
        ),
        (
            [("Identity", ["terms"], "readers", {}), ("Log", ["gone"], "biases", {}), BIAS[:2] + ("sum", BIAS[3])]
            + [("Mul", ["sum", "zero"], "gone", {})],
            (["T", DIM], ["T"]),
            "no finite numbers",
        ),
        (
            [("Reshape", ["terms", "seven"], "readers", {}), BIAS],
            (["T", DIM], ["T"]),
            r"The composer fails \(.*Restore the checkpoint",
        ),
    ],
)
def test_a_graph_that_gives_anything_else_is_refused(tmp_path, steps, shapes, message):
    held = ROW | {"zero": np.zeros(1, np.float32), "seven": np.array([7, -1])}
    order = {"gone": 1, "sum": 0}  # a graph's nodes come in the order in which they are run
    steps = sorted(steps, key=lambda step: order.get(step[2], 2))
    composer = graph(tmp_path / "composer.onnx", *steps, held=held, readers=shapes[0], biases=shapes[1])
    with pytest.raises(BadInput, match=message):
        composer(np.ones((2, DIM), np.float32), [TEXT, TEXT])


def test_a_file_that_is_no_graph_and_terms_of_another_length_are_refused(folder, tmp_path):
    (tmp_path / "no.onnx").write_bytes(b"no graph")
    with pytest.raises(BadInput):
        opened(tmp_path / "no.onnx")(np.ones((1, DIM), np.float32), [TEXT])
    with pytest.raises(BadInput, match="The composer fails"):
        opened(folder / "composer.onnx")(np.ones((1, DIM + 1), np.float32), [TEXT])
    with pytest.raises(BadInput, match="photos, sketches and texts; 'sound' came"):
        opened(folder / "composer.onnx")(np.ones((1, DIM), np.float32), ["sound"])


def test_many_threads_open_the_graph_once(folder):
    opens, found = [], []

    def slowly():
        opens.append(1)
        return open_session(CheckpointFile(folder / "composer.onnx", None))

    composer = GraphComposer(slowly)
    terms = np.ones((1, DIM), np.float32)
    threads = [threading.Thread(target=lambda: found.append(composer(terms, [TEXT])[1][0])) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(opens) == 1 and found == [INTERCEPTS[2]] * 8


def test_a_composer_of_curves_reads_each_term_by_its_curve_in_another_process_too():
    curves = {"text_to_photo": {"slope": 2.0, "intercept": -1.0}, "sketch_to_photo": {"slope": 3.0, "intercept": 0.5}}
    composer = CurveComposer(curves, {TEXT: 0.1, SKETCH: 0.2, PHOTO: 0.0})
    terms = np.eye(2, DIM, dtype=np.float32)
    for one in (composer, copy.deepcopy(composer), pickle.loads(pickle.dumps(composer))):
        readers, biases, floors = one(terms, [SKETCH, TEXT])
        assert (readers == np.array([[3], [2]], np.float32) * terms).all()
        assert biases.tolist() == [0.5, -1] and floors == pytest.approx([0.2, 0.1])
        with pytest.raises(BadInput, match="how 'photo' mixes here"):
            one(terms, [PHOTO, TEXT])
