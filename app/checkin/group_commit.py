"""Check-ins that arrive together share one durable transaction."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection

from app.checkin.arriving import Arrival, Result, arrive
from app.checkin.statements import DriverLane
from app.kernel.database import driver_transaction
from app.kernel.errors import NotFound

BATCH_MOST = 64


@dataclass(eq=False, slots=True)
class _Wish:
    """One thread's arrival, and what became of it. `woken` is released once: answered, or told to lead."""

    arrival: Arrival
    now: datetime
    woken: threading.Lock = field(default_factory=threading.Lock)
    result: Result | None = None
    error: Exception | None = None
    leads: bool = False

    def answer(self) -> Result:
        if self.error is not None:
            raise self.error
        assert self.result is not None
        return self.result


class GroupCommit:
    """The hot path's way to the database; one for a process.

    SQLite commits one transaction at a time, and each waits for the disk; PostgreSQL answers every BEGIN and COMMIT
    over the wire. So the first thread that comes leads: it takes all that wait by then into one transaction and commits
    once; who comes meanwhile waits for the next leader. Nobody is answered before the COMMIT. A batch that fails is answered to nobody: each of it is tried again by
    itself. Never call it inside `transaction()`: the thread would wait for its own lock.
    """

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._mutex = threading.Lock()  # guards the two below; held for a few instructions only
        self._waiting: deque[_Wish] = deque()
        self._has_leader = False
        self._kept: PoolProxiedConnection | None = None  # the leader's, on PostgreSQL

    def check_in(self, arrival: Arrival, *, now: datetime) -> Result:
        """As service.check_in(), in a transaction of its own: stored when it returns.

        Raises NotFound for an unknown session, and what the driver raises when nothing was stored.
        """
        wish = _Wish(arrival, now)
        wish.woken.acquire()
        with self._mutex:
            self._waiting.append(wish)
            wish.leads, self._has_leader = not self._has_leader, True
        if not wish.leads:
            wish.woken.acquire()
        if wish.leads:
            self._lead()
        return wish.answer()

    def _lead(self) -> None:
        """One batch, then the next leader is the first of those who came meanwhile."""
        batch: list[_Wish] = []
        try:
            with self._transaction() as connection:
                batch = self._take()  # only now: who came while this thread waited for its turn goes along
                self._arrive(connection, batch)
        except Exception as error:  # noqa: BLE001 - whatever it is, every thread of the batch has to be answered
            batch = batch or self._take()
            for wish in batch:
                wish.result, wish.error = None, error
                self._store_alone(wish)
        finally:
            self._hand_over(batch)

    @contextmanager
    def _transaction(self) -> Iterator[Any]:
        """On PostgreSQL over a connection that is kept: the pool would first ask the server whether it still lives.

        When it does not, the batch fails, and each of it goes over the pool.
        """
        if self._is_sqlite:
            with driver_transaction(self.engine) as connection:
                yield connection
            return
        pooled, self._kept = self._kept or self.engine.raw_connection(), None
        try:
            yield pooled.driver_connection
            pooled.commit()
        except BaseException:
            pooled.invalidate()
            raise
        self._kept = pooled

    def _take(self) -> list[_Wish]:
        """What waits, in one order in every process: two batches that hold the same tickets never block each other."""
        with self._mutex:
            batch = [self._waiting.popleft() for _ in range(min(BATCH_MOST, len(self._waiting)))]
        return sorted(batch, key=lambda wish: (wish.arrival.session_code, wish.arrival.secret, wish.arrival.uid))

    def _hand_over(self, batch: Sequence[_Wish]) -> None:
        """Wake the next leader, then everybody who is answered."""
        with self._mutex:
            following = self._waiting[0] if self._waiting else None
            self._has_leader = following is not None
        if following is not None:
            following.leads = True
            following.woken.release()
        for wish in batch:
            if not wish.leads:
                wish.woken.release()

    def _store_alone(self, wish: _Wish) -> None:
        wish.error = None
        try:
            with driver_transaction(self.engine) as connection:
                self._arrive(connection, [wish])
        except Exception as error:  # noqa: BLE001 - it is the answer of its own thread, which raises it
            wish.result, wish.error = None, error

    def _arrive(self, connection: Any, batch: Sequence[_Wish]) -> None:
        """All of them, one after the other; an unknown session is an answer too."""
        lane = DriverLane(connection.cursor(), is_sqlite=self._is_sqlite)
        for wish in batch:
            try:
                wish.result = arrive(lane, wish.arrival, now=wish.now)
            except NotFound as error:
                wish.error = error
