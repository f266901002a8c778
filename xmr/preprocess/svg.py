"""Reads the strokes of an SVG file. Files are not trusted: nothing is loaded or run, and the size is limited."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

import numpy as np
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring
from svgelements import Arc, CubicBezier, Line, Matrix, Move, Path, QuadraticBezier

from xmr.modality import BadInput, Drawing

MAX_BYTES = 4_000_000
_MAX_NUMBERS = 40_000  # in all paths, which take some seconds
_MAX_ELEMENTS = 20_000  # an element counts each time that `use` repeats it
_MAX_DEPTH = 40  # nested groups
_SEGMENTS = 12  # line segments per curve

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")
_GROUPS = ("svg", "g", "a", "switch", "symbol")
_WHITE = ("white", "#fff", "#ffffff", "rgb(255,255,255)", "rgb(100%,100%,100%)")
_INHERITED = ("fill", "stroke", "visibility")

Points = np.ndarray  # (n, 2) float64


def read_svg(data: bytes, name: str = "The file") -> Drawing:
    """The strokes of an SVG drawing: its lines, and the outlines of filled shapes.

    Invisible elements are left out (no fill and no stroke, hidden, a white background), and so are text, images, style
    sheets, scripts and references to other files.

    Args:
        data: the file's bytes.
        name: for error messages.

    Raises:
        BadInput: the file is damaged, too large or too deeply nested, defines entities, or has no line.
    """
    if len(data) > MAX_BYTES:
        raise BadInput(f"{name} has {len(data) / 1e6:.0f} MB; of an SVG drawing, 4 are read. Save it as PNG first.")
    try:
        root = fromstring(data)
    except DefusedXmlException:
        raise BadInput(f"{name} defines entities, which are not read. Save it as plain SVG or as PNG first.") from None
    except (ParseError, ValueError, LookupError, RecursionError):
        raise BadInput(f"{name} is damaged: it is no whole SVG file. Save it again, or as PNG.") from None
    strokes = tuple(_Reader(root, name).strokes())
    if not strokes:
        raise BadInput(f"{name} has no line in it that can be read. Draw with paths, or save it as PNG first.")
    return Drawing(strokes)


class _Reader:
    def __init__(self, root: Element, name: str) -> None:
        self.root, self.name = root, name
        self.elements = self.numbers = 0
        self.by_id = {id: element for element in root.iter() if (id := element.get("id"))}
        box = [float(number) for number in _NUMBER.findall(root.get("viewBox", ""))[:4]]
        self.left, self.top, self.width, self.height = box if len(box) == 4 else (0.0, 0.0, 0.0, 0.0)
        if len(box) != 4:
            self.width, self.height = self.number(root, "width"), self.number(root, "height")

    def strokes(self) -> Iterator[Points]:
        yield from self._strokes(self.root, Matrix(), {"fill": "black", "stroke": "none", "visibility": "visible"}, 0)

    def _strokes(self, element: Element, outer: Matrix, inherited: dict[str, str], depth: int) -> Iterator[Points]:
        self.elements += 1
        if self.elements > _MAX_ELEMENTS or depth > _MAX_DEPTH:
            raise BadInput(f"{self.name} has too many parts for a drawing. Simplify it, or save it as PNG first.")
        style = _style(element)
        seen = inherited | {key: style[key] for key in _INHERITED if style.get(key, "inherit") != "inherit"}
        if style.get("display") == "none" or _is_zero(style.get("opacity")):
            return
        matrix = self._matrix(element) * outer
        tag = _tag(element)
        if tag in _GROUPS and (tag != "symbol" or depth):
            for child in element:
                if _tag(child) != "symbol":
                    yield from self._strokes(child, matrix, seen, depth + 1)
        elif tag == "use":
            target = self.by_id.get(next((v for k, v in element.items() if k.rpartition("}")[2] == "href"), "")[1:])
            if target is not None:
                moved = Matrix.translate(self.number(element, "x"), self.number(element, "y")) * matrix
                yield from self._strokes(target, moved, seen, depth + 1)
        elif seen["visibility"] == "visible" and not self._is_ground(element, tag, seen):
            for points in self._shape(element, tag):
                points = points @ np.array([[matrix.a, matrix.b], [matrix.c, matrix.d]]) + (matrix.e, matrix.f)
                if len(points) and np.isfinite(points).all():
                    yield points

    def _is_ground(self, element: Element, tag: str, seen: dict[str, str]) -> bool:
        """Whether a shape looks like paper: neither filled nor stroked, white, or as large as the drawing."""
        if seen["stroke"] not in ("none", "transparent"):
            return False
        if seen["fill"].replace(" ", "").lower() in ("none", "transparent", *_WHITE):
            return True
        wide = self.number(element, "width") >= 0.98 * self.width
        return tag == "rect" and self.width > 0 and wide and self.number(element, "height") >= 0.98 * self.height

    def _shape(self, element: Element, tag: str) -> Iterator[Points]:
        """The lines of one element, in its own coordinates."""
        if tag == "path":
            yield from self._path(element.get("d", ""))
        elif tag in ("polyline", "polygon"):
            points = self._counted(element.get("points", ""))
            points = points[: len(points) // 2 * 2].reshape(-1, 2)
            yield np.concatenate([points, points[:1]]) if tag == "polygon" else points
        elif tag == "line":
            yield np.array([[self.number(element, key + end) for key in "xy"] for end in "12"])
        elif tag == "rect":
            x, y, w, h = (self.number(element, key) for key in ("x", "y", "width", "height"))
            if w > 0 and h > 0:
                yield np.array([[x, y], [x + w, y], [x + w, y + h], [x, y + h], [x, y]])
        elif tag in ("circle", "ellipse"):
            middle = [self.number(element, "cx"), self.number(element, "cy")]
            radii = [self.number(element, "r" if tag == "circle" else key) for key in ("rx", "ry")]
            turn = np.linspace(0, 2 * math.pi, 4 * _SEGMENTS + 1)
            if min(radii) > 0:
                yield np.column_stack([np.cos(turn), np.sin(turn)]) * radii + middle

    def _path(self, data: str) -> Iterator[Points]:
        self._counted(data)
        try:
            segments = Path(data)
        except (ValueError, AttributeError, IndexError, TypeError, ZeroDivisionError):
            return  # a browser would draw nothing either
        line: list[Points] = []
        for segment in segments:
            if isinstance(segment, Move):
                if line:
                    yield np.concatenate(line)
                line = []
            elif segment.start is not None and segment.end is not None:
                for curve in segment.as_cubic_curves() if isinstance(segment, Arc) else [segment]:
                    line.append(_points(curve))
        if line:
            yield np.concatenate(line)

    def _counted(self, data: str) -> Points:
        """The numbers in an attribute, (n,); raises BadInput if the drawing has too many in total."""
        found = _NUMBER.findall(data)
        self.numbers += len(found)
        if self.numbers > _MAX_NUMBERS:
            raise BadInput(f"{self.name} has too many points for a drawing. Simplify it, or save it as PNG first.")
        return np.array(found, dtype=np.float64)

    def _matrix(self, element: Element) -> Matrix:
        try:
            return Matrix(element.get("transform", "")[:1_000])
        except (ValueError, IndexError, TypeError, AttributeError):
            return Matrix()

    def number(self, element: Element, key: str) -> float:
        """An attribute as a number, or 0; a percentage refers to the drawing's width or height."""
        text = element.get(key, "")
        found = _NUMBER.match(text.strip())
        if found is None:
            return 0.0
        share = (self.height if "y" in key or key == "height" else self.width) / 100
        return float(found[0]) * (share if text.strip().endswith("%") else 1)


def _points(curve: Line | CubicBezier | QuadraticBezier) -> Points:
    """A segment of a path as points (n, 2)."""
    corners = [
        curve.start,
        *(getattr(curve, key) for key in ("control", "control1", "control2") if hasattr(curve, key)),
    ]
    points = np.array([[point.x, point.y] for point in (*corners, curve.end)])
    if len(points) == 2:
        return points
    order = len(points) - 1
    t = np.linspace(0, 1, _SEGMENTS + 1)[:, None]
    share = [math.comb(order, n) * t**n * (1 - t) ** (order - n) for n in range(order + 1)]  # Bernstein's
    return np.hstack(share) @ points


def _style(element: Element) -> dict[str, str]:
    """An element's own properties; those in its style attribute take precedence."""
    own = {key: value.strip() for key, value in element.items()}
    for one in element.get("style", "")[:10_000].split(";"):
        key, _, value = one.partition(":")
        own[key.strip()] = value.strip()
    return own


def _tag(element: Element) -> str:
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""  # a comment's is a function


def _is_zero(text: str | None) -> bool:
    found = _NUMBER.fullmatch(text) if text else None
    return found is not None and float(found[0]) == 0
