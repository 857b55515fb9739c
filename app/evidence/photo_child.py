"""The photo process: one warm, single-threaded interpreter that forks a limited child a picture.

Started by exec, never forked from a threaded server. Protocol on stdin/stdout: 8-byte length and
that many bytes in; out: 1 byte (0 refused, 1 taken), then length-framed JSON [, main, thumb].
"""

from __future__ import annotations

import json
import os
import resource
import select
import signal
import struct
import sys
from typing import BinaryIO

from app.evidence.imaging import Refused, process
from app.kernel.processors import use_every_processor

MEMORY = 1024 * 1024 * 1024
CPU_SECONDS = 15
WALL_SECONDS = 25


def read_exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) != size:
        raise EOFError
    return data


def framed(*parts: bytes) -> bytes:
    return b"".join(struct.pack(">Q", len(part)) + part for part in parts)


def limit() -> None:
    """No memory without end, no endless loop, and no file or socket at all from here on."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_SECONDS, CPU_SECONDS))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, 0))


def answer(data: bytes) -> bytes:
    try:
        facts, main, thumb = process(data)
    except Refused as refusal:
        return b"\x00" + framed(json.dumps({"code": str(refusal)}).encode())
    except MemoryError:
        return b"\x00" + framed(b'{"code": "too_many_pixels"}')
    return b"\x01" + framed(json.dumps(facts).encode(), main, thumb)


def in_child(data: bytes) -> bytes:
    """The answer of a forked, limited child; its death or silence is a refusal."""
    reader, writer = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.close(reader)
            limit()
            out = answer(data)
            view = memoryview(out)
            while view:
                view = view[os.write(writer, view) :]
        finally:
            os._exit(0)
    os.close(writer)
    parts: list[bytes] = []
    timed_out = False
    while True:
        ready, _, _ = select.select([reader], [], [], WALL_SECONDS)
        if not ready:
            timed_out = True
            os.kill(pid, signal.SIGKILL)
            break
        part = os.read(reader, 1 << 20)
        if not part:
            break
        parts.append(part)
    os.close(reader)
    _, status = os.waitpid(pid, 0)
    if timed_out or status != 0 or not parts:
        return b"\x00" + framed(b'{"code": "broken"}')
    return b"".join(parts)


def warm_up() -> None:
    """Convert one small picture of each format, so that every plug-in is loaded: later no file opens."""
    from io import BytesIO

    from PIL import Image

    picture = Image.new("RGB", (96, 64), "white")
    exif = picture.getexif()
    exif[0x0112] = 6
    for kind in ("JPEG", "PNG", "WEBP"):
        buffer = BytesIO()
        picture.save(buffer, kind, exif=exif)
        process(buffer.getvalue())


def main() -> None:
    use_every_processor()
    warm_up()
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    while True:
        try:
            (size,) = struct.unpack(">Q", read_exactly(source, 8))
            data = read_exactly(source, size)
        except EOFError:
            return
        sink.write(in_child(data))
        sink.flush()


if __name__ == "__main__":
    main()
