"""The verbs of activities on both databases."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities import service
from app.activities.models import Activity, ActivityChange, ActivityUnit, Attendance, Audience, Listing, UnitPart
from app.activities.programmes import find_or_add_heritage_item
from app.activities.queries import (
    ListFilter,
    get_public_activity,
    list_activities,
    list_public,
    units_of,
)
from app.activities.rules import PlannedSession, shown_state
from app.activities.service import ActivityInput
from app.activities.twins import find_twins
from app.extensions import db
from app.kernel.actor import Actor
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotFound, RuleBroken
from tests.cast import Cast, make_cast
from tests.factories import NOW

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


class Room:
    """A transaction with the cast, the organizer's hand, and a lesson as input."""

    def __init__(self, tx: Session, cast: Cast) -> None:
        self.tx, self.cast = tx, cast
        item = find_or_add_heritage_item(tx, "示例剪纸")
        assert item is not None
        self.lesson = ActivityInput(
            kind="heritage_visit", title="剪纸进课堂", host_unit_id=cast.town.id, venue="示例第一小学",
            venue_unit_id=cast.school.id, heritage_item_id=item.id,
            sessions=(PlannedSession(NOW + DAY, NOW + DAY + HOUR, 40),),
        )  # fmt: skip

    def actor(self, name: str = "organizer") -> Actor:
        return self.cast.actor(self.tx, name)

    def create(self, data: ActivityInput | None = None, by: str = "organizer", **changes: Any) -> Activity:
        data = replace(data or self.lesson, **changes)
        return service.create_activity(self.tx, data, actor=self.actor(by), now=NOW)

    def publish(self, activity: Activity, by: str = "organizer", *, nod: bool = True) -> Activity:
        service.publish_activity(self.tx, activity, needs_nod=nod, actor=self.actor(by), now=NOW)
        return activity

    def change(self, activity: Activity, by: str = "organizer", now: Any = NOW, **changes: Any) -> Activity:
        reason, version = changes.pop("reason", ""), changes.pop("version", None)
        data = replace(self.lesson, audience=Audience(activity.audience), **changes)
        return service.change_activity(
            self.tx, activity, data, reason=reason, version=version, actor=self.actor(by), now=now
        )


@pytest.fixture
def room(app: Flask) -> Iterator[Room]:
    with app.app_context(), transaction(db.session) as tx:
        yield Room(tx, make_cast(tx))


def actions(room: Room) -> list[str]:
    """Entries that this transaction will write, in order."""
    return [pending.action for pending in room.tx.info["audit"]]


def test_a_draft_is_kept_published_and_logged(room: Room) -> None:
    activity = room.create()
    with pytest.raises(NotFound):
        get_public_activity(room.tx, activity.code)
    room.publish(activity)
    assert get_public_activity(room.tx, activity.code) is activity
    assert (activity.state, activity.starts_at, activity.listing) == ("published", NOW + DAY, "none")
    assert actions(room)[-2:] == ["activity.created", "activity.published"]


def test_publishing_twice_is_refused(room: Room) -> None:
    activity = room.publish(room.create())
    with pytest.raises(Conflict):
        room.publish(activity)


@pytest.mark.parametrize(
    ("missing", "field"),
    [
        ({"venue": ""}, "venue"),
        ({"sessions": ()}, "date"),
        ({"venue_unit_id": None}, "venue_unit"),
        ({"heritage_item_id": None}, "heritage"),
    ],
)
def test_publishing_names_what_is_missing_and_a_draft_may_lack_it(
    room: Room, missing: dict[str, Any], field: str
) -> None:
    activity = room.create(**missing)
    with pytest.raises(RuleBroken) as refused:
        room.publish(activity)
    assert [problem.field for problem in refused.value.problems] == [field]
    assert activity.state == "draft"


def test_a_public_listing_of_an_organizer_waits_and_a_managers_does_not(room: Room) -> None:
    waiting = room.publish(room.create(audience=Audience.PUBLIC))
    listed = room.publish(room.create(audience=Audience.PUBLIC, title="另一场"), by="manager")
    relaxed = room.publish(room.create(audience=Audience.PUBLIC, title="第三场"), nod=False)
    assert [a.listing for a in (waiting, listed, relaxed)] == ["waiting", "listed", "listed"]
    assert {row.code for row in list_public(room.tx, since=NOW)} == {listed.code, relaxed.code}


def test_the_nod_lists_it_and_a_refusal_needs_a_reason(room: Room) -> None:
    first, second = (room.publish(room.create(audience=Audience.PUBLIC, title=t)) for t in ("甲", "乙"))
    manager = room.actor("manager")
    service.decide_listing(room.tx, first, accept=True, reason="", actor=manager, now=NOW)
    with pytest.raises(RuleBroken):
        service.decide_listing(room.tx, second, accept=False, reason="  ", actor=manager, now=NOW)
    service.decide_listing(room.tx, second, accept=False, reason="时间没定", actor=manager, now=NOW)
    assert (first.listing, second.listing, second.listing_reason) == ("listed", "declined", "时间没定")
    with pytest.raises(Conflict):
        service.decide_listing(room.tx, second, accept=True, reason="", actor=manager, now=NOW)


def test_new_words_on_the_public_calendar_wait_for_the_nod_again_and_new_times_do_not(room: Room) -> None:
    activity = room.publish(room.create(audience=Audience.PUBLIC), by="manager")
    moved = (PlannedSession(NOW + 2 * DAY, NOW + 2 * DAY + HOUR, 40),)
    room.change(activity, sessions=moved)
    assert activity.listing == Listing.LISTED.value
    room.change(activity, sessions=moved, title="换了说法")
    assert activity.listing == Listing.WAITING.value
    room.change(activity, by="manager", sessions=moved, title="负责人改的")
    assert activity.listing == Listing.LISTED.value


def test_a_change_of_time_or_place_is_kept_for_the_participants_only_after_publication(room: Room) -> None:
    activity = room.create()
    room.change(activity, venue="示例礼堂")
    assert room.tx.scalars(select(ActivityChange)).all() == []
    room.publish(activity)
    room.change(activity, venue="示例操场", sessions=(PlannedSession(NOW + 3 * DAY, NOW + 3 * DAY + HOUR, 40),))
    kept = {change.field: (change.before, change.after) for change in room.tx.scalars(select(ActivityChange))}
    assert kept["venue"] == ("示例礼堂", "示例操场")
    assert kept["time"] == ("2026-11-21 10:00–2026-11-21 11:00", "2026-11-23 10:00–2026-11-23 11:00")
    assert activity.starts_at == NOW + 3 * DAY


def test_after_the_start_a_new_time_needs_a_reason(room: Room) -> None:
    activity = room.publish(room.create())
    later = (PlannedSession(NOW + DAY, NOW + DAY + 2 * HOUR, 40),)
    with pytest.raises(RuleBroken):
        room.change(activity, now=NOW + DAY + HOUR / 2, sessions=later)
    room.change(activity, now=NOW + DAY + HOUR / 2, sessions=later, reason="下雨推迟")
    assert activity.ends_at == NOW + DAY + 2 * HOUR


def test_a_published_activity_cannot_lose_its_place_or_a_session(room: Room) -> None:
    two = (*room.lesson.sessions, PlannedSession(NOW + 2 * DAY, NOW + 2 * DAY + HOUR, 40))
    activity = room.publish(room.create(sessions=two))
    with pytest.raises(RuleBroken):
        room.change(activity, sessions=two, venue="")
    with pytest.raises(RuleBroken):
        room.change(activity)


def test_a_draft_may_lose_a_session_and_sessions_keep_their_codes(room: Room) -> None:
    two = (*room.lesson.sessions, PlannedSession(NOW + 2 * DAY, NOW + 2 * DAY + HOUR, 40))
    activity = room.create(sessions=two)
    first = activity.sessions[0].code
    assert [s.label for s in activity.sessions] == ["第一场", "第二场"]
    room.change(activity)
    assert [s.code for s in activity.sessions] == [first]


def test_a_lost_update_is_refused(room: Room) -> None:
    activity = room.create()
    version = activity.version
    room.change(activity, title="先改的", version=version)
    with pytest.raises(Conflict) as refused:
        room.change(activity, title="后改的", version=version)
    assert refused.value.code == "changed_meanwhile"
    assert activity.title == "先改的"


@pytest.mark.parametrize("column", ["review_state", "state"])
def test_what_is_under_review_or_cancelled_stays_as_it_is(room: Room, column: str) -> None:
    activity = room.publish(room.create())
    setattr(activity, column, "under_review" if column == "review_state" else "cancelled")
    room.tx.flush()
    with pytest.raises(Conflict):
        room.change(activity, title="改不了")


def test_a_copy_keeps_the_settings_and_moves_every_time(room: Room) -> None:
    sessions = (*room.lesson.sessions, PlannedSession(NOW + 2 * DAY, NOW + 2 * DAY + HOUR, 30, "第二天"))
    source = room.publish(
        room.create(
            sessions=sessions, attendance=Attendance.CHOOSE_ONE, details={"form": "上课"}, needs_phone=True,
            co_host_ids=(room.cast.zhenggong.id,), classes=3,
        )
    )  # fmt: skip
    copy = service.copy_activity(room.tx, source, first_start=NOW + 8 * DAY, actor=room.actor(), now=NOW)
    assert (copy.state, copy.code != source.code, copy.needs_phone, copy.classes) == ("draft", True, True, 3)
    assert [s.starts_at for s in copy.sessions] == [NOW + 8 * DAY, NOW + 9 * DAY]
    assert [s.capacity for s in copy.sessions] == [40, 30]
    assert copy.details == {"form": "上课"}
    assert [unit.name for unit in units_of(room.tx, copy) if unit.part == "co_host"] == ["区政工部"]


def test_a_practice_activity_is_never_listed_and_has_no_twin(room: Room) -> None:
    source = room.publish(room.create(audience=Audience.PUBLIC), by="manager")
    practice = service.copy_activity(
        room.tx, source, first_start=NOW + DAY, is_practice=True, actor=room.actor(), now=NOW
    )
    room.publish(practice, by="manager")
    assert (practice.is_practice, practice.listing) == (True, "none")
    assert find_twins(room.tx, source) == []


def test_an_activity_held_on_paper_is_ended_at_once_and_takes_no_registration(room: Room) -> None:
    held = (PlannedSession(NOW - DAY, NOW - DAY + HOUR),)
    activity = service.enter_paper_activity(
        room.tx,
        replace(room.lesson, sessions=held, audience=Audience.PUBLIC),
        headcount=38,
        actor=room.actor(),
        now=NOW,
    )
    assert shown_state(activity.state, activity.ends_at, NOW) == "ended"
    assert (activity.origin, activity.audience, activity.takes_registration) == ("paper", "link", False)
    assert "activity.paper_entered" in actions(room)


def test_paper_is_for_the_past_only(room: Room) -> None:
    with pytest.raises(RuleBroken):
        service.enter_paper_activity(room.tx, room.lesson, actor=room.actor(), now=NOW)


def test_two_write_ups_of_one_event_are_noticed_across_the_district(room: Room) -> None:
    first = room.publish(room.create())
    same_school = room.create(host_unit_id=room.cast.other_town.id, by="other_organizer", venue="礼堂，二楼")
    same_text = room.create(venue="示例第一小学。", venue_unit_id=None)
    elsewhere = room.create(venue="示例公园", venue_unit_id=None, heritage_item_id=None)
    next_day = room.create(sessions=(PlannedSession(NOW + 2 * DAY, NOW + 2 * DAY + HOUR),))
    assert [[t.code for t in find_twins(room.tx, a)] for a in (same_school, same_text)] == [[first.code]] * 2
    assert find_twins(room.tx, elsewhere) == find_twins(room.tx, next_day) == []
    twin = find_twins(room.tx, same_school)[0]
    assert (twin.title, twin.host) == ("剪纸进课堂", "示例甲镇")


def test_joining_as_co_host_happens_once_and_shows_in_both_lists(room: Room) -> None:
    activity = room.publish(room.create())
    other = room.cast.other_town
    for _ in range(2):
        service.add_co_host(room.tx, activity, other.id, actor=room.actor("other_organizer"), now=NOW)
    room.tx.flush()
    joined = room.tx.scalars(select(ActivityUnit).where(ActivityUnit.part == UnitPart.CO_HOST.value)).all()
    assert [unit.unit_id for unit in joined] == [other.id]
    for paths in ((other.path,), (room.cast.town.path,), None):
        rows, total = list_activities(room.tx, ListFilter(paths=paths), now=NOW)
        assert ([row.code for row in rows], total) == ([activity.code], 1)
    assert list_activities(room.tx, ListFilter(paths=()), now=NOW) == ([], 0)


def test_a_discarded_draft_leaves_the_lists_and_nothing_else_can_be_discarded(room: Room) -> None:
    draft = room.create()
    service.discard_draft(room.tx, draft, actor=room.actor(), now=NOW)
    assert list_activities(room.tx, ListFilter(), now=NOW)[1] == 0
    assert list_activities(room.tx, ListFilter(state="withdrawn", with_discarded=True), now=NOW)[1] == 1
    with pytest.raises(Conflict):
        service.discard_draft(room.tx, room.publish(room.create()), actor=room.actor(), now=NOW)


def test_the_same_heritage_item_is_one_row(room: Room) -> None:
    first = find_or_add_heritage_item(room.tx, "示例葫芦烙画")
    again = find_or_add_heritage_item(room.tx, "  示例葫芦烙画 ")
    assert first is not None
    assert again is first
    assert find_or_add_heritage_item(room.tx, " ") is None
    with pytest.raises(RuleBroken):
        find_or_add_heritage_item(room.tx, "长" * 41)


def test_four_byte_hanzi_and_a_formula_are_kept_as_text(room: Room) -> None:
    activity = room.create(title="𠮷祥剪纸", venue="=1+1", summary="买买提·艾力老师\n第二行")
    room.tx.flush()
    room.tx.expire(activity)
    assert (activity.title, activity.venue) == ("𠮷祥剪纸", "=1+1")
    assert activity.summary == "买买提·艾力老师\n第二行"
