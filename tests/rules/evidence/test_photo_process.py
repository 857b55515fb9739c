"""The photo process on real camera files and on hostile ones."""

from __future__ import annotations

import io
import struct
import zlib
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PIL import Image

from app.demo.scenes import near_copy, scene_jpeg
from app.evidence.imaging import read_stamp
from app.evidence.likeness import NEAR, bands, distance
from app.evidence.photo_process import BYTES_MOST, PhotoProcess, PhotoRefused, PhotoResult
from app.evidence.storage import LocalStorage

SHARED = Path(__file__).resolve().parents[4] / "shared" / "photos"
real_files = pytest.mark.skipif(not SHARED.exists(), reason="the camera files beside the checkout are not here")
TAKEN = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)


@pytest.fixture(scope="module")
def process() -> PhotoProcess:
    return PhotoProcess()


def _code(process: PhotoProcess, data: bytes) -> str:
    with pytest.raises(PhotoRefused) as refused:
        process.convert(data)
    assert refused.value.message.endswith("。")
    return refused.value.code


def _bomb(side: int) -> bytes:
    """A PNG whose head promises side × side pixels."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"\x00" * (side * 3 + 1) * 200, 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _distance(a: PhotoResult, b: PhotoResult) -> int:
    return distance(a.row_hash, a.column_hash, b.row_hash, b.column_hash)


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "empty"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not_a_photo"),
        (b"GIF89a" + b"\x00" * 100, "not_a_photo"),
        (b"%PDF-1.7" + b"\x00" * 100, "not_a_photo"),
        (b"<html><script>alert(1)</script>", "not_a_photo"),
        (b"\x00\x00\x00\x18ftypheic" + b"\x00" * 100, "heic"),
        (b"\xff\xd8\xff\xe0" + b"\x00" * 500, "broken"),
        (b"\x89PNG\r\n\x1a\n" + b"\x00" * 500, "broken"),
        (_bomb(30_000), "too_many_pixels"),
        (b"\xff\xd8\xff" + b"\x00" * BYTES_MOST, "too_big"),
    ],
)
def test_each_hostile_file_ends_in_words(process: PhotoProcess, data: bytes, code: str) -> None:
    assert _code(process, data) == code


def test_the_process_goes_on_after_a_refusal_and_after_its_death(process: PhotoProcess) -> None:
    good = scene_jpeg("exchange", seed=1, taken_at=TAKEN, size=(320, 240))
    _code(process, good[: len(good) // 3])
    assert process.convert(good).width == 320
    process.stop()
    assert process.convert(good).width == 320


def test_nothing_of_the_upload_survives_but_its_pixels(process: PhotoProcess) -> None:
    payload = b"<script>alert(1)</script>"
    result = process.convert(scene_jpeg("exchange", seed=2, taken_at=TAKEN, size=(640, 480)) + payload)
    assert payload not in result.main
    with Image.open(io.BytesIO(result.main)) as image:
        assert not image.getexif()
        assert image.size == (640, 480)
    assert result.claimed_at == TAKEN
    assert max(Image.open(io.BytesIO(result.thumb)).size) == 320


@pytest.mark.parametrize("mode", ["RGBA", "P", "L", "I;16", "CMYK"])
def test_odd_modes_become_plain_pictures(process: PhotoProcess, mode: str) -> None:
    buffer = io.BytesIO()
    picture = Image.effect_mandelbrot((200, 150), (-2, -1.5, 1, 1.5), 40)
    kind = "JPEG" if mode == "CMYK" else "PNG"
    (picture.convert("RGB").convert("CMYK") if mode == "CMYK" else picture.convert(mode)).save(buffer, kind)
    assert process.convert(buffer.getvalue()).width == 200


def test_eight_threads_share_one_process(process: PhotoProcess) -> None:
    pictures = [scene_jpeg("exchange", seed=n, taken_at=TAKEN, size=(320, 240)) for n in range(8)]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(process.convert, pictures))
    assert len({result.stored_sha256 for result in results}) == 8
    assert [r.stored_sha256 for r in results] == [process.convert(p).stored_sha256 for p in pictures]


def test_a_near_copy_is_near_and_shares_bands_and_another_scene_is_not(process: PhotoProcess) -> None:
    first = scene_jpeg("exchange", seed=5, taken_at=TAKEN, size=(960, 720))
    one, copy = process.convert(first), process.convert(near_copy(first))
    other = process.convert(scene_jpeg("training", seed=6, taken_at=TAKEN, size=(960, 720)))
    assert _distance(one, copy) <= NEAR < _distance(one, other)
    shared = sum(
        a == b
        for a, b in zip(bands(one.row_hash, one.column_hash), bands(copy.row_hash, copy.column_hash), strict=True)
    )
    assert shared >= 4


@real_files
def test_real_camera_files(process: PhotoProcess) -> None:
    found = {path.name: process.convert(path.read_bytes()) for path in sorted(SHARED.glob("*.jpg"))}
    assert max(found["iphone.jpg"].width, found["iphone.jpg"].height) == 1600
    assert found["gps_DSCN0010.jpg"].had_position
    assert found["landscape_6.jpg"].width > found["landscape_6.jpg"].height  # turned upright
    assert _distance(found["iphone.jpg"], found["iphone_near_duplicate.jpg"]) <= NEAR
    assert _distance(found["iphone.jpg"], found["gps_DSCN0021.jpg"]) > 2 * NEAR
    assert _code(process, (SHARED / "iphone.heic").read_bytes()) == "heic"


@pytest.mark.parametrize(
    "stamp", ["", "0000:00:00 00:00:00", "2026:13:45 99:99:99", "<script>", None, "9999:12:31 23:59:59"]
)
def test_an_absurd_capture_time_is_no_time(stamp: str | None) -> None:
    assert read_stamp(stamp, None) is None


def test_the_stored_name_is_the_hash_and_nothing_else(tmp_path: Path) -> None:
    storage = LocalStorage(tmp_path)
    storage.put("ab" * 32, b"x")
    storage.put("ab" * 32, b"x")
    assert storage.path("ab" * 32).read_bytes() == b"x"
    assert oct(storage.path("ab" * 32).stat().st_mode)[-3:] == "600"
    for name in ("../../etc/passwd", "AB" * 32, "ab" * 31, ""):
        with pytest.raises(ValueError, match="not a hash"):
            storage.path(name)
