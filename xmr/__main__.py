"""The command line: python -m xmr search | index | evaluate."""

from __future__ import annotations

import argparse
import json
import os
import sys
from pathlib import Path
from typing import NoReturn

import numpy as np

from xmr import checkpoint, metrics
from xmr.folder import index_folder
from xmr.gallery import DEMO, Gallery
from xmr.modality import BadInput, Hit, Modality, Query, Term
from xmr.preprocess import open_picture
from xmr.search import Searcher

_EVALUATED = ("hit@1", "hit@10", "p@1", "map")


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error of this program."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message} (see python -m {self.prog} --help)")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 2 for a user's mistake, 130 when interrupted."""
    try:
        options = _parser().parse_args(arguments)
        options.run(options)
        sys.stdout.flush()
    except BadInput as error:
        print(f"xmr: {' '.join(str(error).split())}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("xmr: stopped. What was done is kept; run the same command to go on.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has had enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="xmr", description="Find photos from a sketch, a caption, a photo, or any mix of them.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    search = commands.add_parser("search", help="find photos; give any mix of terms, each as often as you like")
    for name, value, what in (
        ("text", "TEXT", "a caption in English or German"),
        ("photo", "FILE", "a photo"),
        ("sketch", "FILE", "a picture of a drawing, dark on light"),
    ):
        search.add_argument(f"--{name}", metavar=value, action="append", default=[], help=f"{what} to find")
        search.add_argument(f"--minus-{name}", metavar=value, action="append", default=[], help=f"{what} to avoid")
    search.add_argument("--gallery", metavar="DIR", default=DEMO, help="an indexed folder (default: %(default)s)")
    search.add_argument("-k", type=int, default=10, help="how many photos to show (default: %(default)s)")
    search.add_argument("--json", action="store_true", help="print JSON instead of a table")
    search.set_defaults(run=_search)

    index = commands.add_parser("index", help="make a folder of photos searchable, or bring it up to date")
    index.add_argument("folder", metavar="FOLDER")
    index.set_defaults(run=_index)

    evaluate = commands.add_parser(
        "evaluate",
        help="measure a labelled gallery, as JSON: its captions against its photos, each without its own photo",
    )
    evaluate.add_argument("gallery", metavar="GALLERY")
    evaluate.add_argument("--sketches", metavar="DIR", help="also DIR/<category>/*.png against the photos")
    evaluate.set_defaults(run=_evaluate)

    for command in (search, index, evaluate):
        command.add_argument("--system", default="tri", help="the checkpoint to use (default: %(default)s)")
    return parser


def _search(options: argparse.Namespace) -> None:
    terms = []
    for sign, prefix in ((1.0, ""), (-1.0, "minus_")):
        for modality in (Modality.TEXT, Modality.PHOTO, Modality.SKETCH):
            for given in getattr(options, f"{prefix}{modality}"):
                terms.append(Term(modality, given if modality is Modality.TEXT else open_picture(given), sign))
    if not terms:
        raise BadInput("Say what to find: --text TEXT, --photo FILE, --sketch FILE, or a mix of them.")
    with Gallery.open(options.gallery) as gallery:
        hits = Searcher(checkpoint.load(options.system), gallery).search(Query(tuple(terms)), options.k)
        if options.json:
            print(json.dumps([_as_dict(hit, gallery) for hit in hits], ensure_ascii=False, indent=1))
        else:
            _print_table(hits, gallery)


def _as_dict(hit: Hit, gallery: Gallery) -> dict:
    captions: dict[str, list[str]] = {}
    for language, text in gallery.captions(hit.item.id):
        captions.setdefault(language, []).append(text)
    return {
        "rank": hit.rank,
        "score": round(hit.score, 6),
        "probability": hit.probability and round(hit.probability, 6),
        "id": hit.item.id,
        "path": str(hit.item.content),
        "facts": hit.item.facts,
        "captions": captions,
    }


def _print_table(hits: list[Hit], gallery: Gallery) -> None:
    print("rank   score  match  photo")
    for hit in hits:
        match = "-" if hit.probability is None else f"{hit.probability:.0%}"
        print(f"{hit.rank:>4}  {hit.score:>6.3f}  {match:>5}  {hit.item.content}  {gallery.caption(hit.item.id)}")


def _index(options: argparse.Namespace) -> None:
    def show(done: int, total: int) -> None:
        end = "\n" if done == total else ""
        print(f"\r{done} of {total} photos", end=end, file=sys.stderr, flush=True)

    report = index_folder(options.folder, checkpoint.load(options.system), show)
    for path, why in report.skipped:
        print(f"skipped {path}: {why}", file=sys.stderr)
    print(
        f"{report.gallery}: {report.indexed} photos indexed, {report.kept} up to date already, "
        f"{report.removed} gone, {len(report.skipped)} skipped"
    )


def _evaluate(options: argparse.Namespace) -> None:
    system = checkpoint.load(options.system)
    with Gallery.open(options.gallery) as gallery:
        category = {item.id: item.facts.get("category") for item in gallery}
        if not any(category.values()):
            raise BadInput(f"The photos of {gallery.path} have no category, so nothing tells a match. Use another one.")
        ids, photos = gallery.vectors(system, Modality.PHOTO)
        labels = np.array([category[id] or "" for id in ids])
        protocols = {}
        text_ids, text_emb = gallery.vectors(system, Modality.TEXT)
        row_of = {id: row for row, id in enumerate(text_ids)}
        queries: dict[str, list[tuple[int, int]]] = {}  # language -> (row of the text, row of its own photo)
        own = {id: row for row, id in enumerate(ids)}
        for text in gallery.texts():
            if text.id in row_of:
                queries.setdefault(text.language, []).extend(
                    (row_of[text.id], own[id]) for id in text.facts["photos"] if id in own
                )
        for language, pairs in queries.items():
            rows, without = np.array(pairs).T
            protocols[f"gallery-captions-{language}"] = _protocol(
                "each caption against all photos but its own; relevant = same category",
                "text_to_photo", text_emb[rows], labels[without], photos, labels, without,
            )  # fmt: skip
        if options.sketches:
            files = sorted(Path(options.sketches).glob("*/*.png"))
            if not files:
                raise BadInput(f"There is no sketch {options.sketches}/<category>/<file>.png. Check the folder.")
            protocols["gallery-sketches"] = _protocol(
                f"the sketches of {options.sketches} against all photos; relevant = same category",
                "sketch_to_photo", system.encode(Modality.SKETCH, files),
                np.array([file.parent.name for file in files]), photos, labels,
            )  # fmt: skip
    print(json.dumps({"system": system.name, "weights": system.weights, "protocols": protocols}, indent=1))


def _protocol(
    about: str,
    direction: str,
    query_emb: np.ndarray,
    query_labels: np.ndarray,
    gallery_emb: np.ndarray,
    gallery_labels: np.ndarray,
    without: np.ndarray | None = None,
) -> dict:
    """One protocol's results in the form of metrics.json.

    query_emb: (Q, dim), query_labels: (Q,) str, gallery_emb: (G, dim), gallery_labels: (G,) str,
    without: (Q,) the gallery row that each query leaves out.
    """
    measured: dict[str, list[np.ndarray]] = {name: [] for name in _EVALUATED}
    expected: dict[str, list[np.ndarray]] = {name: [] for name in _EVALUATED}
    for start in range(0, len(query_emb), 512):  # a part at a time: (512, G) scores
        part = slice(start, start + 512)
        scores = query_emb[part] @ gallery_emb.T
        relevant = (query_labels[part, None] == gallery_labels) & (query_labels[part, None] != "")
        if without is not None:
            others = np.arange(len(gallery_emb)) != without[part, None]
            scores, relevant = (array[others].reshape(len(scores), -1) for array in (scores, relevant))
        for name in _EVALUATED:
            measured[name].append(metrics.measure(name, scores, relevant))
            expected[name].append(metrics.chance(name, relevant))
    values = np.concatenate(measured["map"])
    return {
        "about": about,
        "queries": len(query_emb),
        "gallery": len(gallery_emb) - (without is not None),
        "dropped": int(np.isnan(values).sum()),
        "seeds": 1,
        "metrics": _means(direction, measured),
        "chance": _means(direction, expected),
    }


def _means(direction: str, values: dict[str, list[np.ndarray]]) -> dict[str, float | None]:
    """The mean over the queries that have a relevant photo; None where none has."""
    means = {}
    for name, parts in values.items():
        every = np.concatenate(parts)
        counted = every[~np.isnan(every)]
        means[f"{direction}/{name}"] = round(float(counted.mean()), 4) if len(counted) else None
    return means


if __name__ == "__main__":
    sys.exit(main())
