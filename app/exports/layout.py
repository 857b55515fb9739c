"""A sheet that text is set on from top to bottom, in units, and painted in pixels afterwards."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from functools import lru_cache

from PIL import Image, ImageDraw

from app.exports import qr
from app.exports.fonts import face
from app.exports.setting import OPENING, wrapped
from app.exports.shapes import Shape, fill_shapes, placed

MEASURED = 200  # pixels: widths are taken once at this size and scaled
AUTOSPACE = 0.13  # of the size, between hanzi and figures or Latin letters
HANG = 0.46  # of the size: how far an opening mark at the start of a line stands out
_EDGE = re.compile(r"(?<=[㐀-鿿])(?=[A-Za-z0-9])|(?<=[A-Za-z0-9%℃])(?=[㐀-鿿])")


@dataclass(frozen=True, slots=True)
class _Text:
    x: float
    baseline: float
    text: str
    size: float
    weight: int
    colour: str
    spaced: bool


@dataclass(slots=True)
class Sheet:
    """Positions in units; `density` scales sizes and gaps, never the page."""

    width: float
    margin: float
    density: float = 1.0
    y: float = 0.0
    texts: list[_Text] = field(default_factory=list)
    rules: list[tuple[float, float, str]] = field(default_factory=list)
    plates: list[tuple[list[list[bool]], float, float, float]] = field(default_factory=list)
    drawings: list[list[Shape]] = field(default_factory=list)

    def sized(self, value: float) -> float:
        """A size at this density. The code shrinks less than the text: it must be scanned from afar."""
        return value * max(self.density, 0.75) if value > 100 else value * self.density

    def space(self, height: float) -> None:
        """Move down."""
        self.y += height * self.density

    def measure(self, text: str, size: float, weight: int, *, spaced: bool = False) -> float:
        """Width in units of a text of a nominal size (not yet scaled by density)."""
        return _width(text, weight, spaced) * size

    def lines(self, text: str, width: float, size: float, weight: int) -> list[str]:
        """The text in lines that fit `width`."""
        scaled = size * self.density
        return wrapped(text, width, lambda part: _width(part, weight, spaced=True) * scaled)

    def fitted(self, text: str, width: float, sizes: tuple[int, ...], most: int, weight: int) -> tuple[int, list[str]]:
        """The largest of the sizes that needs at most `most` lines; the smallest, whatever it needs, otherwise."""
        for size in sizes:
            lines = self.lines(text, width, size, weight)
            if len(lines) <= most:
                break
        return size, lines

    def text(
        self,
        lines: list[str],
        size: float,
        weight: int,
        colour: str,
        *,
        leading: float,
        x: float | None = None,
        spaced: bool = False,
    ) -> None:
        """Set lines one below the other and move down."""
        scaled = size * self.density
        for line in lines:
            left = self.margin if x is None else x
            if line[:1] and line[0] in OPENING:
                left -= scaled * HANG if line[0] > "\u007f" else 0
            baseline = self.y + scaled * (0.88 + (leading - 1) / 2)
            self.texts.append(_Text(left, baseline, line, scaled, weight, colour, spaced))
            self.y += scaled * leading

    def rule(self, height: float, colour: str) -> None:
        """A line across the measure."""
        self.rules.append((self.y, height, colour))
        self.y += height

    def plate(self, rows: list[list[bool]], x: float, y: float, side: float) -> None:
        """A code in a frame, `side` wide before density."""
        self.plates.append((rows, x, y, self.sized(side)))

    def shapes(self, shapes: list[Shape]) -> None:
        """A drawing in the sheet's own units."""
        self.drawings.append(shapes)

    def add(self, other: Sheet, top: float) -> None:
        """Take over another sheet's texts, moved down by `top`."""
        for item in other.texts:
            self.texts.append(
                _Text(item.x, item.baseline + top, item.text, item.size, item.weight, item.colour, item.spaced)
            )

    def paint(self, page: Image.Image, scale: float, *, top: float) -> None:
        """Draw everything, `scale` pixels a unit, moved down by `top` units."""
        draw = ImageDraw.Draw(page)
        for y, height, colour in self.rules:
            first = round((y + top) * scale)
            last = first + max(1, round(height * scale)) - 1
            draw.rectangle((self.margin * scale, first, (self.width - self.margin) * scale, last), fill=colour)
        for rows, x, y, side in self.plates:
            _paint_plate(page, rows, round(x * scale), round((y + top) * scale), round(side * scale))
        for shapes in self.drawings:
            _paint_shapes(page, shapes, scale, top)
        for item in self.texts:
            _paint_text(draw, item, scale, top)


def _runs(text: str, spaced: bool) -> list[str]:
    return _EDGE.split(text) if spaced else [text]


@lru_cache(maxsize=8192)
def _width(text: str, weight: int, spaced: bool) -> float:
    """In sizes. Setting a title asks for the same parts at each size it tries."""
    runs = _runs(text, spaced)
    font = face(MEASURED, weight)
    return sum(font.getlength(run) for run in runs) / MEASURED + AUTOSPACE * (len(runs) - 1)


def _paint_text(draw: ImageDraw.ImageDraw, item: _Text, scale: float, top: float) -> None:
    size = max(1, round(item.size * scale))
    font = face(size, item.weight)
    x = item.x * scale
    for run in _runs(item.text, item.spaced):
        draw.text((x, (item.baseline + top) * scale), run, font=font, fill=item.colour, anchor="ls")
        x += font.getlength(run) + AUTOSPACE * size


def _paint_plate(page: Image.Image, rows: list[list[bool]], x: int, y: int, side: int) -> None:
    """White, framed in ink; whole pixels a module, so that the code stays crisp."""
    draw = ImageDraw.Draw(page)
    frame = max(2, side // 104)
    draw.rectangle((x, y, x + side - 1, y + side - 1), fill=qr.WHITE, outline=qr.INK, width=frame)
    module = (side - 2 * frame) // (len(rows) + 2 * qr.QUIET)
    code = qr.picture(rows, module)
    offset = (side - code.width) // 2
    page.paste(code.convert("RGB"), (x + offset, y + offset))


def _paint_shapes(page: Image.Image, shapes: list[Shape], scale: float, top: float) -> None:
    """Over what is there: drawn on a copy of the ground around it."""
    points = [(shape.matrix[4], shape.matrix[5]) for shape in shapes]
    left, upper = min(x for x, _ in points), min(y for _, y in points)
    side = round(34 * shapes[0].matrix[0] * scale)
    x, y = round(left * scale), round((upper + top) * scale)
    patch = Image.new("RGB", (side * 4, side * 4), page.getpixel((x, y)))
    fill_shapes(patch, placed(shapes, x=-left, y=-upper), scale=scale * 4)
    page.paste(patch.reduce(4), (x, y))
