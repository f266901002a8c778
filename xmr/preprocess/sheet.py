"""Finds a sheet of paper that lies in a picture and rectifies it."""

from __future__ import annotations

import cv2
import numpy as np

SCAN = 768  # px: longer side at which pictures are analysed
SMALL = 256  # px: longer side for coarse analysis: sheets, polarity and rulings


def shrunk(pixels: np.ndarray, most: int) -> np.ndarray:
    """A picture (H, W[, 3]) reduced to at most `most` pixels a side; smaller ones are returned unchanged."""
    scale = most / max(pixels.shape[:2])
    if scale >= 1:
        return pixels
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def sheet_of(pixels: np.ndarray) -> np.ndarray:
    """The sheet of paper in a picture (H, W[, 3]) uint8, rectified; the same array if there is none."""
    corners = _sheet(shrunk(shrunk(pixels, SCAN), SMALL))
    return pixels if corners is None else _rectified(pixels, corners)


def _sheet(small: np.ndarray) -> np.ndarray | None:
    """The corners of a sheet of paper, (4, 2) float32 as shares of the picture's width and height, clockwise from the
    upper left; None if there is no sheet.

    A sheet is the largest smooth region, after thin lines are closed, that has four straight sides. At least three of
    them must be inside the picture and border on something else.
    """
    height, width = small.shape[:2]
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    plain = cv2.morphologyEx(cv2.morphologyEx(small, cv2.MORPH_CLOSE, disc), cv2.MORPH_OPEN, disc)
    best, most = None, 0.12 * height * width
    for step in (3, 7):
        left = np.zeros((height + 2, width + 2), np.uint8)
        for y in range(height // 10, height, height // 8 or 1):
            for x in range(width // 10, width, width // 8 or 1):
                if left[y + 1, x + 1]:
                    continue
                before = left.copy()
                cv2.floodFill(plain, left, (x, y), 0, (step,) * 3, (step,) * 3, 4 | cv2.FLOODFILL_MASK_ONLY | 1 << 8)
                region = (left != before)[1:-1, 1:-1].astype(np.uint8)
                if region.sum() < most:
                    continue
                corners = _four_sides(region, plain)
                if corners is not None and cv2.contourArea(corners) > most:
                    best, most = corners, cv2.contourArea(corners)
    return None if best is None else best / np.array([width, height], np.float32)


def _four_sides(region: np.ndarray, plain: np.ndarray) -> np.ndarray | None:
    """The corners (4, 2) float32 of a region (H, W) uint8 if it looks like a sheet of paper, else None."""
    height, width = region.shape
    contour = max(cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0], key=cv2.contourArea)
    hull = cv2.convexHull(contour)
    area = cv2.contourArea(hull)
    if cv2.contourArea(contour) < 0.9 * area or area > 0.97 * height * width:
        return None
    corners = None
    for share in (0.01, 0.02, 0.03, 0.05, 0.08):
        about = cv2.approxPolyDP(hull, share * cv2.arcLength(hull, True), True)
        if len(about) == 4:
            corners = about.reshape(4, 2).astype(np.float32)
            break
    if corners is None or not 0.93 * area < cv2.contourArea(corners) < 1.07 * area:
        return None
    start = corners.sum(axis=1).argmin()
    corners = np.roll(corners, -start, axis=0)
    (a, b), (c, d) = corners[1] - corners[0], corners[2] - corners[1]
    if a * d < b * c:  # anticlockwise
        corners = np.roll(corners[::-1], 1, axis=0)
    sides, middle = 0, corners.mean(axis=0)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = a + (b - a) * np.linspace(0.1, 0.9, 17)[:, None]
        out = (along - middle) / np.linalg.norm(along - middle, axis=1, keepdims=True)
        outer, inner = np.rint(along + 8 * out).astype(int), np.rint(along - 8 * out).astype(int)
        inside = ((outer >= 0) & (outer < (width, height))).all(axis=1)
        if inside.mean() < 0.5:
            continue  # this side is at the picture's edge
        apart = np.abs(_at(plain, outer[inside]) - _at(plain, inner[inside]))
        apart = apart.max(axis=-1) if apart.ndim == 2 else apart
        if (apart > 14).mean() < 0.8:
            return None
        sides += 1
    return corners if sides >= 3 else None


def _at(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    return pixels[points[:, 1], points[:, 0]].astype(np.int16)


def _rectified(pixels: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The sheet with these corners, in perspective correction, without its edges."""
    points = corners * np.array(pixels.shape[1::-1], np.float32)
    sides = [float(np.linalg.norm(a - b)) for a, b in zip(points, np.roll(points, -1, axis=0), strict=True)]
    scale = min(1.0, 2 * SCAN / max(sides))
    width, height = (max(16, round(max(sides[n], sides[n + 2]) * scale)) for n in (0, 1))
    cut = 0.018 * max(width, height)
    flat = np.array([[-cut, -cut], [width + cut, -cut], [width + cut, height + cut], [-cut, height + cut]], np.float32)
    matrix = cv2.getPerspectiveTransform(points, flat)
    return cv2.warpPerspective(pixels, matrix, (width, height), flags=cv2.INTER_AREA)
