"""Query -> [Hit]: one system, one gallery, and the index between them."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from numbers import Integral, Number
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from xmr import checkpoint
from xmr.compose import Ranking, check_terms, compose, encode_terms, ranking
from xmr.gallery import DEMO, Gallery, Progress, index_folder
from xmr.index import VectorIndex
from xmr.index.faiss import FlatIndex
from xmr.modality import BadInput, Hit, Item, Modality, Parts, Query, Term, listed, shown
from xmr.preprocess import Reading
from xmr.system import System

MAX_ANSWERS = 10_000
_ATTEMPTS = 3
_CANDIDATES = 3_000  # answers to each wanted term of a mixed query, of which the best for all are taken
_Where = tuple[tuple[str, tuple], ...]  # the facts asked for, each with the values it may have


@dataclass(frozen=True)
class _VectorTable:
    """The part of a gallery that one kind of search looks at: an index, and the id of each of its rows."""

    ids: list[str]
    rows: Mapping[str, int]
    index: VectorIndex


class Searcher:
    """Answers queries from one gallery with one system. Any number of threads may ask at once.

    The vectors are read at the first search and kept. After a change of the gallery by any process they are read anew.

    Attributes:
        system: what encodes the queries.
        gallery: what is searched.

    >>> import xmr
    >>> photos = xmr.open()  # the shipped gallery
    >>> best, *_ = photos.search(text="a cup", minus_text="snow", k=3)
    >>> best.rank, best.item.facts["category"], best.thumbnail.suffix
    (1, 'cup', '.webp')
    """

    def __init__(self, system: System, gallery: Gallery) -> None:
        """Raises GalleryMismatch, at the first search, if the gallery's vectors are of other weights."""
        self.system = system
        self.gallery = gallery
        self._tables: dict[tuple[Modality, str | None], _VectorTable] = {}
        self._filtered: tuple[_Where, _VectorTable] | None = None  # of the last search with a `where`
        self._version: tuple[int, ...] = ()
        self._lock = threading.RLock()

    @classmethod
    def open(
        cls,
        folder: str | Path = DEMO,
        system: str | Path | System = "tri",
        *,
        index: bool = False,
        index_dir: str | Path | None = None,
    ) -> Searcher:
        """The photos of a folder, to be searched with one system: xmr.open("~/photos").

        Args:
            folder: one that was indexed, or a gallery; the shipped one, unless another is given.
            system: a checkpoint's name or folder, or what xmr.load gave.
            index: bring the folder up to date first, with a progress bar where stderr is a terminal; the files that
                are passed over are logged as warnings.
            index_dir: where the index is kept instead of in the folder.

        Raises:
            BadInput: no such folder or checkpoint, or a folder that is not indexed yet.

        >>> import xmr
        >>> [hit.item.facts["category"] for hit in xmr.open().search(text="eine Tasse", k=2)]
        ['cup', 'cup']
        """
        if not isinstance(system, System):
            system = checkpoint.load(system)
        if index:
            with progress_bar() as progress:
                report = index_folder(folder, [system], progress, index_dir=index_dir)
            for path, why in report.skipped:
                logging.getLogger(__name__).warning("%s: %s", path, why)
        return cls(system, Gallery.open(folder, index_dir))

    def prepare(self) -> None:
        """Read now what the first search by words or by a drawing would wait for; BadInput if this gallery cannot be
        searched. The photo encoder stays for the first photo."""
        self._table(Modality.PHOTO)
        self._table(Modality.TEXT)
        for modality in {Modality.SKETCH, Modality.TEXT} & self.system.encoders.keys():
            _ = self.system.encoder(modality).session

    def search(
        self,
        query: Query | None = None,
        k: int = 10,
        exclude: Collection[str] = (),
        where: Mapping[str, Any] | None = None,
        **parts: Unpack[Parts],
    ) -> list[Hit]:
        """The k best photos, best first; fewer if the gallery has fewer.

        Args:
            query: or, in its place, its `parts` as Query.of takes them: search(text="a car", minus_photo="bus.jpg").
                Texts among these are read as people type them, as `read` says; those of a Query are taken as they are.
            k: how many, at most 10,000.
            exclude: ids to leave out.
            where: facts that each answer must have, and for each the value or a list of values that will do:
                {"category": "cup", "colour": ["red", "blue"]}. None stands for a fact that is not known of a photo.

        Raises:
            BadInput: a query, k, exclude or where that cannot be used, or a gallery that cannot be searched.

        >>> import xmr
        >>> [hit.item.facts["colour"] for hit in xmr.open().search(text="a cup", where={"colour": "blue"}, k=2)]
        ['blue', 'blue']
        """
        if query is None:
            query, _ = self.read(Query.of(**parts))
        elif parts:
            raise BadInput(f"Give a whole Query, or its parts ({', '.join(parts)}), not both.")
        conditions = None if where is None else _conditions(where)

        def open_table() -> _VectorTable:
            return self._table(Modality.PHOTO) if conditions is None else self._table_where(conditions)

        return self._hits(query, k, open_table, Modality.PHOTO, exclude, self.gallery.find)

    def captions(self, query: Query, k: int = 5, language: str | None = None) -> list[Hit]:
        """The k best captions of the gallery, in one language or in all; each text once, as an Item of text. An empty
        list if the gallery has no captions.

        Raises:
            BadInput: as `search`.
        """
        open_table = partial(self._table, Modality.TEXT, language)
        return self._hits(query, k, open_table, Modality.TEXT, (), self.gallery.find_texts)

    def explain(self, query: Query, item_id: str) -> str:
        """A photo's best-matching caption for a query, in any language; its file's name where it has no captions."""
        table = self._table(Modality.TEXT)
        texts = [text for text in self.gallery.texts_of(item_id) if text.id in table.rows]
        if not texts:
            return self.gallery.caption(item_id)
        own = table.index.vectors(np.array([table.rows[text.id] for text in texts]))  # (captions, dim)
        wanted = Query(tuple(term for term in query.terms if term.weight > 0))  # what is unwanted explains no photo
        return str(texts[int((own @ compose(self.system, wanted)).argmax())].content)

    def explain_map(self, query: Query, item_id: str) -> np.ndarray:
        """Where in a photo the answer to a query is: (rows, columns) float32, what each cell of the photo, which covers
        it evenly, adds to the score of the query's vector. A cell below zero speaks against the photo.

        Exact for photo towers that end with average pooling and a projection head: the cells add up to the score but
        for the head's bias. Several terms count as their weighted sum, and unwanted ones not at all.

        Raises:
            BadInput: there is no such photo or picture, or the system's vectors cannot be split so.

        >>> import xmr
        >>> photos = xmr.open()
        >>> query = xmr.Query.of(text="a cup")
        >>> photos.explain_map(query, photos.search(query, k=1)[0].item.id).shape
        (7, 7)
        """
        wanted = Query(tuple(term for term in query.terms if term.weight > 0))
        vector = compose(self.system, wanted)
        return self.system.encoder(Modality.PHOTO).cells(self.gallery.thumbnail(item_id)) @ vector

    def read(self, query: Query) -> tuple[Query, list[Reading]]:
        """The query with its texts as the person means them who typed them, and how each was read (System.read): with
        misspelt words put right, and with what "no" or "ohne" takes away as terms of their own.

        Raises:
            BadInput: the system takes no text, or a part or weight of the query cannot be used.

        >>> import xmr
        >>> query, _ = xmr.open().read(xmr.Query.of(text="a bannana, no apples"))
        >>> [(term.content, term.weight) for term in query.terms]
        [('a banana', 1.0), ('apples', -1.0)]
        """
        check_terms(query)
        terms: list[Term] = []
        readings = []
        for term in query.terms:
            if term.modality is not Modality.TEXT or not isinstance(term.content, str) or not term.content.strip():
                terms.append(term)
                continue
            readings.append(reading := self.system.read(term.content, negations=term.weight > 0))
            terms += [replace(term, content=text, weight=sign * term.weight) for text, sign in reading.terms]
        return Query(tuple(terms)), readings

    def encode(self, term: Term) -> Term:
        """The same term with its (dim,) vector as its content, so that searching again doesn't encode again.

        Raises:
            BadInput: its content cannot be used.
        """
        if isinstance(term.content, np.ndarray):
            return term
        return replace(term, content=self.system.encode(term.modality, [term.content])[0])

    def like(self, item_id: str, weight: float = 1.0) -> Term:
        """A term that asks for photos like one of the gallery; pass its id to `exclude` to leave itself out.

        Raises:
            BadInput: the gallery has no such photo.
        """
        table = self._table(Modality.PHOTO)
        if item_id not in table.rows:
            raise BadInput(f"There is no photo {shown(item_id)} in {self.gallery.path}. Search again.")
        return Term(Modality.PHOTO, table.index.vectors(np.array([table.rows[item_id]]))[0], weight)

    def _hits(
        self,
        query: Query,
        k: int,
        open_table: Callable[[], _VectorTable],
        target: Modality,
        exclude: Collection[str],
        find: Callable[[Sequence[str]], Mapping[str, Item]],
    ) -> list[Hit]:
        """The k best of a table. Where one of them was removed since it was read, it is read and searched again; in a
        gallery that never rests, what is gone is passed over in the end."""
        if not isinstance(k, Integral) or isinstance(k, bool) or not 1 <= k <= MAX_ANSWERS:
            raise BadInput(f"The number of answers must be at least 1 and at most {MAX_ANSWERS:,}; {shown(k)} came.")
        listed = isinstance(exclude, (Sequence, Set)) and not isinstance(exclude, str)
        if not listed or not all(isinstance(id, str) for id in exclude):
            raise BadInput(f"What to leave out must be a list of ids; {shown(exclude)} came.")
        terms = None
        for _ in range(_ATTEMPTS):
            table = open_table()
            if not table.ids:
                return []
            if terms is None:
                terms = encode_terms(self.system, query)  # (T, dim)
                ranked = ranking(self.system, query, terms, target)
            left_out = {table.rows[id] for id in exclude if id in table.rows}
            scores, rows = _best(table.index, ranked, int(k) + len(left_out))
            kept = [at for at, row in enumerate(rows.tolist()) if row not in left_out][:k]
            scores, rows = scores[kept], rows[kept]
            odds = ranked.match(table.index.vectors(rows))
            ids = [table.ids[row] for row in rows.tolist()]
            items = find(ids)
            if len(items) == len(ids):
                break
        found = [at for at, id in enumerate(ids) if id in items]
        return [
            Hit(
                items[ids[at]],
                float(scores[at]),
                rank,
                None if odds is None else float(odds[at]),
                self.gallery.thumb(ids[at]) if target is Modality.PHOTO else None,
            )
            for rank, at in enumerate(found, 1)
        ]

    def _table_where(self, where: _Where) -> _VectorTable:
        """The photos that have these facts; BadInput for a fact of which nothing is known here."""
        with self._lock:
            whole = self._table(Modality.PHOTO)
            if self._filtered is None or self._filtered[0] != where:
                facts = {item.id: item.facts for item in self.gallery}
                known = set().union(*facts.values())
                if unknown := [name for name, _ in where if name not in known]:
                    raise BadInput(
                        f"No photo here has the fact {shown(unknown[0])}. Known are: "
                        f"{', '.join(sorted(known)) or 'none'}."
                    )
                ids = [
                    id
                    for id in whole.ids
                    if id in facts and all(facts[id].get(name) in values for name, values in where)
                ]
                vectors = whole.index.vectors(np.array([whole.rows[id] for id in ids], np.int64))
                self._filtered = where, self._indexed(ids, vectors)
            return self._filtered[1]

    def _table(self, modality: Modality, language: str | None = None) -> _VectorTable:
        with self._lock:
            if (version := self.gallery.version()) != self._version:
                self._tables, self._filtered, self._version = {}, None, version
            key = (modality, language)
            if key not in self._tables:
                self._tables[key] = self._read(modality, language)
            return self._tables[key]

    def _read(self, modality: Modality, language: str | None) -> _VectorTable:
        ids, vectors = self.gallery.vectors(self.system, modality, language)
        if not ids and modality is Modality.PHOTO:
            raise BadInput(f"{self.gallery.path} holds no photos to search. Choose another gallery.")
        return self._indexed(ids, vectors)

    def _indexed(self, ids: list[str], vectors: np.ndarray) -> _VectorTable:
        index = FlatIndex(self.system.space, self.system.dim)
        index.add(vectors)
        return _VectorTable(ids, {id: row for row, id in enumerate(ids)}, index)


def _best(index: VectorIndex, ranked: Ranking, k: int) -> tuple[np.ndarray, np.ndarray]:
    """The scores and the rows of the k best answers in an index, (k,) each, best first."""
    if not ranked.exact:
        scores, rows = index.search(ranked.candidates, k)
        return scores[0], rows[0]
    _, rows = index.search(ranked.candidates, max(_CANDIDATES, k))
    rows = np.unique(rows)
    scores = ranked.scores(index.vectors(rows))
    best = np.argsort(-scores, kind="stable")[:k]
    return scores[best], rows[best]


def _conditions(where: Mapping[str, Any]) -> _Where:
    """A search's `where`, in a form that can be compared; BadInput for what cannot be one."""
    if not isinstance(where, Mapping) or not all(isinstance(name, str) for name in where):
        raise BadInput(f'What photos must be is said as facts, such as {{"category": "cup"}}; {shown(where)} came.')
    found = {name: tuple(listed(given)) for name, given in where.items()}
    for name, values in found.items():
        for value in values:
            if not isinstance(value, (str, Number, type(None))):
                raise BadInput(f"{shown(name)} must be a text or a number, or a list of them; {shown(value)} came.")
    return tuple(sorted(found.items(), key=lambda one: one[0]))


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """A function for index_folder's `progress`: it shows a bar on stderr where that is a terminal."""
    from tqdm import tqdm

    with tqdm(unit=" photos", disable=None) as bar:

        def show(progress: Progress) -> None:
            bar.total = progress.total
            bar.update(progress.done - bar.n)

        yield show
