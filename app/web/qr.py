"""QR codes as rows of modules, which templates draw as SVG and canvases as squares."""

from __future__ import annotations

import qrcode


def qr_matrix(text: str) -> list[list[bool]]:
    """Rows of the code without its border; the macro `qr_svg` adds the quiet zone."""
    code = qrcode.QRCode(border=0, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(text)
    code.make(fit=True)
    rows: list[list[bool]] = code.get_matrix()
    return rows
