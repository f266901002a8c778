"""What tells drawings from photographs: how it is fitted and measured."""

import json

import numpy as np
import pytest
from PIL import Image, ImageDraw

from training.datasets import MissingData, catalogue, paper, sketchy25, world
from training.release import drawn
from xmr.modality import Item, Modality


@pytest.fixture
def few(monkeypatch, tmp_path):
    """Sketches of triangles, photos of noise, and two styles."""
    found = {"sketch": [], "photo": []}
    for n in range(12):
        sketch, rng = Image.new("L", (256, 256), 255), np.random.default_rng(n)
        corners = [tuple(map(float, corner)) for corner in rng.uniform(20, 236, (3, 2))]
        ImageDraw.Draw(sketch).line([*corners, corners[0]], fill=0, width=3)
        photo = Image.fromarray(rng.integers(0, 256, (12, 12, 3), np.uint8)).resize(
            (200, 200), Image.Resampling.BICUBIC
        )
        for kind, image in (("sketch", sketch), ("photo", photo)):
            image.save(tmp_path / f"{kind}{n}.png")
            found[kind].append(Item(f"{kind}{n}", Modality(kind), tmp_path / f"{kind}{n}.png"))

    class Photos:
        def items(self, split):
            return found["photo"]

    def get(name):
        if name != "flickr8k":
            raise MissingData(f"There is no {name} here.")
        return Photos()

    monkeypatch.setattr(world, "items", get)
    monkeypatch.setattr(drawn, "PATTERNS", 12)
    monkeypatch.setattr(sketchy25, "items", lambda split: found["sketch"] + found["photo"])
    monkeypatch.setattr(catalogue, "get", get)
    monkeypatch.setattr(paper, "STYLES", {name: paper.STYLES[name] for name in ("ruled", "kraft")})
    monkeypatch.setattr(drawn, "FITTED", tmp_path / "drawn.json")
    return tmp_path / "drawn.json"


def test_what_is_fitted_is_written_with_its_errors_on_each_kind_of_picture(few, capsys):
    drawn.run(None)
    report = json.loads(few.read_text())
    assert len(report["weights"]) == 44 and report["test"].keys() == {"clean", "ruled", "kraft", "flickr8k", "nothing"}
    assert report["test"]["flickr8k"]["wrong"] == 0.0 and report["photos_taken_for_drawings"] < 0.1
    assert report["drawings_taken_for_photos"] < 0.1 and report["test"]["clean"]["pictures"] == 12
    assert "caltech101 is left out" in capsys.readouterr().out


def test_the_bias_makes_both_kinds_of_error_alike():
    rng = np.random.default_rng(0)
    scores, kinds = np.concatenate([rng.normal(3, 1, 900), rng.normal(1, 1, 100)]), np.arange(1000) < 900
    told = scores + drawn._bias(scores, kinds) > 0
    assert abs((~told[kinds]).mean() - told[~kinds].mean()) < 0.02
