"""Flat shapes: one description that Pillow fills and a template writes as SVG."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

from PIL import Image, ImageDraw

Matrix = tuple[float, float, float, float, float, float]
Point = tuple[float, float]

UNIT: Matrix = (1, 0, 0, 1, 0, 0)
CURVE_STEPS = 20
_TOKEN = re.compile(r"[MLHVCQZmlhvcqz]|-?(?:\d+\.?\d*|\.\d+)(?:e-?\d+)?")
_TAKES = {"M": 2, "L": 2, "H": 1, "V": 1, "C": 6, "Q": 4, "Z": 0}


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled path in SVG's own notation (M L H V C Q Z, absolute or relative), placed by a matrix."""

    fill: str
    d: str
    matrix: Matrix = UNIT

    @property
    def transform(self) -> str:
        """The value of SVG's `transform`; empty where nothing moves."""
        if self.matrix == UNIT:
            return ""
        return f"matrix({' '.join(f'{value:.5g}' for value in self.matrix)})"


def placed(
    shapes: Iterable[Shape], *, x: float = 0, y: float = 0, scale: float = 1, turn: float = 0, stretch: float = 1
) -> list[Shape]:
    """The shapes scaled (`stretch` widens further), turned by degrees clockwise, then moved."""
    angle = math.radians(turn)
    cos, sin = math.cos(angle) * scale, math.sin(angle) * scale
    outer: Matrix = (cos * stretch, sin * stretch, -sin, cos, x, y)
    return [Shape(shape.fill, shape.d, _product(outer, shape.matrix)) for shape in shapes]


def box(fill: str, x: float, y: float, width: float, height: float) -> Shape:
    """An upright rectangle."""
    return Shape(fill, f"M{x:.5g} {y:.5g}h{width:.5g}v{height:.5g}h{-width:.5g}z")


def circle(fill: str, x: float, y: float, r: float) -> Shape:
    """A circle as four curves, right to 0.03 %."""
    return ellipse(fill, x, y, r, r)


def ellipse(fill: str, x: float, y: float, rx: float, ry: float) -> Shape:
    """An upright ellipse."""
    kx, ky = rx * 0.5523, ry * 0.5523
    d = (
        f"M{-rx:.5g} 0C{-rx:.5g} {-ky:.5g} {-kx:.5g} {-ry:.5g} 0 {-ry:.5g}"
        f"C{kx:.5g} {-ry:.5g} {rx:.5g} {-ky:.5g} {rx:.5g} 0"
        f"C{rx:.5g} {ky:.5g} {kx:.5g} {ry:.5g} 0 {ry:.5g}C{-kx:.5g} {ry:.5g} {-rx:.5g} {ky:.5g} {-rx:.5g} 0Z"
    )
    return Shape(fill, d, (1, 0, 0, 1, x, y))


def polygon(fill: str, points: Sequence[Point]) -> Shape:
    """Straight lines between points, closed."""
    return Shape(fill, "M" + "L".join(f"{x:.5g} {y:.5g}" for x, y in points) + "Z")


def fill_shapes(
    image: Image.Image, shapes: Iterable[Shape], *, scale: float = 1, ink: dict[str, int] | None = None
) -> None:
    """Fill the shapes, last on top; units × scale = pixels. `ink` maps colours to palette numbers."""
    draw = ImageDraw.Draw(image)
    for shape in shapes:
        a, b, c, d, e, f = shape.matrix
        colour = ink[shape.fill] if ink is not None else shape.fill
        for line in _flat(shape.d):
            points = [((a * x + c * y + e) * scale, (b * x + d * y + f) * scale) for x, y in line]
            draw.polygon(points, fill=colour)


def drawn(shapes: Iterable[Shape], width: int, height: int, *, scale: float, smooth: int = 2) -> Image.Image:
    """A picture with soft edges: filled `smooth` times larger and averaged. Sizes in pixels."""
    image = Image.new("RGB", (width * smooth, height * smooth))
    fill_shapes(image, shapes, scale=scale * smooth)
    return image.reduce(smooth) if smooth > 1 else image


def _product(outer: Matrix, inner: Matrix) -> Matrix:
    a, b, c, d, e, f = outer
    g, h, i, j, k, m = inner
    return (a * g + c * h, b * g + d * h, a * i + c * j, b * i + d * j, a * k + c * m + e, b * k + d * m + f)


@lru_cache(maxsize=512)
def _flat(path: str) -> tuple[tuple[Point, ...], ...]:
    """The path as closed lines."""
    tokens = _TOKEN.findall(path)
    lines: list[list[Point]] = []
    at, start, command, index = (0.0, 0.0), (0.0, 0.0), "M", 0
    while index < len(tokens):
        if tokens[index].isalpha():
            command = tokens[index]
            index += 1
        takes = _TAKES[command.upper()]
        values = [float(token) for token in tokens[index : index + takes]]
        index += takes
        if command.upper() == "Z":
            at = start
            continue
        points = _absolute(command, values, at)
        if command.upper() == "M":
            start = points[0]
            lines.append([start])
            command = "l" if command == "m" else "L"
        else:
            lines[-1].extend(_curve(at, points))
        at = points[-1]
    return tuple(tuple(line) for line in lines if len(line) > 2)


def _absolute(command: str, values: list[float], at: Point) -> list[Point]:
    x, y = at if command.islower() else (0.0, 0.0)
    if command.upper() == "H":
        return [(values[0] + x, at[1])]
    if command.upper() == "V":
        return [(at[0], values[0] + y)]
    return [(values[i] + x, values[i + 1] + y) for i in range(0, len(values), 2)]


def _curve(at: Point, points: list[Point]) -> list[Point]:
    """De Casteljau's points for a quadratic or cubic curve; a line is its end."""
    if len(points) == 1:
        return points
    found = []
    for step in range(1, CURVE_STEPS + 1):
        t = step / CURVE_STEPS
        row = [at, *points]
        while len(row) > 1:
            row = [(p[0] + (q[0] - p[0]) * t, p[1] + (q[1] - p[1]) * t) for p, q in pairwise(row)]
        found.append(row[0])
    return found
