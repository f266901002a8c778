"""Every data set by name: what it is, its licence, where to get it, what a whole copy holds, and how to read it.

    items, skips = load("flickr30k", "train", "/data/flickr30k")
    print(check("flickr30k", "/data/flickr30k").line())
"""

import csv
import os
import zlib
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from training.datasets import (
    MissingData,
    caltech101,
    chairv2,
    classes,
    coco,
    flickr,
    iaprtc12,
    imagenet1000,
    labels_of,
    multi30k,
    pictures,
    placed,
    sketchy,
    sketchy25,
    strokes,
    world,
)
from training.datasets.download import File
from training.datasets.reading import Skips, existing
from xmr.modality import BadInput, Item, Modality

Read = Callable[[Path, str, Skips], list[Item]]
HALF = 0.25  # from this share of missing photos on, an archive is taken to be half unpacked


@dataclass(frozen=True)
class DataSet:
    """One data set. `read` gives the items of one split from a folder, and lists what it leaves out."""

    name: str
    about: str
    layout: str  # what has to lie in its folder
    licence: str
    source: str
    read: Read
    expected: Callable[[Path], dict[str, int]] = lambda root: {}
    splits: tuple[str, ...] = ("train", "val", "test")
    folders: tuple[str, ...] = ()  # under the data root, if not `name`
    files: tuple[File, ...] = ()  # what may be fetched without a form

    def items(self, split: str, root: str | Path | None = None) -> list[Item]:
        """The items of one split; none of a split it doesn't have. What is left out is printed."""
        if split not in self.splits:
            return []
        found = load(self.name, split, root)
        if len(found.skips):
            print(f"{self.name}, {split}: {found.skips.line()}")
        return found.items

    def place(self) -> Path:
        """Where it lies, or belongs, when no folder is given."""
        if self.name == "world":
            return world.root()
        base = Path(os.environ.get("XMR_DATA", "../shared/data"))
        places = [base / name for name in (self.name, *self.folders)]
        return next((place for place in places if place.is_dir()), places[0])


class Loaded(NamedTuple):
    items: list[Item]
    skips: Skips


@dataclass
class Check:
    """What one copy of a data set holds."""

    name: str
    root: Path
    counts: dict[str, Counter]  # split -> photos, sketches, captions_<language>
    found: dict[str, int]  # the same over all splits, and classes
    expected: dict[str, int]
    skips: Skips
    shared: list[str]  # ids that are in two splits; always empty but for a fault of the adapter
    samples: list[Item] = field(default_factory=list)

    def line(self) -> str:
        """What was found against what a whole copy holds, in one line."""
        parts = []
        for key in [*self.found, *(key for key in self.expected if key not in self.found)]:
            count, whole = self.found.get(key, 0), self.expected.get(key)
            against = "" if whole is None else " as expected" if count == whole else f" of {whole:,} expected"
            parts.append(f"{count:,} {_told(key)}{against}")
        shared = f"; {len(self.shared):,} ids in two splits ({self.shared[0]}, ...)" if self.shared else ""
        return f"{self.name}: {', '.join(parts)}; {self.skips.line()}{shared}"


def get(name: str) -> DataSet:
    """The data set of that name; BadInput that lists the names."""
    if name not in DATASETS:
        raise BadInput(f"There is no data set {name!r}. Choose one of: {', '.join(DATASETS)}.")
    return DATASETS[name]


def load(name: str, split: str, root: str | Path | None = None) -> Loaded:
    """The items of one split, and what was left out.

    BadInput: no such data set or split, its folder is missing, it holds nothing, or so many of its photos are missing
    that it must be half unpacked. An id that comes twice is kept once, and listed.
    """
    data, skips = get(name), Skips()
    if split not in data.splits:
        raise BadInput(f"{name} has no split {split!r}. Choose one of: {', '.join(data.splits)}.")
    return Loaded(_read(data, _root(data, root), split, skips), skips)


def check(name: str, root: str | Path | None = None) -> Check:
    """Read every split: count, hold against what is expected, and look for files that are missing."""
    data, skips = get(name), Skips()
    root = _root(data, root)
    counts: dict[str, Counter] = {}
    seen: dict[str, str] = {}
    kinds, shared, samples, missing = set(), [], [], None
    for split in data.splits:
        try:
            items = _read(data, root, split, skips)
        except MissingData as error:
            missing, items = error, []
            skips.add("splits that are missing", split)
        counts[split] = Counter(map(kind_of, items))
        for item in items:
            if seen.setdefault(item.id, split) != split:
                shared.append(item.id)
            kinds |= labels_of(item, "class")
        if not samples and items:
            firsts = {kind_of(item): item for item in reversed(items)}
            samples = list({item.id: item for item in (*firsts.values(), *items)}.values())[:3]
    total = sum(counts.values(), Counter())
    if not total and missing:
        raise missing
    if not total:
        raise BadInput(f"{root} is there, but nothing of {name} was found in it: {skips.line()}. "
                       f"Expected: {data.layout}.")  # fmt: skip
    found = dict(total) | ({"classes": len(kinds)} if kinds else {})
    return Check(name, root, counts, found, data.expected(root), skips, shared, samples)


def kind_of(item: Item) -> str:
    """What an item counts as: photos, sketches, captions_en, captions_de or captions."""
    if item.modality is Modality.TEXT:
        return f"captions_{item.language}" if item.language else "captions"
    return {"photo": "photos", "sketch": "sketches"}[item.modality]


def _told(kind: str) -> str:
    name, _, language = kind.partition("_")
    return f"{name} ({language})" if language else name


def _root(data: DataSet, root: str | Path | None) -> Path:
    root = data.place() if root is None else Path(root)
    if not root.is_dir():
        raise MissingData(f"Expected {data.name} in {root}, which is no folder. It needs {data.layout}. "
                          f"Get it from {data.source}, or name its folder with --root.")  # fmt: skip
    return root


def _read(data: DataSet, root: Path, split: str, skips: Skips) -> list[Item]:
    known, kept = _missing(skips), {}
    try:
        found = data.read(root, split, skips)
    except FileNotFoundError as error:
        raise MissingData(f"{data.name} needs {error.filename}, which is not there. Unpack it again.") from None
    except BadInput:
        raise
    except (OSError, EOFError, zlib.error, csv.Error, ValueError, LookupError, TypeError, AttributeError) as error:
        raise BadInput(f"{root} holds a broken file of {data.name} ({error!r}). It needs {data.layout}. Unpack the "
                       "whole set again.") from error  # fmt: skip
    for item in found:
        if item.id in kept:
            skips.add("ids that come twice", item.id)
        else:
            kept[item.id] = item
    missing = _missing(skips) - known
    if missing > max(HALF * (missing + sum(item.modality is Modality.PHOTO for item in kept.values())), 5):
        raise BadInput(f"{root} lacks {missing:,} photos that {data.name} names: {skips.line()}. The archive "
                       "of photos is half unpacked: unpack it again.")  # fmt: skip
    return list(kept.values())


def _missing(skips: Skips) -> int:
    return len(skips.reasons.get("photos that are missing", ()))


def _ours(name: str, items: Callable[[str, Skips], list[Item]]) -> Read:
    """An adapter that finds its folder by name."""

    def read(root: Path, split: str, skips: Skips) -> list[Item]:
        with placed(name, root):
            return existing(items(split, skips), skips)

    return read


def _chairs(root: Path, split: str, skips: Skips) -> list[Item]:
    if (root / "sketches.jsonl").is_file():
        return _ours("chairv2", chairv2.items)(root, split, skips)
    return strokes.qmul(root, split, skips, "chair")


def _whole(**counts: int) -> Callable[[Path], dict[str, int]]:
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
    File(f"https://storage.googleapis.com/quickdraw_dataset/full/simplified/{name.replace(' ', '%20')}.ndjson",
         into="simplified") for name in _QUICKDRAW
)  # fmt: skip
_SKETCHY = dict(
    layout="256x256/{photo,sketch}/tx_000000000000/<class>/, info/testset.txt, and if wanted "
    "EXTEND_image_sketchy/<class>/; or photo/<class>/ and sketch/<class>/",
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
        DataSet("sketchy", "photos and sketches of 125 classes, each sketch of one photo; held out by photo",
                read=sketchy.read, **_SKETCHY),
        DataSet("sketchy-1", "Sketchy with 25 random classes unseen", read=partial(sketchy.read, held_out="sketchy-1"),
                **_SKETCHY),
        DataSet("sketchy-2", "Sketchy with 21 classes outside ImageNet unseen",
                read=partial(sketchy.read, held_out="sketchy-2"), **_SKETCHY),
        DataSet("sketchy25", "a subset of Sketchy: 25 photos and 25 sketches of each class; what tri trains on",
                "photo/<class>/<photo>.jpg, sketch/<class>/<photo>-<n>.png", _SKETCHY["licence"], _SKETCHY["source"],
                _ours("sketchy25", lambda split, skips: sketchy25.items(split)),
                _whole(photos=3125, sketches=3125, classes=125)),
        DataSet("tuberlin", "20,000 sketches of 250 things; photos of the same in its extension",
                "png/<class>/<n>.png; if wanted ImageResized/<class>/*.jpg", "CC BY 4.0",
                "http://cybertron.cg.tu-berlin.de/eitz/projects/classifysketch/", classes.tuberlin,
                classes.tuberlin_expected, files=(
                    File("http://cybertron.cg.tu-berlin.de/eitz/projects/classifysketch/sketches_png.zip"),)),
        DataSet("shoev2", "QMUL ShoeV2: 2,000 photos of shoes, 6,648 sketches of them",
                "photo/*.png and ShoeV2_Coordinate (strokes), or sketch/{train,test}/*.png, or photo_{train,test}.txt",
                "for research", "https://sketchx.eecs.qmul.ac.uk/downloads", partial(strokes.qmul, thing="shoe"),
                _whole(photos=2000, sketches=6648)),
        DataSet("chairv2", "QMUL ChairV2: 400 photos of chairs, 1,275 sketches of them, in strokes",
                "photo/ and sketches.jsonl; or as shoev2", "for research", "https://sketchx.eecs.qmul.ac.uk/downloads",
                _chairs, _whole(photos=400, sketches=1275)),
        DataSet("quickdraw", f"Quick, Draw!: strokes of 345 classes; the first {strokes.PER_CLASS:,} of each are read",
                "<class>.ndjson, simplified or raw", "CC BY 4.0",
                "https://github.com/googlecreativelab/quickdraw-dataset",
                strokes.quickdraw, strokes.quickdraw_expected, files=_QUICKDRAW_FILES),
        DataSet("pacs", "seven classes as photos, paintings, cartoons and sketches",
                "{photo,art_painting,cartoon,sketch}/<class>/, and <domain>_{train,crossval}_kfold.txt",
                "for research", "https://sketchx.eecs.qmul.ac.uk/downloads (a Google Drive)", classes.pacs,
                _whole(photos=6062, sketches=3928, classes=7)),
        DataSet("flickr8k", "8,091 photos with five English captions each", _FLICKR.format("flickr8k"), _FLICKR_FORM,
                "https://hockenmaier.cs.illinois.edu/8k-pictures.html (a form)", partial(flickr.read, name="flickr8k"),
                _whole(photos=8091, captions_en=40_455),
                splits=("train", "val", "test", "extra")),
        DataSet("flickr30k", "31,783 photos with five English captions each, and with Multi30k five German ones",
                _FLICKR.format("flickr30k") + "; Multi30k's task1/ and task2/ in multi30k/ for German (--download)",
                _FLICKR_FORM, "https://shannon.cs.illinois.edu/DenotationGraph/ (a form for the photos)",
                partial(flickr.read, name="flickr30k"), lambda root: {"photos": 31_014, "captions_en": 155_070}
                if flickr.first(root, "dataset_flickr30k.json") else {"photos": 31_783, "captions_en": 158_915},
                splits=("train", "val", "test", "extra"), files=(_KARPATHY, *_GERMAN_FILES)),
        DataSet("multi30k", "text alone: 27,262 translation pairs, and 5 + 5 captions of 27,262 images",
                "train.en-de.tsv, train5.jsonl.gz", "for non-commercial research; see its README", "https://github.com/multi30k/dataset",
                _ours("multi30k", multi30k.items), _whole(captions_en=163_572, captions_de=163_572), splits=("train",)),
        DataSet("coco2014", "123,287 photos, five captions each, 80 categories as tags",
                "annotations/{captions,instances}_{train,val}2014.json, train2014/, val2014/",
                "annotations: CC BY 4.0; photos: their Flickr owners'", "https://cocodataset.org/#download",
                partial(coco.read, year="2014"), _whole(photos=123_287, captions_en=616_767), files=_COCO_2014),
        DataSet("coco2017", "the same photos in the later division",
                "annotations/{captions,instances}_{train,val}2017.json, train2017/, val2017/",
                "annotations: CC BY 4.0; photos: their Flickr owners'", "https://cocodataset.org/#download",
                partial(coco.read, year="2017"), _whole(photos=123_287, captions_en=616_767), files=_COCO_2017),
        DataSet("coco-karpathy", "COCO 2014 in Karpathy's split: 5,000 val, 5,000 test",
                "dataset_coco.json and coco2014's folders", "annotations: CC BY 4.0; photos: their Flickr owners'",
                "https://cs.stanford.edu/people/karpathy/deepimagesent/", coco.karpathy,
                _whole(photos=123_287, captions_en=616_767), folders=("coco2014",), files=(_KARPATHY, *_COCO_2014)),
        DataSet("coco_mini", "80 photos of COCO 2017 in its own layout", "as coco2017, of train alone",
                "annotations: CC BY 4.0; photos: their Flickr owners'", "https://cocodataset.org/#download",
                partial(coco.read, year="2017"), _whole(photos=80, captions_en=400), splits=("train", "val")),
        DataSet("iaprtc12", "20,000 photos described in English and German, tagged by SAIAPR with 255 labels",
                "annotations_complete_{eng,ger}/, images/, and saiaprtc12ok/ with labels.txt and wlist.txt",
                "free for research", "https://www.imageclef.org/photodata, https://www.imageclef.org/SIAPRdata",
                iaprtc12.read, _whole(photos=20_000, captions_en=20_000), splits=("train", "val", "test", "extra"),
                files=(File(f"{_IAPR}/iaprtc12.tgz"), File(f"{_IAPR}/saiaprtc12ok.tgz"))),
        DataSet("caltech101", "ten photos of each of Caltech-101's 101 classes; not its background pictures",
                "<class>/*.jpg", "CC BY 4.0", "https://data.caltech.edu/records/mzrjq-6wc02",
                _ours("caltech101", caltech101.items), _whole(photos=1010, classes=95), splits=("train",)),
        DataSet("imagenet1000", "one photo of each ImageNet class", "<wordnet id>_<class>.jpg", "for research",
                "https://image-net.org", _ours("imagenet1000", imagenet1000.items), _whole(photos=1000, classes=998),
                splits=("train",)),
        DataSet("world", "the rendered world: photos, drawings and captions", "<split>/facts.jsonl, <split>/photos/",
                "ours, as the code", "python -m training render",
                _ours("world", lambda split, skips: world.items(split)), splits=("train", "val", "test", "gallery")),
        DataSet("pictures", "a folder of your own: class folders, a table of captions, sidecars or embedded captions",
                "pictures; and if there, one .csv, .jsonl or .parquet, or a.txt beside a.jpg", "yours", "your own disk",
                pictures.read),
    )
}  # fmt: skip
