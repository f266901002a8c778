"""`python -m training realism`: do rendered photos look like real ones, and rendered drawings like human ones?

The judge is nearest-neighbour classification by cosine of pretrained MobileNetV2 features, which know nothing of the
rendered world: a rendered picture counts as right if the nearest of sketchy25's 3,125 real ones has its class. Real
pictures against the other real ones are the ceiling.
"""

from __future__ import annotations

import argparse
from collections import Counter
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image
from tqdm import tqdm

from training.datasets import labels_of, placed, sketchy25, world
from training.learn.baseline import Features, pretrained_features, unit_vectors
from training.world.command import Job, processes
from training.world.families import families
from training.world.render import photo
from training.world.scene import sample_scene, thing
from xmr.evaluation import summary, values_of
from xmr.files import write_json
from xmr.gallery import Gallery
from xmr.modality import BadInput, Item, Modality

METRICS = ("p@1", "map")
BARS = {"photo/p@1": 0.35, "drawing/p@1": 0.30, "photo/classes_below": 12}  # at least, at least, at most
BELOW = 0.05  # a class with less than this share of right photos is one of those that are counted


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The command's options."""
    parser.add_argument("--world", type=Path, default=Path("runs/world"), help="folder of the rendered world")
    parser.add_argument("--split", default="test", help="which of its splits is judged (default: test)")
    parser.add_argument(
        "--gallery",
        type=Path,
        default=Path("galleries/demo"),
        help="a gallery of rendered photos, judged as well if it is there: it has more of each class",
    )
    parser.add_argument("--out", type=Path, help="where the figures go (default: realism.json in the world's folder)")
    parser.add_argument("--cache", type=Path, default=Path("runs/cache"), help="where real pictures' features are kept")
    parser.add_argument("--classes", nargs="+", help="instead of a world on disk, judge fresh photos of these classes")
    parser.add_argument("--count", type=int, default=4, help="fresh photos a class (with --classes)")
    parser.add_argument("--size", type=int, default=192, help="their side in px (with --classes)")
    parser.add_argument("--workers", type=int, default=2, help="processes that render them (with --classes)")
    parser.add_argument("--seed", type=int, default=0, help="another seed is another world (with --classes)")


def run(args: argparse.Namespace) -> None:
    """Judge what the options ask for and say what was found; raises BadInput."""
    judge = Judge(pretrained_features(args.cache))
    if args.classes:
        with TemporaryDirectory() as folder:
            shots = fresh(args.classes, args.count, args.size, args.seed, args.workers, Path(folder))
            print(table({"photo": judge.photos(shots)}))
        return
    with placed("world", args.world):
        items = world.items(args.split, things="one")
    report = judge.report(items, args.split, of_gallery(args.gallery) if args.gallery.is_dir() else None)
    out = args.out or args.world / "realism.json"
    write_json(out, report)
    print(table(report["protocols"]))
    for bar in report["bars"].values():
        print(f"{bar['about']}: {bar['found']} ({'reached' if bar['reached'] else 'missed'})")


class Judge:
    """Compares rendered pictures with real ones.

    features: of photos or sketches, (N, dim) float32.
    """

    def __init__(self, features: Features) -> None:
        self.features = features
        every = [item for split in ("train", "val", "test") for item in sketchy25.items(split)]
        self.real = {
            kind: sorted((item for item in every if item.modality is kind), key=lambda item: str(item.content))
            for kind in (Modality.PHOTO, Modality.SKETCH)
        }
        self._known: dict[Modality, np.ndarray] = {}

    def vectors(self, items: list[Item]) -> np.ndarray:
        """(N, dim) float32 unit vectors of photos or sketches."""
        return unit_vectors(self.features, items)

    def gallery(self, kind: Modality) -> np.ndarray:
        """(G, dim) vectors of the real pictures of one modality, computed once."""
        if kind not in self._known:
            self._known[kind] = self.vectors(self.real[kind])
        return self._known[kind]

    def photos(self, items: list[Item]) -> dict:
        """The entry of rendered photos against the real ones, with a table of their classes."""
        return self._entry("Rendered photos of single things against the real photos.", items, "taken_for")

    def report(self, items: list[Item], split: str, more: list[Item] | None = None) -> dict:
        """Everything that `realism` says of a world's items, each of them of a single thing.

        more: other photos of single things. Classes that are seldom recognised are counted among these if there are
            any: of the few photos that a split has of a class, all can be missed by chance.
        """
        photos, drawings = (
            [item for item in items if item.modality is kind] for kind in (Modality.PHOTO, Modality.SKETCH)
        )
        if not photos or not drawings:
            raise BadInput(
                f"Expected photos of single things and drawings in the split {split!r}, found {len(photos)} "
                f"and {len(drawings)}. Make them: python -m training render"
            )
        entries = {
            "photo": self.photos(photos),
            "photo_ceiling": self._entry("Real photos against each other.", self.real[Modality.PHOTO]),
            **({"photo/gallery": self.photos(more)} if more else {}),
            "drawing": self._entry("Rendered drawings, by all hands, against human sketches.", drawings, "drawn_as"),
        }
        for hand in sorted({item.facts["hand"] for item in drawings}):
            own = [item for item in drawings if item.facts["hand"] == hand]
            entries[f"drawing/{hand}"] = self._entry(f"Drawings by the {hand} hand against human sketches.", own)
        entries["drawing_ceiling"] = self._entry("Human sketches against each other.", self.real[Modality.SKETCH])
        found = {
            "photo/p@1": entries["photo"]["metrics"]["p@1"],
            "drawing/p@1": entries["drawing"]["metrics"]["p@1"],
            "photo/classes_below": below(by_class(entries)),
        }
        about = {
            "photo/p@1": "Photos' p@1, at least {}",
            "drawing/p@1": "Drawings' p@1, at least {}",
            "photo/classes_below": f"Classes of photos below {BELOW:.0%}, at most {{}}",
        }
        bars = {
            name: {
                "about": about[name].format(bar),
                "bar": bar,
                "found": found[name],
                "reached": found[name] <= bar if name.endswith("below") else found[name] >= bar,
            }
            for name, bar in BARS.items()
        }
        return {
            "about": f"The rendered world's split {split!r}, judged by features of the raw ImageNet MobileNetV2.",
            "bars": bars,
            "protocols": entries,
        }

    def _entry(self, about: str, queries: list[Item], mistaken: str | None = None) -> dict:
        """One protocol's figures; with `mistaken`, also a row a class, and under that name what it was taken for."""
        kind = queries[0].modality
        gallery, real = self.real[kind], self.gallery(kind)
        itself = queries is gallery
        emb = real if itself else self.vectors(queries)
        without = np.arange(len(queries)) if itself else None
        values, chance, _ = values_of(METRICS, "class", queries, gallery, emb, real, without)
        entry: dict = {
            "about": about,
            "queries": len(queries),
            "gallery": len(gallery),
            "dropped": int(np.isnan(chance[METRICS[0]]).sum()),
            **summary(values, chance),
        }
        if mistaken:
            nearest = np.array([class_of(gallery[best]) for best in (emb @ real.T).argmax(axis=1)])
            own = np.array([class_of(item) for item in queries])
            entry["classes"] = {
                name: {
                    "queries": int((own == name).sum()),
                    **{metric: round(float(np.nanmean(values[metric][own == name])), 4) for metric in METRICS},
                    mistaken: dict(Counter(nearest[(own == name) & (nearest != name)].tolist()).most_common(3)),
                }
                for name in sorted(set(own.tolist()))
            }
        return entry


def by_class(entries: dict[str, dict]) -> dict:
    """The entry of photos that has most of each class."""
    return entries.get("photo/gallery") or entries["photo"]


def below(entry: dict) -> int:
    """How many classes of an entry have less than BELOW of their photos right."""
    return sum(row["p@1"] < BELOW for row in entry["classes"].values())


def of_gallery(folder: Path) -> list[Item]:
    """The photos of single rendered things in a gallery; raises BadInput."""
    with Gallery.open(folder) as gallery:
        return [
            Item(item.id, Modality.PHOTO, gallery.thumb(item.id), frozenset({f"class:{item.facts['category']}"}))
            for item in gallery
            if "category" in item.facts and "objects" not in item.facts
        ]


def class_of(item: Item) -> str:
    """The name of the item's class."""
    (label,) = labels_of(item, "class")
    return label.removeprefix("class:")


def fresh(classes: list[str], count: int, size: int, seed: int, workers: int, folder: Path) -> list[Item]:
    """Photos of single things of these classes, rendered now into the folder."""
    if unknown := [name for name in classes if name not in families()]:
        raise BadInput(f"No class is called {', '.join(unknown)}. Choose among: {', '.join(families())}")
    jobs = [Job("test", name, number, 0, seed, size) for name in classes for number in range(count)]
    with processes(workers) as pool:
        return list(tqdm(pool.map(_shot, jobs, [folder] * len(jobs)), total=len(jobs), unit="photo"))


def _shot(job: Job, folder: Path) -> Item:
    family = families()[job.category]
    scene = sample_scene(family, job.instance, job.instance * 100)
    path = folder / f"{job.id}.png"
    Image.fromarray(photo(thing(family, scene), scene, job.size)).save(path)
    return Item(job.id, Modality.PHOTO, path, frozenset({f"class:{job.category}"}))


def table(entries: dict[str, dict]) -> str:
    """The figures for people: a line a protocol, then the photos' classes from the worst to the best."""
    lines = [
        f"{name:24s}"
        + "  ".join(f"{key} {value:.3f}" for key, value in entry["metrics"].items())
        + f"  ({entry['queries']} queries)"
        for name, entry in entries.items()
    ]
    entry = by_class(entries)
    rows = sorted(entry["classes"].items(), key=lambda row: (row[1]["p@1"], row[1]["map"]))
    for name, row in rows:
        others = ", ".join(f"{n} {other}" for other, n in row["taken_for"].items())
        lines.append(f"  {name:20s} p@1 {row['p@1']:.2f}  map {row['map']:.3f}  {others}")
    return "\n".join([*lines, f"{below(entry)} of {len(rows)} classes below {BELOW:.0%}"])
