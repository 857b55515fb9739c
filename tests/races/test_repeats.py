"""Somebody presses while a helper takes the first scan back: who was told "signed in" is in, whichever commits first."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.checkin import arriving
from app.checkin.arriving import Arrival
from app.checkin.corrections import list_differing, undo_check_in
from app.checkin.devices import pair_device
from app.checkin.group_commit import GroupCommit
from app.checkin.models import CheckIn, CheckInEvent, Method
from app.checkin.service import check_in
from app.extensions import db
from app.kernel.actor import ANONYMOUS
from app.kernel.database import transaction
from app.registration.entering import Entry, register
from tests.factories import NOW
from tests.races.test_held import Gate
from tests.services.checkin.stage import STAFF, make_stage, new_uid

pytestmark = pytest.mark.serial
Work = Callable[[Session], object]
LATER = NOW + timedelta(seconds=5)


@dataclass(frozen=True)
class Scanned:
    """A ticket that a helper's phone has scanned, and another phone."""

    gate: Gate
    other: Gate
    session_id: int
    registration_id: int
    ticket: str
    uid: str

    def own(self) -> Arrival:
        return Arrival(new_uid(), self.session_id, Method.LIVE_CODE, self.registration_id)

    def press(self, tx: Session) -> object:
        return check_in(tx, self.own(), now=LATER).outcome

    def scan(self, tx: Session) -> object:
        return self.other.scan(tx, self.ticket, at=5)

    def undo(self, tx: Session) -> object:
        return self.gate.scan(tx, "", at=6, undoes=self.uid)

    def undo_by_staff(self, tx: Session) -> object:
        activity = tx.get_one(Activity, self.gate.activity_id)
        return undo_check_in(tx, activity, event_uid=self.uid, reason="test", actor=STAFF, now=LATER)


@pytest.fixture
def scanned(app: Flask) -> Scanned:
    keys = app.extensions["keys"]
    with app.app_context(), transaction(db.session) as tx:
        stage = make_stage(tx, keys, capacity=None)
        entry = Entry(None, "示例王女士", 2, 0, "", True, "form", "browser")
        guest = register(tx, stage.activity, entry, keys=keys, now=NOW).registration
        gates = [
            Gate(app, stage.activity.id, stage.row.code, pair_device(
                tx, session_code=stage.row.code, all_sessions=False, label="", actor=ANONYMOUS, now=NOW
            )[0].id)
            for _ in range(2)
        ]  # fmt: skip
        ticket = str(guest.secret_hash)
        return Scanned(*gates, stage.row.id, guest.id, ticket, gates[0].scan(tx, ticket))


def overlapping(app: Flask, first: Work, second: Work | Callable[[], object]) -> tuple[object, bool]:
    """The first has done all but its commit when the second begins; what the second gives, and whether it waited."""
    done, go = threading.Event(), threading.Event()

    def holding() -> None:
        with app.app_context(), transaction(db.session) as tx:
            first(tx)
            done.set()
            go.wait(10)

    def following() -> object:
        if isinstance(second, Hot):
            return second()
        with app.app_context(), transaction(db.session) as tx:
            return second(tx)

    with ThreadPoolExecutor(2) as pool:
        held = pool.submit(holding)
        assert done.wait(10)
        follows = pool.submit(following)
        time.sleep(0.4)
        waited = not follows.done()
        go.set()
        held.result(20)
        return follows.result(20), waited


@dataclass(frozen=True)
class Hot:
    """A press on the hot path, in a transaction of its own."""

    app: Flask
    arrival: Arrival

    def __call__(self) -> object:
        with self.app.app_context():
            group = GroupCommit(db.engine)
        return group.check_in(self.arrival, now=LATER).outcome


def here(scanned: Scanned) -> tuple[list[int], list[str]]:
    """The people of each check-in, and the kinds of what was kept; the check-ins are what their events say."""
    with scanned.gate.app.app_context():
        assert list_differing(db.session(), scanned.gate.activity_id) == []
        people = [row.headcount for row in db.session.scalars(select(CheckIn).order_by(CheckIn.id))]
        kinds = list(db.session.scalars(select(CheckInEvent.kind).order_by(CheckInEvent.id)))
        db.session.rollback()
        return people, kinds


def unheld(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "_hold_repeats", lambda _lane, _wave: [])


def test_an_undo_waits_for_a_repeat_that_is_under_way_and_lets_it_stand(app: Flask, scanned: Scanned) -> None:
    _, waited = overlapping(app, scanned.press, scanned.undo)
    assert waited
    assert here(scanned) == ([2], ["arrival", "refusal", "undo", "arrival"])


@pytest.mark.postgresql_only  # SQLite has one writer at a time
def test_without_holding_it_the_undo_does_not_see_the_repeat(
    app: Flask, scanned: Scanned, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: told "signed in", and nothing stands."""
    unheld(monkeypatch)
    _, waited = overlapping(app, scanned.press, scanned.undo)
    assert not waited
    assert here(scanned)[0] == []


@pytest.mark.parametrize("by", ["undo", "undo_by_staff"])
@pytest.mark.parametrize("door", ["view", "hot"])
def test_a_press_that_meets_an_undo_under_way_counts_anew(app: Flask, scanned: Scanned, door: str, by: str) -> None:
    second = scanned.press if door == "view" else Hot(app, scanned.own())
    assert overlapping(app, getattr(scanned, by), second) == ("accepted", True)
    assert here(scanned) == ([2], ["arrival", "undo", "arrival"])


@pytest.mark.postgresql_only  # SQLite has one writer at a time
@pytest.mark.parametrize("door", ["view", "hot"])
def test_without_holding_it_the_press_is_told_what_is_gone(
    app: Flask, scanned: Scanned, door: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    unheld(monkeypatch)
    second = scanned.press if door == "view" else Hot(app, scanned.own())
    assert overlapping(app, scanned.undo, second) == ("duplicate", False)
    assert here(scanned)[0] == []


@pytest.mark.parametrize("first", ["scan", "undo"])
def test_another_phone_that_scans_meanwhile_stands_too(app: Flask, scanned: Scanned, first: str) -> None:
    works = [scanned.scan, scanned.undo]
    overlapping(app, *(works if first == "scan" else works[::-1]))
    assert here(scanned)[0] == [2]


def test_two_phones_and_two_presses_that_repeat_at_once_never_wait_in_a_ring(app: Flask, scanned: Scanned) -> None:
    ready = threading.Barrier(5)

    def one(work: Work) -> object:
        with app.app_context():
            ready.wait(10)
            with transaction(db.session) as tx:
                return work(tx)

    for _ in range(6):
        with ThreadPoolExecutor(5) as pool:
            list(pool.map(one, [scanned.press, scanned.scan, scanned.press, scanned.scan, scanned.scan]))
    assert here(scanned)[0] == [2]
