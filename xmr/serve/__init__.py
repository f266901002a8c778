"""The REST API over Searchers: `xmr serve`. One loaded model answers many programs, the app among them."""

from __future__ import annotations

import asyncio
import hashlib
import io
import json
import logging
import os
import re
import sys
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from fastapi import FastAPI, HTTPException, Request, Response
from fastapi.datastructures import FormData
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from pydantic import ValidationError

from xmr import __version__, checkpoint
from xmr.gallery import Entry, Gallery
from xmr.gallery.indexing import encode_captions
from xmr.gallery.metadata import FACTS, LONGEST_FACT, Told, read_metadata
from xmr.modality import BadInput, Hit, Modality, Query, Term, shown
from xmr.preprocess import Reading
from xmr.search import Searcher
from xmr.serve.gate import Figures, Gate, Limits, is_loopback
from xmr.serve.messages import (
    AddedOut,
    EncodeOut,
    ExplainIn,
    ExplainOut,
    Failure,
    GalleryOut,
    HitOut,
    Options,
    RemovedOut,
    SearchIn,
    SearchOut,
    StateOut,
    SystemOut,
    TermIn,
    TermsIn,
    opened,
)

__all__ = ["KEY", "LIMITS", "Limits", "create_app", "run"]
KEY = "XMR_API_KEY"
_PHOTOS = 32  # of one request, at most
_PARTS = ("text", "photo", "sketch", "minus_text", "minus_photo", "minus_sketch")
LIMITS = Limits()
_GRACE = 15  # seconds that requests have to end after a stop was asked for
_T = TypeVar("_T")
log = logging.getLogger(__name__)
_FAILURES: dict[int | str, dict[str, Any]] = {
    status: {"model": Failure, "description": what}
    for status, what in (
        (400, "not a request that can be read"),
        (401, "no key, or a wrong one"),
        (403, "not allowed here"),
        (404, "no such thing"),
        (408, "too slow in coming"),
        (413, "too large, or too many"),
        (415, "another content type"),
        (422, "a query or picture that cannot be used"),
        (429, "too many requests"),
        (503, "not ready, or too busy"),
    )
}
_ABOUT = (
    "Find photos by texts in English or German, photos, drawings, or any mix of them. Where the server wants a key, "
    "send it as `Authorization: Bearer KEY`. docs/large-galleries.md has examples."
)
_FORM = {
    "type": "object",
    "additionalProperties": False,
    "properties": {
        **{name: {"type": "array", "items": {"type": "string"}, "maxItems": 64} for name in ("text", "minus_text")},
        **{
            name: {"type": "array", "items": {"type": "string", "format": "binary"}, "maxItems": 8}
            for name in ("photo", "sketch", "minus_photo", "minus_sketch")
        },
        "k": {"type": "integer", "minimum": 1, "maximum": 1000},
        "where": {"type": "string", "description": "JSON"},
        "system": {"type": "string"},
    },
}


_NO_JSON = "That is no JSON that can be read. /openapi.json says what is taken."


def _a_file(content_type: str) -> dict[int | str, dict[str, Any]]:
    """How the description says that an answer is no JSON."""
    return {200: {"description": "Successful Response", "content": {content_type: {}}}}


class _Refused(Exception):
    """A request that cannot be answered: a status and a sentence."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(error)
        self.status = status


def create_app(
    folder: str | Path,
    systems: Sequence[str] = ("tri",),
    *,
    index_dir: str | Path | None = None,
    key: str | None = None,
    writable: bool = False,
    kind: str | None = None,
    engine: str | None = None,
    limits: Limits = LIMITS,
) -> FastAPI:
    """The API over one gallery.

    Args:
        folder: an indexed folder, or a gallery.
        systems: checkpoints; the first answers where none is named.
        index_dir: where the index is kept instead of in the folder.
        key: what clients must send; without one, only programs of this computer are answered.
        writable: whether photos may be added and removed.
        kind: of the index, as in Searcher; None for the one that suits the number of photos.
        engine: URI of Milvus, where that searches the photos.
        limits: of requests.

    Raises:
        BadInput: no such gallery or checkpoint, or Milvus and `writable` together.
    """
    if engine is not None and writable:
        raise BadInput("What Milvus searches is added and removed by python -m xmr index FOLDER --engine milvus.")
    gallery = Gallery.open(folder, index_dir)
    searchers = {system.called: Searcher(system, gallery, kind, engine) for system in map(checkpoint.load, systems)}
    figures = Figures()
    cores = asyncio.Semaphore(max(2, os.cpu_count() or 2))
    ready: list[str] = []
    waiting = ["The models are being loaded, or the server ends. Try again in some seconds."]

    @asynccontextmanager
    async def running(_: FastAPI) -> AsyncIterator[None]:
        def prepare() -> None:
            try:
                for searcher in searchers.values():
                    searcher.prepare()
                figures.photos.set(len(gallery))
            except BadInput as error:
                log.error(json.dumps({"failed": str(error)}))
                waiting.append(str(error))
            else:
                ready.append("ready")

        preparing = asyncio.create_task(asyncio.to_thread(prepare))
        yield
        ready.clear()
        await preparing
        gallery.close()

    app = FastAPI(
        title="xmr",
        description=_ABOUT,
        version=__version__,
        lifespan=running,
        docs_url=None,
        redoc_url=None,
        responses=_FAILURES,
    )
    app.add_middleware(Gate, key=key, limits=limits, figures=figures)

    async def work(call: Callable[[], _T]) -> _T:
        """What a call gives, made in a thread; as many at a time as there are cores."""
        async with cores:
            return await asyncio.to_thread(call)

    def searcher_of(system: str | None) -> Searcher:
        if system is None:
            return next(iter(searchers.values()))
        if system not in searchers:
            raise _Refused(404, f"There is no system {shown(system)} here. Ask one of {', '.join(searchers)}.")
        return searchers[system]

    def terms_of(searcher: Searcher, given: Sequence[TermIn]) -> tuple[Term, ...]:
        return tuple(searcher.like(one.like, one.weight) if one.like is not None else one.term() for one in given)

    def answered(asked: Options, terms: Callable[[Searcher], tuple[Term, ...]]) -> SearchOut:
        start = time.perf_counter()
        searcher = searcher_of(asked.system)
        query, readings = Query(terms(searcher)), list[Reading]()
        if not asked.exact:
            query, readings = searcher.read(query)
        if asked.captions and (asked.where is not None or asked.exclude):
            raise BadInput("Captions have no facts of their own: leave out where and exclude, or search photos.")
        if asked.captions:
            hits = searcher.captions(query, asked.k, asked.language)
        else:
            hits = searcher.search(query, asked.k, asked.exclude, asked.where)
        return SearchOut(
            system=searcher.system.called,
            hits=[_hit(hit, gallery) for hit in hits],
            corrected=[pair for reading in readings for pair in reading.corrected],
            unwanted=[word for reading in readings for word in reading.unwanted],
            unknown=[word for reading in readings for word in reading.unknown],
            milliseconds=round((time.perf_counter() - start) * 1000, 2),
        )

    @app.get("/health", summary="Whether the server runs")
    async def health() -> StateOut:
        return StateOut(status="ok")

    @app.get("/ready", summary="Whether it can answer now")
    async def readiness() -> StateOut:
        if not ready:
            raise _Refused(503, waiting[-1])
        return StateOut(status="ready")

    @app.get(
        "/metrics", summary="Figures for Prometheus", response_class=Response, responses=_a_file(CONTENT_TYPE_LATEST)
    )
    async def metrics() -> Response:
        return Response(generate_latest(figures.registry), media_type=CONTENT_TYPE_LATEST)

    @app.get("/gallery", summary="What is searched, and by what")
    async def about() -> GalleryOut:
        told = [
            SystemOut(name=name, weights=one.system.weights, takes=list(one.system.encoders))
            for name, one in searchers.items()
        ]
        count = await work(lambda: len(gallery))
        return GalleryOut(path=str(gallery.path), photos=count, writable=writable, systems=told)

    body = {"application/json": {"schema": SearchIn.model_json_schema(ref_template="#/components/schemas/{model}")}}
    body["application/json"]["schema"].pop("$defs", None)
    body["multipart/form-data"] = {"schema": _FORM}

    @app.post(
        "/search",
        summary="Find photos by any mix of texts, drawings and photos",
        openapi_extra={"requestBody": {"required": True, "content": body}},
    )
    async def search(request: Request) -> SearchOut:
        kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if kind == "application/json":
            asked = SearchIn.model_validate(_json(await request.body()))
            return await work(lambda: answered(asked, lambda searcher: terms_of(searcher, asked.terms)))
        if kind != "multipart/form-data":
            raise _Refused(415, "A query is sent as application/json or as multipart/form-data.")
        async with request.form(max_files=64, max_fields=128) as form:
            options, parts = await _of_form(form)
        return await work(lambda: answered(options, lambda _: tuple(_term(*part) for part in parts)))

    @app.post("/encode", summary="The vectors of texts, drawings and photos, to ask with again")
    async def encode(asked: TermsIn) -> EncodeOut:
        def call() -> EncodeOut:
            searcher = searcher_of(asked.system)
            found = [searcher.encode(term).content for term in terms_of(searcher, asked.terms)]
            return EncodeOut(system=searcher.system.called, vectors=[vector.tolist() for vector in found])

        return await work(call)

    @app.post("/explain", summary="The best-matching caption of photos that answered a query")
    async def explain(asked: ExplainIn) -> ExplainOut:
        def call() -> ExplainOut:
            searcher = searcher_of(asked.system)
            query = Query(tuple(searcher.encode(term) for term in terms_of(searcher, asked.terms)))
            known = gallery.find(asked.ids)
            return ExplainOut(
                captions={id: searcher.explain(query, id, asked.language) for id in asked.ids if id in known}
            )

        return await work(call)

    @app.get(
        "/photos/{id}/thumbnail",
        summary="A photo's thumbnail",
        response_class=Response,
        responses=_a_file("image/webp"),
    )
    async def thumbnail(id: str) -> Response:
        def call() -> bytes:
            if id not in gallery.find([id]):
                raise _Refused(404, f"There is no photo {shown(id)} here. Search again.")
            return gallery.thumbnail(id)

        return Response(await work(call), media_type="image/webp")

    @app.post(
        "/photos",
        summary="Add photos",
        status_code=201,
        openapi_extra={
            "requestBody": {
                "required": True,
                "content": {
                    "multipart/form-data": {
                        "schema": {
                            "type": "object",
                            "required": ["photo"],
                            "properties": {
                                "photo": {
                                    "type": "array",
                                    "items": {"type": "string", "format": "binary"},
                                    "maxItems": _PHOTOS,
                                },
                                "facts": {"type": "string", "description": "JSON: what is known of all of them"},
                                "caption": {"type": "string"},
                                "language": {"type": "string", "description": "of the caption; en, unless it is said"},
                            },
                        }
                    }
                },
            }
        },
    )
    async def add(request: Request) -> AddedOut:
        _may_write()
        if not request.headers.get("content-type", "").lower().startswith("multipart/form-data"):
            raise _Refused(415, "Photos are sent as multipart/form-data, in parts that are called photo.")
        async with request.form(max_files=_PHOTOS + 1, max_fields=16) as form:
            files = [one for one in form.getlist("photo") if not isinstance(one, str)]
            if not files:
                raise BadInput("No photo came. Send each as a file in a part that is called photo.")
            if len(files) > _PHOTOS:
                raise _Refused(413, f"At most {_PHOTOS} photos are taken at a time. Send the others afterwards.")
            contents = [await one.read() for one in files]
            facts = _json(str(form.get("facts") or "{}").encode())
            caption, language = str(form.get("caption") or ""), str(form.get("language") or "en")
        told = _told(facts, caption, language)

        def call() -> AddedOut:
            added = _added(gallery, list(searchers.values()), contents, told)
            figures.photos.set(len(gallery))
            return added

        return await work(call)

    @app.delete("/photos/{id}", summary="Remove a photo from the gallery; the file that it came from stays")
    async def remove(id: str) -> RemovedOut:
        _may_write()

        def call() -> RemovedOut:
            if id not in gallery.find([id]):
                raise _Refused(404, f"There is no photo {shown(id)} here. Search again.")
            gallery.remove([id])
            figures.photos.set(len(gallery))
            return RemovedOut(removed=id)

        return await work(call)

    def _may_write() -> None:
        if not writable:
            raise _Refused(403, "This server only searches. Start it with --writable to add and remove photos.")

    def failed(request: Request, status: int, error: str, headers: Mapping[str, str] | None = None) -> JSONResponse:
        return JSONResponse({"error": error, "request": request.state.request}, status, headers)

    @app.exception_handler(_Refused)
    async def refused(request: Request, error: _Refused) -> JSONResponse:
        return failed(request, error.status, str(error))

    @app.exception_handler(BadInput)
    async def bad_input(request: Request, error: BadInput) -> JSONResponse:
        return failed(request, 422, str(error))

    @app.exception_handler(ValidationError)
    @app.exception_handler(RequestValidationError)
    async def invalid(request: Request, error: ValidationError | RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        if first["type"] == "json_invalid":
            return failed(request, 400, _NO_JSON)
        if isinstance(error, RequestValidationError) and isinstance(error.body, bytes):
            return failed(request, 415, "This is sent as application/json. /openapi.json says what is taken.")
        place = ".".join(str(part) for part in first["loc"] if part != "body") or "the request"
        said = first["msg"].removeprefix("Value error, ")
        if first["type"] in ("model_type", "model_attributes_type"):  # whose sentence names a class of ours
            said = "Input should be a JSON object"
        return failed(request, 422, str(BadInput(f"{place}: {said}. /openapi.json says what is taken.")))

    @app.exception_handler(400)
    @app.exception_handler(404)
    @app.exception_handler(405)
    @app.exception_handler(408)
    @app.exception_handler(413)
    async def other(request: Request, error: HTTPException) -> JSONResponse:
        headers = error.headers or {}
        told = {
            404: "There is nothing at this address. /openapi.json lists all.",
            405: f"{request.method} is not taken at this address. Ask with {headers.get('Allow')}.",
        }
        status = 413 if "Too many" in str(error.detail) else error.status_code
        return failed(request, status, told.get(status, str(error.detail)), headers)

    return app


def _hit(hit: Hit, gallery: Gallery) -> HitOut:
    photo = hit.item.modality is Modality.PHOTO
    return HitOut(
        id=hit.id,
        rank=hit.rank,
        score=round(hit.score, 6),
        match=None if hit.match is None else round(hit.match, 6),
        caption=gallery.caption(hit.id) if photo else str(hit.item.content),
        facts=hit.item.facts,
        language=hit.item.language,
        thumbnail=f"/photos/{hit.id}/thumbnail" if photo else None,
    )


def _json(content: bytes) -> Any:
    try:
        return json.loads(content)
    except (ValueError, RecursionError):
        raise _Refused(400, _NO_JSON) from None


_Part = tuple[Modality, str | bytes, float]  # a text, or a picture's file, and its weight


async def _of_form(form: FormData) -> tuple[Options, list[_Part]]:
    """A query that came as a form; raises BadInput."""
    parts: list[_Part] = []
    told: dict[str, Any] = {}
    for name, value in form.multi_items():
        if name in _PARTS:
            modality = Modality(name.removeprefix("minus_"))
            weight = -1.0 if name.startswith("minus_") else 1.0
            if modality is Modality.TEXT and isinstance(value, str):
                parts.append((modality, value, weight))
            elif modality is not Modality.TEXT and not isinstance(value, str):
                parts.append((modality, await value.read(), weight))
            else:
                raise BadInput(f"{name} must be {'words' if modality is Modality.TEXT else 'a picture file'}.")
        elif name in ("k", "system", "where") and isinstance(value, str):
            told[name] = _json(value.encode()) if name == "where" else value
        else:
            raise BadInput(f"A query has no {shown(name)}. Its parts are {', '.join(_PARTS)}, k, where and system.")
    return Options.model_validate(told), parts


def _term(modality: Modality, given: str | bytes, weight: float) -> Term:
    return Term(modality, given if isinstance(given, str) else opened(modality, given), weight)


def _told(facts: Any, caption: str, language: str) -> Told:
    """What is told of photos to add; BadInput for what is no fact or caption."""
    told = Told()
    if not isinstance(facts, dict):
        raise BadInput(f"Facts are one JSON object; {shown(facts)} came.")
    for name, value in facts.items():
        if not isinstance(value, str) or len(value) <= LONGEST_FACT:
            told.fact(name, value)
        if name not in told.facts:
            raise BadInput(
                f"{shown(name)} cannot be {shown(value)}. A photo has at most {FACTS} facts, each a number or at most "
                f"{LONGEST_FACT} letters, with a name of letters and digits; a category is a text."
            )
    if not re.fullmatch("[A-Za-z]{2}", language):
        raise BadInput(f"A language has two letters, such as en; {shown(language)} came.")
    if len(caption) <= 2_000:
        told.caption(caption, language)
    if caption and not told.captions:
        raise BadInput(f"A caption has words, and at most 2,000 letters; {shown(caption)} came.")
    return told


def _added(gallery: Gallery, searchers: Sequence[Searcher], contents: Sequence[bytes], told: Told) -> AddedOut:
    """Add photos with their vectors of all systems, in one piece; BadInput, and nothing added, if one is no picture.
    What their files tell of them is added to what is told of all."""
    images, entries = {}, {}
    for number, content in enumerate(contents, 1):
        id = hashlib.sha256(content).hexdigest()[:32]
        try:
            images[id] = opened(Modality.PHOTO, content)
        except BadInput as error:
            raise BadInput(f"Photo {number} of {len(contents)}: {error} Nothing was added.") from None
        own = read_metadata(io.BytesIO(content), row=told)
        entries[id] = Entry(id, images[id], own.facts, own.captions)
    known = [id for id in images if id in gallery.find(list(images))]
    new = [id for id in images if id not in known]
    vectors = {}
    if new:
        for searcher in searchers:
            vectors[searcher] = searcher.system.whole.encode(Modality.PHOTO, [images[id] for id in new])
        with gallery.batch():
            gallery.add([entries[id] for id in new])
            for searcher, rows in vectors.items():
                gallery.put_vectors(searcher.system.whole, Modality.PHOTO, new, rows)
        for searcher in searchers:
            encode_captions(gallery, searcher.system)
    return AddedOut(added=new, known=known)


def run(app: FastAPI, host: str, port: int, key: str | None) -> None:
    """Answer until the process is asked to end; what was begun is answered first.

    Raises:
        BadInput: another program listens there, or others would reach a server without a key.
    """
    import uvicorn

    if key is None and not is_loopback(host):
        raise BadInput(f"Others reach {host}: set {KEY} to a long random word, which clients must send.")
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    settings = uvicorn.Config(
        app, host, port, log_config=None, access_log=False, timeout_graceful_shutdown=_GRACE, server_header=False
    )
    server = uvicorn.Server(settings)
    try:
        server.run()
    except SystemExit:
        raise BadInput(f"{host}:{port} cannot be listened on. Choose another --port.") from None
