"""What the API takes and gives, as its OpenAPI description says it."""

from __future__ import annotations

import base64
import binascii
from typing import Annotated, Any, Literal

import numpy as np
from PIL import Image
from pydantic import BaseModel, ConfigDict, Field, model_validator

from xmr.modality import BadInput, Drawing, Modality, Term
from xmr.preprocess import open_picture, open_sketch

MOST_ANSWERS = 1_000
MOST_TERMS = 64
MOST_IDS = 10_000
_KEPT = 1_024  # px, the longer side of a picture
_Id = Annotated[str, Field(min_length=1, max_length=200)]
_Name = Annotated[str, Field(min_length=1, max_length=64)]
_Language = Annotated[str, Field(pattern="^[a-z]{2,3}$")]
_Point = Annotated[list[float], Field(min_length=2, max_length=2)]
_Stroke = Annotated[list[_Point], Field(max_length=20_000)]


class Message(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)


class TermIn(Message):
    """One part of a query, given in just one way."""

    modality: Modality
    text: Annotated[str, Field(max_length=20_000)] | None = None
    picture: str | None = Field(None, description="A picture file, base64: a photo, or a drawing on paper, or SVG.")
    strokes: Annotated[list[_Stroke], Field(max_length=5_000)] | None = Field(
        None, description="A drawing: points (x to the right, y down) of each stroke, in any unit."
    )
    vector: Annotated[list[float], Field(max_length=65_536)] | None = Field(None, description="As /encode gave it.")
    like: _Id | None = Field(None, description="The id of a photo of the gallery.")
    words: Annotated[int, Field(ge=0, le=20_000)] | Annotated[str, Field(max_length=20_000)] | None = Field(
        None, description="Of a text's vector, the text, or how many words it had: the match is stated accordingly."
    )
    weight: float = Field(1.0, ge=-1_000, le=1_000, description="Negative: to be avoided.")

    @model_validator(mode="after")
    def _one_way(self) -> TermIn:
        given = [name for name in ("text", "picture", "strokes", "vector", "like") if getattr(self, name) is not None]
        fits = {
            Modality.TEXT: {"text", "vector"},
            Modality.PHOTO: {"picture", "vector", "like"},
            Modality.SKETCH: {"picture", "strokes", "vector"},
        }[self.modality]
        if len(given) != 1 or given[0] not in fits:
            raise ValueError(f"a {self.modality} is given by one of {', '.join(sorted(fits))}")
        return self

    def term(self) -> Term:
        """The same for a Searcher, but for `like`; BadInput for a picture that cannot be used."""
        content: Any = self.text
        if self.vector is not None:
            content = np.array(self.vector, np.float32)
        elif self.strokes is not None:
            content = Drawing(tuple(np.array(stroke, float).reshape(-1, 2) for stroke in self.strokes))
        elif self.picture is not None:
            content = opened(self.modality, _decoded(self.picture))
        return Term(self.modality, content, self.weight, self.words)


def _decoded(picture: str) -> bytes:
    try:
        return base64.b64decode(picture, validate=True)
    except (binascii.Error, ValueError):
        raise BadInput("A picture must be base64 of its file, without a prefix. Encode it anew.") from None


def opened(modality: Modality, content: bytes) -> Any:
    """A picture file's content, decoded, of at most 1,024 px a side: a request has many, and of one colour each of 16
    megapixels is a file of 50 kB. BadInput if it is no picture."""
    picture = open_sketch(content) if modality is Modality.SKETCH else open_picture(content, at_least=_KEPT)
    if isinstance(picture, Image.Image):
        picture.thumbnail((_KEPT, _KEPT))
    return picture


class TermsIn(Message):
    """What is asked of one system."""

    terms: Annotated[list[TermIn], Field(min_length=1, max_length=MOST_TERMS)]
    system: _Name | None = Field(None, description="One of /gallery's systems; the first, unless another is named.")


class Options(Message):
    """How is searched."""

    system: _Name | None = Field(None, description="One of /gallery's systems; the first, unless another is named.")
    k: int = Field(10, ge=1, le=MOST_ANSWERS)
    where: Annotated[dict[str, Any], Field(max_length=32)] | None = Field(
        None, description='Facts that each answer must have: {"category": "cup", "colour": ["red", "blue"]}.'
    )
    exclude: Annotated[list[_Id], Field(max_length=MOST_IDS)] = []
    exact: bool = Field(False, description="Take words as they are: no spelling is corrected, “no” is a word.")
    captions: bool = Field(False, description="Find captions of the gallery in place of photos.")
    language: _Language | None = Field(None, description="Of the captions that are found.")


class SearchIn(Options):
    """A query."""

    terms: Annotated[list[TermIn], Field(min_length=1, max_length=MOST_TERMS)]


class ExplainIn(TermsIn):
    """Photos that answered a query."""

    ids: Annotated[list[_Id], Field(min_length=1, max_length=200)]
    language: _Language | None = Field(None, description="Of the captions that are found.")


class HitOut(BaseModel):
    """One answer."""

    id: str
    rank: int
    score: float
    match: float | None = Field(None, description="The calibrated probability that it is a match.")
    caption: str = ""
    facts: dict[str, Any] = {}
    language: str | None = None
    thumbnail: str | None = Field(None, description="Where its thumbnail is.")


class SearchOut(BaseModel):
    """The answers, best first."""

    system: str
    hits: list[HitOut]
    corrected: list[tuple[str, str]] = Field([], description="Words as they were typed, and as they were taken.")
    unwanted: list[str] = Field([], description="What “no” or “ohne” took away.")
    unknown: list[str] = Field([], description="Words of which nothing is known.")
    milliseconds: float


class EncodeOut(BaseModel):
    """Vectors (N, dim)."""

    system: str
    vectors: list[list[float]]


class ExplainOut(BaseModel):
    """The best-matching caption of each photo, by its id."""

    captions: dict[str, str]


class SystemOut(BaseModel):
    name: str
    weights: str
    takes: list[Modality]


class GalleryOut(BaseModel):
    """What is searched, and by what."""

    path: str
    photos: int
    writable: bool
    systems: list[SystemOut]


class AddedOut(BaseModel):
    """The ids of photos that were added, and of those that were there already."""

    added: list[str]
    known: list[str]


class RemovedOut(BaseModel):
    removed: str


class StateOut(BaseModel):
    status: Literal["ok", "ready"]


class Failure(BaseModel):
    """What went wrong, and what to do about it."""

    error: str
    request: str
