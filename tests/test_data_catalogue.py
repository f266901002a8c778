"""The catalogue of data sets: counts, checks, downloads from a local server, decoding and the command."""

import base64
import gzip
import hashlib
import http.server
import io
import os
import threading
import zipfile
from dataclasses import dataclass
from email.message import Message
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.test_data_sketches import draw_at, every_split
from training.datasets import MissingData, catalogue, command, download, flickr8k, labels_of, placed
from training.datasets.decode import Pack, decode, stream
from training.datasets.reading import Skips
from xmr.modality import BadInput, Drawing, Item, Modality
from xmr.preprocess import open_picture, photo_input

REAL = Path(os.environ.get("XMR_DATA", "../shared/data"))
PHOTO, SKETCH = Modality.PHOTO, Modality.SKETCH


# ---------------------------------------------------------------- what is there

COUNTS = {
    "flickr8k": {"photos": 8091, "captions_en": 40_455, "captions_de": 5 * 7478 + 5528},  # 5,528 translations: train's
    "sketchy25": {"photos": 3125, "sketches": 3125, "classes": 125},
    "sketchy": {"photos": 3125, "sketches": 3125}, "chairv2": {"photos": 400, "sketches": 1275},
    "multi30k": {"captions_en": 6 * 27_262, "captions_de": 6 * 27_262}, "caltech101": {"photos": 1010},
    "imagenet1000": {"photos": 1000}, "coco_mini": {"photos": 80, "captions_en": 400},
    "sketchy-1": {"photos": 3125, "sketches": 3125}, "sketchy-2": {"photos": 3125, "sketches": 3125},
}  # fmt: skip
LEFT_OUT = {"caltech101": {"background pictures, which have no class": 10}}


@pytest.mark.parametrize("name", COUNTS)
def test_the_real_sets_have_their_published_counts_and_no_id_in_two_splits(name):
    if not catalogue.get(name).place().is_dir():
        pytest.skip(f"{name} is not in {REAL}")
    found = catalogue.check(name)
    assert found.found | COUNTS[name] == found.found
    left_out = {reason: len(what) for reason, what in found.skips.reasons.items()}
    assert not found.shared and left_out == LEFT_OUT.get(name, {})
    assert "expected" in found.line() and "of" not in found.line().split(";")[0].split()
    every_split(name, catalogue.get(name).place())
    assert found.line().startswith(f"{name}: ") and "\n" not in found.line()


def test_the_real_sets_are_divided_as_published():
    if not (REAL / "flickr8k").is_dir():
        pytest.skip(f"the real data is not in {REAL}")
    flickr = catalogue.check("flickr8k").counts
    assert [flickr[split]["photos"] for split in ("train", "val", "test", "extra")] == [6000, 1000, 1000, 91]
    told = {min(i.labels) for s in ("train", "val", "test", "extra") for i in catalogue.load("flickr8k", s).items
            if i.language == "de"}  # fmt: skip
    assert len(told) == 7478
    chairs = catalogue.check("chairv2").counts
    assert chairs["train"]["sketches"] + chairs["val"]["sketches"] == 952 and chairs["test"]["sketches"] == 323


def test_every_set_says_what_it_needs_its_licence_and_its_source():
    for name, data in catalogue.DATASETS.items():
        assert data.name == name and data.about and data.layout and data.licence and data.source
        assert "train" in data.splits


@pytest.mark.parametrize("name", [n for n in catalogue.DATASETS if n != "pictures"])
def test_a_missing_or_empty_folder_is_an_error_that_names_it(name, tmp_path):
    with pytest.raises(MissingData, match="nowhere"):
        catalogue.load(name, "train", tmp_path / "nowhere")
    with pytest.raises(BadInput):
        catalogue.check(name, tmp_path)


def test_an_unknown_set_or_split_lists_the_known_ones(tmp_path):
    with pytest.raises(BadInput, match="Choose one of: sketchy"):
        catalogue.load("skethcy", "train")
    with pytest.raises(BadInput, match="train, val, test"):
        catalogue.load("pacs", "dev", tmp_path)


def test_an_id_that_comes_twice_is_kept_once_and_listed(tmp_path):
    draw_at(tmp_path / "kfold/photo/dog/a.jpg")
    draw_at(tmp_path / "kfold/photo/dog/a.png")
    found = catalogue.check("pacs", tmp_path)
    assert "1 ids that come twice (photo/dog/a)" in found.line() and found.found["photos"] == 1 and not found.shared


def test_a_whole_set_of_ours_that_lost_files_is_told(tmp_path):
    (tmp_path / "train.en-de.tsv").write_text("a dog ein Hund\na cat\teine Katze\n")
    with pytest.raises(MissingData, match="multi30k needs .*train5.jsonl.gz"):
        catalogue.load("multi30k", "train", tmp_path)
    (tmp_path / "train5.jsonl.gz").write_bytes(gzip.compress(b'{"id": "1", "en": ["x", " "], "de": []}\n{"id": "2'))
    items, skips = catalogue.load("multi30k", "train", tmp_path)
    assert [item.content for item in items] == ["a cat", "eine Katze", "x"]
    assert skips.line() == ("2 broken rows (train.en-de.tsv:1, train5.jsonl.gz:2); 1 empty captions (1#en1)")
    rows = [f'{{"image": "{n}.jpg", "split": "train", "en": ["a"], "de": [], "de_translation": []}}' for n in range(3)]
    (tmp_path / "captions.jsonl").write_text("\n".join([*rows, "{broken"]))
    draw_at(tmp_path / "images/0.jpg")
    draw_at(tmp_path / "images/2.jpg")
    items, skips = catalogue.load("flickr8k", "train", tmp_path)
    assert {item.id for item in items} == {"0.jpg", "0.jpg#en0", "2.jpg", "2.jpg#en0"}
    assert skips.line() == "1 broken rows (captions.jsonl:4); 1 photos that are missing (1.jpg)"
    with placed("flickr8k", tmp_path), pytest.raises(BadInput, match="no broken rows, but there is captions.jsonl:4"):
        flickr8k.items("train")  # who keeps no list of what is left out gets an error


def test_a_recipe_is_told_what_its_data_set_leaves_out(tmp_path, capsys):
    rows = [
        f'{{"id": "{n}_1", "split": "train", "photo": "{n}.jpg", "strokes": [[[0, 0], [1, 2]]]}}' for n in range(60)
    ]
    (tmp_path / "sketches.jsonl").write_text("\n".join(rows))
    for n in range(60):
        draw_at(tmp_path / f"photo/{n}.jpg")
    chairs = catalogue.get("chairv2")
    before = chairs.items("train", tmp_path)
    assert not capsys.readouterr().out
    before[0].content.unlink()
    left = {item.id for item in before} - {item.id for item in chairs.items("train", tmp_path)}
    assert left == {before[0].id, before[0].id.replace(".jpg", "_1")}  # the photo, and the sketch of it
    assert f"chairv2, train: 1 photos that are missing ({before[0].id})" in capsys.readouterr().out
    assert catalogue.get("caltech101").items("test", tmp_path) == []


# ---------------------------------------------------------------- downloads


class Server(http.server.BaseHTTPRequestHandler):
    """Serves `files` with ranges; `cut` bytes into a whole answer it hangs up."""

    files: dict[str, bytes] = {}
    cut: int | None = None
    asked: list[str | None] = []

    def do_GET(self) -> None:
        data = self.files.get(self.path)
        if data is None:
            return self.send_error(404)
        start = 0
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        if wanted and self.headers.get("If-Range", '"1"') == '"1"':
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            if start >= len(data):
                self.send_response(416)
                self.send_header("x-goog-hash", "md5=" + base64.b64encode(hashlib.md5(data).digest()).decode())
                return self.end_headers()
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(data) - start))
        self.send_header("ETag", '"1"')
        self.end_headers()
        self.wfile.write(data[start : self.cut if not start else None])
        return None

    def log_message(self, *args) -> None:
        """Says nothing."""


@pytest.fixture
def server():
    Server.files, Server.cut, Server.asked = {}, None, []
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Server) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def archive(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in members.items():
            packed.writestr(name.replace("__", "/"), data)
    return out.getvalue()


def md5(data: bytes) -> str:
    return "md5:" + hashlib.md5(data).hexdigest()


def test_a_download_that_broke_off_goes_on_where_it_stopped(server, tmp_path):
    data = np.random.default_rng(0).bytes(300_000)
    Server.files, Server.cut = {"/The%20Eiffel%20Tower.ndjson": data}, 100_000
    file = download.File(f"{server}/The%20Eiffel%20Tower.ndjson", md5(data))
    with pytest.raises(BadInput, match="broke off.*Run it again"):
        download.fetch(file, tmp_path)
    assert (tmp_path / "The Eiffel Tower.ndjson.part").stat().st_size == 100_000
    assert download.fetch(file, tmp_path).read_bytes() == data
    assert Server.asked == [None, "bytes=100000-"]
    download.fetch(file, tmp_path)
    assert len(Server.asked) == 2 and [p.name for p in tmp_path.iterdir()] == ["The Eiffel Tower.ndjson"]


def test_a_file_that_changed_on_the_server_is_fetched_anew(server, tmp_path):
    data = b"new" * 1000
    Server.files = {"/a.bin": data}
    (tmp_path / "a.bin.part").write_bytes(b"old")
    (tmp_path / "a.bin.etag").write_text('"0"')
    assert download.fetch(download.File(f"{server}/a.bin", md5(data)), tmp_path).read_bytes() == data


def test_a_part_that_is_whole_already_is_only_verified(server, tmp_path):
    data = b"whole" * 1000
    Server.files = {"/a.bin": data}
    (tmp_path / "a.bin.part").write_bytes(data)
    assert download.fetch(download.File(f"{server}/a.bin", md5(data)), tmp_path).read_bytes() == data
    (tmp_path / "a.bin").unlink()
    (tmp_path / "a.bin.part").write_bytes(data[::-1])
    with pytest.raises(BadInput, match="its md5 is"):  # by what the server says, where nothing is published
        download.fetch(download.File(f"{server}/a.bin"), tmp_path)


def test_a_damaged_download_is_deleted_and_told(server, tmp_path):
    data = archive(a=b"x" * 1000)
    Server.files = {"/a.zip": data, "/b.zip": data.replace(b"xxxx", b"yyyy", 1)}
    with pytest.raises(BadInput, match="its md5 is"):
        download.fetch(download.File(f"{server}/a.zip", "md5:0"), tmp_path)
    with pytest.raises(BadInput, match="fails its checksum"):  # no published checksum: the archive's own
        download.fetch(download.File(f"{server}/b.zip"), tmp_path)
    with pytest.raises(BadInput, match="404"):
        download.fetch(download.File(f"{server}/c.zip"), tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.suffix in (".zip", ".part")]


def test_the_checksum_that_a_storage_server_sends_is_used():
    headers = Message()
    headers["x-goog-hash"] = "crc32c=AAAAAA==,md5=" + base64.b64encode(hashlib.md5(b"x").digest()).decode()
    assert download._server_md5(headers) == md5(b"x")
    amazon = Message()
    amazon["ETag"], amazon["Server"] = f'"{hashlib.md5(b"x").hexdigest()}"', "AmazonS3"
    assert download._server_md5(amazon) == md5(b"x")
    amazon.replace_header("ETag", f'"{hashlib.md5(b"x").hexdigest()}-98"')  # of a file sent in parts: no MD5
    assert download._server_md5(amazon) == ""


def test_archives_are_unpacked_once_and_never_outside_their_folder(server, tmp_path):
    data = archive(train2017__1__jpg=b"1", **{"..__..__evil": b"2"})
    Server.files = {"/train2017.zip": data}
    root = tmp_path / "a/b/coco"
    files = (download.File(f"{server}/train2017.zip", md5(data), into="images"),)
    download.download(files, root)
    assert (root / "images/train2017/1/jpg").read_bytes() == b"1" and not list(tmp_path.glob("*evil*"))
    (root / "images/train2017/1/jpg").unlink()
    download.download(files, root)
    assert not (root / "images/train2017/1/jpg").exists()


# ---------------------------------------------------------------- decoding


def photo_items(folder: Path, count: int, size=(1200, 900)) -> list[Item]:
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    found = []
    for n in range(count):
        small = Image.fromarray(rng.integers(0, 255, (6, 8, 3), dtype=np.uint8))
        path = folder / f"{n}.jpg"
        small.resize(size, Image.Resampling.BICUBIC).save(path, quality=90)
        found.append(Item(str(n), PHOTO, path))
    return found


def test_draft_decoding_gives_nearly_the_whole_decodings_array(tmp_path):
    for item in photo_items(tmp_path, 3):
        whole = photo_input(open_picture(item.content)).astype(int)
        assert np.abs(decode(item).astype(int) - whole).mean() < 1.5


@pytest.mark.parametrize("workers", [0, 1])
def test_corrupt_pictures_in_an_epoch_are_listed_and_all_others_come_in_order(tmp_path, workers, capfd):
    items = photo_items(tmp_path, 11, (64, 48))
    (tmp_path / "3.jpg").write_bytes((tmp_path / "3.jpg").read_bytes()[:200])
    (tmp_path / "7.jpg").write_bytes(b"")
    (tmp_path / "9.jpg").unlink()
    skips = Skips()
    batches = list(stream(items, 32, workers, batch=4, skips=skips))
    assert np.concatenate([rows for rows, _ in batches]).tolist() == [0, 1, 2, 4, 5, 6, 8, 10]
    for rows, arrays in batches:
        assert all(np.array_equal(decode(items[row], 32), array) for row, array in zip(rows, arrays, strict=True))
    # A worker that dies prints why, if it was Python that ended it: so the failure says more than that one died.
    assert skips.line(0).startswith("3 pictures that can't be decoded") and len(skips) == 3, capfd.readouterr().err
    with pytest.raises(BadInput, match="3.jpg"):
        list(stream(items, 32, workers))


@dataclass(frozen=True)
class Deadly:
    """A drawing that kills every process but one."""

    survivor: int

    def __call__(self) -> Drawing:
        if os.getpid() != self.survivor:
            os._exit(9)
        return Drawing((np.array([[0.0, 0], [5, 9]]),))


def test_a_worker_that_dies_loses_no_picture():
    drawing = Drawing((np.array([[0.0, 5], [5, 0]]),))
    items = [Item(str(n), SKETCH, "x", facts={"drawing": drawing}) for n in range(12)]
    items[7].facts["drawing"] = Deadly(os.getpid())
    skips = Skips()
    rows = np.concatenate([rows for rows, _ in stream(items, 32, workers=1, batch=2, skips=skips)])
    assert rows.tolist() == list(range(12)) and "1 worker processes that died" in skips.line()


def test_sketches_stream_as_the_towers_take_them(tmp_path):
    drawing = Drawing((np.array([[0.0, 0], [5, 9]]),))
    path = draw_at(tmp_path / "s.png", "white")
    Image.fromarray(np.where(np.eye(64), 0, 255).astype(np.uint8)).save(path)
    items = [Item("a", SKETCH, "x", facts={"drawing": drawing}), Item("b", SKETCH, path)]
    ((rows, arrays),) = stream(items, 96)
    assert rows.tolist() == [0, 1] and arrays.shape == (2, 96, 96) and (arrays.min(axis=(1, 2)) < 128).all()


def test_a_pack_gives_the_pictures_without_their_files(tmp_path):
    items = photo_items(tmp_path / "photos", 4)
    before = [decode(item, 64) for item in items]
    (tmp_path / "photos/2.jpg").write_bytes(b"no picture")
    skips = Skips()
    pack = Pack.make(items, tmp_path / "cache/photos.pack", 64, skips)
    assert "2: " in skips.line() and pack.get("2") is None
    for item in items:
        item.content.unlink()
    assert (tmp_path / "cache/photos.pack").stat().st_size < 40_000
    listed = Skips()
    ((rows, arrays),) = stream(items, 64, pack=tmp_path / "cache/photos.pack", skips=listed)
    assert rows.tolist() == [0, 1, 3] and len(listed) == 1
    for row, array in zip(rows, arrays, strict=True):
        assert np.abs(array.astype(int) - before[row]).mean() < 4
    with pytest.raises(BadInput, match="Pack.make"):
        Pack(tmp_path / "none.pack")
    whole = (tmp_path / "cache/photos.pack").read_bytes()
    for cut in (b"", b"cut", whole[:-3], whole[:-50]):
        (tmp_path / "cut.pack").write_bytes(cut)
        with pytest.raises(BadInput, match="no whole pack"):
            Pack(tmp_path / "cut.pack")


# ---------------------------------------------------------------- the command


def run(*arguments: str) -> None:
    import argparse

    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    command.run(parser.parse_args(arguments))


def test_the_command_lists_every_set_with_what_is_needed_and_where_it_lies(capsys, monkeypatch, tmp_path):
    monkeypatch.setenv("XMR_DATA", str(tmp_path))
    (tmp_path / "pacs").mkdir()
    run()
    out = capsys.readouterr().out
    for name, data in catalogue.DATASETS.items():
        assert f"{name}: {data.about}" in out and data.layout in out and data.licence in out and data.source in out
    assert f"  there: {tmp_path / 'pacs'}" in out and f"not there: {tmp_path / 'tuberlin'}" in out


def test_the_command_checks_one_set_and_draws_a_batch(capsys, tmp_path):
    for n in range(30):
        draw_at(tmp_path / f"folder/Bäume/{n}.jpg", ("red", "green", "blue")[n % 3])
        (tmp_path / f"folder/Bäume/{n}.de.txt").write_text(f"ein grüner Baum, Nummer {n}")
    (tmp_path / "folder/Bäume/3.jpg").write_bytes(b"no picture")
    run("pictures", "--root", str(tmp_path / "folder"), "--picture", str(tmp_path / "out/batch.png"))
    out = capsys.readouterr().out
    assert "pictures: 30 photos, 30 captions (de), 1 classes; nothing skipped" in out
    assert out.count("Bäume/") >= 3 and "  test: " in out
    with Image.open(tmp_path / "out/batch.png") as sheet:
        colours = {colour for _, colour in sheet.getcolors(1 << 20)}
    assert any(r > 200 and g < 60 for r, g, _ in colours) and any(b > 200 and r < 60 for r, _, b in colours)


def test_a_batch_of_text_alone_is_drawn_and_captions_of_another_view_are_not(tmp_path):
    text = [Item(f"{n}#{language}", Modality.TEXT, f"{n} {language}", frozenset({f"image:{n}"}), language)
            for n in range(30) for language in ("en", "de")]  # fmt: skip
    assert command.draw(text).size[1] == 10 * (3 * command.LINE + command.GAP) + command.GAP
    path = draw_at(tmp_path / "a.jpg")
    views = [Item(f"{n}", PHOTO, path, frozenset({"instance:cup", f"image:{n}"})) for n in range(2)]
    of_both = [Item(f"{n}#en{k}", Modality.TEXT, "x", frozenset({"instance:cup", f"image:{n}"}), "en")
               for n in range(2) for k in range(8)]  # fmt: skip
    assert command.draw(views + of_both).size[1] == 2 * (command.TILE + command.GAP) + command.GAP


def test_download_fetches_a_set_that_needs_no_form_and_checks_it(server, tmp_path, capsys, monkeypatch):
    from dataclasses import replace

    from tests.test_data_sketches import quick_row

    Server.files = {"/cat.ndjson": "\n".join(quick_row(n, word="cat") for n in range(40)).encode()}
    data = catalogue.get("quickdraw")
    files = (download.File(f"{server}/cat.ndjson", into="simplified"),)
    monkeypatch.setitem(catalogue.DATASETS, "quickdraw", replace(data, files=files))
    run("quickdraw", "--root", str(tmp_path), "--download", "--picture", str(tmp_path / "a.png"))
    assert "quickdraw: 40 sketches of 1,000 expected, 1 classes as expected" in capsys.readouterr().out
    with pytest.raises(BadInput, match="without a form"):
        run("sketchy", "--root", str(tmp_path), "--download")


def test_labels_of_one_kind_are_told_apart():
    item = Item("a", PHOTO, "a.jpg", frozenset({"tag:dog", "tag:cat", "image:a.jpg"}))
    assert labels_of(item, "tag") == {"tag:dog", "tag:cat"}
