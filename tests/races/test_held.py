"""Several people settle the same held scan at once: one of them does, the others are told, and nobody waits in a ring."""

from __future__ import annotations

import secrets
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.checkin import deciding
from app.checkin.clocks import Sent
from app.checkin.corrections import rebuild_check_ins
from app.checkin.deciding import count_before_revoked, count_held, dismiss_held, resolve_unknown
from app.checkin.devices import pair_device
from app.checkin.models import CheckIn, DeviceGrant, HeldScan
from app.checkin.offline import Scan, take_scan
from app.extensions import db
from app.kernel.actor import ANONYMOUS
from app.kernel.database import transaction
from app.kernel.errors import Conflict
from app.kernel.tokens import digest
from app.registration.entering import Entry, register
from app.registration.indexes import ticket_secret
from tests.factories import NOW
from tests.services.checkin.stage import STAFF, make_stage

pytestmark = pytest.mark.serial
ROUNDS = 12
Work = Callable[[Session], object]


@dataclass(frozen=True)
class Gate:
    """An activity, its session's code and a helper's phone, by what survives a transaction."""

    app: Flask
    activity_id: int
    code: str
    grant_id: int

    def scan(self, tx: Session, ticket: str, *, at: float = 0.0, undoes: str = "") -> str:
        """The phone sends one scan, or what takes one back; returns its uid."""
        uid, millis = secrets.token_urlsafe(16), round((NOW + timedelta(seconds=at)).timestamp() * 1000)
        scan = Scan(
            uid, secrets.randbelow(10**9) + 1, self.code, "undo" if undoes else "arrival", None if undoes else ticket,
            None, False, None, undoes or None, millis, at * 1000, "life", "camera",
        )  # fmt: skip
        take_scan(
            tx, scan, sent=Sent(millis, at * 1000, "life"), grant=tx.get_one(DeviceGrant, self.grant_id),
            keys=self.app.extensions["keys"], now=NOW + timedelta(seconds=at),
        )  # fmt: skip
        return uid

    def activity(self, tx: Session) -> Activity:
        return tx.get_one(Activity, self.activity_id)


def held_by(tx: Session, uid: str) -> HeldScan:
    return tx.scalars(select(HeldScan).where(HeldScan.uid == uid)).one()


@pytest.fixture
def gate(app: Flask) -> Gate:
    with app.app_context(), transaction(db.session) as tx:
        stage = make_stage(tx, app.extensions["keys"], capacity=None)
        grant, _secret = pair_device(
            tx, session_code=stage.row.code, all_sessions=False, label="", actor=ANONYMOUS, now=NOW
        )
        return Gate(app, stage.activity.id, stage.row.code, grant.id)


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has decided takes a while until the commit, so that the others come in between."""
    record = deciding.record

    def waiting(*arguments: Any, **more: Any) -> None:
        record(*arguments, **more)
        time.sleep(0.05)

    monkeypatch.setattr(deciding, "record", waiting)


def at_once(app: Flask, *works: Work) -> list[str]:
    """Each in a transaction of its own; what came of it in a word."""
    ready = threading.Barrier(len(works))

    def one(work: Work) -> str:
        with app.app_context():
            ready.wait(10)
            try:
                with transaction(db.session) as tx:
                    work(tx)
            except Conflict:
                return "told"
            return "done"

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(one, works))


def outcome(app: Flask) -> tuple[list[str], int]:
    """(states of what was held, people here)."""
    with app.app_context():
        states = list(db.session.scalars(select(HeldScan.state).order_by(HeldScan.id)))
        people = CheckIn.grade_a + CheckIn.grade_b + CheckIn.grade_c + CheckIn.grade_d
        return states, int(db.session.scalar(select(func.coalesce(func.sum(people), 0))) or 0)


def unknown_at_once(gate: Gate) -> tuple[list[str], tuple[list[str], int]]:
    """Two organizers, one says 算到场, the other 不算."""
    with gate.app.app_context(), transaction(db.session) as tx:
        uid = gate.scan(tx, secrets.token_hex(32))

    def decide(verb: Callable[..., object]) -> Work:
        return lambda tx: verb(tx, gate.activity(tx), held_by(tx, uid), actor=STAFF, now=NOW)

    return at_once(gate.app, decide(count_held), decide(dismiss_held)), outcome(gate.app)


@pytest.mark.usefixtures("slow")
def test_of_two_organizers_one_decides_and_the_other_is_told(gate: Gate) -> None:
    before = 0
    for _ in range(ROUNDS):
        told, (states, people) = unknown_at_once(gate)
        assert sorted(told) == ["done", "told"]
        assert people - before == (states[-1] == "counted")
        before = people


@pytest.mark.postgresql_only  # SQLite has one writer at a time
@pytest.mark.usefixtures("slow")
def test_without_the_lock_both_decide(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control."""
    monkeypatch.setattr(deciding, "_take", lambda _session, _activity, held: deciding._check_undecided(held))
    assert any(unknown_at_once(gate)[0] == ["done", "done"] for _ in range(ROUNDS))


@pytest.mark.usefixtures("slow")
def test_two_scans_of_one_ticket_settled_by_four_at_once_never_wait_in_a_ring(gate: Gate) -> None:
    """Two organizers, the worker with the late roster, and the phone that takes its scan back."""
    keys = gate.app.extensions["keys"]
    before = 0
    for number in range(ROUNDS):
        with gate.app.app_context(), transaction(db.session) as tx:
            entry = Entry(None, "示例王女士", 2, 0, "", True, f"f{number}", f"b{number}")
            late = digest(ticket_secret(keys, gate.activity(tx).code, f"b{number}", f"f{number}"))
            one, other = gate.scan(tx, late), gate.scan(tx, late, at=1)
            register(tx, gate.activity(tx), entry, keys=keys, now=NOW)

        def count(uid: str) -> Work:
            return lambda tx: count_held(tx, gate.activity(tx), held_by(tx, uid), actor=STAFF, now=NOW)

        told = at_once(
            gate.app, count(other), count(one), lambda tx: resolve_unknown(tx, now=NOW),
            lambda tx, uid=one: gate.scan(tx, "", at=2, undoes=uid),
        )  # fmt: skip
        states, people = outcome(gate.app)
        assert set(told) <= {"done", "told"} and "open" not in states
        assert people - before in (0, 2)  # one registration of two people, however many settled it
        before = people
    with gate.app.app_context(), transaction(db.session) as tx:
        rebuild_check_ins(tx, gate.activity_id)
    assert outcome(gate.app)[1] == before


@pytest.mark.usefixtures("slow")
def test_the_lot_of_a_revoked_phone_and_single_presses_count_each_scan_once(gate: Gate) -> None:
    with gate.app.app_context(), transaction(db.session) as tx:
        keys = gate.app.extensions["keys"]
        hashes = [
            register(
                tx, gate.activity(tx), Entry(None, "示例", 1, 0, "", True, f"s{n}", f"w{n}"), keys=keys, now=NOW
            ).registration.secret_hash
            for n in range(ROUNDS)
        ]  # fmt: skip
        tx.get_one(DeviceGrant, gate.grant_id).revoked_at = NOW + timedelta(seconds=60)
        grant = tx.get_one(DeviceGrant, gate.grant_id)
        uids = [late_scan(tx, gate, grant, str(hash_)) for hash_ in hashes]

    def lot(tx: Session) -> object:
        return count_before_revoked(tx, gate.activity(tx), tx.get_one(DeviceGrant, gate.grant_id), actor=STAFF, now=NOW)

    def dismiss(uid: str) -> Work:
        return lambda tx: dismiss_held(tx, gate.activity(tx), held_by(tx, uid), actor=STAFF, now=NOW)

    told = at_once(gate.app, lot, lot, dismiss(uids[-1]), dismiss(uids[0]))
    states, people = outcome(gate.app)
    assert set(told) <= {"done", "told"} and "open" not in states
    assert people == states.count("counted") >= ROUNDS - 2


def late_scan(tx: Session, gate: Gate, grant: DeviceGrant, ticket: str) -> str:
    """Scanned at once, sent after the phone was revoked."""
    uid, millis = secrets.token_urlsafe(16), round(NOW.timestamp() * 1000)
    scan = Scan(
        uid, secrets.randbelow(10**9) + 1, gate.code, "arrival", ticket, None, False, None, None, millis, 0.0, "life",
        "camera",
    )  # fmt: skip
    sent = Sent(millis + 120_000, 120_000.0, "life")
    later = NOW + timedelta(seconds=120)
    take_scan(tx, scan, sent=sent, grant=grant, keys=gate.app.extensions["keys"], now=later)
    return uid
