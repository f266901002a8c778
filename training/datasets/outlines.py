"""Photos as line drawings: sketches of far more kinds of things than any set of sketches has, made by an edge detector.

They stand in for drawings where a network is to keep what it knows of photos (Canny 1986). What a system must not have
seen is left out: photos of ImageNet's classes that are of a kind with an unseen one.
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

SMOOTHING = 2.5  # px: what is finer is no line
KIN = {  # of Sketchy's unseen classes: the names of ImageNet's that are of their kind
    "airplane": "airliner, warplane, airship, wing, space shuttle", "bell": "bell cote, chime, gong",
    "butterfly": "admiral, ringlet, monarch, cabbage butterfly, sulphur butterfly, lycaenid",
    "cabin": "mobile home, boathouse, yurt, thatch", "camel": "Arabian camel, llama",
    "chicken": "cock, hen, prairie chicken", "cow": "ox, oxcart, water buffalo, bison",
    "cup": "cup, coffee mug, measuring cup, goblet, espresso, eggnog", "deer": "hartebeest, impala, gazelle, ibex",
    "dolphin": "killer whale, grey whale, dugong", "door": "sliding door, turnstile, shoji", "harp": "harp",
    "horse": "sorrel, horse cart", "mouse": "mouse, mousetrap, hamster",
    "parrot": "African grey, macaw, sulphur-crested cockatoo, lorikeet", "pear": "fig", "pineapple": "pineapple",
    "raccoon": "lesser panda, badger", "ray": "electric ray, stingray", "rhinoceros": "triceratops",
    "rifle": "rifle, assault rifle", "saw": "chain saw, carpenter's kit", "scissors": "carpenter's kit",
    "seagull": "albatross", "skyscraper": "obelisk", "snail": "snail, slug, sea slug",
    "songbird": "brambling, goldfinch, house finch, junco, indigo bunting, robin, bulbul, jay, magpie, chickadee, "
                "water ouzel, bee eater, jacamar, coucal",
    "squirrel": "fox squirrel, marmot", "swan": "black swan, goose", "sword": "scabbard", "tank": "tank, half track",
    "teddy_bear": "teddy", "umbrella": "umbrella", "volcano": "volcano", "wheelchair": "stretcher",
    "window": "window screen, window shade", "wine_bottle": "wine bottle, red wine, beer bottle, pop bottle",
}  # fmt: skip


def outline(photo: Image.Image) -> Image.Image:
    """A photo's edges as dark lines on white paper: a grey picture of SKETCHED x SKETCHED px."""
    grey = np.asarray(photo.convert("L").resize((SKETCHED, SKETCHED), Image.Resampling.BILINEAR)) / 255
    return Image.fromarray(np.where(binary_dilation(canny(grey, SMOOTHING)), 0, 255).astype(np.uint8))


def outlines(photos: Iterable[Item]) -> list[Item]:
    """A sketch item for each photo, of its labels and of that very photo, which is drawn when it is opened."""
    return [Item(f"{photo.id}#outline", Modality.SKETCH, photo.content, photo.labels | identity_of(photo),
                 facts={"drawing": partial(_drawn, photo.content)}) for photo in photos]  # fmt: skip


def _drawn(path: Path) -> Image.Image:
    return outline(open_picture(path))


def strangers(unseen: Collection[str]) -> list[Item]:
    """ImageNet's photos, one a class, of kinds that none of these classes of Sketchy is; raises MissingData."""
    kin = {name for one in unseen for name in KIN.get(one, "").split(", ")}
    return [item for item in imagenet1000.items("train")
            if not kin & {label.removeprefix("class:") for label in labels_of(item, "class")}]  # fmt: skip
