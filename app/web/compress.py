"""Pages leave compressed whatever stands in front of the server; static files are in assets.py."""

from __future__ import annotations

import secrets
import struct
import zlib

from flask import Flask, Response, request

LEAST = 1000  # shorter answers fit into one packet as they are
LEVEL = 4
SMALL_BYTES = 16_384
# Window and memory: to make the tables of the usual size ready takes longer than to compress a small page.
_SMALL, _LARGE = (-13, 5), (-zlib.MAX_WBITS, zlib.DEF_MEM_LEVEL)
PADDING_MOST = 100
TYPES = ("text/html", "application/json", "text/calendar")
_HEAD = b"\x1f\x8b\x08\x08\x00\x00\x00\x00\x00\xff"  # gzip, with a file name, no time
_LETTERS = bytes(range(97, 123))


def squeeze(data: bytes) -> bytes:
    """The data in gzip, with a file name of random length in front.

    Trap: a page repeats what stands in its address and holds tokens. The length of the compressed page would tell
    whoever reads the line how alike they are; the random length hides the difference (0010-pages-compressed.md).
    """
    name = secrets.choice(_LETTERS).to_bytes(1, "big") * secrets.randbelow(PADDING_MOST)
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, *(_SMALL if len(data) < SMALL_BYTES else _LARGE))
    body = packer.compress(data) + packer.flush()
    return b"".join((_HEAD, name, b"\x00", body, struct.pack("<LL", zlib.crc32(data), len(data) & 0xFFFFFFFF)))


def register(app: Flask) -> None:
    """Must come before every other after_request of the app: the first that is registered runs last."""

    @app.after_request
    def compress(response: Response) -> Response:
        if response.mimetype not in TYPES or response.direct_passthrough or response.is_streamed:
            return response
        response.vary.add("Accept-Encoding")
        if "Content-Encoding" in response.headers or request.accept_encodings["gzip"] <= 0:
            return response
        data = response.get_data()
        if len(data) < LEAST:
            return response
        response.set_data(squeeze(data))
        response.headers["Content-Encoding"] = "gzip"
        etag, is_weak = response.get_etag()
        if etag and not is_weak:
            response.set_etag(etag, weak=True)
        return response
