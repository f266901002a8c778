"""The conversion to RGB: in strips as in one piece."""

import numpy as np
import pytest
from PIL import Image

from tests.xmr.preprocess.files import noise
from xmr.preprocess import rgb


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "LA", "P", "L", "1", "I;16", "CMYK"])
def test_strips_give_what_the_whole_gives(mode, monkeypatch):
    pixels = noise((150, 101))
    if mode == "I;16":
        image = Image.fromarray(np.asarray(pixels)[..., 0].astype(np.uint16) * 257)
    else:
        pixels.putalpha(noise((150, 101), seed=1).convert("L"))
        image = pixels.convert("RGB").convert(mode) if mode in ("P", "CMYK") else pixels.convert(mode)
    if mode == "P":
        image.info["transparency"] = 3
    whole = rgb.to_rgb(image)
    monkeypatch.setattr(rgb, "_STRIP", 1000)
    for factor in (1, 2, 3):
        strips = rgb.reduced_rgb(image, factor)
        assert strips.size == whole.reduce(factor).size
        assert strips.tobytes() == whole.reduce(factor).tobytes()
