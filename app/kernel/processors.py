"""A server process stays on one processor: its threads share one interpreter and hand it to each other all the time.

Between two processors each hand-over is an interrupt and a cold cache (docs/decisions/0016-a-processor-each.md).
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]


def take_processor(folder: Path) -> int | None:
    """Put every thread of this process on a processor that no other of this folder's processes has taken.

    Returns its number; None when all are taken, or where the system knows no such thing. It is free again when the
    process ends, however it ends.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    for number in sorted(os.sched_getaffinity(0)):
        lock = os.open(folder / f"processor-{number}.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            continue
        _stay({number})
        return number
    return None


def _stay(processors: set[int]) -> None:
    for thread in os.listdir("/proc/self/task"):
        with contextlib.suppress(ProcessLookupError):  # it ended meanwhile
            os.sched_setaffinity(int(thread), processors)


def use_every_processor() -> None:
    """For a child that calculates: it does not stand in the way of the process that started it."""
    if hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, range(os.cpu_count() or 1))


class OnOneProcessor:
    """Takes a processor at the first request: commands load the app too, and some servers fork after they did."""

    def __init__(self, inner: Wsgi, folder: Path) -> None:
        self._inner, self._folder = inner, folder
        self._first = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if self._first.acquire(blocking=False):  # never given back: once
            take_processor(self._folder)
        return self._inner(environ, start)
