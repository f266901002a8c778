"""Adopting a model of CLIP ViT-B/32's size: how long it takes, what it costs in memory, and how fast it answers.

python -m benchmarks.adopt

The weights are random, so its answers mean nothing; time and memory are those of the real one. Without a network: the
model lies in a folder in transformers.js's layout, which the program writes first (that isn't timed).
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from itertools import islice
from pathlib import Path

from PIL import Image

from benchmarks.report import write
from xmr.gallery import DEMO, Gallery

SIZE = {"vision": (768, 3072, 12, 12), "text": (512, 2048, 12, 8)}  # width, inner width, layers, heads
_ASK = """
import json, sys, time, psutil
from xmr import checkpoint
from PIL import Image
me = psutil.Process()
def rss(): return round(me.memory_info().rss / 1e6)
told = {"before_mb": rss()}
system = checkpoint.load("clip-size")
texts = ["two dogs on the beach", "a red car", "ein Haus am See", "a cup of tea on a table in the morning"]
system.encode_text(texts[:1]); told["with_text_mb"] = rss()
system.encode_photo(Image.new("RGB", (640, 480), "red")); told["with_photo_mb"] = rss()
for kind, call in (("text", lambda n: system.encode_text(texts[n % 4])),
                   ("photo", lambda n: system.encode_photo(Image.new("RGB", (640, 480), (n, 9, 9))))):
    spent = []
    for n in range(40):
        start = time.perf_counter(); call(n); spent.append((time.perf_counter() - start) * 1000)
    told[kind + "_ms"] = round(sorted(spent)[20], 1)
from pages.memory import give_back
system.release(); give_back(); told["released_mb"] = rss()
print(json.dumps(told))
"""


def write_model(folder: Path) -> None:
    """A CLIP of ViT-B/32's size with random weights, as ONNX, to which photos do not all look the same."""
    import torch
    import transformers

    from tests import models

    def sizes(of: str) -> dict[str, int]:
        width, inner, layers, heads = SIZE[of]
        told = {"hidden_size": width, "intermediate_size": inner}
        return told | {"num_hidden_layers": layers, "num_attention_heads": heads}

    read = sizes("text") | {"vocab_size": 49408, "eos_token_id": 49407, "bos_token_id": 49406, "pad_token_id": 49407}
    seen = sizes("vision") | {"image_size": 224, "patch_size": 32}
    config = transformers.CLIPConfig(text_config=read, vision_config=seen, projection_dim=512)
    model = transformers.CLIPModel(config).eval()
    ids = torch.ones(2, 9, dtype=torch.int64)
    ids[:, -1] = 49407
    processor = transformers.CLIPImageProcessor()
    with Gallery.open(DEMO) as gallery, torch.no_grad():
        pixels = processor([Image.open(gallery.thumb(item.id)) for item in islice(gallery, 32)], return_tensors="pt")
        vision = model.vision_model
        vision.post_layernorm.bias -= vision(**pixels).pooler_output.mean(0)  # else all vectors are nearly their mean
    pixels = {"pixel_values": pixels["pixel_values"][:2]}
    models.to_onnx(models.Seen(model), pixels, folder / "onnx/vision_model.onnx", "image_embeds")
    text = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
    models.to_onnx(models.Read(model), text, folder / "onnx/text_model.onnx", "text_embeds")
    models.clip_tokenizer().save_pretrained(folder)
    processor.save_pretrained(folder)
    model.config.save_pretrained(folder)


def main() -> None:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "clip-size"
        write_model(folder)
        megabytes = sum(path.stat().st_size for path in folder.rglob("*.onnx")) / 1e6
        env = os.environ | {"XMR_MODELS": str(Path(place) / "models")}
        start = time.monotonic()
        command = [sys.executable, "-m", "xmr", "adopt", str(folder)]
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=True)
        spent = time.monotonic() - start
        asked = [
            json.loads(subprocess.run([sys.executable, "-c", _ASK], env=env, capture_output=True, check=True).stdout)
            for _ in range(3)
        ]
    figures = {key: statistics.median(one[key] for one in asked) for key in asked[0]}
    load = round(os.getloadavg()[0], 1)
    told = {"graphs_mb": round(megabytes), "adopt_s": round(spent, 1), **figures, "load_average": load}
    write("adopt", told | {"said": done.stdout.splitlines()[0].partition(" (")[0]})


if __name__ == "__main__":
    main()
