"""A server process stays on one processor: its threads share one interpreter and hand it to each other all the time.

Between two processors each hand-over is an interrupt and a cold cache (docs/decisions/0016-a-processor-each.md).
"""

from __future__ import annotations

import contextlib
import errno
import os
import socket
import threading
from collections.abc import Callable, Iterable
from typing import Any

Wsgi = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]
MARK = "shiliu-processor"
_held: list[socket.socket] = []  # a mark that nobody refers to would be given back


def take_processor(mark: str = MARK) -> int | None:
    """Put every thread of this process on a processor that no other process of this machine has taken by this mark.

    Returns its number; None when all are taken, or where the system knows no such thing. It is free again when the
    process ends, however it ends. The mark is a name in the kernel's own space and no file: homes, users and a
    service's private /tmp make no difference.
    """
    if not hasattr(os, "sched_setaffinity"):
        return None
    for number in sorted(os.sched_getaffinity(0)):
        sign = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            sign.bind(f"\0{mark}-{number}")
        except OSError as error:
            sign.close()
            if error.errno == errno.EADDRINUSE:
                continue
            return None  # a system that forbids it: the process runs as any other
        _held.append(sign)
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

    def __init__(self, inner: Wsgi, mark: str = MARK) -> None:
        self._inner, self._mark = inner, mark
        self._first = threading.Lock()

    def __call__(self, environ: dict[str, Any], start: Callable[..., Any]) -> Iterable[bytes]:
        if self._first.acquire(blocking=False):  # never given back: once
            take_processor(self._mark)
        return self._inner(environ, start)
