"""Many at once say how many came of one class, each knowing of nobody before: one counts, the others are asked."""

from __future__ import annotations

import secrets
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.activities.models import Activity
from app.checkin import arriving
from app.checkin.corrections import confirm_party, rebuild_check_ins
from app.checkin.group_commit import GroupCommit
from app.checkin.models import CheckIn, Method
from app.checkin.rules import CountAs
from app.checkin.service import Arrival, check_in
from app.extensions import db
from app.kernel.database import transaction
from app.registration.models import Registration
from tests.factories import NOW, make_activity
from tests.services.checkin.stage import STAFF, Stage
from tests.services.checkin.test_parties import enrol_class

pytestmark = pytest.mark.serial
CLIENTS, EACH = 12, 60


def crowd(app: Flask, count_as: CountAs) -> tuple[list[str], int, int]:
    """(outcomes, people here, people here once it is rebuilt) after all have said 20; half over the hot path."""
    with app.app_context(), transaction(db.session) as tx:
        stage = Stage(tx, app.extensions["keys"], make_activity(tx, capacity=None, takes_parties=True))
        party, row, activity = enrol_class(stage).id, stage.row.id, stage.activity.id
    with app.app_context():
        group = GroupCommit(db.engine)

    def one(number: int) -> str:
        arrival = Arrival(
            secrets.token_urlsafe(16), row, Method.PARTY_OWN, party, children=20, count_as=count_as
        )  # fmt: skip
        if number % 2:
            return group.check_in(arrival, now=NOW).outcome
        with app.app_context(), transaction(db.session) as tx:
            return check_in(tx, arrival, now=NOW).outcome

    with ThreadPoolExecutor(CLIENTS) as pool:
        outcomes = list(pool.map(one, range(EACH)))
    people = []
    for _ in range(2):
        with app.app_context(), transaction(db.session) as tx:
            people.append(tx.scalars(select(CheckIn)).one().headcount)
            rebuild_check_ins(tx, activity)
    return outcomes, people[0], people[1]


def test_of_many_first_numbers_of_a_class_one_counts(app: Flask) -> None:
    outcomes, here, rebuilt = crowd(app, CountAs.FIRST)
    assert sorted(outcomes) == ["accepted", *["quarantined"] * (EACH - 1)]
    assert here == rebuilt == 20


def test_parts_of_a_class_that_come_at_once_all_add(app: Flask) -> None:
    """Negative control: these are more people, however many at once."""
    outcomes, here, rebuilt = crowd(app, CountAs.PART)
    assert outcomes == ["accepted"] * EACH
    assert here == rebuilt == 20 * EACH


def confirmed_meanwhile(app: Flask) -> tuple[int, int]:
    """(people here, people here once it is rebuilt): parts of 1 at the right clock, and staff at one 90 s ahead."""
    with app.app_context(), transaction(db.session) as tx:
        stage = Stage(tx, app.extensions["keys"], make_activity(tx, capacity=None, takes_parties=True))
        party, row, activity = enrol_class(stage).id, stage.row.id, stage.activity.id
        stage.arrive(tx.get_one(Registration, party), Method.PARTY_OWN, children=5)
    with app.app_context():
        group = GroupCommit(db.engine)
    start = threading.Barrier(CLIENTS)

    def one(number: int) -> None:
        if number < CLIENTS:
            start.wait(20)
        if number % 6 == 0:
            with app.app_context(), transaction(db.session) as tx:
                confirm_party(
                    tx, tx.get_one(Activity, activity), session_id=row, registration_id=party, headcount=10,
                    uid=secrets.token_urlsafe(16), actor=STAFF, now=NOW + timedelta(seconds=90),
                )  # fmt: skip
            return
        part = Arrival(secrets.token_urlsafe(16), row, Method.PARTY_OWN, party, children=1, count_as=CountAs.PART)
        assert group.check_in(part, now=NOW + timedelta(seconds=number)).is_new

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, range(EACH)))
    one(EACH + 1)  # a part comes last
    people = []
    for _ in range(2):
        with app.app_context(), transaction(db.session) as tx:
            people.append(tx.scalars(select(CheckIn)).one().headcount)
            rebuild_check_ins(tx, activity)
    return people[0], people[1]


def test_parts_that_come_while_staff_confirm_by_another_clock_stay_what_the_events_say(app: Flask) -> None:
    here, rebuilt = confirmed_meanwhile(app)
    assert here == rebuilt >= 10


def test_with_each_servers_own_moment_they_do_not(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(arriving._Coming, "not_before", lambda *_: None)
    here, rebuilt = confirmed_meanwhile(app)
    assert here > rebuilt
