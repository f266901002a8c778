"""Memory that is free goes back to the system."""

import asyncio
import platform
import subprocess
import sys

import pytest

from pages import memory
from tests.browser import ROOT

FREED = """
import psutil
from pages import memory
def used(): return psutil.Process().memory_info().rss / 1e6
memory.share_arena()
blocks = [bytes([number % 256]) * 60_000 for number in range(2000)]  # 120 MB, each too small to be freed by itself
last = bytes(60_000)  # what is above them stays
full = used()
del blocks
kept = used()
memory.give_back()
assert full - kept < 40 and kept - used() > 80, (full, kept, used())
"""

LARGE = """
import psutil
from pages import memory
def used(): return psutil.Process().memory_info().rss / 1e6
memory.share_arena()
bytes(30_000_000)  # from here on glibc would take blocks of this size from the arena
blocks = [b"x" * 4_000_000 for _ in range(20)]
last = b"x" * 600_000  # what is above them stays
full = used()
del blocks
assert full - used() > 70, (full, used())
"""

EARLY = """
import sys
from pages import memory
memory.share_arena = lambda: print(sorted({"numpy", "pandas", "streamlit", "onnxruntime"} & set(sys.modules)))
import app
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries do as they do")
@pytest.mark.parametrize("program", [FREED, LARGE])
def test_what_is_free_in_the_middle_goes_back(program):
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_threads_are_told_to_share_an_arena_before_any_package_begins_one():
    done = subprocess.run([sys.executable, "-c", EARLY], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.splitlines() == ["[]"]


def test_models_that_nobody_uses_are_looked_for_again_and_again(monkeypatch):
    asked, given = [], []
    monkeypatch.setattr(memory, "UNUSED", 0.05)
    monkeypatch.setattr("xmr.encoder.release_unused", lambda seconds: asked.append(seconds) or len(asked) == 2)
    monkeypatch.setattr(memory, "give_back", lambda: given.append(len(asked)))

    async def soon() -> None:
        looking = asyncio.create_task(memory.free_models())
        while len(asked) < 4:
            await asyncio.sleep(0.01)
        looking.cancel()

    asyncio.run(asyncio.wait_for(soon(), 10))
    assert set(asked) == {0.05} and given == [2]  # memory goes back to the system only after one was let go of


@pytest.mark.parametrize(
    ("sent", "taken"),
    [
        (b"[]" * memory.MOST_LISTS, True),
        (b"[1,2,3,4]," * 200_000, True),
        (b"x" * 20_000_000, True),
        (b"[]" * (memory.MOST_LISTS + 1), False),
        (b"[]{}" * 110_000, False),
        (b"1," * 1_000_001, False),
    ],
)
def test_a_message_of_very_many_lists_or_values_ends_the_connection(sent, taken):
    """Of 9 MB, one took 2.5 GB for as long as its visit."""
    told: list = []

    async def receive() -> dict:
        return {"type": "websocket.receive", "bytes": sent}

    async def send(message) -> None:
        told.append(message)

    async def app(scope, receive, send) -> None:
        told.append(await receive())

    asyncio.run(memory.LimitMessages(app)({"type": "websocket"}, receive, send))
    close, gone = {"type": "websocket.close", "code": 1009}, {"type": "websocket.disconnect", "code": 1009}
    assert told == ([{"type": "websocket.receive", "bytes": sent}] if taken else [close, gone])
