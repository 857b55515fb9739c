"""The things our pictures are made of: people, pomegranate, paper-cut, gourds, houses, a bus."""

from __future__ import annotations

import math

from app.exports.shapes import Shape, box, circle, ellipse, placed, polygon

PAPER, CREAM, SHEET = "#ecdcc1", "#fffaf0", "#fffdf9"
RED, GOLD, CLAY, GREEN, SKY = "#a51c36", "#e0ab4c", "#c96f4a", "#4f7a5c", "#bdd0d2"
DARK, SKIN, INK = "#3a302c", "#f0d3b4", "#231c1a"
CLOTHES = (RED, GOLD, CLAY, GREEN)
COLOURS = (PAPER, CREAM, SHEET, RED, GOLD, CLAY, GREEN, SKY, DARK, SKIN, INK)

SEED = "M0-5.4C2.3-4.2 4-1.6 4 1.1C4 3.6 2.2 5.2 0 5.2C-2.2 5.2-4 3.6-4 1.1C-4-1.6-2.3-4.2 0-5.4Z"
BODY = "M0-8C5-8 8-3 8 3v9H-8V3C-8-3-5-8 0-8Z"
FRUIT = (
    "M9.4 1.4L12.9 4.6L16 .8l3.1 3.8l3.5-3.2l-.5 6.5C26.1 10.1 28.6 14.3 28.6 19"
    "C28.6 25.8 23 31.2 16 31.2C9 31.2 3.4 25.8 3.4 19C3.4 14.3 5.8 10.1 9.9 7.9Z"
)
GOURD = (
    "M0-34c11 0 19 8 19 18c0 8-5 12-5 16c0 5 17 11 17 31c0 18-14 31-31 31c-17 0-31-13-31-31"
    "c0-20 17-26 17-31c0-4-5-8-5-16c0-10 8-18 19-18z"
)


def seed(fill: str, x: float, y: float, scale: float, turn: float = 0) -> list[Shape]:
    """The one shape of the look: 8 wide, 10.6 high at scale 1."""
    return placed([Shape(fill, SEED)], x=x, y=y, scale=scale, turn=turn)


def seed_ring(fill: str, r: float, count: int, scale: float, *, inward: bool = True, offset: float = 0) -> list[Shape]:
    """Seeds on a circle round the origin, points to the middle or away from it."""
    found: list[Shape] = []
    for index in range(count):
        angle = offset + index * 360 / count
        x, y = r * math.sin(math.radians(angle)), -r * math.cos(math.radians(angle))
        found += seed(fill, x, y, scale, angle + (180 if inward else 0))
    return found


def pomegranate(ground: str) -> list[Shape]:
    """The fruit cut open, its middle at the origin, 290 wide; seeds show on `ground`."""
    leaf = Shape(GREEN, "M-76-86C-146-82-188-110-204-170C-142-182-92-158-68-104Z")
    fruit = placed([Shape(RED, FRUIT)], scale=11.6, x=-16 * 11.6, y=-19 * 11.6)
    return [
        leaf,
        *fruit,
        circle(ground, 0, 0, 111.4),
        *seed_ring(RED, 81.2, 10, 4.64),
        *seed_ring(RED, 34.8, 4, 3.25, offset=45),
    ]


def paper_cut(fill: str = RED, hole: str = CREAM) -> list[Shape]:
    """A window flower of sixteen petals, its middle at the origin, 270 wide."""
    points = []
    for index in range(16):
        inner, outer = math.radians(index * 22.5), math.radians(index * 22.5 + 11.25)
        points.append(
            (122.4 * math.sin(inner), -122.4 * math.cos(inner), 152 * math.sin(outer), -152 * math.cos(outer))
        )
    d = f"M{points[0][0]:.4g} {points[0][1]:.4g}"
    for index, (_, _, cx, cy) in enumerate(points):
        x, y, *_ = points[(index + 1) % 16]
        d += f"Q{cx:.4g} {cy:.4g} {x:.4g} {y:.4g}"
    return [
        Shape(fill, d + "Z"),
        *seed_ring(hole, 100.6, 16, 3.2, offset=11.25),
        *seed_ring(hole, 59.8, 8, 5.44),
        *seed_ring(hole, 20.4, 8, 1.7, offset=22.5),
    ]


def gourd(fill: str, band: str = RED) -> list[Shape]:
    """A painted gourd, 62 wide, from -48 to 62."""
    return [
        Shape(fill, GOURD),
        Shape(GREEN, "M-2.5-48c3-3 8-3 10-1c-2 3-5 4-6 6v11h-4z"),
        Shape(band, "M-21.5 14c12-6 31-6 43 0l4 7c-14-7-37-7-51 0z"),
        Shape(CREAM, "M-29 32c0-1 0-2 .2-3c17 7 40.6 7 57.6 0l.2 3c-16 8-42 8-58 0z"),
    ]


def person(coat: str, head: str = SKIN) -> list[Shape]:
    """Half a person, 16 wide, feet line at 12, head up to -18."""
    return [Shape(coat, BODY), circle(head, 0, -13, 5.2)]


def child_back(coat: str) -> list[Shape]:
    """Seen from behind: dark hair."""
    return person(coat, DARK)


def raised(coat: str) -> list[Shape]:
    """With one arm up."""
    return [Shape(coat, "M3-4L12-17L15-15L8 3Z"), circle(SKIN, 13.6, -17, 2), *person(coat)]


def row(count: int, gap: float, coats: tuple[str, ...], *, backs: bool = False, shift: int = 0) -> list[Shape]:
    """People side by side, the first at the origin."""
    found: list[Shape] = []
    for index in range(count):
        coat = coats[(index + shift) % len(coats)]
        found += placed(child_back(coat) if backs else person(coat), x=index * gap)
    return found


def house(wall: str, roof: str, width: float, height: float, windows: int = 2) -> list[Shape]:
    """A house on the line y = 0 with a door and windows, its left edge at 0."""
    pane = width / (windows * 2 + 1)
    found = [
        polygon(roof, [(-width * 0.1, -height), (width / 2, -height - width * 0.32), (width * 1.1, -height)]),
        box(wall, 0, -height, width, height),
        box(roof, width / 2 - pane * 0.5, -height * 0.42, pane, height * 0.42),
    ]
    return found + [box(CREAM, pane * (1 + 2 * i), -height * 0.82, pane, height * 0.24) for i in range(windows)]


def tree(crown: str = GREEN) -> list[Shape]:
    """A round tree on y = 0, 44 wide and 80 high."""
    return [box(DARK, -3, -34, 6, 34), ellipse(crown, 0, -52, 22, 28)]


def lantern(fill: str = RED) -> list[Shape]:
    """A lantern that hangs from the origin, 30 wide and 52 high."""
    return [
        box(DARK, -0.8, 0, 1.6, 10),
        box(GOLD, -7, 9, 14, 4),
        ellipse(fill, 0, 26, 16, 14),
        box(GOLD, -7, 39, 14, 4),
        box(GOLD, -0.8, 43, 1.6, 9),
        Shape(GOLD, "M-1 12C-9 18-9 34-1 40L1 40C-6 34-6 18 1 12Z"),
    ]


def awning(width: float, first: str = RED, second: str = CREAM) -> list[Shape]:
    """A striped market awning from (0, 0), 26 high, on two poles down to 74."""
    stripes = 6
    step = width / stripes
    found = [box(DARK, 4, 20, 3, 54), box(DARK, width - 7, 20, 3, 54)]
    for index in range(stripes):
        fill = first if index % 2 == 0 else second
        x = index * step
        found.append(Shape(fill, f"M{x:.4g} 0h{step:.4g}v18C{x + step:.4g} 28 {x:.4g} 28 {x:.4g} 18Z"))
    return found


def bus(fill: str = RED) -> list[Shape]:
    """A city bus, 300 × 130 from (0, 0), wheels included, with a line of seeds along its side."""
    found = [
        Shape(fill, "M14 0H278C292 0 300 10 300 26V112H0V14C0 6 6 0 14 0Z"),
        box(CREAM, 0, 78, 300, 16),
        Shape(SKY, "M254 16H282C287 16 290 20 290 28V66H254Z"),
    ]
    found += [box(SKY, 14 + index * 40, 16, 32, 36) for index in range(4)]
    found += [box(SKY, 176, 16, 30, 88), box(SKY, 210, 16, 30, 88), box(fill, 205, 16, 2, 88)]
    for index in range(4):
        found += seed(fill, 34 + index * 40, 86, 1, 90)
        found += placed(
            [circle(SKIN, 0, 0, 8), Shape(CLOTHES[1 + index % 3], "M-12 18C-12 6 12 6 12 18Z")], x=30 + index * 40, y=34
        )
    for x in (64, 236):
        found += [circle(DARK, x, 112, 20), circle(PAPER, x, 112, 8)]
    return found


def drum(fill: str = RED) -> list[Shape]:
    """A big drum, 200 wide, its head round (0, 0), body down to 120."""
    studs = [circle(GOLD, -88 + index * 22, 34 - 0.0022 * (-88 + index * 22) ** 2, 3.4) for index in range(9)]
    foot = [circle(GOLD, -80 + index * 20, 112 - 0.0026 * (-80 + index * 20) ** 2, 3.4) for index in range(9)]
    return [
        Shape(fill, "M-100 0C-112 40-106 84-88 112C-50 132 50 132 88 112C106 84 112 40 100 0Z"),
        ellipse(CREAM, 0, 0, 100, 30),
        ellipse(PAPER, 0, 0, 86, 23),
        *placed(seed_ring(RED, 5.6, 6, 0.62), scale=3.4, stretch=1.6),
        *studs,
        *foot,
    ]


def shuttlecock() -> list[Shape]:
    """A feather shuttlecock, 90 high, its base at the origin."""
    feathers: list[Shape] = []
    for turn, fill in ((-34, GOLD), (34, GREEN), (-17, CLAY), (17, GOLD), (0, RED)):
        feathers += placed([Shape(fill, "M0 0C-14-24-14-58 0-80C14-58 14-24 0 0Z")], turn=turn)
    return [*feathers, ellipse(DARK, 0, 4, 20, 7), ellipse(GOLD, 0, 0, 13, 5)]


def board(width: float, height: float) -> list[Shape]:
    """A green board with chalk lines and a seed, from (0, 0)."""
    chalk = [
        box(CREAM, width * 0.1, height * (0.28 + 0.2 * i), width * part, height * 0.045)
        for i, part in enumerate((0.36, 0.5, 0.28))
    ]
    return [
        box(CLAY, -5, -5, width + 10, height + 10),
        box(GREEN, 0, 0, width, height),
        *chalk,
        *seed(CREAM, width * 0.8, height * 0.5, height * 0.036),
    ]


def hills(fill: str, width: float, top: float, bottom: float, wave: float = 0) -> Shape:
    """A ridge with two rises across `width`, from y = top down to y = bottom; `wave` 0…1 moves them."""
    depth = (bottom - top) * 0.5
    a, b = width * (0.2 + 0.2 * wave), width * (0.62 + 0.2 * wave)
    return Shape(
        fill,
        f"M0 {top + depth:.4g}C{a * 0.5:.4g} {top - depth * 0.5:.4g} {a:.4g} {top - depth * 0.3:.4g} "
        f"{(a + b) / 2:.4g} {top + depth * 0.55:.4g}C{b:.4g} {top + depth * 1.1:.4g} {b:.4g} {top - depth * 0.4:.4g} "
        f"{width:.4g} {top + depth * 0.6:.4g}V{bottom:.4g}H0Z",
    )


def kite(fill: str, second: str) -> list[Shape]:
    """A kite of two seeds with a tail, its middle at the origin, 60 high."""
    tail = [polygon(fill, [(-2, 28), (2, 28), (8, 52), (2, 76), (6, 98), (1, 98), (-3, 76), (3, 52)])]
    return [*tail, *seed(fill, 0, 0, 5.6), *seed(second, 0, 2, 2.8)]


def hall(width: float = 260) -> list[Shape]:
    """A memorial hall on y = 0 with columns, steps and a seed in its gable; its middle at x = 0."""
    half = width / 2
    found = [
        placed(
            [Shape(RED, "M-1-.1C-.74-.16-.56-.3-.48-.48H.48C.56-.3 .74-.16 1-.1L.9 .1H-.9Z")], scale=half * 1.12, y=-122
        )[0],
        box(DARK, -half * 0.56, -195, half * 1.12, 6),
        *seed(CREAM, 0, -150, 2.6),
        box(CREAM, -half, -118, width, 14),
        box(PAPER, -half + 8, -104, width - 16, 84),
    ]
    found += [box(CREAM, -half + 14 + index * (width - 44) / 5, -104, 16, 84) for index in range(6)]
    found.append(Shape(RED, "M-17-20V-66C-17-84 17-84 17-66V-20Z"))
    return [*found, box(CREAM, -half - 6, -20, width + 12, 10), box(CLAY, -half - 18, -10, width + 36, 10)]


def bunting(width: float, sag: float, count: int = 11) -> list[Shape]:
    """Pennants on a string from (0, 0) to (width, 0)."""

    def at(part: float) -> tuple[float, float]:
        return width * part, 4 * sag * part * (1 - part)

    upper = [at(i / 24) for i in range(25)]
    found = [polygon(DARK, [*upper, *[(x, y + 2) for x, y in reversed(upper)]])]
    for index in range(count):
        x, y = at((index + 0.5) / count)
        half = width / count * 0.34
        fill = (RED, GOLD, GREEN, CLAY)[index % 4]
        found.append(polygon(fill, [(x - half, y), (x + half, y), (x, y + half * 2.3)]))
    return found
