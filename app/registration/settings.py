"""How one registers for an activity: switches, extra questions, quotas by unit, places kept free; set by the organizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityState, PlaceHold, PlaceQuota, Question, QuestionSort
from app.activities.wording import refused_reason
from app.audit.log import record
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, NotFound, Problem, RuleBroken
from app.kernel.text import one_line
from app.organisation.models import Unit
from app.registration.models import Registration
from app.registration.places import HELD, PLACED, pools_of, promote_waiting, read_pools, with_places

QUESTIONS_MOST, WORDING_MOST, OPTIONS_MOST, OPTION_MOST = 8, 60, 12, 30
OFFER_HOURS_MOST = 240
PLACES_MOST = 100_000


@dataclass(frozen=True, slots=True)
class RegistrationSettings:
    """The switches of one activity; `offer_hours` None means that a freed place needs no answer."""

    takes_parties: bool
    needs_approval: bool
    leaves_school: bool
    names_minors: bool
    sends_mail: bool
    offer_hours: int | None


def settings_of(activity: Activity) -> RegistrationSettings:
    """As they are now."""
    return RegistrationSettings(**{each.name: getattr(activity, each.name) for each in fields(RegistrationSettings)})


def change_settings(
    session: Session, activity: Activity, wanted: RegistrationSettings, *, actor: Actor, now: datetime
) -> None:
    """Set the switches. Who waits for approval when it is switched off keeps waiting for the organizer."""
    if wanted.offer_hours is not None and not 1 <= wanted.offer_hours <= OFFER_HOURS_MOST:
        raise RuleBroken(Problem("offer_hours", f"请填1到{OFFER_HOURS_MOST}小时，或者留空。", field="offer_hours"))
    with with_places(session, activity.id) as locked:
        _check_open(locked)
        before = settings_of(locked)
        if before == wanted:
            return
        if before.names_minors and not wanted.names_minors and _has_minors(session, locked):
            # Else unticking it would open the children's records without a reason.
            raise RuleBroken(Problem("has_minors", "已经登记了孩子，这一项不能再关。", field="names_minors"))
        for name, value in asdict(wanted).items():
            setattr(locked, name, value)
        locked.version += 1
        record(
            session, "registration.settings_changed", actor=actor, object_type="activity", object_code=locked.code,
            now=now, payload={"before": asdict(before), "after": asdict(wanted)},
        )  # fmt: skip


def _has_minors(session: Session, activity: Activity) -> bool:
    named = select(Registration.id).where(Registration.activity_id == activity.id, Registration.is_minor)
    return session.scalar(named.limit(1)) is not None


def _check_open(activity: Activity) -> None:
    if activity.state not in (ActivityState.DRAFT.value, ActivityState.PUBLISHED.value):
        raise Conflict("closed", "已取消或已办结的活动不能改报名设置。")


def add_question(
    session: Session,
    activity: Activity,
    *,
    sort: str,
    wording: str,
    options: Sequence[str],
    is_required: bool,
    actor: Actor,
    now: datetime,
) -> Question:
    """One more question, at most eight. Raises RuleBroken for a subject that is never asked, with the reason."""
    wording = one_line(wording)
    options = list(dict.fromkeys(option for option in (one_line(text) for text in options) if option))
    with with_places(session, activity.id) as locked:
        _check_open(locked)
        count = session.scalar(select(func.count()).where(Question.activity_id == locked.id)) or 0
        problems = _question_problems(sort, wording, options, count)
        if problems:
            raise RuleBroken(problems)
        last = session.scalar(select(func.max(Question.position)).where(Question.activity_id == locked.id)) or 0
        question = Question(
            activity_id=locked.id, position=last + 1, sort=sort, wording=wording,
            options=options if sort in _CHOOSING else [], is_required=is_required,
        )  # fmt: skip
        session.add(question)
        session.flush()
        record(
            session, "registration.question_added", actor=actor, object_type="activity", object_code=locked.code,
            now=now, payload={"kind": sort},
        )  # fmt: skip
        return question


_CHOOSING = (QuestionSort.ONE_OF.value, QuestionSort.SEVERAL_OF.value)


def _question_problems(sort: str, wording: str, options: Sequence[str], count: int) -> list[Problem]:
    if count >= QUESTIONS_MOST:
        return [Problem("too_many", f"最多{QUESTIONS_MOST}个问题，先删一个再加。", field="wording")]
    found = []
    if sort not in {each.value for each in QuestionSort}:
        found.append(Problem("sort", "请选题型。", field="sort"))
    if not wording or len(wording) > WORDING_MOST:
        found.append(Problem("wording", f"请写问题，最多{WORDING_MOST}个字。", field="wording"))
    if sort in _CHOOSING and not 2 <= len(options) <= OPTIONS_MOST:
        found.append(Problem("options", f"选择题要2到{OPTIONS_MOST}个选项，一行一个。", field="options"))
    if any(len(option) > OPTION_MOST for option in options):
        found.append(Problem("option_long", f"每个选项最多{OPTION_MOST}个字。", field="options"))
    reason = refused_reason(wording)
    if reason:
        found.append(Problem("forbidden", f"这个问题不能问：{reason}", field="wording"))
    elif sort in _CHOOSING and (reason := refused_reason(*options)):
        found.append(Problem("forbidden", f"选项里有不能问的：{reason}", field="options"))
    return found


def remove_question(session: Session, activity: Activity, code: str, *, actor: Actor, now: datetime) -> None:
    """Take a question away; answers that were given stay until their owner's data goes."""
    with with_places(session, activity.id) as locked:
        _check_open(locked)
        question = session.scalar(select(Question).where(Question.activity_id == locked.id, Question.code == code))
        if question is None:
            raise NotFound("没有找到这个问题，可能已经删了。")
        session.delete(question)
        record(
            session, "registration.question_removed", actor=actor, object_type="activity", object_code=locked.code,
            now=now,
        )  # fmt: skip


def set_quota(
    session: Session, activity: Activity, unit: Unit, places: int | None, *, actor: Actor, now: datetime
) -> None:
    """The most people of a unit, in each session alike; None takes the quota away. Nobody loses a place."""
    if places is not None and not 1 <= places <= PLACES_MOST:
        raise RuleBroken(Problem("places", f"请填1到{PLACES_MOST}的整数。", field="places"))
    with with_places(session, activity.id) as locked:
        _check_open(locked)
        row = session.scalar(
            select(PlaceQuota).where(
                PlaceQuota.activity_id == locked.id, PlaceQuota.unit_id == unit.id, PlaceQuota.session_id.is_(None)
            )
        )
        before = row.places if row else None
        if row is not None and places is None:
            session.delete(row)
        elif row is not None and places is not None:
            row.places = places
        elif places is not None:
            session.add(PlaceQuota(activity_id=locked.id, unit_id=unit.id, places=places))
        record(
            session, "places.quota_set", actor=actor, object_type="activity", object_code=locked.code, now=now,
            payload={"unit": unit.code, "before": before, "after": places},
        )  # fmt: skip
        promote_waiting(session, locked, now=now)


def hold_places(
    session: Session, activity: Activity, unit: Unit | None, places: int, *, session_id: int | None, actor: Actor,
    now: datetime,
) -> PlaceHold:  # fmt: skip
    """Keep places free for a unit that will register later. Raises RuleBroken where they are not free."""
    if not 1 <= places <= PLACES_MOST:
        raise RuleBroken(Problem("places", f"请填1到{PLACES_MOST}的整数。", field="places"))
    with with_places(session, activity.id) as locked:
        _check_open(locked)
        pools = read_pools(session, locked)
        for pool in [session_id] if session_id in pools else pools:
            free = pools[pool].room.free_for(None)
            if free is not None and free < places:
                raise RuleBroken(Problem("no_room", f"只剩{max(0, free)}个名额，留不了{places}个。", field="places"))
        hold = PlaceHold(
            activity_id=locked.id,
            session_id=session_id,
            unit_id=unit.id if unit else None,
            places=places,
            created_at=now,
        )
        session.add(hold)
        session.flush()
        record(
            session, "places.held", actor=actor, object_type="activity", object_code=locked.code, now=now,
            payload={"headcount": places, "unit": unit.code if unit else None},
        )  # fmt: skip
        return hold


def release_hold(session: Session, activity: Activity, code: str, *, actor: Actor, now: datetime) -> None:
    """What was kept is free again, and goes to the waitlist at once."""
    with with_places(session, activity.id) as locked:
        hold = session.scalar(
            select(PlaceHold).where(
                PlaceHold.activity_id == locked.id, PlaceHold.code == code, PlaceHold.released_at.is_(None)
            )
        )
        if hold is None:
            raise NotFound("没有找到这笔预留，可能已经取消。")
        hold.released_at = now
        record(
            session, "places.hold_released", actor=actor, object_type="activity", object_code=locked.code, now=now,
            payload={"headcount": hold.places},
        )  # fmt: skip
        promote_waiting(session, locked, now=now)


def list_holds(session: Session, activity: Activity) -> list[tuple[PlaceHold, str]]:
    """Standing holds with their unit's name."""
    rows = session.execute(
        select(PlaceHold, func.coalesce(Unit.name, ""))
        .outerjoin(Unit, Unit.id == PlaceHold.unit_id)
        .where(PlaceHold.activity_id == activity.id, PlaceHold.released_at.is_(None), PlaceHold.places > 0)
        .order_by(PlaceHold.id)
    )
    return [(row[0], row[1]) for row in rows]


def list_quotas(session: Session, activity: Activity) -> list[tuple[Unit, int, list[tuple[str, int]]]]:
    """(unit, places, people with a place) in the plan's order; a quota holds in each session that is chosen alone.

    The people come by session with its label, or once with an empty one where one registration covers all.
    """
    used = {
        (row.unit_id, row.session_id): int(row.people)
        for row in session.execute(
            select(
                Registration.unit_id, Registration.session_id,
                func.sum(Registration.adults + Registration.children).label("people"),
            )
            .where(
                Registration.activity_id == activity.id, Registration.kind.in_(PLACED), Registration.state.in_(HELD),
                Registration.unit_id.is_not(None),
            )
            .group_by(Registration.unit_id, Registration.session_id)
        )
    }  # fmt: skip
    rows = session.execute(
        select(Unit, PlaceQuota.places)
        .join(PlaceQuota, PlaceQuota.unit_id == Unit.id)
        .where(PlaceQuota.activity_id == activity.id, PlaceQuota.session_id.is_(None))
        .order_by(Unit.position, Unit.id)
    )
    pools = pools_of(activity)
    labels = {s.id: s.label or f"第{s.position}场" for s in activity.sessions} if pools != [None] else {}
    return [
        (
            unit, places,
            [
                (labels.get(pool or 0, ""),
                 sum(n for (owner, at), n in used.items() if owner == unit.id and pool in (None, at)))
                for pool in pools
            ],
        )
        for unit, places in rows
    ]  # fmt: skip
