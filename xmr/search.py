"""Query -> [Hit]: one system, one gallery, and the index between them."""

from __future__ import annotations

import threading
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

import numpy as np

from xmr.gallery import Gallery
from xmr.index import VectorIndex
from xmr.index.faiss import FlatIndex
from xmr.modality import BadInput, Hit, Modality, Query, Term
from xmr.system import System


@dataclass(frozen=True)
class _Shelf:
    """The part of a gallery that one kind of search looks at: an index, and the id of each of its rows."""

    ids: list[str]
    rows: Mapping[str, int]
    index: VectorIndex


class Searcher:
    """Answers queries from one gallery with one system. Any number of threads may ask at once.

    What it needs is read at the first search and kept; make a new Searcher after indexing.
    """

    def __init__(self, system: System, gallery: Gallery) -> None:
        """Raises GalleryMismatch, at the first search, if the gallery's vectors are of other weights."""
        self.system = system
        self.gallery = gallery
        self._shelves: dict[tuple[Modality, str | None], _Shelf] = {}
        self._lock = threading.RLock()

    def prepare(self) -> None:
        """Read now what the first search by words or by a drawing would wait for; BadInput if this gallery cannot be
        searched. The photo encoder stays for the first photo."""
        self._shelf(Modality.PHOTO)
        self._shelf(Modality.TEXT)
        for modality in {Modality.SKETCH, Modality.TEXT} & self.system.encoders.keys():
            _ = self.system.encoder(modality).session

    def search(self, query: Query, k: int = 10, exclude: Collection[str] = ()) -> list[Hit]:
        """The k best photos, best first; fewer if the gallery has fewer. `exclude` names ids to leave out."""
        shelf = self._shelf(Modality.PHOTO)
        return [
            Hit(self.gallery.get(shelf.ids[row]), score, rank, probability)
            for rank, (row, score, probability) in enumerate(self._best(query, k, shelf, Modality.PHOTO, exclude), 1)
        ]

    def captions(self, query: Query, k: int = 5, language: str | None = None) -> list[Hit]:
        """The k best captions of the gallery, in one language or in all; each text once, as an Item of text. None if
        the gallery has no captions."""
        shelf = self._shelf(Modality.TEXT, language)
        return [
            Hit(self.gallery.get_text(shelf.ids[row]), score, rank, probability)
            for rank, (row, score, probability) in enumerate(self._best(query, k, shelf, Modality.TEXT, ()), 1)
        ]

    def explain(self, query: Query, item_id: str) -> str:
        """What a photo has in common with a query: that of its captions, in whichever language, which comes closest to
        it. Its file's name where it has no captions."""
        shelf = self._shelf(Modality.TEXT)
        texts = [text for text in self.gallery.texts_of(item_id) if text.id in shelf.rows]
        if not texts:
            return self.gallery.caption(item_id)
        own = shelf.index.vectors([shelf.rows[text.id] for text in texts])  # (captions, dim)
        return texts[int((own @ self.system.compose(query)).argmax())].content

    def encode(self, term: Term) -> Term:
        """The same term with its vector for content, so that searching again doesn't encode again; BadInput if its
        content cannot be used."""
        if isinstance(term.content, np.ndarray):
            return term
        return replace(term, content=self.system.encode(term.modality, [term.content])[0])

    def like(self, item_id: str, weight: float = 1.0) -> Term:
        """A term that asks for photos like one of the gallery; pass its id to `exclude` to leave itself out."""
        shelf = self._shelf(Modality.PHOTO)
        if item_id not in shelf.rows:
            raise BadInput(f"There is no photo {item_id!r} in {self.gallery.path}. Search again.")
        return Term(Modality.PHOTO, shelf.index.vectors([shelf.rows[item_id]])[0], weight)

    def _best(
        self, query: Query, k: int, shelf: _Shelf, target: Modality, exclude: Collection[str]
    ) -> list[tuple[int, float, float | None]]:
        """The k best rows of a shelf with their scores and probabilities."""
        if k < 1:
            raise BadInput(f"The number of answers must be at least 1; {k} came.")
        if not shelf.ids and target is Modality.TEXT:
            return []
        terms = self.system.terms(query)  # (T, dim)
        vector = self.system.compose(query, terms)
        left_out = {shelf.rows[id] for id in exclude if id in shelf.rows}
        scores, rows = shelf.index.search(vector[None], k + len(left_out))
        kept = [at for at, row in enumerate(rows[0].tolist()) if row not in left_out][:k]
        scores, rows = scores[0, kept], rows[0, kept]
        odds = self.system.probability(query, terms @ shelf.index.vectors(rows).T, target)
        chances = [None] * len(kept) if odds is None else odds.tolist()
        return list(zip(rows.tolist(), scores.tolist(), chances, strict=True))

    def _shelf(self, modality: Modality, language: str | None = None) -> _Shelf:
        with self._lock:
            key = (modality, language)
            if key not in self._shelves:
                self._shelves[key] = self._read(modality, language)
            return self._shelves[key]

    def _read(self, modality: Modality, language: str | None) -> _Shelf:
        ids, vectors = self.gallery.vectors(self.system, modality, language)
        if not ids and modality is Modality.PHOTO:
            raise BadInput(f"{self.gallery.path} holds no photos to search. Choose another gallery.")
        index = FlatIndex(self.system.space, self.system.dim)
        index.add(vectors)
        return _Shelf(ids, {id: row for row, id in enumerate(ids)}, index)
