"""What is erased in the tables goes from the disk too: files without a row, freed pages, the write-ahead log."""

from __future__ import annotations

import fcntl
import hashlib
import time
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from psycopg.errors import InsufficientPrivilege
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from app.evidence.storage import LocalStorage
from app.privacy.queries import live_pictures
from app.privacy.retention import load_retention

SWEEP_AFTER = timedelta(days=1)  # an upload writes its file first and its row a moment later
PATIENCE = 60.0  # seconds to wait for readers that hold the old pages


@dataclass(frozen=True, slots=True)
class Scrubbed:
    """Whether the old bytes are gone, and what stood in the way, in words."""

    done: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Rehash:
    """Every stored picture against its own name."""

    count: int
    bad: int
    missing: int

    @property
    def holds(self) -> bool:
        return not self.bad and not self.missing


def scrub_bytes(engine: Engine, *, patience: float = PATIENCE) -> Scrubbed:
    """Write the tables anew and drop what the log still holds; needs no transaction open in this thread."""
    if engine.dialect.name == "sqlite":
        return _scrub_sqlite(engine, patience)
    return _scrub_postgresql(engine)


def _scrub_sqlite(engine: Engine, patience: float) -> Scrubbed:
    """NULL with secure_delete leaves values behind (freed overflow, index pages): only VACUUM writes every page anew."""
    raw: Any = engine.raw_connection()
    try:
        lock = raw.info.get("lock")
        if lock is not None:
            fcntl.flock(lock, fcntl.LOCK_EX)
            raw.info["locked"] = True  # given back when the connection returns to the pool
        raw.driver_connection.execute("VACUUM")
        raw.driver_connection.execute("PRAGMA busy_timeout=200")
        until = time.monotonic() + patience
        while True:
            busy, _pages, _moved = raw.driver_connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
            if not busy:
                return Scrubbed(True)
            if time.monotonic() > until:
                return Scrubbed(False, "有读取一直没有结束，WAL 没有截断，下一晚再做")
    finally:
        raw.driver_connection.execute("PRAGMA busy_timeout=10000")
        raw.close()


def personal_tables() -> list[str]:
    """Tables with values that go, in a fixed order."""
    return sorted({item.table for item in load_retention().items if item.how != "keep"})


def _scrub_postgresql(engine: Engine) -> Scrubbed:
    """Tables written anew, values out of the planner's statistics, old log segments closed."""
    notes = []
    raw: Any = engine.raw_connection()
    connection: Any = raw.driver_connection
    connection.autocommit = True
    try:
        connection.execute("SET statement_timeout = 0; SET lock_timeout = '60s'")
        _forget_statistics(connection)
        for table in personal_tables():
            connection.execute(f'VACUUM FULL "{table}"')
        for statement in ("VACUUM FULL pg_catalog.pg_statistic", "CHECKPOINT", "SELECT pg_switch_wal()", "CHECKPOINT"):
            note = _try(connection, statement)
            if note:
                notes.append(note)
    finally:
        raw.invalidate()  # its timeouts differ from the pool's
        raw.close()
    return Scrubbed(not notes, "；".join(dict.fromkeys(notes)))


def _try(connection: Any, statement: str) -> str:
    """What the database's own administrator has to grant, where this account may not."""
    try:
        connection.execute(statement)
    except InsufficientPrivilege:
        return f"数据库账号没有权限做 {statement.split('(', maxsplit=1)[0].removeprefix('SELECT ')}"
    return ""


_STATISTICS = """
SELECT a.attstattarget, s.attname IS NOT NULL, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
LEFT JOIN pg_stats s ON s.tablename = %s AND s.attname = a.attname AND s.schemaname = current_schema()
WHERE a.attrelid = %s::regclass AND a.attname = %s
"""


def _forget_statistics(connection: Any) -> None:
    """The planner keeps the most common values of a column in clear, an emptied table's too: take none of these."""
    wanted = [(item.table, name) for item in load_retention().items if item.how != "keep" for name in item.names]
    for table, column in sorted(set(wanted)):
        found = connection.execute(_STATISTICS, (table, table, column)).fetchone()
        if found[0] != 0:
            connection.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" SET STATISTICS 0')
        if found[1]:  # the same type again rewrites nothing and drops the statistics
            connection.execute(f'ALTER TABLE "{table}" ALTER COLUMN "{column}" TYPE {found[2]}')


def sweep_files(session: Session, storage: LocalStorage, *, now: datetime) -> int:
    """Remove pictures that no row wants any more; ends the session's read, so that it sees rows of this moment."""

    def wanted() -> set[str]:
        session.rollback()
        return live_pictures(session)

    return storage.sweep(wanted, older_than=(now - SWEEP_AFTER).timestamp())


def rehash(session: Session, storage: LocalStorage) -> Rehash:
    """Hash every picture that a row wants: a swapped or lost one is told."""
    bad = missing = 0
    pictures = sorted(live_pictures(session))
    session.rollback()  # reading files takes minutes; hold no snapshot meanwhile
    for sha256 in pictures:
        try:
            bad += file_sha256(storage.path(sha256)) != sha256
        except FileNotFoundError:
            missing += 1
    return Rehash(len(pictures), bad, missing)


def file_sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
