"""The hanzi font of the wheel manimgx-fonts-cjk (OFL): faces by weight, and which characters it has."""

from __future__ import annotations

import re
import struct
import unicodedata
from bisect import bisect_right
from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import BinaryIO

from PIL import ImageFont, features

from app.kernel.errors import DomainError

FILE = "NotoSansCJK-VF.otf.ttc"
PACKAGE = "manimgx_fonts_cjk"
SIMPLIFIED = 2  # index in the collection; its five faces hold the same characters, so none can stand in for another
CMAP = int.from_bytes(b"cmap", "big")
REGULAR, SEMIBOLD, BOLD, BLACK = 400, 600, 700, 850
SUBSTITUTE = "〓"  # the printer's mark for a sort that is not in the case


class FontMissing(DomainError):
    """The font is not installed or cannot be read; nothing is drawn, since empty boxes would look like success."""

    def __init__(self, detail: str) -> None:
        super().__init__(
            "font_missing", f"海报字库没有装好，图片没有生成，活动不受影响。请管理员重新安装依赖后再试。（{detail}）"
        )


@dataclass(frozen=True, slots=True)
class Checked:
    """Text that the font can draw, and what it could not: single hanzi, or whole words of another script."""

    text: str
    missing: tuple[str, ...] = ()


def font_file() -> Path:
    """Where the font lies. Raises FontMissing."""
    spec = find_spec(PACKAGE)
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        found = Path(folder) / FILE
        if found.is_file():
            return found
    raise FontMissing(PACKAGE)


@lru_cache(maxsize=64)
def face(size: int, weight: int = REGULAR) -> ImageFont.FreeTypeFont:
    """The simplified face at `size` pixels and weight 100…900. Raises FontMissing."""
    engine = ImageFont.Layout.RAQM if features.check("raqm") else ImageFont.Layout.BASIC
    try:
        found = ImageFont.truetype(str(font_file()), size, index=SIMPLIFIED, layout_engine=engine)
        found.set_variation_by_axes([weight])
    except OSError as problem:
        raise FontMissing(str(problem)) from problem
    if found.getname()[0] != "Noto Sans CJK SC":
        raise FontMissing(str(found.getname()[0]))
    return found


def has_glyph(character: str) -> bool:
    """Whether the font draws this character."""
    starts, ends = _coverage()
    code = ord(character)
    index = bisect_right(starts, code) - 1
    return index >= 0 and code <= ends[index]


def checked(text: str) -> Checked:
    """Normalised (NFC), without controls and invisible marks; what has no glyph becomes 〓 and is reported.

    Each missing hanzi gets its own mark; a run of another script (藏文、维吾尔文、蒙古文、emoji) gets one.
    """
    drawn: list[str] = []
    missing: list[str] = []
    run = ""
    for character in unicodedata.normalize("NFC", text):
        known = _plain(character)
        if known is None:
            run += character if run else ""
            continue
        is_here = has_glyph(known)
        if run and (is_here or _is_hanzi(known) or _is_hanzi(run[0])):
            missing.append(run.rstrip())
            run = ""
        if is_here:
            drawn.append(known)
            continue
        if not run:
            drawn.append(SUBSTITUTE)
        run += character
    if run:
        missing.append(run.rstrip())
    return Checked(re.sub(" +", " ", "".join(drawn)).strip(), tuple(dict.fromkeys(missing)))


def _plain(character: str) -> str | None:
    """A space for any kind of space, None for what is never seen."""
    category = unicodedata.category(character)
    if character == "\u3000":
        return character
    if category in ("Zs", "Zl", "Zp") or character in "\t\n\r":
        return " "
    is_selector = "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
    return None if category in ("Cc", "Cf") or is_selector else character


def _is_hanzi(character: str) -> bool:
    code = ord(character)
    return 0x3400 <= code <= 0x9FFF or 0xF900 <= code <= 0xFAFF or 0x20000 <= code <= 0x3FFFF


@lru_cache(maxsize=1)
def _coverage() -> tuple[list[int], list[int]]:
    """First and last code of each run in the face's character map (format 12 of OpenType's cmap)."""
    try:
        with font_file().open("rb") as source:
            groups = _groups(source)
    except (OSError, struct.error) as problem:
        raise FontMissing(str(problem)) from problem
    return [start for start, _ in groups], [end for _, end in groups]


def _groups(source: BinaryIO) -> list[tuple[int, int]]:
    (start,) = _read(source, 12 + 4 * SIMPLIFIED, ">I")
    (tables,) = _read(source, start + 4, ">H")
    for index in range(tables):
        tag, _, offset, _ = _read(source, start + 12 + 16 * index, ">4I")
        if tag == CMAP:
            return _format_12(source, offset)
    raise FontMissing("cmap")


def _format_12(source: BinaryIO, cmap: int) -> list[tuple[int, int]]:
    (count,) = _read(source, cmap + 2, ">H")
    for index in range(count):
        _, _, offset = _read(source, cmap + 4 + 8 * index, ">HHI")
        if _read(source, cmap + offset, ">H") == (12,):
            (groups,) = _read(source, cmap + offset + 12, ">I")
            values = _read(source, cmap + offset + 16, f">{groups * 3}I")
            return list(zip(values[::3], values[1::3], strict=True))
    raise FontMissing("cmap 12")


def _read(source: BinaryIO, offset: int, layout: str) -> tuple[int, ...]:
    source.seek(offset)
    return struct.unpack(layout, source.read(struct.calcsize(layout)))
