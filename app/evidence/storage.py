"""Pictures on disk: the stored name is the hash, nothing that a user typed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.kernel.errors import DomainError

RESERVE = 64 * 1024 * 1024  # trust.md: check-ins go on from a reserve when the disk is full


class StorageFull(DomainError):
    """No room; said early, before anything is written."""


@dataclass(frozen=True)
class LocalStorage:
    """A folder of `ab/cd/<sha256>.jpg`, 0600 in 0700."""

    root: Path

    def _path(self, sha256: str) -> Path:
        if len(sha256) != 64 or not set(sha256) <= set("0123456789abcdef"):
            raise ValueError("not a hash")
        return self.root / sha256[:2] / sha256[2:4] / f"{sha256}.jpg"

    def put(self, sha256: str, data: bytes) -> None:
        """Temp file → fsync → rename → fsync folder; putting the same twice is the same."""
        path = self._path(sha256)
        try:
            os.utime(path)  # young again: the sweep of files without a row passes it over
            return
        except FileNotFoundError:
            pass
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        room = os.statvfs(path.parent)
        if room.f_bavail * room.f_frsize < RESERVE + len(data):
            raise StorageFull("storage_full", "存储空间不够了，照片没有收下。已有的都在，签到不受影响。请联系管理员。")
        temporary = path.with_name(f".{secrets.token_hex(8)}")
        handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.rename(path)
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)

    def files(self) -> Iterator[Path]:
        """Every file, also those that a crash left half-way."""
        for path in self.root.glob("??/??/*") if self.root.exists() else ():
            if path.is_file():
                yield path

    def sweep(self, wanted: Callable[[], set[str]], *, older_than: float) -> int:
        """Remove files that no row wants and that have lain since before this time; returns how many.

        `wanted` is asked after the files were listed. Each is moved away before its age is read for the last
        time: an upload of the same picture in between finds no file and writes its own, or made this one young.
        """
        old = [path for path in self.files() if path.stat().st_mtime < older_than]
        keep = wanted() if old else set()
        gone = 0
        for path in old:
            if path.stem in keep:
                continue
            aside = path.with_name(f".{secrets.token_hex(8)}")
            path.rename(aside)
            if aside.stat().st_mtime < older_than:
                aside.unlink()
                gone += 1
            else:
                aside.rename(path)
        return gone

    def path(self, sha256: str) -> Path:
        """Where the picture lies. Raises FileNotFoundError."""
        path = self._path(sha256)
        if not path.exists():
            raise FileNotFoundError(sha256)
        return path
