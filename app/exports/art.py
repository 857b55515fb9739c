"""The picture at the head of a poster: one composition a kind of activity."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from app.exports import pieces as p
from app.exports.shapes import Shape, box, circle, placed, polygon

WIDTH, HEIGHT = 794.0, 384.0  # the frame that the compositions are drawn in


@dataclass(frozen=True, slots=True)
class Scene:
    """What a picture is made of; `busy` are boxes that the scattered seeds avoid."""

    ground: str
    middle: list[Shape] = field(default_factory=list)  # floats in the middle
    standing: list[Shape] = field(default_factory=list)  # stands on the lower edge
    busy: tuple[tuple[float, float, float, float], ...] = ()
    hung: list[Shape] = field(default_factory=list)  # hangs from the upper edge, as wide as the frame
    back: list[Shape] = field(default_factory=list)  # behind all, on the lower edge, as wide as the frame


def scene_shapes(kind: str, width: float, height: float, serial: str = "") -> list[Shape]:
    """The picture in a frame of any size; an unknown kind gets the market. `serial` scatters the seeds."""
    scene = SCENES.get(kind, _market)()
    scale = min(width / WIDTH, height / HEIGHT)
    left, extra = (width - WIDTH * scale) / 2, height - HEIGHT * scale
    wide = width / (WIDTH * scale)
    return [
        box(scene.ground, 0, 0, width, height),
        *placed(scene.back, y=extra, scale=scale, stretch=wide),
        *_scattered(scene, width, height, serial),
        *placed(scene.hung, scale=scale, stretch=wide),
        *placed(scene.middle, x=left, y=extra / 2, scale=scale),
        *placed(scene.standing, x=left, y=extra, scale=scale),
    ]


def _scattered(scene: Scene, width: float, height: float, serial: str) -> list[Shape]:
    scale = min(width / WIDTH, height / HEIGHT)
    left, extra = (width - WIDTH * scale) / 2, (height - HEIGHT * scale) / scale
    dice = random.Random(zlib.crc32(serial.encode()))
    fills = [fill for fill in (p.RED, p.GOLD, p.RED, p.CLAY, p.GREEN) if fill != scene.ground]
    taken: list[tuple[float, float]] = []
    found: list[Shape] = []
    for _ in range(400):
        x, y = dice.uniform(22 * scale, width - 22 * scale), dice.uniform(22 * scale, height - 22 * scale)
        ux, uy = (x - left) / scale, y / scale
        # A taller frame moves things down by half of what it is taller, or by all of it.
        is_free = not any(a - 26 < ux < c + 26 and b - 26 < uy < d + 26 + extra for a, b, c, d in scene.busy)
        if not is_free or any((x - a) ** 2 + (y - b) ** 2 < (92 * scale) ** 2 for a, b in taken):
            continue
        fill = fills[len(taken) % len(fills)]
        taken.append((x, y))
        found += p.seed(fill, x, y, dice.uniform(2.4, 3.4) * scale, dice.uniform(0, 360))
        if len(taken) == 12:
            break
    return found


def _heritage() -> Scene:
    middle = [*placed(p.paper_cut(), x=178, y=192), *placed(p.pomegranate(p.PAPER), x=600, y=236)]
    gourds = [*placed(p.gourd(p.GOLD), x=404, y=288, scale=1.75), *placed(p.gourd(p.CLAY), x=346, y=322, scale=1.15)]
    return Scene(p.PAPER, middle, gourds, ((38, 52, 318, 332), (455, 30, 750, 384), (310, 200, 462, 384)))


def _market() -> Scene:
    hung = placed(p.bunting(794, 46, 13), y=18)
    stalls: list[Shape] = []
    for x, first, coats in ((40, p.RED, (p.GOLD, p.GREEN)), (574, p.GREEN, (p.RED, p.CLAY))):
        stalls += placed(p.row(2, 34, coats), x=x + 58, y=276, scale=2.0)
        stalls += placed(p.awning(90, first), x=x, y=176, scale=2.0)
        stalls += [box(p.CREAM, x - 6, 300, 192, 12), box(first, x, 312, 180, 44)]
        stalls += placed(p.gourd(p.GOLD), x=x + 40, y=276, scale=0.4)
        stalls += placed(p.paper_cut(), x=x + 140, y=274, scale=0.17)
    fruit = placed(p.pomegranate(p.PAPER), x=397, y=248, scale=0.78)
    people: list[Shape] = []
    for x, coat in ((258, p.GREEN), (536, p.GOLD)):
        people += placed(p.person(coat), x=x, y=352, scale=2.7)
    busy = ((-400, 0, 1200, 90), (-400, 330, 1200, 384), (24, 150, 240, 384), (210, 70, 560, 384), (560, 150, 776, 384))
    return Scene(p.PAPER, [], [*stalls, *fruit, *people], busy, hung, [box(p.CLAY, 0, 344, 794, 40)])


def _publicity() -> Scene:
    town: list[Shape] = []
    for x, wall, roof, width, height in (
        (30, p.PAPER, p.CLAY, 92, 120),
        (268, p.CREAM, p.GREEN, 96, 172),
        (436, p.PAPER, p.GOLD, 84, 190),
        (690, p.CREAM, p.CLAY, 84, 104),
    ):
        town += placed(p.house(wall, roof, width, height), x=x, y=330)
    for x, size in ((196, 1.5), (662, 1.25)):
        town += placed(p.tree(), x=x, y=330, scale=size)
    street = [box(p.DARK, 0, 330, 794, 54)] + [box(p.PAPER, 20 + 110 * i, 355, 60, 5) for i in range(7)]
    bus = placed(p.bus(), x=230, y=182, scale=1.22)
    sun = [circle(p.GOLD, 690, 78, 40), *placed(p.seed_ring(p.GOLD, 58, 12, 1.5, inward=False), x=690, y=78)]
    return Scene(p.SKY, sun, [*town, *bus], ((610, 0, 770, 160), (-400, 110, 1200, 384)), back=street)


def _youth() -> Scene:
    lake = [
        p.hills(p.GREEN, 794, 206, 330, 0.2),
        box(p.CREAM, 0, 300, 794, 84),
        Shape(p.SKY, "M60 316h180v5H60zM420 308h220v5H420zM640 326h120v5H640z"),
        Shape(p.PAPER, "M0 352C200 322 520 326 794 356V384H0Z"),
    ]
    strings = [
        polygon(p.DARK, [(252, 308), (254, 308), (325, 144), (323, 144)]),
        polygon(p.DARK, [(547, 308), (545, 308), (481, 121), (483, 121)]),
    ]
    kites = [
        *placed(p.kite(p.RED, p.GOLD), x=336, y=104, scale=1.5, turn=18),
        *placed(p.kite(p.GOLD, p.RED), x=472, y=86, scale=1.3, turn=-16),
    ]
    friends = [
        *placed(p.raised(p.RED), x=226, y=338, scale=2.6),
        *placed(p.raised(p.GOLD), x=573, y=338, scale=2.6, stretch=-1),
    ]
    for x, coat in ((150, p.CLAY), (358, p.GREEN), (436, p.CLAY), (652, p.GREEN)):
        friends += placed(p.person(coat), x=x, y=346, scale=2.3)
    sun = [circle(p.GOLD, 676, 84, 42)]
    busy = ((610, 20, 740, 150), (270, 10, 550, 200), (-400, 190, 1200, 384))
    return Scene(p.SKY, sun, [*strings, *kites, *friends], busy, back=lake)


def _sport() -> Scene:
    curtain = [box(p.RED, 0, 0, 794, 34)]
    for index in range(8):
        x = index * 99.25
        curtain.append(Shape(p.RED, f"M{x:.5g} 30h99.3C{x + 80:.5g} 78 {x + 20:.5g} 78 {x:.5g} 30Z"))
    stage = [box(p.CLAY, 0, 330, 794, 54), box(p.DARK, 0, 330, 794, 6)]
    sticks = [
        polygon(p.GOLD, [(330, 120), (338, 114), (420, 196), (414, 202)]),
        circle(p.CREAM, 418, 198, 9),
        polygon(p.GOLD, [(500, 96), (509, 101), (444, 196), (436, 191)]),
        circle(p.CREAM, 439, 193, 9),
    ]
    drum = placed(p.drum(), x=420, y=214, scale=1.16)
    birds = [
        *placed(p.shuttlecock(), x=180, y=214, scale=1.35, turn=-24),
        *placed(p.shuttlecock(), x=652, y=206, scale=1.1, turn=26),
    ]
    people: list[Shape] = []
    for x, coat in ((70, p.GREEN), (150, p.GOLD), (236, p.CLAY), (606, p.GOLD), (690, p.GREEN), (752, p.RED)):
        people += placed(p.person(coat), x=x, y=312, scale=2.3)
    busy = ((-400, 0, 1200, 84), (90, 70, 720, 384), (-400, 240, 1200, 384))
    return Scene(p.SKY, [], [*people, *drum, *sticks, *birds], busy, curtain, stage)


def _training() -> Scene:
    wall = placed(p.board(430, 190), x=120, y=44)
    seats = [box(p.CLAY, 0, 352, 794, 32)]
    speaker = [
        *placed(p.raised(p.RED), x=684, y=232, scale=4.2, stretch=-1),
        Shape(p.CLAY, "M636 256h96l-12 110h-72z"),
        *p.seed(p.CREAM, 684, 306, 2.6),
    ]
    heads = [*_spread(7, 82, 44, 322, 2.6, 0), *_spread(7, 88, 4, 378, 3.0, 2)]
    busy = ((108, 30, 562, 250), (600, 120, 760, 384), (-400, 250, 1200, 384))
    return Scene(p.PAPER, [], [*wall, *speaker, *heads], busy, back=seats)


def _spread(count: int, gap: float, x: float, y: float, scale: float, shift: int) -> list[Shape]:
    coats = (p.GOLD, p.GREEN, p.RED, p.SKY, p.CREAM)
    found: list[Shape] = []
    for index in range(count):
        found += placed(p.child_back(coats[(index + shift) % 5]), x=x + index * gap, y=y, scale=scale)
    return found


def _base() -> Scene:
    land = [
        p.hills(p.GREEN, 794, 150, 384, 0.6),
        Shape(p.PAPER, "M0 330C240 306 560 306 794 330V384H0Z"),
        Shape(p.CREAM, "M360 322H434L520 384H274Z"),
    ]
    hall = placed(p.hall(), x=397, y=326, scale=1.42)
    trees: list[Shape] = []
    for x, size in ((58, 1.6), (136, 1.25), (664, 1.3), (740, 1.7)):
        trees += placed(p.tree("#3f6650"), x=x, y=336, scale=size)
    walkers: list[Shape] = []
    for x, coat in ((190, p.RED), (244, p.GOLD), (298, p.CLAY), (500, p.GOLD), (554, p.RED), (608, p.CLAY)):
        walkers += placed(p.child_back(coat), x=x, y=352, scale=2.2)
    sun = [circle(p.GOLD, 118, 88, 38)]
    busy = ((60, 30, 180, 150), (170, 20, 624, 384), (-400, 150, 1200, 384))
    return Scene(p.SKY, sun, [*hall, *trees, *walkers], busy, back=land)


SCENES: dict[str, Callable[[], Scene]] = {
    "exchange": _market,
    "publicity": _publicity,
    "heritage_visit": _heritage,
    "youth_exchange": _youth,
    "culture_sport": _sport,
    "training": _training,
    "base_visit": _base,
}
