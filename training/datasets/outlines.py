"""Outlines: line drawings made from photos by an edge detector (Canny 1986), for more classes than sketches exist of.

For zero-shot systems, photos of ImageNet classes that are related to an unseen class are left out.
"""

from collections.abc import Collection, Iterable
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image
from scipy.ndimage import binary_dilation
from skimage.feature import canny

from training.datasets import identity_of, imagenet1000, labels_of
from xmr.modality import Item, Modality
from xmr.preprocess import SKETCHED, open_picture

SIGMA = 2.5  # px, of Canny's Gaussian
RELATED_CLASSES = {  # unseen class of Sketchy -> ImageNet classes that show the same or nearly the same
    "airplane": "airliner, warplane, airship, wing, space shuttle",
    "bell": "bell cote, chime, gong",
    "butterfly": "admiral, ringlet, monarch, cabbage butterfly, sulphur butterfly, lycaenid",
    "cabin": "mobile home, boathouse, yurt, thatch",
    "camel": "Arabian camel, llama",
    "chicken": "cock, hen, prairie chicken",
    "cow": "ox, oxcart, water buffalo, bison",
    "cup": "cup, coffee mug, measuring cup, goblet, espresso, eggnog",
    "deer": "hartebeest, impala, gazelle, ibex",
    "dolphin": "killer whale, grey whale, dugong",
    "door": "sliding door, turnstile, shoji",
    "harp": "harp",
    "horse": "sorrel, horse cart",
    "mouse": "mouse, mousetrap, hamster",
    "parrot": "African grey, macaw, sulphur-crested cockatoo, lorikeet",
    "pear": "fig",
    "pineapple": "pineapple",
    "raccoon": "lesser panda, badger",
    "ray": "electric ray, stingray",
    "rhinoceros": "triceratops",
    "rifle": "rifle, assault rifle",
    "saw": "chain saw, carpenter's kit",
    "scissors": "carpenter's kit",
    "seagull": "albatross",
    "skyscraper": "obelisk",
    "snail": "snail, slug, sea slug",
    "songbird": "brambling, goldfinch, house finch, junco, indigo bunting, robin, bulbul, jay, magpie, chickadee, "
    "water ouzel, bee eater, jacamar, coucal",
    "squirrel": "fox squirrel, marmot",
    "swan": "black swan, goose",
    "sword": "scabbard",
    "tank": "tank, half track",
    "teddy_bear": "teddy",
    "umbrella": "umbrella",
    "volcano": "volcano",
    "wheelchair": "stretcher",
    "window": "window screen, window shade",
    "wine_bottle": "wine bottle, red wine, beer bottle, pop bottle",
}


def outline(photo: Image.Image) -> Image.Image:
    """A photo's edges as dark lines on white: an "L" image of SKETCHED x SKETCHED px."""
    grey = np.asarray(photo.convert("L").resize((SKETCHED, SKETCHED), Image.Resampling.BILINEAR)) / 255
    return Image.fromarray(np.where(binary_dilation(canny(grey, SIGMA)), 0, 255).astype(np.uint8))


def outlines(photos: Iterable[Item]) -> list[Item]:
    """A sketch item for each photo, with its labels and its identity label; the outline is computed when opened."""
    return [
        Item(
            f"{photo.id}#outline",
            Modality.SKETCH,
            photo.content,
            photo.labels | identity_of(photo),
            facts={"drawing": partial(_drawn, photo.content)},
        )
        for photo in photos
    ]


def _drawn(path: Path) -> Image.Image:
    return outline(open_picture(path))


def photos_excluding(unseen: Collection[str]) -> list[Item]:
    """The photos of imagenet1000 that are not related to these classes of Sketchy; raises MissingData."""
    related = {name for one in unseen for name in RELATED_CLASSES.get(one, "").split(", ")}
    return [
        item
        for item in imagenet1000.items("train")
        if not related & {label.removeprefix("class:") for label in labels_of(item, "class")}
    ]
