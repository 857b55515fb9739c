"""The verbs of registration; everything that touches places goes through `with_places`."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession, ActivityState, Listing, ReviewState
from app.audit.log import record
from app.kernel.actor import PARTICIPANT, Actor
from app.kernel.erasures import note_erased
from app.kernel.errors import Conflict, Problem, RuleBroken, raise_if_blocked
from app.kernel.keys import KeyRing
from app.kernel.text import clean, one_line
from app.registration.mail import put_letter
from app.registration.models import (
    GuardianConsent,
    MailKind,
    PartyClass,
    PersonalDetail,
    Registration,
    RegistrationKind,
    RegistrationState,
)
from app.registration.places import HELD, pool_of, promote_waiting, read_pools, use_hold, with_places
from app.registration.queries import RosterRow, roster
from app.registration.rules import (
    REASON_MOST,
    ClassEntry,
    capacity_problems,
    change_problem,
    count_problems,
    fits,
    party_problems,
    reason_problems,
)
from app.registration.storing import party_rows

ONE_CHILD = "这张报名码只有一个孩子，人数没有改。还有孩子要来，请为他另报一份。"


def change_headcount(
    session: Session, registration: Registration, *, adults: int, children: int, now: datetime
) -> Registration:
    """Fewer is always granted, and frees places at once; more only while they are free."""
    if registration.is_minor:  # each child has a name and a consent of its own
        raise RuleBroken(Problem("one_child", ONE_CHILD, field=""))
    raise_if_blocked(count_problems(adults, children))
    with with_places(session, registration.activity_id) as activity:
        session.refresh(registration)
        _changeable(activity, registration, PARTICIPANT, now)
        _resize(session, activity, registration, adults, children, field="adults", now=now)
    return registration


def change_classes(
    session: Session, registration: Registration, classes: Sequence[ClassEntry], *, now: datetime
) -> Registration:
    """A party's classes as they are now, until the start; more people only while places are free."""
    raise_if_blocked(party_problems(classes))
    with with_places(session, registration.activity_id) as activity:
        session.refresh(registration)
        _changeable(activity, registration, PARTICIPANT, now)
        adults, children = sum(c.adults for c in classes), sum(c.pupils for c in classes)
        _resize(session, activity, registration, adults, children, field="classes-0-pupils", now=now)
        session.execute(delete(PartyClass).where(PartyClass.registration_id == registration.id))
        session.add_all(party_rows(registration.id, classes))
    return registration


def _resize(
    session: Session, activity: Activity, registration: Registration, adults: int, children: int, *, field: str,
    now: datetime,
) -> None:  # fmt: skip
    more = adults + children - registration.headcount
    pool = pool_of(activity, registration.session_id)
    if more > 0 and registration.state in HELD:
        standing = read_pools(session, activity)[pool]
        if not fits(more, unit_id=registration.unit_id, room=standing.room, line=standing.line):
            raise RuleBroken(Problem("no_room", f"名额不够，加不了{more}人。原来的报名没有变。", field=field))
        use_hold(session, activity, pool, registration.unit_id, more)
    before = [registration.adults, registration.children]
    registration.adults, registration.children = adults, children
    record(
        session, "registration.changed", actor=PARTICIPANT, object_type="registration",
        object_code=registration.code, now=now, payload={"before": before, "after": [adults, children]},
    )  # fmt: skip
    promote_waiting(session, activity, now=now)


def cancel_registration(session: Session, registration: Registration, *, actor: Actor, now: datetime) -> None:
    """Give the place back; the next in line moves up at once. Cancelling twice is the same."""
    with with_places(session, registration.activity_id) as activity:
        session.refresh(registration)
        if registration.state == RegistrationState.CANCELLED.value:
            return
        _changeable(activity, registration, actor, now)
        registration.state = RegistrationState.CANCELLED.value
        registration.cancelled_at = now
        record(
            session, "registration.cancelled", actor=actor, object_type="registration",
            object_code=registration.code, now=now, payload={"headcount": registration.headcount},
        )  # fmt: skip
        if actor.is_user:  # who cancels the own registration sees it on the page
            put_letter(session, activity, registration, MailKind.CANCELLED, now=now)
        promote_waiting(session, activity, now=now)


def _changeable(activity: Activity, registration: Registration, actor: Actor, now: datetime) -> None:
    chosen = next((s for s in activity.sessions if s.id == registration.session_id), None)
    problem = change_problem(
        activity_state=activity.state,
        is_cancelled=registration.state == RegistrationState.CANCELLED.value,
        starts_at=chosen.starts_at if chosen else activity.starts_at,
        ends_at=chosen.ends_at if chosen else activity.ends_at,
        by_staff=actor.is_user,
        now=now,
    )
    if problem is not None:
        raise Conflict(problem.code, problem.message)


def erase_own(session: Session, registration: Registration, *, now: datetime) -> None:
    """Names and phones go at once; the head-count stays (domain.md, Data dissolves)."""
    session.refresh(registration)
    if registration.erased_at is not None:
        return
    session.execute(delete(PersonalDetail).where(PersonalDetail.registration_id == registration.id))
    registration.phone_index = registration.tail_index = registration.browser_index = None
    registration.decline_reason = None
    session.execute(
        update(GuardianConsent)
        .where(GuardianConsent.registration_id == registration.id)
        .values(given_as=None, secret_hash=None)
    )
    registration.erased_at = now
    note_erased(session, registration.code, now=now)
    record(
        session, "registration.erased", actor=PARTICIPANT, object_type="registration",
        object_code=registration.code, now=now,
    )  # fmt: skip
    session.flush()


def change_capacity(
    session: Session, activity_session: ActivitySession, *, capacity: int | None, actor: Actor, now: datetime
) -> None:
    """More places are filled from the line at once; fewer never takes a place away from anyone."""
    raise_if_blocked(capacity_problems(capacity))
    with with_places(session, activity_session.activity_id) as activity:
        if activity.state not in (ActivityState.DRAFT.value, ActivityState.PUBLISHED.value):
            raise Conflict("closed", "已取消或已办结的活动不能改名额。")
        before = activity_session.capacity
        if before == capacity:
            return
        activity_session.capacity = capacity
        activity.version += 1  # an edit form opened before must not bring the old number back
        record(
            session, "places.changed", actor=actor, object_type="activity", object_code=activity.code, now=now,
            payload={"before": before, "after": capacity},
        )  # fmt: skip
        promote_waiting(session, activity, now=now)


def cancel_activity(session: Session, activity: Activity, *, reason: str, actor: Actor, now: datetime) -> None:
    """Published → cancelled, with a reason that every participant's page shows."""
    reason = clean(reason)
    if not reason or len(reason) > REASON_MOST:
        raise RuleBroken(Problem("reason", f"取消要写明原因（最多{REASON_MOST}字），参与者会看到。", field="reason"))
    with with_places(session, activity.id) as locked:
        if locked.state != ActivityState.PUBLISHED.value:
            raise Conflict("not_published", "只有已发布的活动可以取消。")
        if locked.review_state in (ReviewState.UNDER_REVIEW.value, ReviewState.APPROVED.value):
            raise Conflict("in_review", "已提交审核的活动不能取消，请先撤回。")
        locked.state = ActivityState.CANCELLED.value
        locked.cancelled_at, locked.cancel_reason = now, reason
        locked.listing = Listing.NONE.value
        locked.version += 1
        session.execute(  # nobody has to answer for a place any more, and none expires with a letter of its own
            update(Registration)
            .where(
                Registration.activity_id == locked.id, Registration.state == RegistrationState.PENDING.value,
                Registration.offered_until.is_not(None),
            )
            .values(offered_until=None)
        )  # fmt: skip
        record(
            session, "activity.cancelled", actor=actor, object_type="activity", object_code=locked.code, now=now,
            payload={"registrations": count_registrations(session, locked.id)}, private={"reason": reason},
        )  # fmt: skip


def withdraw_activity(session: Session, activity: Activity, *, actor: Actor, now: datetime) -> None:
    """Published → back to draft, while nobody has registered."""
    with with_places(session, activity.id) as locked:
        if locked.state != ActivityState.PUBLISHED.value:
            raise Conflict("not_published", "只有已发布的活动可以撤回。")
        if count_registrations(session, locked.id):
            raise Conflict("has_registrations", "已经有人报名，不能撤回。可以取消活动，并写明原因。")
        locked.state = ActivityState.DRAFT.value
        locked.listing = Listing.NONE.value
        locked.published_at = None
        locked.version += 1
        record(session, "activity.withdrawn", actor=actor, object_type="activity", object_code=locked.code, now=now)


def count_registrations(session: Session, activity_id: int) -> int:
    """Registrations that stand, the waiting ones too."""
    return (
        session.scalar(
            select(func.count()).where(
                Registration.activity_id == activity_id, Registration.state != RegistrationState.CANCELLED.value
            )
        )
        or 0
    )


def add_counted(
    session: Session,
    activity: Activity,
    *,
    session_id: int,
    adults: int,
    children: int,
    now: datetime,
    unit_id: int | None = None,
) -> Registration:
    """The registration behind a count afterwards or a paper sheet; it never has a name."""
    registration = Registration(
        activity_id=activity.id, session_id=session_id, unit_id=unit_id, kind=RegistrationKind.COUNT.value,
        state=RegistrationState.CONFIRMED.value, adults=adults, children=children, created_at=now,
    )  # fmt: skip
    session.add(registration)
    session.flush()
    return registration


def note_seen(session: Session, registration: Registration, *, now: datetime) -> None:
    """The participant has read the changes of time and place up to now."""
    registration.seen_changes_at = now
    session.flush()


def read_roster(
    session: Session,
    activity: Activity,
    *,
    states: Sequence[RegistrationState],
    session_id: int | None = None,
    page: int = 1,
    size: int = 50,
    actor: Actor,
    now: datetime,
    keys: KeyRing,
    reason: str = "",
) -> list[RosterRow]:
    """Names and phones in full; opening them is an entry of the log, with how many were shown.

    Raises RuleBroken where minors are named and no reason is given.
    """
    raise_if_blocked(reason_problems(reason, names_minors=activity.names_minors))
    rows = roster(session, activity.id, states=states, session_id=session_id, page=page, size=size, keys=keys)
    record(
        session, "roster.read", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"count": len(rows)},
    )  # fmt: skip
    if activity.names_minors:
        record(
            session, "minors.opened", actor=actor, object_type="activity", object_code=activity.code, now=now,
            payload={"count": len(rows)}, private={"reason": one_line(reason)},
        )  # fmt: skip
    return rows
