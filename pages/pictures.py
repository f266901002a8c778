"""A picture in the query: uploaded, pasted or photographed, decoded once, and used as a drawing or as a photo.

There are two places for one. Each has an inbox, which is empty again as soon as its file was read, and shows what is
kept of it: how it is understood, with one click to correct that, and one to remove it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import streamlit as st
from PIL import Image

from pages import uploads
from pages.plain import plain
from pages.state import state
from pages.widgets import inline
from xmr.gallery import thumbnail
from xmr.modality import BadInput, Drawing, Modality, Term
from xmr.preprocess import is_drawing, open_picture, open_sketch, read_drawing, sketch_input

_KEPT = 1024  # longer side of a picture, px


@dataclass(frozen=True)
class Picture:
    """What is kept of a picture.

    content:  as it was decoded, or the strokes of an SVG.
    drawing:  whether it looks like a drawing.
    use:      "drawing"; "inverted": a drawing of which dark and light were mistaken for each other; or "photo".
    chosen:   whether a person said so.
    seen:     what is taken for the drawing; None for a photo, or if there is nothing to be taken.
    trouble:  why there is nothing.
    shown:    the address of a small one.
    vectors:  by system, its term in that system's space: encoded once, not at each run of the page.
    """

    content: Image.Image | Drawing
    drawing: bool
    use: str = ""
    chosen: bool = False
    seen: Image.Image | None = None
    trouble: str = ""
    shown: str = ""
    vectors: dict[str, Term] = field(default_factory=dict)

    @property
    def term(self) -> Term | None:
        """Its part in the query."""
        if self.use == "photo":
            return Term(Modality.PHOTO, self.content)
        return Term(Modality.SKETCH, self.seen) if self.seen else None

    def used(self, use: str, chosen: bool = True) -> Picture:
        """The same picture, used as something else."""
        seen, trouble = None, ""
        if use != "photo":
            try:
                seen = _seen(self.content, use == "inverted")
            except BadInput as error:
                trouble = str(error)
        shown = inline(thumbnail(seen or self.content)) if seen or isinstance(self.content, Image.Image) else ""
        return replace(self, use=use, chosen=chosen, seen=seen, trouble=trouble, shown=shown, vectors={})


def _seen(content: Image.Image | Drawing, inverted: bool) -> Image.Image:
    if isinstance(content, Drawing):
        return Image.fromarray(sketch_input(content))
    seen = read_drawing(content)
    if not inverted:
        return seen
    light = read_drawing(content, light_ink=True)
    return read_drawing(content, light_ink=False) if light == seen else light


@dataclass(frozen=True)
class _Place:
    """One of the two places.

    key:   of State, which holds its picture there.
    uses:  what its picture may be used as, to begin with the first, each with what that is called.
    open:  decodes its files.
    names: of its term, by modality.
    """

    key: str
    uses: dict[str, str]
    open: Callable[[Any], Image.Image | Drawing]
    names: dict[Modality, str]


_SKETCH = _Place(
    "sketch",
    {"drawing": "As it is", "inverted": "Inverted", "photo": "A photo"},
    lambda file: open_sketch(file),
    {Modality.SKETCH: "the drawing you gave", Modality.PHOTO: "the picture you gave"},
)
_PHOTO = _Place(
    "photo",
    {"photo": "A photo", "drawing": "A drawing", "inverted": "Inverted"},
    lambda file: open_picture(file, at_least=448),
    {Modality.SKETCH: "the photo as a drawing", Modality.PHOTO: "the photo"},
)


def by_sketch() -> dict[str, Term]:
    """A drawing on paper or in a file: by upload, clipboard or camera."""
    with st.container(key="sketch-inbox", gap="xxsmall"):
        st.caption("Or give a picture of a drawing: upload it, paste it, or take it with the camera")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            key = f"sketch-{state.sketch_inbox}"
            st.file_uploader("A drawing", key=key, label_visibility="collapsed", on_change=_take, args=(_SKETCH, key))
            st.button("Close the camera" if state.camera else "Camera", icon=":material/photo_camera:", on_click=_turn)
    if state.camera:
        key = f"camera-{state.sketch_inbox}"
        st.camera_input("Your drawing", key=key, label_visibility="collapsed", on_change=_take, args=(_SKETCH, key))
    return _kept(_SKETCH)


def by_photo() -> dict[str, Term]:
    """A photo by upload."""
    key, formats = f"photo-{state.photo_inbox}", "JPEG, PNG, WebP, HEIC, AVIF, RAW and other files, up to 50 MB"
    st.file_uploader("A photo", key=key, help=formats, on_change=_take, args=(_PHOTO, key))
    return _kept(_PHOTO)


def _turn() -> None:
    """The camera on or off: a browser asks for it only when somebody wants it."""
    state.camera, state.refused = not state.camera, None


def _take(place: _Place, key: str) -> None:
    """Read what came into an inbox, and have an empty one in its place."""
    file = st.session_state[key]
    if file is None:
        return
    inbox = f"{place.key}_inbox"
    setattr(state, inbox, getattr(state, inbox) + 1)
    state.camera, state.refused = False, None
    try:
        content = place.open(file)
        drawing = True
        if isinstance(content, Image.Image):
            content.thumbnail((_KEPT, _KEPT))
            drawing = is_drawing(content)
        _keep(place, Picture(content, drawing).used(next(iter(place.uses)), chosen=False))
    except BadInput as error:
        state.refused = (place.key, str(error))
    uploads.forget(file)


def _keep(place: _Place, picture: Picture | None) -> None:
    setattr(state, place.key, picture)


def _use(place: _Place) -> None:
    """As the person says."""
    _keep(place, getattr(state, place.key).used(getattr(state, f"{place.key}_use")))


def _kept(place: _Place) -> dict[str, Term]:
    """What is kept in a place, on the page; and its term by its name."""
    if state.refused and state.refused[0] == place.key:
        st.warning(plain(state.refused[1]), icon=":material/broken_image:")
    picture: Picture | None = getattr(state, place.key)
    if not picture:
        return {}
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"{place.key}-card"):
        if picture.shown:
            st.image(picture.shown, width=104, alt=f"What is searched as {_what(picture)}")
        with st.container(gap="xxsmall"):
            st.markdown(_said(picture))
            st.button(
                "Remove",
                key=f"{place.key}-remove",
                icon=":material/close:",
                type="tertiary",
                on_click=_keep,
                args=(place, None),
            )
    if picture.trouble:
        st.warning(plain(picture.trouble))
    if note := isinstance(picture.content, Image.Image) and picture.content.info.get("note"):
        st.caption(plain(note))
    if isinstance(picture.content, Image.Image) and (place is _SKETCH or picture.drawing or picture.use != "photo"):
        setattr(state, f"{place.key}_use", picture.use)
        st.segmented_control(
            "It is",
            place.uses,
            format_func=place.uses.get,
            key=f"{place.key}_use",
            required=True,
            label_visibility="collapsed",
            on_change=_use,
            args=(place,),
        )
    return {place.names[picture.term.modality]: picture.term} if picture.term else {}


def _what(picture: Picture) -> str:
    return "a photo" if picture.use == "photo" else "a drawing"


def _said(picture: Picture) -> str:
    """How a picture is understood, and whether that may be wrong."""
    if not picture.chosen and picture.use == "photo" and picture.drawing:
        return "This looks like a drawing, but it is searched as a photo."
    if not picture.chosen and picture.use != "photo" and not picture.drawing:
        return "This looks like a photo, but it is searched as a drawing."
    if picture.use == "photo":
        return "Searched as a photo."
    return "This is what I see as your drawing." if picture.seen else "I see no drawing in this picture."
