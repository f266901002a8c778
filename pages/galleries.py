"""The galleries that a visitor can choose: the shipped one, folders that were indexed here before, and the uploads.

Folders are remembered in a file of the server's user, for everyone who may index them (pages/trust.py); only who sits
at the server's own computer changes the list.
"""

from __future__ import annotations

import json
import shutil
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path

import streamlit as st
from filelock import FileLock, Timeout
from platformdirs import user_data_path

from pages import trust, uploads
from pages.language import tr
from pages.plain import plain, shown
from pages.shared import forget_gallery, like, open_gallery, photos_folder
from pages.state import sent, state
from xmr.files import write_json
from xmr.gallery import DEMO, Gallery
from xmr.modality import BadInput

MOST = 50  # folders that are remembered, those that were indexed last
LONGEST_NAME = 60  # letters
UPLOADS = "uploads"  # how an address names them
_LONGEST_PATH = 1_000


@dataclass(frozen=True)
class Choice:
    """A gallery to choose.

    key:    how an address names it: "" for the shipped one, UPLOADS, or the path of the photos' folder.
    name:   as it is shown.
    folder: of the photos.
    """

    key: str
    name: str
    folder: Path


def choices() -> list[Choice]:
    """All that this visitor can choose, the one that is searched among them."""
    found = [Choice("", tr("The shipped photos"), DEMO)]
    found += [Choice(str(folder), shown(name), folder) for folder, name in _remembered() if _may(folder)]
    if state.uploads and state.uploads.names and (state.uploads.folder / ".xmr").is_dir():
        found.append(Choice(UPLOADS, tr("Your uploads"), state.uploads.folder))
    if (now := key_of_chosen()) not in {choice.key for choice in found}:  # by an address
        found.append(Choice(now, shown(Path(now).name or now), Path(now)))
    names = Counter(choice.name for choice in found)  # browsers tell what was chosen by what it is called
    return [
        replace(choice, name=f"{choice.name} ({shown(choice.key)})")
        if names[choice.name] > 1 and choice.key not in ("", UPLOADS)
        else choice
        for choice in found
    ]


def told(gallery: Gallery) -> str:
    """How many photos are searched, and of which gallery where they are not the shipped ones, as Markdown."""
    photos = tr("1 photo") if len(gallery) == 1 else tr("{count} photos", count=len(gallery))
    key = key_of_chosen()
    return tr("{photos} of “{gallery}”", photos=photos, gallery=plain(_name(key))) if key else photos


def _name(key: str) -> str:
    return next(choice.name for choice in choices() if choice.key == key)


def instead() -> str:
    """A sentence on what is searched in place of what could not be."""
    return tr("Searched instead: {gallery}.", gallery=_name(key_of_chosen()))


def switch(widget: str, before: str) -> None:
    """Search the gallery that was chosen in a widget which showed the one `before`; filters and photos of that go with
    it."""
    chosen = sent(widget)
    if chosen in (None, before):  # a widget of before the gallery changed, which the browser tells of late
        return
    try:
        choose(chosen)
        state.less, state.where, state.outcome, state.told = (), None, None, ()
        like(None)
    except BadInput as error:
        state.told = (str(error),)


def menu() -> None:
    """The galleries to choose from, where there are more than one."""
    found, now = {choice.key: choice.name for choice in choices()}, key_of_chosen()
    if len(found) > 1:
        widget = f"scope-{now}"  # another gallery, another widget: what an old one says does not count any more
        st.session_state[widget] = now
        st.selectbox(
            tr("Photos to search"), found, key=widget, format_func=found.get, on_change=switch, args=(widget, now)
        )


def key_of_chosen() -> str:
    """How an address names the gallery that is searched."""
    if state.folder == DEMO:
        return ""
    if state.uploads and state.folder.is_relative_to(state.uploads.folder):
        return UPLOADS
    with suppress(BadInput):
        return str(open_gallery(state.folder).root)
    return str(photos_folder(state.folder))


def choose(key: str) -> None:
    """Search a gallery from now on.

    Raises:
        BadInput: this visitor may not open it, or cannot; the one before stays.
    """
    state.folder = _folder(key)


def _folder(key: str) -> Path:
    if not key:
        return DEMO
    if key == UPLOADS:
        if state.uploads is None:
            raise BadInput(tr("These uploads are not kept any more. Upload the photos again on the page Gallery."))
        return open_gallery(state.uploads.folder).path
    roots = trust.roots()
    if not roots or len(key) > _LONGEST_PATH:
        raise BadInput(tr("This address names a folder that cannot be searched from here. Choose photos on Gallery."))
    folder = trust.own_folder(key, roots)
    try:
        return open_gallery(folder).path
    except BadInput:
        if not is_remembered(key):
            raise
        return folder  # it is told on the page that its index is gone, and it can be indexed again or removed


def _may(folder: Path) -> bool:
    return any(folder.is_relative_to(root) for root in trust.roots()) and not uploads.is_area(folder)


# ------------------------------------------------------------ the list


def is_remembered(key: str) -> bool:
    """Whether a gallery is a folder of the list."""
    return key in {str(folder) for folder, _ in _remembered()}


def remember(folder: Path) -> None:
    """Put a folder that was indexed at the head of the list; it keeps its name."""
    with _changing() as listed:
        name = dict(listed).get(folder, folder.name or str(folder))
        listed[:] = [(folder, name), *(one for one in listed if one[0] != folder)][:MOST]


def rename(key: str, name: str) -> None:
    """Give a remembered folder another name; a blank one is its own."""
    _check_owner()
    with _changing() as listed:
        given = " ".join(name.split())[:LONGEST_NAME]
        listed[:] = [(folder, (given or folder.name) if str(folder) == key else old) for folder, old in listed]


def forget(key: str, delete_index: bool = False) -> None:
    """Take a folder off the list; with `delete_index`, what xmr stored about its photos goes as well. The photos stay.

    Raises:
        BadInput: not from here, or the index cannot be deleted.
    """
    _check_owner()
    if not is_remembered(key):
        return
    if delete_index:
        with suppress(BadInput):  # there is none any more
            folder = trust.own_folder(key, trust.roots())
            _delete(open_gallery(folder).path, folder)
    with _changing() as listed:
        listed[:] = [one for one in listed if str(one[0]) != key]


def _delete(index: Path, folder: Path) -> None:
    """Delete a gallery's own files; a gallery that is not apart from its photos stays."""
    if index in (folder, DEMO):
        return
    for place in (folder, index):
        forget_gallery(place)
    try:
        for part in ("thumbs", "vectors"):
            shutil.rmtree(index / part, ignore_errors=True)
        for file in index.glob("gallery.sqlite*"):
            file.unlink()
        with suppress(OSError):  # something else is in it
            index.rmdir()
    except OSError as error:
        raise BadInput(
            tr("{file} cannot be deleted: {why}. Delete it yourself.", file=error.filename, why=error.strerror)
        ) from None


def copy_of_shipped() -> Path:
    """The folder of a copy of the shipped photos in the user's data folder, which further systems can index; it is made
    at the first call. BadInput if it cannot be written."""
    folder = user_data_path("xmr") / "galleries" / "shipped photos"
    part = folder.with_name(f"{folder.name}.part")
    if not folder.is_dir():
        try:
            shutil.rmtree(part, ignore_errors=True)
            shutil.copytree(DEMO, part)
            part.rename(folder)
        except OSError as error:
            raise BadInput(
                tr("The shipped photos cannot be copied to {folder}: {why}. Make room there.", folder=folder, why=error)
            ) from None
    return folder


def _check_owner() -> None:
    if not trust.own_machine():
        raise BadInput(tr("Only someone at the computer that runs this app can change the list of galleries."))


def _file() -> Path:
    return user_data_path("xmr") / "app-galleries.json"


def _remembered() -> list[tuple[Path, str]]:
    """Folders with their names; an empty list where the file is missing or damaged."""
    try:
        given = json.loads(_file().read_text(encoding="utf-8"))
        return [(Path(folder), str(name)[:LONGEST_NAME]) for folder, name in given][:MOST]
    except (OSError, ValueError, TypeError):
        return []


class _changing:
    """The remembered list, to be changed by one at a time; it is written at the end."""

    def __enter__(self) -> list[tuple[Path, str]]:
        self._lock = FileLock(_file().with_suffix(".lock"), timeout=5)
        try:
            _file().parent.mkdir(parents=True, exist_ok=True)
            self._lock.acquire()
        except (OSError, Timeout):
            raise BadInput(
                tr("The list of galleries cannot be changed: check the folder {folder}.", folder=_file().parent)
            ) from None
        self._listed = _remembered()
        return self._listed

    def __exit__(self, kind: object, *_: object) -> None:
        try:
            if kind is None:
                write_json(_file(), [(str(folder), name) for folder, name in self._listed])
        finally:
            self._lock.release()
