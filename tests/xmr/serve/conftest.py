"""A running API for the tests."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import uvicorn

from tests.conftest import fill_gallery
from xmr import serve
from xmr.gallery import Gallery

KEY = "a long random word"


@pytest.fixture
def own_gallery(tmp_path, system) -> Path:
    """A copy of the six photos that a test may change."""
    with Gallery.create(tmp_path / "six") as gallery:
        fill_gallery(gallery, system)
    return tmp_path / "six"


@pytest.fixture
def running() -> Iterator[Callable[..., str]]:
    """A function that lets an app answer on a free port, and gives its address."""
    servers = []

    def start(app) -> str:
        server = uvicorn.Server(uvicorn.Config(app, "127.0.0.1", 0, log_config=None))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        servers.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"

    yield start
    for server, thread in servers:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def api(own_gallery, checkpoint_folder) -> Callable[..., object]:
    """create_app over the six photos with "tiny", with more settings."""
    return lambda **settings: serve.create_app(own_gallery, [str(checkpoint_folder)], **settings)
