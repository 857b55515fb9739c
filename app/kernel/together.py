"""Those who come together for the same thing share one transaction; who comes alone has one of its own."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from sqlalchemy.orm import Session, scoped_session

from app.kernel.database import transaction

BATCH_MOST = 64
W = TypeVar("W")
R = TypeVar("R")


@dataclass(eq=False, slots=True)
class _Waiting(Generic[W, R]):
    """One thread's wish, and what became of it. `woken` is released once: answered, or told to lead."""

    wish: W
    woken: threading.Lock = field(default_factory=threading.Lock)
    result: R | Exception | None = None  # None after the batch: it failed as a whole
    leads: bool = False


class Together(Generic[W, R]):
    """A queue for each key; one for a process.

    The first thread that comes leads: once the writers' turn is its own it takes all that wait by then, lets `work`
    do them in one transaction and commits; who comes meanwhile waits for the next leader. Nobody is answered before
    the COMMIT. A batch that fails is answered to nobody: each of it is tried again by itself. `work` gives plain
    values back, a refusal as an exception in its place. Never call it inside `transaction()`.
    """

    def __init__(
        self,
        lock: Callable[[Session, int], object],
        work: Callable[[Session, int, Sequence[W]], Sequence[R | Exception]],
        session: scoped_session[Any],
    ) -> None:
        self._lock = lock  # what `work` would wait for: who comes meanwhile goes along
        self._work = work
        self._session = session  # each thread's own
        self._mutex = threading.Lock()  # guards the queues; held for a few instructions only
        self._queues: dict[int, deque[_Waiting[W, R]]] = {}  # a key stands here while it has a leader

    def do(self, key: int, wish: W) -> R:
        """Stored when it returns. Raises what `work` answered for this wish, or what its own transaction met."""
        mine = _Waiting[W, R](wish)
        mine.woken.acquire()
        self._session.rollback()  # a connection that only read goes back: the leader may need it. It may fail: not in line
        with self._mutex:
            mine.leads = key not in self._queues
            self._queues.setdefault(key, deque()).append(mine)
        if not mine.leads:
            mine.woken.acquire()
        if mine.leads:
            self._lead(key)
        if mine.result is None:
            with transaction(self._session) as tx:
                (mine.result,) = self._work(tx, key, [wish])
        if isinstance(mine.result, Exception):
            raise mine.result
        return mine.result

    def _lead(self, key: int) -> None:
        """One batch; then the first of those who came meanwhile leads."""
        batch: list[_Waiting[W, R]] = []
        try:
            with transaction(self._session) as tx:
                self._lock(tx, key)
                batch = self._take(key)
                results = self._work(tx, key, [each.wish for each in batch])
            for each, result in zip(batch, results, strict=True):
                each.result = result
        except Exception:  # noqa: BLE001, S110 - whatever it is, each thread of the batch meets it alone again
            pass
        finally:
            self._hand_over(key, batch or self._take(key))

    def _take(self, key: int) -> list[_Waiting[W, R]]:
        with self._mutex:
            waiting = self._queues[key]
            return [waiting.popleft() for _ in range(min(BATCH_MOST, len(waiting)))]

    def _hand_over(self, key: int, batch: Sequence[_Waiting[W, R]]) -> None:
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
