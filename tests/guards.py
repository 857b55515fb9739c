"""Watchers of the database: which statements were sent, whether a GET wrote, and whether a write left no entry."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Any

from flask import has_request_context, request
from sqlalchemy import Connection, Engine, event

from app.checkin.statements import DriverLane

# What a kept page may show (app/web/kept.py): who changes it by hand in the database is on his own.
_SHOWN = re.compile(
    r"\s*(?:INSERT INTO|UPDATE|DELETE FROM) \"?(activity\w*|registration|evidence_item|unit|programme|question|place_\w+"
    r"|party_class|target|indicator|task\w*|progress_note|establishment|activity_fact|takedown|role_grant)\b",
    re.I,
)
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
def _watching(
    engine: Engine, note: Callable[[str, Any], str | None], settle: Callable[[list[str]], Iterable[str]]
) -> Iterator[list[str]]:
    """Collect what `settle` makes of a transaction's notes when it commits; those of a rolled back one are dropped.

    `note` hears every statement of a request with its parameters.
    """
    found: list[str] = []
    mine = f"watched_{id(found)}"  # watchers may stand one in another

    def listen(conn: Connection, _cursor: Any, statement: str, parameters: Any, *_rest: Any) -> None:
        if has_request_context() and (said := note(statement, parameters)) is not None:
            conn.info.setdefault(mine, []).append(said)

    def commit(conn: Connection) -> None:
        found.extend(settle(conn.info.pop(mine, [])))

    def rollback(conn: Connection) -> None:
        conn.info.pop(mine, None)

    pairs = (("before_cursor_execute", listen), ("commit", commit), ("rollback", rollback))
    for name, listener in pairs:
        event.listen(engine, name, listener)
    try:
        yield found
    finally:
        for name, listener in pairs:
            event.remove(engine, name, listener)


def watching_gets(engine: Engine) -> AbstractContextManager[list[str]]:
    """Collect `METHOD path: statement` of every write that a GET or HEAD committed."""

    def note(statement: str, _parameters: Any) -> str | None:
        is_write = _WRITE.match(statement) and request.method in ("GET", "HEAD")
        return f"{request.method} {request.path}: {statement[:120]}" if is_write else None

    return _watching(engine, note, list)


def watching_silence(engine: Engine) -> AbstractContextManager[list[str]]:
    """Collect `METHOD path: table` of every request that committed a change of what pages show, and no entry of the log.

    A kept page would go on showing what was before.
    """
    entry = ""

    def note(statement: str, parameters: Any) -> str | None:
        table = _SHOWN.match(statement)
        # A walk-in takes no place (domain.md), and who has read the news is shown on the own ticket only.
        if table and not re.search("walk_in|SET seen_changes_at", f"{statement} {parameters}"):
            return f"{request.method} {request.path}: {table[1]}"
        return entry if "INSERT INTO audit_entry" in statement else None

    def settle(notes: list[str]) -> Iterable[str]:
        return () if entry in notes else dict.fromkeys(notes)

    return _watching(engine, note, settle)
