"""The query as the address of the page: Back, Forward, a reload, a shared link and a second tab ask the same.

An address may come from anyone: each part of it is bounded and checked, and one that cannot be used is told in a
sentence while the others count. Pictures are in it by a name that cannot be guessed (pages/kept.py).
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress

import streamlit as st
from PIL import Image

from pages import answers, filters, galleries, likes, pictures, view, visit, votes
from pages.language import listed, tr
from pages.plain import plain, short
from pages.shared import open_gallery, systems
from pages.state import state
from pages.widgets import inline
from pages.widgets.canvas import canvas_drawing
from pages.widgets.strokes import from_text
from xmr.gallery import thumbnail
from xmr.modality import BadInput, Modality
from xmr.preprocess import open_picture, sketch_input

COMPARE = "compare"  # the page whose address has the systems that are compared
LONGEST = 2_000  # letters of a text
PEN = 6  # canvas units: the width of the lines that come from an address
_PAST = 12  # queries of a visit that one can come back to
_SMALL = 64  # px, the longer side of the pictures by which they are told apart
_TOGETHER = 3  # seconds in which changes of one part of a query make one of these
_MOST_FACTS = 12  # of a filter
_LONGEST_WHERE = 12_000  # letters of all filters
_LONGEST_ID = 200  # of a photo
_LIGHTEST = 0.05  # weight of a part
_HOW = ("show", "blind", "systems")  # parameters that say only how much of the answer is shown, and how
_PART = re.compile(r"drawing|words|picture-[1-6]")
_PICTURE = re.compile(r"([\w-]{8,40})\.([a-z]{5,8})(?:\.(\d{1,4})-(\d{1,4})-(\d{1,4})-(\d{1,4}))?", re.ASCII)


def arrive() -> None:
    """Call first in each run: takes the query from the address where somebody came by it, or went back or forward."""
    if state.address is None or visit.went_through_history():
        view.take(st.query_params.to_dict())
        open_query(st.query_params.to_dict())


def stay() -> None:
    """Call in each run before the page: another page keeps the address, but for the gallery, which Gallery changes; and
    its fields are filled from it, since Streamlit forgets what was not typed there."""
    params = {name: text for name, text in (state.address or {}).items() if name not in ("gallery", *view.NAMES)}
    if state.moved:
        state.words, state.without = params.get("words", ""), params.get("without", "")
    _put(params | ({"gallery": key} if (key := galleries.key_of_chosen()) else {}) | view.params())


def tell() -> None:
    """Put the query that is on the page into the address, as one step of the browser's history."""
    params = _params()
    if state.address is not None and _query(params) != _query(state.address):  # another one begins with few answers
        state.most = answers.STEP
        params.pop("show", None)
    if params != state.address:
        _record(params)
    _put(params)


def _query(params: Mapping[str, str]) -> dict[str, str]:
    """The parameters without what only says how the answer is shown."""
    return {name: text for name, text in params.items() if name not in _HOW}


def _put(params: dict[str, str]) -> None:
    state.address = params
    if params != st.query_params.to_dict():
        st.query_params.from_dict(params)


def open_query(params: Mapping[str, str]) -> None:
    """Ask the query of an address; what it does not name is empty, and what of it cannot be used is told."""
    told: list[str] = []
    now = _params()
    for name, take in _PARTS.items():
        text = params.get(name, "")
        if text == now.get(name, "") and not (name == "drawing" and state.drawn is None) and not state.moved:
            continue  # nothing is put in a field in which somebody may be typing; another page's are not known yet
        try:
            take(text)
        except BadInput as error:
            told.append(f"{error} {galleries.instead()}" if name == "gallery" else str(error))
    state.told, state.refused, state.cropping = tuple(told), (), None
    state.address = dict(params)


def clear() -> None:
    """Ask nothing any more; the gallery and the system stay."""
    open_query({name: value for name, value in _params().items() if name in ("gallery", "system", "bits")})


def past() -> list[tuple[str, dict[str, str]]]:
    """The earlier queries of this visit, each with a short name in Markdown, the last one first. What is no words is
    seen in it."""
    now, found = _query(state.address or {}), []
    for _, params, seen in reversed(state.past):
        if _query(params) != now:
            parts = _parts(params)
            said = " + ".join(text for kind, text in parts.items() if kind not in dict(seen))
            shown = [f"![{plain(parts[kind])}]({source})" for kind, source in seen if kind in parts]
            found.append((" ".join([*shown, plain(short(said))]).strip(), params))
    return found


def name() -> str:
    """What the query that is on the page is called."""
    return " + ".join(_parts(state.address or {}).values())


# ------------------------------------------------------------ query -> address


def _params() -> dict[str, str]:
    """The query as the parameters of an address; nothing for what is as it is to begin with."""
    words = (state.words or "")[:LONGEST]
    weights = {name: weight for name, weight in (state.weights or {}).items() if weight != 1}
    found = {
        "words": words.strip() and words,
        "exact": "1" if words and state.exact == words else "",
        "without": (state.without or "")[:LONGEST].strip(),
        "drawing": state.drawn or "",
        "pictures": ",".join(map(_picture_text, state.pictures)),
        "weights": ",".join(f"{name}:{weight:g}" for name, weight in sorted(weights.items())),
        "like": state.like or "",
        "mix": "1" if state.like and state.mix else "",
        "less": ",".join(state.less),
        "where": _where_text(state.where) if state.where else "",
        "gallery": galleries.key_of_chosen(),
        "system": state.wanted or "",
        "bits": str(state.bits_wanted or ""),
        "show": str(state.most) if state.most > answers.STEP else "",
    }
    if state.here == COMPARE:
        chosen = sorted((state.choices or {}).items())
        found |= {
            "blind": "1" if state.blind else "",
            "systems": ";".join(f"{kind}:{','.join(names)}" for kind, names in chosen),
        }
    return {name: text for name, text in found.items() if text}


def _where_text(where: Mapping[str, list[str]]) -> str:
    return json.dumps(where, ensure_ascii=False, separators=(",", ":"), sort_keys=True)


def _picture_text(picture: pictures.Picture) -> str:
    box = ".{:.0f}-{:.0f}-{:.0f}-{:.0f}".format(*(1000 * side for side in picture.box)) if picture.box else ""
    return f"{picture.name}.{picture.use}{box}"


def _record(params: dict[str, str]) -> None:
    """Keep a query to come back to, in the place of the one that it goes on from."""
    asked = {name for name in _query(params) if name not in ("gallery", "system", "bits")}
    kept, now = [one for one in state.past if _query(one[1]) != _query(params)], time.monotonic()
    if kept and state.address:
        when, last, _ = kept[-1]
        names = {name for name in last.keys() | params.keys() if last.get(name) != params.get(name)}
        if last == state.address and now - when < _TOGETHER and len(names) == 1 and names <= last.keys():
            kept.pop()
    seen = [(kind, inline(thumbnail(picture, _SMALL))) for kind, picture in _seen(params)]
    state.past = (*kept, (now, params, seen))[-_PAST:] if asked else tuple(kept)


def _seen(params: Mapping[str, str]) -> Iterator[tuple[str, Image.Image]]:
    """What is to be seen of the query on the page, each with the name of its parameter."""
    with suppress(BadInput):
        if "drawing" in params:
            yield "drawing", Image.fromarray(sketch_input(from_text(params["drawing"])))
    for picture in state.pictures:
        if isinstance(small := picture.seen or picture.part, Image.Image):
            yield "pictures", small
    with suppress(BadInput):  # there is no such photo
        if "like" in params:
            yield "like", open_picture(open_gallery(state.folder).thumbnail(params["like"]), at_least=_SMALL)


def _parts(params: Mapping[str, str]) -> dict[str, str]:
    """What the parts of a query are called, by the names of their parameters."""
    told = {
        "words": params.get("words", "").strip(),
        "drawing": tr("a drawing"),
        "pictures": tr("a picture"),
        "like": tr("more like a photo"),
        "without": tr("without {words}", words=params.get("without", "")),
        "where": tr("only {facts}", facts=listed(filters.told(json.loads(params.get("where", "{}"))))),
    }
    return {name: text for name, text in told.items() if name in params}


# ------------------------------------------------------------ address -> query


def _words(text: str) -> None:
    state.words = text[:LONGEST]


def _exact(text: str) -> None:
    state.exact = state.words if text else None


def _without(text: str) -> None:
    state.without = text[:LONGEST]


def _drawing(text: str) -> None:
    strokes = canvas_drawing(from_text(text), None, PEN)["objects"] if text else []
    state.history = state.history.recorded(strokes, at_once=True)
    state.start, state.canvas = {"objects": list(strokes)}, state.canvas + 1
    state.linked, state.drawn = (strokes, text), text


def _pictures(text: str) -> None:
    found = [_PICTURE.fullmatch(one) for one in text.split(",", pictures.MOST)] if text else []
    if len(found) > pictures.MOST or not all(found):
        raise BadInput(tr("The pictures in this address cannot be read. Give them again."))
    state.pictures = tuple(
        pictures.found(
            match[1], match[2], pictures.box_of([int(side) / 1000 for side in match.groups()[2:]]) if match[3] else None
        )
        for match in found
        if match
    )


def _weights(text: str) -> None:
    found = {}
    for one in text.split(",")[: 2 + pictures.MOST] if text else ():
        name, _, weight = one.partition(":")
        if not _PART.fullmatch(name) or not re.fullmatch(r"[01](\.\d{1,3})?", weight, re.ASCII):
            raise BadInput(tr("The weights in this address cannot be read. Set them anew."))
        found[name] = min(1.0, max(_LIGHTEST, float(weight)))
    state.weights = found or None


def _where(text: str) -> None:
    try:
        given = json.loads(text) if 0 < len(text) <= _LONGEST_WHERE else {} if not text else None
        sound = isinstance(given, dict) and len(given) <= _MOST_FACTS and all(map(_is_condition, given.values()))
        _where_text(given).encode()  # JSON may have halves of letters, which no address can
    except (ValueError, RecursionError):
        sound = False
    if not sound:
        raise BadInput(tr("The filters in this address cannot be read. Set them anew."))
    state.where = given or None


def _is_condition(values: object) -> bool:
    """A list of texts, numbers and None."""
    return (
        isinstance(values, list)
        and 0 < len(values) <= filters.MOST_VALUES
        and all(value is None or isinstance(value, (str, int, float)) for value in values)
    )


def _system(text: str) -> None:
    if text and text not in systems():
        raise BadInput(tr("This address names a system that is not here. Another one searches."))
    state.wanted = text or None


def _bits(text: str) -> None:
    known = {bits for config in systems().values() for bits in config.get("codes", ())}
    if text and text not in map(str, known):
        raise BadInput(tr("This address asks for a code length that does not exist. The longest codes are compared."))
    state.bits_wanted = int(text) if text else None


def _like(text: str) -> None:
    state.like = text[:_LONGEST_ID] or None  # whether there is such a photo, the search says


def _mix(text: str) -> None:
    state.mix = bool(text)


def _less(text: str) -> None:
    state.less = tuple(dict.fromkeys(one[:_LONGEST_ID] for one in text.split(",")[: likes.MOST_LESS] if one))


def _show(text: str) -> None:
    if text and not re.fullmatch(r"\d{1,4}", text, re.ASCII):
        raise BadInput(tr("This address asks for a number of photos that cannot be shown. Press “Show more”."))
    state.most = min(max(int(text or answers.STEP), answers.STEP), answers.MOST)


def _blind(text: str) -> None:
    state.blind = bool(text)


def _systems(text: str) -> None:
    found = {}
    for one in text.split(";") if text else ():
        kind, _, names = one.partition(":")
        chosen = [name for name in names.split(",") if name]
        if votes.asked_by(kind.split("+")) != kind or not set(kind.split("+")) <= set(Modality):
            raise BadInput(tr("The systems in this address cannot be read. Choose them again."))
        if not set(chosen) <= systems().keys():
            raise BadInput(tr("This address names a system that is not here. Choose the systems again."))
        found[kind] = chosen
    state.choices = found or None


# The gallery comes first: the others are of its photos.
_PARTS: dict[str, Callable[[str], None]] = {
    "gallery": galleries.choose,
    "words": _words,
    "exact": _exact,
    "without": _without,
    "drawing": _drawing,
    "pictures": _pictures,
    "weights": _weights,
    "where": _where,
    "system": _system,
    "bits": _bits,
    "like": _like,
    "mix": _mix,
    "less": _less,
    "show": _show,
    "blind": _blind,
    "systems": _systems,
}
