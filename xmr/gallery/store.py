"""A gallery on disk: an SQLite file with items and captions, a folder of thumbnails, and a vector file per system.

The SQLite file is authoritative. A thumbnail is written before the row that refers to it, and vectors are appended
before the row that counts them. So a process that is killed leaves complete items only, and perhaps unused files, which
`sweep` deletes.
"""

from __future__ import annotations

import json
import os
import re
import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from xmr.files import open_own
from xmr.gallery import facts
from xmr.gallery.database import ELSEWHERE, VERSION, Database, GalleryMismatch, NotWritable
from xmr.gallery.location import DEMO, HIDDEN, given_path, holds_gallery, index_command, index_home, places
from xmr.gallery.thumbnails import Thumbnails
from xmr.gallery.vectors import StoredVectors, VectorFiles, quantized
from xmr.modality import BadInput, Drawing, Item, Modality, shown
from xmr.where import Condition

if TYPE_CHECKING:
    from xmr.system import System

_LONGEST_FACTS = 100_000  # letters of a photo's facts as JSON; those that are told of it have at most 60,000
_LONGEST_FILE = 4_096  # letters of a path
_TEXT = "substr(texts.text, 1, 2000)"  # as much of a caption as is ever stored: more is of someone else's making
_ITEMS = "SELECT id, file, facts FROM items"
_TABLE_OF = {Modality.PHOTO: "items", Modality.TEXT: "texts"}
_CAPTIONS = (
    "FROM texts WHERE ifnull(language = ?, 1) AND EXISTS (SELECT 1 FROM captions WHERE captions.text = texts.row)"
)
_CAPTIONS_OF = (
    "SELECT language, texts.text FROM captions JOIN texts ON texts.row = captions.text WHERE item = ? "
    "ORDER BY texts.row"
)
_ID_OF = {Modality.PHOTO: "id", Modality.TEXT: "CAST(row AS TEXT)"}  # the public id of a vector's item


@dataclass(frozen=True)
class Entry:
    """One photo to add.

    Attributes:
        id:       unique in the gallery: letters, digits, "-", "_" and "."; None if there is a `file`, whose content
            determines the id.
        picture:  an image or a picture file; a .webp file, or bytes, are used as the thumbnail without change.
        facts:    facts to show, such as category, colour and place.
        captions: (language, text) pairs.
        file:     path of the original, relative to the photos' folder; None if only the thumbnail is kept.
        stamp:    changes when the original changes.
        content:  sha256 of the original.
    """

    id: str | None
    picture: Image.Image | Path | bytes
    facts: dict[str, Any] = field(default_factory=dict)
    captions: Sequence[tuple[str, str]] = ()
    file: str | None = None
    stamp: str | None = None
    content: str | None = None


class Gallery:
    """A gallery on disk. It is safe to use from several threads and processes.

    Attributes:
        path: the gallery's folder.
        root: the folder of the original photos; `path` if there are no originals.
    """

    def __init__(self, path: Path, root: Path) -> None:
        """Use Gallery.open or Gallery.create."""
        self.path = path
        self.root = path.parent if path.name == HIDDEN else root
        for part in (path, path / "thumbs", path / "vectors", path / "gallery.sqlite"):
            if part.is_symlink():
                raise BadInput(f"{part} is a link. A gallery is kept in folders of its own: delete the link.")
        self._thumbs = Thumbnails(path, self._remedy)
        self._db = Database(path / "gallery.sqlite", self._remedy())
        self._vectors = VectorFiles(self._db, path / "vectors")

    def __repr__(self) -> str:
        return f"Gallery({str(self.path)!r})"

    @classmethod
    def open(cls, folder: str | Path, index_dir: str | Path | None = None) -> Gallery:
        """Open a gallery.

        Args:
            folder: the gallery's folder, or an indexed folder of photos.
            index_dir: where galleries are kept if not in .xmr; None for the user's data folder.

        Raises:
            BadInput: there is no gallery, or it is damaged.
            GalleryMismatch: it has another format version.
        """
        folder = given_path(folder)
        try:
            path = next((place for place in places(folder, index_dir) if holds_gallery(place)), None)
            if path is None:
                if folder == DEMO:
                    raise BadInput(
                        f"The shipped photos are not in {folder}: they come with a clone of the repository. Set "
                        "XMR_HOME to a clone's folder, or give a folder of photos of your own."
                    )
                if not folder.is_dir():
                    raise BadInput(f"There is no folder {folder}. Give a folder of photos, or a gallery.")
                raise BadInput(
                    f"{folder} is not indexed yet. Index its photos first: {index_command(folder, index_dir)}"
                )
            gallery = cls(path, folder)
        except OSError as error:
            raise BadInput(f"{folder} cannot be opened: {error.strerror}. Check its permissions.") from None
        return gallery._checked(None if index_dir is None else given_path(index_dir))

    @classmethod
    def create(cls, path: str | Path, root: str | Path | None = None, exist_ok: bool = False) -> Gallery:
        """Create an empty gallery.

        Args:
            path: its folder, which is created if necessary.
            root: the folder of the photos; None for the same folder.
            exist_ok: open a gallery that already exists, even if another process has just created it.

        Raises:
            NotWritable: the folder cannot be written.
            BadInput: there is a gallery already.
            GalleryMismatch: there is a gallery with another format version.
        """
        path, root = Path(path), Path(root or path)
        with ExitStack() as failed:  # closes a gallery that cannot be given
            try:
                path.mkdir(parents=True, exist_ok=True)
                if not os.path.lexists(path / "gallery.sqlite"):  # a link is refused below
                    (path / "gallery.sqlite").touch()
                gallery = failed.enter_context(cls(path, root))
                for folder in ("thumbs", "vectors"):
                    (path / folder).mkdir(exist_ok=True)
            except OSError as error:
                raise NotWritable(f"Nothing can be written in {path}: {error.strerror}. {ELSEWHERE}") from None
            with gallery._db.writing():  # under SQLite's lock, because two processes may do this at once
                if gallery._db.is_empty():
                    gallery._db.create_tables()
                    if root != path:
                        gallery._db.run("INSERT INTO about VALUES ('root', ?)", (str(root),))
                elif not exist_ok:
                    raise BadInput(f"{path} holds a gallery already. Open it, or delete it first.")
            gallery._checked()
            failed.pop_all()
        return gallery

    def _checked(self, base: Path | None = None) -> Gallery:
        """The gallery, if it is sound. One that is kept apart from its photos, and opened by its own path, says itself
        where they are. That is believed only in a folder in which this user's galleries are kept: one of someone else's
        making would have any folder's photos shown."""
        try:
            if self._db.is_empty():  # its creation was interrupted
                raise BadInput(f"{self.root} is not indexed yet. Index its photos first: {self.command()}")
            self._db.check()
            if self.path == self.root and (said := self._db.rows("SELECT value FROM about WHERE key = 'root'")):
                with self._db.checking_contents():
                    root = Path(said[0][0])
                    if self.path.resolve() == index_home(root, base).resolve():
                        self.root, self._db.remedy = root, self._remedy()
        except BadInput:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Close the gallery's database."""
        self._db.close()

    def __enter__(self) -> Gallery:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def command(self) -> str:
        """The shell command that updates this gallery."""
        usual = index_home(self.root)
        elsewhere = self.path != usual and self.path.name == usual.name
        return index_command(self.root, self.path.parent if elsewhere else None)

    def _remedy(self) -> str:
        if self.path == self.root:
            return (
                f"Restore it with git checkout -- {shlex.quote(str(self.path))}, or publish it again: "
                "python -m training gallery"
            )
        return f"Delete {self.path} and build it again: {self.command()}"

    # ------------------------------------------------------------ reading

    def version(self) -> tuple[int, ...]:
        """A value that changes with every change by any process; fast enough to ask before each search.

        Raises:
            BadInput: the gallery is gone.
        """
        return self._db.version()

    def __len__(self) -> int:
        return self._db.rows("SELECT count(*) FROM items")[0][0]

    def __iter__(self) -> Iterator[Item]:
        """The photos, in the order in which they were added."""
        return (self._item(*row) for row in self._db.rows(f"{_ITEMS} ORDER BY row"))

    def get(self, id: str) -> Item:
        """A photo by its id. Its content is the path of the original, or of the thumbnail if there is no original; its
        label is its category.

        Raises:
            BadInput: there is no such photo.
        """
        if found := self.find([id]):
            return found[id]
        raise BadInput(f"There is no photo {shown(id)} in {self.path}. Search again.")

    def find(self, ids: Sequence[str]) -> dict[str, Item]:
        """Photos by id, as `get` returns them; ids that don't exist are left out."""
        rows = self._db.rows(f"{_ITEMS} WHERE id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),))
        return {row[0]: self._item(*row) for row in rows}

    def check_facts(self, wanted: Sequence[Condition]) -> None:
        """Raise BadInput for a fact of which nothing is known of any photo."""
        for name, _ in wanted:
            if name not in facts.BUILT_IN and not self._db.rows(*facts.known(name)):
                names = sorted({*facts.BUILT_IN, *(name for (name,) in self._db.rows(facts.NAMES))})
                raise BadInput(f"No photo here has the fact {shown(name)}. Known are: {', '.join(names)}.")

    def select(self, wanted: Sequence[Condition]) -> np.ndarray:
        """The database rows of the photos that meet all conditions, (N,) int64."""
        return self._db.numbers(*facts.selected(wanted))

    def facets(self, wanted: Sequence[Condition] = ()) -> dict[str, dict[Any, int]]:
        """The values of each fact of the photos that meet all conditions, with the number of photos; see
        Searcher.facets."""
        self.check_facts(wanted)
        found: dict[str, dict[Any, int]] = {}
        for name, value, count in self._db.rows(*facts.counted(wanted)):
            values = found.setdefault(name, {})
            if len(values) < facts.MOST:
                values[value] = count
        return found

    def told(self, rows: np.ndarray) -> dict[int, dict[str, Any]]:
        """The facts of photos by database row, for an engine that is asked for them: those of the items, and the
        "languages" of the captions."""
        wanted = json.dumps(rows.tolist())
        languages: dict[int, list[str]] = {}
        for row, language in self._db.rows(
            "SELECT DISTINCT item, language FROM captions JOIN texts ON texts.row = captions.text "
            "WHERE item IN (SELECT value FROM json_each(?)) ORDER BY item, language",
            (wanted,),
        ):
            languages.setdefault(row, []).append(language)
        return {row: item.facts | {"languages": languages.get(row, [])} for row, item in self.find_rows(rows).items()}

    def thumb(self, id: str) -> Path:
        """The path of a photo's thumbnail, a WebP of at most 256 x 256 px; raises BadInput for an invalid id."""
        return self._thumbs.path(id)

    def thumbnail(self, id: str) -> bytes:
        """The bytes of a photo's thumbnail, a WebP file; raises BadInput if it is missing or damaged."""
        return self._thumbs.read(id)

    def categories(self) -> list[str]:
        """The sorted categories of the photos."""
        found = self._db.rows("SELECT DISTINCT json_extract(facts, '$.category') FROM items")
        return sorted(name for (name,) in found if isinstance(name, str) and name)

    def sample(self, count: int, wanted: Sequence[Condition] = ()) -> list[Item]:
        """Up to `count` of the photos that meet all conditions, evenly spaced over the gallery."""
        rows = np.sort(self.select(wanted))  # (N,)
        if count < len(rows):
            rows = rows[np.arange(count) * len(rows) // count]
        found = self.find_rows(rows)
        return [found[row] for row in rows.tolist() if row in found]

    def examples(self) -> dict[str, Drawing]:
        """Example drawings by name, sorted; a user can start from them."""
        with self._db.checking_contents():
            return {
                str(name): Drawing(tuple(np.array(stroke, float).reshape(-1, 2) for stroke in json.loads(strokes)))
                for name, strokes in self._db.rows("SELECT name, strokes FROM examples ORDER BY name")
            }

    def caption(self, id: str) -> str:
        """One line to show with a photo: its first caption, or else its file, or else its id."""
        first = self._db.rows(
            f"SELECT {_TEXT} FROM items JOIN captions ON item = items.row JOIN texts ON texts.row = captions.text "
            "WHERE id = ? ORDER BY texts.row LIMIT 1",
            (id,),
        )
        if first:
            return str(first[0][0])
        found = self.find([id])
        return str(found[id].facts.get("file", id)) if found else id

    def captions(self, id: str, language: str | None = None) -> list[tuple[str, str]]:
        """A photo's captions as (language, text); in all languages if `language` is None."""
        return self._db.rows(
            f"SELECT language, {_TEXT} FROM items JOIN captions ON item = items.row "
            "JOIN texts ON texts.row = captions.text WHERE id = ? AND ifnull(language = ?, 1) ORDER BY texts.row",
            (id, language),
        )

    def find_texts(self, ids: Sequence[str]) -> dict[str, Item]:
        """Captions by id, as texts() returns them; ids that don't exist are left out."""
        rows = json.dumps([int(id) for id in ids])
        return {text.id: text for text in self._texts("texts.row IN (SELECT value FROM json_each(?))", rows)}

    def texts_of(self, photo: str) -> list[Item]:
        """The captions of a photo, as texts() returns them."""
        return self._texts(
            "texts.row IN (SELECT text FROM captions JOIN items ON items.row = item WHERE items.id = ?)", photo
        )

    def texts(self) -> list[Item]:
        """All distinct captions. The fact "photos" has the ids of its photos; the labels are their categories."""
        return self._texts("1")

    def _texts(self, where: str, *values: str) -> list[Item]:
        """The captions that match an SQL condition."""
        rows = self._db.rows(
            f"SELECT texts.row, language, {_TEXT}, json_group_array(items.id), "
            "json_group_array(json_extract(facts, '$.category')) FROM texts JOIN captions ON captions.text = texts.row "
            f"JOIN items ON items.row = item WHERE {where} GROUP BY texts.row ORDER BY texts.row",
            values,
        )
        with self._db.checking_contents():
            return [
                Item(
                    str(row),
                    Modality.TEXT,
                    str(text),
                    frozenset(filter(None, json.loads(categories))),
                    language,
                    {"photos": json.loads(photos)},
                )
                for row, language, text, photos, categories in rows
            ]

    def vectors(self, system: System, modality: Modality, language: str | None = None) -> tuple[list[str], np.ndarray]:
        """The stored vectors of a system.

        Args:
            system: the system.
            modality: of the photos or the captions (text).
            language: of the captions; None for all.

        Returns:
            N ids and their vectors, (N, dim) float32.

        Raises:
            GalleryMismatch: there are none of this system, or they are from other weights.
            BadInput: they are damaged.
        """
        with self._db.reading():
            records = self._records(system, modality)
            if records is None:
                return [], np.zeros((0, system.dim), np.float32)
            if modality is Modality.PHOTO:
                known = self._db.rows("SELECT row, id FROM items ORDER BY row")
            else:
                known = self._db.rows(f"SELECT row, CAST(row AS TEXT) {_CAPTIONS} ORDER BY row", (language,))
        rows, at = records.latest()
        here = np.array([row for row, _ in known], np.int64)
        found, _, place = np.intersect1d(here, rows, assume_unique=True, return_indices=True)
        ids = dict(known)
        return [ids[row] for row in found.tolist()], records.take(at[place])

    def stored(self, system: System, modality: Modality) -> tuple[StoredVectors, np.ndarray] | None:
        """The stored vectors of a system as they lie on disk, which a million are no slower to open than the file is
        to read, and which of them are of photos or captions that are gone, (N,) bool. None if the system encoded the
        photos but does not encode captions. Raises as `vectors` does."""
        with self._db.reading():
            records = self._records(system, modality)
            if records is None:
                return None
            sql = "SELECT row FROM items" if modality is Modality.PHOTO else f"SELECT row {_CAPTIONS}"
            here = self._db.numbers(sql, () if modality is Modality.PHOTO else (None,))
        return records, ~np.isin(records.rows, here)

    def captions_in(self, language: str) -> np.ndarray:
        """The database rows of the captions in a language, (N,) int64."""
        return self._db.numbers(f"SELECT row {_CAPTIONS}", (language,))

    def rows_of(self, ids: Iterable[str]) -> dict[str, int]:
        """The database row of each photo, which its vectors are stored under; ids that don't exist are left out."""
        wanted = json.dumps(list(ids))
        return dict(self._db.rows("SELECT id, row FROM items WHERE id IN (SELECT value FROM json_each(?))", (wanted,)))

    def find_rows(self, rows: Sequence[int] | np.ndarray) -> dict[int, Item]:
        """Photos by database row, as `get` returns them; rows that don't exist are left out."""
        sql = "SELECT row, id, file, facts FROM items WHERE row IN (SELECT value FROM json_each(?))"
        return {
            row: self._item(*more)
            for row, *more in self._db.rows(sql, (json.dumps(np.asarray(rows, np.int64).tolist()),))
        }

    def _records(self, system: System, modality: Modality) -> StoredVectors | None:
        """The vector records of a system; None if it encoded the photos but does not encode captions."""
        entry, mend = self._vectors.find(system.name, modality), f"{self.command()} --system {shlex.quote(system.name)}"
        if entry is None:
            if modality is Modality.TEXT and self._vectors.find(system.name, Modality.PHOTO):
                return None
            raise GalleryMismatch(f"{self.path} holds no vectors of {system.name}. Make them: {mend}")
        fingerprint = system.fingerprint(modality)
        if (entry.fingerprint, entry.dim) != (fingerprint, system.stored_dim):
            raise GalleryMismatch(
                f"{self.path} holds vectors of {entry.fingerprint[:8]}, but {system.name} is {fingerprint[:8]}. "
                f"Rebuild them: {mend}"
            )
        records = entry.read(self._vectors.folder)
        if records is None:
            raise BadInput(f"The vectors of {system.name} in {self.path} are damaged. Make them anew: {mend}")
        return records.shortened(system.dim)

    # ------------------------------------------------------------ writing

    @contextmanager
    def batch(self) -> Iterator[None]:
        """A transaction: everything written inside is committed together or not at all. May be nested.

        Raises:
            NotWritable: there is no permission, or the disk is full.
            BadInput: another program has been writing for a minute.
        """
        try:
            with self._db.writing():
                yield
        except OSError as error:
            raise NotWritable(f"{self.path} cannot be written: {error.strerror or error}. {ELSEWHERE}") from None

    def try_to_write(self) -> None:
        """Check that the gallery can be written; raises the same errors as `batch`."""
        with self.batch():
            self._db.run(f"PRAGMA user_version = {VERSION}")
            for folder in ("thumbs", "vectors"):
                probe = self.path / folder / "probe.part"
                open_own(probe, "ab").close()
                probe.unlink()

    def add(self, entries: Iterable[Entry]) -> list[str]:
        """Add photos with their thumbnails and captions in one transaction, and return their ids.

        A photo replaces one with the same id or file, whose vectors become invalid, unless its content is the same.
        """
        with self.batch():
            return [self._add(entry) for entry in entries]

    def _add(self, entry: Entry) -> str:
        id, told = entry.id or "", _as_json(entry.facts)
        if entry.file is not None:
            old = self._db.rows("SELECT id, content FROM items WHERE file = ?", (entry.file,))
            if old and old[0][1] == entry.content:
                id = old[0][0]
                self.describe(id, entry.file, entry.stamp, entry.facts, entry.captions)
                if not self.thumb(id).is_file():
                    self._thumbs.write(id, entry.picture)
                return id
            self._delete(id for id, _ in old)
            id = self._free_id(entry.content or "")
        else:
            self._delete([id])
        self._thumbs.write(id, entry.picture)
        _, row = self._db.run(
            "INSERT INTO items (id, file, stamp, content, facts) VALUES (?, ?, ?, ?, ?)",
            (id, entry.file, entry.stamp, entry.content, told),
        )
        self._caption(row, entry.captions)
        return id

    def _caption(self, row: int | None, captions: Sequence[tuple[str, str]]) -> None:
        for caption in captions:
            self._db.run("INSERT OR IGNORE INTO texts (language, text) VALUES (?, ?)", caption)
            self._db.run(
                "INSERT OR IGNORE INTO captions SELECT ?, row FROM texts WHERE language = ? AND text = ?",
                (row, *caption),
            )

    def describe(
        self,
        id: str,
        file: str | None,
        stamp: str | None,
        facts: Mapping[str, Any],
        captions: Sequence[tuple[str, str]],
    ) -> None:
        """Record a new path and stamp of a photo's unchanged original, and new facts and captions in place of the old
        ones; its vectors stay."""
        with self.batch():
            if file is not None:
                self.move(id, file, stamp or "")
            found, told = self._db.rows("SELECT row FROM items WHERE id = ?", (id,)), _as_json(facts)
            for (row,) in found:
                self._db.run("UPDATE items SET stamp = ?, facts = ? WHERE row = ?", (stamp, told, row))
                if self._db.rows(_CAPTIONS_OF, (row,)) != [tuple(caption) for caption in captions]:
                    self._uncaption(row)
                    self._caption(row, captions)

    def _free_id(self, content: str) -> str:
        """An unused id for a photo with this content hash; copies of a file get a number."""
        taken, number = {id for (id,) in self._db.rows("SELECT id FROM items WHERE content = ?", (content,))}, 1
        while (id := content[:20] + (f"-{number}" if number > 1 else "")) in taken:
            number += 1
        return id

    def move(self, id: str, file: str, stamp: str) -> None:
        """Record that a photo's unchanged original has a new path or a new stamp."""
        with self.batch():
            self._delete(id for (id,) in self._db.rows("SELECT id FROM items WHERE file = ? AND id <> ?", (file, id)))
            self._db.run("UPDATE items SET file = ?, stamp = ? WHERE id = ?", (file, stamp, id))

    def put_vectors(self, system: System, modality: Modality, ids: Sequence[str], vectors: np.ndarray) -> None:
        """Store a system's vectors of photos or captions, quantised to int8.

        Vectors of other weights of the system become invalid; ids that no longer exist are left out.

        Args:
            system: the system.
            modality: of the photos or the captions (text).
            ids: N ids.
            vectors: (N, dim) float, whole ones.

        Raises:
            BadInput: a vector is not finite, or the system gives only the beginning of its codes.
        """
        if system.dim != system.stored_dim:
            raise BadInput(
                f"{system.name} is shortened to {system.dim} bits, for searching alone. Index with it whole."
            )
        if not np.isfinite(vectors).all():
            raise BadInput(f"{system.name} gave vectors that are no numbers; they were not stored. Restore its files.")
        with self.batch():
            known = dict(
                self._db.rows(
                    f"SELECT {_ID_OF[modality]}, row FROM {_TABLE_OF[modality]} "
                    f"WHERE {_ID_OF[modality]} IN (SELECT value FROM json_each(?))",
                    (json.dumps(list(ids)),),
                )
            )
            kept = [at for at, id in enumerate(ids) if id in known]
            records = quantized([known[ids[at]] for at in kept], np.asarray(vectors, np.float32)[kept])
            self._vectors.append(system.name, modality, system.fingerprint(modality), system.dim, records)

    def put_examples(self, drawings: Mapping[str, Drawing]) -> None:
        """Replace the example drawings. Coordinates are rounded to one decimal."""
        with self.batch():
            self._db.run("DELETE FROM examples")
            for name, drawing in drawings.items():
                strokes = json.dumps([np.round(stroke, 1).tolist() for stroke in drawing.strokes])
                self._db.run("INSERT INTO examples VALUES (?, ?)", (name, strokes))

    def remove(self, ids: Iterable[str]) -> None:
        """Remove photos with their captions and vectors; the next `sweep` deletes their thumbnails."""
        with self.batch():
            self._delete(ids)

    def _delete(self, ids: Iterable[str]) -> None:
        for id in ids:
            for (row,) in self._db.rows("SELECT row FROM items WHERE id = ?", (id,)):
                self._uncaption(row)
            self._db.run("DELETE FROM items WHERE id = ?", (id,))

    def _uncaption(self, row: int) -> None:
        texts = self._db.rows("SELECT text FROM captions WHERE item = ?", (row,))
        self._db.run("DELETE FROM captions WHERE item = ?", (row,))
        for text in texts:
            unused = "NOT EXISTS (SELECT 1 FROM captions WHERE text = texts.row)"
            self._db.run(f"DELETE FROM texts WHERE row = ? AND {unused}", text)

    def lacking(self, system: System, modality: Modality) -> list[str]:
        """The ids of the photos or captions without a vector of this system's current weights."""
        with self._db.reading():
            rows = self._db.rows(f"SELECT row, {_ID_OF[modality]} FROM {_TABLE_OF[modality]} ORDER BY row")
            have = self._encoded(system, modality)
        if have is None:
            with self.batch():  # alone: whoever compacts the vectors meanwhile deletes the file that was looked at
                have = self._encoded(system, modality)
                if have is None:  # damaged: all must be computed again
                    self._vectors.remove(system.name, modality)
        return [id for row, id in rows if have is None or row not in have]

    def _encoded(self, system: System, modality: Modality) -> set[int] | None:
        """The database rows with a vector of this system's current weights; None if these are damaged."""
        entry = self._vectors.find(system.name, modality)
        if entry is None or (entry.fingerprint, entry.dim) != (system.fingerprint(modality), system.stored_dim):
            return set()
        records = entry.read(self._vectors.folder)
        return None if records is None else set(records.rows.tolist())

    def systems(self) -> list[str]:
        """The names of the systems with vectors of the photos, sorted."""
        found = self._db.rows("SELECT system FROM vectors WHERE modality = 'photo' ORDER BY system")
        return [name for (name,) in found]

    def originals(self) -> dict[str, tuple[str, str | None, str | None]]:
        """(id, stamp, content hash) of each photo with an original, by its relative path."""
        rows = self._db.rows("SELECT file, id, stamp, content FROM items WHERE file IS NOT NULL")
        return {file: (id, stamp, content) for file, id, stamp, content in rows}

    def sweep(self) -> None:
        """Delete thumbnails and vector files that no row refers to; rewrite vector files that are mostly outdated."""
        with self.batch():
            ids = {f"{id}.webp" for (id,) in self._db.rows("SELECT id FROM items")}
            _unlink_others(self.path / "thumbs", ids, (".webp", ".part"))
            with self._db.checking_contents():
                for system, modality in self._db.rows("SELECT system, modality FROM vectors"):
                    rows = self._db.numbers(f"SELECT row FROM {_TABLE_OF[Modality(modality)]}")
                    self._vectors.compact(system, Modality(modality), rows)
        with self.batch():  # after the commit, when the old files are no longer referred to
            names = {name for (name,) in self._db.rows("SELECT file FROM vectors")}
            _unlink_others(self.path / "vectors", names, (".bin",))

    # ------------------------------------------------------------ inside

    def _item(self, id: str, file: str | None, told: str) -> Item:
        with self._db.checking_contents():
            if len(told) > _LONGEST_FACTS:
                raise ValueError(f"facts of {len(told):,} letters")
            known, content = json.loads(told), self.thumb(id)
            category = known.get("category")
            if category is not None and not isinstance(category, str):
                raise ValueError("a category that is no text")
            if file is not None:
                if not _inside(file):
                    raise ValueError(f"the path {shown(file)}")
                known.setdefault("file", file)
                content = self.root / file
            return Item(id, Modality.PHOTO, content, frozenset([category] if category else []), facts=known)


def _as_json(facts: Mapping[str, Any]) -> str:
    """Facts as they are stored; BadInput for those that could not be read again."""
    category = facts.get("category")
    try:
        if category is not None and not isinstance(category, str):
            raise ValueError("a category that is no text")
        return json.dumps(facts, allow_nan=False)
    except (ValueError, TypeError) as error:
        raise BadInput(f"The facts {shown(facts)} cannot be kept ({error}). Give texts and numbers.") from None


def _inside(file: str) -> bool:
    """Whether a relative path stays inside its folder."""
    odd = r"[\x00:\\]" if os.name == "nt" else r"\x00"
    return len(file) <= _LONGEST_FILE and not {"", ".", ".."} & set(file.split("/")) and not re.search(odd, file)


def _unlink_others(folder: Path, named: set[str], endings: tuple[str, ...]) -> None:
    """Delete the files with these suffixes whose names are not in `named`."""
    with os.scandir(folder) as found:
        for entry in found:
            if entry.name not in named and entry.name.endswith(endings) and entry.is_file(follow_symlinks=False):
                with suppress(OSError):
                    os.unlink(entry.path)
