"""The verbs of activities: create, change, publish, enter after paper, list in public, copy, join, discard."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.kinds import KINDS
from app.activities.models import (
    Activity,
    ActivityState,
    ActivityUnit,
    Attendance,
    Audience,
    Listing,
    Origin,
    PlaceQuota,
    Question,
    ReviewState,
    UnitPart,
)
from app.activities.printed import set_printed_code
from app.activities.rows import (
    ActivityInput,
    checked,
    fill,
    keep_change,
    planned,
    summary_of,
    write_relations,
    write_sessions,
)
from app.activities.rules import problems_of
from app.audit.log import record
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, Problem, RuleBroken, raise_if_blocked
from app.kernel.text import clean
from app.organisation.models import Unit
from app.organisation.permissions import Action, may_at

__all__ = [
    "ActivityInput",
    "add_co_host",
    "change_activity",
    "copy_activity",
    "create_activity",
    "decide_listing",
    "discard_draft",
    "enter_paper_activity",
    "hold_before_review",
    "keep_apart",
    "lock",
    "publish_activity",
]


ATTENDANCE_FIXED = "已经有人报名，“几场怎么报名”不能再改，还没有保存。要换报法，请复制成一场新活动。"


def create_activity(session: Session, data: ActivityInput, *, actor: Actor, now: datetime) -> Activity:
    """A draft. Raises RuleBroken for what cannot even be a draft."""
    data, details = checked(data)
    host = session.get_one(Unit, data.host_unit_id)
    if host.retired_at is not None:
        raise RuleBroken(Problem("host_retired", f"“{host.name}”已停用，不能再办新活动。", field="host"))
    activity = Activity(
        kind=data.kind, title=data.title, host_unit_id=host.id, created_at=now, created_by_id=actor.user_id,
        origin=Origin.PAPER.value if data.is_paper else Origin.LIVE.value, is_practice=data.is_practice,
        state=ActivityState.DRAFT.value, printed_code_on=data.printed_code_on,
    )  # fmt: skip
    fill(activity, data, details)
    session.add(activity)
    session.flush()
    write_sessions(session, activity, data.sessions)
    write_relations(session, activity, data)
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
    version: int | None = None,
    reason: str = "",
    needs_nod: bool = True,
    has_registered: bool = False,
    actor: Actor,
    now: datetime,
) -> Activity:
    """Replace what the form holds; `has_registered`: somebody stands on the list, counted under the lock. A change of time or place after publication is kept for the
    participants' pages; after the start it asks for a reason. Raises Conflict for a lost update."""
    lock(session, activity)
    _check_changeable(activity, version)
    data = replace(data, is_paper=activity.origin == Origin.PAPER.value)
    data, details = checked(data)
    if has_registered and data.attendance.value != activity.attendance:  # their rows name a session, or none
        raise RuleBroken(Problem("attendance_fixed", ATTENDANCE_FIXED, field="attendance"))
    before, words = summary_of(activity), (activity.title, activity.summary, activity.bring)
    if activity.state == ActivityState.PUBLISHED.value:
        raise_if_blocked(
            problems_of(title=data.title, venue=data.venue, sessions=data.sessions, is_paper=data.is_paper, now=None)
        )
        keep_change(session, activity, data, now=now, reason=reason)
    elif data.kind != activity.kind:
        activity.kind = data.kind
    fill(activity, replace(data, kind=activity.kind), details)
    set_printed_code(session, activity, data.printed_code_on, actor=actor, now=now)
    activity.version += 1
    write_sessions(session, activity, data.sessions)
    write_relations(session, activity, data)
    session.flush()
    session.refresh(activity)
    if activity.state == ActivityState.PUBLISHED.value:
        rewritten = words != (activity.title, activity.summary, activity.bring)
        _settle_listing(session, activity, rewritten=rewritten, needs_nod=needs_nod, actor=actor)
    _record_change(session, activity, before, reason=reason, actor=actor, now=now)
    return activity


def _check_changeable(activity: Activity, version: int | None) -> None:
    if version is not None and version != activity.version:
        raise Conflict("changed_meanwhile", "别人刚改过这场活动，您的修改没有覆盖它。请核对后再保存。")
    if activity.review_state in (ReviewState.UNDER_REVIEW.value, ReviewState.APPROVED.value):
        raise Conflict("in_review", "已提交或已通过的活动不能直接改。请先撤回，或由审核单位退回。")
    if activity.review_state == ReviewState.REJECTED.value:
        raise Conflict("rejected", "不予计入的活动不能改。要补正，请审核单位先退回修改。")
    if activity.state not in (ActivityState.DRAFT.value, ActivityState.PUBLISHED.value):
        raise Conflict("closed", "已取消、已放弃或已办结的活动不能再改。")


def _record_change(
    session: Session, activity: Activity, before: dict[str, object], *, reason: str, actor: Actor, now: datetime
) -> None:
    after = summary_of(activity)
    changed = sorted(key for key in after if after[key] != before.get(key))
    record(
        session, "activity.changed", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"before": {key: before.get(key) for key in changed}, "after": {key: after[key] for key in changed}},
        private={"reason": clean(reason)} if clean(reason) else None,
    )  # fmt: skip


def publish_activity(session: Session, activity: Activity, *, needs_nod: bool, actor: Actor, now: datetime) -> None:
    """Draft → published. A public listing waits for the nod (先审后发) unless the actor may give it."""
    lock(session, activity)
    if activity.state != ActivityState.DRAFT.value:
        raise Conflict("not_draft", "这场活动已经不是草稿，没有重复发布。")
    if activity.origin == Origin.PAPER.value:
        raise Conflict("paper", "补录的活动不用发布。")
    raise_if_blocked(_missing(session, activity, now))
    activity.state = ActivityState.PUBLISHED.value
    activity.published_at = now
    activity.listing = _listing_of(session, activity, needs_nod=needs_nod, actor=actor).value
    activity.version += 1
    record(
        session, "activity.published", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"audience": activity.audience},
    )  # fmt: skip


def _missing(session: Session, activity: Activity, now: datetime) -> list[Problem]:
    problems = problems_of(
        title=activity.title, venue=activity.venue, sessions=planned(activity),
        is_paper=activity.origin == Origin.PAPER.value, now=now,
    )  # fmt: skip
    kind = KINDS[activity.kind]
    if kind.needs_school and activity.venue_unit_id is None and not _is_with_units(session, activity):
        problems.append(Problem("school_missing", f"{kind.label}要选学校。", field="venue_unit"))
    if kind.needs_heritage and activity.heritage_item_id is None:
        problems.append(Problem("heritage_missing", f"{kind.label}要写是哪一项非遗。", field="heritage"))
    return problems


def enter_paper_activity(
    session: Session, data: ActivityInput, *, headcount: int = 0, actor: Actor, now: datetime
) -> Activity:
    """An activity held on paper: draft → ended, never open to the public. Its count comes from check-in."""
    data = replace(data, is_paper=True, audience=Audience.LINK, takes_registration=False)
    activity = create_activity(session, data, actor=actor, now=now)
    raise_if_blocked(_missing(session, activity, now))
    activity.state = ActivityState.PUBLISHED.value  # shown as ended: its last session is over
    record(
        session, "activity.paper_entered", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"kind": activity.kind, "headcount": headcount},
    )  # fmt: skip
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


PRACTICE_OPENS = 60  # minutes
_KEPT = ("takes_parties", "needs_approval", "names_minors", "leaves_school", "sends_mail", "offer_hours")


def copy_activity(
    session: Session,
    activity: Activity,
    *,
    first_start: datetime,
    is_practice: bool = False,
    actor: Actor,
    now: datetime,
) -> Activity:
    """A draft with the same settings, all times moved so that the first session starts then."""
    if not activity.sessions:
        raise RuleBroken(Problem("no_sessions", "原活动没有场次，不能复制。"))
    shift = first_start - activity.sessions[0].starts_at
    co_hosts = tuple(unit.unit_id for unit in activity.units if unit.part == UnitPart.CO_HOST.value)
    taking = tuple(unit.unit_id for unit in activity.units if unit.part == UnitPart.TAKING_PART.value)
    data = ActivityInput(
        kind=activity.kind, title=activity.title, host_unit_id=activity.host_unit_id, venue=activity.venue,
        sessions=tuple(replace(s, starts_at=s.starts_at + shift, ends_at=s.ends_at + shift) for s in planned(activity)),
        audience=Audience(activity.audience) if not is_practice else Audience.LINK, summary=activity.summary,
        bring=activity.bring, attendance=Attendance(activity.attendance), primary_task_id=activity.primary_task_id,
        related_task_ids=tuple(task.task_id for task in activity.related_tasks), co_host_ids=co_hosts,
        taking_part_ids=taking, venue_unit_id=activity.venue_unit_id, heritage_item_id=activity.heritage_item_id,
        programme_id=activity.programme_id, details=dict(activity.details), classes=activity.classes,
        takes_registration=activity.takes_registration, takes_walk_in=activity.takes_walk_in,
        needs_phone=activity.needs_phone,
        # A practice begins in a quarter of an hour, and its doors are there to be tried at once.
        opens_before_min=max(PRACTICE_OPENS, activity.opens_before_min) if is_practice else activity.opens_before_min,
        closes_after_min=activity.closes_after_min, is_practice=is_practice, printed_code_on=is_practice,
    )  # fmt: skip
    copy = create_activity(session, data, actor=actor, now=now)
    for name in ("takes_parties",) if is_practice else _KEPT:
        setattr(copy, name, is_practice or getattr(activity, name))
    if not is_practice:
        _copy_asked(session, activity, copy)
    record(
        session, "activity.copied", actor=actor, object_type="activity", object_code=copy.code, now=now,
        payload={"source": activity.code},
    )  # fmt: skip
    return copy


def _copy_asked(session: Session, activity: Activity, copy: Activity) -> None:
    """The questions and the units' quotas; what was kept free was for one class on one day."""
    for row in session.scalars(select(Question).where(Question.activity_id == activity.id).order_by(Question.position)):
        session.add(
            Question(
                activity_id=copy.id, position=row.position, sort=row.sort, wording=row.wording,
                options=list(row.options), is_required=row.is_required,
            )
        )  # fmt: skip
    quotas = select(PlaceQuota).where(PlaceQuota.activity_id == activity.id, PlaceQuota.session_id.is_(None))
    for quota in session.scalars(quotas.order_by(PlaceQuota.id)):
        session.add(PlaceQuota(activity_id=copy.id, unit_id=quota.unit_id, places=quota.places))


def add_co_host(session: Session, activity: Activity, unit_id: int, *, actor: Actor, now: datetime) -> None:
    """The unit joins as 协办; joining twice is the same.

    Only while the host may still change it: who is involved decides who reads, and an approved fact is frozen.
    """
    lock(session, activity)
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
    open_ones = (ReviewState.NOT_SUBMITTED.value, ReviewState.RETURNED.value)
    if activity.state != ActivityState.PUBLISHED.value or activity.review_state not in open_ones:
        raise Conflict(
            "not_open", "那一场已经提交审核或办结，现在加不进去；您的草稿还在。请先请主办单位撤回，或审核单位退回。"
        )
    activity.version += 1
    session.add(ActivityUnit(activity_id=activity.id, unit_id=unit_id, part=UnitPart.CO_HOST.value))
    record(
        session, "activity.joined", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"unit": session.get_one(Unit, unit_id).code},
    )  # fmt: skip


def keep_apart(session: Session, activity: Activity, *, actor: Actor, now: datetime) -> None:
    """Not the same event as its twin: the flag goes along to review."""
    lock(session, activity)
    if activity.keeps_apart:
        return
    activity.keeps_apart = True
    record(
        session, "activity.changed", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"before": {"keeps_apart": False}, "after": {"keeps_apart": True}},
    )  # fmt: skip


def discard_draft(session: Session, activity: Activity, *, actor: Actor, now: datetime) -> None:
    """A draft that nobody needs: 已放弃. Nothing is erased; it leaves the lists."""
    lock(session, activity)
    if activity.state != ActivityState.DRAFT.value:
        raise Conflict("not_draft", "这场活动已经不是草稿，不能放弃。可以取消它。")
    _check_never_submitted(activity)
    activity.state = ActivityState.WITHDRAWN.value
    activity.version += 1
    record(session, "activity.discarded", actor=actor, object_type="activity", object_code=activity.code, now=now)


def hold_before_review(session: Session, activity: Activity) -> None:
    """Lock it, and raise Conflict once it was handed in: its case would stand without the activity."""
    lock(session, activity)
    _check_never_submitted(activity)


def _check_never_submitted(activity: Activity) -> None:
    if activity.review_state != ReviewState.NOT_SUBMITTED.value:
        raise Conflict("in_review", "提交过审核的活动不能变回草稿，也不能放弃。请先撤回提交，或照退回的意见改好再交。")


def lock(session: Session, activity: Activity) -> None:
    """Take the activity's row for this transaction and read it afresh."""
    session.execute(select(Activity.id).where(Activity.id == activity.id).with_for_update())
    session.refresh(activity)


def _is_with_units(session: Session, activity: Activity) -> bool:
    statement = select(ActivityUnit.id).where(
        ActivityUnit.activity_id == activity.id, ActivityUnit.part == UnitPart.TAKING_PART.value
    )
    return session.scalar(statement.limit(1)) is not None


def _listing_of(session: Session, activity: Activity, *, needs_nod: bool, actor: Actor) -> Listing:
    if activity.audience != Audience.PUBLIC.value or activity.is_practice:
        return Listing.NONE
    host = session.get_one(Unit, activity.host_unit_id)
    if not needs_nod or may_at(actor, Action.ACTIVITY_LIST_PUBLICLY, host.path):
        return Listing.LISTED
    return Listing.WAITING


def _settle_listing(session: Session, activity: Activity, *, rewritten: bool, needs_nod: bool, actor: Actor) -> None:
    """After an edit: new words on the public calendar wait for the nod again, else 先审后发 would be hollow."""
    stands = activity.listing in (Listing.LISTED.value, Listing.WAITING.value)
    if stands and activity.audience == Audience.PUBLIC.value and not rewritten:
        return
    activity.listing = _listing_of(session, activity, needs_nod=needs_nod, actor=actor).value
    activity.listing_reason = ""
