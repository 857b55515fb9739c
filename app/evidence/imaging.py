"""Decoding one picture: run in the limited child only. Pillow and the standard library."""

from __future__ import annotations

import hashlib
import warnings
from datetime import UTC, datetime, timedelta, timezone
from io import BytesIO
from typing import Any

from PIL import ExifTags, Image, ImageOps, JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin

# Named imports register the four decoders; Image.init() would load every other one too.
PLUGINS = (JpegImagePlugin, MpoImagePlugin, PngImagePlugin, WebPImagePlugin)
FORMATS = ("JPEG", "PNG", "WEBP")  # an MPO opens as a JPEG, its first frame
PIXELS_MOST = 60_000_000  # trust.md: header pixels ≤ 60 Mpx
LONG_SIDE = 1600
THUMB_SIDE = 320
QUALITY = 82
SHANGHAI = timezone(timedelta(hours=8))  # a camera's naive time is taken as local
Image.MAX_IMAGE_PIXELS = PIXELS_MOST

HEIC_BRANDS = (b"heic", b"heix", b"hevc", b"mif1", b"msf1", b"heim", b"avif")


class Refused(Exception):
    """This file is not taken; `code` selects the words (photo_process.WORDS)."""


def process(data: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    """Facts, main JPEG and thumbnail of an upload. Raises Refused.

    Always decoded and encoded anew: no metadata, no trailing bytes survive. GPS is noticed, never read out.
    """
    _check_head(data)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BytesIO(data), formats=list(FORMATS)) as image:
                return _convert(image, data)
    except Refused:
        raise
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise Refused("too_many_pixels") from None
    except MemoryError:
        raise Refused("too_many_pixels") from None
    except Exception:  # noqa: BLE001 - decoders raise whatever they like
        raise Refused("broken") from None


def _check_head(data: bytes) -> None:
    if not data:
        raise Refused("empty")
    head = data[:16]
    if head[4:8] == b"ftyp" and head[8:12] in HEIC_BRANDS:
        raise Refused("heic")
    is_ours = head.startswith((b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n")) or (
        head[:4] == b"RIFF" and data[8:12] == b"WEBP"
    )
    if not is_ours:
        raise Refused("not_a_photo")


def _convert(image: Image.Image, data: bytes) -> tuple[dict[str, Any], bytes, bytes]:
    width, height = image.size
    if width * height > PIXELS_MOST:
        raise Refused("too_many_pixels")
    if min(width, height) < 64:
        raise Refused("too_small")
    claimed, had_position, orientation = _claims(image)
    scale = min(1.0, LONG_SIDE / max(width, height))
    fitted = (max(1, round(width * scale)), max(1, round(height * scale)))
    # draft() engages only when given the fitted size: 0.33 of a naive decode, measured.
    image.draft("RGB", fitted)
    image.thumbnail(fitted, Image.Resampling.BICUBIC)
    upright = _upright(image, orientation)
    main = _jpeg(upright)
    small = upright.copy()
    small.thumbnail((THUMB_SIDE, THUMB_SIDE))
    thumb = _jpeg(small)
    row_hash, column_hash = difference_hashes(upright)
    facts = {
        "original_sha256": hashlib.sha256(data).hexdigest(),
        "stored_sha256": hashlib.sha256(main).hexdigest(),
        "thumb_sha256": hashlib.sha256(thumb).hexdigest(),
        "row_hash": row_hash,
        "column_hash": column_hash,
        "width": upright.width,
        "height": upright.height,
        "claimed_at": claimed.isoformat() if claimed else None,
        "had_position": had_position,
    }
    return facts, main, thumb


def _upright(image: Image.Image, orientation: int) -> Image.Image:
    if image.mode in ("RGBA", "LA", "PA") or (image.mode == "P" and "transparency" in image.info):
        rgba = image.convert("RGBA")
        paper = Image.new("RGB", rgba.size, "white")
        paper.paste(rgba, mask=rgba.getchannel("A"))
        flat = paper
    elif image.mode.startswith("I"):
        # 16-bit greys: convert() would clip them to white
        flat = image.point(lambda value: value / 256).convert("L").convert("RGB")
    else:
        flat = image.convert("RGB")
    exif = Image.Exif()
    exif[ExifTags.Base.Orientation] = orientation
    flat.info.pop("exif", None)
    turned = ImageOps.exif_transpose(_with_exif(flat, exif))
    return turned if turned is not None else flat


def _with_exif(image: Image.Image, exif: Image.Exif) -> Image.Image:
    image.getexif().clear()
    for key, value in exif.items():
        image.getexif()[key] = value
    return image


def _jpeg(image: Image.Image) -> bytes:
    clean = Image.new("RGB", image.size)
    clean.paste(image)
    buffer = BytesIO()
    clean.save(buffer, "JPEG", quality=QUALITY, optimize=False, progressive=False)
    return buffer.getvalue()


def _claims(image: Image.Image) -> tuple[datetime | None, bool, int]:
    """(claimed capture time in UTC, whether a position was there, orientation); garbage is nothing."""
    try:
        exif = image.getexif()
        inside = exif.get_ifd(ExifTags.IFD.Exif)
        orientation = exif.get(ExifTags.Base.Orientation, 1)
        had_position = bool(exif.get_ifd(ExifTags.IFD.GPSInfo))
        stamp = inside.get(ExifTags.Base.DateTimeOriginal) or exif.get(ExifTags.Base.DateTime)
        offset = inside.get(ExifTags.Base.OffsetTimeOriginal)
    except Exception:  # noqa: BLE001 - broken metadata is no metadata
        return None, False, 1
    orientation = orientation if isinstance(orientation, int) and 1 <= orientation <= 8 else 1
    return read_stamp(stamp, offset), had_position, orientation


def read_stamp(stamp: Any, offset: Any) -> datetime | None:
    """EXIF `2023:10:14 10:21:00` and `+08:00` in UTC; None for anything that cannot be true."""
    try:
        moment = datetime.strptime(str(stamp).strip("\x00 "), "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007
        zone: timezone = SHANGHAI
        if offset:
            parsed = datetime.strptime(str(offset).strip("\x00 "), "%z").tzinfo
            zone = parsed if isinstance(parsed, timezone) else SHANGHAI
        moment = moment.replace(tzinfo=zone).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return moment if 1990 <= moment.year <= 2100 else None


def difference_hashes(image: Image.Image) -> tuple[str, str]:
    """64-bit row and column gradients of the grey picture, as 16 hex digits each."""
    grey = image.convert("L").resize((9, 9), Image.Resampling.BOX)
    pixels = grey.tobytes()  # one byte a pixel
    rows = columns = 0
    for y in range(8):
        for x in range(8):
            here = pixels[y * 9 + x]
            rows = rows << 1 | (pixels[y * 9 + x + 1] > here)
            columns = columns << 1 | (pixels[(y + 1) * 9 + x] > here)
    return f"{rows:016x}", f"{columns:016x}"
