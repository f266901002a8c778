"""Hostile inputs: damaged or invented databases, vector files, checkpoints, pictures, names and arguments."""

import resource
import shutil
import sqlite3
import tempfile
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import fill_gallery, pictures, write_checkpoint
from xmr import checkpoint
from xmr.gallery import Gallery, given_path, index_folder
from xmr.modality import BadInput, Drawing, Modality, Query, Term
from xmr.preprocess import open_picture, sketch_input
from xmr.search import Searcher
from xmr.system import System


def hostile(work: Path) -> dict:
    """Use all hostile inputs. An input is survived if there is an answer or an error of one sentence, nothing outside
    is read or written, and the process stays below a gigabyte of memory.

    Args:
        work: an empty folder.

    Returns:
        The counts, the peak memory in MB and the problems.
    """
    outside = work / "outside"
    outside.mkdir()
    (outside / "secret.webp").write_bytes(b"RIFF0000WEBP secret")
    tried, survived, problems = {}, {}, []
    for kind, makers in HOSTILE.items():
        cases = list(makers(work / f"hostile-{kind}"))
        tried[kind], survived[kind] = len(cases), 0
        for number, use in enumerate(cases):
            try:
                use()
            except BadInput as error:
                if "\n" in str(error) or len(str(error)) > 2000:
                    problems.append(f"{kind} {number}: not one sentence: {error}")
                    continue
            except Exception:
                problems.append(f"{kind} {number}: {traceback.format_exc(limit=-2)}")
                continue
            survived[kind] += 1
        if {path.name: path.read_bytes() for path in outside.iterdir()} != {"secret.webp": b"RIFF0000WEBP secret"}:
            problems.append(f"{kind}: a file outside was touched")
            survived[kind] = 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
    if peak > 1000:
        problems.append(f"{peak} MB of memory")
    return {
        "tried": sum(tried.values()),
        "survived": sum(survived.values()),
        "by_kind": tried,
        "peak_mb": peak,
        "problems": problems,
    }


def _databases(work: Path) -> Iterator[Callable]:
    """A gallery's database with changed bytes."""
    system = _gallery(work)
    whole, rng = (work / "gallery" / "gallery.sqlite").read_bytes(), np.random.default_rng(1)
    for number in range(50):
        damaged = bytearray(whole)
        for at in rng.integers(0, len(whole), (1, 20, 400)[number % 3]):
            damaged[at] = rng.integers(0, 256)
        if number % 10 == 9:
            damaged = damaged[: int(rng.integers(1, len(whole)))]
        yield lambda damaged=damaged: _use_gallery(work, system, lambda file: file.write_bytes(damaged))


STATEMENTS = """
UPDATE items SET id = '../../../outside/secret' WHERE row = 1
UPDATE items SET id = '/etc/passwd' WHERE row = 1
UPDATE items SET id = CAST(X'80' AS TEXT) WHERE row = 1
UPDATE items SET file = '../../outside/secret.webp' WHERE row = 2
UPDATE items SET file = '/etc/passwd' WHERE row = 3
UPDATE items SET facts = '[]'
UPDATE items SET facts = 'null'
UPDATE items SET facts = '1e999'
UPDATE items SET facts = '{"category": {"a": 1}}'
UPDATE items SET facts = '{"category": 7}'
UPDATE items SET facts = printf('%.*c', 5000, '[')
UPDATE items SET facts = CAST(X'80ff' AS TEXT)
UPDATE texts SET text = CAST(X'80' AS TEXT) WHERE row = 1
UPDATE texts SET language = '<b>'
UPDATE texts SET text = '' WHERE row = 1
INSERT INTO examples VALUES ('x', '{}')
INSERT INTO examples VALUES ('x', '[[[1e999, 2]]]')
INSERT INTO examples VALUES ('x', 'nonsense')
INSERT INTO examples VALUES ('x', '[[[1, 2], [3]]]')
UPDATE vectors SET file = '../../outside/secret.webp'
UPDATE vectors SET file = '/dev/zero'
UPDATE vectors SET count = 99999999999
UPDATE vectors SET count = -5
UPDATE vectors SET dim = 0
UPDATE vectors SET dim = 60000
UPDATE vectors SET fingerprint = ''
UPDATE vectors SET system = '../x' WHERE modality = 'text'
UPDATE vectors SET modality = 'smell' WHERE modality = 'photo'
UPDATE captions SET text = 999 WHERE text = 1
UPDATE about SET value = '/etc'
DELETE FROM vectors
DELETE FROM items
DELETE FROM texts
DROP TABLE items
DROP TABLE about
CREATE VIEW v AS WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x FROM n) SELECT * FROM n
CREATE TRIGGER t AFTER INSERT ON items BEGIN DELETE FROM items; END
CREATE TABLE extra (x)
PRAGMA user_version = 77
PRAGMA user_version = 0
""".strip().splitlines()


def _contents(work: Path) -> Iterator[Callable]:
    """Valid databases with invalid contents."""
    system = _gallery(work)
    for statement in STATEMENTS:

        def change(file: Path, statement: str = statement) -> None:
            with sqlite3.connect(file) as db:
                db.execute(statement)
            db.close()

        yield lambda change=change: _use_gallery(work, system, change)


def _vectors(work: Path) -> Iterator[Callable]:
    """Vector files that are cut off, changed or missing."""
    system = _gallery(work)
    rng = np.random.default_rng(2)
    for number in range(20):

        def change(file: Path, number: int = number) -> None:
            for path in (file.parent / "vectors").iterdir():
                found = bytearray(path.read_bytes())
                for at in rng.integers(0, len(found), 30):
                    found[at] = rng.integers(0, 256)
                if number % 4 == 0:
                    found = found[: int(rng.integers(0, len(found)))]
                path.unlink() if number % 7 == 6 else path.write_bytes(found)

        yield lambda change=change: _use_gallery(work, system, change)


def _gallery(work: Path) -> System:
    system = checkpoint.load(write_checkpoint(work / "tiny"))
    with Gallery.create(work / "gallery") as gallery:
        fill_gallery(gallery, system)
    return system


def _use_gallery(work: Path, system: System, change: Callable[[Path], object]) -> None:
    """Copy the gallery, change the copy, and use it in every way."""
    copy = Path(tempfile.mkdtemp(dir=work)) / "copy"
    shutil.copytree(work / "gallery", copy)
    change(copy / "gallery.sqlite")
    refused = None
    try:
        gallery = Gallery.open(copy)
    except BadInput:
        index_folder(copy, [system])
        return
    with gallery:
        searcher = Searcher(system, gallery)
        for use in (
            lambda: searcher.search(Query((Term(Modality.TEXT, "red"),))),
            lambda: searcher.captions(Query((Term(Modality.TEXT, "red"),))),
            lambda: [gallery.thumbnail(item.id) for item in gallery],
            gallery.texts,
            gallery.examples,
            gallery.categories,
            lambda: gallery.sample(3),
            lambda: searcher.like("red-left"),
            lambda: index_folder(copy, [system]),
            lambda: gallery.remove([item.id for item in gallery][:1]),
            gallery.sweep,
        ):
            try:
                use()
            except BadInput as error:
                refused = error
    if refused:
        raise refused


def _checkpoints(work: Path) -> Iterator[Callable]:
    """Configs, graphs and tokenizers with changed bytes, or cut off."""
    whole, rng = write_checkpoint(work / "tiny"), np.random.default_rng(3)
    for number in range(60):
        name = ("config.json", "config.json", "photo.onnx", "sketch.onnx", "text.onnx", "tokenizer.json")[number % 6]

        def use(name: str = name, number: int = number) -> None:
            copy = Path(tempfile.mkdtemp(dir=work)) / "tiny"
            shutil.copytree(whole, copy)
            found = bytearray((copy / name).read_bytes())
            if number % 5 == 0:
                found = found[: int(rng.integers(0, len(found)))]
            for at in rng.integers(0, max(len(found), 1), 3 if found else 0):
                found[at] = rng.integers(32, 127)
            (copy / name).write_bytes(found)
            system = checkpoint.load(copy)
            for modality, content in ((Modality.TEXT, "red"), (Modality.PHOTO, next(pictures())[1])):
                system.encode(modality, [content])

        yield use


def _pictures(work: Path) -> Iterator[Callable]:
    """Pictures of every format with changed or missing bytes, and files that are not pictures."""
    work.mkdir()
    rng = np.random.default_rng(4)
    image = Image.fromarray(rng.integers(0, 256, (40, 50, 3), np.uint8))
    for number in range(70):
        format = ("PNG", "JPEG", "GIF", "WEBP", "BMP", "TIFF", "AVIF")[number % 7]
        path = work / f"{number}.jpg"
        image.save(path, format)
        found = bytearray(path.read_bytes())
        for at in rng.integers(0, len(found), (1, 8, 60)[number % 3]):
            found[at] = rng.integers(0, 256)
        if number % 4 == 3:
            found = found[: int(rng.integers(0, len(found)))]
        path.write_bytes(found)
        yield lambda path=path: sketch_input(open_picture(path)) if path.stat().st_size % 2 else open_picture(path, 64)
    for number, found in enumerate(
        (
            b"",
            b"\0" * 100,
            b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(%pipe%touch " + b"/tmp/x) (w) file\n",
            b"%PDF-1.4",
            b"<svg xmlns='http://www.w3.org/2000/svg'><image href='file:///etc/passwd'/></svg>",
            b"GIF89a",
            b"\x89PNG\r\n\x1a\n",
            b"\xff\xd8\xff",
            b"RIFF\0\0\0\0WEBP",
            b"BM" + b"\xff" * 60,
        )
    ):
        path = work / f"odd-{number}.png"
        path.write_bytes(found)
        yield lambda path=path: open_picture(path)


def _names(work: Path) -> Iterator[Callable]:
    """Invalid paths, and files with names that contain markup, control characters or options."""
    work.mkdir()
    for given in (
        "",
        " ",
        "~nosuchuser/x",
        "a\0b",
        "x" * 300,
        "a/" * 3000,
        "file://host/x",
        "file://%00",
        "'",
        '"',
        "''",
        "/dev/null",
        "/proc/self/mem",
        "/nowhere/at/all",
        "\ud800",
        "//",
        "-rf",
        "$HOME",
        "`id`",
        "a\nb",
    ):
        yield lambda given=given: Gallery.open(given_path(given))
    system = checkpoint.load(write_checkpoint(work / "tiny"))

    def index() -> None:
        folder = work / "photos"
        folder.mkdir()
        for name in (
            "new\nline.png",
            "esc\x1b[31mred.png",
            "![x](http:host).png",
            "<img src=x>.png",
            "-k.png",
            "\u202egnp.exe.png",
            "a" * 240 + ".png",
            "--help.png",
            "'quoted\".png",
            "per%cent.png",
        ):
            Image.new("RGB", (9, 9), "red").save(folder / name)
        report = index_folder(folder, [system])
        if report.indexed != 10:
            raise AssertionError(report)

    yield index


def _arguments(work: Path) -> Iterator[Callable]:
    """Invalid arguments of the library."""
    system = _gallery(work)
    gallery = Gallery.open(work / "gallery")
    searcher = Searcher(system, gallery)
    nan, wild = float("nan"), np.full(system.dim, np.inf, np.float32)
    red = Term(Modality.TEXT, "red")
    queries = (
        [Query(())]
        + [
            Query((term,))
            for term in (
                *(Term(Modality.TEXT, text) for text in ("", "\0", "\ud800", "x" * 10**6, wild)),
                Term(Modality.TEXT, "red", nan),
                Term(Modality.TEXT, "red", float("inf")),
                Term(Modality.TEXT, "red", -1.0),
                Term(Modality.PHOTO, b""),
                Term(Modality.PHOTO, "/etc/passwd"),
                Term(Modality.PHOTO, wild),
                Term(Modality.PHOTO, np.zeros(3, np.float32)),
                Term(Modality.PHOTO, wild * nan),
                Term(Modality.SKETCH, Drawing(())),
                Term(Modality.SKETCH, Drawing((np.full((5, 2), nan),))),
                Term(Modality.SKETCH, Drawing((np.array([[0, 0], [1e300, 1e300]]),))),
                Term(Modality.SKETCH, Drawing((np.random.default_rng(0).random((50_000, 2)),))),
            )
        ]
        + [Query((red, Term(Modality.TEXT, "red", -1.0))), Query((red,) * 5000)]
    )
    for query in queries:
        yield lambda query=query: searcher.search(query)
    for k in (0, -1, 10**12):
        yield lambda k=k: searcher.search(Query((red,)), k)
    for id in ("", "../x", "\0", "x" * 10_000, "\ud800"):
        for use in (gallery.get, gallery.thumbnail, searcher.like, gallery.caption):
            yield lambda id=id, use=use: use(id)


HOSTILE = {
    "databases": _databases,
    "contents": _contents,
    "vectors": _vectors,
    "checkpoints": _checkpoints,
    "pictures": _pictures,
    "names": _names,
    "arguments": _arguments,
}
