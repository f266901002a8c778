"""The items, captions, thumbnails and vectors of one collection: an SQLite file beside a folder of thumbnails."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from xmr.modality import BadInput, Drawing, Item, Modality
from xmr.preprocess import open_picture

if TYPE_CHECKING:
    from xmr.system import System

VERSION = 2
THUMB = 256  # longer side of a thumbnail, pixels
DEMO = Path(__file__).resolve().parent.parent / "galleries" / "demo"

_SCHEMA = f"""
CREATE TABLE items (
    row INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    path TEXT,                  -- the original's, absolute; NULL where the thumbnail is all there is
    stamp TEXT,                 -- of the original when it was read: a change means that it must be read again
    facts TEXT NOT NULL         -- JSON
);
CREATE TABLE texts (
    id INTEGER PRIMARY KEY,
    language TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (language, text)
);
CREATE TABLE captions (
    item TEXT NOT NULL REFERENCES items (id) ON DELETE CASCADE,
    text INTEGER NOT NULL REFERENCES texts (id),
    PRIMARY KEY (item, text)
) WITHOUT ROWID;
CREATE INDEX captions_of_text ON captions (text);
CREATE TABLE systems (
    name TEXT PRIMARY KEY,
    weights TEXT NOT NULL       -- which weights its vectors were made with
);
CREATE TABLE vectors (
    system TEXT NOT NULL REFERENCES systems (name) ON DELETE CASCADE,
    modality TEXT NOT NULL,
    id TEXT NOT NULL,           -- of an item, or of a text in decimal
    vector BLOB NOT NULL,       -- a float32 scale and the numbers in its steps, int8, little-endian
    PRIMARY KEY (system, modality, id)
) WITHOUT ROWID;
CREATE TABLE examples (
    name TEXT PRIMARY KEY,
    strokes TEXT NOT NULL       -- JSON: a list of strokes, each a list of [x, y]
);
PRAGMA user_version = {VERSION};
"""


class GalleryMismatch(BadInput):
    """A gallery's vectors or format don't go with this program or system; the message prints the mending command."""


@dataclass(frozen=True)
class Entry:
    """One photo to add.

    id:       unique in the gallery, and a file name: letters, digits, "-", "_" and "."
    picture:  a PIL image or a picture file. A .webp file is taken as the thumbnail as it is.
    facts:    what is known and worth showing, such as category, colour and place.
    captions: (language, text) pairs.
    path:     the original, if it stays where it is.
    stamp:    tells one state of the original from another.
    """

    id: str
    picture: Image.Image | Path
    facts: dict[str, Any] = field(default_factory=dict)
    captions: Sequence[tuple[str, str]] = ()
    path: Path | None = None
    stamp: str | None = None


class Gallery:
    """One collection on disk. Safe to use from several threads and, for reading, from several processes."""

    def __init__(self, path: Path) -> None:
        """Use Gallery.open or Gallery.create."""
        self.path = path
        self._lock = threading.RLock()
        self._writing = False
        self._db = sqlite3.connect(path / "gallery.sqlite", timeout=30, check_same_thread=False, isolation_level=None)
        self._db.execute("PRAGMA foreign_keys = ON")

    @classmethod
    def open(cls, folder: str | Path) -> Gallery:
        """The gallery in a folder, or the one that indexing a folder of photos left in it (its .xmr).

        Raises:
            BadInput: there is none, or its file is damaged.
            GalleryMismatch: it was written by another version of this program.
        """
        folder = Path(folder)
        path = next((p for p in (folder, folder / ".xmr") if (p / "gallery.sqlite").is_file()), None)
        if path is None:
            if not folder.is_dir():
                raise BadInput(f"There is no folder {folder}. Give a folder of photos, or a gallery.")
            raise BadInput(f"{folder} is not indexed yet. Index its photos first: python -m xmr index {folder}")
        gallery = cls(path)
        version = gallery._rows("PRAGMA user_version")[0][0]
        if version != VERSION:
            gallery.close()
            raise GalleryMismatch(
                f"{path} is a gallery of version {version}, but this program reads version {VERSION}. {_rebuild(path)}"
            )
        return gallery

    @classmethod
    def create(cls, folder: str | Path) -> Gallery:
        """A new, empty gallery in a folder, which is made if need be. BadInput if there is one already."""
        folder = Path(folder)
        if (folder / "gallery.sqlite").exists():
            raise BadInput(f"{folder} holds a gallery already. Open it, or delete it first.")
        (folder / "thumbs").mkdir(parents=True, exist_ok=True)
        unfinished = folder / f"gallery.sqlite.{os.getpid()}.part"  # a kill must not leave half a schema behind
        db = sqlite3.connect(unfinished)
        db.execute("PRAGMA page_size = 32768")  # of smaller pages, a vector of 1,000 numbers leaves half unused
        db.executescript(f"BEGIN; {_SCHEMA} COMMIT;")
        db.close()
        os.replace(unfinished, folder / "gallery.sqlite")
        return cls(folder)

    def close(self) -> None:
        with self._lock:
            self._db.close()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ------------------------------------------------------------ reading

    def __len__(self) -> int:
        return self._rows("SELECT count(*) FROM items")[0][0]

    def __iter__(self) -> Iterator[Item]:
        """The photos, in the order they were added."""
        return (self._item(*row) for row in self._rows("SELECT id, path, facts FROM items ORDER BY row"))

    def get(self, id: str) -> Item:
        """The photo of that id; BadInput if there is none. Its content is the path of the original, or of the
        thumbnail where there is no original; its label is its category."""
        rows = self._rows("SELECT id, path, facts FROM items WHERE id = ?", (id,))
        if not rows:
            raise BadInput(f"There is no photo {id!r} in {self.path}. Search again.")
        return self._item(*rows[0])

    def thumb(self, id: str) -> Path:
        """The path of a photo's thumbnail, a WebP of at most 256 px."""
        return self.path / "thumbs" / f"{id}.webp"

    def categories(self) -> list[str]:
        """The categories of the photos, as far as they are known, sorted."""
        found = self._rows("SELECT DISTINCT json_extract(facts, '$.category') AS name FROM items ORDER BY name")
        return [name for (name,) in found if name]

    def sample(self, count: int) -> list[Item]:
        """Some photos to look at, spread evenly over the gallery; all of them if it has no more."""
        items = [row[0] for row in self._rows("SELECT id FROM items ORDER BY row")]
        return [self.get(items[at * len(items) // count]) for at in range(count)] if count < len(items) else list(self)

    def examples(self) -> dict[str, Drawing]:
        """Drawings to start from for who can't draw, by name, sorted."""
        return {
            name: Drawing(tuple(np.array(stroke, float).reshape(-1, 2) for stroke in json.loads(strokes)))
            for name, strokes in self._rows("SELECT name, strokes FROM examples ORDER BY name")
        }

    def caption(self, id: str) -> str:
        """One line to show with a photo: its first caption, else its file's name, else its id."""
        first = self._rows(
            "SELECT texts.text FROM captions JOIN texts ON texts.id = captions.text WHERE item = ? "
            "ORDER BY texts.id LIMIT 1",
            (id,),
        )
        return first[0][0] if first else self.get(id).facts.get("file", id)

    def captions(self, id: str, language: str | None = None) -> list[tuple[str, str]]:
        """A photo's captions as (language, text), in one language or in all."""
        return self._rows(
            "SELECT language, texts.text FROM captions JOIN texts ON texts.id = captions.text "
            "WHERE item = ? AND ifnull(language = ?, 1) ORDER BY texts.id",
            (id, language),
        )

    def get_text(self, id: str) -> Item:
        """The caption of that id, as texts() gives it; BadInput if there is none."""
        found = self._texts("texts.id = ?", id)
        if not found:
            raise BadInput(f"There is no caption {id!r} in {self.path}. Search again.")
        return found[0]

    def texts_of(self, photo: str) -> list[Item]:
        """The captions of a photo, as texts() gives them."""
        return self._texts("texts.id IN (SELECT text FROM captions WHERE item = ?)", photo)

    def texts(self) -> list[Item]:
        """Every different caption, each once; its facts name the "photos" that have it, its labels their categories."""
        return self._texts("1")

    def _texts(self, where: str, *values: str) -> list[Item]:
        """The captions that an SQL condition picks."""
        rows = self._rows(
            "SELECT texts.id, language, texts.text, json_group_array(item), "
            "json_group_array(json_extract(facts, '$.category')) FROM texts JOIN captions ON captions.text = texts.id "
            f"JOIN items ON items.id = item WHERE {where} GROUP BY texts.id ORDER BY texts.id",
            values,
        )
        return [
            Item(
                str(id), Modality.TEXT, text, frozenset(filter(None, json.loads(categories))), language,
                {"photos": json.loads(photos)},
            )
            for id, language, text, photos, categories in rows
        ]  # fmt: skip

    def vectors(
        self, system: System, modality: Modality, language: str | None = None
    ) -> tuple[list[str], np.ndarray]:
        """The ids and the (N, dim) float32 vectors that the system gave the photos, or the captions in one language
        or in all, of this gallery.

        Raises:
            GalleryMismatch: it holds none of this system's, or those of other weights.
        """
        found = self._rows("SELECT weights FROM systems WHERE name = ?", (system.name,))
        mend = f"python -m xmr index {self._folder} --system {system.name}"
        if not found:
            raise GalleryMismatch(f"{self.path} holds no vectors of {system.name}. Make them: {mend}")
        if found[0][0] != system.weights:
            raise GalleryMismatch(
                f"{self.path} holds vectors of {found[0][0][:8]}, but {system.name} is {system.weights[:8]}. "
                f"Rebuild them: {mend}"
            )
        if modality is Modality.PHOTO:
            rows = self._rows(
                "SELECT items.id, vector FROM vectors JOIN items ON items.id = vectors.id "
                "WHERE system = ? AND modality = 'photo' ORDER BY items.row",
                (system.name,),
            )
        else:
            rows = self._rows(
                "SELECT vectors.id, vector FROM vectors JOIN texts ON texts.id = CAST(vectors.id AS INTEGER) "
                "WHERE system = ? AND modality = 'text' AND ifnull(language = ?, 1) "
                "AND EXISTS (SELECT 1 FROM captions WHERE captions.text = texts.id) ORDER BY texts.id",
                (system.name, language),
            )
        block = np.frombuffer(b"".join(vector for _, vector in rows), np.uint8).reshape(len(rows), system.dim + 4)
        return [id for id, _ in rows], block[:, 4:].view(np.int8) * block[:, :4].copy().view("<f4")

    # ------------------------------------------------------------ writing

    @contextmanager
    def batch(self) -> Iterator[None]:
        """All that is written inside is committed together, or not at all. May be nested."""
        with self._lock:
            if self._writing:
                yield
                return
            try:
                self._db.execute("BEGIN IMMEDIATE")
                self._writing = True
                yield
                self._db.execute("COMMIT")
            except sqlite3.OperationalError as error:  # read-only, full, or another program is writing
                raise BadInput(f"{self.path} cannot be written: {error}. Check its permissions and the disk.") from None
            finally:
                self._writing = False
                if self._db.in_transaction:
                    self._db.execute("ROLLBACK")

    def add(self, entries: Iterable[Entry]) -> None:
        """Add photos with their thumbnails and captions, together. One whose id is there already takes its place, and
        its old vectors go."""
        with self.batch():
            for entry in entries:
                self._write_thumb(entry)
                self._db.execute("DELETE FROM vectors WHERE modality = 'photo' AND id = ?", (entry.id,))
                self._db.execute("DELETE FROM captions WHERE item = ?", (entry.id,))
                self._db.execute(
                    "INSERT INTO items (id, path, stamp, facts) VALUES (?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET "
                    "path = excluded.path, stamp = excluded.stamp, facts = excluded.facts",
                    (entry.id, entry.path and str(entry.path), entry.stamp, json.dumps(entry.facts)),
                )
                for caption in entry.captions:
                    self._db.execute("INSERT OR IGNORE INTO texts (language, text) VALUES (?, ?)", caption)
                    self._db.execute(
                        "INSERT OR IGNORE INTO captions SELECT ?, id FROM texts WHERE language = ? AND text = ?",
                        (entry.id, *caption),
                    )

    def put_vectors(
        self, system: str, weights: str, modality: Modality, ids: Sequence[str], vectors: np.ndarray
    ) -> None:
        """Store a system's vectors (N, dim) of photos or captions, each number rounded to a step of a 127th of the
        vector's largest. Those it made with other weights go."""
        scale = np.maximum(np.abs(vectors).max(1, keepdims=True, initial=0.0), 1e-12).astype("<f4") / np.float32(127)
        block = np.concatenate([scale.view(np.uint8), np.rint(vectors / scale).astype(np.int8).view(np.uint8)], axis=1)
        with self.batch():
            self._db.execute("DELETE FROM systems WHERE name = ? AND weights <> ?", (system, weights))
            self._db.execute("INSERT OR IGNORE INTO systems VALUES (?, ?)", (system, weights))
            self._db.executemany(
                "INSERT OR REPLACE INTO vectors VALUES (?, ?, ?, ?)",
                [(system, modality, id, row.tobytes()) for id, row in zip(ids, block, strict=True)],
            )

    def put_examples(self, drawings: Mapping[str, Drawing]) -> None:
        """Store drawings to start from, by name, in place of those there were. Coordinates keep one decimal."""
        with self.batch():
            self._db.execute("DELETE FROM examples")
            self._db.executemany(
                "INSERT INTO examples VALUES (?, ?)",
                [
                    (name, json.dumps([np.round(stroke, 1).tolist() for stroke in drawing.strokes]))
                    for name, drawing in drawings.items()
                ],
            )

    def remove(self, ids: Iterable[str]) -> None:
        """Take photos out, with their captions, vectors and thumbnails."""
        ids = list(ids)
        with self.batch():
            for id in ids:
                self._db.execute("DELETE FROM vectors WHERE modality = 'photo' AND id = ?", (id,))
                self._db.execute("DELETE FROM items WHERE id = ?", (id,))
        for id in ids:
            self.thumb(id).unlink(missing_ok=True)

    def lacking(self, system: System, modality: Modality) -> list[str]:
        """The ids of the photos, or captions, that have no vector of this system with these weights yet."""
        table = {Modality.PHOTO: "items", Modality.TEXT: "texts"}[modality]
        rows = self._rows(
            f"SELECT CAST(id AS TEXT) FROM {table} WHERE CAST(id AS TEXT) NOT IN (SELECT vectors.id FROM vectors JOIN "
            "systems ON systems.name = system WHERE system = ? AND weights = ? AND modality = ?)",
            (system.name, system.weights, modality),
        )
        return [id for (id,) in rows]

    def systems(self) -> dict[str, str]:
        """The hash of the weights of each system that gave vectors, by the system's name."""
        return dict(self._rows("SELECT name, weights FROM systems"))

    def stamps(self) -> dict[str, str | None]:
        """The stamp of each photo's original, by id."""
        return dict(self._rows("SELECT id, stamp FROM items"))

    # ------------------------------------------------------------ inside

    @property
    def _folder(self) -> Path:
        return self.path.parent if self.path.name == ".xmr" else self.path

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple]:
        with self._lock:
            try:
                return self._db.execute(sql, values).fetchall()
            except sqlite3.DatabaseError as error:
                raise BadInput(f"{self.path / 'gallery.sqlite'} is damaged ({error}). {_rebuild(self.path)}") from None

    def _item(self, id: str, path: str | None, facts: str) -> Item:
        known = json.loads(facts)
        labels = frozenset([known["category"]] if known.get("category") else [])
        return Item(id, Modality.PHOTO, Path(path) if path else self.thumb(id), labels, facts=known)

    def _write_thumb(self, entry: Entry) -> None:
        target = self.thumb(entry.id)
        unfinished = target.with_suffix(f".{os.getpid()}.part")
        if isinstance(entry.picture, Path) and entry.picture.suffix == ".webp":
            if entry.picture.resolve() == target.resolve():
                return
            unfinished.write_bytes(entry.picture.read_bytes())
        else:
            picture = entry.picture
            image = open_picture(picture, at_least=THUMB) if isinstance(picture, Path) else picture
            unfinished.write_bytes(thumbnail(image))
        os.replace(unfinished, target)


def thumbnail(picture: Image.Image) -> bytes:
    """A small copy of a picture: a WebP file of at most 256 x 256 px."""
    small, file = picture.copy(), io.BytesIO()
    small.thumbnail((THUMB, THUMB))
    small.convert("RGB").save(file, "WEBP", quality=82)
    return file.getvalue()


def _rebuild(path: Path) -> str:
    if path.name == ".xmr":
        return f"Delete {path} and build it again: python -m xmr index {path.parent}"
    return f"Restore it with git checkout -- {path}, or publish it again: python -m training publish"
