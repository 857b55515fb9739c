"""The verbs of activities: create, change, publish, withdraw, list, copy, join."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.activities.kinds import KINDS
from app.activities.models import (
    Activity,
    ActivityChange,
    ActivitySession,
    ActivityState,
    ActivityTask,
    ActivityUnit,
    Attendance,
    Audience,
    Listing,
    Origin,
    Programme,
    ProgrammeKind,
    ReviewState,
    UnitPart,
)
from app.activities.rules import PlannedSession, problems_of, session_problems
from app.audit.log import record
from app.kernel.actor import Actor
from app.kernel.clock import SHANGHAI
from app.kernel.errors import Conflict, Problem, RuleBroken, raise_if_blocked
from app.kernel.text import clean, one_line
from app.organisation.models import Unit
from app.organisation.permissions import Action, may_at

NUMERALS = "一二三四五六七八九十"


@dataclass(frozen=True, slots=True)
class ActivityInput:
    """What a form or a seed says of an activity; ids are of rows the actor may name."""

    kind: str
    title: str
    host_unit_id: int
    venue: str = ""
    sessions: tuple[PlannedSession, ...] = ()
    audience: Audience = Audience.LINK
    summary: str = ""
    bring: str = ""
    attendance: Attendance = Attendance.ALL
    primary_task_id: int | None = None
    related_task_ids: tuple[int, ...] = ()
    co_host_ids: tuple[int, ...] = ()
    taking_part_ids: tuple[int, ...] = ()
    venue_unit_id: int | None = None
    heritage_item_id: int | None = None
    programme_id: int | None = None
    details: dict[str, Any] = field(default_factory=dict)
    classes: int = 0
    pairs: int = 0
    reach: int = 0
    takes_registration: bool = True
    takes_walk_in: bool = True
    needs_phone: bool = False
    printed_code_on: bool = False
    opens_before_min: int = 60
    closes_after_min: int = 30
    is_practice: bool = False
    is_paper: bool = False
    keeps_apart: bool = False


def create_activity(
    session: Session, data: ActivityInput, *, actor: Actor, now: datetime
) -> Activity:
    """A draft. Raises RuleBroken for what cannot even be a draft."""
    data, details = _checked(data)
    host = session.get_one(Unit, data.host_unit_id)
    activity = Activity(
        kind=data.kind, title=data.title, host_unit_id=host.id, created_at=now, created_by_id=actor.user_id,
        origin=Origin.PAPER.value if data.is_paper else Origin.LIVE.value, is_practice=data.is_practice,
    )  # fmt: skip
    _fill(activity, data, details)
    session.add(activity)
    session.flush()
    _write_sessions(session, activity, data.sessions)
    _write_relations(session, activity, data)
    record(
        session, "activity.created", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"kind": data.kind, "host": host.code},
    )  # fmt: skip
    session.flush()
    session.refresh(activity)
    return activity


def change_activity(
    session: Session,
    activity: Activity,
    data: ActivityInput,
    *,
    actor: Actor,
    now: datetime,
    version: int | None = None,
    reason: str = "",
) -> Activity:
    """Replace what the form holds. A change of time or place after publication is kept for the
    participants' pages; after the start it asks for a reason. Raises Conflict for a lost update."""
    lock(session, activity)
    if version is not None and version != activity.version:
        raise Conflict("changed_meanwhile", "别人刚改过这场活动，您的修改没有覆盖它。请核对后再保存。")
    if activity.review_state in (ReviewState.UNDER_REVIEW.value, ReviewState.APPROVED.value):
        raise Conflict("in_review", "已提交或已通过的活动不能直接改。请先撤回，或由审核单位退回。")
    if activity.state in (ActivityState.CANCELLED.value, ActivityState.CLOSED.value):
        raise Conflict("closed", "已取消或已办结的活动不能再改。")
    data, details = _checked(data)
    if activity.state == ActivityState.PUBLISHED.value:
        raise_if_blocked(session_problems(data.sessions))
        _keep_change(session, activity, data, now=now, reason=reason)
    before = _summary(activity)
    _fill(activity, data, details)
    activity.version += 1
    _write_sessions(session, activity, data.sessions)
    _write_relations(session, activity, data)
    session.flush()
    session.refresh(activity)
    after = _summary(activity)
    changed = {key for key in after if after[key] != before.get(key)}
    if changed:
        record(
            session, "activity.changed", actor=actor, object_type="activity", object_code=activity.code, now=now,
            payload={
                "before": {key: before.get(key) for key in sorted(changed)},
                "after": {key: after[key] for key in sorted(changed)},
            },
            private={"reason": reason},
        )  # fmt: skip
    return activity


def publish_activity(
    session: Session, activity: Activity, *, needs_nod: bool, actor: Actor, now: datetime
) -> None:
    """Draft → published. A public listing waits for the nod (先审后发) unless the actor may give it."""
    lock(session, activity)
    if activity.state != ActivityState.DRAFT.value:
        raise Conflict("not_draft", "这场活动已经不是草稿，没有重复发布。")
    raise_if_blocked(
        problems_of(
            title=activity.title, venue=activity.venue, sessions=_planned(activity),
            is_paper=activity.origin == Origin.PAPER.value, now=now,
        )
    )  # fmt: skip
    if KINDS[activity.kind].needs_school and activity.venue_unit_id is None and not _taking_part(session, activity):
        raise RuleBroken(Problem("school_missing", "非遗进校园要选学校。", field="venue_unit"))
    activity.state = ActivityState.PUBLISHED.value
    activity.published_at = now
    activity.listing = _listing_of(session, activity, needs_nod=needs_nod, actor=actor).value
    record(
        session, "activity.published", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"audience": activity.audience},
    )  # fmt: skip


def enter_paper_activity(
    session: Session, data: ActivityInput, *, actor: Actor, now: datetime
) -> Activity:
    """An activity held on paper: draft → ended, never open to the public. Its count comes from check-in."""
    data = replace(data, is_paper=True, audience=Audience.LINK, takes_registration=False)
    raise_if_blocked(
        problems_of(title=one_line(data.title), venue=one_line(data.venue), sessions=data.sessions, is_paper=True, now=now)
    )
    activity = create_activity(session, data, actor=actor, now=now)
    activity.state = ActivityState.PUBLISHED.value  # shown as ended: its last session is over
    session.flush()
    return activity


def decide_listing(
    session: Session, activity: Activity, *, accept: bool, reason: str, actor: Actor, now: datetime
) -> None:
    """The unit manager or the office agrees to the public calendar, or says why not."""
    lock(session, activity)
    if activity.listing != Listing.WAITING.value:
        raise Conflict("listing_decided", "公开展示已经有人处理过了。")
    reason = clean(reason)[:200]
    if not accept and not reason:
        raise RuleBroken(Problem("reason_missing", "不同意公开要写明原因。", field="reason"))
    activity.listing = (Listing.LISTED if accept else Listing.DECLINED).value
    activity.listing_reason = "" if accept else reason
    record(
        session, "activity.listed" if accept else "activity.listing_declined", actor=actor, object_type="activity",
        object_code=activity.code, now=now, private=None if accept else {"reason": reason},
    )  # fmt: skip


def copy_activity(
    session: Session, activity: Activity, *, first_start: datetime, is_practice: bool = False, actor: Actor, now: datetime
) -> Activity:
    """A draft with the same settings, all times moved so that the first session starts then."""
    if not activity.sessions:
        raise RuleBroken(Problem("no_sessions", "原活动没有场次，不能复制。"))
    shift = first_start - activity.sessions[0].starts_at
    co_hosts = tuple(unit.unit_id for unit in activity.units if unit.part == UnitPart.CO_HOST.value)
    taking = tuple(unit.unit_id for unit in activity.units if unit.part == UnitPart.TAKING_PART.value)
    data = ActivityInput(
        kind=activity.kind, title=activity.title, host_unit_id=activity.host_unit_id, venue=activity.venue,
        sessions=tuple(replace(s, starts_at=s.starts_at + shift, ends_at=s.ends_at + shift) for s in _planned(activity)),
        audience=Audience(activity.audience) if not is_practice else Audience.LINK, summary=activity.summary,
        bring=activity.bring, attendance=Attendance(activity.attendance), primary_task_id=activity.primary_task_id,
        related_task_ids=tuple(task.task_id for task in activity.related_tasks), co_host_ids=co_hosts,
        taking_part_ids=taking, venue_unit_id=activity.venue_unit_id, heritage_item_id=activity.heritage_item_id,
        programme_id=activity.programme_id, details=dict(activity.details), classes=activity.classes,
        takes_registration=activity.takes_registration, takes_walk_in=activity.takes_walk_in,
        needs_phone=activity.needs_phone, opens_before_min=activity.opens_before_min,
        closes_after_min=activity.closes_after_min, is_practice=is_practice,
    )  # fmt: skip
    copy = create_activity(session, data, actor=actor, now=now)
    record(
        session, "activity.copied", actor=actor, object_type="activity", object_code=copy.code, now=now,
        payload={"source": activity.code},
    )  # fmt: skip
    return copy


def add_co_host(session: Session, activity: Activity, unit_id: int, *, actor: Actor, now: datetime) -> None:
    """The unit joins as 协办; joining twice is the same."""
    if unit_id == activity.host_unit_id:
        return
    found = session.scalar(
        select(ActivityUnit.id).where(
            ActivityUnit.activity_id == activity.id, ActivityUnit.unit_id == unit_id,
            ActivityUnit.part == UnitPart.CO_HOST.value,
        )
    )  # fmt: skip
    if found is not None:
        return
    session.add(ActivityUnit(activity_id=activity.id, unit_id=unit_id, part=UnitPart.CO_HOST.value))
    record(
        session, "activity.joined", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"unit": session.get_one(Unit, unit_id).code},
    )  # fmt: skip


def create_programme(
    session: Session, *, kind: ProgrammeKind, title: str, intro: str, starts_on: Any, ends_on: Any, host: Unit,
    actor: Actor, now: datetime,
) -> Programme:
    """A series of activities over a period."""
    title = one_line(title)
    if not title or len(title) > TITLE_LENGTH:
        raise RuleBroken(Problem("title", f"名称要填，最多{TITLE_LENGTH}个字。", field="title"))
    if ends_on < starts_on:
        raise RuleBroken(Problem("period", "结束日期要晚于开始日期。", field="ends_on"))
    programme = Programme(
        kind=kind.value, title=title, intro=clean(intro)[:300], starts_on=starts_on, ends_on=ends_on,
        host_unit_id=host.id, created_at=now, created_by_id=actor.user_id,
    )  # fmt: skip
    session.add(programme)
    session.flush()
    record(
        session, "programme.created", actor=actor, object_type="programme", object_code=programme.code, now=now,
        payload={"kind": kind.value},
    )  # fmt: skip
    return programme


TITLE_LENGTH = 60


def lock(session: Session, activity: Activity) -> None:
    """Take the activity's row for this transaction and read it afresh."""
    session.execute(select(Activity.id).where(Activity.id == activity.id).with_for_update())
    session.refresh(activity)


def _checked(data: ActivityInput) -> tuple[ActivityInput, dict[str, Any]]:
    kind = KINDS.get(data.kind)
    if kind is None:
        raise RuleBroken(Problem("kind_unknown", "没有这种活动类型，请重新选。", field="kind"))
    title = one_line(data.title)
    problems = []
    if not title:
        problems.append(Problem("title_missing", "还没填活动名称。", field="title"))
    if len(title) > TITLE_LENGTH:
        problems.append(Problem("title_long", f"活动名称最多{TITLE_LENGTH}个字，现在{len(title)}个。", field="title"))
    if data.sessions:
        problems.extend(session_problems(data.sessions))
    details, wrong = kind.clean_details(data.details)
    problems.extend(wrong)
    raise_if_blocked(problems)
    return replace(data, title=title, venue=one_line(data.venue)[:80]), details


def _fill(activity: Activity, data: ActivityInput, details: dict[str, Any]) -> None:
    kind = KINDS[data.kind]
    activity.title, activity.venue, activity.details = data.title, data.venue, details
    activity.summary, activity.bring = clean(data.summary)[:300], one_line(data.bring)[:100]
    activity.audience, activity.attendance = data.audience.value, data.attendance.value
    activity.primary_task_id, activity.programme_id = data.primary_task_id, data.programme_id
    activity.venue_unit_id, activity.heritage_item_id = data.venue_unit_id, data.heritage_item_id
    activity.classes, activity.pairs, activity.reach = data.classes, data.pairs, data.reach
    activity.takes_registration = data.takes_registration and kind.individual
    activity.takes_walk_in = data.takes_walk_in and kind.walk_in
    activity.needs_phone, activity.printed_code_on = data.needs_phone, data.printed_code_on
    activity.opens_before_min, activity.closes_after_min = data.opens_before_min, data.closes_after_min
    activity.keeps_apart = data.keeps_apart
    if data.sessions:
        activity.starts_at = min(s.starts_at for s in data.sessions)
        activity.ends_at = max(s.ends_at for s in data.sessions)


def _write_sessions(session: Session, activity: Activity, planned: tuple[PlannedSession, ...]) -> None:
    """Sessions keep their row by position, so that registrations and check-ins stay with them."""
    rows = {row.position: row for row in activity.sessions} if activity.id else {}
    for position, want in enumerate(planned, start=1):
        label = want.label or (
            f"第{NUMERALS[position - 1]}场" if len(planned) > 1 and position <= len(NUMERALS) else ""
        )
        row = rows.get(position)
        if row is None:
            row = ActivitySession(activity_id=activity.id, position=position)
            session.add(row)
        row.starts_at, row.ends_at, row.capacity, row.label = want.starts_at, want.ends_at, want.capacity, label[:30]
    surplus = [row for position, row in rows.items() if position > len(planned)]
    if surplus and activity.state != ActivityState.DRAFT.value:
        raise RuleBroken(Problem("sessions_fixed", "发布以后不能减少场次。可以改时间，或取消整场活动。", field="date"))
    for row in surplus:
        session.delete(row)


def _write_relations(session: Session, activity: Activity, data: ActivityInput) -> None:
    session.execute(delete(ActivityTask).where(ActivityTask.activity_id == activity.id))
    session.execute(delete(ActivityUnit).where(ActivityUnit.activity_id == activity.id))
    for task_id in sorted(set(data.related_task_ids) - {data.primary_task_id}):
        session.add(ActivityTask(activity_id=activity.id, task_id=task_id))
    parts = {(unit_id, UnitPart.CO_HOST) for unit_id in data.co_host_ids if unit_id != data.host_unit_id}
    parts |= {(unit_id, UnitPart.TAKING_PART) for unit_id in data.taking_part_ids}
    for unit_id, part in sorted(parts):
        session.add(ActivityUnit(activity_id=activity.id, unit_id=unit_id, part=part.value))
    session.flush()
    session.expire(activity, ["units", "related_tasks", "sessions"])


def _keep_change(session: Session, activity: Activity, data: ActivityInput, *, now: datetime, reason: str) -> None:
    old, new = _times(_planned(activity)), _times(data.sessions)
    for name, before, after in (("time", old, new), ("venue", activity.venue, data.venue)):
        if before == after:
            continue
        if activity.starts_at is not None and activity.starts_at <= now and not clean(reason):
            raise RuleBroken(
                Problem("reason_missing", "活动开始以后再改时间地点，要写明原因，审核时会看到。", field="reason")
            )
        session.add(ActivityChange(activity_id=activity.id, at=now, field=name, before=before, after=after))


def _times(sessions: tuple[PlannedSession, ...]) -> str:
    def text(moment: datetime) -> str:
        return moment.astimezone(SHANGHAI).strftime("%Y-%m-%d %H:%M")

    return "；".join(f"{text(s.starts_at)}–{text(s.ends_at)}" for s in sessions)


def _planned(activity: Activity) -> tuple[PlannedSession, ...]:
    return tuple(PlannedSession(s.starts_at, s.ends_at, s.capacity, s.label) for s in activity.sessions)


def _summary(activity: Activity) -> dict[str, Any]:
    """Ids, numbers and times for the log; titles and venues stay out of the chain."""
    return {
        "sessions": _times(_planned(activity)), "audience": activity.audience, "attendance": activity.attendance,
        "primary_task": activity.primary_task_id, "programme": activity.programme_id,
        "venue_unit": activity.venue_unit_id, "heritage_item": activity.heritage_item_id, "classes": activity.classes,
        "pairs": activity.pairs, "reach": activity.reach, "walk_in": activity.takes_walk_in,
        "needs_phone": activity.needs_phone, "capacity": [s.capacity for s in activity.sessions],
        "co_hosts": sorted(u.unit_id for u in activity.units if u.part == UnitPart.CO_HOST.value),
    }  # fmt: skip


def _taking_part(session: Session, activity: Activity) -> bool:
    return session.scalar(select(ActivityUnit.id).where(ActivityUnit.activity_id == activity.id).limit(1)) is not None


def _listing_of(session: Session, activity: Activity, *, needs_nod: bool, actor: Actor) -> Listing:
    if activity.audience != Audience.PUBLIC.value or activity.is_practice:
        return Listing.NONE
    host = session.get_one(Unit, activity.host_unit_id)
    if not needs_nod or may_at(actor, Action.ACTIVITY_LIST_PUBLICLY, host.path):
        return Listing.LISTED
    return Listing.WAITING
