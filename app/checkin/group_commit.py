"""The hot path's way to the database: check-ins that arrive together share one durable transaction."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, PoolProxiedConnection

from app.checkin.arriving import Arrival, Result, arrive_together
from app.checkin.statements import DriverLane
from app.kernel.database import driver_transaction
from app.kernel.together import Together

Wish = tuple[Arrival, datetime]


class GroupCommit:
    """One for a process. Never call it inside `transaction()`: the thread would wait for its own lock."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.driver_error: type[Exception] = engine.dialect.loaded_dbapi.Error
        self._is_sqlite = engine.dialect.name == "sqlite"
        self._kept: PoolProxiedConnection | None = None  # the leader's, on PostgreSQL
        begin = self._alone if self._is_sqlite else self._over_kept
        self._together = Together[Any, None, Wish, Result](begin, self._arrive, self._alone)

    def check_in(self, arrival: Arrival, *, now: datetime) -> Result:
        """As service.check_in(), in a transaction of its own: stored when it returns.

        Raises NotFound for an unknown session, and what the driver raises when nothing was stored.
        """
        return self._together.do(None, (arrival, now))

    def _alone(self, _key: None) -> AbstractContextManager[Any]:
        return driver_transaction(self.engine)

    @contextmanager
    def _over_kept(self, _key: None) -> Iterator[Any]:
        """Over a connection that is kept: the pool would first ask the server whether it still lives.

        When it does not, the batch fails, and each of it goes over the pool.
        """
        pooled, self._kept = self._kept or self.engine.raw_connection(), None
        try:
            yield pooled.driver_connection
            pooled.commit()
        except BaseException:
            pooled.invalidate()
            raise
        self._kept = pooled

    def _arrive(self, connection: Any, _key: None, batch: Sequence[Wish]) -> Sequence[Result | Exception]:
        return arrive_together(DriverLane(connection.cursor(), is_sqlite=self._is_sqlite), batch)
