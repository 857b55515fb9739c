"""Watchers of the database: which statements were sent, and whether a GET committed a write."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import has_request_context, request
from sqlalchemy import Connection, Engine, event

from app.checkin.statements import DriverLane

_CONTROL = re.compile(r"\s*(BEGIN|PRAGMA|SAVEPOINT|RELEASE|ROLLBACK|COMMIT|SET|SHOW)\b", re.I)
_WRITE = re.compile(r"\s*(WITH\b.*?\b)?(INSERT|UPDATE|DELETE|REPLACE|MERGE|CREATE|DROP|ALTER|TRUNCATE)\b", re.I | re.S)


@contextmanager
def recording(engine: Engine) -> Iterator[list[str]]:
    """Collect every statement that asks for or changes data, in order, while the block runs.

    Those of the hot path go past the engine's events, straight to the driver.
    """
    seen: list[str] = []

    def keep(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not _CONTROL.match(statement):
            seen.append(statement)

    run = DriverLane.run

    def keep_driver(lane: DriverLane, sql: str, values: Any) -> Any:
        seen.append(sql)
        return run(lane, sql, values)

    event.listen(engine, "before_cursor_execute", keep)
    DriverLane.run = keep_driver  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        event.remove(engine, "before_cursor_execute", keep)
        DriverLane.run = run  # type: ignore[method-assign]


@contextmanager
def watching_gets(engine: Engine) -> Iterator[list[str]]:
    """Collect `METHOD path: statement` of every write that a GET or HEAD committed."""
    found: list[str] = []
    mine = f"get_wrote_{id(found)}"  # watchers may stand one in another

    def note(conn: Connection, _cursor: Any, statement: str, *_rest: Any) -> None:
        if _WRITE.match(statement) and has_request_context() and request.method in ("GET", "HEAD"):
            conn.info.setdefault(mine, []).append(f"{request.method} {request.path}: {statement[:120]}")

    def commit(conn: Connection) -> None:
        found.extend(conn.info.pop(mine, ()))

    def rollback(conn: Connection) -> None:
        conn.info.pop(mine, None)

    pairs = (("before_cursor_execute", note), ("commit", commit), ("rollback", rollback))
    for name, listener in pairs:
        event.listen(engine, name, listener)
    try:
        yield found
    finally:
        for name, listener in pairs:
            event.remove(engine, name, listener)
