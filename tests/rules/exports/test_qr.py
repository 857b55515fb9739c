"""QR codes that a reader reads back."""

from __future__ import annotations

from io import BytesIO

import pytest
import zxingcpp
from PIL import Image

from app.exports import qr

ADDRESS = "https://shiliu.example/a/k3m9x2p7q4ab"


@pytest.mark.parametrize("level", ["M", "Q"])
@pytest.mark.parametrize("scale", [3, 12])
def test_a_code_is_read_back(level: str, scale: int) -> None:
    image = Image.open(BytesIO(qr.png(ADDRESS, scale, level))).convert("L")  # type: ignore[arg-type]
    assert [found.text for found in zxingcpp.read_barcodes(image)] == [ADDRESS]
    assert image.size == ((len(qr.matrix(ADDRESS, level)) + 8) * scale,) * 2  # type: ignore[arg-type]


def test_the_quiet_zone_is_white_and_the_rows_have_no_border() -> None:
    rows = qr.matrix(ADDRESS)
    assert rows[0][:7] == [True] * 7
    image = qr.picture(rows, 2).convert("L")
    assert image.crop((0, 0, image.width, 8)).getextrema() == (255, 255)


def test_paper_gets_a_stronger_code_than_a_screen() -> None:
    assert len(qr.matrix(ADDRESS, "Q")) > len(qr.matrix(ADDRESS, "M"))
