"""The house rules of the database: naming, types, the SQLite engine and `transaction()`."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, Dialect, Engine, MetaData, String, event
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, scoped_session
from sqlalchemy.types import TypeDecorator, TypeEngine

from app.kernel.tokens import random_code

# trust.md, Decide first; what FULL is worth stands in tests/races/test_power_cut.py
PRAGMAS = (
    "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "recursive_triggers=ON", "secure_delete=ON",
    "trusted_schema=OFF", "busy_timeout=10000", "wal_autocheckpoint=1000",  # short stops, often: nobody waits for a long one
)  # fmt: skip
SQLITE_WAL_SAFE = (3, 51, 3)  # below, a WAL reset race can lose commits


class Base(DeclarativeBase):
    """Every table; the naming convention lets SQLite's batch migrations find constraints."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


@lru_cache(256)  # a row and its event hold the same moment several times
def stored_time(moment: datetime) -> str:
    """An aware time as SQLite keeps it: fixed-width UTC text. Raises ValueError for a naive one."""
    if moment.tzinfo is None:
        raise ValueError("a naive datetime has no place in the database")
    return moment.astimezone(UTC).isoformat(timespec="microseconds")[:26] + "Z"  # strftime takes ten times as long


class UtcDateTime(TypeDecorator[datetime]):
    """timestamptz on PostgreSQL; fixed-width UTC text on SQLite, so that text order is time order."""

    impl = String(27)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(DateTime(timezone=True))
        return dialect.type_descriptor(String(27))

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> Any:
        if value is None:
            return None
        text = stored_time(value)  # refuses a naive one, whatever the database
        return value.astimezone(UTC) if dialect.name == "postgresql" else text

    def process_result_value(self, value: Any, _dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if isinstance(value, datetime):
            return value.astimezone(UTC)
        return datetime.fromisoformat(value)  # reads the Z; strptime takes fifty times as long


def enum_check(column: str, kinds: type[StrEnum], *, name: str | None = None) -> CheckConstraint:
    """CHECK (column in the enum's values), for `__table_args__`."""
    values = ", ".join(f"'{kind.value}'" for kind in kinds)
    return CheckConstraint(f"{column} IN ({values})", name=name or column)


class IdMixin:
    """Integer key; it never leaves the server."""

    id: Mapped[int] = mapped_column(primary_key=True)


class CodeMixin(IdMixin):
    """Integer key, and the random code that addresses carry."""

    code: Mapped[str] = mapped_column(String(12), unique=True, default=random_code)


def configure_engine(engine: Engine, lock_path: Path | None) -> None:
    """Attach the connection rules of this engine's dialect (trust.md, Decide first)."""
    if engine.dialect.name == "sqlite":
        _configure_sqlite(engine, lock_path)
    else:
        event.listen(engine, "connect", _postgresql_connect)


def _postgresql_connect(connection: Any, _record: Any) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '5s'; SET statement_timeout = '15s'; SET TIME ZONE 'UTC'")
    connection.commit()


def _open_sqlite(connection: Any, record: Any, lock_path: Path | None) -> None:
    connection.isolation_level = None  # we say BEGIN ourselves
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()
    record.info["lock"] = os.open(lock_path, os.O_RDWR | os.O_CREAT, 0o600) if lock_path else None
    record.info["locked"] = False


def _refuse_old_sqlite(engine: Engine) -> None:
    version = tuple(int(part) for part in engine.dialect.dbapi.sqlite_version.split("."))  # type: ignore[union-attr]
    if version < SQLITE_WAL_SAFE:
        raise RuntimeError(f"SQLite {version} 的 WAL 会丢数据，需要 3.51.3 以上")


def _begin_sqlite(connection: Any) -> None:
    if not connection.get_execution_options().get("write"):
        connection.exec_driver_sql("BEGIN")
        return
    _take_turn(connection.connection.info)  # the dict that `connect` filled; `record_info` is another one
    connection.exec_driver_sql("BEGIN IMMEDIATE")


def _take_turn(info: dict[str, Any]) -> None:
    """A fair queue of writers: SQLite's own busy handler sleeps and starves."""
    if info.get("lock") is not None and not info["locked"]:
        fcntl.flock(info["lock"], fcntl.LOCK_EX)
        info["locked"] = True


def _configure_sqlite(engine: Engine, lock_path: Path | None) -> None:
    @event.listens_for(engine, "connect")
    def connect(connection: Any, record: Any) -> None:
        _refuse_old_sqlite(engine)
        _open_sqlite(connection, record, lock_path)

    @event.listens_for(engine, "close")
    def close(_connection: Any, record: Any) -> None:
        if record.info.get("lock") is not None:
            os.close(record.info.pop("lock"))

    @event.listens_for(engine, "checkin")
    def checkin(_connection: Any, record: Any) -> None:
        if record.info.get("locked"):
            fcntl.flock(record.info["lock"], fcntl.LOCK_UN)
            record.info["locked"] = False

    event.listen(engine, "begin", _begin_sqlite)


@contextmanager
def driver_transaction(engine: Engine) -> Iterator[Any]:
    """One durable transaction on the driver's own connection, which the block is given: for the hot path alone.

    The same fair queue of writers and the same settings as `transaction()`; no hook runs, so what is written here
    is what the log takes up later by digest.
    """
    pooled = engine.raw_connection()
    try:
        connection = pooled.driver_connection
        if engine.dialect.name == "sqlite":
            _take_turn(pooled.info)
            connection.execute("BEGIN IMMEDIATE")  # type: ignore[union-attr]
        yield connection
        connection.commit()  # type: ignore[union-attr]
    except BaseException:
        pooled.rollback()
        raise
    finally:
        pooled.close()  # back to the pool; its check-in gives the turn to the next writer


BeforeCommit = Callable[[Session], None]
_before_commit: list[BeforeCommit] = []


def before_commit(hook: BeforeCommit) -> BeforeCommit:
    """Register a step that runs last inside every `transaction()`, before its COMMIT."""
    if hook not in _before_commit:
        _before_commit.append(hook)
    return hook


@contextmanager
def transaction(session: Session | scoped_session[Any]) -> Iterator[Session]:
    """One business transaction: ends the read, begins for writing, commits, or rolls all back.

    Belongs to views, commands and jobs; services only flush. Not reentrant.
    """
    current: Session = session() if isinstance(session, scoped_session) else session
    if current.info.get("in_transaction"):
        raise RuntimeError("transaction() inside transaction()")
    current.rollback()  # a read that turns into a write would fail or count unlocked
    current.info["in_transaction"] = True
    try:
        current.connection(execution_options={"write": True})
        yield current
        current.flush()
        for hook in _before_commit:
            hook(current)
        current.commit()
    except BaseException:
        current.rollback()
        raise
    finally:
        current.info.pop("in_transaction", None)
        current.info.pop("audit", None)
        current.info.pop("erased", None)
