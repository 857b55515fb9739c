"""Registering on the database: places, the line, phones, own data, the log."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityState
from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.actor import PARTICIPANT, Actor
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.keys import KeyRing
from app.kernel.tokens import digest
from app.registration.entering import Entry, PhoneTaken, Registered, register
from app.registration.indexes import ticket_code
from app.registration.models import PersonalDetail, Registration, RegistrationKind, RegistrationState
from app.registration.places import count_ahead, places
from app.registration.queries import (
    count_by_state,
    find_by_phone_tail,
    find_by_secret,
    find_by_ticket_code,
    get_registration,
    name_of,
    read_stored,
    roster,
)
from app.registration.service import (
    add_counted,
    cancel_activity,
    cancel_registration,
    change_capacity,
    change_headcount,
    erase_own,
    read_roster,
    withdraw_activity,
)
from tests.factories import NOW, make_activity

STAFF = Actor(kind="user", name="示例经办人", user_code="staff0000001")
PHONE = "13800138000"


@pytest.fixture
def keys(app: Flask) -> KeyRing:
    ring: KeyRing = app.extensions["keys"]
    return ring


@pytest.fixture
def tx(app: Flask) -> Iterator[Session]:
    with app.app_context(), transaction(db.session) as session:
        yield session


Enter = Callable[..., Registered]


@pytest.fixture
def enter(tx: Session, keys: KeyRing) -> Enter:
    def run(activity: Activity, adults: int = 1, **changes: Any) -> Registered:
        values: dict[str, Any] = {
            "session_code": None, "name": "示例李女士", "adults": adults, "children": 0, "phone": "", "consent": True,
            "submission": "", "browser": "",
        }  # fmt: skip
        now: datetime = changes.pop("now", NOW)
        return register(tx, activity, Entry(**{**values, **changes}), keys=keys, now=now)

    return run


def state_of(tx: Session, done: Registered) -> str:
    tx.refresh(done.registration)
    return done.registration.state


def test_who_comes_when_it_is_full_waits_in_line(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, capacity=3)
    states = [enter(activity, 2).registration.state, enter(activity, 2).registration.state]
    third = enter(activity, 1).registration
    assert states == ["confirmed", "waitlisted"]
    assert third.state == "confirmed"  # the waiting two do not fit into the one place
    assert enter(activity, 1).registration.queue == 2
    place = places(tx, activity)[None]
    assert (place.taken, place.waiting, place.left) == (3, 3, 0)


def test_a_freed_place_goes_to_the_first_in_line_who_fits(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, capacity=3)
    first, second = enter(activity, 1), enter(activity, 2)
    waiting_three, waiting_one = enter(activity, 3), enter(activity, 1)
    cancel_registration(tx, first.registration, actor=PARTICIPANT, now=NOW)
    assert state_of(tx, waiting_three) == "waitlisted"
    assert state_of(tx, waiting_one) == "confirmed"
    cancel_registration(tx, second.registration, actor=PARTICIPANT, now=NOW)
    assert state_of(tx, waiting_three) == "waitlisted"
    cancel_registration(tx, waiting_one.registration, actor=PARTICIPANT, now=NOW)
    assert state_of(tx, waiting_three) == "confirmed"
    assert waiting_three.registration.queue == 1  # who was passed kept the rank
    assert waiting_three.registration.promoted_at == NOW


def test_cancelling_twice_frees_the_place_once(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, capacity=1)
    first, second, third = (enter(activity) for _ in range(3))
    for _ in range(2):
        cancel_registration(tx, first.registration, actor=PARTICIPANT, now=NOW)
    assert [state_of(tx, second), state_of(tx, third)] == ["confirmed", "waitlisted"]


def test_more_places_are_filled_from_the_line_and_fewer_throw_nobody_out(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, capacity=1)
    made = [enter(activity) for _ in range(4)]
    change_capacity(tx, activity.sessions[0], capacity=3, actor=STAFF, now=NOW)
    assert [state_of(tx, one) for one in made] == ["confirmed"] * 3 + ["waitlisted"]
    change_capacity(tx, activity.sessions[0], capacity=1, actor=STAFF, now=NOW)
    assert [state_of(tx, one) for one in made] == ["confirmed"] * 3 + ["waitlisted"]
    change_capacity(tx, activity.sessions[0], capacity=None, actor=STAFF, now=NOW)
    assert state_of(tx, made[3]) == "confirmed"


def test_a_changed_capacity_outdates_an_edit_form_opened_before(tx: Session) -> None:
    activity = make_activity(tx)
    before = activity.version
    change_capacity(tx, activity.sessions[0], capacity=51, actor=STAFF, now=NOW)
    assert activity.version == before + 1
    with pytest.raises(RuleBroken):
        change_capacity(tx, activity.sessions[0], capacity=0, actor=STAFF, now=NOW)


def test_covering_every_session_the_smallest_room_decides(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, sessions=2, capacity=5)
    activity.sessions[1].capacity = 2
    tx.flush()
    assert [enter(activity, 2).registration.state, enter(activity).registration.state] == ["confirmed", "waitlisted"]


def test_choosing_one_each_session_has_its_own_places(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, sessions=2, capacity=1, attendance="choose_one")
    one, two = (s.code for s in activity.sessions)
    made = [enter(activity, session_code=code) for code in (one, one, two)]
    assert [m.registration.state for m in made] == ["confirmed", "waitlisted", "confirmed"]
    assert count_ahead(tx, made[1].registration, activity) == 0
    cancel_registration(tx, made[2].registration, actor=PARTICIPANT, now=NOW)
    assert state_of(tx, made[1]) == "waitlisted"  # the other session's place is not his


def test_a_session_of_another_activity_or_one_that_is_over_cannot_be_chosen(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, sessions=2, attendance="choose_one")
    foreign = make_activity(tx).sessions[0].code
    for code in (None, "", foreign):
        with pytest.raises(RuleBroken) as refused:
            enter(activity, session_code=code)
        assert refused.value.code == "session_missing"
    with pytest.raises(RuleBroken) as refused:
        enter(activity, session_code=activity.sessions[0].code, now=activity.sessions[0].ends_at)
    assert refused.value.code == "session_over"


def test_walk_ins_and_counts_take_no_registration_place(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, capacity=1)
    session_id = activity.sessions[0].id
    add_counted(tx, activity, session_id=session_id, adults=2, children=40, now=NOW)
    tx.add(
        Registration(
            activity_id=activity.id, session_id=session_id, kind=RegistrationKind.WALK_IN.value, state="confirmed",
            adults=6, created_at=NOW,
        )
    )  # fmt: skip
    assert enter(activity).registration.state == "confirmed"
    assert [row.headcount for row in roster(tx, activity.id, states=list(RegistrationState))] == [1]


def test_a_second_submit_of_the_same_form_finds_its_own_ticket(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, capacity=10)
    form = {"submission": "A" * 22, "browser": "b" * 22}
    first, again = enter(activity, **form), enter(activity, **form)
    assert (first.created, again.created) == (True, False)
    assert again.registration.id == first.registration.id
    assert again.secret == first.secret
    assert places(tx, activity)[None].taken == 1


def test_a_copied_form_in_another_browser_is_a_registration_of_its_own(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, capacity=10)
    mine = enter(activity, submission="A" * 22, browser="b" * 22)
    other = enter(activity, submission="A" * 22, browser="c" * 22)
    assert other.created
    assert other.secret != mine.secret


def test_the_database_holds_neither_secret_nor_phone(tx: Session, enter: Enter, keys: KeyRing) -> None:
    activity = make_activity(tx)
    done = enter(activity, phone="＋86 138-0013 8000", submission="S" * 22, browser="b" * 22)
    row = tx.execute(text("SELECT * FROM registration")).mappings().one()
    values = " ".join(str(value) for value in row.values())
    for secret in (done.secret, PHONE, "8000", "S" * 22, "b" * 22, ticket_code(keys, done.secret)):
        assert secret not in values
    stored = tx.scalars(select(PersonalDetail.phone)).one()
    assert stored is not None
    assert PHONE.encode() not in stored
    assert read_stored(tx, done.registration, keys=keys).phone == PHONE
    assert row["secret_hash"] == digest(done.secret)


def test_one_phone_in_two_activities_cannot_be_joined(tx: Session, enter: Enter) -> None:
    made = [enter(make_activity(tx), phone=PHONE, browser="b" * 22).registration for _ in range(2)]
    for column in ("phone_index", "tail_index", "browser_index"):
        assert getattr(made[0], column) != getattr(made[1], column)


def test_the_same_phone_from_the_same_browser_is_the_same_registration(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx)
    first = enter(activity, phone=PHONE, browser="b" * 22, submission="A" * 22)
    again = enter(activity, phone="0086" + PHONE, browser="b" * 22, submission="B" * 22)
    assert again.registration.id == first.registration.id
    assert (again.created, again.secret) == (False, "")


@pytest.mark.parametrize("browser", ["", "c" * 22])
def test_another_browser_with_the_same_phone_gets_nothing(tx: Session, enter: Enter, browser: str) -> None:
    activity = make_activity(tx)
    enter(activity, phone=PHONE, browser="b" * 22)
    with pytest.raises(PhoneTaken) as refused:
        enter(activity, phone=PHONE, browser=browser)
    assert "此手机号已报名" in refused.value.message
    assert tx.scalar(select(func.count()).select_from(Registration)) == 1


def test_a_cancelled_registration_lets_the_phone_come_again(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx)
    first = enter(activity, phone=PHONE, browser="b" * 22)
    cancel_registration(tx, first.registration, actor=PARTICIPANT, now=NOW)
    assert enter(activity, phone=PHONE, browser="c" * 22).created


@pytest.mark.parametrize("name", ["买买提·艾力", "བསོད་ནམས་རྒྱལ་མཚན", "ئابدۇراخمان", "ᠪᠠᠶᠠᠷ", "𠮷野老师", "=1+1"])
def test_names_are_kept_as_they_are(tx: Session, enter: Enter, name: str) -> None:
    assert name_of(tx, enter(make_activity(tx), name=name).registration.id) == name


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (ActivityState.DRAFT, "not_open"), (ActivityState.CANCELLED, "cancelled"),
        (ActivityState.WITHDRAWN, "not_open"), (ActivityState.CLOSED, "over"),
    ],
)  # fmt: skip
def test_only_a_published_activity_takes_registrations(
    tx: Session, enter: Enter, state: ActivityState, code: str
) -> None:
    with pytest.raises(RuleBroken) as refused:
        enter(make_activity(tx, state=state))
    assert refused.value.code == code


def test_bad_input_writes_nothing(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx)
    with pytest.raises(RuleBroken):
        enter(activity, adults=8)
    assert tx.scalar(select(func.count()).select_from(Registration)) == 0
    assert all(not pending.action.startswith("registration.") for pending in tx.info["audit"])


def test_fewer_people_free_places_and_more_need_them(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, capacity=4)
    mine, waiting = enter(activity, 4), enter(activity, 2)
    change_headcount(tx, mine.registration, adults=1, children=1, now=NOW)
    assert state_of(tx, waiting) == "confirmed"
    with pytest.raises(RuleBroken) as refused:
        change_headcount(tx, mine.registration, adults=2, children=1, now=NOW)
    assert refused.value.code == "no_room"
    tx.refresh(mine.registration)
    assert mine.registration.headcount == 2


def test_a_waiting_one_may_change_and_keeps_the_rank(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx, capacity=2)
    enter(activity, 1)
    waiting = enter(activity, 2)
    change_headcount(tx, waiting.registration, adults=1, children=0, now=NOW)
    assert state_of(tx, waiting) == "confirmed"


def test_the_owner_may_cancel_until_the_start_and_staff_until_the_end(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx)
    done = enter(activity)
    started = activity.sessions[0].starts_at
    with pytest.raises(Conflict) as refused:
        cancel_registration(tx, done.registration, actor=PARTICIPANT, now=started)
    assert refused.value.code == "started"
    cancel_registration(tx, done.registration, actor=STAFF, now=started + timedelta(minutes=1))
    assert state_of(tx, done) == "cancelled"


def test_erasing_leaves_the_count_and_nothing_of_the_person(tx: Session, enter: Enter, keys: KeyRing) -> None:
    activity = make_activity(tx)
    done = enter(activity, 3, phone=PHONE, browser="b" * 22)
    erase_own(tx, done.registration, now=NOW)
    erase_own(tx, done.registration, now=NOW + timedelta(days=1))
    registration = done.registration
    assert tx.scalar(select(func.count()).select_from(PersonalDetail)) == 0
    assert (registration.phone_index, registration.tail_index, registration.browser_index) == (None, None, None)
    assert (registration.headcount, registration.state, registration.erased_at) == (3, "confirmed", NOW)
    assert find_by_phone_tail(tx, activity.id, activity.code, "8000", keys=keys) == []
    assert [pending.action for pending in tx.info["audit"]].count("registration.erased") == 1


def test_a_ticket_is_found_by_secret_code_and_phone_tail(tx: Session, enter: Enter, keys: KeyRing) -> None:
    activity, other = make_activity(tx), make_activity(tx)
    done = enter(activity, phone=PHONE)
    code = ticket_code(keys, done.secret)
    assert find_by_secret(tx, done.secret) is done.registration
    assert find_by_secret(tx, done.secret[:-1] + "?") is None
    typed = f" {code[:4].lower()} {code[4:].lower()}"
    assert find_by_ticket_code(tx, activity.id, activity.code, typed, keys=keys) is done.registration
    assert find_by_ticket_code(tx, other.id, other.code, code, keys=keys) is None
    assert find_by_phone_tail(tx, activity.id, activity.code, "８０００", keys=keys) == [done.registration]
    assert find_by_phone_tail(tx, other.id, other.code, "8000", keys=keys) == []


def test_a_cancelled_activity_says_why_and_takes_no_more(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx)
    done = enter(activity)
    with pytest.raises(RuleBroken):
        cancel_activity(tx, activity, reason="  ", actor=STAFF, now=NOW)
    with pytest.raises(RuleBroken):
        cancel_activity(tx, activity, reason="雨" * 201, actor=STAFF, now=NOW)
    cancel_activity(tx, activity, reason="大雨，改期另行通知", actor=STAFF, now=NOW)
    assert (activity.state, activity.cancel_reason) == ("cancelled", "大雨，改期另行通知")
    assert state_of(tx, done) == "confirmed"
    with pytest.raises(RuleBroken):
        enter(activity)
    with pytest.raises(Conflict):
        cancel_registration(tx, done.registration, actor=PARTICIPANT, now=NOW)


def test_an_activity_is_withdrawn_only_while_nobody_is_registered(tx: Session, enter: Enter) -> None:
    activity = make_activity(tx)
    done = enter(activity)
    with pytest.raises(Conflict):
        withdraw_activity(tx, activity, actor=STAFF, now=NOW)
    cancel_registration(tx, done.registration, actor=PARTICIPANT, now=NOW)
    withdraw_activity(tx, activity, actor=STAFF, now=NOW)
    assert activity.state == "draft"


def test_the_roster_is_masked_until_it_is_read_and_the_reading_is_logged(app: Flask, keys: KeyRing) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            activity = make_activity(tx, capacity=1)
            for number, name in enumerate(("示例甲", "示例乙", "示例丙")):
                entry = Entry(None, name, 1, 0, f"1380013800{number}", True, "", "")
                register(tx, activity, entry, keys=keys, now=NOW)
        with transaction(db.session) as tx:
            masked = roster(tx, activity.id, states=[RegistrationState.CONFIRMED])
            rows = read_roster(tx, activity, states=[RegistrationState.WAITLISTED], actor=STAFF, now=NOW, keys=keys)
            counts = count_by_state(tx, activity.id)
        assert [(row.name, row.phone) for row in masked] == [("示＊＊", "")]
        assert [(row.name, row.phone) for row in rows] == [("示例乙", "13800138001"), ("示例丙", "13800138002")]
        assert (counts["waitlisted"].registrations, counts["cancelled"].people) == (2, 0)
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "roster.read")).one()
        assert '"count":2' in entry.body
        assert "示例乙" not in entry.body


def test_a_registration_of_another_activity_is_not_found(tx: Session, enter: Enter) -> None:
    done = enter(make_activity(tx))
    with pytest.raises(NotFound):
        get_registration(tx, make_activity(tx).id, done.registration.code)
