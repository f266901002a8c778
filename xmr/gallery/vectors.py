"""Vector files: append-only records of a fixed size, and the database table that says how many are valid. They open at
once: what does not fit into memory easily is mapped.

A record has the database row of its item, a scale, and the vector quantised to int8. Records beyond the valid count
were left by a process that was killed, and are overwritten.
"""

from __future__ import annotations

import hashlib
import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xmr.files import open_own
from xmr.gallery.database import Database
from xmr.modality import Modality

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.bin")
_MAX_DIM = 65_536
_MAPPED = 64_000_000  # bytes of a file above which it is mapped, not read
_CHUNK = 16_000_000  # bytes looked at together
_SAMPLED = 64  # records that stand for all in a token


@dataclass(frozen=True)
class VectorFile:
    """The vector file of one system and modality.

    Attributes:
        fingerprint: hash of the encoder that computed the vectors.
        dim: length of a vector.
        name: name of the file in the gallery's folder of vectors.
        count: number of valid records.
    """

    fingerprint: str
    dim: int
    name: str
    count: int

    def read(self, folder: Path) -> StoredVectors | None:
        """The records; None if the file is missing, too short or has invalid scales."""
        record = _record(self.dim)
        size, valid = self.count * record.itemsize, True
        try:
            with open_own(folder / self.name) as file:
                if os.fstat(file.fileno()).st_size < size:
                    return None
                rows = np.empty(self.count, np.int64)  # only now: the count may be of someone else's making
                if size <= _MAPPED:
                    held = np.fromfile(file, record, self.count)
                else:
                    held = np.memmap(file, record, "r", shape=(self.count,))
                step = max(1, _CHUNK // record.itemsize)
                file.seek(0)
                for start in range(0, self.count, step):  # not through the map, which would then count as memory
                    part = np.fromfile(file, record, min(step, self.count - start)) if size > _MAPPED else held[start:]
                    part = part[:step]
                    rows[start : start + len(part)] = part["row"]
                    valid = valid and bool((part["scale"] >= 0).all() and np.isfinite(part["scale"]).all())
        except (OSError, MemoryError):
            return None
        return StoredVectors(self, rows, held) if valid else None

    def append(self, folder: Path, records: np.ndarray) -> None:
        """Write records after the last valid one, and flush them to disk.

        Raises:
            OSError: the disk is full, or the file is shorter than it should be.
        """
        valid = self.count * records.itemsize
        with open_own(folder / self.name, "r+b" if self.count else "wb") as file:
            if file.seek(0, os.SEEK_END) < valid:
                raise OSError(f"{self.name} is shorter than it should be")
            file.truncate(valid)
            file.seek(valid)
            file.write(records.tobytes())
            file.flush()
            os.fsync(file.fileno())


class StoredVectors:
    """The valid records of a vector file. They stay as they are, whatever is appended.

    Attributes:
        rows: the database row of each, (count,) int64; of a row that was written twice, the later record counts.
        dim: length of the vectors that are given; where it is less than that of the file, their first numbers.
    """

    def __init__(self, file: VectorFile, rows: np.ndarray, records: np.ndarray, dim: int | None = None) -> None:
        self.rows, self._file, self._records = rows, file, records
        self.dim = dim or file.dim

    def shortened(self, dim: int) -> StoredVectors:
        """The same records, of which the first `dim` numbers count."""
        return StoredVectors(self._file, self.rows, self._records, dim)

    def __len__(self) -> int:
        return len(self.rows)

    def take(self, positions: np.ndarray | slice) -> np.ndarray:
        """The vectors at these positions, (N, dim) float32."""
        found = self._records[positions]
        return found["codes"][:, : self.dim] * found["scale"][:, None]

    def records(self, positions: np.ndarray) -> np.ndarray:
        """The records at these positions."""
        return np.array(self._records[positions])

    def latest(self) -> tuple[np.ndarray, np.ndarray]:
        """Each database row that has a vector, ascending, and the position of its latest record."""
        if (self.rows[1:] > self.rows[:-1]).all():
            return self.rows, np.arange(len(self))
        rows, first = np.unique(self.rows[::-1], return_index=True)
        return rows, len(self) - 1 - first

    def token(self, count: int) -> str:
        """Tells the first `count` records from any others of any file: whatever was made from them is good as long as
        it is the same."""
        at = np.linspace(0, count - 1, min(count, _SAMPLED)).astype(np.int64)
        told = f"{self._file.name} {self._file.fingerprint} {self.dim} {count}".encode()
        return hashlib.sha256(told + self._records[at].tobytes()).hexdigest()


class VectorFiles:
    """The vector files of a gallery, one for each system and modality.

    Attributes:
        folder: the folder of the files.
    """

    def __init__(self, db: Database, folder: Path) -> None:
        self.folder = folder
        self._db = db

    def find(self, system: str, modality: Modality) -> VectorFile | None:
        """The vector file of a system; None if there is none. Raises BadInput if its entry is invalid."""
        rows = self._db.rows(
            "SELECT fingerprint, dim, file, count FROM vectors WHERE system = ? AND modality = ?", (system, modality)
        )
        if not rows:
            return None
        entry = VectorFile(*rows[0])
        with self._db.checking_contents():
            if not (_NAME.fullmatch(entry.name) and 0 < entry.dim <= _MAX_DIM and 0 <= entry.count < 2**40):
                raise ValueError(f"the file of vectors {entry.name!r}")
        return entry

    def append(self, system: str, modality: Modality, fingerprint: str, dim: int, records: np.ndarray) -> None:
        """Append records of one encoder; records of an earlier encoder become invalid."""
        entry = self.find(system, modality)
        if entry is None or (entry.fingerprint, entry.dim) != (fingerprint, dim):
            entry = VectorFile(fingerprint, dim, _free_name(self.folder, system, modality), 0)
        entry.append(self.folder, records)
        self._db.run(
            "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?, ?, ?)",
            (system, modality, fingerprint, dim, entry.name, entry.count + len(records)),
        )

    def remove(self, system: str, modality: Modality) -> None:
        """Remove the vector file of a system from the table."""
        self._db.run("DELETE FROM vectors WHERE system = ? AND modality = ?", (system, modality))

    def compact(self, system: str, modality: Modality, rows: np.ndarray) -> None:
        """Rewrite a vector file if most of its records are outdated; `rows` are the rows of existing items."""
        entry = self.find(system, modality)
        if entry is None or (records := entry.read(self.folder)) is None:
            return
        found, at = records.latest()
        kept = at[np.isin(found, rows)]
        if 2 * len(kept) < len(records):
            self.remove(system, modality)
            self.append(system, modality, entry.fingerprint, entry.dim, records.records(kept))


def quantized(rows: list[int], vectors: np.ndarray) -> np.ndarray:
    """Records of vectors (N, dim) float, quantised to int8 with the scale max(|vector|) / 127."""
    records = np.empty(len(rows), _record(vectors.shape[1]))
    records["row"] = rows
    records["scale"] = np.maximum(np.abs(vectors).max(axis=1, initial=0.0), 1e-12) / np.float32(127)
    records["codes"] = np.rint(vectors / records["scale"][:, None])
    return records


def _free_name(folder: Path, system: str, modality: Modality) -> str:
    """An unused file name."""
    safe, number = re.sub(r"[^A-Za-z0-9_]", "-", system)[:60].lstrip("-") or "system", 1
    while os.path.lexists(folder / (name := f"{safe}.{modality}.{number}.bin")):
        number += 1
    return name


def _record(dim: int) -> np.dtype:
    return np.dtype([("row", "<i8"), ("scale", "<f4"), ("codes", "i1", (dim,))])
