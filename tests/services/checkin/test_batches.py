"""A batch ends where one after the other would: the same answers, the same events, the same check-ins."""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.checkin import arriving
from app.checkin.arriving import Arrival, Result, arrive_together
from app.checkin.models import CheckIn, CheckInEvent, Method
from app.checkin.rules import CountAs
from app.checkin.statements import KEEP_EVENT, Lane, Overtaken, SessionLane
from app.extensions import db
from app.kernel.database import transaction
from app.kernel.keys import KeyRing
from app.organisation.models import Unit, UnitKind
from app.registration.entering import PartyEntry, register_party
from app.registration.models import Registration, RegistrationState
from app.registration.rules import ClassEntry
from tests.factories import NOW, make_activity, make_unit
from tests.services.checkin.stage import Stage

Wish = tuple[Arrival, datetime]
PEOPLE, SCANS = 12, 90


class Gate:
    """An activity with people, a class and a cancelled one, and every kind of scan that comes to it."""

    def __init__(self, session: Session, keys: KeyRing, school: Unit, prefix: str) -> None:
        self.stage = Stage(session, keys, make_activity(session, capacity=None, takes_parties=True))
        self.prefix = prefix
        self.people = [self.stage.enrol(1 + n % 3) for n in range(PEOPLE)]
        self.people[0].state = RegistrationState.CANCELLED.value
        entry = PartyEntry(
            None,
            school.id,
            (ClassEntry("三年级2班", 38, 2),),
            "张老师",
            "13800138000",
            True,
            secrets.token_urlsafe(16),
            "",
        )
        self.class_ = register_party(session, self.stage.activity, entry, keys=keys, now=NOW).registration
        session.flush()

    def scans(self, stranger: Registration) -> list[Wish]:
        """The same for every gate: tickets again and again, forms sent twice, buses, walk-ins, what is refused."""
        dice, made = random.Random(7), list[Wish]()
        for number in range(SCANS):
            kind, uid, at = dice.randrange(10), f"{self.prefix}{number:020d}", NOW + timedelta(seconds=number)
            where = self.stage.row.code
            if kind == 0 and made:
                made.append((made[dice.randrange(len(made))][0], at))
            elif kind == 1:
                made.append((self._walk_in(uid, where, dice.randint(1, 8)), at))
            elif kind in (2, 3):
                people, way = dice.randint(0, 20), CountAs.FIRST if number % 4 == 0 else CountAs.PART
                own = Arrival(uid, None, Method.PARTY_OWN, self.class_.id, 0, people, session_code=where, count_as=way)
                made.append((own, at))
            elif kind == 4:
                ticket = dice.choice([stranger.id, 999_999, None])
                made.append((Arrival(uid, None, Method.LIVE_CODE, ticket, session_code=where), at))
            elif kind == 5:
                made.append((Arrival(uid, None, Method.LIVE_CODE, session_code="nothingthere"), at))
            else:
                ticket = dice.choice(self.people).id
                made.append((Arrival(uid, None, Method.LIVE_CODE, ticket, session_code=where), at))
        return made

    @staticmethod
    def _walk_in(uid: str, where: str, people: int) -> Arrival:
        return Arrival(uid, None, Method.LIVE_CODE, adults=people, name="李女士", is_walk_in=True, session_code=where)

    def kept(self) -> tuple[list[Any], list[Any]]:
        """Events and check-ins, without what differs between two gates."""
        session, first = self.stage.session, self.people[0].id
        events = session.execute(
            select(
                CheckInEvent.uid, CheckInEvent.kind, CheckInEvent.outcome, CheckInEvent.headcount, CheckInEvent.grade
            )
            .where(CheckInEvent.session_id == self.stage.row.id)
            .order_by(CheckInEvent.uid)
        )
        check_ins = session.execute(
            select(
                CheckIn.registration_id, CheckIn.grade_a, CheckIn.grade_b, CheckIn.grade_c, CheckIn.grade_d,
                CheckIn.first_at, CheckIn.last_at,
            ).where(CheckIn.session_id == self.stage.row.id)
        )  # fmt: skip
        named = {each.id for each in (*self.people, self.class_)}
        return (
            [(row.uid.removeprefix(self.prefix), *row[1:]) for row in events],
            sorted(((row[0] - first if row[0] in named else 0, *row[1:]) for row in check_ins), key=str),
        )


def said(answers: Sequence[Result | Exception], prefix: str, first: int) -> list[Any]:
    return [
        (each.outcome, each.message, each.first_at, each.headcount, each.here, each.name, each.event_uid.removeprefix(prefix))
        if isinstance(each, Result)
        else str(each)
        for each in answers
    ]  # fmt: skip


def through(gate: Gate, wishes: list[Wish], at_once: int) -> list[Result | Exception]:
    answers: list[Result | Exception] = []
    for start in range(0, len(wishes), at_once):
        answers += arrive_together(SessionLane(gate.stage.session), wishes[start : start + at_once])
    return answers


def both(app: Flask) -> tuple[tuple[list[Any], Any], tuple[list[Any], Any]]:
    """What each of two like gates answered and kept: one after the other, and in batches of 16."""
    with app.app_context(), transaction(db.session) as tx:
        keys, school = app.extensions["keys"], make_unit(tx, name="示例第一小学", kind=UnitKind.SCHOOL)
        alone, joint = Gate(tx, keys, school, "a"), Gate(tx, keys, school, "j")
        stranger = Stage(tx, keys, make_activity(tx)).enrol()
        tx.flush()
        found = [
            (said(through(gate, gate.scans(stranger), size), gate.prefix, gate.people[0].id), gate.kept())
            for gate, size in ((alone, 1), (joint, 16))
        ]
    return found[0], found[1]


def test_a_batch_ends_where_one_after_the_other_would(app: Flask) -> None:
    alone, joint = both(app)
    assert joint[0] == alone[0]
    assert joint[1] == alone[1]
    outcomes = {each[0] for each in alone[0] if isinstance(each, tuple)}
    assert {"accepted", "duplicate", "unknown", "foreign", "cancelled", "too_many"} <= outcomes


def test_without_waves_a_batch_would_differ(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: who is decided on a look-up that is no longer true."""

    def one_wave(lane: Lane, waiting: Sequence[Any]) -> tuple[list[Any], list[Any]]:
        ours, later = real(lane, waiting)
        for each in later:
            (each.row,) = lane.find([arriving._asked(each.arrival)])
        return ours + later, []

    real = arriving._look_up
    monkeypatch.setattr(arriving, "_look_up", one_wave)
    try:
        alone, joint = both(app)
    except (Overtaken, DBAPIError):
        return  # the database refuses two rows of one key in one statement, or the batch is overtaken
    assert joint != alone


def event(stage: Stage, uid: str) -> dict[str, Any]:
    return dict.fromkeys(KEEP_EVENT.columns) | {
        "uid": uid, "kind": "refusal", "outcome": "unknown", "activity_id": stage.activity.id,
        "session_id": stage.row.id, "headcount": 0, "method": "live_code", "occurred_at": NOW, "recorded_at": NOW,
        "reason": "",
    }  # fmt: skip


def test_a_taken_key_is_told_row_by_row_or_breaks_the_batch(app: Flask) -> None:
    with app.app_context(), transaction(db.session) as tx:
        stage = Stage(tx, app.extensions["keys"], make_activity(tx))
        lane = SessionLane(tx)
        assert lane.writes(KEEP_EVENT, [event(stage, "one"), event(stage, "two")]) == [True, True]
        assert lane.write(KEEP_EVENT, event(stage, "one")) is False
        again = [event(stage, "three"), event(stage, "two")]
        if lane.is_sqlite:
            with pytest.raises(Overtaken):
                lane.writes(KEEP_EVENT, again)
        else:
            assert lane.writes(KEEP_EVENT, again) == [True, False]
        assert lane.writes(KEEP_EVENT, []) == []
