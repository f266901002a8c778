"""Pictures of a data set as arrays, fast: JPEGs decoded at reduced size, in worker processes, from a pack if wanted.

A picture that can't be decoded is left out and listed, and the pass goes on.
"""

import io
import json
import multiprocessing
import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from pathlib import Path

import numpy as np

from training.datasets import picture
from training.datasets.reading import Skips
from xmr.modality import BadInput, Item, Modality
from xmr.preprocess import open_picture, photo_input, sketch_input

BATCH = 64
AHEAD = 3  # batches a worker is given beyond the one that is waited for
SPARE = 1.25  # how much larger than needed a packed photo is kept, so that it may be cropped
QUALITY = 92
JPEG = b"\xff\xd8"
TAIL = 8  # bytes, the end of a pack


def decode(item: Item, size: int = 224, pack: "Pack | None" = None) -> np.ndarray:
    """(size, size, 3) uint8 of a photo, (size, size) uint8 of a sketch; BadInput if it can't be decoded."""
    packed = pack.get(item.id) if pack else None
    if item.modality is Modality.PHOTO:
        return photo_input(open_picture(packed or item.content, at_least=size), size)
    return sketch_input(open_picture(packed) if packed else picture(item), size)


def stream(
    items: Sequence[Item],
    size: int = 224,
    workers: int = 0,
    batch: int = BATCH,
    pack: Path | None = None,
    skips: Skips | None = None,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Batches in the order of the items, which are of one modality: (rows, arrays).

    rows: (n,) int64, which of the items; arrays: (n, size, size, 3) or (n, size, size) uint8, as `decode` gives them.

    Args:
        workers: processes that decode; 0: this one.
        pack:    a file that Pack.make wrote; what isn't in it is read from its own file.
        skips:   where pictures that can't be decoded are listed, with the reason. Without it the first one raises.
    """
    lean = [_lean(item) for item in items]
    chunks = deque((lean[start : start + batch], start) for start in range(0, len(lean), batch))
    executor = _executor(workers) if workers else None
    waiting: deque[tuple[Future | None, list[Item], int]] = deque()
    try:
        while chunks or waiting:
            try:
                while chunks and len(waiting) <= workers * AHEAD:
                    future = executor.submit(_decode_all, chunks[0][0], size, pack) if executor else None
                    waiting.append((future, *chunks.popleft()))
                future, part, start = waiting[0]
                good, arrays, faults = future.result() if future else _decode_all(part, size, pack)
            except BrokenProcessPool:  # a worker was killed, most likely for memory: this process does the rest
                if skips is not None:
                    skips.add("worker processes that died, and this one went on", f"near {waiting[0][1][0].id}")
                executor, waiting = None, deque((None, part, start) for _, part, start in waiting)
                continue
            waiting.popleft()
            for row, fault in faults:
                if skips is None:
                    raise BadInput(fault)
                skips.add("pictures that can't be decoded", f"{part[row].id}: {fault}")
            if len(good):
                yield good + start, arrays
    finally:
        if executor:
            executor.shutdown(wait=False, cancel_futures=True)


class Pack:
    """Pictures of many items in one file, read with one seek each: for disks and network shares slow at small files.

    Sketches and small JPEGs are kept byte for byte, larger photos as JPEG with both sides at least 1.25 times `size`.
    After them come where each lies, as JSON, and in the last 8 bytes where that begins. Delete the file when the
    pictures themselves have changed.
    """

    def __init__(self, path: Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise BadInput(f"Expected a pack of pictures at {path}, which is not there. Make it with Pack.make.")
        self.file = os.open(self.path, os.O_RDONLY)
        end = max(self.path.stat().st_size - TAIL, 0)
        start = int.from_bytes(os.pread(self.file, TAIL, end), "little")
        try:  # id -> where it starts, how long it is
            self.index: dict[str, list[int]] = json.loads(os.pread(self.file, end - start, start))
        except (OSError, ValueError, OverflowError):
            raise BadInput(f"{path} is no whole pack of pictures. Delete it, and make it with Pack.make.") from None

    def __del__(self) -> None:
        if hasattr(self, "file"):
            os.close(self.file)

    def get(self, id: str) -> bytes | None:
        """The encoded picture of one item; None if it isn't in the pack."""
        where = self.index.get(id)
        return os.pread(self.file, where[1], where[0]) if where else None

    @classmethod
    def make(cls, items: Sequence[Item], path: Path, size: int = 224, skips: Skips | None = None) -> "Pack":
        """Write the pack of some items; sketches that are strokes are left out, as they have no file of their own."""
        path, index, at = Path(path), {}, 0
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(".part")
        with part.open("wb") as out:
            for item in items:
                if item.modality is Modality.TEXT or "drawing" in item.facts:
                    continue
                try:
                    data = _small(item, round(size * SPARE))
                except (BadInput, OSError) as error:
                    if skips is None:
                        raise
                    skips.add("pictures that can't be decoded", f"{item.id}: {error}")
                    continue
                out.write(data)
                index[item.id] = [at, len(data)]
                at += len(data)
            out.write(json.dumps(index).encode() + at.to_bytes(TAIL, "little"))
        part.replace(path)
        return cls(path)


def _small(item: Item, side: int) -> bytes:
    data = Path(item.content).read_bytes()
    image = open_picture(data, at_least=side)
    if item.modality is Modality.SKETCH or (data.startswith(JPEG) and len(data) < side * side):
        return data
    scale = min(1.0, side / min(image.size))
    image = image.resize([max(1, round(length * scale)) for length in image.size], reducing_gap=2.0)
    out = io.BytesIO()
    image.save(out, "JPEG", quality=QUALITY)
    return out.getvalue()


def _lean(item: Item) -> Item:
    """The item with only what decoding needs, to travel to a worker."""
    facts = {"drawing": item.facts["drawing"]} if "drawing" in item.facts else {}
    return Item(item.id, item.modality, item.content, facts=facts)


def _executor(workers: int) -> Executor:
    # Not fork: a copy of a process that has torch's threads may wait for one of them for ever.
    method = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"
    context = multiprocessing.get_context(method)
    context.set_forkserver_preload([__name__])  # imported once, not again by every worker of every epoch
    return ProcessPoolExecutor(workers, mp_context=context)


def _decode_all(items: list[Item], size: int, pack: Path | None) -> tuple[np.ndarray, np.ndarray, list]:
    """The rows that decoded (n,), their arrays (n, size, size[, 3]), and (row, reason) of the others."""
    held = _open_pack(pack) if pack else None
    good, arrays, faults = [], [], []
    for row, item in enumerate(items):
        try:
            arrays.append(decode(item, size, held))
            good.append(row)
        except (BadInput, OSError) as error:
            faults.append((row, str(error)))
    return np.array(good, np.int64), np.stack(arrays) if arrays else np.zeros(0, np.uint8), faults


@lru_cache(maxsize=2)
def _open_pack(path: Path) -> Pack:
    return Pack(path)
