"""A class that two servers count whose clocks are 90 seconds apart: its check-in is what its events say."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.checkin import arriving, corrections
from app.checkin.arriving import Arrival
from app.checkin.corrections import confirm_party, rebuild_check_ins, undo_check_in
from app.checkin.models import CheckInEvent, EventKind, Method
from app.checkin.rules import CountAs
from app.checkin.service import check_in
from app.extensions import db
from app.kernel.database import transaction
from app.registration.models import Registration
from tests.factories import NOW, make_activity
from tests.services.checkin.stage import STAFF, Stage, new_uid
from tests.services.checkin.test_parties import enrol_class

AHEAD = timedelta(seconds=90)
DAYS, STEPS = 20, 12


@pytest.fixture
def stage(app: Flask) -> Iterator[Stage]:
    with app.app_context(), transaction(db.session) as tx:
        yield Stage(tx, app.extensions["keys"], make_activity(tx, capacity=None, takes_parties=True))


def step(stage: Stage, party: Registration, dice: random.Random, seconds: int) -> None:
    """One press, number for all, confirmation or undo, at the server that is right or at the one that is ahead."""
    now = NOW + timedelta(seconds=seconds) + dice.choice((timedelta(), AHEAD))
    what = dice.randrange(8)
    counting = list(
        stage.session.scalars(
            select(CheckInEvent.uid)
            .where(CheckInEvent.registration_id == party.id, CheckInEvent.kind.in_(corrections.COUNTING))
            .order_by(CheckInEvent.id)
        )
    )
    if what == 0 and counting and stage.projection():
        confirm_party(
            stage.session, stage.activity, session_id=stage.row.id, registration_id=party.id,
            headcount=dice.randint(1, 40), uid=new_uid(), actor=STAFF, now=now,
        )  # fmt: skip
    elif what == 1 and counting:
        undone = set(
            stage.session.scalars(select(CheckInEvent.refers_to).where(CheckInEvent.kind == EventKind.UNDO.value))
        )
        standing = [uid for uid in counting if uid not in undone]
        if standing:
            undo_check_in(
                stage.session, stage.activity, event_uid=dice.choice(standing), reason="test", actor=STAFF, now=now
            )
    else:
        way = CountAs.WHOLE if what == 2 else CountAs.PART
        method = Method.TICKET_SCAN if what == 2 else Method.PARTY_OWN
        arrival = Arrival(new_uid(), stage.row.id, method, party.id, dice.randint(1, 20), count_as=way)
        check_in(stage.session, arrival, now=now)


def differing(stage: Stage, party: Registration) -> list[int]:
    """The days after which the check-in is not what its events say."""
    found = []
    for day in range(DAYS):
        dice = random.Random(day)
        for number in range(STEPS):
            step(stage, party, dice, 10 * number + 200 * day)
        before = stage.projection()
        rebuild_check_ins(stage.session, stage.activity.id)
        if stage.projection() != before:
            found.append(day)
    return found


def test_the_check_in_of_a_class_is_what_its_events_say_whatever_the_clocks(stage: Stage) -> None:
    assert differing(stage, enrol_class(stage)) == []


def test_with_each_servers_own_moment_it_is_not(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving._Coming, "not_before", lambda *_: None)
    monkeypatch.setattr(corrections, "_last_at", lambda *_: NOW)
    assert differing(stage, enrol_class(stage)) != []


def test_who_comes_after_a_confirmation_by_a_clock_that_is_ahead_is_added_for_good(stage: Stage) -> None:
    party = enrol_class(stage)
    stage.arrive(party, Method.PARTY_OWN, children=20)
    confirm_party(
        stage.session, stage.activity, session_id=stage.row.id, registration_id=party.id, headcount=21, uid=new_uid(),
        actor=STAFF, now=NOW + AHEAD + timedelta(seconds=30),
    )  # fmt: skip
    moment = NOW + timedelta(seconds=60)
    later = stage.arrive(party, Method.PARTY_OWN, children=18, now=moment)
    assert later.here == 39
    rebuild_check_ins(stage.session, stage.activity.id)
    assert [row[2:6] for row in stage.projection()] == [(21, 0, 0, 18)]
    kept = stage.session.scalars(select(CheckInEvent).where(CheckInEvent.uid == later.event_uid)).one()
    assert (kept.recorded_at, kept.occurred_at) == (moment, NOW + AHEAD + timedelta(seconds=30))


def test_a_confirmation_by_a_clock_that_is_behind_replaces_all_that_came_before_it(stage: Stage) -> None:
    party = enrol_class(stage)
    stage.arrive(party, Method.PARTY_OWN, children=20, now=NOW + AHEAD)
    confirm_party(
        stage.session, stage.activity, session_id=stage.row.id, registration_id=party.id, headcount=19, uid=new_uid(),
        actor=STAFF, now=NOW + timedelta(seconds=30),
    )  # fmt: skip
    assert [row[2:6] for row in stage.projection()] == [(19, 0, 0, 0)]


def test_the_window_is_judged_by_the_servers_own_clock(stage: Stage) -> None:
    party = enrol_class(stage)
    closes = stage.row.ends_at + timedelta(minutes=stage.activity.closes_after_min)
    stage.arrive(party, Method.PARTY_OWN, children=20, now=closes - timedelta(seconds=1))
    late = stage.arrive(party, Method.PARTY_OWN, children=5, now=closes - timedelta(seconds=90))
    assert late.is_new
    assert stage.arrive(party, Method.PARTY_OWN, children=5, now=closes).outcome == "too_late"
