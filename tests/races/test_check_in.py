"""Ten tickets, fifty copies of each at once: ten check-ins; where the look decides and not the unique key, more."""

from __future__ import annotations

import os
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate
from statistics import median
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.activities.queries import get_activity
from app.checkin import arriving
from app.checkin.corrections import rebuild_check_ins
from app.checkin.devices import pair_device
from app.checkin.models import CheckIn, CheckInEvent, Method, Outcome
from app.checkin.service import Arrival, check_in
from app.checkin.statements import PROJECT, Asked, Found, SessionLane
from app.extensions import db
from app.kernel.actor import ANONYMOUS
from app.kernel.database import transaction
from app.registration.entering import Entry, register
from tests.factories import NOW, make_activity
from tests.races.copies import Copy, Gate, Sender

pytestmark = pytest.mark.serial
TICKETS = 100 if os.environ.get("SHILIU_PROOF") == "full" else 10
COPIES, PROCESSES, CLIENTS = 50, 2, 20


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


def _run(work: Callable[[int], str], times: int) -> list[str]:
    gate = threading.Barrier(times)

    def one(number: int) -> str:
        gate.wait(30)
        return work(number)

    with ThreadPoolExecutor(times) as pool:
        return list(pool.map(one, range(times)))


@pytest.fixture
def senders(app: Flask, gate: Gate) -> Iterator[list[Sender]]:
    found = [Sender(app, gate, COPIES // PROCESSES) for _ in range(PROCESSES)]
    assert [sender.hear() for sender in found] == ["ready"] * PROCESSES
    yield found
    for sender in found:
        sender.end()


def _most_at_once(copies: list[Copy]) -> int:
    """How many of them were under way at one moment."""
    steps = sorted([(each.begun, 1) for each in copies] + [(each.ended, -1) for each in copies])
    return max(accumulate(step for _at, step in steps))


def test_fifty_copies_at_once_through_four_doors_of_two_processes_are_one_check_in(
    app: Flask, senders: list[Sender], record_property: Callable[[str, object], None]
) -> None:
    outcomes, at_once, twins = Counter[str](), list[int](), 0
    for at in range(TICKETS):
        for sender in senders:
            sender.tell(at)
        heard = [sender.hear() for sender in senders]
        copies = [Copy(*each) for sent, _twins in heard for each in sent]
        assert Counter(each.outcome for each in copies) == {"accepted": 1, "duplicate": COPIES - 1}
        outcomes.update(each.outcome for each in copies)
        at_once.append(_most_at_once(copies))
        twins = sum(number for _sent, number in heard)
    record_property("tickets", TICKETS)
    record_property("copies of each", COPIES)
    record_property("copies under way at once", median(at_once))
    record_property("batches that held a ticket twice", twins)
    record_property("check-ins", outcomes["accepted"])
    assert median(at_once) > COPIES / 2 and twins > 0, "hardly anything was at once: this test shows nothing"
    _stored_once(app)


def _stored_once(app: Flask) -> None:
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

    assert set(_run(walk_in, CLIENTS)) == {Outcome.ACCEPTED.value}
    with app.app_context():
        assert db.session.scalar(select(func.sum(CheckIn.grade_b))) == 3


def test_a_look_before_the_insert_is_right_one_by_one_and_accepts_twice_at_once(
    app: Flask, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: only copies that come at once get past it."""
    real, early = SessionLane.find, threading.local()
    together = threading.Barrier(CLIENTS)  # left to chance, one may have been stored before the others look

    def stale(lane: SessionLane, asked: Sequence[Asked]) -> list[Found | None]:
        found: list[Found | None] = early.rows
        return found

    def insert_and_believe(lane: SessionLane, counting: Sequence[Any]) -> None:
        for each in counting:
            lane.write(PROJECT, each.projection())  # whether it met a taken key is not asked
            each.is_projected, each.first_at = True, each.at

    monkeypatch.setattr(SessionLane, "find", stale)
    monkeypatch.setattr(arriving, "_project", insert_and_believe)

    def scan(at: int, waits: bool = False) -> str:
        arrival = Arrival(secrets.token_hex(16), gate.session_id, Method.LIVE_CODE, gate.ids[at])
        with app.app_context():
            asked = [Asked(arrival.session_id, arrival.registration_id, arrival.uid)]
            early.rows = real(SessionLane(db.session()), asked)  # before the writer's turn
            db.session.rollback()
            if waits:
                together.wait(30)
            with transaction(db.session) as tx:
                return check_in(tx, arrival, now=NOW).outcome

    assert Counter(scan(0) for _ in range(CLIENTS)) == {"accepted": 1, "duplicate": CLIENTS - 1}
    assert set(_run(lambda _number: scan(1, waits=True), CLIENTS)) == {Outcome.ACCEPTED.value}
