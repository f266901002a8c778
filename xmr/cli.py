"""The command line, xmr search | index | duplicates | app | serve | adopt | evaluate | sign, and python -m xmr."""

from __future__ import annotations

import argparse
import importlib.util
import io
import json
import os
import re
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

from xmr import __version__, checkpoint
from xmr.cluster import dask_cluster
from xmr.duplicates import find_duplicates
from xmr.engine import open_engine, synchronize
from xmr.files import let_go_of_output
from xmr.gallery import DEMO, Gallery, given_path, index_folder
from xmr.home import home
from xmr.index import KINDS, choose_kind
from xmr.labelled import evaluate_indexed, evaluate_named
from xmr.modality import BadInput, Hit, Modality, Query, Term, printable, shown
from xmr.preprocess import Reading, open_picture, open_sketch
from xmr.search import Searcher, progress_bar
from xmr.system import System
from xmr.where import parse


class _Parser(argparse.ArgumentParser):
    """Says what is wrong in one line, as every other error of this program."""

    def error(self, message: str) -> NoReturn:
        raise BadInput(f"{message} (see python -m {self.prog} --help)")


def _within(least: int, most: int) -> Callable[[str], int]:
    """What reads an option that is a whole number from `least` to `most`."""

    def number(given: str) -> int:
        if not re.fullmatch(r"\d{1,9}", given) or not least <= int(given) <= most:
            raise argparse.ArgumentTypeError(f"it is a whole number from {least} to {most}; {shown(given)} came")
        return int(given)

    return number


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 2 for a user's mistake, 130 when interrupted."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a terminal that knows fewer letters than file names have
            stream.reconfigure(errors="backslashreplace")
    warnings.filterwarnings("ignore", module="PIL")  # of odd metadata, about which nobody can do anything
    try:
        parser = _parser()
        if "_ARGCOMPLETE" in os.environ:  # the shell asks what could come next
            import argcomplete

            argcomplete.autocomplete(parser)
        options, more = parser.parse_known_args(arguments)
        if options.run is _search and not any(one.startswith("-") for one in more):
            options.asked = [*options.asked, *more]  # words behind an option, which argparse leaves over
        elif more:
            parser.error(f"unrecognized arguments: {' '.join(more)}")
        options.run(options)
        print(end="", flush=True)  # where there is no standard output, too
    except BadInput as error:
        print(f"xmr: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("xmr: stopped. What was done is kept; run the same command to go on.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader, such as head, has had enough
        let_go_of_output()
    except OSError as error:
        let_go_of_output()
        print(f"xmr: {printable(str(error))}. Make room, or check the disk; what was done is kept.", file=sys.stderr)
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="xmr", description="Find photos from a sketch, a caption, a photo, or any mix of them.")
    parser.add_argument("--version", action="version", version=f"xmr {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    search = commands.add_parser("search", help="find photos; give any mix of terms, each as often as you like")
    search.add_argument(
        "asked",
        metavar="[FOLDER] [WORDS]",
        nargs="*",
        default=[],
        help="an indexed folder (default: the shipped photos), and what to find in it",
    )
    for name, value, what in (
        ("text", "TEXT", "a caption in English or German"),
        ("photo", "FILE", "a photo"),
        ("sketch", "FILE", "a drawing, also photographed or as SVG"),
    ):
        search.add_argument(f"--{name}", metavar=value, action="append", default=[], help=f"{what} to find")
        search.add_argument(f"--minus-{name}", metavar=value, action="append", default=[], help=f"{what} to avoid")
    search.add_argument("--gallery", metavar="DIR", help="the indexed folder; what comes without option is then words")
    search.add_argument("--system", default="tri", help="the checkpoint to use (default: %(default)s)")
    search.add_argument(
        "--exact", action="store_true", help="take words as they are: correct no spelling, let “no” and “ohne” be words"
    )
    search.add_argument(
        "--where",
        metavar="FACT=VALUE",
        action="append",
        default=[],
        help="only photos with this fact; may be repeated: colour=red, taken=2024-01..2024-06, folder=2024/*, "
        "language=de; a fact that comes twice may have either value; file==a..b.jpg is no range",
    )
    search.add_argument("-k", type=int, default=10, help="how many photos to show (default: %(default)s)")
    printed = search.add_mutually_exclusive_group()
    printed.add_argument("--json", action="store_true", help="print JSON instead of a table")
    printed.add_argument("--paths-only", action="store_true", help="print only the photos' paths, one a line")
    printed.add_argument("--print0", action="store_true", help="the same with a NUL behind each, as for xargs -0")
    search.set_defaults(run=_search)

    index = commands.add_parser("index", help="make a folder of photos searchable, or bring it up to date")
    index.add_argument("folder", metavar="FOLDER")
    index.add_argument("--system", action="append", help="a checkpoint to use; may be repeated (default: tri)")
    index.add_argument(
        "--exclude",
        metavar="GLOB",
        action="append",
        default=[],
        help="what to leave out, as in .gitignore; a file .xmrignore in the folder says the same",
    )
    index.add_argument("--workers", type=int, help="threads that read photos (default: one a core)")
    index.add_argument(
        "--dask",
        metavar="ADDRESS",
        help="read and encode on the machines of a Dask scheduler, such as tcp://host:8786; “local”: by processes here",
    )
    index.set_defaults(run=_index)

    duplicates = commands.add_parser("duplicates", help="photos of an indexed folder that are there more than once")
    duplicates.add_argument("folder", metavar="FOLDER")
    duplicates.add_argument("--system", default="tri", help="the checkpoint to use (default: %(default)s)")
    duplicates.add_argument("--json", action="store_true", help="print JSON")
    duplicates.set_defaults(run=_duplicates)

    app = commands.add_parser("app", help="open the app in the browser")
    app.add_argument("--port", type=_within(1, 65_535), default=8501, help="where it listens (default: %(default)s)")
    app.set_defaults(run=_app)

    serve = commands.add_parser("serve", help="answer programs over HTTP, with one loaded model for all of them")
    serve.add_argument(
        "folder", metavar="FOLDER", nargs="?", default=DEMO, help="an indexed folder (default: the shipped photos)"
    )
    serve.add_argument("--system", action="append", help="a checkpoint to answer with; may be repeated (default: tri)")
    serve.add_argument("--host", default="127.0.0.1", help="where it listens (default: this computer alone)")
    serve.add_argument("--port", type=_within(1, 65_535), default=8400, help="(default: %(default)s)")
    serve.add_argument("--writable", action="store_true", help="let clients add and remove photos")
    serve.add_argument(
        "--rate",
        type=_within(0, 1_000_000),
        default=1200,
        help="requests a minute of a client (default: %(default)s; 0: any)",
    )
    serve.add_argument("--max-mb", type=_within(1, 10_000), default=25, help="of one request (default: %(default)s)")
    serve.set_defaults(run=_serve)

    evaluate = commands.add_parser(
        "evaluate",
        help="measure a folder whose photos have categories, as JSON: its captions against its photos, each without "
        "its own; a match is a photo of the same category",
    )
    evaluate.add_argument(
        "gallery",
        metavar="GALLERY",
        help="an indexed folder, whose photos have a fact “category” or lie in a folder of that name; or a system, "
        "measured on the shipped photos: an adopted model's figures go into its metrics.json. Every protocol that the "
        "data here allows: python -m training evaluate SYSTEM",
    )
    evaluate.add_argument(
        "--sketches", metavar="DIR", help="also drawings, DIR/<category>/<drawing>, against the photos"
    )
    evaluate.add_argument("--system", default="tri", help="the checkpoint to use (default: %(default)s)")
    evaluate.set_defaults(run=_evaluate)

    adopt = commands.add_parser("adopt", help="make a system of an image-text model from a hub or a folder (ONNX)")
    adopt.add_argument("model", metavar="MODEL", help="owner/name on the hub, or a folder; with --remove, a name here")
    adopt.add_argument("--name", help="what to call it here (default: its own name)")
    adopt.add_argument(
        "--variant", default="fp32", help="a smaller one, as the model's folder names it: quantized, fp16"
    )
    adopt.add_argument("--revision", help="a commit, tag or branch of the hub (default: the newest commit)")
    adopt.add_argument(
        "--language",
        action="append",
        default=[],
        help="of its texts, such as en; may be repeated (default: its README's)",
    )
    adopt.add_argument("--remove", action="store_true", help="delete a model that was adopted")
    adopt.set_defaults(run=_adopt)

    sign = commands.add_parser("sign", help="accept what was changed in a checkpoint on purpose")
    sign.add_argument("checkpoint", metavar="FOLDER")
    sign.set_defaults(run=lambda options: checkpoint.sign(options.checkpoint))

    for command in (search, index, serve):
        command.add_argument(
            "--kind",
            choices=KINDS,
            default=os.environ.get("XMR_KIND") or None,
            help="the index of the vectors (default: XMR_KIND, or by their number)",
        )
    for command in (search, index, serve):
        command.add_argument("--engine", choices=("faiss", "milvus"), default="faiss", help="what searches the vectors")
        command.add_argument(
            "--uri",
            default=os.environ.get("XMR_MILVUS", "http://localhost:19530"),
            help="where Milvus is: an address, or a file of milvus-lite (default: XMR_MILVUS, or %(default)s)",
        )
    for command in (search, index, duplicates, serve, evaluate):
        command.add_argument("--index-dir", metavar="DIR", help="where the index is kept instead of FOLDER/.xmr")
    return parser


def _search(options: argparse.Namespace) -> None:
    terms = []
    folder, words = _folder_and_words(options.asked) if options.gallery is None else (options.gallery, options.asked)
    if words:
        options.text.insert(0, " ".join(words))
    opened: dict[Modality, Callable[[str], Any]] = {
        Modality.TEXT: str,
        Modality.PHOTO: lambda given: open_picture(given_path(given)),
        Modality.SKETCH: lambda given: open_sketch(given_path(given)),
    }
    for sign, prefix in ((1.0, ""), (-1.0, "minus_")):
        for modality, content in opened.items():
            terms += [Term(modality, content(given), sign) for given in getattr(options, f"{prefix}{modality}")]
    if not terms:
        raise BadInput("Say what to find: --text TEXT, --photo FILE, --sketch FILE, or a mix of them.")
    with Gallery.open(folder, options.index_dir) as gallery:
        engine = options.uri if options.engine == "milvus" else None
        searcher = Searcher(checkpoint.load(options.system), gallery, options.kind, engine)
        query = Query(tuple(terms))
        if not options.exact:
            query, readings = searcher.read(query)
            for reading in readings:
                for told in _told(reading):
                    print(printable(told), file=sys.stderr)
        hits = searcher.search(query, options.k, where=parse(options.where) or None)
        if options.json:
            _print_json([_as_dict(hit, gallery) for hit in hits])
        elif options.paths_only or options.print0:
            for hit in hits:
                print(hit.path, end="\0" if options.print0 else "\n")
        else:
            _print_table(hits, gallery)


def _told(reading: Reading) -> Iterator[str]:
    """What a person should hear of how a text was read."""
    if reading.corrected:
        told = ", ".join(f"“{meant}” instead of “{word}”" for word, meant in reading.corrected)
        yield f"Searching for {told}. With --exact: as typed."
    if reading.unwanted:
        yield f"Without: {', '.join(reading.unwanted)}. With --exact: as typed."
    if reading.unknown:
        yield f"Nothing is known of: {', '.join(reading.unknown)}.{' The other words count.' * reading.partly_known}"


def _folder_and_words(asked: Sequence[str]) -> tuple[str | Path, Sequence[str]]:
    """The arguments without an option: the first is the folder if it is one, or is written as a path."""
    if asked and (asked[0].startswith(("/", "~", "./", "../")) or asked[0] in (".", "..") or _is_folder(asked[0])):
        return asked[0], asked[1:]
    return DEMO, asked


def _is_folder(given: str) -> bool:
    try:
        return given_path(given).is_dir()
    except (BadInput, OSError):
        return False


def _print_json(value: Any) -> None:
    """Letters stay as they are: a path with an umlaut is found by grep as well as by jq."""
    print(json.dumps(value, ensure_ascii=False, indent=1))


def _as_dict(hit: Hit, gallery: Gallery) -> dict:
    captions: dict[str, list[str]] = {}
    for language, text in gallery.captions(hit.item.id):
        captions.setdefault(language, []).append(text)
    return {
        "rank": hit.rank,
        "score": round(hit.score, 6),
        "probability": hit.match and round(hit.match, 6),
        "id": hit.item.id,
        "path": str(hit.item.content),
        "facts": hit.item.facts,
        "captions": captions,
    }


def _print_table(hits: list[Hit], gallery: Gallery) -> None:
    print("rank   score  match  photo")
    for hit in hits:
        match = "-" if hit.match is None else f"{hit.match:.0%}"
        shown = printable(f"{hit.item.content}  {gallery.caption(hit.item.id)}")
        print(f"{hit.rank:>4}  {hit.score:>6.3f}  {match:>5}  {shown}")


def _index(options: argparse.Namespace) -> None:
    given = dict.fromkeys(options.system or ["tri"])
    systems = [checkpoint.load(name) for name in given]
    sources = {system.name: name for system, name in zip(systems, given, strict=True)}
    for system in systems:
        choose_kind(system.space, 0, options.kind)  # refuses one that is not for it, before the work is done
    with dask_cluster(options.dask, sources) if options.dask else nullcontext() as embed, progress_bar() as show:
        report = index_folder(
            options.folder,
            systems,
            show,
            index_dir=options.index_dir,
            exclude=options.exclude,
            workers=options.workers,
            embed=embed,
        )
    for word, named in (("note", report.noted), ("skipped", report.skipped)):
        for path, why in named:
            said = why if why.startswith(str(path)) else f"{path}: {why}"
            print(printable(f"{word} {said}"), file=sys.stderr)
    moved = f" ({report.moved} of them moved)" if report.moved else ""
    print(
        printable(f"{report.gallery}: {report.indexed} photos indexed, {report.kept} up to date already{moved}, ")
        + f"{report.removed} gone, {len(report.skipped)} skipped"
    )
    if options.engine == "milvus":
        _to_engine(options, systems)
    else:
        _build(options, systems)


def _build(options: argparse.Namespace, systems: Sequence[System]) -> None:
    """Build the indexes that are kept, so that the first search does not wait for them."""
    with Gallery.open(options.folder, options.index_dir) as gallery:
        for system in systems:
            if (kind := choose_kind(system.space, len(gallery), options.kind)) != "flat":
                Searcher(system, gallery, options.kind).prepare()
                print(f"{system.name}: its {kind} index is ready")


def _to_engine(options: argparse.Namespace, systems: Sequence[System]) -> None:
    with Gallery.open(options.folder, options.index_dir) as gallery:
        for system in systems:
            with progress_bar() as show:
                report = synchronize(gallery, system, open_engine(gallery, system, options.uri), show)
            print(
                f"{system.name} in Milvus: {report.stored} photos stored, {report.kept} up to date already, "
                f"{report.removed} removed"
            )


def _duplicates(options: argparse.Namespace) -> None:
    with Gallery.open(options.folder, options.index_dir) as gallery:
        groups = find_duplicates(gallery, checkpoint.load(options.system))
    if options.json:
        _print_json([[asdict(copy) | {"path": str(copy.path)} for copy in group] for group in groups])
        return
    for group in groups:
        for number, copy in enumerate(group):
            kind = "same" if copy.exact else "near"
            print(printable(f"{kind if number else 'best'}  {copy.pixels / 1e6:5.1f} Mpixel  {copy.path}"))
        print()
    copies = sum(len(group) - 1 for group in groups)
    print(f"{len(groups)} photos are there more than once, with {copies} copies")


def _adopt(options: argparse.Namespace) -> None:
    from xmr import adopt

    if options.remove:
        adopt.remove(options.model)
        print(f"{options.model} was removed")
        return
    offer = adopt.look_up(
        options.model,
        name=options.name,
        variant=options.variant,
        revision=options.revision,
        languages=options.language,
    )
    told = f"{offer.source.home}: licence {offer.source.licence}, {offer.megabytes:,.0f} MB to read"
    print(printable(told), file=sys.stderr)
    with told_progress() as show:
        made = adopt.adopt(offer, show)
    speed = ", ".join(f"{kind} {value:.1f} ms" for kind, value in made.fitted.milliseconds.items())
    print(printable(f"{made.name}: adopted in {made.seconds:.0f} s ({made.folder}). A query: {speed}"))
    print(f"Index your photos with it: python -m xmr index FOLDER --system {made.name}")


@contextmanager
def told_progress() -> Iterator[Callable[[str, int, int], None]]:
    """A function that shows what is being done, and how far it is, on stderr where that is a terminal."""
    from tqdm import tqdm

    with tqdm(disable=None, unit_scale=True) as bar:

        def show(what: str, done: int, total: int) -> None:
            bar.set_description_str(what)
            bar.total = total or None
            bar.update(done - bar.n)

        yield show


def _app(options: argparse.Namespace) -> None:
    app = home() / "app.py"
    if not app.is_file():
        raise BadInput(f"The app is not in {app.parent}: it comes with a clone of the repository. Set XMR_HOME to one.")
    if importlib.util.find_spec("streamlit") is None:
        raise BadInput("The app needs Streamlit, which is not installed. Install it: pip install 'xmr[app]'")
    os.chdir(app.parent)  # where Streamlit looks for its settings
    arguments = ["-m", "streamlit", "run", app.name, "--server.port", str(options.port)]
    os.execv(sys.executable, [sys.executable, *arguments])


def _serve(options: argparse.Namespace) -> None:
    if importlib.util.find_spec("fastapi") is None or importlib.util.find_spec("uvicorn") is None:
        raise BadInput("The API needs FastAPI and uvicorn. Install them: pip install 'xmr[serve]'")
    from xmr import serve

    limits = serve.Limits(options.max_mb * 1_000_000, options.rate)
    key = os.environ.get(serve.KEY) or None
    systems = list(dict.fromkeys(options.system or ["tri"]))
    app = serve.create_app(
        options.folder,
        systems,
        index_dir=options.index_dir,
        key=key,
        writable=options.writable,
        kind=options.kind,
        engine=options.uri if options.engine == "milvus" else None,
        limits=limits,
    )
    print(f"xmr answers on http://{options.host}:{options.port}; /openapi.json says how it is asked", file=sys.stderr)
    serve.run(app, options.host, options.port, key)


def _evaluate(options: argparse.Namespace) -> None:
    drawn = given_path(options.sketches) if options.sketches else None
    if not _is_folder(options.gallery) and options.gallery in checkpoint.available():
        with Gallery.open(DEMO) as shipped, told_progress() as show:
            report = evaluate_named(options.gallery, shipped, drawn, show)
    else:
        with Gallery.open(options.gallery, options.index_dir) as gallery:
            report = evaluate_indexed(checkpoint.load(options.system), gallery, drawn)
    _print_json(report)
