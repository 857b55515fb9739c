"""Undo, rebuilding, windows, the printed code, digests."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select

from app.audit.models import AuditEntry
from app.checkin.arrivals import find_arrival, recent_arrivals
from app.checkin.corrections import rebuild_check_ins, undo_check_in
from app.checkin.digest import digest_closed_sessions, session_digest
from app.checkin.doors import EXTEND, revoke_printed_code, set_window, turn_on_printed_code, window_of
from app.checkin.models import CheckIn, Method
from app.checkin.queries import list_missing, per_minute
from app.extensions import db
from app.kernel.database import transaction
from app.kernel.errors import Conflict, RuleBroken
from tests.factories import NOW
from tests.services.checkin.stage import STAFF, Stage, make_stage, new_uid

Make = Callable[..., Stage]


def undo(s: Stage, uid: str, reason: str = "wrong_person") -> int:
    return undo_check_in(s.session, s.activity, event_uid=uid, reason=reason, actor=STAFF, now=NOW)


def test_an_undo_takes_the_people_back_and_the_person_may_come_again(stage: Make) -> None:
    s = stage()
    guest, uid = s.enrol(3), new_uid()
    s.arrive(guest, uid=uid)
    assert undo(s, uid) == 3
    assert s.projection() == []
    assert s.arrive(guest, uid=uid).outcome == "undone"  # the old form cannot bring it back
    assert s.arrive(guest, now=NOW + timedelta(minutes=1)).is_new
    assert [kind for kind, _ in s.events()] == ["arrival", "undo", "arrival"]


def test_a_repeat_that_is_sent_again_after_the_undo_is_told_that_nobody_is_checked_in(stage: Make) -> None:
    s = stage()
    guest, first, repeat = s.enrol(), new_uid(), new_uid()
    s.arrive(guest, uid=first)
    assert s.arrive(guest, uid=repeat).outcome == "duplicate"
    again = s.arrive(guest, uid=repeat)  # control: while the person is checked in
    assert (again.outcome, again.is_in, again.first_at) == ("duplicate", True, NOW)
    undo(s, first)
    gone = s.arrive(guest, uid=repeat)
    assert (gone.outcome, gone.is_in, gone.first_at) == ("undone", False, None)
    assert "已经撤销" in gone.message


def test_an_undo_needs_a_reason_of_the_list_and_works_once(stage: Make) -> None:
    s = stage()
    uid = s.arrive(s.enrol()).event_uid
    with pytest.raises(RuleBroken):
        undo(s, uid, reason="because")
    undo(s, uid)
    with pytest.raises(Conflict, match="已经撤销"):
        undo(s, uid)


def test_nothing_of_another_activity_and_no_refusal_can_be_undone(stage: Make) -> None:
    s, other = stage(), stage(title="另一场")
    guest = s.enrol()
    uid, repeat = s.arrive(guest).event_uid, s.arrive(guest).event_uid
    for activity, event in ((other, uid), (s, repeat), (s, "nothing")):
        with pytest.raises(Conflict):
            undo(activity, event)


def test_nothing_is_undone_once_sealed(stage: Make) -> None:
    s = stage()
    uid = s.arrive(s.enrol()).event_uid
    s.activity.review_state = "under_review"
    with pytest.raises(Conflict, match="封存"):
        undo(s, uid)


def test_the_log_keeps_an_undo_with_its_reason(app: Flask) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            s = make_stage(tx, app.extensions["keys"])
            undo(s, s.arrive(s.enrol(2)).event_uid)
        assert db.session.scalar(select(func.count()).where(AuditEntry.action == "checkin.undone")) == 1


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(steps=st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=12))
def test_the_projection_is_what_the_events_say(app: Flask, steps: list[tuple[int, bool]]) -> None:
    with app.app_context(), transaction(db.session) as tx:
        s = make_stage(tx, app.extensions["keys"], sessions=2)
        people = [s.enrol(n + 1) for n in range(4)]
        last: dict[int, str] = {}
        for minute, (who, takes_back) in enumerate(steps):
            if takes_back and who in last:
                undo(s, last.pop(who))
            else:
                result = s.arrive(people[who], at=who % 2, now=NOW + timedelta(minutes=minute))
                if result.is_new:
                    last[who] = result.event_uid
        before = s.projection()
        assert rebuild_check_ins(tx, s.activity.id) == len(before) == len(last)
        assert s.projection() == before


def test_a_projection_that_was_tampered_with_is_put_right(stage: Make) -> None:
    """Negative control of the above: rebuilding does look at the events."""
    s = stage()
    s.arrive(s.enrol(2))
    before = s.projection()
    s.session.scalars(select(CheckIn)).one().grade_a = 50
    assert s.projection() != before
    rebuild_check_ins(s.session, s.activity.id)
    assert s.projection() == before


def test_lists_show_titles_and_mask_what_may_be_a_name(stage: Make) -> None:
    s = stage()
    s.enrol(2, name="王小明")
    here = s.arrive(s.enrol(1, name="李女士"))
    assert [row.name for row in recent_arrivals(s.session, s.row.id)] == ["李女士"]
    where = {"activity_id": s.activity.id, "attendance": "all", "session_id": s.row.id}
    assert list_missing(s.session, **where) == [("王＊＊", 2)]  # type: ignore[arg-type]
    assert sum(per_minute(s.session, s.row.id, now=NOW + timedelta(seconds=5))) == 1
    undo(s, here.event_uid)
    assert recent_arrivals(s.session, s.row.id) == []
    assert find_arrival(s.session, s.activity.id, here.event_uid) is None
    assert sum(per_minute(s.session, s.row.id, now=NOW + timedelta(seconds=5))) == 0


def test_the_window_opens_closes_and_extends_by_hand(stage: Make) -> None:
    s = stage(starts_at=NOW + timedelta(hours=5))
    guest = s.enrol()
    assert s.arrive(guest).outcome == "too_early"
    set_window(s.session, s.row, verb="open", actor=STAFF, now=NOW)
    assert s.arrive(guest).is_new
    closes = window_of(s.activity, s.row)[1]
    assert set_window(s.session, s.row, verb="extend", actor=STAFF, now=NOW)[1] == closes + EXTEND
    set_window(s.session, s.row, verb="close", actor=STAFF, now=NOW)
    assert s.arrive(s.enrol()).outcome == "too_early"
    assert window_of(s.activity, s.row) == (s.row.starts_at - timedelta(hours=1), closes + EXTEND)
    again = set_window(s.session, s.row, verb="open", actor=STAFF, now=NOW + timedelta(hours=20))
    assert again[1] == NOW + timedelta(hours=20) + EXTEND
    entries = s.session.scalar(select(func.count()).where(AuditEntry.action == "checkin.window_changed"))
    set_window(s.session, s.row, verb="open", actor=STAFF, now=NOW + timedelta(hours=20))
    s.session.flush()
    assert entries == s.session.scalar(select(func.count()).where(AuditEntry.action == "checkin.window_changed"))


def test_revoking_the_printed_code_raises_its_version(stage: Make) -> None:
    s = stage()
    with pytest.raises(Conflict):
        revoke_printed_code(s.session, s.activity, actor=STAFF, now=NOW)
    turn_on_printed_code(s.session, s.activity, actor=STAFF, now=NOW)
    turn_on_printed_code(s.session, s.activity, actor=STAFF, now=NOW)
    revoke_printed_code(s.session, s.activity, actor=STAFF, now=NOW)
    assert (s.activity.printed_code_on, s.activity.printed_code_version) == (False, 2)


def test_a_digest_enters_the_log_when_the_session_closes_and_again_for_late_events(app: Flask) -> None:
    def digests() -> int:
        return db.session.scalar(select(func.count()).where(AuditEntry.action == "checkin.digest")) or 0

    with app.app_context():
        with transaction(db.session) as tx:
            s = make_stage(tx, app.extensions["keys"])
            s.arrive(s.enrol())
            first = session_digest(tx, s.row.id)
        after = NOW + timedelta(hours=4)
        for moment, expected in ((NOW, 0), (after, 1), (after + timedelta(minutes=1), 1)):
            with transaction(db.session) as tx:
                digest_closed_sessions(tx, now=moment)
            assert digests() == expected
        with transaction(db.session) as tx:
            s = Stage(tx, app.extensions["keys"], s.activity)
            s.arrive(s.enrol(), Method.PAPER, now=after + timedelta(hours=1))
            assert session_digest(tx, s.row.id)[1] != first[1]
        with transaction(db.session) as tx:
            digest_closed_sessions(tx, now=after + timedelta(hours=2))
        assert digests() == 2
