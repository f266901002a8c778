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


def rim_of(plane: np.ndarray) -> np.ndarray:
    """The values along the edge of a plane (H, W); those at its corners come twice."""
    return np.concatenate([plane[0], plane[-1], plane[:, 0], plane[:, -1]])


def sheet_of(pixels: np.ndarray, cut: bool = True) -> np.ndarray:
    """The sheet of paper in a picture, rectified; the same array if there is none.

    Args:
        pixels: (H, W[, 3]) uint8.
        cut:    whether to look for a sheet that the picture's edge cuts off, too. It is left where it is, and all
            around it gets the paper's colour.
    """
    corners, whole = _sheet(shrunk(shrunk(pixels, SCAN), SMALL))
    if corners is None or not (whole or cut):
        return pixels
    return _rectified(pixels, corners) if whole else _alone(pixels, corners)


def _sheet(small: np.ndarray) -> tuple[np.ndarray | None, bool]:
    """The corners of a sheet of paper, (n, 2) float32 as shares of the picture's width and height, and whether they are
    the sheet's own four, clockwise from the upper left. If not, the sheet is cut off; None if there is no sheet.

    A sheet is the largest smooth region, after thin lines are closed, that has straight sides. Those inside the picture
    must border on something else, at least two of them, or three of four; and no line may run across them, as it does
    where the region is the lit part of a sheet, or lies between its folds.
    """
    height, width = small.shape[:2]
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (9, 9))
    closed = cv2.morphologyEx(small, cv2.MORPH_CLOSE, disc)
    plain = cv2.morphologyEx(closed, cv2.MORPH_OPEN, disc)
    lines = closed - small
    lines = (lines if lines.ndim == 2 else lines.max(axis=2)) > 20
    best, whole, most = None, False, 0.12 * height * width
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
                corners, four = _straight_sides(region, plain)
                if corners is not None and cv2.contourArea(corners) > most and not _crossed(corners, lines):
                    best, whole, most = corners, four, cv2.contourArea(corners)
    return None if best is None else best / np.array([width, height], np.float32), whole


def _straight_sides(region: np.ndarray, plain: np.ndarray) -> tuple[np.ndarray | None, bool]:
    """The corners (n, 2) float32 of a region (H, W) uint8 if it looks like a sheet of paper, else None; and whether
    they are four, with at least three sides inside the picture."""
    height, width = region.shape
    contour = max(cv2.findContours(region, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_SIMPLE)[0], key=cv2.contourArea)
    hull = cv2.convexHull(contour)
    area = cv2.contourArea(hull)
    if cv2.contourArea(contour) < 0.9 * area or area > 0.97 * height * width:
        return None, False
    cut = None
    for share in (0.01, 0.02, 0.03, 0.05, 0.08):
        about = cv2.approxPolyDP(hull, share * cv2.arcLength(hull, True), True).reshape(-1, 2).astype(np.float32)
        if not 0.93 * area < cv2.contourArea(about) < 1.07 * area or len(about) > 6:
            continue
        if len(about) == 4 and (_sides_inside(_clockwise(about), plain, 14) or 0) >= 3:
            return _clockwise(about), True
        if cut is None and (_sides_inside(about, plain, 60) or 0) >= 2:
            cut = about
        if len(about) == 4:
            break
    return cut, False


def _clockwise(corners: np.ndarray) -> np.ndarray:
    """Four corners (4, 2), clockwise from the upper left."""
    corners = np.roll(corners, -corners.sum(axis=1).argmin(), axis=0)
    (a, b), (c, d) = corners[1] - corners[0], corners[2] - corners[1]
    return np.roll(corners[::-1], 1, axis=0) if a * d < b * c else corners


def _sides_inside(corners: np.ndarray, plain: np.ndarray, least: int) -> int | None:
    """How many sides of a region are inside the picture; None if one of them doesn't border on something else."""
    height, width = plain.shape[:2]
    sides, middle = 0, corners.mean(axis=0)
    for a, b in zip(corners, np.roll(corners, -1, axis=0), strict=True):
        along = a + (b - a) * np.linspace(0.1, 0.9, 17)[:, None]
        out = (along - middle) / np.linalg.norm(along - middle, axis=1, keepdims=True)
        outer, inner = both = np.rint([along + 8 * out, along - 8 * out]).astype(int)
        inside = ((both >= 0) & (both < (width, height))).all(axis=(0, 2))
        if inside.mean() < 0.5:
            continue  # this side is at the picture's edge
        apart = np.abs(_at(plain, outer[inside]) - _at(plain, inner[inside]))
        apart = apart.max(axis=-1) if apart.ndim == 2 else apart
        if (apart > least).mean() < 0.8:
            return None
        sides += 1
    return sides


def _crossed(corners: np.ndarray, lines: np.ndarray) -> bool:
    """Whether one of the lines (H, W) bool runs across the edge of a region with these corners (n, 2). Those that come
    in from the picture's edge don't count: fingers hold a sheet."""
    region = cv2.fillConvexPoly(np.zeros(lines.shape, np.uint8), np.rint(corners).astype(np.int32), 1)
    square = np.ones((11, 11), np.uint8)
    _, numbers = cv2.connectedComponents(lines.astype(np.uint8), connectivity=8)
    inside = numbers[cv2.erode(region, square, borderValue=0) > 0]
    outside = numbers[cv2.dilate(region, square) == 0]
    crossing = np.intersect1d(inside[inside > 0], outside)
    return bool(np.setdiff1d(crossing, rim_of(numbers)).size)


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


def _alone(pixels: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """The picture with the paper's colour around the sheet with these corners and over its edges."""
    pixels = shrunk(pixels, 2 * SCAN)
    few = np.atleast_3d(shrunk(pixels, SMALL)).astype(np.float32)
    height, width = few.shape[:2]
    sheet: np.ndarray = np.zeros((height, width), np.float32)
    cv2.fillConvexPoly(sheet, np.rint(corners * (width, height)).astype(np.int32), 1)
    sheet = cv2.erode(sheet, np.ones((11, 11), np.uint8), borderValue=1)
    if not sheet.any():  # a strip too narrow to tell its paper from its edges
        return pixels
    inside = sheet[..., None]
    # The mean of the sheet's pixels nearby; far from the sheet, that of all of them.
    near, weight = (np.atleast_3d(cv2.GaussianBlur(x, (0, 0), SMALL / 12)) for x in (few * inside, inside))
    paper = (near + 0.01 * few[sheet > 0].mean(axis=0)) / (weight + 0.01)
    size = pixels.shape[1::-1]
    outside = cv2.resize(sheet, size, interpolation=cv2.INTER_NEAREST) < 0.5
    return cv2.copyTo(cv2.resize(paper.astype(np.uint8), size), outside.astype(np.uint8), pixels.copy())
