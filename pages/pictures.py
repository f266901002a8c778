"""The pictures in the query: uploaded, dropped, pasted or photographed, and used as photos or as drawings.

Each is decoded once, and taken for a photo or for a picture of a drawing by its look, which one click corrects. A part
of it can be chosen. The inbox is empty again as soon as its files were read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import streamlit as st
from PIL import Image
from streamlit.runtime.uploaded_file_manager import UploadedFile

from pages import kept, uploads
from pages.language import tr
from pages.plain import plain
from pages.shared import changed
from pages.state import sent, state
from pages.widgets import crop, inline
from xmr.gallery import thumbnail
from xmr.modality import BadInput, Drawing, Modality, Term
from xmr.preprocess import is_drawing, open_sketch, read_drawing, sketch_input

MOST = 6  # pictures of a query
USES = ("photo", "drawing", "inverted")
Box = tuple[float, float, float, float]  # left, top, right and bottom, as shares of a picture's sides

_KEPT = 1024  # longer side of a picture, px
_SMALLEST = 0.03  # side of a part, as a share


@dataclass(frozen=True)
class Picture:
    """What is kept of a picture.

    name:     under which the server keeps it.
    content:  as it was decoded, or the strokes of an SVG.
    drawing:  whether it looks like a drawing.
    use:      "drawing"; "inverted": a drawing of which dark and light were mistaken for each other; or "photo".
    box:      the part that is searched with; None for the whole.
    part:     that part.
    seen:     what is taken for the drawing; None for a photo, or if there is nothing to be taken.
    trouble:  why there is nothing.
    shown:    the address of a small one.
    vectors:  by system, its term in that system's space: encoded once, not at each run of the page.
    """

    name: str
    content: Image.Image | Drawing
    drawing: bool
    use: str = ""
    box: Box | None = None
    part: Image.Image | Drawing | None = None
    seen: Image.Image | None = None
    trouble: str = ""
    shown: str = ""
    vectors: dict[str, Term] = field(default_factory=dict)

    @property
    def term(self) -> Term | None:
        """Its part in the query."""
        if self.use == "photo":
            return Term(Modality.PHOTO, self.part)
        return Term(Modality.SKETCH, self.seen) if self.seen else None

    def used(self, use: str, box: Box | None = None) -> Picture:
        """The same picture, used as something else; `box`: a part of it."""
        part, seen, trouble = self.content, None, ""
        if isinstance(part, Drawing):
            box = None
        elif box:
            (left, top, right, bottom), (width, height) = box, part.size
            left, top = min(int(left * width), width - 1), min(int(top * height), height - 1)
            part = part.crop((left, top, max(left + 1, round(right * width)), max(top + 1, round(bottom * height))))
        if use != "photo":
            try:
                seen = _seen(part, use == "inverted")
            except BadInput as error:
                trouble = str(error)
        shown = inline(thumbnail(seen or part)) if seen or isinstance(part, Image.Image) else ""
        return replace(self, use=use, box=box, part=part, seen=seen, trouble=trouble, shown=shown, vectors={})

    @property
    def can_be_photo(self) -> bool:
        """Strokes cannot."""
        return isinstance(self.content, Image.Image)


def _seen(content: Image.Image | Drawing, inverted: bool) -> Image.Image:
    if isinstance(content, Drawing):
        return Image.fromarray(sketch_input(content))
    seen = read_drawing(content)
    if not inverted:
        return seen
    light = read_drawing(content, light_ink=True)
    return read_drawing(content, light_ink=False) if light == seen else light


def given() -> list[Picture]:
    """The inbox, and the pictures of the query on the page; returns these."""
    with st.container(key="pictures", gap="xxsmall"):
        st.caption(tr("Or give photos or drawings: upload, drop or paste them anywhere, or use the camera"))
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            key = f"pictures-{state.inbox}"
            st.file_uploader(
                tr("Photos or drawings"),
                accept_multiple_files=True,
                key=key,
                label_visibility="collapsed",
                on_change=_take,
                args=(key,),
            )
            label = tr("Close the camera") if state.camera else tr("Camera")
            st.button(label, icon=":material/photo_camera:", on_click=_turn)
    if state.camera:
        key = f"camera-{state.inbox}"
        st.camera_input(
            tr("Your photo or drawing"), key=key, label_visibility="collapsed", on_change=_take, args=(key,)
        )
    for picture in state.pictures:
        _card(picture)
    if state.pictures:
        st.caption(
            tr(
                "The address of this page leads to these pictures as long as the server keeps them: about an hour, and "
                "for everyone who has the address."
            )
        )
    return list(state.pictures)


def tell_refused() -> None:
    """Why files that were just given are not in the query: a part of the page that a phone does not fold away."""
    if state.refused:  # in one box, however many were given
        st.warning("\n\n".join(map(plain, dict.fromkeys(state.refused))), icon=":material/broken_image:")


def _turn() -> None:
    """The camera on or off: a browser asks for it only when somebody wants it."""
    state.camera, state.refused = not state.camera, ()


def _take(key: str) -> None:
    """Read what came into an inbox, and have an empty one in its place."""
    came = sent(key)
    files: Sequence[UploadedFile] = came if isinstance(came, list) else [came] if came else []
    if not files:
        return
    state.inbox, state.camera, state.refused = state.inbox + 1, False, ()
    for file in files:
        try:
            if len(state.pictures) >= MOST:
                raise BadInput(tr("A query has at most {most} pictures. Remove one first.", most=MOST))
            add(open_sketch(file))
        except BadInput as error:
            state.refused = (*state.refused, str(error))
        uploads.forget(file)


def add(content: Image.Image | Drawing) -> None:
    """Put a picture into the query, as what it looks like."""
    drawing = True
    if isinstance(content, Image.Image):
        content.thumbnail((_KEPT, _KEPT))
        drawing = is_drawing(content)
    name, content = kept.keep(content, drawing)  # what is asked with now is what an address leads to
    picture = Picture(name, content, drawing)
    state.pictures = (*state.pictures, picture.used("drawing" if drawing else "photo"))
    changed()


def found(name: str, use: str, box: Box | None) -> Picture:
    """A picture that the server keeps, by its name.

    Raises:
        BadInput: it is gone, or cannot be used so.
    """
    for picture in state.pictures:
        if (picture.name, picture.use, picture.box) == (name, use, box):
            return picture
    there = kept.find(name)
    if there is None:
        raise BadInput(tr("A picture of this query is no longer kept by the server. Give it again."))
    picture = Picture(name, *there)
    if use not in USES or (use == "photo" and not picture.can_be_photo):
        raise BadInput(tr("This address uses a picture in a way that does not exist. Choose again how to use it."))
    return picture.used(use, box)


def _change(name: str, use: str | None = None, box: Box | None = None, keep_box: bool = False) -> None:
    """Use a picture as something else, or another part of it."""
    state.pictures = tuple(
        one.used(use or one.use, one.box if keep_box else box) if one.name == name else one for one in state.pictures
    )
    changed()


def _remove(name: str) -> None:
    state.pictures = tuple(one for one in state.pictures if one.name != name)
    state.refused = ()
    changed()


def _use(name: str) -> None:
    """As the person says."""
    if use := sent(f"use-{name}"):
        _change(name, use, keep_box=True)


def _crop(name: str) -> None:
    state.cropping = None if state.cropping == name else name


def _cropped(name: str, given: object) -> None:
    """A part that the browser says was chosen; all that is no part means the whole."""
    _change(name, box=box_of(given))


def box_of(given: object) -> Box | None:
    """A part of a picture from what anyone may have sent: four shares. None for the whole, or for what is no part."""
    if not isinstance(given, (list, tuple)) or len(given) != 4:
        return None
    if not all(isinstance(side, (int, float)) and 0 <= side <= 1 for side in given):
        return None
    left, top, right, bottom = (round(float(side), 3) for side in given)
    if right - left < _SMALLEST or bottom - top < _SMALLEST or (left, top, right, bottom) == (0, 0, 1, 1):
        return None
    return left, top, right, bottom


def _card(picture: Picture) -> None:
    """A picture on the page, with what it is used as."""
    name = picture.name
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"card-{name}"):
        if picture.shown:
            what = tr("Searched as a photo.") if picture.use == "photo" else tr("Searched as a drawing.")
            st.image(picture.shown, width=104, alt=what)
        with st.container(gap="xxsmall"):
            st.markdown(_said(picture))
            with st.container(horizontal=True, gap="small"):
                if picture.can_be_photo:
                    st.button(
                        tr("Done") if state.cropping == name else tr("Choose a part"),
                        key=f"crop-{name}",
                        icon=":material/crop:",
                        type="tertiary",
                        on_click=_crop,
                        args=(name,),
                    )
                st.button(
                    tr("Remove"),
                    key=f"remove-{name}",
                    icon=":material/close:",
                    type="tertiary",
                    on_click=_remove,
                    args=(name,),
                )
    if picture.trouble:
        st.warning(plain(picture.trouble))
    if note := picture.can_be_photo and picture.content.info.get("note"):
        st.caption(plain(note))
    if picture.can_be_photo:
        if state.cropping == name:
            crop(
                inline(thumbnail(picture.content, 512)),
                picture.box,
                lambda box: _cropped(name, box),
                key=f"region-{name}",
            )
        names = {"photo": tr("A photo"), "drawing": tr("A drawing"), "inverted": tr("Inverted")}
        st.session_state[f"use-{name}"] = picture.use
        st.segmented_control(
            tr("It is"),
            USES,
            format_func=names.get,
            key=f"use-{name}",
            required=True,
            label_visibility="collapsed",
            on_change=_use,
            args=(name,),
        )


def chips() -> None:
    """The pictures that are asked with, small, in the container that is open."""
    for picture in state.pictures:
        if picture.term and picture.shown:
            st.image(picture.shown, width=44, alt=_said(picture))


def _said(picture: Picture) -> str:
    """How a picture is understood."""
    if picture.use == "photo":
        return tr("A part of it is searched as a photo.") if picture.box else tr("Searched as a photo.")
    return tr("This is what I see as your drawing.") if picture.seen else tr("I see no drawing in this picture.")
