"""Photos for the demo, drawn: a scene a kind, varied by its seed, so that no third-party picture is needed."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from io import BytesIO

from PIL import ExifTags, Image, ImageChops

from app.exports import pieces as p
from app.exports.shapes import Shape, box, circle, ellipse, fill_shapes, placed, polygon

SHANGHAI = timezone(timedelta(hours=8))
FRAME = (1000.0, 750.0)  # units that the scenes are drawn in, before the camera moves
SMOOTH = 2  # drawn this much larger and averaged
PALETTES = (
    (p.PAPER, p.RED, p.GOLD, p.GREEN, p.CLAY),
    (p.SKY, p.GOLD, p.RED, p.CLAY, p.GREEN),
    ("#e6e1d2", p.GREEN, p.CLAY, p.RED, p.GOLD),
    ("#dfc9a8", p.CLAY, p.GREEN, p.GOLD, p.RED),
    ("#c9d6c4", p.RED, p.CLAY, p.GOLD, p.GREEN),
    ("#e9d3c0", p.GREEN, p.RED, p.CLAY, p.GOLD),
)
Dice = random.Random
Colours = tuple[str, str, str, str, str]  # ground, first … fourth


def scene_jpeg(kind: str, seed: int, taken_at: datetime, size: tuple[int, int] = (1600, 1200)) -> bytes:
    """A photo of an activity's kind, or of one of SCENES by name. `taken_at` is aware; EXIF gets Shanghai time.

    The same arguments give the same bytes; another seed gives a picture that no likeness test finds near.
    """
    dice = Dice(f"{kind}/{seed}")
    choices = KINDS.get(kind, (kind if kind in SCENES else "talk",))
    name = choices[seed % len(choices)]
    shapes = _camera(SCENES[name](dice, dice.choice(PALETTES)), dice)
    picture = _lit(_painted(shapes, size), dice)
    exif = Image.Exif()
    stamp = taken_at.astimezone(SHANGHAI).strftime("%Y:%m:%d %H:%M:%S")
    exif[ExifTags.Base.DateTime] = stamp
    inside = exif.get_ifd(ExifTags.IFD.Exif)
    inside[ExifTags.Base.DateTimeOriginal] = stamp
    inside[ExifTags.Base.OffsetTimeOriginal] = "+08:00"
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=86, exif=exif)
    return buffer.getvalue()


def near_copy(jpeg: bytes) -> bytes:
    """The picture as another town would send it: a little cropped, brighter, smaller, saved again, without EXIF."""
    with Image.open(BytesIO(jpeg), formats=["JPEG"]) as image:
        picture = image.convert("RGB")
    width, height = picture.size
    edge = (round(width * 0.006), round(height * 0.006))
    picture = picture.crop((*edge, width - edge[0], height - edge[1]))
    picture = picture.point(lambda value: min(255, round(value * 1.03 + 2)))
    picture = picture.resize((round(width * 0.8), round(height * 0.8)), Image.Resampling.BILINEAR, reducing_gap=2)
    buffer = BytesIO()
    picture.save(buffer, "JPEG", quality=70)
    return buffer.getvalue()


def _camera(shapes: list[Shape], dice: Dice) -> list[Shape]:
    """Another photographer: nearer, to the side, tilted a little, and sometimes from the other end."""
    scale, turn = dice.uniform(1.06, 1.34), dice.uniform(-1.8, 1.8)
    mirror = dice.choice((1, -1))
    slack_x, slack_y = FRAME[0] * (scale - 1.05) / 2, FRAME[1] * (scale - 1.05) / 2
    centred = placed(shapes, x=-FRAME[0] / 2, y=-FRAME[1] / 2)
    x, y = FRAME[0] / 2 + dice.uniform(-slack_x, slack_x), FRAME[1] / 2 + dice.uniform(-slack_y, slack_y)
    return placed(centred, x=x, y=y, scale=scale, turn=turn, stretch=mirror)


def _painted(shapes: list[Shape], size: tuple[int, int]) -> Image.Image:
    """Filled as palette numbers at twice the size (a byte a pixel), then averaged."""
    fills = {fill: index for index, fill in enumerate(dict.fromkeys(shape.fill for shape in shapes))}
    image = Image.new("P", (size[0] * SMOOTH, size[1] * SMOOTH))
    image.putpalette([int(fill[at : at + 2], 16) for fill in fills for at in (1, 3, 5)])
    fill_shapes(image, shapes, scale=size[0] * SMOOTH / FRAME[0], ink=fills)
    return image.convert("RGB").reduce(SMOOTH)


def _lit(picture: Image.Image, dice: Dice) -> Image.Image:
    """Uneven light, as in every room and under every tree; it also makes the hashes differ for sure."""
    light = Image.new("L", (7, 6))
    light.putdata([dice.randint(222, 255) for _ in range(42)])
    wide = light.resize((picture.width // 8, picture.height // 8), Image.Resampling.BICUBIC)
    wide = wide.resize(picture.size, Image.Resampling.BILINEAR)
    warm = (wide, wide.point(lambda v: round(v * 0.99)), wide.point(lambda v: round(v * 0.965)))
    return ImageChops.multiply(picture, Image.merge("RGB", warm))


# The scenes. Each fills a frame of 1000 × 750 with some ground beyond its edges.


def _ground(fill: str) -> Shape:
    return box(fill, -300, -300, 1600, 1350)


def _floor(fill: str, y: float) -> Shape:
    return box(fill, -300, y, 1600, 1350 - y)


def _people(dice: Dice, y: float, scale: float, colours: Colours, *, backs: bool = False) -> list[Shape]:
    found: list[Shape] = []
    x = -60 + dice.uniform(0, 60)
    coats = (*colours[1:], p.CREAM, p.SKY)
    while x < 1060:
        coat = dice.choice(coats)
        who = p.child_back(coat) if backs else dice.choice((p.person, p.person, p.raised))(coat)
        found += placed(who, x=x, y=y + dice.uniform(-8, 8), scale=scale * dice.uniform(0.9, 1.1))
        x += scale * dice.uniform(19, 32)
    return found


def _classroom(dice: Dice, colours: Colours) -> list[Shape]:
    left, width = dice.uniform(60, 260), dice.uniform(460, 600)
    found = [_ground(colours[0]), _floor(p.CLAY if colours[4] != p.CLAY else p.GOLD, 560)]
    found += placed(p.board(width, dice.uniform(220, 280)), x=left, y=dice.uniform(70, 120))
    at = left + width + 110
    found += [box(p.SKY, at, 90, 150, 210), box(p.CREAM, at + 70, 90, 8, 210), box(p.CREAM, at, 190, 150, 8)]
    found += placed(p.raised(colours[1]), x=left + width * dice.uniform(0.3, 0.95), y=440, scale=9)
    thing = p.paper_cut() if dice.random() < 0.5 else p.gourd(p.GOLD)
    found += placed(thing, x=left + dice.uniform(40, width * 0.25), y=330, scale=0.55)
    found += _people(dice, 600, 6.2, colours, backs=True)
    return found + _people(dice, 720, 7.6, colours, backs=True)


def _craft(dice: Dice, colours: Colours) -> list[Shape]:
    found = [_ground(colours[4]), box(colours[0], 70, 80, 860, 600)]
    spots = [(x, y) for x in (210, 400, 600, 790) for y in (230, 420, 590)]
    dice.shuffle(spots)
    for index, (column, line) in enumerate(spots[: dice.randint(6, 8)]):
        x, y = column + dice.uniform(-34, 34), line + dice.uniform(-26, 26)
        if index < 2:
            found += placed(p.paper_cut(colours[1]), x=x, y=y, scale=dice.uniform(0.6, 0.9), turn=dice.uniform(0, 40))
        elif index < 5:
            found += placed(
                p.gourd(colours[2], colours[1]), x=x, y=y, scale=dice.uniform(1.3, 2), turn=dice.uniform(-30, 30)
            )
        else:
            turn = dice.uniform(-40, 40)
            found += placed(
                [box(colours[3], -70, -9, 140, 18), polygon(p.DARK, [(70, -9), (98, 0), (70, 9)])], x=x, y=y, turn=turn
            )
    for side in (dice.uniform(120, 400), dice.uniform(560, 880)):
        found += placed(
            [Shape(colours[3], "M-46 160L-34 0H34L46 160Z"), ellipse(p.SKIN, 0, -10, 32, 38)], x=side, y=640
        )
    return found


def _market(dice: Dice, colours: Colours) -> list[Shape]:
    found = [_ground(p.SKY if colours[0] != p.SKY else p.PAPER), _floor(colours[0], 420)]
    found += placed(p.bunting(1400, dice.uniform(60, 130), 17), x=-200, y=dice.uniform(10, 60))
    x = dice.uniform(-60, 20)
    while x < 980:
        scale = dice.uniform(2.5, 3.4)
        found += placed(p.person(dice.choice(colours[1:])), x=x + 50 * scale, y=400, scale=5.4)
        found += [box(p.CREAM, x - 6, 424, 90 * scale + 12, 16), box(dice.choice(colours[1:]), x, 440, 90 * scale, 90)]
        found += placed(p.awning(90, dice.choice(colours[1:])), x=x, y=424 - 70 * scale, scale=scale)
        for index in range(3):
            thing = dice.choice((p.gourd(p.GOLD), p.gourd(p.CLAY), p.paper_cut()))
            size = 0.26 if len(thing) > 6 else 0.7
            found += placed(thing, x=x + (18 + 26 * index) * scale, y=388, scale=size)
        x += 90 * scale + dice.uniform(24, 110)
    return found + _people(dice, 690, 7, colours, backs=dice.random() < 0.6)


def _street(dice: Dice, colours: Colours) -> list[Shape]:
    found = [_ground(p.SKY), circle(p.GOLD, dice.uniform(80, 920), dice.uniform(70, 150), dice.uniform(40, 64))]
    x = dice.uniform(-120, -40)
    while x < 1050:
        width, height = dice.uniform(110, 190), dice.uniform(150, 330)
        wall = dice.choice((p.PAPER, p.CREAM, "#e6e1d2", "#dfc9a8"))
        found += placed(p.house(wall, dice.choice(colours[1:]), width, height, dice.randint(2, 3)), x=x, y=520)
        x += width + dice.uniform(20, 70)
    found += [_floor(p.DARK, 520), *[box(p.PAPER, -80 + 190 * i, 620, 100, 9) for i in range(7)]]
    found += placed(p.bus(dice.choice((p.RED, p.GREEN, p.CLAY))), x=dice.uniform(60, 420), y=300, scale=1.85)
    for _ in range(dice.randint(1, 3)):
        found += placed(p.person(dice.choice(colours[1:])), x=dice.uniform(40, 960), y=690, scale=7)
    return found


def _lake(dice: Dice, colours: Colours) -> list[Shape]:
    hill = p.hills(p.GREEN, 1600, dice.uniform(180, 280), 440, dice.random())
    found = [_ground(p.SKY), circle(p.GOLD, dice.uniform(120, 880), dice.uniform(80, 160), 62)]
    found += placed([hill], x=-300)
    found += [_floor(p.CREAM, 430), *[box(p.SKY, dice.uniform(-50, 800), 450 + 22 * i, 220, 7) for i in range(4)]]
    found += placed(
        [Shape(colours[0] if colours[0] != p.SKY else p.PAPER, "M-300 560C100 500 700 500 1300 570V1100H-300Z")]
    )
    for index in range(dice.randint(1, 3)):
        x, y = dice.uniform(120, 880), dice.uniform(80, 220)
        foot = x + dice.uniform(-160, 160)
        found.append(polygon(p.DARK, [(foot, 600), (foot + 3, 600), (x + 2, y), (x - 1, y)]))
        found += placed(
            p.kite(colours[1 + index], colours[2 + index % 2]), x=x, y=y, scale=2, turn=dice.uniform(-40, 40)
        )
    return found + _people(dice, 640, 7.2, colours)


def _stage(dice: Dice, colours: Colours) -> list[Shape]:
    curtain = dice.choice((p.RED, p.GREEN, p.CLAY))
    found = [_ground(p.SKY if colours[0] == p.PAPER else colours[0]), box(curtain, -300, -300, 1600, 370)]
    found += [Shape(curtain, f"M{index * 110 - 160} 60h110c-20 70-90 70-110 0z") for index in range(12)]
    found += placed(p.paper_cut(p.RED), x=dice.uniform(220, 780), y=250, scale=dice.uniform(0.5, 0.8))
    found += [_floor(p.PAPER, 480), box(p.CLAY, -300, 480, 1600, 12)]
    x = dice.uniform(90, 180)
    while x < 930:
        what = dice.random()
        who = p.drum() if what < 0.22 else p.raised(dice.choice(colours[1:])) if what < 0.7 else p.person(colours[1])
        found += placed(who, x=x, y=420, scale=0.8 if what < 0.22 else 7.6, stretch=dice.choice((1, -1)))
        x += dice.uniform(110, 190)
    return found + _people(dice, 690, 7, colours, backs=True)


def _talk(dice: Dice, colours: Colours) -> list[Shape]:
    left = dice.uniform(80, 380)
    screen = dice.choice((p.CREAM, p.SKY, p.GREEN))
    found = [
        _ground(colours[0]),
        _floor(p.CLAY, 600),
        box(p.DARK, left - 8, 72, 496, 306),
        box(screen, left, 80, 480, 290),
    ]
    chalk = p.DARK if screen != p.GREEN else p.CREAM
    found += [box(chalk, left + 50, 130 + 42 * i, dice.uniform(120, 300), 14) for i in range(dice.randint(3, 5))]
    found += p.seed(p.RED, left + 400, 220, 9)
    at = left + 600 if left < 230 else left - 130
    found += placed(p.person(colours[1]), x=at, y=370, scale=9)
    found += placed([Shape(p.CLAY, "M-90 0H90L70 190H-70Z"), *p.seed(p.CREAM, 0, 80, 5)], x=at, y=420)
    return found + _people(dice, 600, 6.4, colours, backs=True) + _people(dice, 720, 7.8, colours, backs=True)


def _base(dice: Dice, colours: Colours) -> list[Shape]:
    found = [_ground(p.SKY), *placed([p.hills(p.GREEN, 1600, dice.uniform(150, 240), 600, dice.random())], x=-300)]
    middle = dice.uniform(380, 620)
    found += [
        _floor(p.PAPER, 520),
        polygon(p.CREAM, [(middle - 70, 520), (middle + 70, 520), (middle + 260, 1000), (middle - 260, 1000)]),
    ]
    found += placed(p.hall(dice.uniform(220, 320)), x=middle, y=525, scale=1.75)
    for _ in range(dice.randint(3, 6)):
        x = dice.choice((dice.uniform(-20, middle - 330), dice.uniform(middle + 330, 1020)))
        found += placed(p.tree("#3f6650"), x=x, y=530, scale=dice.uniform(2, 3.2))
    return found + _people(dice, 660, 7, colours, backs=dice.random() < 0.5)


def _sheet(dice: Dice, colours: Colours) -> list[Shape]:
    """A paper sign-in sheet on a table; scribbles, never a legible name."""
    paper = [box(p.CREAM, -300, -380, 600, 780), box(p.DARK, -110, -340, 220, 22)]
    rows = dice.randint(9, 12)
    paper += [box("#8b8077", -260, -280 + row * 52, 520, 3) for row in range(rows + 1)]
    paper += [box("#8b8077", x, -280, 3, rows * 52) for x in (-260, -190, -20, 120, 257)]
    for row in range(1, dice.randint(6, rows)):
        for x, width in ((-170, 110), (0, 90), (140, 96)):
            points = [(x + i * width / 9, -254 + row * 52 + dice.uniform(-12, 12)) for i in range(10)]
            paper.append(polygon(p.DARK, [*points, *[(a, b + 4) for a, b in reversed(points)]]))
    found = [_ground(colours[4]), box(colours[3], -300, dice.uniform(560, 660), 1600, 500)]
    found += placed(paper, x=dice.uniform(420, 580), y=dice.uniform(370, 420), turn=dice.uniform(-14, 14), scale=0.92)
    pen = [box(colours[1], -130, -11, 240, 22), polygon(p.DARK, [(110, -11), (146, 0), (110, 11)])]
    found += placed(pen, x=dice.uniform(150, 860), y=dice.uniform(520, 660), turn=dice.uniform(-70, 70))
    return found + placed(
        [circle(p.CREAM, 0, 0, 74), circle(colours[2], 0, 0, 60)], x=dice.choice((90, 910)), y=dice.uniform(80, 300)
    )


def _circle(dice: Dice, colours: Colours) -> list[Shape]:
    """People round a table, reading or eating dumplings."""
    found = [_ground(colours[0]), _floor(p.CLAY if colours[0] != "#dfc9a8" else p.GREEN, 400)]
    for index in range(dice.randint(2, 4)):
        found += placed(
            p.lantern(dice.choice((p.RED, p.GOLD))),
            x=120 + 230 * index + dice.uniform(-40, 40),
            y=-20,
            scale=dice.uniform(2.4, 3.6),
        )
    found += _people(dice, 430, 7.4, colours)
    found += [ellipse(p.DARK, 500, 548, 420, 92), ellipse(p.CREAM, 500, 536, 420, 92)]
    for _ in range(dice.randint(7, 11)):
        x, y = dice.uniform(180, 820), dice.uniform(500, 574)
        found += [ellipse(dice.choice(colours[1:]), x, y, 44, 16), ellipse(p.PAPER, x, y - 4, 30, 9)]
    return found + _people(dice, 720, 8.4, colours, backs=True)


SCENES: dict[str, Callable[[Dice, Colours], list[Shape]]] = {
    "class": _classroom,
    "craft": _craft,
    "market": _market,
    "bus": _street,
    "lake": _lake,
    "stage": _stage,
    "talk": _talk,
    "base": _base,
    "sheet": _sheet,
    "circle": _circle,
}
KINDS: dict[str, tuple[str, ...]] = {
    "exchange": ("circle", "market", "stage"),
    "publicity": ("bus", "market", "stage"),
    "heritage_visit": ("class", "craft"),
    "youth_exchange": ("lake", "circle", "base"),
    "culture_sport": ("stage", "market"),
    "training": ("talk", "circle"),
    "base_visit": ("base", "talk"),
}
