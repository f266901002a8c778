"""Uploads are pictures, within limits, each kept by a name of its own, and gone with their visit."""

import asyncio
import io
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest
from PIL import Image
from starlette.responses import PlainTextResponse
from streamlit.proto.Common_pb2 import FileURLs
from streamlit.runtime.uploaded_file_manager import UploadedFile, UploadedFileRec

from pages import indexing, uploads, visit
from tests.browser import ROOT


@pytest.fixture(autouse=True)
def area(tmp_path, monkeypatch):
    """Where uploads are kept meanwhile."""
    monkeypatch.setattr(uploads.tempfile, "tempdir", str(tmp_path))
    yield tmp_path
    uploads.end_all()


def picture(shade: int = 0) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (80, 80), (shade, 90, 120)).save(out, "PNG")
    return out.getvalue()


def upload(name: str, content: bytes | None = None, id: str | None = None) -> UploadedFile:
    content = picture(len(name)) if content is None else content
    return UploadedFile(UploadedFileRec(id or name, name, "image/png", content), FileURLs())


def on_disk(kept: uploads.Uploads) -> set[str]:
    return {path.name for path in kept.folder.iterdir()}


def test_two_of_one_name_are_two_photos():
    kept = uploads.Uploads()
    first, second = upload("IMG_0001.jpg", picture(1), "a"), upload("img_0001.JPG", picture(2), "b")
    assert kept.take([first, second]) == []
    assert kept.names == {"a": "IMG_0001.jpg", "b": "img_0001 (2).JPG"}
    assert (kept.folder / "img_0001 (2).JPG").read_bytes() == picture(2)


def test_what_is_kept_already_is_not_kept_twice_and_what_is_removed_is_gone():
    kept = uploads.Uploads()
    files = [upload("one.png"), upload("two.png")]
    for _ in range(2):
        kept.take(files)
    assert on_disk(kept) == {"one.png", "two.png"}
    assert kept.remove(["one.png", "never there"]) == ["one.png"]
    assert on_disk(kept) == {"two.png"} and list(kept.names) == ["two.png"]


@pytest.mark.parametrize(
    ("given", "wanted"),
    [
        ("../../etc/passwd.png", "passwd.png"),
        ("C:\\photos\\a.jpg", "a.jpg"),
        (".xmrignore", "_xmrignore"),
        ("gallery.sqlite", "gallery_sqlite"),
        ("", "photo"),
        ("a\nb\x1b.png", "a_b_.png"),
        ("n" * 300 + ".png", "n" * 60 + ".png"),
        ("@eaDir", "_eaDir"),
        ("ein Hund (2).jpg", "ein Hund (2).jpg"),
        ("狗.webp", "狗.webp"),
        ("..", "__"),
        ("/", "photo"),
    ],
)
def test_a_name_leads_nowhere_else_and_means_nothing_special(given, wanted):
    kept = uploads.Uploads()
    kept.take([upload(given, picture())])
    assert on_disk(kept) == {wanted}


@pytest.mark.parametrize(
    "content", [b"", b"only words", b"SQLite format 3\0" + bytes(4096), picture()[:60], b"%PDF-1.4"]
)
def test_what_is_no_picture_is_named_and_not_kept_and_the_others_are(content):
    kept = uploads.Uploads()
    refused = kept.take([upload("bad.png", content), upload("good.png")])
    assert [name for name, why in refused if why] == ["bad.png"] and on_disk(kept) == {"good.png"}


def test_a_visit_has_a_limit_of_photos_and_those_before_it_are_kept(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_PHOTOS", 2)
    kept = uploads.Uploads()
    (refused,) = kept.take([upload(f"{number}.png") for number in range(3)])
    assert refused[0] == "2.png" and "At most 2 photos" in refused[1]
    assert on_disk(kept) == {"0.png", "1.png"}
    kept.remove(["0.png"])
    kept.take([upload("2.png")])
    assert on_disk(kept) == {"1.png", "2.png"}


def test_a_visit_has_a_limit_of_bytes(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES", 2 * len(picture()) + 20)
    kept, other = uploads.Uploads(), uploads.Uploads()
    (refused,) = kept.take(
        [upload("0.png", picture()), upload("1.png", picture() + bytes(99)), upload("2.png", picture())]
    )
    assert refused[0] == "1.png" and "can be uploaded in a visit" in refused[1]
    assert on_disk(kept) == {"0.png", "2.png"}  # what has room is kept
    other.take([upload("3.png", picture())])


def test_all_visits_together_have_a_limit_which_a_visit_that_ends_gives_back(monkeypatch):
    monkeypatch.setattr(uploads, "MAX_BYTES_OF_ALL", 2 * len(picture()) + 20)
    first, second = uploads.Uploads(), uploads.Uploads()
    first.take([upload("1.png", picture()), upload("2.png", picture())])
    ((_, why),) = second.take([upload("3.png", picture())])
    assert "no room for more uploads" in why
    first.end()
    second.take([upload("3.png", picture())])


def test_a_full_disk_is_told_in_a_sentence_and_counts_nothing(monkeypatch):
    kept = uploads.Uploads()

    def full(path: Path, content: bytes) -> int:
        with open(path, "wb") as file:
            file.write(content[:10])
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        ((_, why),) = kept.take([upload("1.png")])
    assert "cannot be kept: No space left on device" in why
    assert on_disk(kept) == set() and not uploads._sizes
    kept.take([upload("1.png")])


def test_a_visit_that_ends_leaves_nothing_and_nobody_elses_goes():
    kept, other = uploads.Uploads(), uploads.Uploads()
    kept.take([upload("1.png")])
    other.take([upload("1.png")])
    (kept.folder / ".xmr").mkdir()
    kept.end()
    assert not kept.folder.exists() and on_disk(other) == {"1.png"}


def test_only_the_servers_own_user_can_read_uploads():
    kept = uploads.Uploads()
    assert kept.folder.stat().st_mode & 0o077 == 0 and kept.folder.parent.stat().st_mode & 0o077 == 0


def test_uploads_go_on_after_something_tidied_their_place_away(area):
    uploads.Uploads().folder.parent.rename(area / "tidied")
    kept = uploads.Uploads()
    kept.take([upload("1.png")])
    assert on_disk(kept) == {"1.png"}


class Memory:
    """Stands for what Streamlit keeps of uploads, and for Streamlit as it takes one in."""

    def __init__(self) -> None:
        self.file_storage = {"me": {"a": upload("a", bytes(600))}, "you": {"b": upload("b", bytes(200))}}
        for files in self.file_storage.values():
            for file in files.values():
                file.data = file.getvalue()
        self.taken: list[str] = []
        self.meanwhile: list[int] = []  # bytes of another upload of the same visit, that comes while this one does
        self.limit = uploads.LimitUploads(self.take_in)

    uploaded_file_mgr = property(lambda self: self)

    async def take_in(self, scope, receive, send) -> None:
        for size in [self.meanwhile.pop()] if self.meanwhile else []:
            self.taken.append(f"meanwhile {await self.put(size, scope['path'].split('/')[3])}")
        self.taken.append(scope["path"])
        await PlainTextResponse("", 204)(scope, receive, send)

    async def put(self, size: int | None, visit: str = "me", method: str = "PUT", id: str = "c", **more: str) -> int:
        """The status that the server answers with; `more`: headers."""
        sent = []

        async def send(message) -> None:
            sent.append(message)

        headers = [] if size is None else [(b"content-length", str(size).encode())]
        headers += [(name.replace("_", "-").encode(), value.encode()) for name, value in more.items()]
        await self.limit(
            {
                "type": "http",
                "method": method,
                "path": f"/_stcore/upload_file/{visit}/{id}",
                "headers": headers,
                "query_string": b"",
            },
            None,
            send,
        )
        return sent[0]["status"]


@pytest.fixture
def memory(monkeypatch) -> Memory:
    """With limits of 1,000 bytes a visit and 1,300 in all, of which 600 and 200 are taken."""
    memory = Memory()
    monkeypatch.setattr(uploads.runtime, "get_instance", lambda: memory)
    monkeypatch.setattr(uploads, "MAX_BYTES", 1000)
    monkeypatch.setattr(uploads, "MAX_BYTES_OF_ALL", 1300)
    monkeypatch.setattr(uploads, "_EACH", 0)
    return memory


@pytest.mark.parametrize(
    ("size", "visit", "status"),
    [
        (400, "me", 204),
        (401, "me", 413),
        (500, "you", 204),
        (501, "you", 413),
        (500, "new", 204),
        (501, "new", 413),
        (None, "me", 411),
    ],
)
def test_more_than_may_be_in_memory_is_refused_before_it_is_read(memory, size, visit, status):
    assert asyncio.run(memory.put(size, visit)) == status
    assert memory.taken == ([f"/_stcore/upload_file/{visit}/c"] if status == 204 else [])


def test_uploads_on_their_way_count_and_no_longer_once_they_are_there(memory):
    memory.meanwhile = [200]
    assert asyncio.run(memory.put(300)) == 204 and memory.taken[0] == "meanwhile 413"
    assert asyncio.run(memory.put(400)) == 204


def test_no_length_counts_beside_chunks_that_have_any(memory):
    assert asyncio.run(memory.put(1, transfer_encoding="chunked")) == 411 and not memory.taken


def test_files_without_content_count_and_so_do_long_addresses(memory, monkeypatch):
    monkeypatch.setattr(uploads, "_EACH", 150)  # with which 1,050 of 1,300 bytes are taken, 750 of them by me
    assert asyncio.run(memory.put(0, "me")) == 204 and asyncio.run(memory.put(101, "me")) == 413
    assert asyncio.run(memory.put(0, id="c" * 500)) == 414


def test_files_are_deleted_however_much_there_is(memory):
    assert asyncio.run(memory.put(9999, method="DELETE")) == 204


KEEP = """
import sys, time
from pages import indexing, uploads, visit
print(uploads.Uploads().folder, flush=True)
sys.stdin.read()
"""


def test_a_server_sweeps_what_dead_ones_left_and_leaves_the_living_alone(area):
    dead, alive = (
        subprocess.Popen(
            [sys.executable, "-c", KEEP],
            cwd=ROOT,
            env={"TMPDIR": str(area)},
            text=True,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        for _ in range(2)
    )
    left, used = (Path(process.stdout.readline().strip()) for process in (dead, alive))
    dead.kill()
    dead.wait()
    (area / ".xmr-uploads-link").symlink_to(area / "mine")
    (area / "mine").mkdir()
    (area / "mine" / "photo.jpg").touch()
    uploads.sweep()
    assert not left.parent.exists() and used.exists() and (area / "mine" / "photo.jpg").exists()
    alive.kill()
    alive.wait()
    for process in (dead, alive):
        process.stdin.close()
        process.stdout.close()


def test_a_visit_takes_no_uploads_that_another_one_is_ending(monkeypatch):
    kept, ending = uploads.Uploads(), []

    class EndsMeanwhile(set):
        """The visits that use them, of which the last ends just when another one looks whether there are any."""

        def __bool__(self) -> bool:
            if not ending:
                ending.append(threading.Thread(target=indexing._end, args=("before", "visitor", kept)))
                ending[0].start()
                ending[0].join(0.5)
                return True
            return len(self) > 0

    kept.visits = EndsMeanwhile({"before"})
    monkeypatch.setattr(indexing, "_uploads", {"visitor": kept})
    monkeypatch.setattr(indexing, "state", SimpleNamespace(uploads=None))
    monkeypatch.setattr(visit, "this_visitor", lambda: "visitor")
    monkeypatch.setattr(visit, "this_visit", lambda: "after the reload")
    monkeypatch.setattr(visit, "_endings", {})
    indexing.take_uploads()
    ending[0].join()
    assert indexing.state.uploads is kept and kept.visits == {"after the reload"} and kept.folder.is_dir()
