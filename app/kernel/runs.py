"""A long write that says how far it is and may be told to stop: two small files beside the database.

The transaction itself is seen by nobody until it ends, so neither can stand in the database.
"""

from __future__ import annotations

import contextlib
import re
import time
from dataclasses import dataclass
from pathlib import Path

from app.kernel.errors import Conflict
from app.kernel.tokens import digest

LASTS_SECONDS = 3600
_NAME = re.compile(r"[A-Za-z0-9_-]{22}")


class Stopped(Conflict):
    """Somebody asked to stop; the caller's transaction is rolled back."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one person; `done` and `total` are whatever the work counts."""

    folder: Path
    key: str

    def tell(self, done: int, total: int) -> None:
        """Say how far it is. Raises Stopped once that was asked for; call it once more right before the end."""
        if self._stop.exists():
            raise Stopped("stopped", "已停下，什么都没有登记。")
        self._far.write_text(f"{done} {total}")

    def ask_to_stop(self) -> None:
        self.folder.mkdir(exist_ok=True)
        self._stop.touch()

    def read(self) -> tuple[int, int] | None:
        """How far it is; None while it has not begun, and after its end."""
        try:
            done, total = self._far.read_text().split()
        except (FileNotFoundError, ValueError):  # not there, or being written just now
            return None
        return int(done), int(total)

    def begin(self) -> None:
        """Also sweeps what runs left behind whose process died."""
        self.folder.mkdir(exist_ok=True)
        for path in self.folder.iterdir():
            with contextlib.suppress(FileNotFoundError):  # another run has just ended
                if path.stat().st_mtime < time.time() - LASTS_SECONDS:
                    path.unlink()

    def end(self) -> None:
        self._far.unlink(missing_ok=True)
        self._stop.unlink(missing_ok=True)

    @property
    def _far(self) -> Path:
        return self.folder / f"{self.key}.far"

    @property
    def _stop(self) -> Path:
        return self.folder / f"{self.key}.stop"


def run_of(home: Path, *owner: str, name: str) -> Run | None:
    """The run of that name, which only its owner can name; None for what is no name."""
    if _NAME.fullmatch(name) is None:
        return None
    return Run(home / "runs", digest("\x1f".join((*owner, name)))[:32])
