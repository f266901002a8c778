"""An ONNX graph with its preprocessing: a list of photos, sketches or captions in, vectors out."""

from __future__ import annotations

import hashlib
import io
import os
import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from xmr.modality import BadInput, Drawing, Modality, UnknownText, check_text, shown
from xmr.preprocess import (
    AdoptedTokenizer,
    TextForm,
    Tokenizer,
    View,
    Vocabulary,
    clean_text,
    drawn_view,
    open_picture,
    open_sketch,
    photo_input,
    sketch_input,
    view_input,
)

if TYPE_CHECKING:
    import onnxruntime

BATCH = 32
THREADS = 2
_INPUT = {Modality.PHOTO: "photo", Modality.SKETCH: "sketch", Modality.TEXT: "ids"}
_DETAIL = 4  # times the size that an adopted tower takes: larger photos are decoded at that size at least
_STORED = {"photo": "tensor(uint8)", "sketch": "tensor(uint8)", "ids": "tensor(int64)", "states": "tensor(float)"}


class BadGraph(BadInput):
    """A checkpoint's file is no graph that can be opened; `why` is what ONNX Runtime says of it."""

    def __init__(self, path: Path, why: str) -> None:
        super().__init__(
            f"{path} cannot be opened as an ONNX graph that holds its own weights ({why}). "
            "Restore the checkpoint, or publish it again."
        )
        self.why = why


@dataclass(frozen=True)
class Wiring:
    """The names and numbers of an adopted graph.

    Attributes:
        inputs: "picture", "ids", "mask" (1 where a token is one of the text) and "types" (zeros), as far as it takes
            them -> what the graph calls them.
        output: which of its outputs is the vectors.
        dim: their length. They are brought to unit length here.
    """

    inputs: Mapping[str, str]
    output: str
    dim: int


class Encoder:
    """One modality's encoder. The graph is read from disk when it is first needed; any thread may call encode.

    modality: what it takes.
    open_session: gives the ONNX Runtime session.
    prepare: a list of contents -> the graph's input, an array whose first axis is the list; BadInput for a content
        that cannot be used.
    open_trunk: gives the session of a graph that several encoders share, whose "states" the graph takes: of a caption
        besides its ids, of a picture in its place.
    batch: how many contents it takes at a time.
    open_vocabulary: gives the words that typed texts are held against.
    open_cells: gives the session of the graph with its second output, "cells", of a photo encoder that has one.
    wiring: of a graph that was adopted; None for one of our own.
    """

    def __init__(
        self,
        modality: Modality,
        open_session: Callable[[], onnxruntime.InferenceSession],
        prepare: Callable[[Sequence[Any]], np.ndarray],
        open_trunk: Callable[[], onnxruntime.InferenceSession] | None = None,
        batch: int = BATCH,
        open_vocabulary: Callable[[], Vocabulary] | None = None,
        open_cells: Callable[[], onnxruntime.InferenceSession] | None = None,
        wiring: Wiring | None = None,
    ) -> None:
        self.modality = modality
        self._open_cells = open_cells
        self._wiring, self._used = wiring, time.monotonic()
        self._open_adapter: Callable[[], np.ndarray] | None = None
        self._open_vocabulary = open_vocabulary
        self._open_session, self._open_trunk = open_session, open_trunk
        self.prepare, self.batch = prepare, batch
        self._opening = threading.Lock()
        if wiring:
            _adopted.add(self)

    def __reduce__(self) -> tuple:
        """What another process needs to open it anew: what is open, and the lock, stay with this one."""
        opens = self._open_session, self.prepare, self._open_trunk, self.batch, self._open_vocabulary, self._open_cells
        return Encoder, (self.modality, *opens, self._wiring), {"_open_adapter": self._open_adapter}

    @classmethod
    def from_config(
        cls, folder: Path, modality: Modality, config: Mapping[str, Any], hashes: Mapping[str, str] | None = None
    ) -> Encoder:
        """The encoder that a checkpoint's config.json describes; `config` is its part of "encoders".

        hashes: the sha256 (hex) of files by their names in `config`, where they are known. A file that is another by
            the time it is needed is refused.
        """
        files = {
            key: CheckpointFile((folder / config[key]).resolve(), (hashes or {}).get(config[key]))
            for key in ("file", "trunk", "tokenizer", "words", "adapter")
            if key in config
        }
        prepare: Callable[[Sequence[Any]], np.ndarray]
        if "graph" in config:
            return cls._adopted(modality, config, files)
        if modality is Modality.TEXT:
            prepare = _Captions(files["tokenizer"], config["max_tokens"])
        elif modality is Modality.PHOTO:
            opened = partial(open_picture, at_least=config["size"])
            prepare = partial(_pictures, opened, photo_input, config["size"], (Image.Image,))
        else:
            prepare = partial(_pictures, open_sketch, sketch_input, config["size"], (Image.Image, Drawing))
        trunk = partial(_open_trunk, files["trunk"]) if "trunk" in files else None
        words = partial(_read_words, files["words"]) if "words" in files else None
        cells = None
        if "cells" in config:
            piece = CheckpointFile((folder / config["cells"]["file"]).resolve(), config["cells"]["sha256"])
            cells = partial(open_session, files["file"], piece)
        opened_graph = partial(open_session, files["file"])
        return cls(modality, opened_graph, prepare, trunk, config.get("batch", BATCH), words, cells)

    @classmethod
    def _adopted(cls, modality: Modality, config: Mapping[str, Any], files: Mapping[str, CheckpointFile]) -> Encoder:
        """The encoder of an adopted model, by its part of config.json and its files."""
        names = {key: name for key, name in config["graph"].items() if key not in ("output", "dim")}
        wiring = Wiring(names, config["graph"]["output"], config["graph"]["dim"])
        prepare: Callable[[Sequence[Any]], np.ndarray]
        if modality is Modality.TEXT:
            prepare = _AdoptedCaptions(files["tokenizer"], TextForm(config["max_tokens"], **config["form"]))
        else:
            view = View(config["size"], **config["view"])
            if modality is Modality.PHOTO:
                opened = partial(open_picture, at_least=_DETAIL * view.size)
                prepare = partial(_pictures, opened, view_input, view, (Image.Image,))
            else:
                prepare = partial(_pictures, open_sketch, drawn_view, view, (Image.Image, Drawing))
        opened_session = partial(_open_shared, files["file"])
        made = cls(modality, opened_session, prepare, batch=config.get("batch", BATCH), wiring=wiring)
        if "adapter" in files:
            made._open_adapter = partial(_read_adapter, files["adapter"], wiring.dim)
        return made

    def encode(self, contents: Sequence[Any]) -> np.ndarray:
        """(N, dim) float32 vectors, unit length in a cosine space, in batches.

        contents: PIL images or picture files (paths or bytes) for photos and sketches, Drawings for sketches, str for
            text.

        Raises:
            BadInput: a content that cannot be used, or a graph that isn't what the checkpoint says.
        """
        starts = range(0, len(contents), self.batch)
        if not starts:
            return np.zeros((0, self._width(self.session)), np.float32)
        return np.concatenate([self.run(self.prepare(contents[start : start + self.batch])) for start in starts])

    def run(self, prepared: np.ndarray) -> np.ndarray:
        """The network alone: (N, dim) float32 vectors of what `prepare` gave. BadInput if the graph fails, or gives
        anything else."""
        session, given = self.session, {_INPUT[self.modality]: prepared}
        try:
            if self._open_trunk:
                states = self._open_trunk().run(None, given)[0]
                given = {"states": states} | (given if self.modality is Modality.TEXT else {})
            vectors = run_wired(session, self._wiring, prepared) if self._wiring else session.run(None, given)[0]
        except Exception as error:  # ONNX Runtime's own exceptions derive from nothing narrower
            raise self._wrong(f"fails ({_one_line(error)})") from None
        if self._open_adapter and vectors.ndim == 2:
            vectors = adapted(vectors, self._adapter)
        wanted = (len(prepared), self._width(session))
        if vectors.shape != wanted:
            raise self._wrong(f"gives an array of {vectors.shape}, where {wanted} was expected")
        if not np.isfinite(vectors).all():
            raise self._wrong(f"gives no finite numbers. Try another {self.modality}; if that doesn't help")
        return vectors

    def cells(self, content: Any) -> np.ndarray:
        """What each cell of a photo adds to its vector: (rows, columns, dim) float32. Their sum is the vector but for a
        bias that is the same for nearly all photos.

        Raises:
            BadInput: a content that cannot be used, or an encoder whose vectors cannot be split so.
        """
        if self._open_cells is None:
            raise BadInput("This system cannot tell which parts of a photo count. Choose another system, such as tri.")
        try:
            return self._cells_session.run(["cells"], {_INPUT[self.modality]: self.prepare([content])})[0][0]
        except BadInput:
            raise
        except Exception as error:  # ONNX Runtime's own exceptions derive from nothing narrower
            raise self._wrong(f"cannot be explained ({_one_line(error)})") from None

    @cached_property
    def _cells_session(self) -> onnxruntime.InferenceSession:
        assert self._open_cells is not None
        return self._open_cells()

    def _width(self, session: onnxruntime.InferenceSession) -> int:
        return self._wiring.dim if self._wiring else session.get_outputs()[0].shape[1]

    @cached_property
    def vocabulary(self) -> Vocabulary | None:
        """The words that typed texts are held against; None where the checkpoint has none, and their spelling stays.
        BadInput if its file cannot be used."""
        return None if self._open_vocabulary is None else self._open_vocabulary()

    @cached_property
    def _adapter(self) -> np.ndarray:
        """The affine map, (dim + 1, dim), a matrix above a vector, that brings an adopted photo tower's vectors of
        drawings nearer to those of photos."""
        assert self._open_adapter is not None
        return self._open_adapter()

    @property
    def session(self) -> onnxruntime.InferenceSession:
        """The graph's session, opened by whoever asks first; BadInput if it isn't what the checkpoint says."""
        with self._opening:
            self._used = time.monotonic()
            return self._session

    @property
    def loaded(self) -> bool:
        """Whether the graph is in memory."""
        return "_session" in self.__dict__

    def release(self, unused: float = 0.0) -> bool:
        """Let go of the graph if nobody has used it for that many seconds; whoever asks next reads it again. Whether
        there was one to let go of."""
        with self._opening:
            if not self.loaded or time.monotonic() - self._used < unused:
                return False
            del self.__dict__["_session"]
            return True

    @cached_property
    def _session(self) -> onnxruntime.InferenceSession:
        taken = {_INPUT[self.modality]}
        if self._open_trunk:  # now, so that the first query waits for neither
            self._check(self._open_trunk(), taken)
            taken = {"states"} | (taken if self.modality is Modality.TEXT else set())
        session = self._open_session()
        if self._wiring:
            self._check_wiring(session, self._wiring)
            return session
        self._check(session, taken)
        shape = session.get_outputs()[0].shape
        if len(shape) != 2 or not isinstance(shape[1], int):
            raise self._wrong(f"gives arrays of {shape}, where vectors of a fixed length were expected")
        return session

    def _check(self, session: onnxruntime.InferenceSession, taken: set[str]) -> None:
        """Raise BadInput if a graph takes anything else than the inputs of these names, or gives more than floats."""
        wanted = {name: _STORED[name] for name in taken}
        found = {one.name: one.type for one in session.get_inputs()}
        if found != wanted:
            raise self._wrong(f"takes {_listed(found)}, where {_listed(wanted)} was expected")
        given = [one.type for one in session.get_outputs()]
        if given != [_STORED["states"]]:
            raise self._wrong(f"gives {', '.join(given)}, where one {_STORED['states']} was expected")

    def _check_wiring(self, session: onnxruntime.InferenceSession, wiring: Wiring) -> None:
        """Raise BadInput if an adopted graph takes or gives anything else than its checkpoint says."""
        found, wanted = {one.name for one in session.get_inputs()}, set(wiring.inputs.values())
        if found != wanted:
            raise self._wrong(f"takes {', '.join(sorted(found))}, where {', '.join(sorted(wanted))} was expected")
        if wiring.output not in {one.name for one in session.get_outputs()}:
            raise self._wrong(f"gives no {wiring.output}")

    def _wrong(self, what: str) -> BadInput:
        way = "adopt another variant of the model" if self._wiring else "restore the checkpoint, or publish it again"
        return BadInput(f"The graph of the {self.modality} encoder {what}: {way}.")


def text_input(tokenizer: Tokenizer, texts: Sequence[str], max_tokens: int) -> np.ndarray:
    """Captions as the text tower takes them: (N, L) int64 token ids. Of a longer one, the first max_tokens tokens of
    the first 2,000 characters count.

    Raises:
        UnknownText: an empty caption, or one without a single known word, such as emoji or a language never learnt.
        BadInput: one that is no text.
    """
    for text in texts:
        check_text(text)
        cleaned = clean_text(text)
        if not cleaned:
            raise UnknownText("The caption is empty. Describe the photo in a few words, such as: a red car.")
        if not tokenizer.known(cleaned):
            beginning = cleaned if len(cleaned) <= 40 else cleaned[:40] + "…"
            told = f"No word of “{beginning}” is known. Describe the photo in English or German words."
            raise UnknownText(told, beginning)
    return tokenizer.encode(texts, max_tokens)


@dataclass(frozen=True)
class CheckpointFile:
    """A file of a checkpoint, and the sha256 (hex) that it must have; None for any."""

    path: Path
    sha256: str | None

    def read(self) -> bytes:
        try:
            content = self.path.read_bytes()
        except OSError as error:
            raise BadInput(f"{self.path} cannot be read: {error.strerror}. Restore the checkpoint.") from None
        if self.sha256 is not None and hashlib.sha256(content).hexdigest() != self.sha256:
            raise BadInput(f"{self.path} was changed after the checkpoint was loaded. Load it again.")
        return content


class _Captions:
    """text_input with a tokenizer that is read when it is first needed."""

    def __init__(self, file: CheckpointFile, max_tokens: int) -> None:
        self._file, self._max_tokens = file, max_tokens

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        return text_input(self._tokenizer, texts, self._max_tokens)

    @cached_property
    def _tokenizer(self) -> Tokenizer:
        return Tokenizer(self._file.path, self._file.read())


class _AdoptedCaptions:
    """An adopted model's tokenizer, which is read when it is first needed."""

    def __init__(self, file: CheckpointFile, form: TextForm) -> None:
        self._file, self._form = file, form

    def __call__(self, texts: Sequence[str]) -> np.ndarray:
        return self._tokenizer(texts)

    @cached_property
    def _tokenizer(self) -> AdoptedTokenizer:
        return AdoptedTokenizer(self._file.path, self._file.read(), self._form)


_NUMBERS = {
    "tensor(float)": np.float32,
    "tensor(float16)": np.float16,
    "tensor(int64)": np.int64,
    "tensor(int32)": np.int32,
}


def run_wired(session: onnxruntime.InferenceSession, wiring: Wiring, prepared: np.ndarray) -> np.ndarray:
    """An adopted graph's vectors at unit length, (N, dim) float32.

    prepared: pictures (N, 3, size, size), or ids and mask (N, 2, L).
    """
    if "picture" in wiring.inputs:
        values = {"picture": prepared}
    else:
        ids, mask = prepared[:, 0], prepared[:, 1]
        values = {"ids": ids, "mask": mask, "types": np.zeros_like(ids)}
    kinds = {one.name: _NUMBERS[one.type] for one in session.get_inputs()}
    given = {name: values[key].astype(kinds[name], copy=False) for key, name in wiring.inputs.items()}
    vectors = session.run([wiring.output], given)[0].astype(np.float32)
    return vectors / np.maximum(np.linalg.norm(vectors, axis=-1, keepdims=True), 1e-12)


def _pictures(
    opened: Callable[..., Any],
    to_array: Callable[..., np.ndarray],
    size: Any,
    kinds: tuple[type, ...],
    contents: Sequence[Any],
) -> np.ndarray:
    """to_array of every picture, which takes it and `size`; `opened` opens picture files, `kinds` are what it takes
    besides them."""
    arrays = []
    for one in contents:
        if isinstance(one, (str, Path, bytes)):
            one = opened(one)
        elif not isinstance(one, kinds):
            wanted = " or ".join(kind.__name__ for kind in kinds)
            mend = " Make a picture of it: PIL.Image.fromarray(pixels)." if isinstance(one, np.ndarray) else ""
            raise BadInput(
                f"Expected a picture ({wanted}), or a picture file's path or bytes; {shown(one)} came.{mend}"
            )
        arrays.append(to_array(one, size))
    return np.stack(arrays)


def adapted(vectors: np.ndarray, adapter: np.ndarray) -> np.ndarray:
    """Vectors of drawings (N, dim) by an adapter (dim + 1, dim), a matrix above what is added, at length 1."""
    moved = vectors @ adapter[:-1] + adapter[-1]
    return moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-12)


def _read_adapter(file: CheckpointFile, dim: int) -> np.ndarray:
    try:
        found = np.load(io.BytesIO(file.read()), allow_pickle=False)
    except ValueError as error:
        raise BadInput(f"{file.path} is no array that can be read ({error}). Restore the checkpoint.") from None
    if not isinstance(found, np.ndarray) or found.dtype != np.float32 or found.shape != (dim + 1, dim):
        raise BadInput(
            f"{file.path} is no array of {dim + 1} x {dim} numbers (float32). Restore the checkpoint, or adopt the "
            "model anew with --fit-sketch."
        )
    return found


def _read_words(file: CheckpointFile) -> Vocabulary:
    return Vocabulary.from_json(file.read(), file.path)


_adopted: weakref.WeakSet[Encoder] = weakref.WeakSet()


def release_unused(seconds: float) -> int:
    """Let go of the graphs of adopted models that nobody has used for so long; how many encoders had one."""
    return sum(encoder.release(seconds) for encoder in list(_adopted))


_shared: weakref.WeakValueDictionary[CheckpointFile, onnxruntime.InferenceSession] = weakref.WeakValueDictionary()
_grown: weakref.WeakKeyDictionary[onnxruntime.InferenceSession, float] = weakref.WeakKeyDictionary()
_sharing = threading.Lock()


def _open_shared(file: CheckpointFile) -> onnxruntime.InferenceSession:
    """The session of a graph that photos and drawings share, in memory as long as one of their encoders holds it."""
    with _sharing:
        if (session := _shared.get(file)) is None:
            before = resident()
            session = _shared[file] = open_session(file)
            _grown[session] = max(resident() - before, 0.0)
        return session


def resident() -> float:
    """The memory that this process takes, in MB; 0 on systems without /proc."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[1]
    except OSError:
        return 0.0
    return int(pages) * os.sysconf("SC_PAGE_SIZE") / 1e6


def memory_of(encoders: Iterable[Encoder]) -> float:
    """By how many MB the process grew when it opened those graphs of adopted models that these encoders hold now, a
    graph that they share once; 0 where that is not known. What it did meanwhile besides is in the figure."""
    held = {session for encoder in encoders if (session := encoder.__dict__.get("_session")) is not None}
    return sum(_grown.get(session, 0.0) for session in held)


@lru_cache(maxsize=4)  # one copy in memory, however many systems share it
def _open_trunk(file: CheckpointFile) -> onnxruntime.InferenceSession:
    return open_session(file)


def providers() -> list[str]:
    """What ONNX Runtime computes graphs with, its fastest first: the CPU, or, where XMR_DEVICE is cuda, the GPU.

    Raises:
        BadInput: XMR_DEVICE is something else, or this ONNX Runtime knows no GPU.
    """
    import onnxruntime

    cpu, device = "CPUExecutionProvider", os.environ.get("XMR_DEVICE", "cpu")
    if device == "cpu":
        return [cpu]
    if device != "cuda":
        raise BadInput(f"Expected cpu or cuda as XMR_DEVICE, got {shown(device)}.")
    if "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
        raise BadInput("This ONNX Runtime knows no GPU. Install onnxruntime-gpu in its place, or take the CPU.")
    return ["CUDAExecutionProvider", cpu]


def open_session(file: CheckpointFile, *pieces: CheckpointFile) -> onnxruntime.InferenceSession:
    """The session of a graph, to which pieces may be appended: Protocol Buffers merge messages that follow one another.

    Raises:
        BadInput: a file that cannot be read or was changed; a BadGraph where it is no graph that holds its own weights.
    """
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = THREADS
    options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False  # the arena keeps the memory of the largest batch ever run
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")  # idle threads sleep instead of burning
    # A graph may keep its weights in other files, which no hash covers. They are looked for below the graph itself,
    # where no file can lie.
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(file.path))
    options.add_session_config_entry("session.load_model_format", "ONNX")  # never guessed by the first bytes
    options.log_severity_level = 4  # what fails is said by the exception
    try:
        session = onnxruntime.InferenceSession(
            b"".join(part.read() for part in (file, *pieces)),
            options,
            providers=providers(),
            enable_fallback=0,
        )
    except BadInput:
        raise
    except Exception as error:  # ONNX Runtime's own exceptions derive from nothing narrower
        raise BadGraph(file.path, _one_line(error)) from None
    session._model_bytes = None  # it would hold the whole file for a fallback that there is not
    return session


def _listed(arrays: Mapping[str, str]) -> str:
    return ", ".join(f"{name} as {kind}" for name, kind in sorted(arrays.items())) or "nothing"


def _one_line(error: Exception) -> str:
    """The beginning of an error's message."""
    said = " ".join(str(error).split())
    return said if len(said) <= 200 else said[:200] + "…"
