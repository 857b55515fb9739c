"""The check-in's statements as text for the driver: one look-up, and inserts whose unique key is the decision."""

from __future__ import annotations

import re
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Protocol

from sqlalchemy.orm import Session

from app.kernel.database import stored_time

# Session, activity, registration, earlier check-in and an earlier event of the same uid, in one statement.
# `{session}`: id or code, bound as :session. `{ticket}`: id or secret_hash, bound as :ticket; NULL is nobody.
_LOOK_UP = """
SELECT s.id, s.activity_id, s.code, s.label, s.starts_at, s.ends_at, s.opened_at, s.closes_at,
       a.code, a.title, a.opens_before_min, a.closes_after_min, a.state, a.review_state, a.attendance, a.takes_walk_in,
       r.id, r.activity_id, r.session_id, r.state, r.kind, r.adults, r.children, d.name,
       c.first_at, c.grade_a + c.grade_b + c.grade_c + c.grade_d, k.id
FROM activity_session s
JOIN activity a ON a.id = s.activity_id
LEFT JOIN check_in_event k ON k.uid = :uid
LEFT JOIN registration r ON r.{ticket} = :ticket
LEFT JOIN check_in c ON c.session_id = s.id AND c.registration_id = r.id
LEFT JOIN personal_detail d ON d.registration_id = r.id
WHERE s.{session} = :session
"""
LOOK_UP = {
    (session, ticket): _LOOK_UP.format(session=session, ticket=ticket)
    for session in ("id", "code")
    for ticket in ("id", "secret_hash")
}

# What the uid was answered before; first_at is NULL when that check-in was undone since.
FIRST_ANSWER = """
SELECT e.outcome, e.headcount, e.registration_id, c.first_at
FROM check_in_event e
LEFT JOIN check_in c ON c.session_id = e.session_id AND c.registration_id = e.registration_id
WHERE e.uid = :uid
"""
FIRST_AT = "SELECT first_at FROM check_in WHERE session_id = :session_id AND registration_id = :registration_id"
TAKE_BACK = "DELETE FROM check_in WHERE session_id = :session_id AND registration_id = :registration_id"

_PROJECTION = """
INSERT INTO check_in (activity_id, session_id, registration_id, grade_a, grade_b, grade_c, grade_d, method,
                      first_at, last_at)
VALUES (:activity_id, :session_id, :registration_id, :grade_a, :grade_b, :grade_c, :grade_d, :method,
        :first_at, :last_at)
ON CONFLICT (session_id, registration_id)
"""
PROJECT = _PROJECTION + "DO NOTHING"
# A part of a party: the first makes the row, the next ones add to it.
ADD_PART = (
    _PROJECTION
    + """DO UPDATE SET last_at = excluded.last_at,
  grade_a = check_in.grade_a + excluded.grade_a, grade_b = check_in.grade_b + excluded.grade_b,
  grade_c = check_in.grade_c + excluded.grade_c, grade_d = check_in.grade_d + excluded.grade_d"""
)

KEEP_EVENT = """
INSERT INTO check_in_event (uid, kind, outcome, activity_id, session_id, registration_id, refers_to, headcount, grade,
                            method, actor_id, occurred_at, recorded_at, reason, device_id)
VALUES (:uid, :kind, :outcome, :activity_id, :session_id, :registration_id, :refers_to, :headcount, :grade,
        :method, :actor_id, :occurred_at, :recorded_at, :reason, :device_id)
ON CONFLICT (uid) DO NOTHING
"""

# The registration of a walk-in, made once for the event's uid.
WALK_IN = """
INSERT INTO registration (code, activity_id, session_id, kind, state, adults, children, submission, browser_index,
                          consent_version, created_at, is_minor)
VALUES (:code, :activity_id, :session_id, 'walk_in', 'confirmed', :adults, :children, :submission, :browser_index,
        '', :created_at, :is_minor)
ON CONFLICT (activity_id, submission) DO NOTHING RETURNING id
"""
WALK_IN_BEFORE = "SELECT id FROM registration WHERE activity_id = :activity_id AND submission = :submission"
WALK_IN_NAME = """
INSERT INTO personal_detail (registration_id, name) VALUES (:registration_id, :name)
ON CONFLICT (registration_id) DO NOTHING
"""


class Found(NamedTuple):
    """A row of the look-up; times are aware. Without a registration its columns are None."""

    id: int
    activity_id: int
    code: str
    label: str
    starts_at: datetime
    ends_at: datetime
    opened_at: datetime | None
    closes_at: datetime | None
    activity_code: str
    title: str
    opens_before_min: int
    closes_after_min: int
    state: str
    review_state: str
    attendance: str
    takes_walk_in: bool
    registration_id: int | None
    registered_activity: int | None
    registered_session: int | None
    registration_state: str | None
    registration_kind: str | None
    adults: int | None
    children: int | None
    name: str | None
    first_at: datetime | None
    here: int | None  # people of this registration here by now
    known_id: int | None


class Cursor(Protocol):
    """What a lane needs of a driver's cursor."""

    @property
    def rowcount(self) -> int: ...
    def execute(self, sql: str, values: Any, /) -> Any: ...
    def fetchall(self) -> Any: ...


class Lane(Protocol):
    """Where the statements run: inside a session's transaction, or on a connection of the driver's own."""

    is_sqlite: bool

    def first(self, sql: str, values: dict[str, Any]) -> Any:
        """The first row as a tuple, None without; every statement here returns one row at most."""

    def writes(self, sql: str, values: dict[str, Any]) -> bool:
        """Whether an INSERT … ON CONFLICT wrote its row."""


@cache
def _for_psycopg(sql: str) -> str:
    return re.sub(r":(\w+)", r"%(\1)s", sql)


@cache
def _told_by_postgresql(sql: str) -> str:
    return f"{_for_psycopg(sql)} RETURNING 1"  # the number of rows may lie there; on SQLite it is true, and cheaper


@cache
def _returns_rows(sql: str) -> bool:
    return sql.lstrip().startswith("SELECT") or "RETURNING" in sql


class SessionLane:
    """Inside the transaction of a session, what it changed before being written first."""

    def __init__(self, session: Session) -> None:
        session.flush()  # these statements go past autoflush
        self._connection = session.connection()
        self.is_sqlite = self._connection.dialect.name == "sqlite"

    def first(self, sql: str, values: dict[str, Any]) -> Any:
        text = sql if self.is_sqlite else _for_psycopg(sql)
        result = self._connection.exec_driver_sql(text, _bound(values, self.is_sqlite))
        return result.first() if result.returns_rows else None

    def writes(self, sql: str, values: dict[str, Any]) -> bool:
        text = sql if self.is_sqlite else _told_by_postgresql(sql)
        result = self._connection.exec_driver_sql(text, _bound(values, self.is_sqlite))
        return result.rowcount == 1 if self.is_sqlite else result.first() is not None


class DriverLane:
    """Straight on the driver's cursor; the caller begins and commits."""

    def __init__(self, cursor: Cursor, *, is_sqlite: bool) -> None:
        self._cursor, self.is_sqlite = cursor, is_sqlite

    def first(self, sql: str, values: dict[str, Any]) -> Any:
        cursor = self._cursor
        cursor.execute(sql if self.is_sqlite else _for_psycopg(sql), _bound(values, self.is_sqlite))
        if not _returns_rows(sql):  # psycopg would describe every column to who asks the cursor
            return None
        rows = cursor.fetchall()  # all: a statement that is not at its end would stand in the way of SQLite's COMMIT
        return rows[0] if rows else None

    def writes(self, sql: str, values: dict[str, Any]) -> bool:
        cursor = self._cursor
        if self.is_sqlite:
            cursor.execute(sql, _bound(values, True))
            return bool(cursor.rowcount == 1)
        cursor.execute(_told_by_postgresql(sql), values)
        return bool(cursor.fetchall())


def _bound(values: dict[str, Any], is_sqlite: bool) -> dict[str, Any]:
    if not is_sqlite:
        return values
    return {name: stored_time(value) if isinstance(value, datetime) else value for name, value in values.items()}


def read_time(value: Any) -> datetime | None:
    """A time as either driver returns it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value


def find(lane: Lane, *, session: int | str | None, ticket: int | str | None, uid: str) -> Found | None:
    """The look-up; `session` by id or code, `ticket` a registration's id, its secret's hash, or nobody."""
    sql = LOOK_UP["code" if isinstance(session, str) else "id", "secret_hash" if isinstance(ticket, str) else "id"]
    row = lane.first(sql, {"session": session, "ticket": ticket, "uid": uid})
    if row is None or not lane.is_sqlite:
        return Found._make(row) if row is not None else None
    found = Found._make(row)
    return found._replace(
        starts_at=datetime.fromisoformat(row[4]), ends_at=datetime.fromisoformat(row[5]), opened_at=read_time(row[6]),
        closes_at=read_time(row[7]), first_at=read_time(found.first_at), takes_walk_in=bool(found.takes_walk_in),
    )  # fmt: skip
