"""Classifies a picture as a drawing or a photograph, by a logistic regression on eight image features and their
products."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from xmr.preprocess.page import pixels_of
from xmr.preprocess.sheet import sheet_of

_SIDE = 256  # px: longer side at which features are computed
FITTED = Path(__file__).with_suffix(".json")  # the weights, written by `python -m training drawn`


def is_drawing(image: Image.Image) -> bool:
    """Whether a picture is a drawing (lines on paper, on a board or on a screen) rather than a photograph."""
    weights, bias = _fitted()
    return bool(features(image) @ weights + bias > 0)


@cache
def _fitted() -> tuple[np.ndarray, float]:
    """The weights (44,) and the bias of the logistic regression on `features`."""
    report = json.loads(FITTED.read_text(encoding="utf-8"))
    return np.array(report["weights"]), report["bias"]


def features(image: Image.Image) -> np.ndarray:
    """The features (44,) float that distinguish drawings from photographs: eight, and the products of any two."""
    pixels, faint = pixels_of(image)
    if faint is not None:  # transparent paper: use the ink as dark pixels on white
        pixels = (255 - 255 * faint).astype(np.uint8)
    pixels = sheet_of(pixels, cut=False)  # in photographs, walls and skies look like sheets that are cut off
    scale = min(1.0, _SIDE / max(pixels.shape[:2]))
    height, width = (max(24, round(side * scale)) for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    colour = cv2.cvtColor(small, cv2.COLOR_GRAY2RGB) if small.ndim == 2 else small
    lab = cv2.cvtColor(colour, cv2.COLOR_RGB2LAB)
    grey = lab[..., 0]
    ground = cv2.medianBlur(grey, 21)
    apart = grey.astype(np.float32) - ground
    light, dark = float(apart[apart > 8].sum()), float(-apart[apart < -8].sum())
    slope = np.hypot(cv2.Sobel(ground, cv2.CV_32F, 1, 0), cv2.Sobel(ground, cv2.CV_32F, 0, 1)) / 8
    tint = cv2.medianBlur(lab, 21)[..., 1:].astype(np.float32)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    plain = cv2.morphologyEx(cv2.morphologyEx(grey, cv2.MORPH_CLOSE, disc), cv2.MORPH_OPEN, disc)
    border = np.median(np.concatenate([grey[:3].ravel(), grey[-3:].ravel(), grey[:, :3].ravel(), grey[:, -3:].ravel()]))
    found = np.array(
        [
            (np.abs(apart) < 6).mean(),  # share of smooth pixels
            min(light, dark) / max(light, dark, 1.0),  # whether marks are both lighter and darker than the ground
            np.log1p(light + dark) / 10,  # how much stands out from the ground
            min(slope.mean(), 3) / 3,  # gradient of the ground
            np.log1p(tint.std(axis=(0, 1)).max()),  # variation of the ground's colour
            (np.abs(plain.astype(np.float32) - border) > 40).mean(),  # share of thick areas that differ from the border
            (slope > 3).mean(),  # share of edges in the ground
            np.log1p(plain.std()) / 4,  # contrast without thin lines
        ]
    )
    return np.concatenate([found, np.outer(found, found)[np.triu_indices(len(found))]])
