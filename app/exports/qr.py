"""QR codes: rows of modules, and a PNG of them."""

from __future__ import annotations

from io import BytesIO
from typing import Literal

import qrcode
from PIL import Image

QUIET = 4  # modules of white around a code (ISO/IEC 18004)
INK, WHITE = "#231c1a", "#ffffff"
_LEVELS = {"M": qrcode.constants.ERROR_CORRECT_M, "Q": qrcode.constants.ERROR_CORRECT_Q}


def matrix(text: str, level: Literal["M", "Q"] = "M") -> list[list[bool]]:
    """Rows of the code without its border. M for screens (15 % may be lost), Q for paper (25 %)."""
    code = qrcode.QRCode(border=0, error_correction=_LEVELS[level])
    code.add_data(text)
    code.make(fit=True)
    return [[bool(dark) for dark in row] for row in code.get_matrix()]


def picture(rows: list[list[bool]], scale: int) -> Image.Image:
    """The code in ink on white with its quiet zone, `scale` pixels a module."""
    side = len(rows) + 2 * QUIET
    image = Image.new("P", (side, side), 0)
    image.putpalette([255, 255, 255, 0x23, 0x1C, 0x1A])
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            if dark:
                image.putpixel((x + QUIET, y + QUIET), 1)
    return image.resize((side * scale, side * scale), Image.Resampling.NEAREST)


def png(text: str, scale: int = 12, level: Literal["M", "Q"] = "Q") -> bytes:
    """A picture to send or print, `scale` pixels a module."""
    buffer = BytesIO()
    picture(matrix(text, level), scale).save(buffer, "PNG", optimize=True)
    return buffer.getvalue()
