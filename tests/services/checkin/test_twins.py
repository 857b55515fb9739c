"""One form pressed at once as two different things, by two processes: one counts, and nothing is left of the other."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.checkin import arriving
from app.checkin.arriving import Arrival, Result
from app.checkin.corrections import rebuild_check_ins
from app.checkin.models import CheckIn, Method
from app.checkin.service import check_in
from app.extensions import db
from app.kernel.database import transaction
from app.registration.models import PersonalDetail, Registration, RegistrationKind
from tests.factories import NOW, make_activity
from tests.services.checkin.stage import Stage, new_uid
from tests.services.checkin.test_parties import enrol_class

# SQLite has one writer: the second sees what the first has stored.
pytestmark = pytest.mark.postgresql_only


@dataclass
class Twins:
    """Where both come, and who they are."""

    session_id: int
    guest: int
    class_: int
    activity: int


def make(app: Flask) -> Twins:
    with app.app_context(), transaction(db.session) as tx:
        s = Stage(tx, app.extensions["keys"], make_activity(tx, capacity=None, takes_parties=True))
        party = enrol_class(s)
        s.arrive(party, Method.PARTY_OWN, children=20)
        return Twins(s.row.id, s.enrol().id, party.id, s.activity.id)


def press(first: Arrival, second: Arrival) -> Result:
    """The second looks up before the first has committed and waits for it at the event: what it is answered."""
    got: list[Result] = []
    with Session(db.engine) as fast, Session(db.engine) as slow:
        check_in(fast, first, now=NOW)

        def go() -> None:
            got.append(check_in(slow, second, now=NOW + timedelta(seconds=10)))
            slow.commit()

        waiting = threading.Thread(target=go)
        waiting.start()
        time.sleep(0.3)
        fast.commit()
        waiting.join(20)
    return got[0]


def left(twins: Twins) -> tuple[int, int, list[int]]:
    """Walk-in registrations, their names, and the people of each check-in."""
    walk_ins = db.session.scalar(
        select(func.count()).select_from(Registration).where(Registration.kind == RegistrationKind.WALK_IN.value)
    )
    names = db.session.scalar(select(func.count()).where(PersonalDetail.name == "王女士"))
    people = [row.headcount for row in db.session.scalars(select(CheckIn).order_by(CheckIn.id))]
    db.session.rollback()
    return walk_ins or 0, names or 0, people


def pair(twins: Twins, people: int = 2) -> tuple[Arrival, Arrival]:
    """An own ticket, and a walk-in with a name, of one form."""
    uid = new_uid()
    return Arrival(uid, twins.session_id, Method.LIVE_CODE, twins.guest), Arrival(
        uid, twins.session_id, Method.LIVE_CODE, adults=people, is_walk_in=True, name="王女士"
    )


def test_a_walk_in_that_was_overtaken_by_its_own_ticket_leaves_no_registration(app: Flask) -> None:
    twins = make(app)
    with app.app_context():
        mine, walk_in = pair(twins)
        answer = press(mine, walk_in)
        assert (answer.registration_id, answer.headcount) == (twins.guest, 1)
        assert left(twins) == (0, 0, [20, 1])


def test_without_taking_it_back_a_name_stays_that_nobody_sees(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving, "FORGET_WALK_IN", ())
    twins = make(app)
    with app.app_context():
        press(*pair(twins))
        assert left(twins) == (1, 1, [20, 1])


def test_an_own_ticket_that_was_overtaken_by_the_walk_in_leaves_no_check_in(app: Flask) -> None:
    twins = make(app)
    with app.app_context():
        mine, walk_in = pair(twins)
        assert press(walk_in, mine).headcount == 2
        assert left(twins) == (1, 1, [20, 2])


@pytest.mark.parametrize("is_first", [False, True])
def test_a_part_of_a_class_that_was_overtaken_adds_nobody(app: Flask, is_first: bool) -> None:
    twins = make(app)
    with app.app_context():
        mine, _walk_in = pair(twins)
        if is_first:  # its row would be of this part alone
            with transaction(db.session) as tx:
                tx.delete(tx.scalars(select(CheckIn)).one())
        part = Arrival(mine.uid, twins.session_id, Method.PARTY_OWN, twins.class_, children=18)
        press(mine, part)
        assert left(twins) == (0, 0, [1] if is_first else [20, 1])


def test_the_moment_of_the_class_is_taken_back_too(app: Flask) -> None:
    twins = make(app)
    with app.app_context():
        mine, _walk_in = pair(twins)
        press(mine, Arrival(mine.uid, twins.session_id, Method.PARTY_OWN, twins.class_, children=18))
        before = [(row.first_at, row.last_at) for row in db.session.scalars(select(CheckIn).order_by(CheckIn.id))]
        db.session.rollback()
        with transaction(db.session) as tx:
            rebuild_check_ins(tx, twins.activity)
        after = [
            (row.first_at, row.last_at) for row in db.session.scalars(select(CheckIn).order_by(CheckIn.registration_id))
        ]
        assert sorted(after) == sorted(before)
        db.session.rollback()
