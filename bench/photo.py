"""Photo group: the whole photo process over naive Pillow in one process, same pictures, interleaved."""

from __future__ import annotations

import io
import random
import time
from pathlib import Path
from statistics import median

from PIL import Image, ImageOps

from app.evidence.photo_process import PhotoProcess

GROUP = "photo"
ROUNDS = 3
SHARED = Path(__file__).resolve().parents[2] / "shared" / "photos" / "iphone.jpg"


def picture() -> bytes:
    """A 12-megapixel JPEG: a camera's where one lies beside the checkout, else a drawn one."""
    if SHARED.exists():
        return SHARED.read_bytes()
    dice = random.Random(1)
    small = Image.frombytes("RGB", (504, 378), dice.randbytes(504 * 378 * 3))
    buffer = io.BytesIO()
    small.resize((4032, 3024), Image.Resampling.BICUBIC).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


def naive(data: bytes) -> None:
    """What most programs do: open, turn, resize, save twice."""
    with Image.open(io.BytesIO(data)) as image:
        upright = ImageOps.exif_transpose(image).convert("RGB")
        for side in (1600, 320):
            copy = upright.copy()
            copy.thumbnail((side, side))
            copy.save(io.BytesIO(), "JPEG", quality=82)


def run() -> tuple[dict[str, float], object]:
    """`photo.vs_naive`: median time of the process, hashes included, over the naive one."""
    data, process = picture(), PhotoProcess()
    process.convert(data)  # start it
    naive(data)
    ours, theirs = [], []
    for _ in range(ROUNDS):
        for times, work in ((theirs, naive), (ours, process.convert)):
            begun = time.perf_counter()
            for _ in range(5):
                work(data)
            times.append((time.perf_counter() - begun) / 5)
    process.stop()
    ratio = median(o / t for o, t in zip(ours, theirs, strict=True))
    return {"photo.vs_naive": ratio}, {"ours_s": ours, "naive_s": theirs}
