"""The server's side of the photo process: one per server process, restarted when it dies."""

from __future__ import annotations

import atexit
import json
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO

from app.kernel.errors import DomainError

BYTES_MOST = 15 * 1024 * 1024  # trust.md: 15 MB
ROOT = Path(__file__).resolve().parents[2]

WORDS = {
    "empty": "这个文件是空的，没有收下。请重新选一张。",
    "too_big": "这张照片超过15MB，没有收下。请在手机上压缩后再传，或用微信发给自己（不勾原图）再保存。",
    "heic": "这是 HEIC 格式，没有收下。iPhone 请在“设置→相机→格式”选“兼容性最佳”，或用微信发给自己（不勾原图）后再传。",
    "not_a_photo": "这不是照片，没有收下。只收 JPEG、PNG、WebP。",
    "too_many_pixels": "这张照片像素太多，没有收下。请缩小到6000万像素以内再传。",
    "too_small": "这张图太小，看不清，没有收下。",
    "broken": "这张照片打不开，可能没传完整，没有收下。请重新选一张。",
}


class PhotoRefused(DomainError):
    """Not taken; nothing was written."""

    def __init__(self, code: str) -> None:
        super().__init__(code, WORDS.get(code, WORDS["broken"]))


@dataclass(frozen=True, slots=True)
class PhotoResult:
    """A picture ready to store. Sizes in pixels; `claimed_at` is only what the camera says."""

    original_sha256: str
    stored_sha256: str
    thumb_sha256: str
    row_hash: str
    column_hash: str
    width: int
    height: int
    claimed_at: datetime | None
    had_position: bool
    main: bytes
    thumb: bytes


class PhotoProcess:
    """Threads take turns; the child it forks for each picture is limited in memory, time and files."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def convert(self, data: bytes) -> PhotoResult:
        """Raises PhotoRefused in words."""
        if len(data) > BYTES_MOST:
            raise PhotoRefused("too_big")
        with self._lock:
            for attempt in (1, 2):
                try:
                    return self._ask(data)
                except (OSError, EOFError, struct.error):
                    self.stop()
                    if attempt == 2:
                        raise PhotoRefused("broken") from None
        raise PhotoRefused("broken")

    def _ask(self, data: bytes) -> PhotoResult:
        process = self._running()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(struct.pack(">Q", len(data)))
        process.stdin.write(data)
        process.stdin.flush()
        taken = self._read(process.stdout, 1)
        facts = json.loads(self._frame(process.stdout))
        if taken == b"\x00":
            raise PhotoRefused(facts["code"])
        main, thumb = self._frame(process.stdout), self._frame(process.stdout)
        claimed = facts.pop("claimed_at")
        return PhotoResult(
            **facts, claimed_at=datetime.fromisoformat(claimed) if claimed else None, main=main, thumb=thumb
        )

    def _running(self) -> subprocess.Popen[bytes]:
        if self._process is None or self._process.poll() is not None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app.evidence.photo_child"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                env={"PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"},
            )
            atexit.register(self.stop)
        return self._process

    def _frame(self, stream: IO[bytes]) -> bytes:
        (size,) = struct.unpack(">Q", self._read(stream, 8))
        return self._read(stream, size)

    @staticmethod
    def _read(stream: IO[bytes], size: int) -> bytes:
        data = stream.read(size)
        if len(data) != size:
            raise EOFError
        return data

    def stop(self) -> None:
        """End the process; the next picture starts another."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


photo_process = PhotoProcess()
