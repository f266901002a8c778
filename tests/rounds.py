"""All that an adopted model is for, from the first photo that it reads to its end."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import pictures
from xmr import checkpoint
from xmr.cli import main
from xmr.gallery import Gallery, index_folder
from xmr.home import models
from xmr.modality import Drawing, Modality
from xmr.search import Searcher

LINE = Drawing((np.array([[0.0, 0], [50, 80], [100, 0]]),))


def whole_round(name: str, photo_folder: Path) -> None:
    """Index six photos with an adopted model; search them by a photo, a drawing, a text and mixtures of them, as far
    as it takes those; the same as a process that was started anew; then remove it."""
    assert index_folder(photo_folder, [checkpoint.load(name)]).indexed == 6
    photo: Image.Image = next(pictures())[1]
    for _ in range(2):
        with Gallery.open(photo_folder) as gallery:
            searcher = Searcher(checkpoint.load(name), gallery)
            assert searcher.search(photo=photo, k=1)[0].path.name == "red-left.png"
            assert len(searcher.search(sketch=LINE, k=6)) == len(searcher.search(photo=photo, sketch=LINE, k=6)) == 6
            if Modality.TEXT in searcher.system.encoders:
                assert len(searcher.search(text="a car", k=6)) == 6
                assert len(searcher.search(text="red", sketch=LINE, minus_text="snow", k=6)) == 6
    asked = ["a car"] if Modality.TEXT in checkpoint.load(name).encoders else ["--photo", photo_folder / "red-left.png"]
    assert main(["search", str(photo_folder), *map(str, asked), "--system", name, "--paths-only", "-k", "6"]) == 0
    assert main(["adopt", "--remove", name]) == 0
    assert name not in checkpoint.available() and list(models().iterdir()) == []
