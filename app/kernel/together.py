"""Those who come together for the same thing share one transaction; who comes alone has one of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

BATCH_MOST = 64
T = TypeVar("T")
K = TypeVar("K", bound=Hashable)
W = TypeVar("W")
R = TypeVar("R")


@dataclass(eq=False, slots=True)
class _Waiting(Generic[W, R]):
    """One thread's wish, and what became of it. `woken` is released once: answered, or told to lead."""

    wish: W
    woken: threading.Lock = field(default_factory=threading.Lock)
    result: R | Exception | None = None  # None after the batch: it failed as a whole
    leads: bool = False


class Together(Generic[T, K, W, R]):
    """A queue for each key; one for a process.

    SQLite commits one transaction at a time, and each waits for the disk; PostgreSQL answers every statement over
    the wire. So the first thread that comes leads: once the writers' turn is its own it takes all that wait by then,
    lets `work` do them in one transaction and commits; who comes meanwhile waits for the next leader. Nobody is
    answered before the COMMIT. A batch that fails is answered to nobody: each of it is tried again by itself.
    `begin` opens the leader's transaction and takes what `work` would wait for, so that who comes meanwhile goes
    along; `alone` opens a single one's. `work` gives a refusal back as an exception in its place. A thread that comes
    must hold no connection: the leader may need it.
    """

    def __init__(
        self,
        begin: Callable[[K], AbstractContextManager[T]],
        work: Callable[[T, K, Sequence[W]], Sequence[R | Exception]],
        alone: Callable[[K], AbstractContextManager[T]] | None = None,
    ) -> None:
        self._begin, self._work, self._alone = begin, work, alone or begin
        self._mutex = threading.Lock()  # guards the queues; held for a few instructions only
        self._queues: dict[K, deque[_Waiting[W, R]]] = {}  # a key stands here while it has a leader

    def do(self, key: K, wish: W) -> R:
        """Stored when it returns. Raises what `work` answered for this wish, or what its own transaction met."""
        mine = _Waiting[W, R](wish)
        mine.woken.acquire()
        with self._mutex:
            mine.leads = key not in self._queues
            self._queues.setdefault(key, deque()).append(mine)
        if not mine.leads:
            mine.woken.acquire()
        if mine.leads:
            self._lead(key)
        if mine.result is None:
            mine.result = self._do_alone(key, wish)
        if isinstance(mine.result, Exception):
            raise mine.result
        return mine.result

    def _do_alone(self, key: K, wish: W) -> R | Exception:
        with self._alone(key) as tx:
            (result,) = self._work(tx, key, [wish])
        return result

    def _lead(self, key: K) -> None:
        """One batch; then the first of those who came meanwhile leads."""
        batch: list[_Waiting[W, R]] = []
        try:
            with self._begin(key) as tx:
                batch = self._take(key)
                results = self._work(tx, key, [each.wish for each in batch])
            for each, result in zip(batch, results, strict=True):
                each.result = result
        except Exception:  # noqa: BLE001, S110 - whatever it is, each thread of the batch meets it alone again
            pass
        finally:
            self._hand_over(key, batch or self._take(key))

    def _take(self, key: K) -> list[_Waiting[W, R]]:
        with self._mutex:
            waiting = self._queues[key]
            return [waiting.popleft() for _ in range(min(BATCH_MOST, len(waiting)))]

    def _hand_over(self, key: K, batch: Sequence[_Waiting[W, R]]) -> None:
        """Wake the next leader, then everybody who is answered."""
        with self._mutex:
            following = self._queues[key][0] if self._queues[key] else None
            if following is None:
                del self._queues[key]
        if following is not None:
            following.leads = True
            following.woken.release()
        for each in batch:
            if not each.leads:
                each.woken.release()
