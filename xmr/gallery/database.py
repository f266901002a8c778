"""The SQLite file of a gallery. It is opened only if it has exactly the expected tables; errors are for users to read.

Galleries are not trusted. Views and triggers in the file would run inside our statements, so such files are refused;
a journal beside it may have SQLite delete any file, so a journal that names one is refused; the length of values is
limited; and the contents of the tables are checked where they are used (`checking_contents`).
"""

from __future__ import annotations

import os
import re
import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any
from urllib.request import pathname2url

import numpy as np

from xmr.files import open_own
from xmr.modality import BadInput

VERSION = 3
ELSEWHERE = "Check its permissions and the disk, or keep the index elsewhere with --index-dir."

_MAX_VALUE = 8_000_000  # bytes of one value
_WAIT = 60.0  # seconds to wait while another program writes
_NAMES_ANOTHER = bytes.fromhex("d9d505f920a163d7")  # the end of a journal that names a file common to several databases
_SCHEMA = """
CREATE TABLE items (
    row INTEGER PRIMARY KEY AUTOINCREMENT,  -- never given twice: vectors name it
    id TEXT NOT NULL UNIQUE,
    file TEXT UNIQUE,           -- the original, from the photos' folder; NULL where the thumbnail is all there is
    stamp TEXT,                 -- the original's size and time when it was read: after a change it is read again
    content TEXT,               -- sha256 of the original
    facts TEXT NOT NULL         -- JSON
) STRICT;
CREATE INDEX items_of_content ON items (content);
CREATE TABLE texts (
    row INTEGER PRIMARY KEY AUTOINCREMENT,
    language TEXT NOT NULL,
    text TEXT NOT NULL,
    UNIQUE (language, text)
) STRICT;
CREATE TABLE captions (
    item INTEGER NOT NULL REFERENCES items (row) ON DELETE CASCADE,
    text INTEGER NOT NULL REFERENCES texts (row),
    PRIMARY KEY (item, text)
) STRICT, WITHOUT ROWID;
CREATE INDEX captions_of_text ON captions (text);
CREATE TABLE vectors (
    system TEXT NOT NULL,
    modality TEXT NOT NULL,
    fingerprint TEXT NOT NULL,  -- of the encoder that made them
    dim INTEGER NOT NULL,
    file TEXT NOT NULL,         -- in the folder of vectors
    count INTEGER NOT NULL,     -- of its records that are valid
    PRIMARY KEY (system, modality)
) STRICT, WITHOUT ROWID;
CREATE TABLE examples (
    name TEXT PRIMARY KEY,
    strokes TEXT NOT NULL       -- JSON: a list of strokes, each a list of [x, y]
) STRICT;
CREATE TABLE about (
    key TEXT PRIMARY KEY,       -- "root": the folder of the photos when the gallery was made
    value TEXT NOT NULL
) STRICT;
"""
_STATEMENTS = [" ".join(part.split()) for part in re.sub(r"--.*", "", _SCHEMA).split(";") if part.strip()]
_connections = count()  # of this process
_TABLES = "SELECT type, name, tbl_name, sql FROM sqlite_master ORDER BY type, name"


class GalleryMismatch(BadInput):
    """A gallery's vectors or format don't match this system or program; the message has the command that fixes it.

    Attributes:
        version: the gallery's format version, if that differs; None otherwise.
    """

    def __init__(self, message: str, version: int | None = None) -> None:
        super().__init__(message)
        self.version = version


class NotWritable(BadInput):
    """A gallery's folder can't be written."""


class Database:
    """A gallery's SQLite file. It is safe to use from several threads; statements run one at a time.

    Attributes:
        file:   its path.
        remedy: a sentence that says how to replace a damaged gallery.
    """

    def __init__(self, file: Path, remedy: str) -> None:
        """Open an existing file; raises BadInput if that fails."""
        self.file, self.remedy = file, remedy
        self.lock = threading.RLock()
        self._writing = False
        self._commits = 0
        self._opened: tuple[int, ...] = ()  # device and inode of the file that is open; () for none
        self._connect()

    def close(self) -> None:
        """Close the file."""
        with self.lock:
            self._db.close()

    def is_empty(self) -> bool:
        """Whether it has no table yet."""
        return not self.rows(_TABLES)

    def create_tables(self) -> None:
        """Create the tables; to be called inside `writing`."""
        for statement in _STATEMENTS:
            self.run(statement)
        self.run(f"PRAGMA user_version = {VERSION}")

    def check(self) -> None:
        """Check that the file has exactly the tables of this version.

        Raises:
            GalleryMismatch: it has another format version.
            BadInput: it is not a gallery.
        """
        if (version := self.rows("PRAGMA user_version")[0][0]) != VERSION:
            raise GalleryMismatch(
                f"{self.file.parent} is a gallery of version {version}, but this program reads version {VERSION}. "
                f"{self.remedy}",
                version,
            )
        if self.rows(_TABLES) != _tables():
            raise BadInput(f"{self.file} is no gallery of this program. {self.remedy}")

    def version(self) -> tuple[int, ...]:
        """A value that changes with every change of the file, by any process, and that is another each time the file is
        opened, since SQLite counts changes anew then; fast enough to ask before each search.

        Raises:
            BadInput: the file is gone.
        """
        with self.lock:
            self._check_journal()
            if _device_and_inode(self.file) != self._opened:  # deleted, and perhaps created again
                if not self.file.is_file():
                    raise BadInput(f"{self.file} is gone. {self.remedy}")
                self._reopen()
            return self._connection, self.rows("PRAGMA data_version")[0][0], self._commits

    def rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple]:
        """Run a statement and return all its rows."""
        return self.run(sql, values)[0]

    def numbers(self, sql: str, values: Sequence[Any] = ()) -> np.ndarray:
        """Run a statement and return its only column, whole numbers, as (N,) int64: a million rows in little memory."""
        with self._said(), self.lock:
            cursor = self._db.execute(sql, values)
            return np.fromiter((value for (value,) in cursor), np.int64)

    def run(self, sql: str, values: Sequence[Any] = ()) -> tuple[list[tuple], int | None]:
        """Run a statement and return all its rows, and the id of the row that it inserted.

        Raises:
            NotWritable: the file can't be read or written.
            BadInput: it is damaged or closed, or another program has been writing for a minute.
        """
        with self._said(), self.lock:
            cursor = self._db.execute(sql, values)
            return cursor.fetchall(), cursor.lastrowid

    @contextmanager
    def _said(self) -> Iterator[None]:
        """A context that turns SQLite's errors into those of `run`."""
        try:
            yield
        except (sqlite3.Error, UnicodeError, OverflowError, TypeError) as error:  # the others: damaged contents
            said = str(error)
            if "locked" in said:
                raise BadInput(f"Another program is writing {self.file}. Try again in a moment.") from None
            if any(word in said for word in ("readonly", "is full", "unable to open", "disk I/O")):
                raise NotWritable(f"{self.file} cannot be read or written: {said}. {ELSEWHERE}") from None
            if "closed database" in said:
                raise BadInput(f"{self.file} was closed. Open the gallery again.") from None
            raise BadInput(f"{self.file} is damaged ({said}). {self.remedy}") from None

    @contextmanager
    def reading(self) -> Iterator[None]:
        """A context in which all reads see one consistent state."""
        with self.lock:
            if self._writing:
                yield
                return
            self.run("BEGIN")
            try:
                yield
            finally:
                self._end("COMMIT")

    @contextmanager
    def writing(self) -> Iterator[None]:
        """A transaction: everything written inside is committed together or not at all. May be nested."""
        with self.lock:
            if self._writing:
                yield
                return
            self.run("BEGIN IMMEDIATE")
            self._writing = True
            try:
                yield
                self.run("COMMIT")
                self._commits += 1
            finally:
                self._writing = False
                self._end("ROLLBACK")

    @contextmanager
    def checking_contents(self) -> Iterator[None]:
        """A context that turns errors from malformed contents into BadInput."""
        try:
            yield
        except BadInput:
            raise
        except (ValueError, TypeError, KeyError, AttributeError, RuntimeError, OverflowError) as error:
            raise BadInput(f"{self.file} is damaged ({error}). {self.remedy}") from None

    def _end(self, statement: str) -> None:
        if self._db.in_transaction:
            self.run(statement)

    def _check_journal(self) -> None:
        """Refuse a journal that names another file. SQLite writes such ones only for a transaction of several
        databases, which this program never has; and on rolling one back it deletes the file that is named."""
        journal = self.file.with_name(f"{self.file.name}-journal")
        try:
            with open_own(journal) as file:
                file.seek(-len(_NAMES_ANOTHER), os.SEEK_END)
                named = file.read() == _NAMES_ANOTHER
        except OSError:  # there is none, or less than that; SQLite itself opens no link
            return
        if named:
            raise BadInput(f"{journal} is not of this program, and would have another file deleted. Delete it.")

    def _connect(self) -> None:
        self._check_journal()
        self._connection, self._opened = next(_connections), _device_and_inode(self.file)
        address = f"file:{pathname2url(str(self.file.absolute()))}?mode=rw"  # opening must not create the file
        try:
            self._db = sqlite3.connect(address, _WAIT, check_same_thread=False, isolation_level=None, uri=True)
        except sqlite3.Error as error:
            raise BadInput(f"{self.file} cannot be opened: {error}. Check its permissions.") from None
        self._db.setlimit(sqlite3.SQLITE_LIMIT_LENGTH, _MAX_VALUE)
        self._db.setlimit(sqlite3.SQLITE_LIMIT_ATTACHED, 0)
        for pragma in ("foreign_keys = ON", "trusted_schema = OFF", "cell_size_check = ON", "mmap_size = 0"):
            self.run(f"PRAGMA {pragma}")

    def _reopen(self) -> None:
        """Open the file that is now in the place of the one that was open. One that is refused is closed again, and
        checked anew the next time."""
        self._db.close()
        try:
            self._connect()
            self.check()
        except BadInput:
            self._opened = ()
            self._db.close()
            raise


@lru_cache(maxsize=1)
def _tables() -> list[tuple]:
    """The tables and indexes of a new gallery, in SQLite's own description."""
    db = sqlite3.connect(":memory:")
    for statement in _STATEMENTS:
        db.execute(statement)
    found = db.execute(_TABLES).fetchall()
    db.close()
    return found


def _device_and_inode(file: Path) -> tuple[int, int]:
    """Device and inode of the file at a path; zeros if there is none."""
    try:
        found = os.stat(file)
    except OSError:
        return 0, 0
    return found.st_dev, found.st_ino
