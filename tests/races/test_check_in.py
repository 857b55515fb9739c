"""Twenty tickets, fifty parallel copies of each: twenty check-ins; without the unique key's decision, more."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.activities.queries import get_activity
from app.checkin import arriving
from app.checkin.clocks import Sent
from app.checkin.corrections import rebuild_check_ins
from app.checkin.devices import find_device, pair_device
from app.checkin.group_commit import GroupCommit
from app.checkin.models import CheckIn, CheckInEvent, Method, Outcome
from app.checkin.offline import Scan, take_scan
from app.checkin.service import Arrival, check_in
from app.extensions import db
from app.kernel.actor import ANONYMOUS
from app.kernel.database import transaction
from app.kernel.tokens import digest
from app.registration.entering import Entry, register
from tests.factories import NOW, make_activity

pytestmark = pytest.mark.serial
TICKETS = 100 if os.environ.get("SHILIU_PROOF") == "full" else 20
COPIES, CLIENTS = 50, 12


@dataclass(frozen=True)
class Gate:
    """A session that people come to: ids of their registrations, their tickets' secrets, a helper's phone."""

    session_id: int
    code: str
    ids: list[int]
    secrets: list[str]
    phone: str


@pytest.fixture
def gate(app: Flask) -> Gate:
    keys = app.extensions["keys"]
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, capacity=2 * TICKETS)
        made = [
            register(
                tx, get_activity(tx, activity.code), Entry(None, f"示例{n}", 1, 1, "", True, secrets.token_hex(16), ""),
                keys=keys, now=NOW,
            )
            for n in range(TICKETS)
        ]  # fmt: skip
        row = activity.sessions[0]
        _grant, phone = pair_device(tx, session_code=row.code, all_sessions=False, label="", actor=ANONYMOUS, now=NOW)
        return Gate(row.id, row.code, [m.registration.id for m in made], [m.secret for m in made], phone)


def _through(app: Flask, gate: Gate, group: GroupCommit, number: int) -> str:
    """One copy of a ticket through one of the four doors; its outcome."""
    at, uid = (number // 4) % TICKETS, secrets.token_urlsafe(16)
    door = number % 4
    if door == 0:  # the venue's button, on the hot path
        own = Arrival(uid, None, Method.LIVE_CODE, session_code=gate.code, secret=gate.secrets[at])
        return group.check_in(own, now=NOW).outcome
    with app.app_context(), transaction(db.session) as tx:
        if door == 1:  # a helper's phone
            grant = find_device(tx, gate.phone, NOW)
            assert grant is not None
            moment = int(NOW.timestamp() * 1000)
            scan = Scan(
                uid, number + 1, gate.code, "arrival", digest(gate.secrets[at]), None, False, None, None, moment, 0.0,
                "life", "camera",
            )  # fmt: skip
            sent = Sent(moment, 0.0, "life")
            return take_scan(tx, scan, sent=sent, grant=grant, keys=app.extensions["keys"], now=NOW).outcome
        method = Method.TICKET_SCAN if door == 2 else Method.TICKET_CODE
        return check_in(tx, Arrival(uid, gate.session_id, method, gate.ids[at]), now=NOW).outcome


def _run(work: Callable[[int], str], times: int) -> list[str]:
    with ThreadPoolExecutor(CLIENTS) as pool:
        return list(pool.map(work, range(times)))


def test_fifty_copies_through_four_doors_are_one_check_in(
    app: Flask, gate: Gate, record_property: Callable[[str, object], None]
) -> None:  # fmt: skip
    with app.app_context():
        group = GroupCommit(db.engine)
    outcomes = _run(lambda number: _through(app, gate, group, number), TICKETS * COPIES)
    record_property("tickets", TICKETS)
    record_property("copies of each", COPIES)
    record_property("check-ins", outcomes.count(Outcome.ACCEPTED.value))
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


def test_one_uid_sent_many_times_gets_its_first_answer(app: Flask, gate: Gate) -> None:
    session_id = gate.session_id
    uid = secrets.token_hex(16)

    def walk_in(_number: int) -> str:
        with app.app_context(), transaction(db.session) as tx:
            return check_in(tx, Arrival(uid, session_id, Method.LIVE_CODE, adults=3, is_walk_in=True), now=NOW).outcome

    assert set(_run(walk_in, 40)) == {Outcome.ACCEPTED.value}
    with app.app_context():
        assert db.session.scalar(select(func.sum(CheckIn.grade_b))) == 3


def test_without_the_deciding_insert_copies_are_accepted_twice(
    app: Flask, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: look first, insert after, in a transaction that does not hold the writer's lock."""
    session_id, ids = gate.session_id, gate.ids
    monkeypatch.setattr(arriving, "_project", lambda *_arguments: True)

    def scan(_number: int) -> str:
        with app.app_context(), transaction(db.session) as tx:
            return check_in(tx, Arrival(secrets.token_hex(16), session_id, Method.LIVE_CODE, ids[0]), now=NOW).outcome

    assert _run(scan, 20).count(Outcome.ACCEPTED.value) > 1
