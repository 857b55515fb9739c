"""A class comes in parts, the teacher's number is 清点, what staff confirms is 扫码核验; every step is an event."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from app.checkin.corrections import confirm_party, rebuild_check_ins, undo_check_in
from app.checkin.models import CheckIn, Method
from app.checkin.rules import PARTY_MOST, CountAs
from app.extensions import db
from app.kernel.database import transaction
from app.kernel.errors import Conflict, RuleBroken
from app.organisation.models import UnitKind
from app.registration.entering import PartyEntry, register_party
from app.registration.models import Registration
from app.registration.rules import ClassEntry
from tests.factories import NOW, make_activity, make_unit
from tests.services.checkin.stage import STAFF, Stage, new_uid


@pytest.fixture
def stage(app: Flask) -> Iterator[Stage]:
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, capacity=None, takes_parties=True)
        yield Stage(tx, app.extensions["keys"], activity)


def enrol_class(stage: Stage, pupils: int = 38) -> Registration:
    school = make_unit(stage.session, name="示例第一小学", kind=UnitKind.SCHOOL)
    entry = PartyEntry(
        None,
        school.id,
        (ClassEntry("三年级2班", pupils, 2),),
        "张老师",
        "13800138000",
        True,
        secrets.token_urlsafe(16),
        "",
    )
    return register_party(stage.session, stage.activity, entry, keys=stage.keys, now=NOW).registration


def grades(stage: Stage) -> tuple[int, int, int, int]:
    row = stage.session.scalars(select(CheckIn).execution_options(populate_existing=True)).one()
    return row.grade_a, row.grade_b, row.grade_c, row.grade_d


def confirm(stage: Stage, party: Registration, people: int, uid: str = "") -> int:
    return confirm_party(
        stage.session, stage.activity, session_id=stage.row.id, registration_id=party.id, headcount=people,
        uid=uid or new_uid(), actor=STAFF, now=NOW,
    )  # fmt: skip


def test_two_buses_add_up(stage: Stage) -> None:
    party = enrol_class(stage)
    first = stage.arrive(party, Method.PARTY_OWN, children=20)
    second = stage.arrive(party, Method.PARTY_OWN, children=18)
    assert (first.headcount, first.here) == (20, 20)
    assert (second.headcount, second.here) == (18, 38)
    assert second.is_new
    assert grades(stage) == (0, 0, 0, 38)


def test_the_same_bus_sent_twice_counts_once(stage: Stage) -> None:
    party, uid = enrol_class(stage), new_uid()
    for _ in range(3):
        assert stage.arrive(party, Method.PARTY_OWN, uid=uid, children=20).is_in
    assert grades(stage) == (0, 0, 0, 20)


def test_a_number_confirmed_by_staff_stands_as_verified_and_later_parts_add(stage: Stage) -> None:
    party = enrol_class(stage)
    stage.arrive(party, Method.PARTY_OWN, children=20)
    confirm(stage, party, 19)
    assert grades(stage) == (19, 0, 0, 0)
    stage.arrive(party, Method.PARTY_OWN, children=18)
    assert grades(stage) == (19, 0, 0, 18)


def test_confirming_twice_with_one_id_is_once_and_an_undone_confirmation_gives_the_parts_back(stage: Stage) -> None:
    party, uid = enrol_class(stage), new_uid()
    stage.arrive(party, Method.PARTY_OWN, children=20)
    confirm(stage, party, 19, uid)
    confirm(stage, party, 5, uid)
    assert grades(stage) == (19, 0, 0, 0)
    undo_check_in(stage.session, stage.activity, event_uid=uid, reason="wrong_count", actor=STAFF, now=NOW)
    assert grades(stage) == (0, 0, 0, 20)


def test_the_projection_can_be_rebuilt_from_the_events(stage: Stage) -> None:
    party = enrol_class(stage)
    stage.arrive(party, Method.PARTY_OWN, children=20)
    confirm(stage, party, 19)
    stage.arrive(party, Method.TICKET_SCAN, children=3)
    before = grades(stage)
    rebuild_check_ins(stage.session, stage.activity.id)
    assert grades(stage) == before == (22, 0, 0, 0)


@pytest.mark.parametrize("people", [0, -1, PARTY_MOST + 1])
def test_an_impossible_number_is_refused(stage: Stage, people: int) -> None:
    party = enrol_class(stage)
    stage.arrive(party, Method.PARTY_OWN, children=20)
    with pytest.raises(RuleBroken):
        confirm(stage, party, people)
    assert not stage.arrive(party, Method.PARTY_OWN, adults=-1 if people < 0 else PARTY_MOST + 1).is_in
    assert grades(stage) == (0, 0, 0, 20)


def test_a_party_that_has_not_come_cannot_be_confirmed(stage: Stage) -> None:
    with pytest.raises(Conflict):
        confirm(stage, enrol_class(stage), 20)


def test_a_party_without_a_number_counts_nobody(stage: Stage) -> None:
    party, uid = enrol_class(stage), new_uid()
    answer = stage.arrive(party, Method.TICKET_SCAN, uid=uid)
    assert (answer.outcome, answer.is_in) == ("quarantined", False)
    assert stage.arrive(party, Method.TICKET_SCAN, uid=uid).outcome == "quarantined"
    assert stage.projection() == []


def test_a_first_number_never_adds_to_what_another_counted(stage: Stage) -> None:
    party = enrol_class(stage)
    assert stage.arrive(party, Method.PARTY_OWN, children=38, count_as=CountAs.FIRST).is_new
    again = stage.arrive(party, Method.PARTY_OWN, children=38, count_as=CountAs.FIRST)
    assert again.outcome == "quarantined"
    assert grades(stage) == (0, 0, 0, 38)


def test_a_number_for_all_stands_in_place_of_what_came_before(stage: Stage) -> None:
    party, uid = enrol_class(stage), new_uid()
    stage.arrive(party, Method.PARTY_OWN, children=38)
    whole = stage.arrive(party, Method.TICKET_SCAN, uid=uid, adults=40, count_as=CountAs.WHOLE)
    assert (whole.is_new, whole.headcount, whole.here) == (True, 40, 40)
    stage.arrive(party, Method.TICKET_SCAN, uid=uid, adults=40, count_as=CountAs.WHOLE)
    assert grades(stage) == (40, 0, 0, 0)
    undo_check_in(stage.session, stage.activity, event_uid=uid, reason="wrong_count", actor=STAFF, now=NOW)
    assert grades(stage) == (0, 0, 0, 38)


def test_a_number_for_all_of_nobody_yet_is_an_arrival(stage: Stage) -> None:
    party = enrol_class(stage)
    assert stage.arrive(party, Method.TICKET_SCAN, adults=40, count_as=CountAs.WHOLE).is_new
    assert grades(stage) == (40, 0, 0, 0)


def test_a_family_that_comes_again_is_still_one_arrival(stage: Stage) -> None:
    """The control: only a party comes in parts."""
    family = stage.enrol(3)
    stage.arrive(family, Method.LIVE_CODE)
    assert not stage.arrive(family, Method.LIVE_CODE).is_new
    assert grades(stage) == (0, 3, 0, 0)
