"""Marked photos as one file to keep: a ZIP of the photos, a sheet with all of them, or a list as CSV or JSON."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import zipfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from functools import partial

import streamlit as st
from PIL import Image, ImageDraw, ImageFont

from pages import grid, originals, trust
from pages.language import language, tr
from pages.plain import plain
from xmr.gallery import Gallery
from xmr.modality import BadInput, Hit, Item
from xmr.preprocess import open_picture

MAX_BYTES = 100_000_000  # of the photos in a ZIP
_TILE, _LINES, _COLUMNS, _MARGIN = 256, 44, 5, 16  # px of a sheet's photos and of the words below; photos beside


def bar(gallery: Gallery, ids: Sequence[str], hits: Sequence[Hit] = (), query: str = "") -> None:
    """What can be done with the marked photos; nothing while there are none.

    Args:
        hits:  the answers on the page, whose places the lists tell.
        query: what they answer, in words.
    """
    found = gallery.find(ids)
    items = [found[id] for id in ids if id in found]
    if not items:
        return
    own, spoken = trust.own_machine(), language()  # now: a file is made later, where the visitor is not known
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="selection"):
        st.markdown(tr("**{count} marked**", count=len(items)))
        try:
            _check_size(gallery, items)
            _button(tr("ZIP"), "photos.zip", "application/zip", partial(zipped, gallery, items))
        except BadInput as error:
            st.caption(plain(error))
        _button(tr("Contact sheet"), "photos.jpg", "image/jpeg", partial(sheet, gallery, items, spoken))
        _button("CSV", "photos.csv", "text/csv", partial(as_csv, gallery, items, own, hits, query, spoken))
        _button("JSON", "photos.json", "application/json", partial(as_json, gallery, items, own, hits, query))
        st.button(tr("Unmark all"), icon=":material/close:", type="tertiary", on_click=grid.unmark)


def _button(label: str, name: str, mime: str, make: Callable[[], bytes]) -> None:
    """A download that is made when it is asked for."""
    st.download_button(label, make, name, mime, key=f"keep-{name}", on_click="ignore", icon=":material/download:")


def _check_size(gallery: Gallery, items: Sequence[Item]) -> None:
    paths = [originals.original(gallery, item) for item in items]
    if sum(path.stat().st_size for path in paths if path) > MAX_BYTES:
        raise BadInput(tr("Too much for one ZIP: at most {most} MB. Mark fewer.", most=MAX_BYTES // 1_000_000))


def zipped(gallery: Gallery, items: Sequence[Item]) -> bytes:
    """A ZIP of the files as they are; of the thumbnail, where there is no original."""
    out, taken = io.BytesIO(), set()
    with zipfile.ZipFile(out, "w") as archive:
        for item in items:
            path = originals.original(gallery, item)
            whole = path is not None and originals.is_picture(path)
            stem, suffix = os.path.splitext(originals.file_name(item))
            suffix = suffix if whole else ".webp"
            name, number = stem + suffix, 1
            while name.casefold() in taken:
                number += 1
                name = f"{stem} ({number}){suffix}"
            taken.add(name.casefold())
            archive.writestr(name, path.read_bytes() if whole else gallery.thumbnail(item.id))
    return out.getvalue()


def sheet(gallery: Gallery, items: Sequence[Item], spoken: str = "en") -> bytes:
    """A JPEG of all photos, five beside one another, each with a caption, in that language if it has one, or its file's
    name."""
    columns = min(_COLUMNS, len(items))
    across, down = _TILE + _MARGIN, _TILE + _LINES + _MARGIN
    page = Image.new("RGB", (columns * across + _MARGIN, -(-len(items) // columns) * down + _MARGIN), "white")
    draw, font = ImageDraw.Draw(page), ImageFont.load_default(15)
    for number, item in enumerate(items):
        left, top = _MARGIN + number % columns * across, _MARGIN + number // columns * down
        with suppress(BadInput):  # its thumbnail is gone or damaged
            photo = open_picture(gallery.thumbnail(item.id), at_least=_TILE)
            photo.thumbnail((_TILE, _TILE))
            page.paste(photo, (left + (_TILE - photo.width) // 2, top + (_TILE - photo.height) // 2))
        for line, text in enumerate(_broken(grid.caption_of(gallery, item.id, spoken), font)):
            draw.text((left, top + _TILE + 4 + 20 * line), text, "black", font)
    out = io.BytesIO()
    page.save(out, "JPEG", quality=88)
    return out.getvalue()


def _broken(text: str, font: ImageFont.FreeTypeFont | ImageFont.ImageFont) -> list[str]:
    """A text in at most two lines of a photo's width."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= _TILE or not lines[-1]:
            lines[-1] = longer
        else:
            lines.append(word)
    if len(lines) > 2:
        lines[1] += " …"
    for number, line in enumerate(lines[:2]):
        while font.getlength(line) > _TILE:
            line = f"{line[:-2]}…"
        lines[number] = line
    return lines[:2]


def _rows(gallery: Gallery, items: Sequence[Item], own: bool, hits: Sequence[Hit], query: str) -> list[dict]:
    """What is known of each photo, and of its place among the answers. The path only where the server is the visitor's
    own machine."""
    rows, places = [], {hit.id: hit for hit in hits}
    for item in items:
        hit = places.get(item.id)
        row = {"id": item.id, **({"rank": hit.rank, "match": _share(hit.match), "query": query} if hit else {})}
        row |= {fact: item.facts.get(fact) for fact in grid.fact_names() if fact in item.facts}
        path = originals.original(gallery, item) if own else None
        rows.append(row | ({"path": str(path)} if path else {}) | {"captions": gallery.captions(item.id)})
    return rows


def _share(match: float | None) -> float | None:
    return None if match is None else round(match, 3)


def as_json(gallery: Gallery, items: Sequence[Item], own: bool, hits: Sequence[Hit] = (), query: str = "") -> bytes:
    """A list of photos with their facts and captions, and their places among the answers to a query."""
    rows = _rows(gallery, items, own, hits, query)
    for row in rows:
        row["captions"] = [{"language": language, "text": text} for language, text in row["captions"]]
    return json.dumps(rows, ensure_ascii=False, indent=1).encode()


def as_csv(
    gallery: Gallery,
    items: Sequence[Item],
    own: bool,
    hits: Sequence[Hit] = (),
    query: str = "",
    spoken: str = "en",
) -> bytes:
    """A table of photos with their facts, a caption, in that language if there is one, and their places among the
    answers to a query, in UTF-8 with a mark that spreadsheets know it by."""
    rows = _rows(gallery, items, own, hits, query)
    for row in rows:
        row["caption"] = min(row.pop("captions"), key=lambda one: one[0] != spoken, default=("", ""))[1]
    out = io.StringIO()
    writer = csv.DictWriter(out, list(dict.fromkeys(name for row in rows for name in row)))
    writer.writeheader()
    writer.writerows({name: _harmless(value) for name, value in row.items()} for row in rows)
    return out.getvalue().encode("utf-8-sig")


def _harmless(value: object) -> object:
    """A text that a spreadsheet would take for a formula, such as a file's name, as a text: also after spaces, and with
    the wide signs of East Asia."""
    return f"'{value}" if isinstance(value, str) and re.match(r"\s*[=+@＝＋－＠-]|[\t\r\n]", value) else value
