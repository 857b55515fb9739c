"""The prepared statements of the hot path: one look-up, and inserts whose unique key is the decision."""

from __future__ import annotations

from functools import cache
from typing import Any

from sqlalchemy import Select, Table, bindparam, null, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session, aliased
from sqlalchemy.sql.elements import ColumnElement

from app.activities.models import Activity, ActivitySession
from app.checkin.models import CheckIn, CheckInEvent
from app.registration.models import PersonalDetail, Registration


@cache
def look_up(*, by: str, who: str) -> Select[Any]:
    """Session, activity, registration, earlier check-in and an earlier event of the same uid, in one statement.

    `by`: id or code, bound as `session`. `who`: id or secret_hash, bound as `ticket`, or nobody. And `uid`.
    """
    known = aliased(CheckInEvent)
    is_session = (ActivitySession.id if by == "id" else ActivitySession.code) == bindparam("session")
    statement = (
        select(*_place(), *_registered(who), known.id.label("known_id"))
        .join(Activity, Activity.id == ActivitySession.activity_id)
        .outerjoin(known, known.uid == bindparam("uid"))
        .where(is_session)
    )
    if who == "nobody":
        return statement
    is_ticket = (Registration.id if who == "id" else Registration.secret_hash) == bindparam("ticket")
    here = (CheckIn.session_id == ActivitySession.id) & (CheckIn.registration_id == Registration.id)
    return (
        statement.outerjoin(Registration, is_ticket)
        .outerjoin(CheckIn, here)
        .outerjoin(PersonalDetail, PersonalDetail.registration_id == Registration.id)
    )


def _place() -> tuple[Any, ...]:
    return (
        ActivitySession.id, ActivitySession.activity_id, ActivitySession.code, ActivitySession.label,
        ActivitySession.starts_at, ActivitySession.ends_at, ActivitySession.opened_at, ActivitySession.closes_at,
        Activity.code.label("activity_code"), Activity.title, Activity.opens_before_min, Activity.closes_after_min,
        Activity.state, Activity.review_state, Activity.attendance, Activity.takes_walk_in,
    )  # fmt: skip


def _registered(who: str) -> tuple[Any, ...]:
    columns: dict[str, ColumnElement[Any] | Any] = {
        "registration_id": Registration.id, "registered_activity": Registration.activity_id,
        "registered_session": Registration.session_id, "registration_state": Registration.state,
        "registration_kind": Registration.kind, "adults": Registration.adults, "children": Registration.children,
        "name": PersonalDetail.name, "first_at": CheckIn.first_at, "grade_a": CheckIn.grade_a,
        "grade_b": CheckIn.grade_b, "grade_c": CheckIn.grade_c, "grade_d": CheckIn.grade_d,
    }  # fmt: skip
    if who == "nobody":
        return tuple(null().label(name) for name in columns)
    return tuple(column.label(name) for name, column in columns.items())


@cache
def _insert(dialect: str, table: Table, on: tuple[str, ...]) -> Any:
    module = postgresql if dialect == "postgresql" else sqlite
    (key,) = table.primary_key.columns
    return module.insert(table).on_conflict_do_nothing(index_elements=list(on)).returning(key)


def insert_new(session: Session, model: Any, values: dict[str, Any], *, on: tuple[str, ...]) -> int | None:
    """INSERT … ON CONFLICT DO NOTHING over a unique key; the new row's id, None when another row held the key.

    This is the decision: no look-up before it can race with another client. The returned row decides, not
    rowcount: psycopg reports -1 for a statement that may return rows.
    """
    connection = session.connection()
    found: int | None = connection.execute(_insert(connection.dialect.name, model.__table__, on), values).scalar()
    return found


def insert_ignore(session: Session, model: Any, values: dict[str, Any], *, on: tuple[str, ...]) -> bool:
    """The same; True when the row is ours."""
    return insert_new(session, model, values, on=on) is not None


@cache
def _add(dialect: str) -> Any:
    module = postgresql if dialect == "postgresql" else sqlite
    table = CheckIn.__table__
    statement = module.insert(table)
    added = {name: table.c[name] + statement.excluded[name] for name in ("grade_a", "grade_b", "grade_c", "grade_d")}
    return statement.on_conflict_do_update(
        index_elements=["session_id", "registration_id"], set_={**added, "last_at": statement.excluded.last_at}
    )


def add_part(session: Session, values: dict[str, Any]) -> None:
    """A part of a party: the first makes the row, the next ones add to it."""
    connection = session.connection()
    connection.execute(_add(connection.dialect.name), values)
