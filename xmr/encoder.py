"""An ONNX graph with its preprocessing: a list of photos, sketches or captions in, vectors out."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from xmr.modality import BadInput, Modality
from xmr.preprocess import Tokenizer, open_picture, photo_input, sketch_input

if TYPE_CHECKING:
    import onnxruntime

BATCH = 32
_INPUT = {Modality.PHOTO: "photo", Modality.SKETCH: "sketch", Modality.TEXT: "ids"}


class Encoder:
    """One modality's encoder. The graph is read from disk when it is first needed; any thread may call encode.

    modality: what it takes.
    open_session: gives the ONNX Runtime session.
    prepare: a list of contents -> the graph's input, an array whose first axis is the list; BadInput for a content
        that cannot be used.
    open_trunk: gives the session of a graph that several encoders share, whose "states" the graph takes: of a caption
        besides its ids, of a picture in its place.
    batch: how many contents it takes at a time.
    """

    def __init__(
        self,
        modality: Modality,
        open_session: Callable[[], onnxruntime.InferenceSession],
        prepare: Callable[[Sequence[Any]], np.ndarray],
        open_trunk: Callable[[], onnxruntime.InferenceSession] | None = None,
        batch: int = BATCH,
    ) -> None:
        self.modality = modality
        self._open_session, self._open_trunk = open_session, open_trunk
        self.prepare, self.batch = prepare, batch
        self._opening = threading.Lock()

    @classmethod
    def from_config(cls, folder: Path, modality: Modality, config: dict[str, Any], threads: int = 2) -> Encoder:
        """The encoder that a checkpoint's config.json describes; `config` is its part of "encoders"."""
        if modality is Modality.TEXT:
            prepare = _Captions(folder / config["tokenizer"], int(config["max_tokens"]))
        else:
            to_array = photo_input if modality is Modality.PHOTO else sketch_input
            prepare = partial(_pictures, to_array=to_array, size=int(config["size"]))
        trunk = partial(_open_trunk, (folder / config["trunk"]).resolve(), threads) if "trunk" in config else None
        opened = partial(_open_session, folder / config["file"], threads)
        return cls(modality, opened, prepare, trunk, int(config.get("batch", BATCH)))

    def encode(self, contents: Sequence[Any]) -> np.ndarray:
        """(N, dim) float32 vectors, unit length in a cosine space, in batches.

        contents: PIL images or picture files (paths or bytes) for photos and sketches, Drawings for sketches, str for
            text. BadInput for one that cannot be used.
        """
        starts = range(0, len(contents), self.batch)
        if not starts:
            return np.zeros((0, self.session.get_outputs()[0].shape[-1]), np.float32)
        return np.concatenate([self.run(self.prepare(contents[start : start + self.batch])) for start in starts])

    def run(self, prepared: np.ndarray) -> np.ndarray:
        """The network alone: (N, dim) float32 vectors of what `prepare` gave."""
        given = {_INPUT[self.modality]: prepared}
        if self._open_trunk:
            states = self._open_trunk().run(None, given)[0]
            given = {"states": states} | (given if self.modality is Modality.TEXT else {})
        return self.session.run(None, given)[0]

    @property
    def session(self) -> onnxruntime.InferenceSession:
        with self._opening:
            return self._session

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        if self._open_trunk:
            self._open_trunk()  # so that the first query waits for neither
        return self._open_session()


def text_input(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> np.ndarray:
    """Captions as the text tower takes them: (N, L) int64 token ids. What is longer than max_tokens is cut off.

    Raises:
        BadInput: an empty caption, or one without a single known word, such as emoji or a language never learnt.
    """
    for text in texts:
        if not text.strip():
            raise BadInput("The caption is empty. Describe the photo in a few words, such as: a red car.")
        if not tokenizer.known(text):
            shown = text if len(text) <= 40 else text[:40] + "…"
            raise BadInput(f"No word of “{shown}” is known. Describe the photo in English or German words.")
    return tokenizer.encode(texts, max_tokens)


class _Captions:
    """text_input with a tokenizer that is read when it is first needed."""

    def __init__(self, path: Path, max_tokens: int) -> None:
        self._path, self._max_tokens = path, max_tokens

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        return text_input(self._tokenizer, texts, self._max_tokens)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._path)


def _pictures(contents: Sequence[Any], to_array: Callable[..., np.ndarray], size: int) -> np.ndarray:
    return np.stack([
        to_array(open_picture(one, at_least=size) if isinstance(one, (str, Path, bytes)) else one, size)
        for one in contents
    ])  # fmt: skip


@lru_cache(maxsize=4)  # one copy in memory, however many systems share it
def _open_trunk(path: Path, threads: int) -> onnxruntime.InferenceSession:
    return _open_session(path, threads)


def _open_session(path: Path, threads: int) -> onnxruntime.InferenceSession:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena keeps the memory of the largest batch ever run
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads sleep instead of burning
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # ONNX Runtime's own exceptions derive from nothing narrower
        raise BadInput(f"{path} cannot be opened as an ONNX graph ({error}). Restore the checkpoint.") from None
