"""Imports and orders of readers sent at once: each takes its turn; without the lock an import fails half way."""

from __future__ import annotations

import time
from collections.abc import Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.extensions import db
from app.kernel.actor import SYSTEM, Role
from app.kernel.database import transaction
from app.organisation import arrivals
from app.organisation.models import Unit, User
from app.organisation.queries import lock_district
from app.organisation.readers import change_order, read_seats
from app.organisation.rules import Judged, Row, Seat, Sort
from app.organisation.service import create_user
from tests.cast import make_cast
from tests.factories import NOW

pytestmark = pytest.mark.serial
ROWS = [
    Row(Sort.UNIT, "单位", 2, {"name": "示例丙镇", "kind": "镇"}),
    Row(Sort.PERSON, "人员", 2, {"login": "bing", "name": "示例丙", "unit": "示例丙镇", "roles": "经办人"}),
]


def at_once(work: Any, times: int) -> list[BaseException | None]:
    def guarded(number: int) -> BaseException | None:
        try:
            work(number)
        except Exception as error:  # every failure is counted and shown
            return error
        return None

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(guarded, range(times)))


def bring_in(app: Flask) -> None:
    with app.app_context(), transaction(db.session) as tx:
        arrivals.bring_in(tx, ROWS, aside=(), actor=SYSTEM, now=NOW)


def slow_judge(session: Session, rows: Sequence[Row], *, aside: Collection[int] = ()) -> list[Judged]:
    found = arrivals.plan_rows(rows, arrivals.read_known(session), aside)
    time.sleep(0.3)
    return found


def test_eight_confirmations_at_once_are_one_import(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
    monkeypatch.setattr(arrivals, "judge", slow_judge)
    failed = at_once(lambda _number: bring_in(app), 8)
    assert sorted(getattr(error, "code", "") for error in failed) == ["", *["nothing_new"] * 7]
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(User).where(User.login == "bing")) == 1


def test_without_the_lock_postgresql_stops_a_second_one_half_way(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control; on SQLite every writing transaction takes its turn anyway."""
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
        dialect = db.engine.dialect.name
    monkeypatch.setattr(arrivals, "judge", slow_judge)
    monkeypatch.setattr(arrivals, "lock_district", lambda session: session.scalar(select(Unit).limit(1)))
    failed = [error for error in at_once(lambda _number: bring_in(app), 8) if error is not None]
    half_way = [error for error in failed if getattr(error, "code", "") != "nothing_new"]
    assert bool(half_way) == (dialect == "postgresql")


def test_offices_added_and_moved_at_once_are_all_there(app: Flask) -> None:
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        offices = []
        for number, unit in enumerate((cast.town, cast.other_town, cast.school)):
            create_user(tx, login=f"fu{number}", name="示例复核", unit=unit, roles=[(Role.SECOND_READER, unit)], actor=SYSTEM, now=NOW)  # fmt: skip
            offices.append(unit.code)

    def work(number: int) -> None:
        def change(seats: list[Seat]) -> list[Seat]:
            return [*seats, Seat(offices[number])] if number < 3 else seats[1:] + seats[:1]

        with app.app_context(), transaction(db.session) as tx:
            read_seats(tx)  # what a page does first
            change_order(tx, change, actor=SYSTEM, now=NOW)

    assert at_once(work, 9) == [None] * 9
    with app.app_context():
        found = read_seats(db.session())
        assert len({seat.office for seat in found}) == len(found) == 6
        assert lock_district(db.session()) is not None
