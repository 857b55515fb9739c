"""Twenty tickets, fifty parallel copies of each: twenty check-ins; without the unique key's decision, more."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.activities.queries import get_activity
from app.checkin import arriving
from app.checkin.corrections import rebuild_check_ins
from app.checkin.models import CheckIn, CheckInEvent, Method, Outcome
from app.checkin.service import Arrival, check_in
from app.extensions import db
from app.kernel.database import transaction
from app.registration.entering import Entry, register
from tests.factories import NOW, make_activity

pytestmark = pytest.mark.serial
TICKETS, COPIES, CLIENTS = 20, 50, 12


def _tickets(app: Flask) -> tuple[int, list[int]]:
    """The session's id and the registrations' ids."""
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, capacity=100)
        ids = [
            register(
                tx, get_activity(tx, activity.code), Entry(None, f"示例{n}", 1, 1, "", True, secrets.token_hex(16), ""),
                keys=app.extensions["keys"], now=NOW,
            ).registration.id
            for n in range(TICKETS)
        ]  # fmt: skip
        return activity.sessions[0].id, ids


def _run(work: Callable[[int], str], times: int) -> list[str]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(work, range(times)))


def test_fifty_copies_of_a_ticket_are_one_check_in(app: Flask) -> None:
    session_id, ids = _tickets(app)
    methods = (Method.LIVE_CODE, Method.TICKET_SCAN, Method.TICKET_CODE, Method.PRINTED_CODE)

    def scan(number: int) -> str:
        with app.app_context(), transaction(db.session) as tx:
            arrival = Arrival(secrets.token_hex(16), session_id, methods[number % 4], ids[number % TICKETS])
            return check_in(tx, arrival, now=NOW).outcome

    outcomes = _run(scan, TICKETS * COPIES)
    assert outcomes.count(Outcome.ACCEPTED.value) == TICKETS
    assert outcomes.count(Outcome.DUPLICATE.value) == TICKETS * (COPIES - 1)
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(CheckIn)) == TICKETS
        assert db.session.scalar(select(func.count()).select_from(CheckInEvent)) == TICKETS * COPIES  # every scan kept
        with transaction(db.session) as tx:
            before = sorted((c.session_id, c.registration_id, c.headcount) for c in tx.query(CheckIn))
            rebuild_check_ins(tx, tx.query(CheckIn).first().activity_id)
            after = sorted((c.session_id, c.registration_id, c.headcount) for c in tx.query(CheckIn))
        assert before == after


def test_one_uid_sent_many_times_gets_its_first_answer(app: Flask) -> None:
    session_id, _ids = _tickets(app)
    uid = secrets.token_hex(16)

    def walk_in(_number: int) -> str:
        with app.app_context(), transaction(db.session) as tx:
            return check_in(tx, Arrival(uid, session_id, Method.LIVE_CODE, adults=3, is_walk_in=True), now=NOW).outcome

    assert set(_run(walk_in, 40)) == {Outcome.ACCEPTED.value}
    with app.app_context():
        assert db.session.scalar(select(func.sum(CheckIn.grade_b))) == 3


def test_without_the_deciding_insert_copies_are_accepted_twice(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: look first, insert after, in a transaction that does not hold the writer's lock."""
    session_id, ids = _tickets(app)
    monkeypatch.setattr(arriving, "_project", lambda *_arguments: True)

    def scan(_number: int) -> str:
        with app.app_context(), transaction(db.session) as tx:
            return check_in(tx, Arrival(secrets.token_hex(16), session_id, Method.LIVE_CODE, ids[0]), now=NOW).outcome

    assert _run(scan, 20).count(Outcome.ACCEPTED.value) > 1
