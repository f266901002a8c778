"""The photos of the shipped gallery, galleries/demo, as items."""

import numpy as np

from training.datasets import MissingData
from xmr.gallery import Gallery
from xmr.gallery.store import DEMO
from xmr.modality import BadInput, Item, Modality
from xmr.system import System


def items() -> list[Item]:
    """The photos, labelled with the classes of the things in them; their content is the shipped thumbnail.

    Raises:
        MissingData: the gallery can't be read.
    """
    try:
        with Gallery.open(DEMO) as gallery:
            return [
                Item(photo.id, Modality.PHOTO, photo.content, _labels(photo), facts=photo.facts) for photo in gallery
            ]
    except BadInput as error:
        raise MissingData(f"The demo gallery can't be read. {error}") from None


def captions() -> dict[str, dict[str, str]]:
    """The first caption of each of its photos, by the photo's id and language."""
    with Gallery.open(DEMO) as gallery:
        found: dict[str, dict[str, str]] = {}
        for photo in gallery:
            for text in gallery.texts_of(photo.id):
                found.setdefault(photo.id, {}).setdefault(text.language, str(text.content))
    return found


def vectors(system: System) -> dict[str, np.ndarray]:
    """A system's shipped vectors of the photos, (dim,) by id; raises BadInput if they are from other weights."""
    with Gallery.open(DEMO) as gallery:
        return dict(zip(*gallery.vectors(system, Modality.PHOTO), strict=True))


def _labels(photo: Item) -> frozenset[str]:
    things = photo.facts.get("objects", [photo.facts])
    return frozenset(f"class:{thing['category']}" for thing in things)
