"""The check-in's statements as text for the driver: one look-up, and inserts whose unique key is the decision.

Each takes a whole batch at once: a driver hands the interpreter to other threads at every row it steps to, and every
statement is a way to PostgreSQL and back (docs/decisions/0015-a-statement-for-the-batch.md).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any, NamedTuple, Protocol

from sqlalchemy.orm import Session

from app.kernel.database import stored_time

# Session, activity, registration, earlier check-in and an earlier event of the same uid, for each that asks.
# `{session}`: id or code. `{ticket}`: id or secret_hash; NULL is nobody.
_LOOK_UP = """
WITH asked (number, session, ticket, uid) AS (VALUES {asked})
SELECT {columns}
FROM asked
JOIN activity_session s ON s.{session} = asked.session
JOIN activity a ON a.id = s.activity_id
LEFT JOIN check_in_event k ON k.uid = asked.uid
LEFT JOIN registration r ON r.{ticket} = asked.ticket
LEFT JOIN check_in c ON c.session_id = s.id AND c.registration_id = r.id
LEFT JOIN personal_detail d ON d.registration_id = r.id
"""
_COLUMNS = """asked.number, s.id, s.activity_id, s.code, s.label, s.starts_at, s.ends_at, s.opened_at, s.closes_at,
  a.code, a.title, a.opens_before_min, a.closes_after_min, a.state, a.review_state, a.attendance, a.takes_walk_in,
  r.id, r.activity_id, r.session_id, r.state, r.kind, r.adults, r.children, d.name,
  c.first_at, c.last_at, c.grade_a + c.grade_b + c.grade_c + c.grade_d, k.id"""
# One row with all of them, for SQLite.
_AS_ONE_ROW = f"json_group_array(json_array({_COLUMNS}))"
_COLUMN_TYPES = {"id": "bigint", "code": "text", "secret_hash": "text"}

# What the uid was answered before; first_at is NULL when that check-in was undone since.
FIRST_ANSWER = """
SELECT e.outcome, e.headcount, e.registration_id, c.first_at
FROM check_in_event e
LEFT JOIN check_in c ON c.session_id = e.session_id AND c.registration_id = e.registration_id
WHERE e.uid = :uid
"""
FIRST_AT = "SELECT first_at FROM check_in WHERE session_id = :session_id AND registration_id = :registration_id"
# In one order, as batches write. Repeats share it; who takes a check-in away, or computes it anew, waits for them.
_HOLD = """
SELECT session_id, registration_id FROM check_in WHERE (session_id, registration_id) IN ({pairs})
ORDER BY session_id, registration_id FOR KEY SHARE
"""
TAKE_BACK = "DELETE FROM check_in WHERE session_id = :session_id AND registration_id = :registration_id"
# Of a part that was added: the row goes where nobody else is in it, else these people leave it.
TAKE_PART_BACK = (
    TAKE_BACK + " AND grade_a + grade_b + grade_c + grade_d <= :grade_a + :grade_b + :grade_c + :grade_d",
    """
    UPDATE check_in SET grade_a = grade_a - :grade_a, grade_b = grade_b - :grade_b, grade_c = grade_c - :grade_c,
      grade_d = grade_d - :grade_d, last_at = COALESCE((
        SELECT max(e.occurred_at) FROM check_in_event e
        WHERE e.session_id = check_in.session_id AND e.registration_id = check_in.registration_id
          AND e.kind IN ('arrival', 'resolution') AND NOT EXISTS (
            SELECT 1 FROM check_in_event u
            WHERE u.session_id = e.session_id AND u.kind = 'undo' AND u.refers_to = e.uid)), last_at)
    WHERE session_id = :session_id AND registration_id = :registration_id
    """,
)


@dataclass(frozen=True)
class Insert:
    """Rows of one table; where `key` is taken, `otherwise` happens."""

    table: str
    columns: tuple[str, ...]
    key: tuple[str, ...]
    otherwise: str = "NOTHING"

    def text(self, how_many: int, mark: str) -> str:
        """The statement for so many rows; `mark` is the driver's sign for a value."""
        row = f"({', '.join([mark] * len(self.columns))})"
        rows, key = ", ".join([row] * how_many), ", ".join(self.key)
        into = f"{self.table} ({', '.join(self.columns)})"
        return f"INSERT INTO {into} VALUES {rows} ON CONFLICT ({key}) DO {self.otherwise}"  # noqa: S608 - our own words


PROJECT = Insert(
    "check_in",
    ("activity_id", "session_id", "registration_id", "grade_a", "grade_b", "grade_c", "grade_d", "method", "first_at",
     "last_at"),
    ("session_id", "registration_id"),
)  # fmt: skip
# A part of a party: the first makes the row, the next ones add to it. Its moment never precedes what stands there:
# a number for all replaces what happened before it, and the clock of another server may be ahead.
ADD_PART = Insert(
    PROJECT.table, PROJECT.columns, PROJECT.key,
    """UPDATE SET
    last_at = CASE WHEN excluded.last_at > check_in.last_at THEN excluded.last_at ELSE check_in.last_at END,
    grade_a = check_in.grade_a + excluded.grade_a, grade_b = check_in.grade_b + excluded.grade_b,
    grade_c = check_in.grade_c + excluded.grade_c, grade_d = check_in.grade_d + excluded.grade_d""",
)  # fmt: skip
KEEP_EVENT = Insert(
    "check_in_event",
    ("uid", "kind", "outcome", "activity_id", "session_id", "registration_id", "refers_to", "headcount", "grade",
     "method", "actor_id", "occurred_at", "recorded_at", "reason", "device_id", "counter"),
    ("uid",),
)  # fmt: skip

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
FORGET_WALK_IN = (
    "DELETE FROM personal_detail WHERE registration_id = :registration_id",
    "DELETE FROM registration WHERE id = :registration_id",
)


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
    last_at: datetime | None
    here: int | None  # people of this registration here by now
    known_id: int | None


class Asked(NamedTuple):
    """Whom the look-up asks for: the session by id or code, the ticket a registration's id or its secret's hash."""

    session: int | str | None
    ticket: int | str | None
    uid: str

    @property
    def columns(self) -> tuple[str, str]:
        """By which columns of session and registration."""
        return "code" if isinstance(self.session, str) else "id", "secret_hash" if isinstance(
            self.ticket, str
        ) else "id"


class Overtaken(Exception):
    """Some rows of a batch met a taken key, and SQLite does not say which: the batch has to be tried one by one."""


class Lane:
    """Where the statements run: inside a session's transaction, or on a connection of the driver's own."""

    is_sqlite: bool

    def run(self, sql: str, values: Any) -> tuple[list[Any], int]:
        """Every row that came back, and how many rows were touched."""
        raise NotImplementedError

    def first(self, sql: str, values: dict[str, Any]) -> Any:
        """The first row as a tuple, None without; for statements with `:named` values that return one at most."""
        if self.is_sqlite:
            values = {name: _stored(value) for name, value in values.items()}
        rows, _ = self.run(sql if self.is_sqlite else _for_psycopg(sql), values)
        return rows[0] if rows else None

    def writes(self, insert: Insert, rows: Sequence[dict[str, Any]]) -> list[bool]:
        """Whether each row was written; no two of `rows` have the same key.

        Raises Overtaken on SQLite when some were not: who holds the writers' lock has seen what is there.
        """
        if not rows:
            return []
        if self.is_sqlite:
            _, touched = self.run(insert.text(len(rows), "?"), _in_order(insert, rows, _stored))
            if touched == len(rows):
                return [True] * len(rows)
            if len(rows) == 1:
                return [False]
            raise Overtaken
        # The number of rows may lie there; the rows themselves do not.
        text = f"{insert.text(len(rows), '%s')} RETURNING {', '.join(insert.key)}"
        written = set(self.run(text, _in_order(insert, rows, _as_it_is))[0])
        return [tuple(row[name] for name in insert.key) in written for row in rows]

    def touch(self, insert: Insert, rows: Sequence[dict[str, Any]], back: str) -> list[Any]:
        """Write each row or do what the insert does where its key is taken; this column as it stands then, for each."""
        if not rows:
            return []
        mark, bind = ("?", _stored) if self.is_sqlite else ("%s", _as_it_is)
        text = f"{insert.text(len(rows), mark)} RETURNING {', '.join((*insert.key, back))}"
        found = {tuple(row[:-1]): row[-1] for row in self.run(text, _in_order(insert, rows, bind))[0]}
        return [found[tuple(row[name] for name in insert.key)] for row in rows]

    def write(self, insert: Insert, row: dict[str, Any]) -> bool:
        """Whether this one row was written."""
        return self.writes(insert, [row])[0]

    def hold(self, pairs: Sequence[tuple[int, int | None]]) -> set[tuple[int, int | None]]:
        """Which of these check-ins (session, registration) are there, and stay so until the commit.

        SQLite has one writer, who has just seen them.
        """
        if self.is_sqlite or not pairs:
            return set(pairs)
        text = _HOLD.format(pairs=", ".join(["(%s, %s)"] * len(pairs)))
        return set(self.run(text, [value for pair in pairs for value in pair])[0])

    def find(self, asked: Sequence[Asked]) -> list[Found | None]:
        """What the decision looks at, for each; None where there is no such session."""
        found: list[Found | None] = [None] * len(asked)
        for columns in {each.columns for each in asked}:
            numbers = [number for number, each in enumerate(asked) if each.columns == columns]
            values = [value for number in numbers for value in (number, *asked[number])]
            rows, _ = self.run(_look_up(*columns, len(numbers), is_sqlite=self.is_sqlite), values)
            for number, *row in json.loads(rows[0][0]) if self.is_sqlite else rows:
                found[number] = _from_sqlite(row) if self.is_sqlite else Found._make(row)
        return found


def _in_order(insert: Insert, rows: Sequence[dict[str, Any]], bind: Callable[[Any], Any]) -> list[Any]:
    return [bind(row[column]) for row in rows for column in insert.columns]


def _as_it_is(value: Any) -> Any:
    return value


def _stored(value: Any) -> Any:
    return stored_time(value) if isinstance(value, datetime) else value


@cache
def _for_psycopg(sql: str) -> str:
    return re.sub(r":(\w+)", r"%(\1)s", sql)


@cache
def _look_up(session: str, ticket: str, how_many: int, *, is_sqlite: bool) -> str:
    mark = "?" if is_sqlite else "%s"
    types = ("integer", _COLUMN_TYPES[session], _COLUMN_TYPES[ticket], "text")
    row = f"({', '.join(f'CAST({mark} AS {kind})' for kind in types)})"
    return _LOOK_UP.format(
        asked=", ".join([row] * how_many), columns=_AS_ONE_ROW if is_sqlite else _COLUMNS, session=session,
        ticket=ticket,
    )  # fmt: skip


def _from_sqlite(row: Sequence[Any]) -> Found:
    found = Found._make(row)
    return found._replace(
        starts_at=datetime.fromisoformat(row[4]), ends_at=datetime.fromisoformat(row[5]), opened_at=read_time(row[6]),
        closes_at=read_time(row[7]), first_at=read_time(found.first_at), last_at=read_time(found.last_at),
        takes_walk_in=bool(found.takes_walk_in),
    )  # fmt: skip


class SessionLane(Lane):
    """Inside the transaction of a session, what it changed before being written first."""

    def __init__(self, session: Session) -> None:
        session.flush()  # these statements go past autoflush
        self._connection = session.connection()
        self.is_sqlite = self._connection.dialect.name == "sqlite"

    def run(self, sql: str, values: Any) -> tuple[list[Any], int]:
        values = tuple(values) if isinstance(values, list) else values
        result = self._connection.exec_driver_sql(sql, values)
        return [tuple(row) for row in result] if result.returns_rows else [], result.rowcount


class Cursor(Protocol):
    """What a lane needs of a driver's cursor."""

    @property
    def rowcount(self) -> int: ...
    def execute(self, sql: str, values: Any, /) -> Any: ...
    def fetchall(self) -> Any: ...


@cache
def _returns_rows(sql: str) -> bool:
    return sql.lstrip().startswith(("SELECT", "WITH")) or "RETURNING" in sql


class DriverLane(Lane):
    """Straight on the driver's cursor; the caller begins and commits."""

    def __init__(self, cursor: Cursor, *, is_sqlite: bool) -> None:
        self._cursor, self.is_sqlite = cursor, is_sqlite

    def run(self, sql: str, values: Any) -> tuple[list[Any], int]:
        cursor = self._cursor
        cursor.execute(sql, values)
        # All: a statement that is not at its end would stand in the way of SQLite's COMMIT. And whether rows come
        # is read from the text: psycopg would describe every column to who asks the cursor.
        return cursor.fetchall() if _returns_rows(sql) else [], cursor.rowcount


def read_time(value: Any) -> datetime | None:
    """A time as either driver returns it."""
    return datetime.fromisoformat(value) if isinstance(value, str) else value
