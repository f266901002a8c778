"""The catalogue of data sets: licence, source, the counts of a complete copy, and how to read each.

items, skips = load("flickr30k", "train", "/data/flickr30k")
"""

import csv
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from training.datasets import (
    MissingData,
    caltech101,
    chairv2,
    classes,
    coco,
    data_root,
    flickr,
    iaprtc12,
    imagenet1000,
    multi30k,
    pictures,
    placed,
    quickdraw,
    sketchy,
    sketchy25,
    strokes,
    where,
    world,
)
from training.datasets.download import File
from training.datasets.reading import Skips, existing
from xmr.modality import BadInput, Item, Modality

Read = Callable[[Path, str, Skips], list[Item]]
MAX_MISSING = 0.25  # share of missing photos above which an archive counts as half unpacked


@dataclass(frozen=True)
class DataSet:
    """One data set.

    Attributes:
        name:     its name here.
        about:    one sentence.
        layout:   the files that its folder must have.
        licence:  as its authors state it.
        source:   where to get it.
        read:     (folder, split, skips) -> the items of the split; what is left out is listed in `skips`.
        expected: folder -> the counts of a complete copy.
        splits:   names of its splits.
        folders:  other folder names under the data root, after `name`.
        files:    files that can be downloaded without a form.
    """

    name: str
    about: str
    layout: str
    licence: str
    source: str
    read: Read
    expected: Callable[[Path], dict[str, int]] = lambda root: {}
    splits: tuple[str, ...] = ("train", "val", "test")
    folders: tuple[str, ...] = ()
    files: tuple[File, ...] = ()

    def items(self, split: str, root: str | Path | None = None) -> list[Item]:
        """The items of one split, empty if there is no such split. What is left out is printed. Raises as `load`."""
        if split not in self.splits:
            return []
        found = load(self.name, split, root)
        if len(found.skips):
            print(f"{self.name}, {split}: {found.skips.line()}")
        return found.items

    def place(self) -> Path:
        """Its folder: the one that `placed` set, or its default."""
        if self.name == "world":
            return world.root()
        places = [data_root() / name for name in (self.name, *self.folders)]
        return where(self.name, next((place for place in places if place.is_dir()), places[0]))


class Loaded(NamedTuple):
    """The items of a split, and what was left out."""

    items: list[Item]
    skips: Skips


def get(name: str) -> DataSet:
    """Look up a data set by name; raises BadInput, which lists the names."""
    if name not in DATASETS:
        raise BadInput(f"There is no data set {name!r}. Choose one of: {', '.join(DATASETS)}.")
    return DATASETS[name]


def load(name: str, split: str, root: str | Path | None = None) -> Loaded:
    """Read one split of a data set. Duplicate ids are kept once, and listed.

    Args:
        name:  of the data set.
        split: one of its splits.
        root:  its folder; None for the default.

    Raises:
        MissingData: its folder, or a file in it, is missing.
        BadInput:    there is no such data set or split, a file is broken, or too many photos are missing.
    """
    data, skips = get(name), Skips()
    if split not in data.splits:
        raise BadInput(f"{name} has no split {split!r}. Choose one of: {', '.join(data.splits)}.")
    return Loaded(read_split(data, root_of(data, root), split, skips), skips)


def root_of(data: DataSet, root: str | Path | None) -> Path:
    """The folder of a data set: this one, or its default; raises MissingData if it does not exist."""
    root = data.place() if root is None else Path(root)
    if not root.is_dir():
        raise MissingData(
            f"Expected {data.name} in {root}, which is no folder. It needs {data.layout}. "
            f"Get it from {data.source}, or name its folder with --root."
        )
    return root


def read_split(data: DataSet, root: Path, split: str, skips: Skips) -> list[Item]:
    """The items of one split in a folder; what is left out is listed in `skips`. Raises as `load`."""
    known, kept = _missing(skips), {}
    try:
        found = data.read(root, split, skips)
    except FileNotFoundError as error:
        raise MissingData(f"{data.name} needs {error.filename}, which is not there. Unpack it again.") from None
    except BadInput:
        raise
    except (OSError, EOFError, zlib.error, csv.Error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadInput(
            f"{root} holds a broken file of {data.name} ({error!r}). It needs {data.layout}. Unpack the "
            "whole set again."
        ) from error
    for item in found:
        if item.id in kept:
            skips.add("ids that come twice", item.id)
        else:
            kept[item.id] = item
    missing = _missing(skips) - known
    if missing > max(MAX_MISSING * (missing + sum(item.modality is Modality.PHOTO for item in kept.values())), 5):
        raise BadInput(
            f"{root} lacks {missing:,} photos that {data.name} names: {skips.line()}. The archive "
            "of photos is half unpacked: unpack it again."
        )
    return list(kept.values())


def _missing(skips: Skips) -> int:
    return len(skips.reasons.get("photos that are missing", ()))


def _by_name(name: str, items: Callable[[str, Skips], list[Item]]) -> Read:
    """A `read` function for an adapter that finds its folder by name."""

    def read(root: Path, split: str, skips: Skips) -> list[Item]:
        with placed(name, root):
            return existing(items(split, skips), skips)

    return read


def _chairs(root: Path, split: str, skips: Skips) -> list[Item]:
    if (root / "sketches.jsonl").is_file():
        return _by_name("chairv2", chairv2.items)(root, split, skips)
    return strokes.qmul(root, split, skips, "chair")


def _counts(**counts: int) -> Callable[[Path], dict[str, int]]:
    return lambda root: counts


_COCO = "http://images.cocodataset.org"
_COCO_2014 = (
    File(f"{_COCO}/annotations/annotations_trainval2014.zip", "md5:0a379cfc70b0e71301e0f377548639bd"),
    File(f"{_COCO}/zips/train2014.zip", "md5:0da8cfa0e090c266b78f30e2d2874f1a"),
    File(f"{_COCO}/zips/val2014.zip", "md5:a3d79f5ed8d289b7a7554ce06a5782b3"),
)
_COCO_2017 = (
    File(f"{_COCO}/annotations/annotations_trainval2017.zip", "md5:f4bbac642086de4f52a3fdda2de5fa2c"),
    File(f"{_COCO}/zips/train2017.zip", "md5:cced6f7f71b7629ddf16f17bbcfab6b2"),
    File(f"{_COCO}/zips/val2017.zip", "md5:442b8da7639aecaf257c1dceb8ba8c80"),
)
_KARPATHY = File("https://cs.stanford.edu/people/karpathy/deepimagesent/caption_datasets.zip")
_IAPR = "http://www-i6.informatik.rwth-aachen.de/imageclef/resources"
_MULTI30K = "https://raw.githubusercontent.com/multi30k/dataset/master/data"
_GERMAN_FILES = tuple(
    File(f"{_MULTI30K}/{path}", into=f"multi30k/{path.rpartition('/')[0]}")
    for path in (
        *(f"task1/image_splits/{name}.txt" for name in ("train", "val", "test_2016_flickr")),
        *(f"task1/raw/{name}.de.gz" for name in ("train", "val", "test_2016_flickr")),
        *(f"task2/image_splits/{name}_images.txt" for name in ("train", "val", "test_2016")),
        *(f"task2/raw/{name}.{n}.de.gz" for name in ("train", "val", "test_2016") for n in range(1, 6)),
    )
)
_QUICKDRAW = "cat", "dog", "car", "chair", "house", "tree", "airplane", "bicycle", "fish", "flower", "The Eiffel Tower"
_QUICKDRAW_FILES = tuple(
    File(
        f"https://storage.googleapis.com/quickdraw_dataset/full/simplified/{name.replace(' ', '%20')}.ndjson",
        into="simplified",
    )
    for name in _QUICKDRAW
)
_SKETCHY = dict(
    layout="256x256/{photo,sketch}/tx_000000000000/<class>/, info/testset.txt, and if wanted "
    "EXTEND_image_sketchy/<class>/; or photo/<class>/ and sketch/<class>/, or photos/ and sketches/",
    licence="for research; the photos are ImageNet's",
    source="https://sketchy.eye.gatech.edu (no form, but a Google Drive); extended photos: github.com/ymcidence/zsih",
    folders=("sketchy", "sketchy25"),
    expected=sketchy.expected,
)
_FLICKR = "photos in any folder; and dataset_{0}.json (Karpathy), captions.txt, results.csv or a .token file"
_FLICKR_FORM = "for non-commercial research and education; the photos under Flickr's terms of use"

DATASETS = {
    data.name: data
    for data in (
        DataSet(
            "sketchy",
            "photos and sketches of 125 classes, each sketch of one photo; held out by photo",
            read=sketchy.read,
            **_SKETCHY,
        ),
        DataSet(
            "sketchy-1",
            "Sketchy with 25 random classes unseen",
            read=partial(sketchy.read, held_out="sketchy-1"),
            **_SKETCHY,
        ),
        DataSet(
            "sketchy-2",
            "Sketchy with 21 classes outside ImageNet unseen",
            read=partial(sketchy.read, held_out="sketchy-2"),
            **_SKETCHY,
        ),
        DataSet(
            sketchy.LISTED,
            f"Sketchy with the classes of {sketchy.SEEN_LIST} trained on and those of {sketchy.UNSEEN_LIST} unseen",
            read=partial(sketchy.read, held_out=sketchy.LISTED),
            **_SKETCHY | {"expected": _counts()},
        ),
        DataSet(
            sketchy.DEVELOPMENT,
            "the seen classes of sketchy-2, 20 of them unseen in their turn: what its settings are chosen by",
            read=partial(sketchy.read, held_out=sketchy.DEVELOPMENT),
            **_SKETCHY | {"expected": _counts()},
        ),
        DataSet(
            "sketchy25",
            "a subset of Sketchy: 25 photos and 25 sketches of each class; what tri trains on",
            "photo/<class>/<photo>.jpg, sketch/<class>/<photo>-<n>.png",
            _SKETCHY["licence"],
            _SKETCHY["source"],
            _by_name("sketchy25", lambda split, skips: sketchy25.items(split)),
            _counts(photos=3125, sketches=3125, classes=125),
        ),
        DataSet(
            "tuberlin",
            "20,000 sketches of 250 things; photos of the same in its extension",
            "png/<class>/<n>.png; if wanted ImageResized/<class>/*.jpg",
            "CC BY 4.0",
            "http://cybertron.cg.tu-berlin.de/eitz/projects/classifysketch/",
            classes.tuberlin,
            classes.tuberlin_expected,
            files=(File("http://cybertron.cg.tu-berlin.de/eitz/projects/classifysketch/sketches_png.zip"),),
        ),
        DataSet(
            "shoev2",
            "QMUL ShoeV2: 2,000 photos of shoes, 6,648 sketches of them",
            "photo/*.png and ShoeV2_Coordinate (strokes), or sketch/{train,test}/*.png, or photo_{train,test}.txt",
            "for research",
            "https://sketchx.eecs.qmul.ac.uk/downloads",
            partial(strokes.qmul, thing="shoe"),
            _counts(photos=2000, sketches=6648),
        ),
        DataSet(
            "chairv2",
            "QMUL ChairV2: 400 photos of chairs, 1,275 sketches of them, in strokes",
            "photo/ and sketches.jsonl; or as shoev2",
            "for research",
            "https://sketchx.eecs.qmul.ac.uk/downloads",
            _chairs,
            _counts(photos=400, sketches=1275),
        ),
        DataSet(
            "quickdraw",
            f"Quick, Draw!: doodles of 345 classes; {quickdraw.PER_CLASS:,} of each are read",
            "<class>.ndjson, simplified or raw",
            "CC BY 4.0",
            "https://github.com/googlecreativelab/quickdraw-dataset",
            quickdraw.read,
            quickdraw.expected,
            files=_QUICKDRAW_FILES,
        ),
        DataSet(
            "pacs",
            "seven classes as photos, paintings, cartoons and sketches",
            "{photo,art_painting,cartoon,sketch}/<class>/, and <domain>_{train,crossval}_kfold.txt",
            "for research",
            "https://sketchx.eecs.qmul.ac.uk/downloads (a Google Drive)",
            classes.pacs,
            _counts(photos=6062, sketches=3928, classes=7),
        ),
        DataSet(
            "flickr8k",
            "8,091 photos with five English captions each",
            _FLICKR.format("flickr8k"),
            _FLICKR_FORM,
            "https://hockenmaier.cs.illinois.edu/8k-pictures.html (a form)",
            partial(flickr.read, name="flickr8k"),
            _counts(photos=8091, captions_en=40_455),
            splits=("train", "val", "test", "extra"),
        ),
        DataSet(
            "flickr30k",
            "31,783 photos with five English captions each, and with Multi30k five German ones",
            _FLICKR.format("flickr30k") + "; Multi30k's task1/ and task2/ in multi30k/ for German (--download)",
            _FLICKR_FORM,
            "https://shannon.cs.illinois.edu/DenotationGraph/ (a form for the photos)",
            partial(flickr.read, name="flickr30k"),
            lambda root: (
                {"photos": 31_014, "captions_en": 155_070}
                if flickr.first(root, "dataset_flickr30k.json")
                else {"photos": 31_783, "captions_en": 158_915}
            ),
            splits=("train", "val", "test", "extra"),
            files=(_KARPATHY, *_GERMAN_FILES),
        ),
        DataSet(
            "multi30k",
            "text alone: 27,262 translation pairs, and 5 + 5 captions of 27,262 images",
            "train.en-de.tsv, train5.jsonl.gz",
            "for non-commercial research; see its README",
            "https://github.com/multi30k/dataset",
            _by_name("multi30k", multi30k.items),
            _counts(captions_en=163_572, captions_de=163_572),
            splits=("train",),
        ),
        DataSet(
            "coco2014",
            "123,287 photos, five captions each, 80 categories as tags",
            "annotations/{captions,instances}_{train,val}2014.json, train2014/, val2014/",
            "annotations: CC BY 4.0; photos: their Flickr owners'",
            "https://cocodataset.org/#download",
            partial(coco.read, year="2014"),
            _counts(photos=123_287, captions_en=616_767),
            files=_COCO_2014,
        ),
        DataSet(
            "coco2017",
            "the same photos in the later division",
            "annotations/{captions,instances}_{train,val}2017.json, train2017/, val2017/",
            "annotations: CC BY 4.0; photos: their Flickr owners'",
            "https://cocodataset.org/#download",
            partial(coco.read, year="2017"),
            _counts(photos=123_287, captions_en=616_767),
            files=_COCO_2017,
        ),
        DataSet(
            "coco-karpathy",
            "COCO 2014 in Karpathy's split: 5,000 val, 5,000 test",
            "dataset_coco.json and coco2014's folders",
            "annotations: CC BY 4.0; photos: their Flickr owners'",
            "https://cs.stanford.edu/people/karpathy/deepimagesent/",
            coco.karpathy,
            _counts(photos=123_287, captions_en=616_767),
            folders=("coco2014",),
            files=(_KARPATHY, *_COCO_2014),
        ),
        DataSet(
            "coco_mini",
            "80 photos of COCO 2017 in its own layout",
            "as coco2017, of train alone",
            "annotations: CC BY 4.0; photos: their Flickr owners'",
            "https://cocodataset.org/#download",
            partial(coco.read, year="2017"),
            _counts(photos=80, captions_en=400),
            splits=("train", "val"),
        ),
        DataSet(
            "iaprtc12",
            "20,000 photos described in English and German, tagged by SAIAPR with 255 labels",
            "annotations_complete_{eng,ger}/, images/, and saiaprtc12ok/ with labels.txt and wlist.txt",
            "free for research",
            "https://www.imageclef.org/photodata, https://www.imageclef.org/SIAPRdata",
            iaprtc12.read,
            _counts(photos=20_000, captions_en=20_000),
            splits=("train", "val", "test", "extra"),
            files=(File(f"{_IAPR}/iaprtc12.tgz"), File(f"{_IAPR}/saiaprtc12ok.tgz")),
        ),
        DataSet(
            "caltech101",
            "ten photos of each of Caltech-101's 101 classes; not its background pictures",
            "<class>/*.jpg",
            "CC BY 4.0",
            "https://data.caltech.edu/records/mzrjq-6wc02",
            _by_name("caltech101", caltech101.items),
            _counts(photos=1010, classes=95),
            splits=("train",),
        ),
        DataSet(
            "imagenet1000",
            "one photo of each ImageNet class",
            "<wordnet id>_<class>.jpg",
            "for research",
            "https://image-net.org",
            _by_name("imagenet1000", imagenet1000.items),
            _counts(photos=1000, classes=998),
            splits=("train",),
        ),
        DataSet(
            "world",
            "the rendered world: photos, drawings and captions",
            "<split>/facts.jsonl, <split>/photos/",
            "ours, as the code",
            "python -m training render",
            _by_name("world", lambda split, skips: world.items(split)),
            splits=("train", "val", "test", "gallery"),
        ),
        DataSet(
            "pictures",
            "a folder of your own: class folders, a table of captions, sidecars or embedded captions",
            "pictures; and if there, one .csv, .jsonl or .parquet, or a.txt beside a.jpg",
            "yours",
            "your own disk",
            pictures.read,
        ),
    )
}
