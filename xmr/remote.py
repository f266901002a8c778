"""A Searcher whose queries are encoded and answered by a server (`xmr serve`): this process loads no model."""

from __future__ import annotations

import base64
import io
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Unpack

import httpx
import numpy as np
from PIL import Image

from xmr.compose import check_query, check_terms, given_vector, text_of
from xmr.gallery import Gallery
from xmr.modality import BadInput, Drawing, Hit, Modality, Parts, Query, Term, check_text, shown
from xmr.preprocess.photo import open_binary
from xmr.preprocess.rgb import to_rgb
from xmr.preprocess.sketch import stroke_points
from xmr.search import Searcher, check_answers, check_id
from xmr.system import System
from xmr.where import Range, conditions

ADDRESS, KEY = "XMR_SERVER", "XMR_API_KEY"  # environment variables
_SENT_AS_IT_IS = ("1", "L", "LA", "P", "RGB", "RGBA")  # modes of pictures that a PNG file has
_PATIENCE = httpx.Timeout(30, connect=3)


class Server:
    """A server of the API.

    address: such as http://127.0.0.1:8400.
    key: what it wants to be sent; None where it wants none.

    Raises BadInput for an address that is none.
    """

    def __init__(self, address: str, key: str | None = None) -> None:
        if not address.startswith(("http://", "https://")):
            raise BadInput(f"A server's address begins with http:// or https://; {shown(address)} came.")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._client = httpx.Client(base_url=address, headers=headers, timeout=_PATIENCE)
        self._address = address

    @classmethod
    def of_environment(cls) -> Server | None:
        """The server that $XMR_SERVER names, with the key $XMR_API_KEY; None where it names none."""
        address = os.environ.get(ADDRESS, "").strip()
        return cls(address, os.environ.get(KEY) or None) if address else None

    def ask(self, method: str, path: str, content: Any = None) -> dict:
        """What the server answers; BadInput with its own sentence where it refuses, or with one that says why not."""
        try:
            answer = self._client.request(method, path, json=content)
            told = answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise BadInput(
                f"The server {self._address} does not answer ({type(error).__name__}). Start it: python -m xmr serve; "
                f"or unset {ADDRESS}, to search without it."
            ) from None
        if answer.is_success and isinstance(told, dict):
            return told
        said = told.get("error") if isinstance(told, dict) else None
        raise BadInput(str(said) if said else f"The server {self._address} answers with {answer.status_code}.")

    def answers_for(self, system: System, gallery: Gallery) -> bool:
        """Whether it searches this gallery with this system, of the same weights; BadInput if it cannot be asked."""
        told = self.ask("GET", "/gallery")
        weights = {one["name"]: one["weights"] for one in told["systems"]}
        return Path(told["path"]) == gallery.path and weights.get(system.called) == system.weights


class RemoteSearcher(Searcher):
    """Answers as a Searcher does, by asking a server, which gives at most 1,000 answers. The gallery is read here, for
    thumbnails and captions."""

    def __init__(self, system: System, gallery: Gallery, server: Server) -> None:
        super().__init__(system, gallery)
        self._server = server

    def prepare(self) -> None:
        """Make sure that the server is ready; BadInput if it isn't."""
        self._server.ask("GET", "/ready")

    def search(
        self,
        query: Query | None = None,
        k: int = 10,
        exclude: Collection[str] = (),
        where: Mapping[str, Any] | None = None,
        **parts: Unpack[Parts],
    ) -> list[Hit]:
        """As Searcher.search."""
        check_answers(k, exclude)
        query = self._whole(query, parts)
        told = {"k": int(k), "exclude": list(exclude), "where": None if where is None else _where(where)}
        hits = self._asked("/search", query, told)["hits"]
        items = self.gallery.find([hit["id"] for hit in hits])
        return [
            Hit(items[hit["id"]], hit["score"], hit["rank"], hit["match"], self.gallery.thumb(hit["id"]))
            for hit in hits
            if hit["id"] in items
        ]

    def captions(self, query: Query, k: int = 5, language: str | None = None) -> list[Hit]:
        """As Searcher.captions."""
        check_answers(k)
        hits = self._asked("/search", query, {"k": int(k), "captions": True, "language": language})["hits"]
        items = self.gallery.find_texts([hit["id"] for hit in hits])
        return [Hit(items[hit["id"]], hit["score"], hit["rank"], hit["match"]) for hit in hits if hit["id"] in items]

    def explain(self, query: Query, item_id: str, language: str | None = None) -> str:
        """As Searcher.explain."""
        check_id(item_id)
        language = language or self.language(query)
        found = self._asked("/explain", query, {"ids": [item_id], "language": language})["captions"]
        return found.get(item_id) or self.gallery.caption(item_id)

    def encode(self, term: Term) -> Term:
        """As Searcher.encode."""
        check_terms(Query((term,)))
        if isinstance(term.content, np.ndarray):
            return term
        return replace(term, content=self._vectors([self._told(term)])[0], words=text_of(term))

    def like(self, item_id: str, weight: float = 1.0) -> Term:
        """As Searcher.like."""
        check_id(item_id)
        vector = self._vectors([{"modality": "photo", "like": item_id}])[0]
        return Term(Modality.PHOTO, vector, weight)

    def _vectors(self, terms: Sequence[dict]) -> np.ndarray:
        found = self._server.ask("POST", "/encode", {"terms": terms, "system": self.system.called})
        return np.array(found["vectors"], np.float32)

    def _asked(self, path: str, query: Query, more: dict) -> dict:
        check_query(query)
        terms = [self._told(term) for term in query.terms]
        if path == "/search":
            more = more | {"exact": True}  # it was read here
        return self._server.ask("POST", path, {"terms": terms, "system": self.system.called} | more)

    def _told(self, term: Term) -> dict:
        """A term as the API takes it; BadInput for a content that is none."""
        content, told = term.content, {"modality": str(term.modality), "weight": float(term.weight)}
        if isinstance(content, np.ndarray):
            told["vector"] = given_vector(self.system, content).tolist()
            if term.words is not None:
                told["words"] = term.words if isinstance(term.words, str) else int(term.words)
            return told
        if term.modality is Modality.TEXT:
            check_text(content)
            return told | {"text": content}
        if isinstance(content, Drawing):
            strokes = [stroke_points(stroke) for stroke in content.strokes]
            return told | {"strokes": [stroke[np.isfinite(stroke).all(axis=1)].tolist() for stroke in strokes]}
        return told | {"picture": base64.b64encode(_file(term)).decode()}


def _where(where: Mapping[str, Any]) -> dict[str, list]:
    """A `where` as JSON has it, which knows no pair: a range is {"from": low, "to": high}. BadInput if it is none."""
    return {
        name: [{"from": one.low, "to": one.high} if isinstance(one, Range) else one for one in choices]
        for name, choices in conditions(where)
    }


def _file(term: Term) -> bytes:
    """The picture file of a photo or a sketch; BadInput if there is none."""
    content = term.content
    if isinstance(content, Image.Image):
        file = io.BytesIO()
        (content if content.mode in _SENT_AS_IT_IS else to_rgb(content)).save(file, "PNG", compress_level=1)
        return file.getvalue()
    if not isinstance(content, (str, Path, bytes)):
        raise BadInput(f"A {term.modality} cannot be {shown(content)}. Give a picture or its file.")
    name, _, opened = open_binary(content)
    try:
        with opened as found:
            return found.read()
    except OSError as error:
        raise BadInput(f"{name} cannot be read: {error.strerror}. Check the disk or the network.") from None
