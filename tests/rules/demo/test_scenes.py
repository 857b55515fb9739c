"""The demo's drawn photos: each its own, and a near copy that is found."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from io import BytesIO
from itertools import combinations

import pytest
from PIL import Image

from app.activities.kinds import KINDS as ACTIVITY_KINDS
from app.demo.scenes import KINDS, SCENES, near_copy, scene_jpeg
from app.evidence.imaging import difference_hashes, process
from app.evidence.likeness import NEAR, distance, hamming

TAKEN = datetime(2026, 10, 14, 2, 21, 30, tzinfo=UTC)
NAMES = [*KINDS, *SCENES]
SIXTY = [(NAMES[index % len(NAMES)], index) for index in range(60)]


def hashes(jpeg: bytes) -> tuple[str, str]:
    with Image.open(BytesIO(jpeg)) as image:
        return difference_hashes(image.convert("RGB"))


@lru_cache
def sixty() -> tuple[dict[tuple[str, int], bytes], float]:
    started = time.process_time()
    found = {(name, seed): scene_jpeg(name, seed, TAKEN) for name, seed in SIXTY}
    return found, time.process_time() - started


def test_every_kind_of_activity_has_scenes() -> None:
    assert set(KINDS) == set(ACTIVITY_KINDS)
    assert {name for names in KINDS.values() for name in names} | {"sheet"} == set(SCENES)


@pytest.mark.serial
def test_sixty_photos_take_less_than_six_seconds_of_one_core() -> None:
    assert sixty()[1] < 6


@pytest.mark.serial
def test_no_two_seeds_are_near() -> None:
    found = [hashes(jpeg) for jpeg in sixty()[0].values()]
    assert min(hamming(one[0], other[0]) for one, other in combinations(found, 2)) >= 12
    assert min(distance(*one, *other) for one, other in combinations(found, 2)) > 2 * NEAR


@pytest.mark.serial
def test_seeds_of_one_scene_are_not_near_either() -> None:
    for name in SCENES:
        found = [hashes(scene_jpeg(name, seed, TAKEN, (400, 300))) for seed in range(12)]
        assert min(distance(*one, *other) for one, other in combinations(found, 2)) > 2 * NEAR, name


@pytest.mark.serial
def test_a_near_copy_is_near_and_not_the_same_file() -> None:
    for jpeg in list(sixty()[0].values())[::4]:
        copy = near_copy(jpeg)
        assert copy != jpeg
        assert hamming(hashes(jpeg)[0], hashes(copy)[0]) <= 6
        assert distance(*hashes(jpeg), *hashes(copy)) <= NEAR


def test_the_same_arguments_give_the_same_picture() -> None:
    one, again, other = (scene_jpeg("training", seed, TAKEN, (400, 300)) for seed in (3, 3, 4))
    assert one == again
    assert one != other


def test_the_photo_process_takes_it_and_reads_the_claimed_time() -> None:
    facts, _, _ = process(scene_jpeg("exchange", 1, TAKEN))
    assert datetime.fromisoformat(facts["claimed_at"]) == TAKEN
    assert (facts["width"], facts["height"]) == (1600, 1200)
    assert not facts["had_position"]
    with Image.open(BytesIO(scene_jpeg("exchange", 1, TAKEN + timedelta(hours=1), (400, 300)))) as image:
        assert image.getexif().get_ifd(0x8769)[0x9003] == "2026:10:14 11:21:30"


def test_a_near_copy_carries_no_time() -> None:
    facts, _, _ = process(near_copy(scene_jpeg("sheet", 2, TAKEN)))
    assert facts["claimed_at"] is None
