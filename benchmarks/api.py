"""The API under a mixed load: 32 clients on this computer for a minute.

python -m benchmarks.api [--seconds N]

The clients share the machine's cores with the server, as the figures say: more clients than cores wait for each other.
"""

from __future__ import annotations

import argparse
import base64
import io
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import httpx
import numpy as np
import psutil
from PIL import Image

from benchmarks.report import write
from xmr.gallery import DEMO, Gallery

CLIENTS = 32
WORDS = ["a red car", "ein Hund am Strand", "a cup", "two birds in the snow", "eine blaue Tasse", "a house at night"]
SHARES = {"text": 0.5, "drawing": 0.15, "photo": 0.1, "mixed": 0.1, "filtered": 0.1, "add and remove": 0.05}


def requests_of(gallery: Path) -> dict[str, list[dict]]:
    """Some queries of each kind, as the API takes them."""
    with Gallery.open(gallery) as photos:
        drawings = [[stroke.tolist() for stroke in one.strokes] for one in photos.examples().values()]
        pictures = []
        for item in photos.sample(8):
            held = io.BytesIO()
            Image.open(photos.thumb(item.id)).convert("RGB").resize((640, 480)).save(held, "JPEG")
            pictures.append(base64.b64encode(held.getvalue()).decode())
    texts = [{"modality": "text", "text": words} for words in WORDS]
    drawn = [{"modality": "sketch", "strokes": strokes} for strokes in drawings]
    shown = [{"modality": "photo", "picture": picture} for picture in pictures]
    return {
        "text": [{"terms": [one]} for one in texts],
        "drawing": [{"terms": [one]} for one in drawn],
        "photo": [{"terms": [one]} for one in shown],
        "mixed": [
            {"terms": [a, {"modality": "text", "text": "red"}, {"modality": "text", "text": "snow", "weight": -1}]}
            for a in drawn
        ],
        "filtered": [{"terms": [one], "where": {"colour": ["red", "blue"]}} for one in texts],
    }


def client(
    address: str, asked: dict[str, list[dict]], until: float, seed: int, told: list[tuple[str, float, int]]
) -> None:
    """Ask one request after another until the time is up; every answer's kind, seconds and status are told."""
    rng = np.random.default_rng(seed)
    kinds, shares = list(SHARES), list(SHARES.values())
    with httpx.Client(base_url=address, timeout=60) as session:
        while time.monotonic() < until:
            kind = str(rng.choice(kinds, p=shares))
            start = time.monotonic()
            if kind == "add and remove":
                noise = Image.fromarray(rng.integers(0, 256, (24, 32, 3), dtype=np.uint8)).resize((640, 480))
                held = io.BytesIO()
                noise.save(held, "JPEG")
                answer = session.post("/photos", files={"photo": ("n.jpg", held.getvalue())})
                told.append(("add", time.monotonic() - start, answer.status_code))
                start = time.monotonic()
                answer = session.delete(f"/photos/{answer.json()['added'][0]}")
                told.append(("remove", time.monotonic() - start, answer.status_code))
            else:
                one = asked[kind][int(rng.integers(len(asked[kind])))]
                answer = session.post("/search", json=one)
                told.append((kind, time.monotonic() - start, answer.status_code))


def summary(seconds: list[float]) -> dict[str, float]:
    """Percentiles in milliseconds."""
    p50, p95, p99 = np.percentile(np.array(seconds) * 1000, [50, 95, 99])
    return {"requests": len(seconds), "p50_ms": round(p50, 1), "p95_ms": round(p95, 1), "p99_ms": round(p99, 1)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as place, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        gallery = shutil.copytree(DEMO, Path(place) / "demo")
        command = [sys.executable, "-m", "xmr", "serve", str(gallery), "--port", str(port), "--writable", "--rate", "0"]
        server = subprocess.Popen(command, stderr=subprocess.DEVNULL, env=dict(os.environ))
        address = f"http://127.0.0.1:{port}"
        try:
            with httpx.Client(base_url=address) as one:
                for _ in range(600):
                    try:
                        if one.get("/ready").status_code == 200:
                            break
                    except httpx.HTTPError:
                        pass
                    time.sleep(0.1)
                asked = requests_of(gallery)
                alone = []
                for n in range(100):
                    start = time.monotonic()
                    one.post("/search", json=asked["text"][n % len(WORDS)]).raise_for_status()
                    alone.append(time.monotonic() - start)
            told: list[tuple[str, float, int]] = []
            until = time.monotonic() + seconds
            threads = [
                threading.Thread(target=client, args=(address, asked, until, seed, told)) for seed in range(CLIENTS)
            ]
            start = time.monotonic()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
            spent = time.monotonic() - start
            memory = psutil.Process(server.pid).memory_info().rss / 1e6
        finally:
            server.terminate()
            server.wait(30)
    failed = [status for _, _, status in told if status >= 400]
    figures = {
        "clients": CLIENTS,
        "seconds": round(spent, 1),
        "photos": 3000,
        "requests_a_second": round(len(told) / spent, 1),
        "errors": len(failed),
        "all": summary([one for _, one, _ in told]),
        "kinds": {kind: summary([s for k, s, _ in told if k == kind]) for kind in dict.fromkeys(k for k, _, _ in told)},
        "one_client_text": summary(alone),
        "server_mb": round(memory),
    }
    write("api", json.loads(json.dumps(figures)))


if __name__ == "__main__":
    main()
