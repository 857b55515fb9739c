"""Flat shapes: the same path for Pillow and for SVG."""

from __future__ import annotations

import pytest
from PIL import Image

from app.activities.kinds import KINDS
from app.exports.art import SCENES, scene_shapes
from app.exports.pieces import SEED
from app.exports.shapes import Shape, box, circle, drawn, fill_shapes, placed


def test_relative_and_absolute_paths_fill_the_same() -> None:
    pictures = []
    for d in ("M10 10h20v20h-20z", "M10 10L30 10V30H10Z", "m10 10l20 0l0 20l-20 0z"):
        image = Image.new("L", (40, 40))
        fill_shapes(image, [Shape("white", d)])
        pictures.append(image.tobytes())
    assert len(set(pictures)) == 1


def test_a_circle_covers_what_a_circle_covers() -> None:
    image = drawn([box("#000000", 0, 0, 100, 100), circle("#ffffff", 50, 50, 40)], 100, 100, scale=1, smooth=4)
    share = sum(image.convert("L").tobytes()) / 255 / 10_000
    assert share == pytest.approx(0.5027, abs=0.012)


def test_placing_twice_is_placing_once_by_the_product() -> None:
    once = placed([Shape("red", SEED)], x=30, y=10, scale=6, turn=90)
    twice = placed(placed([Shape("red", SEED)], scale=3, turn=40), x=30, y=10, scale=2, turn=50)
    assert once[0].matrix == pytest.approx(twice[0].matrix)


def test_every_kind_has_its_picture() -> None:
    assert set(SCENES) == set(KINDS)


@pytest.mark.parametrize("kind", sorted(SCENES))
@pytest.mark.parametrize("size", [(794, 384), (794, 250), (500, 242), (794, 470)])
def test_a_picture_fills_its_whole_frame(kind: str, size: tuple[int, int]) -> None:
    image = drawn(scene_shapes(kind, *size, serial="a"), *size, scale=1, smooth=1)
    corners = [(0, 0), (size[0] - 1, 0), (0, size[1] - 1), (size[0] - 1, size[1] - 1)]
    assert all(image.getpixel(corner) != (0, 0, 0) for corner in corners)


def test_the_serial_scatters_the_seeds_and_nothing_else_changes() -> None:
    one, again, other = (scene_shapes("heritage_visit", 794, 384, serial) for serial in ("a", "a", "b"))
    assert one == again
    assert one != other
