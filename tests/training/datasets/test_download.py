"""Downloads from a local server: gone on with, verified, unpacked once and never outside their folder."""

import base64
import hashlib
import http.server
import io
import threading
import zipfile
from dataclasses import replace
from email.message import Message

import numpy as np
import pytest

from tests.training.datasets.test_command import run
from tests.training.datasets.test_quickdraw import row
from training.datasets import catalogue, download
from xmr.modality import BadInput


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


def test_download_fetches_a_set_that_needs_no_form_and_checks_it(server, tmp_path, capsys, monkeypatch):
    Server.files = {"/cat.ndjson": "\n".join(row(n, word="cat") for n in range(40)).encode()}
    data = catalogue.get("quickdraw")
    files = (download.File(f"{server}/cat.ndjson", into="simplified"),)
    monkeypatch.setitem(catalogue.DATASETS, "quickdraw", replace(data, files=files))
    run("quickdraw", "--root", str(tmp_path), "--download", "--picture", str(tmp_path / "a.png"))
    assert "quickdraw: 40 sketches, 1 classes as expected" in capsys.readouterr().out
    with pytest.raises(BadInput, match="without a form"):
        run("sketchy", "--root", str(tmp_path), "--download")
