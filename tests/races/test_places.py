"""300 registrations at once for 50 places: exactly 50, the rest in line; without the lock it overbooks."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.activities.queries import get_activity
from app.extensions import db
from app.kernel.actor import PARTICIPANT, SYSTEM
from app.kernel.database import transaction
from app.registration import entering, storing
from app.registration.entering import OTHER_UNIT, Entry, register
from app.registration.models import Registration
from app.registration.places import Pool, places, read_pools
from app.registration.service import cancel_registration, change_capacity
from app.registration.settings import set_quota
from tests.factories import NOW, make_activity, make_unit

pytestmark = pytest.mark.serial
CLIENTS = 12


def make_race(app: Flask, *, capacity: int) -> str:
    with app.app_context(), transaction(db.session) as tx:
        return make_activity(tx, capacity=capacity).code


def enter_once(app: Flask, code: str, number: int, *, submission: str = "", phone: str = "") -> None:
    entry = Entry(None, f"示例{number}", 1, 0, phone, True, submission, f"browser{number:015d}"[:22])
    with app.app_context(), transaction(db.session) as tx:
        register(tx, get_activity(tx, code), entry, keys=app.extensions["keys"], now=NOW)


def run_all(work: Callable[[int], None], times: int, clients: int = CLIENTS) -> list[BaseException]:
    failed: list[BaseException] = []

    def guarded(number: int) -> None:
        try:
            work(number)
        except Exception as error:  # every failure is counted and shown
            failed.append(error)

    with ThreadPoolExecutor(clients) as pool:
        list(pool.map(guarded, range(times)))
    return failed


def rows_of(app: Flask, code: str) -> tuple[int, list[Registration]]:
    with app.app_context():
        activity = get_activity(db.session(), code)
        taken = places(db.session(), activity)[None].taken
        rows = list(db.session.scalars(select(Registration).order_by(Registration.id)))
        db.session.expunge_all()
        return taken, rows


def test_300_registrations_for_50_places_fill_exactly_50_and_the_line_is_in_order(app: Flask) -> None:
    code = make_race(app, capacity=50)
    assert run_all(lambda number: enter_once(app, code, number), 300) == []
    taken, rows = rows_of(app, code)
    assert taken == 50
    assert [row.state for row in rows] == ["confirmed"] * 50 + ["waitlisted"] * 250
    assert [row.queue for row in rows[50:]] == list(range(1, 251))


def test_cancelling_and_adding_places_at_once_never_overbooks(app: Flask) -> None:
    code = make_race(app, capacity=20)
    assert run_all(lambda number: enter_once(app, code, number), 60) == []
    _, rows = rows_of(app, code)
    codes = [row.id for row in rows[:15]]

    def mixed(number: int) -> None:
        with app.app_context(), transaction(db.session) as tx:
            if number % 4 == 3:
                activity = get_activity(tx, code)
                size = activity.sessions[0].capacity or 0
                change_capacity(tx, activity.sessions[0], capacity=max(20, size), actor=PARTICIPANT, now=NOW)
            elif number < 15:
                cancel_registration(tx, tx.get_one(Registration, codes[number]), actor=PARTICIPANT, now=NOW)
            else:
                entry = Entry(None, f"示例{number}", 1, 0, "", True, "", "")
                register(tx, get_activity(tx, code), entry, keys=app.extensions["keys"], now=NOW)

    assert run_all(mixed, 40) == []
    taken, rows = rows_of(app, code)
    assert taken == 20
    waiting = [row.queue for row in rows if row.state == "waitlisted"]
    promoted = [row.queue for row in rows if row.state == "confirmed" and row.promoted_at is not None]
    assert promoted
    assert max(promoted) < min(waiting)  # type: ignore[type-var] # both always have a rank


def test_one_form_sent_20_times_at_once_is_one_registration(app: Flask) -> None:
    code = make_race(app, capacity=50)
    assert run_all(lambda _number: enter_once(app, code, 1, submission="S" * 22), 20) == []
    assert rows_of(app, code)[0] == 1


def test_one_phone_from_20_browsers_at_once_is_one_registration(app: Flask) -> None:
    code = make_race(app, capacity=50)
    failed = run_all(lambda number: enter_once(app, code, number, phone="13800138000"), 20)
    assert len(failed) == 19
    assert {type(error).__name__ for error in failed} == {"PhoneTaken"}
    assert rows_of(app, code)[0] == 1


def test_a_units_quota_holds_when_its_people_come_at_once(app: Flask) -> None:
    code, town = make_quota_race(app)
    assert run_all(lambda number: enter_from(app, code, number, town if number % 2 else OTHER_UNIT), 60) == []
    assert quota_used(app, code) == (10, 40)


def test_without_the_lock_the_quota_is_passed(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control, as below: counted before the lock is taken."""
    code, town = make_quota_race(app)
    seen = threading.local()
    together = threading.Barrier(8)
    monkeypatch.setattr(entering, "with_places", no_lock)
    monkeypatch.setattr(storing, "read_pools", lambda *_: seen.pools)

    def count_first(number: int) -> None:
        with app.app_context():
            seen.pools = read_pools(db.session(), get_activity(db.session(), code))
            db.session.rollback()
        together.wait(10)
        enter_from(app, code, number, town, adults=2)

    assert run_all(count_first, 8, clients=8) == []
    assert quota_used(app, code)[0] > 10


def make_quota_race(app: Flask) -> tuple[str, str]:
    """Forty places, ten at most for one town; codes of both."""
    with app.app_context(), transaction(db.session) as tx:
        activity, town = make_activity(tx, capacity=40), make_unit(tx)
        set_quota(tx, activity, town, 10, actor=SYSTEM, now=NOW)
        return activity.code, town.code


def enter_from(app: Flask, code: str, number: int, unit: str, *, adults: int = 1) -> None:
    entry = Entry(None, f"示例{number}", adults, 0, "", True, "", f"browser{number:015d}"[:22], from_unit=unit)
    with app.app_context(), transaction(db.session) as tx:
        register(tx, get_activity(tx, code), entry, keys=app.extensions["keys"], now=NOW)


def quota_used(app: Flask, code: str) -> tuple[int, int]:
    """(people of the town with a place, people with a place)"""
    with app.app_context():
        room = read_pools(db.session(), get_activity(db.session(), code))[None].room
        return sum(room.used.values()), room.taken


@contextmanager
def no_lock(session: Session, activity_id: int) -> Iterator[Activity]:
    yield session.get_one(Activity, activity_id)
    session.flush()


def slow_pools(session: Session, activity: Activity) -> dict[int | None, Pool]:
    found = read_pools(session, activity)
    time.sleep(0.02)
    return found


def test_without_the_lock_the_same_race_overbooks(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control. PostgreSQL: no FOR UPDATE. SQLite: counted before the write lock is taken."""
    code = make_race(app, capacity=5)
    with app.app_context():
        dialect = db.engine.dialect.name
    if dialect == "postgresql":
        monkeypatch.setattr(entering, "with_places", no_lock)
        monkeypatch.setattr(storing, "read_pools", slow_pools)
        run_all(lambda number: enter_once(app, code, number), 24)
    else:
        seen = threading.local()
        together = threading.Barrier(8)
        monkeypatch.setattr(storing, "read_pools", lambda *_: seen.pools)

        def count_first(number: int) -> None:
            with app.app_context():
                seen.pools = read_pools(db.session(), get_activity(db.session(), code))
                db.session.rollback()
            together.wait(10)
            enter_once(app, code, number)

        run_all(count_first, 8, clients=8)
    assert rows_of(app, code)[0] > 5
