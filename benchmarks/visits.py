"""How a server bears visitors: 20 at once for two minutes; then 500 visits that stand for an hour, and what they leave.

    python -m benchmarks.visits [VISITS [SECONDS]]     (needs tests/requirements.txt)

They use a real server like a browser: pages, cookies, uploads, and Streamlit's messages over a WebSocket. Another
process plays them, on the same cores.
"""

import io
import json
import os
import sys
import tempfile
import time
import urllib.request
import uuid
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.cookies import SimpleCookie
from pathlib import Path
from typing import Any

import numpy as np
import psutil
from PIL import Image
from streamlit.proto.Alert_pb2 import Alert
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.Common_pb2 import UploadedFileInfo
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.exceptions import WebSocketException
from websockets.sync.client import connect

from benchmarks.report import write
from tests.browser import Server, serve

VISITS, AT_ONCE = 500, 4
UPLOADING = 10  # of so many visits, one uploads and indexes photos too
CROWD, SECONDS = 20, 120
PAUSE = (1.0, 5.0)  # seconds for which a visitor of the crowd looks at an answer before asking again
PATIENCE = 5  # seconds for which the server keeps the session of a closed tab
COLOURS = ("a red", "a blue", "a green", "a yellow", "a black", "a white", "a small", "an old")
THINGS = ("car", "tree", "dog", "cup", "house", "bicycle", "chair", "bird", "boat", "apple", "guitar", "umbrella")


class Tab:
    """One tab of a browser on one page of the app."""

    def __init__(self, server: Server) -> None:
        self._url = server.url
        cookies = SimpleCookie()
        for page in ("", "/_stcore/health"):
            with urllib.request.urlopen(server.url + page) as answer:
                cookies.load(answer.headers["set-cookie"])
        self._cookies = "; ".join(f"{name}={cookie.value}" for name, cookie in cookies.items())
        self._xsrf = cookies["_streamlit_xsrf"].value
        self._socket = connect(
            f"{server.url.replace('http', 'ws')}/_stcore/stream",
            legacy=True,
            origin=server.url,
            max_size=None,
            subprotocols=["streamlit", self._xsrf],
            additional_headers={"Cookie": self._cookies},
        )
        self.elements: list[tuple[str, Any]] = []  # the elements of the page, as (kind, element)
        self._pages: dict[str, str] = {}
        self._page = self._session = ""
        self._state: dict[str, tuple[str, Any]] = {}  # (kind of value, value) of each widget that was used
        self.run()

    def run(self, pressed: str = "") -> None:
        """Send the state of the widgets, and read the new page. `pressed` is the id of a button."""
        message = BackMsg()
        message.rerun_script.page_script_hash = self._page
        for id, (kind, value) in {**self._state, **({pressed: ("trigger_value", True)} if pressed else {})}.items():
            widget = message.rerun_script.widget_states.widgets.add(id=id)
            if kind == "file_uploader_state_value":
                widget.file_uploader_state_value.uploaded_file_info.extend(value)
            else:
                setattr(widget, kind, value)
        self._socket.send(message.SerializeToString())
        while self._read() != ForwardMsg.FINISHED_SUCCESSFULLY:
            pass
        if any(kind == "exception" or (kind == "alert" and one.format == Alert.ERROR) for kind, one in self.elements):
            raise RuntimeError("the page shows an error")

    def _read(self) -> int | None:
        """Read one message of the server; returns the status of the page's run if it has ended."""
        message = ForwardMsg()
        message.ParseFromString(self._socket.recv(timeout=120))
        match message.WhichOneof("type"):
            case "new_session":
                self._session = message.new_session.initialize.session_id
                self.elements = []
            case "navigation":
                self._pages = {page.page_name: page.page_script_hash for page in message.navigation.app_pages}
            case "delta" if kind := message.delta.new_element.WhichOneof("type"):
                self.elements.append((kind, getattr(message.delta.new_element, kind)))
            case "script_finished":
                return message.script_finished
        return None

    def open(self, page: str) -> None:
        """Open another page."""
        self._page, self._state = self._pages[page], {}
        self.run()

    def find(self, kind: str, name: str) -> str:
        """The id of a widget, by its kind and the beginning of its label or component name."""
        called = [
            (getattr(element, "label", "") or getattr(element, "component_name", ""), element.id)
            for found, element in self.elements
            if found == kind
        ]
        return next(id for label, id in called if label.startswith(name))

    def photos(self) -> int:
        """The number of photos that are shown."""
        grids = [
            element.json
            for kind, element in self.elements
            if kind == "bidi_component" and element.component_name == "xmr_photos"
        ]
        return sum(len(told["cards"]) for told, _ in map(json.loads, grids))

    def type(self, words: str) -> None:
        self._state[self.find("text_input", "Words, in English or German")] = ("string_value", words)
        self.run()

    def draw(self, drawing: dict) -> None:
        canvas = self.find("bidi_component", "streamlit-drawable-canvas.streamlit_drawable_canvas")
        self._state[canvas] = ("json_value", json.dumps({"drawing": {"raw": drawing, "data": None}}))
        self.run()

    def upload(self, label: str, files: Sequence[tuple[str, bytes]]) -> None:
        """Put files in an uploader."""
        sent = []
        for name, content in files:
            id, border = str(uuid.uuid4()), uuid.uuid4().hex
            address = f"/_stcore/upload_file/{self._session}/{id}"
            body = (
                (
                    f'--{border}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
                    "Content-Type: image/jpeg\r\n\r\n"
                ).encode()
                + content
                + f"\r\n--{border}--\r\n".encode()
            )
            request = urllib.request.Request(
                self._url + address,
                body,
                method="PUT",
                headers={
                    "Content-Type": f"multipart/form-data; boundary={border}",
                    "Cookie": self._cookies,
                    "X-Xsrftoken": self._xsrf,
                },
            )
            urllib.request.urlopen(request).close()
            info = UploadedFileInfo(name=name, size=len(content), file_id=id)
            info.file_urls.file_id, info.file_urls.upload_url, info.file_urls.delete_url = id, address, address
            sent.append(info)
        self._state[self.find("file_uploader", label)] = ("file_uploader_state_value", sent)
        self.run()

    def index(self) -> None:
        """Press the button, and wait until the uploads are indexed."""
        self.run(pressed=self.find("button", "Index them"))
        while not any(kind == "alert" for kind, _ in self.elements):
            time.sleep(0.2)
            self.run()

    def close(self) -> None:
        self._socket.close()


def photo(rng: np.random.Generator, width: int, height: int) -> bytes:
    """A JPEG with about as much detail as a camera photo."""
    out, small = io.BytesIO(), rng.integers(0, 256, (height // 16, width // 16, 3), np.uint8)
    Image.fromarray(small).resize((width, height), Image.Resampling.BICUBIC).save(out, "JPEG", quality=90)
    return out.getvalue()


def drawing(rng: np.random.Generator) -> dict:
    """Twelve pen strokes and one eraser stroke, in the canvas's JSON."""
    paths = []
    for number in range(13):
        points = np.cumsum(rng.normal(0, 6, (60, 2)), axis=0) + rng.uniform(80, 260, 2)
        paths.append(
            {
                "type": "Path",
                "stroke": "#ffffff" if number == 12 else "#1a1a1a",
                "strokeWidth": 5,
                "path": [["ML"[at > 0], *point] for at, point in enumerate(points.round(1).tolist())],
            }
        )
    return {"objects": paths}


def words(rng: np.random.Generator) -> str:
    return f"{rng.choice(COLOURS)} {rng.choice(THINGS)}"


def visit(server: Server, seed: int, large: list[bytes], small: list[bytes]) -> None:
    """One visit: type, draw, search with both, and leave. Some upload a photo and search with it too; then index
    uploads, and search these."""
    rng = np.random.default_rng(seed)
    tab = Tab(server)
    tab.type(words(rng))
    tab.draw(drawing(rng))
    if seed % UPLOADING == 0:
        tab.upload("Photos or drawings", [("mine.jpg", large[seed // UPLOADING % len(large)])])
    assert tab.photos() == 10
    if seed % UPLOADING == 0:
        tab.open("Gallery")
        tab.upload("Photos", [("IMG_0001.jpg", small[(seed // UPLOADING + at) % len(small)]) for at in (1, 2, 3)])
        tab.index()
        tab.open("Search")
        tab.draw(drawing(rng))
        assert tab.photos() == 3
    tab.close()


def ask_on(server: Server, seed: int, seconds: float) -> tuple[list[float], list[str]]:
    """One visitor of the crowd: asks with words and drawings in turn, and looks at each answer for a while.

    Returns:
        The seconds from each question to its whole answer, the first page among them; and what went wrong.
    """
    rng, end = np.random.default_rng(seed), time.perf_counter() + seconds
    times, wrong = [], []
    time.sleep(rng.uniform(0, PAUSE[1]))
    tab = None
    while (start := time.perf_counter()) < end:
        try:
            if tab is None:
                tab = Tab(server)
            elif len(times) % 2:
                tab.type(words(rng))
            else:
                tab.draw(drawing(rng))
            times.append(time.perf_counter() - start)
            if tab.photos() != 10:
                raise RuntimeError(f"{tab.photos()} photos in place of 10")
        except (OSError, RuntimeError, StopIteration, WebSocketException) as error:
            wrong.append(f"{type(error).__name__}: {error}")
            tab = None
        time.sleep(rng.uniform(*PAUSE))
    if tab is not None:
        tab.close()
    return times, wrong


def crowd(server: Server, seconds: float) -> dict[str, Any]:
    """The answer times and the errors of `CROWD` visitors at once."""
    with ThreadPoolExecutor(CROWD) as visitors:
        found = list(visitors.map(lambda seed: ask_on(server, seed, seconds), range(CROWD)))
    times = np.array([time for times, _ in found for time in times])
    wrong = [error for _, errors in found for error in errors]
    return {
        "visitors": CROWD,
        "seconds": seconds,
        "pause_s": PAUSE,
        "answers": len(times),
        "p50_s": round(float(np.percentile(times, 50)), 2),
        "p95_s": round(float(np.percentile(times, 95)), 2),
        "slowest_s": round(float(times.max()), 2),
        "errors": len(wrong),
        "kinds_of_error": sorted(set(wrong)),
    }


def megabytes(server: Server) -> float:
    """The server's memory."""
    return psutil.Process(server.pid).memory_info().rss / 1e6


def rest() -> None:
    """Wait until the server has ended all visits whose tabs are closed, and has come to rest."""
    time.sleep(PATIENCE + 25)


def main(visits: int, seconds: float) -> None:
    rng, load = np.random.default_rng(0), os.getloadavg()[0]
    photos = [[photo(rng, width, height) for _ in range(8)] for width, height in ((4000, 3000), (1600, 1200))]
    with (
        tempfile.TemporaryDirectory() as folder,
        serve(TMPDIR=folder, XMR_FOLDERS="", STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL=str(PATIENCE)) as server,
    ):
        rest()
        fresh = megabytes(server)
        visit(server, 0, *photos)
        rest()
        first = megabytes(server)
        together = crowd(server, seconds)
        print(together, flush=True)
        rest()
        after_crowd, start = megabytes(server), time.perf_counter()
        with ThreadPoolExecutor(AT_ONCE) as visitors:
            for done, _ in enumerate(visitors.map(lambda seed: visit(server, seed, *photos), range(1, visits + 1)), 1):
                if done % 20 == 0:
                    print(f"{done} visits, {megabytes(server):.0f} MB", flush=True)
        took = time.perf_counter() - start
        rest()
        end = megabytes(server)
        left = sum(path.is_file() for path in Path(folder).glob(".xmr-uploads-*/*/**/*"))
    write(
        "visits",
        {
            "about": f"{CROWD} visitors at once, each of whom asks with words and drawings in turn and looks at an "
            f"answer for {PAUSE[0]:g} to {PAUSE[1]:g} s: the time from a question until its answer has arrived whole. "
            f"Then {visits} visits, {AT_ONCE} at once: each types, draws, asks with both and closes its tab; one of "
            f"{UPLOADING} also uploads a photo of 12 megapixels, asks with it, uploads and indexes three of 2 "
            "megapixels and searches these. The server's MB before anyone came, after one visit, which loads the "
            "networks, after the crowd, and after all.",
            "load_average_before": round(load, 1),
            "crowd": together,
            "visits": visits,
            "visits_s": round(took),
            "fresh_mb": round(fresh),
            "first_mb": round(first),
            "after_crowd_mb": round(after_crowd),
            "end_mb": round(end),
            "grown_mb": round(end - first),
            "grown_from_fresh_mb": round(end - fresh),
            "files_left": left,
        },
    )


if __name__ == "__main__":
    given = sys.argv[1:]
    main(int(given[0]) if given else VISITS, float(given[1]) if len(given) > 1 else SECONDS)
