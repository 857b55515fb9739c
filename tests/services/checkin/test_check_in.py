"""check_in() on the database: once, graded, every scan kept, a retry gets its first answer."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.activities.models import ActivityState
from app.audit.models import AuditEntry
from app.checkin.models import CheckIn, CheckInEvent, Method
from app.checkin.queries import Totals, session_totals
from app.checkin.rules import GRADE_BY_METHOD
from app.checkin.service import Arrival, check_in, enter_count, find_answer, keep_refusal
from app.extensions import db
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.registration.models import PersonalDetail, Registration, RegistrationState
from app.registration.service import cancel_registration
from tests.factories import NOW
from tests.services.checkin.stage import STAFF, Stage, make_stage, new_uid

Make = Callable[..., Stage]


def test_a_ticket_counts_once_and_a_repeat_is_answered_with_its_first_time(stage: Make) -> None:
    s = stage()
    family = s.enrol(3)
    first = s.arrive(family)
    again = s.arrive(family, now=NOW + timedelta(minutes=9))
    assert (first.outcome, first.headcount, first.first_at) == ("accepted", 3, NOW)
    assert (again.outcome, again.headcount, again.first_at) == ("duplicate", 3, NOW)
    assert s.events() == [("arrival", "accepted"), ("refusal", "duplicate")]
    assert session_totals(s.session, [s.row.id]) == {s.row.id: Totals(b=3, check_ins=1)}


def test_a_retry_of_the_same_scan_gets_the_first_answer_and_writes_nothing(stage: Make) -> None:
    s = stage()
    family, uid = s.enrol(2), new_uid()
    first, retry = s.arrive(family, uid=uid), s.arrive(family, uid=uid, now=NOW + timedelta(seconds=30))
    assert (retry.outcome, retry.first_at, retry.headcount) == (first.outcome, NOW, 2)
    assert len(s.events()) == 1
    assert find_answer(s.session, uid, session_code=s.row.code) is not None
    assert find_answer(s.session, new_uid(), session_code=s.row.code) is None


def test_a_walk_in_sent_twice_is_one_registration(stage: Make) -> None:
    s = stage()
    uid = new_uid()
    for _ in range(2):
        result = s.arrive(None, uid=uid, adults=4, name="李女士")
        assert (result.outcome, result.headcount) == ("accepted", 4)
    assert s.session.scalar(select(func.count()).select_from(Registration)) == 1
    assert s.session.scalar(select(PersonalDetail.name)) == "李女士"


def test_a_refused_walk_in_leaves_its_event_and_no_name(stage: Make) -> None:
    s = stage()
    result = s.arrive(None, adults=7, name="李女士")
    assert result.outcome == "too_many"
    assert s.events() == [("refusal", "too_many")]
    assert s.session.scalar(select(func.count()).select_from(Registration)) == 0
    assert s.session.scalar(select(func.count()).select_from(PersonalDetail)) == 0


def test_walk_ins_take_no_registration_place(stage: Make) -> None:
    s = stage(capacity=1)
    s.arrive(None, adults=6)
    assert s.enrol(1).state == RegistrationState.CONFIRMED.value


@pytest.mark.parametrize("method", [m for m in Method if m not in (Method.COUNT, Method.PAPER)])
def test_every_door_gives_its_grade(stage: Make, method: Method) -> None:
    s = stage()
    result = s.arrive(s.enrol(2), method)
    assert result.is_new
    totals = session_totals(s.session, [s.row.id])[s.row.id]
    assert getattr(totals, GRADE_BY_METHOD[method.value].lower()) == 2
    assert totals.total == 2


def test_staff_may_count_fewer_than_registered(stage: Make) -> None:
    s = stage()
    assert s.arrive(s.enrol(5), Method.TICKET_SCAN, adults=4).headcount == 4
    assert s.projection()[0][2] == 4


def test_refusals_of_the_wrong_time_place_and_state_are_kept(stage: Make) -> None:
    s, other = stage(), stage(title="另一场")
    cancelled, early, stranger = s.enrol(), s.enrol(), other.enrol()
    cancel_registration(s.session, cancelled, actor=STAFF, now=NOW)
    assert s.arrive(cancelled).outcome == "cancelled"
    assert s.arrive(early, now=NOW - timedelta(hours=2)).outcome == "too_early"
    assert s.arrive(early, now=NOW + timedelta(hours=3)).outcome == "too_late"
    assert s.arrive(stranger).outcome == "foreign"
    keep_refusal(s.session, activity_id=s.activity.id, session_id=s.row.id, method=Method.VENUE_CODE, now=NOW)
    s.session.flush()
    assert [outcome for _, outcome in s.events()] == ["cancelled", "too_early", "too_late", "foreign", "unknown"]
    assert s.projection() == []


def test_a_waiting_registration_has_no_place_at_the_door(stage: Make) -> None:
    s = stage(capacity=2)
    s.enrol(2)
    assert s.arrive(s.enrol(1)).outcome == "not_confirmed"


def test_who_must_register_is_sent_to_the_desk_which_may_still_add(stage: Make) -> None:
    s = stage(takes_walk_in=False)
    assert s.arrive(None, adults=1).outcome == "not_confirmed"
    assert s.arrive(None, Method.DESK_WALK_IN, adults=1).outcome == "accepted"


def test_an_unknown_session_is_not_found(stage: Make) -> None:
    s = stage()
    with pytest.raises(NotFound):
        check_in(s.session, Arrival(new_uid(), None, Method.LIVE_CODE, session_code="nothingthere"), now=NOW)


def test_a_ticket_works_by_its_secret_and_a_session_by_its_code(stage: Make) -> None:
    s = stage()
    s.enrol(2, name="示例王先生")
    arrival = Arrival(
        new_uid(), None, Method.LIVE_CODE, session_code=s.row.code, secret=s.people[0].secret
    )  # fmt: skip
    result = check_in(s.session, arrival, now=NOW)
    assert (result.outcome, result.name, result.place.session_code) == ("accepted", "示例王先生", s.row.code)


def test_a_camp_of_three_days_signs_in_each_day(stage: Make) -> None:
    s = stage(sessions=3)
    child = s.enrol(1)
    for day in range(3):
        assert s.arrive(child, at=day, now=NOW + timedelta(hours=day)).is_new
    assert len(s.projection()) == 3


def test_moving_to_the_session_one_stands_before_precedes_the_check_in(stage: Make) -> None:
    s = stage(sessions=2, attendance="choose_one", capacity=2)
    guest = s.enrol(2, at=0)
    later = NOW + timedelta(minutes=45)  # both sessions are open
    assert s.arrive(guest, at=1, now=later).outcome == "foreign"
    moved = s.arrive(guest, Method.TICKET_SCAN, at=1, mover=STAFF, now=later)
    assert moved.is_new
    assert s.session.get_one(Registration, guest.id).session_id == s.activity.sessions[1].id
    back = s.arrive(guest, Method.TICKET_SCAN, at=0, mover=STAFF, now=later)
    assert back.outcome == "foreign"
    assert "已经在另一场签到" in back.message


def test_moving_never_overbooks_and_gives_the_old_place_to_the_line(stage: Make) -> None:
    s = stage(sessions=2, attendance="choose_one", capacity=2)
    staying, guest, waiting = s.enrol(1, at=1), s.enrol(2, at=0), s.enrol(2, at=0)
    assert waiting.state == RegistrationState.WAITLISTED.value
    later = NOW + timedelta(minutes=45)
    full = s.arrive(guest, Method.TICKET_SCAN, at=1, mover=STAFF, now=later)
    assert full.outcome == "foreign"
    assert "名额已满" in full.message
    cancel_registration(s.session, staying, actor=STAFF, now=NOW)
    assert s.arrive(guest, Method.TICKET_SCAN, at=1, mover=STAFF, now=later).is_new
    assert s.session.get_one(Registration, waiting.id).state == RegistrationState.CONFIRMED.value


def test_a_count_is_graded_counted_once_and_logged(app: Flask) -> None:
    uid = new_uid()
    with app.app_context(), transaction(db.session) as tx:
        s = make_stage(tx, app.extensions["keys"])
        later = NOW + timedelta(hours=5)
        for _ in range(2):
            result = enter_count(tx, s.row, adults=3, children=40, method=Method.PAPER, actor=STAFF, now=later, uid=uid)
            assert (result.outcome, result.headcount) == ("accepted", 43)
        assert session_totals(tx, [s.row.id])[s.row.id] == Totals(d=43, check_ins=1)
    with app.app_context():
        assert db.session.scalar(select(func.count()).where(AuditEntry.action == "checkin.counted")) == 1


@pytest.mark.parametrize(("adults", "children"), [(0, 0), (-1, 3), (100_001, 0)])
def test_a_number_that_cannot_be_is_refused(stage: Make, adults: int, children: int) -> None:
    s = stage()
    with pytest.raises(RuleBroken):
        enter_count(
            s.session, s.row, adults=adults, children=children, method=Method.PAPER, actor=STAFF,
            now=NOW + timedelta(hours=5),
        )  # fmt: skip


def test_no_count_before_the_start_nor_once_sealed(stage: Make) -> None:
    s = stage()
    asked = {"adults": 1, "children": 0, "method": Method.COUNT, "actor": STAFF}
    with pytest.raises(Conflict, match="还没开始"):
        enter_count(s.session, s.row, **asked, now=NOW)  # type: ignore[arg-type]
    s.activity.review_state = "approved"
    with pytest.raises(Conflict, match="封存"):
        enter_count(s.session, s.row, **asked, now=NOW + timedelta(hours=5))  # type: ignore[arg-type]


def test_a_cancelled_activity_takes_nobody(stage: Make) -> None:
    s = stage()
    guest = s.enrol()
    s.activity.state = ActivityState.CANCELLED.value
    s.session.flush()
    assert s.arrive(guest).outcome == "activity_closed"


def test_a_check_in_takes_at_most_six_statements(stage: Make, statements: list[str]) -> None:
    s = stage()
    guest = s.enrol(2)
    for work in (
        lambda: s.arrive(guest),
        lambda: s.arrive(guest),
        lambda: s.arrive(None, adults=2, name="李女士"),
        lambda: s.arrive(None, adults=9),
    ):
        statements.clear()
        work()
        assert 1 <= len(statements) <= 5, statements


def test_events_can_be_neither_changed_nor_deleted(app: Flask) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            s = make_stage(tx, app.extensions["keys"])
            s.arrive(s.enrol())
        for statement in ("UPDATE check_in_event SET headcount = 9", "DELETE FROM check_in_event"):
            with pytest.raises(DBAPIError):  # noqa: SIM117 - the transaction must end inside
                with transaction(db.session) as tx:
                    tx.execute(text(statement))
        assert db.session.scalars(select(CheckInEvent.headcount)).all() == [1]
        assert db.session.scalar(select(func.count()).select_from(CheckIn)) == 1
