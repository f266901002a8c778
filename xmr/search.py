"""Query -> [Hit]: one system, one gallery, and the index between them."""

from __future__ import annotations

import hashlib
import logging
import os
import shlex
import threading
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from numbers import Integral
from pathlib import Path
from typing import Any, Unpack

import numpy as np

from xmr import checkpoint
from xmr.compose import Ranking, check_terms, compose, encode_terms, ranking, text_of
from xmr.engine import open_engine
from xmr.gallery import DEMO, Gallery, Progress, index_folder
from xmr.gallery.vectors import StoredVectors
from xmr.index import Selection, VectorIndex, choose_kind
from xmr.index.faiss import FaissIndex
from xmr.index.kept import KeptIndex
from xmr.modality import BadInput, Hit, Item, Modality, Parts, Query, Term, shown
from xmr.preprocess import Reading
from xmr.system import System
from xmr.where import Condition, conditions

MAX_ANSWERS = 10_000
_ATTEMPTS = 3
_SPARE = 10  # answers that are asked for beside those that were missing
_CANDIDATES = 3_000  # answers to each wanted term of a mixed query, of which the best for all are taken
_REMEMBERED = 20_000  # items that were looked up
_SELECTIONS = 16  # of the last searches with a `where`


@dataclass(frozen=True)
class _Table:
    """The photos or the captions of a gallery as they are searched: an index of their vectors by database row, and the
    items that were looked up with their thumbnails, until the gallery changes."""

    index: VectorIndex
    items: dict[int, tuple[Item, Path | None]] = field(default_factory=dict)


class Searcher:
    """Answers queries from one gallery with one system. Any number of threads may ask at once.

    The vectors are opened at the first search and kept. After a change of the gallery by any process they are opened
    anew.

    Attributes:
        system: what encodes the queries.
        gallery: what is searched.

    >>> import xmr
    >>> photos = xmr.open()  # the shipped gallery
    >>> best, *_ = photos.search(text="a cup", minus_text="snow", k=3)
    >>> best.rank, best.item.facts["category"], best.thumbnail.suffix
    (1, 'cup', '.webp')
    """

    def __init__(self, system: System, gallery: Gallery, kind: str | None = None, engine: str | None = None) -> None:
        """
        Args:
            system: what encodes the queries.
            gallery: what is searched.
            kind: of the index: "flat" (exact), "hnsw" or "ivfpq"; None for the one that suits the number of photos.
            engine: URI of Milvus, which searches the photos then; xmr.engine.synchronize brings them there.

        Raises BadInput for another type, or a kind that is not for the system's space, and GalleryMismatch, at the
        first search, if the gallery's vectors are of other weights.
        """
        if not isinstance(system, System) or not isinstance(gallery, Gallery):
            wrong = gallery if isinstance(system, System) else system
            raise BadInput(
                f"Expected a System and a Gallery; {shown(wrong)} came. xmr.open takes the names of both: "
                'xmr.open("~/photos", "tri").'
            )
        choose_kind(system.space, 0, kind)
        self.system = system
        self.gallery = gallery
        self._kind, self._uri = kind, engine
        self._engine: VectorIndex | None = None
        self._tables: dict[Modality, _Table] = {}
        self._opened: dict[Modality, tuple[StoredVectors, FaissIndex]] = {}  # also of earlier versions
        self._selections: dict[Any, Selection] = {}
        self._facets: dict[tuple[Condition, ...], dict[str, dict[Any, int]]] = {}
        self._version: tuple[int, ...] = ()
        self._lock = threading.RLock()

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.system!r}, {self.gallery!r})"

    @classmethod
    def open(
        cls,
        folder: str | Path = DEMO,
        system: str | Path | System = "tri",
        *,
        index: bool = False,
        index_dir: str | Path | None = None,
        kind: str | None = None,
        engine: str | None = None,
    ) -> Searcher:
        """The photos of a folder, to be searched with one system: xmr.open("~/photos").

        Args:
            folder: one that was indexed, or a gallery; the shipped one, unless another is given.
            system: a checkpoint's name or folder, or what xmr.load gave.
            index: bring the folder up to date first, with a progress bar where stderr is a terminal; the files that
                are passed over are logged as warnings.
            index_dir: where the index is kept instead of in the folder.
            kind, engine: as in Searcher().

        Raises:
            BadInput: no such folder, checkpoint or kind, or a folder that is not indexed yet.

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
        return cls(system, Gallery.open(folder, index_dir), kind, engine)

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
                A range is {"from": low, "to": high}. "taken" is a date or its beginning, or a pair of them:
                ("2024-01", "2024-06"); "folder" is a folder with all below it, or a pattern of the file's path:
                "2024/*"; "language" is one in which the photo has a caption.

        Raises:
            BadInput: a query, k, exclude or where that cannot be used, or a gallery that cannot be searched.

        >>> import xmr
        >>> [hit.item.facts["colour"] for hit in xmr.open().search(text="a cup", where={"colour": "blue"}, k=2)]
        ['blue', 'blue']
        """
        wanted = None if where is None else conditions(where)
        return self._hits(self._whole(query, parts), k, Modality.PHOTO, exclude, wanted)

    def _whole(self, query: Query | None, parts: Parts) -> Query:
        """The query that `search` is asked, whole or as its parts, whose texts are read; BadInput if both are given."""
        if query is None:
            return self.read(Query.of(**parts))[0]
        if parts:
            raise BadInput(f"Give a whole Query, or its parts ({', '.join(parts)}), not both.")
        return query

    def facets(self, where: Mapping[str, Any] | None = None) -> dict[str, dict[Any, int]]:
        """The facts of the photos, and for each its values with the number of photos, most frequent first; at most 500
        values of a fact. Of "taken" these are the years, of "folder" the first folders.

        Args:
            where: count only the photos with these facts, as in `search`.

        >>> import xmr
        >>> xmr.open().facets({"category": "cup"})["colour"]["blue"] > 0
        True
        """
        wanted = () if where is None else conditions(where)
        with self._lock:
            self._refresh()
            if wanted not in self._facets:
                while len(self._facets) >= _SELECTIONS:
                    del self._facets[next(iter(self._facets))]
                self._facets[wanted] = self.gallery.facets(wanted)
            return {name: dict(values) for name, values in self._facets[wanted].items()}

    def captions(self, query: Query, k: int = 5, language: str | None = None) -> list[Hit]:
        """The k best captions of the gallery, in one language or in all; each text once, as an Item of text. An empty
        list if the gallery has no captions.

        Raises:
            BadInput: as `search`.
        """
        return self._hits(query, k, Modality.TEXT, (), language)

    def explain(self, query: Query, item_id: str, language: str | None = None) -> str:
        """A photo's best-matching caption for a query; its file's name where it has no captions.

        language: of the captions, where there are some in it; None: that of the query's words, or any.

        Raises:
            BadInput: a query that cannot be used, or what is no id.
        """
        check_id(item_id)
        index, texts = self._table(Modality.TEXT).index, self.gallery.texts_of(item_id)
        known = index.holds(np.array([int(text.id) for text in texts], np.int64))
        texts = [text for text, held in zip(texts, known, strict=True) if held]
        if not texts:
            return self.gallery.caption(item_id)
        language = language or self.language(query)
        texts = [text for text in texts if text.language == language] or texts
        own = index.vectors(np.array([int(text.id) for text in texts], np.int64))  # (captions, dim)
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
        check_terms(query)
        wanted = Query(tuple(term for term in query.terms if term.weight > 0))
        vector = compose(self.system, wanted)
        check_id(item_id)
        self.gallery.get(item_id)  # refuses what is no photo here
        return self.system.encoder(Modality.PHOTO).cells(self.gallery.thumbnail(item_id)) @ vector

    def language(self, query: Query) -> str | None:
        """The language of the words that a query asks for; None where it has none, or where that is open.

        >>> import xmr
        >>> xmr.open().language(xmr.Query.of(text="ein rotes Auto"))
        'de'
        """
        check_terms(query)
        texts = [term.content for term in query.terms if term.weight > 0 and isinstance(term.content, str)]
        if not texts or Modality.TEXT not in self.system.encoders:
            return None
        words = self.system.encoder(Modality.TEXT).vocabulary
        return words.language(" ".join(texts)) if words else None

    def read(self, query: Query) -> tuple[Query, list[Reading]]:
        """The query with its texts as the person means them who typed them, and how each was read (System.read): with
        misspelt words put right, and with what "no" or "ohne" takes away as terms of their own. A text that only takes
        away asks for "a photo" where no other part asks for anything.

        Raises:
            BadInput: the system takes no text, or a part or weight of the query cannot be used.

        >>> import xmr
        >>> query, _ = xmr.open().read(xmr.Query.of(text="a bannana, no apples"))
        >>> [(term.content, term.weight) for term in query.terms]
        [('a banana', 1.0), ('apples', -1.0)]
        """
        check_terms(query)
        read = [(term, self._reading(term)) for term in query.terms]
        wanted = any(term.weight > 0 and not (reading and reading.only_unwanted) for term, reading in read)
        terms: list[Term] = []
        for term, reading in read:
            if reading is None:
                terms.append(term)
                continue
            # "a photo" beside a drawing would count as much as the drawing does
            texts = reading.terms[1:] if wanted and reading.only_unwanted else reading.terms
            terms += [replace(term, content=text, weight=sign * term.weight) for text, sign in texts]
        return Query(tuple(terms)), [reading for _, reading in read if reading]

    def _reading(self, term: Term) -> Reading | None:
        """How a typed text is read; None for what is none."""
        if term.modality is not Modality.TEXT or not isinstance(term.content, str) or not term.content.strip():
            return None
        return self.system.read(term.content, negations=term.weight > 0)

    def encode(self, term: Term) -> Term:
        """The same term with its (dim,) vector as its content, so that searching again doesn't encode again.

        Raises:
            BadInput: its content cannot be used.
        """
        check_terms(Query((term,)))
        if isinstance(term.content, np.ndarray):
            return term
        return replace(term, content=self.system.encode(term.modality, [term.content])[0], words=text_of(term))

    def like(self, item_id: str, weight: float = 1.0) -> Term:
        """A term that asks for photos like one of the gallery; pass its id to `exclude` to leave itself out.

        Raises:
            BadInput: the gallery has no such photo.
        """
        check_id(item_id)
        index = self._table(Modality.PHOTO).index
        rows = np.array(list(self.gallery.rows_of([item_id]).values()), np.int64)
        if not index.holds(rows).any():
            raise BadInput(f"There is no photo {shown(item_id)} in {self.gallery.path}. Search again.")
        return Term(Modality.PHOTO, index.vectors(rows)[0], weight)

    def _hits(
        self,
        query: Query,
        k: int,
        target: Modality,
        exclude: Collection[str],
        among: tuple[Condition, ...] | str | None,
    ) -> list[Hit]:
        """The k best photos or captions. Where one of them was removed since the vectors were opened, they are opened
        and searched again; and more are asked for, since Milvus may not have heard of it yet. In a gallery that never
        rests, what is gone is passed over in the end."""
        check_answers(k, exclude)
        terms, more = None, 0
        for _ in range(_ATTEMPTS):
            table = self._table(target)
            if not len(table.index):
                return []
            if terms is None:
                terms = encode_terms(self.system, query)  # (T, dim)
                ranked = ranking(self.system, query, terms, target)
            left_out = set(self.gallery.rows_of(exclude).values()) if exclude else set()
            scores, found = _best(table.index, ranked, int(k) + len(left_out) + more, self._selection(among))
            items = self._items(table, target, found.tolist())
            kept = [at for at, row in enumerate(found.tolist()) if row in items and row not in left_out][:k]
            scores, rows = scores[kept] + 0.0, found[kept].tolist()  # no distance is 0, not -0
            odds = ranked.match(table.index.vectors(found[kept]))
            if odds is not None:  # their order goes by other weights than their chance
                odds = np.minimum.accumulate(odds)
            missing = len(found) - len(items)
            if len(rows) == k or not missing:
                break
            more += missing + _SPARE
        said = zip(rows, scores.tolist(), [None] * len(rows) if odds is None else odds.tolist(), strict=True)
        there = [(items[row], score, match) for row, score, match in said]
        return [Hit(item, score, rank, match, thumb) for rank, ((item, thumb), score, match) in enumerate(there, 1)]

    def _items(self, table: _Table, target: Modality, rows: Sequence[int]) -> Mapping[int, tuple[Item, Path | None]]:
        """The items of these database rows; those that are gone are left out."""
        if unknown := [row for row in rows if row not in table.items]:
            if len(table.items) > _REMEMBERED:
                table.items.clear()
                unknown = list(rows)
            found: dict[int, tuple[Item, Path | None]]
            if target is Modality.PHOTO:
                photos = self.gallery.find_rows(unknown)
                found = {row: (item, self.gallery.thumb(item.id)) for row, item in photos.items()}
            else:
                texts = self.gallery.find_texts([str(row) for row in unknown])
                found = {int(id): (text, None) for id, text in texts.items()}
            table.items.update(found)
        return {row: table.items[row] for row in rows if row in table.items}

    def _selection(self, among: tuple[Condition, ...] | str | None) -> Selection | None:
        """The photos with some facts, or the captions of a language; BadInput for a fact of which nothing is known."""
        if among is None:
            return None
        with self._lock:
            if among not in self._selections:
                while len(self._selections) >= _SELECTIONS:
                    del self._selections[next(iter(self._selections))]
                if isinstance(among, str):
                    self._selections[among] = Selection(lambda: self.gallery.captions_in(among))
                else:
                    self.gallery.check_facts(among)
                    self._selections[among] = Selection(lambda: self.gallery.select(among), among)
            return self._selections[among]

    def _table(self, modality: Modality) -> _Table:
        with self._lock:
            self._refresh()
            if modality not in self._tables:
                index = self._open_index(modality)
                if isinstance(index, FaissIndex):
                    index.prepare()
                self._tables[modality] = _Table(index)
            return self._tables[modality]

    def _refresh(self) -> None:
        """Forget what was found in an earlier version of the gallery."""
        if (version := self.gallery.version()) != self._version:
            self._tables, self._selections, self._facets, self._version = {}, {}, {}, version

    def _open_index(self, modality: Modality) -> VectorIndex:
        """The index over the gallery's vectors, before it is built."""
        if self._uri is not None and modality is Modality.PHOTO:
            if self.system.dim != self.system.stored_dim:
                raise BadInput(f"Milvus holds whole codes. Ask it by {self.system.name} as it is, or search here.")
            if self._engine is None:
                self._engine = open_engine(self.gallery, self.system, self._uri)
            if (there := len(self._engine)) != (here := len(self.gallery)):
                logging.getLogger(__name__).warning(
                    "Milvus holds %d photos of %s, which has %d now. Bring it in step: %s --system %s --engine milvus "
                    "--uri %s",
                    *(there, self.gallery.path, here, self.gallery.command(), shlex.quote(self.system.name)),
                    shlex.quote(self._uri),
                )
            return self._engine
        space, dim = self.system.space, self.system.dim
        found = self.gallery.stored(self.system, modality)
        if found is None:
            return FaissIndex("flat", space, dim)
        stored, gone = found
        if modality is Modality.PHOTO and gone.all():
            raise BadInput(f"{self.gallery.path} holds no photos to search. Choose another gallery.")
        index = FaissIndex(self._kind, space, dim, (stored.rows, stored), gone)
        if index.kind != "flat":
            place = f"{self.gallery.path.resolve()}\n{self.system.name}\n{modality}"  # a copy of a gallery has its own
            place += f"\n{dim}" * (dim != self.system.stored_dim)
            name = hashlib.sha256(os.fsencode(place)).hexdigest()[:24]
            index.store = KeptIndex(f"{name}{index.kind}", stored.token)
            before = self._opened.get(modality)
            if before and len(before[0]) <= len(stored):  # only what was added since has to be added
                count = len(before[0])
                if before[0].token(count) == stored.token(count):
                    index.take_over(before[1])
            self._opened[modality] = stored, index
        return index


def check_id(item_id: str) -> None:
    """Raise BadInput for what cannot be a photo's id, such as a whole Hit."""
    if not isinstance(item_id, str):
        raise BadInput(f"Expected a photo's id, such as the id of a Hit; {shown(item_id)} came.")


def check_answers(k: int, exclude: Collection[str] = ()) -> None:
    """Raise BadInput for a number of answers, or ids to leave out, that are none."""
    if not isinstance(k, Integral) or isinstance(k, bool) or not 1 <= k <= MAX_ANSWERS:
        raise BadInput(f"The number of answers must be at least 1 and at most {MAX_ANSWERS:,}; {shown(k)} came.")
    listed = isinstance(exclude, (Sequence, Set)) and not isinstance(exclude, str)
    if not listed or not all(isinstance(id, str) for id in exclude):
        raise BadInput(f"What to leave out must be a list of ids; {shown(exclude)} came.")


def _best(index: VectorIndex, ranked: Ranking, k: int, among: Selection | None) -> tuple[np.ndarray, np.ndarray]:
    """The scores and the ids of the k best answers in an index, (k,) each, best first."""
    if not ranked.exact:
        scores, ids = index.search(ranked.candidates, k, among)
        there = ids[0] >= 0
        return scores[0][there], ids[0][there]
    _, ids = index.search(ranked.candidates, max(_CANDIDATES, k), among)
    ids = np.unique(ids[ids >= 0])
    scores = ranked.scores(index.vectors(ids))
    best = np.argsort(-scores, kind="stable")[:k]
    return scores[best], ids[best]


@contextmanager
def progress_bar() -> Iterator[Callable[[Progress], None]]:
    """A function for index_folder's `progress`: it shows a bar on stderr where that is a terminal."""
    from tqdm import tqdm

    with tqdm(unit=" photos", disable=None) as bar:

        def show(progress: Progress) -> None:
            bar.total = progress.total
            bar.update(progress.done - bar.n)

        yield show
