"""Vector files: append-only records of a fixed size, and the database table that says how many are valid.

A record has the database row of its item, a scale, and the vector quantised to int8. Records beyond the valid count
were left by a process that was killed, and are overwritten.
"""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from xmr.gallery.database import Database
from xmr.modality import Modality

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}\.bin")
_MAX_DIM = 65_536


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

    def read(self, folder: Path) -> np.ndarray | None:
        """The records: a structured array (count,) with "row" int64, "scale" float32 and "codes" (dim,) int8; None if
        the file is missing, too short or has invalid scales."""
        try:
            with open(folder / self.name, "rb") as file:
                record = _record(self.dim)
                if os.fstat(file.fileno()).st_size < self.count * record.itemsize:
                    return None
                found = np.fromfile(file, record, self.count)
        except OSError:
            return None
        return found if np.isfinite(found["scale"]).all() and (found["scale"] >= 0).all() else None

    def append(self, folder: Path, records: np.ndarray) -> None:
        """Write records after the last valid one, and flush them to disk.

        Raises:
            OSError: the disk is full, or the file is shorter than it should be.
        """
        valid = self.count * records.itemsize
        with open(folder / self.name, "r+b" if self.count else "wb") as file:
            if file.seek(0, os.SEEK_END) < valid:
                raise OSError(f"{self.name} is shorter than it should be")
            file.truncate(valid)
            file.seek(valid)
            file.write(records.tobytes())
            file.flush()
            os.fsync(file.fileno())


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

    def compact(self, system: str, modality: Modality, rows: set[int]) -> None:
        """Rewrite a vector file if most of its records are outdated; `rows` are the rows of existing items."""
        entry = self.find(system, modality)
        if entry is None or (records := entry.read(self.folder)) is None:
            return
        kept = [at for row, at in positions(records).items() if row in rows]
        if 2 * len(kept) < len(records):
            self.remove(system, modality)
            self.append(system, modality, entry.fingerprint, entry.dim, records[kept])


def quantized(rows: list[int], vectors: np.ndarray) -> np.ndarray:
    """Records of vectors (N, dim) float, quantised to int8 with the scale max(|vector|) / 127."""
    records = np.empty(len(rows), _record(vectors.shape[1]))
    records["row"] = rows
    records["scale"] = np.maximum(np.abs(vectors).max(axis=1, initial=0.0), 1e-12) / np.float32(127)
    records["codes"] = np.rint(vectors / records["scale"][:, None])
    return records


def positions(records: np.ndarray) -> dict[int, int]:
    """The position of each row's record; of a row that was written twice, the later one."""
    return dict(zip(records["row"].tolist(), range(len(records)), strict=True))


def _free_name(folder: Path, system: str, modality: Modality) -> str:
    """An unused file name."""
    safe, number = re.sub(r"[^A-Za-z0-9_]", "-", system)[:60].lstrip("-") or "system", 1
    while (folder / (name := f"{safe}.{modality}.{number}.bin")).exists():
        number += 1
    return name


def _record(dim: int) -> np.dtype:
    return np.dtype([("row", "<i8"), ("scale", "<f4"), ("codes", "i1", (dim,))])
