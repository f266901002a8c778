"""The command line: a table, JSON, one line an error, and never a traceback."""

from __future__ import annotations

import importlib.util
import io
import json
import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from tests.conftest import add_words, pictures
from xmr import __version__
from xmr.cli import main
from xmr.gallery import Gallery
from xmr.index import faiss
from xmr.metrics import average_precision
from xmr.modality import Modality

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def xmr(checkpoint_folder, capsys):
    """Run a command with the tiny system: (exit status, standard output, standard error)."""

    def run(*arguments: object) -> tuple[int, str, str]:
        status = main([*map(str, arguments), "--system", str(checkpoint_folder)])
        return status, *capsys.readouterr()

    return run


def test_a_search_prints_a_small_table(xmr, gallery_folder):
    status, out, err = xmr("search", "--text", "a red photo", "--gallery", gallery_folder, "-k", 2)
    assert (status, err) == (0, "")
    head, first, second = out.splitlines()
    assert head.split() == ["rank", "score", "match", "photo"]
    assert first.split()[0] == "1" and "red-" in first and "a red photo" in first and "%" in first
    assert second.split()[0] == "2"


def test_a_search_prints_json(xmr, gallery_folder):
    _, out, _ = xmr("search", "--text", "ein blaues Bild", "--gallery", gallery_folder, "-k", 3, "--json")
    hits = json.loads(out)
    assert [hit["rank"] for hit in hits] == [1, 2, 3]
    assert hits[0]["facts"]["category"] == "blue" and 0 < hits[0]["probability"] < 1
    assert hits[0]["captions"]["de"] == ["ein blaues bild"] and Path(hits[0]["path"]).is_file()


def test_only_photos_with_some_facts_are_searched_on_any_kind_of_index(xmr, gallery_folder):
    search = ("search", "--text", "red", "--gallery", gallery_folder, "--json")
    for kind in ((), ("--kind", "hnsw")):
        _, out, _ = xmr(
            *search, "--where", "category=blue", "--where", "category=green", "--where", "place=left", *kind
        )
        assert {hit["id"] for hit in json.loads(out)} == {"blue-left", "green-left"}
    for where, said in (
        ("red", "says no fact. Write NAME=VALUE"),
        ("shape=round", "No photo here has the fact 'shape'"),
    ):
        status, _, err = xmr(*search, "--where", where)
        assert status == 2 and said in err and err.count("\n") == 1


def test_terms_mix_and_minus_terms_push_away(xmr, gallery_folder, tmp_path):
    for id, image, _ in pictures():
        image.save(tmp_path / f"{id}.png")
    _, out, _ = xmr("search", "--text", "red", "--minus-text", "green", "--gallery", gallery_folder, "--json")
    assert [hit["facts"]["category"] for hit in json.loads(out)] == ["red"] * 2 + ["blue"] * 2 + ["green"] * 2
    _, out, _ = xmr(
        "search",
        "--photo",
        tmp_path / "blue-left.png",
        "--minus-photo",
        tmp_path / "red-left.png",
        "--gallery",
        gallery_folder,
        "--json",
    )
    assert json.loads(out)[0]["id"].startswith("blue")
    sketch = Image.new("L", (256, 256), 255)
    ImageDraw.Draw(sketch).rectangle((20, 80, 110, 180), outline=0, width=3)
    sketch.save(tmp_path / "sketch.png")
    status, out, _ = xmr("search", "--sketch", tmp_path / "sketch.png", "--gallery", gallery_folder, "--json")
    assert status == 0 and len(json.loads(out)) == 6


def test_words_are_read_as_they_are_meant_and_a_person_is_told(checkpoint_folder, gallery_folder, tmp_path, capsys):
    folder = add_words(shutil.copytree(checkpoint_folder, tmp_path / "tiny"))

    def search(*words: str) -> tuple[int, list[str], list[str]]:
        status = main(["search", "--gallery", str(gallery_folder), "--system", str(folder), "--paths-only", *words])
        out, err = capsys.readouterr()
        return status, out.splitlines(), err.splitlines()

    status, photos, told = search("--text", "a bleu photo zzzzz, no rde")
    assert status == 0 and "blue-" in photos[0] and "red-" in photos[-1]
    assert told == [
        "Searching for “blue” instead of “bleu”, “red” instead of “rde”. With --exact: as typed.",
        "Without: red. With --exact: as typed.",
        "Nothing is known of: zzzzz. The other words count.",
    ]
    assert search("--exact", "--text", "a blue photo zzzzz", "--minus-text", "red") == (0, photos, [])
    status, others, told = search("--exact", "--text", "a blue photo zzzzz, no red")
    assert status == 0 and told == [] and others != photos
    status, none, told = search("--exact", "--text", "bleu")
    assert status == 2 and none == [] and "No word of “bleu” is known" in told[0]


def test_what_a_text_says_is_told_without_what_steers_a_terminal(checkpoint_folder, gallery_folder, tmp_path, capsys):
    folder = add_words(shutil.copytree(checkpoint_folder, tmp_path / "tiny"))
    main(["search", "--gallery", str(gallery_folder), "--system", str(folder), "--text", "red, no zz\x1bzzzz"])
    told = capsys.readouterr().err
    assert "zz zzzz" in told and "\x1b" not in told


def test_a_folder_is_indexed_and_searched(xmr, photo_folder):
    (photo_folder / "bad.jpg").write_text("no picture")
    status, out, err = xmr("index", photo_folder)
    assert status == 0 and "6 photos indexed, 0 up to date already, 0 gone, 1 skipped" in out
    assert err.startswith("skipped ") and "bad.jpg: It is text" in err and err.count("\n") == 1
    status, out, _ = xmr("search", "--text", "green", "--gallery", photo_folder, "-k", 1)
    assert status == 0 and "green-" in out


def test_indexing_builds_the_index_that_the_first_search_would_wait_for(xmr, photo_folder, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setattr(faiss, "_FEW", 2)
    status, out, _ = xmr("index", photo_folder, "--kind", "hnsw")
    assert status == 0 and out.endswith("tiny: its hnsw index is ready\n")
    assert len(list((tmp_path / "cache").rglob("*hnsw*.faiss"))) == 1
    assert "index is ready" not in xmr("index", photo_folder)[1]
    monkeypatch.setenv("XMR_KIND", "hnsw")
    assert "its hnsw index is ready" in xmr("index", photo_folder)[1]
    monkeypatch.setenv("XMR_KIND", "tree")
    assert "is one of flat, hnsw, ivfpq; 'tree' came" in xmr("index", photo_folder)[2]


def test_indexing_shows_the_librarys_bar_on_a_terminal(xmr, photo_folder, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    monkeypatch.setattr(sys, "stderr", Terminal())
    assert xmr("index", photo_folder)[0] == 0
    assert "100%" in sys.stderr.getvalue() and "6/6" in sys.stderr.getvalue()


def test_evaluation_equals_leaving_one_out_by_hand(xmr, gallery_folder, system, tmp_path):
    for colour in ("red", "blue"):
        (tmp_path / colour).mkdir()
        image = Image.new("L", (100, 100), 255)
        ImageDraw.Draw(image).line([(10, 10), (30, 80)], fill=0, width=2)
        image.save(tmp_path / colour / "1.png")
    status, out, _ = xmr("evaluate", gallery_folder, "--sketches", tmp_path)
    assert status == 0
    report = json.loads(out)
    assert (report["system"], report["weights"]) == ("tiny", system.weights)
    assert set(report["protocols"]) == {"gallery-captions-en", "gallery-captions-de", "gallery-sketches"}
    english = report["protocols"]["gallery-captions-en"]
    assert (english["queries"], english["gallery"], english["dropped"]) == (6, 5, 0)
    assert english["metrics"]["text_to_photo/hit@1"] == 1.0
    assert english["chance"]["text_to_photo/p@1"] == pytest.approx(1 / 5)
    with Gallery.open(gallery_folder) as gallery:
        ids, photos = gallery.vectors(system, Modality.PHOTO)
        slow = []
        for id in ids:
            ((_, caption),) = gallery.captions(id, "en")
            others = [row for row, other in enumerate(ids) if other != id]
            scores = photos[others] @ system.encode(Modality.TEXT, [caption])[0]
            relevant = np.array([ids[row].split("-")[0] == id.split("-")[0] for row in others])
            slow.append(average_precision(scores[None], relevant[None])[0])
    assert english["metrics"]["text_to_photo/map"] == pytest.approx(np.mean(slow), abs=1e-4)
    assert report["protocols"]["gallery-sketches"]["queries"] == 2


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["search"], "Say what to find: --text TEXT, --photo FILE"),
        (["search", "--minus-text", "red"], "as well as what to avoid"),
        (["search", "--text", ""], "The caption is empty"),
        (["search", "--text", "狗"], "No word of"),
        (["search", "--photo", "gone.png"], "gone.png. Check the path"),
        (["search", "--photo", ""], "The path is blank"),
        (["search", "--sketch", "~/gone.png"], f"There is no file {Path.home() / 'gone.png'}"),
        (["search", "--text", "red", "--gallery", "/nowhere"], "There is no folder /nowhere"),
        (["search", "--text", "red", "-k", "many"], "invalid int value"),
        (["search", "--text", "red", "-k", "0"], "at least 1"),
        (["search", "--txt", "red"], "unrecognized arguments"),
        (["dance"], "invalid choice"),
        ([], "COMMAND"),
        (["app", "--port", "65536"], "a whole number from 1 to 65535; '65536' came"),
        (["serve", "--port", "-1"], "a whole number from 1 to 65535"),
        (["serve", "--rate", "-5"], "argument --rate"),
        (["serve", "--max-mb", "nan"], "argument --max-mb"),
        (["index", "/nowhere"], "There is no folder /nowhere"),
        (["evaluate", "/nowhere"], "There is no folder /nowhere"),
        (["evaluate", "/nowhere", "else"], "unrecognized arguments: else"),
        (["search", "red", "--unknown", "blue"], "unrecognized arguments: --unknown blue"),
    ],
)
def test_a_mistake_is_one_line_and_status_2(xmr, gallery_folder, arguments, message):
    if arguments[:1] == ["search"] and "--gallery" not in arguments:
        arguments = [*arguments, "--gallery", gallery_folder]
    status, out, err = xmr(*arguments)
    assert (status, out) == (2, "")
    assert err.startswith("xmr: ") and err.count("\n") == 1 and message in err


def test_damaged_metadata_leave_no_warning(xmr, tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    damaged = exif.tobytes()[:-10]  # its table ends inside an entry
    Image.new("RGB", (40, 30), "red").save(tmp_path / "a.jpg", exif=damaged)
    status, _, err = xmr("index", tmp_path)
    assert (status, err) == (0, "")


def test_a_missing_checkpoint_is_one_line_too(capsys, gallery_folder):
    assert main(["search", "--text", "red", "--gallery", str(gallery_folder), "--system", "gone"]) == 2
    assert "xmr: There is no checkpoint" in capsys.readouterr().err


def test_an_unlabelled_gallery_cannot_be_evaluated(xmr, photo_folder):
    xmr("index", photo_folder)
    status, _, err = xmr("evaluate", photo_folder)
    assert status == 2 and "have no categories" in err and "captions.csv" in err


def test_a_folder_for_each_category_is_evaluated_with_drawings_of_any_kind(xmr, tmp_path):
    for colour in ("red", "blue"):
        for n in range(3):
            (tmp_path / "photos" / colour).mkdir(parents=True, exist_ok=True)
            Image.new("RGB", (64, 48 + n), colour).save(tmp_path / "photos" / colour / f"{n}.png")
    xmr("index", tmp_path / "photos")
    status, _, err = xmr("evaluate", tmp_path / "photos")
    assert status == 2 and "nothing to ask" in err and "--sketches" in err
    drawn = tmp_path / "drawn/red"
    drawn.mkdir(parents=True)
    (drawn / ".DS_Store").write_bytes(b"no drawing")
    (drawn / "1.svg").write_text('<svg xmlns="http://www.w3.org/2000/svg"><path d="M 0 0 L 50 50"/></svg>')
    image = Image.new("L", (100, 100), 255)
    ImageDraw.Draw(image).line([(10, 10), (30, 80)], fill=0, width=2)
    image.save(drawn / "2.JPG")
    status, out, _ = xmr("evaluate", tmp_path / "photos", "--sketches", tmp_path / "drawn")
    entry = json.loads(out)["protocols"]["gallery-sketches"]
    assert (status, entry["queries"], entry["gallery"], entry["chance"]["sketch_to_photo/p@1"]) == (0, 2, 6, 0.5)
    xmr("index", tmp_path / "photos", "--index-dir", tmp_path / "index")
    shutil.rmtree(tmp_path / "photos/.xmr")
    asked = ("evaluate", tmp_path / "photos", "--sketches", tmp_path / "drawn", "--index-dir", tmp_path / "index")
    assert xmr(*asked)[:2] == (0, out)
    drawn.rename(tmp_path / "drawn/rouge")
    status, _, err = xmr(*asked)
    assert status == 2 and "of the drawings, such as rouge" in err and "are called: blue, red." in err


def test_the_module_runs_as_a_program_and_shows_its_help():
    done = subprocess.run([sys.executable, "-m", "xmr", "--help"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0 and "search" in done.stdout and "index" in done.stdout and done.stderr == ""
    done = subprocess.run([sys.executable, "-m", "xmr", "index", "/nowhere"], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 2 and done.stderr.startswith("xmr: ") and "Traceback" not in done.stderr


def test_folder_and_words_may_stand_without_options(xmr, gallery_folder, photo_folder, monkeypatch):
    _, wanted, _ = xmr("search", "--text", "a red photo", "--gallery", gallery_folder)
    for asked in (
        (gallery_folder, "a red photo"),
        (gallery_folder, "a", "red", "photo"),
        ("a red photo", "--gallery", gallery_folder),
        (gallery_folder, "--text", "a red photo"),
        (gallery_folder, "-k", 10, "a red photo"),
        (gallery_folder, "a", "--kind", "flat", "red", "-k", 10, "photo"),
        ("-k", 10, gallery_folder, "a red photo"),
    ):
        assert xmr("search", *asked) == (0, wanted, "")
    assert xmr("search", gallery_folder)[0] == 2
    assert "There is no folder /nowhere" in xmr("search", "/nowhere", "red")[2]
    monkeypatch.chdir(photo_folder.parent)
    xmr("index", photo_folder.name)
    assert "green-" in xmr("search", photo_folder.name, "green", "-k", 1)[1]
    assert main(["search", "a red car", "-k", "1"]) == 0  # in the shipped gallery


def test_paths_alone_are_printed_for_pipes(xmr, gallery_folder):
    _, out, _ = xmr("search", gallery_folder, "red", "-k", 2, "--json")
    paths = [hit["path"] for hit in json.loads(out)]
    assert xmr("search", gallery_folder, "red", "-k", 2, "--paths-only")[1].splitlines() == paths
    assert xmr("search", gallery_folder, "red", "-k", 2, "--print0")[1] == "".join(f"{path}\0" for path in paths)
    assert xmr("search", gallery_folder, "red", "--json", "--print0")[0] == 2


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="there is no full device here")
@pytest.mark.parametrize(
    ("output", "status", "message"), [("> /dev/full", 2, "No space left on device"), (">&-", 0, "")]
)
def test_an_output_that_takes_nothing_is_no_traceback(output, status, message):
    command = f"{shlex.quote(sys.executable)} -m xmr search cup -k 1 {output}"
    done = subprocess.run(command, shell=True, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == status and message in done.stderr and "Traceback" not in done.stderr
    assert done.stderr.count("\n") <= 1


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--version"])
    assert stopped.value.code == 0 and capsys.readouterr().out == f"xmr {__version__}\n"


def test_the_app_is_started_where_it_lies_or_said_to_be_missing(monkeypatch, tmp_path, capsys):
    started = []
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(os, "execv", lambda program, arguments: started.append((program, arguments, Path.cwd())))
    assert main(["app", "--port", "8600"]) == 0
    arguments = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", "8600"]
    assert started == [(sys.executable, arguments, ROOT)]
    monkeypatch.setenv("XMR_HOME", str(tmp_path))
    assert main(["app"]) == 2 and "Set XMR_HOME" in capsys.readouterr().err
    monkeypatch.delenv("XMR_HOME")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert main(["app"]) == 2 and "pip install 'xmr[app]'" in capsys.readouterr().err


def test_a_shell_completes_commands_and_options(tmp_path):
    for line, wanted in (("xmr sea", "search"), ("xmr search --minus-t", "--minus-text")):
        told = {
            "_ARGCOMPLETE": "1",
            "_ARGCOMPLETE_STDOUT_FILENAME": str(tmp_path / "said"),
            "COMP_LINE": line,
            "COMP_POINT": str(len(line)),
            "_ARGCOMPLETE_IFS": "\n",
        }
        subprocess.run([sys.executable, "-m", "xmr"], cwd=ROOT, env=os.environ | told, check=True)
        assert (tmp_path / "said").read_text().strip() == wanted
