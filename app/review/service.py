"""Submitting, deciding, reopening: the verbs of review, each one event and one log entry."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.activities.kinds import KINDS
from app.activities.models import Activity, ActivityState, ReviewState
from app.audit.log import record
from app.checkin.busy_phones import list_busy_phones
from app.checkin.digest import digest_activity
from app.checkin.held import held_open, phones_waiting
from app.checkin.sealing import FORM
from app.evidence.models import EvidenceItem, EvidenceKind, EvidenceState, MatchState, PhotoMatch
from app.evidence.queries import get_match
from app.evidence.service import decide_match
from app.kernel.actor import Actor, Role
from app.kernel.clock import business_day
from app.kernel.errors import Conflict, NotPermitted, Problem, RuleBroken, Severity, blockers, raise_if_blocked
from app.kernel.text import clean
from app.organisation.models import Unit
from app.organisation.queries import list_readers
from app.organisation.readers import able_offices
from app.planning.models import Plan, Task
from app.review.freeze import count_activity, freeze, involved_units
from app.review.models import ActivityFact, CaseState, ReviewCase, ReviewEvent, ReviewEventKind
from app.review.queries import current_case, current_fact
from app.review.rules import ONE_PHONE_MOST, ChecklistFacts, SlotCheck, checklist, choose_reader, may_decide

REASON_LENGTH = 300
REJECTED_WORDS = "这场活动已标为不予计入，不能再交。要补正，请审核单位先退回修改。"


def run_checklist(session: Session, activity: Activity, *, claimed: int | None, now: datetime) -> list[Problem]:
    """Blockers and warnings of this activity as it stands."""
    kind = KINDS[activity.kind]
    items = session.execute(
        select(EvidenceItem.slot, EvidenceItem.kind, func.count())
        .where(EvidenceItem.activity_id == activity.id, EvidenceItem.state == EvidenceState.CURRENT.value)
        .group_by(EvidenceItem.slot, EvidenceItem.kind)
    ).all()
    present = {row[0]: row[2] for row in items}
    photos = sum(row[2] for row in items if row[1] == EvidenceKind.PHOTO.value)
    of_plan = select(Task.plan_id).where(Task.id == (activity.primary_task_id or 0)).scalar_subquery()
    period = select(Plan.period_starts_on).where(Plan.id == of_plan).scalar_subquery()
    around = session.execute(select(period, held_open(activity.id), phones_waiting(activity.id))).one()
    facts = ChecklistFacts(
        is_practice=activity.is_practice,
        is_draft=activity.state == ActivityState.DRAFT.value,
        has_ended=activity.ends_at is not None and activity.ends_at <= now,
        has_primary_task=activity.primary_task_id is not None,
        recorded=count_activity(session, activity.id).total,
        claimed=claimed,
        allows_zero=kind.allows_zero,
        slots=[SlotCheck(slot.label, slot.required, slot.at_least, present.get(slot.key, 0)) for slot in kind.slots],
        photos=photos,
        minors_settled=activity.photos_show_minors is not None,
        publish_settled=activity.photos_may_publish is not None,
        open_matches=count_open_matches(session, activity.id),
        keeps_apart=activity.keeps_apart,
        held_on=business_day(activity.ends_at or now),
        period_starts_on=around[0],
        open_held=around[1],
        waiting=around[2],
        busy_phones=list_busy_phones(session, activity.id, most=ONE_PHONE_MOST),
    )
    return checklist(facts)


def count_open_matches(session: Session, activity_id: int) -> int:
    """Picture pairs of this activity that nobody has decided yet."""
    own = select(EvidenceItem.id).where(
        EvidenceItem.activity_id == activity_id, EvidenceItem.state == EvidenceState.CURRENT.value
    )
    statement = (
        select(func.count())
        .select_from(PhotoMatch)
        .where(
            PhotoMatch.state == MatchState.OPEN.value,
            or_(PhotoMatch.item_id.in_(own), PhotoMatch.other_id.in_(own)),
        )
    )
    return session.scalar(statement) or 0


def submit(
    session: Session, activity: Activity, *, claimed_headcount: int | None, remark: str, actor: Actor, now: datetime
) -> ReviewCase:  # fmt: skip
    """Hand the activity to the first reader in order whose unit is not involved.

    Raises RuleBroken for a blocker of the checklist, Conflict when it is in review already.
    """
    _lock(session, activity)
    if activity.review_state == ReviewState.REJECTED.value:
        raise Conflict("rejected", REJECTED_WORDS)
    if activity.review_state not in (ReviewState.NOT_SUBMITTED.value, ReviewState.RETURNED.value):
        raise Conflict("already_submitted", "这场活动已经提交过了，不用再交。")
    if activity.state in (ActivityState.CANCELLED.value, ActivityState.WITHDRAWN.value):
        raise Conflict("not_held", "已取消的活动不用提交。")
    problems = run_checklist(session, activity, claimed=claimed_headcount, now=now)
    raise_if_blocked(problems)
    reader = choose_reader(able_offices(session), involved_units(session, activity))
    if reader is None:
        raise RuleBroken(
            Problem("no_reader", "审核顺序里没有能审这一件的单位。您填的都在，请联系系统管理员设置审核顺序。")
        )
    warnings = [p for p in problems if p.severity is Severity.WARNING]
    case = ReviewCase(
        activity_id=activity.id, reader_unit_id=reader, claimed_headcount=claimed_headcount,
        remark=clean(remark)[:300], submitted_at=now, submitted_by_id=actor.user_id, flags=len(warnings),
        findings=[{"code": p.code, "message": p.message} for p in warnings],
    )  # fmt: skip
    session.add(case)
    session.flush()
    activity.review_state = ReviewState.UNDER_REVIEW.value
    _event(session, case, ReviewEventKind.SUBMITTED, actor=actor, now=now)
    _log(session, "review.submitted", activity, actor, now,
         payload={"findings": [p.code for p in warnings], "reader": session.get_one(Unit, reader).code})  # fmt: skip
    digest_activity(session, activity, now=now)
    return case


def withdraw(session: Session, activity: Activity, *, actor: Actor, now: datetime) -> None:
    """The submitter's side takes it back before a decision. Raises Conflict when nothing of it waits for one."""
    _lock(session, activity)
    case = current_case(session, activity.id)
    if case is None:
        raise Conflict("not_submitted", "这场活动没有送审，没有可以撤回的。")
    if case.state == CaseState.WITHDRAWN.value:
        raise Conflict("withdrawn_already", "送审已经撤回过了。可以继续修改，改好再提交。")
    _open_case(session, case)
    case.state = CaseState.WITHDRAWN.value
    case.decided_at, case.decided_by_id = now, actor.user_id
    activity.review_state = ReviewState.NOT_SUBMITTED.value
    _event(session, case, ReviewEventKind.WITHDRAWN, actor=actor, now=now)
    _log(session, "review.withdrawn", activity, actor, now)


def approve(session: Session, case: ReviewCase, *, actor: Actor, now: datetime) -> ActivityFact:
    """Approve and freeze the fact. Raises NotPermitted (four eyes), Conflict (decided already)."""
    activity = _open_case(session, case)
    _check_reader(session, case, activity, actor)
    if activity.state != ActivityState.PUBLISHED.value:
        raise Conflict("not_held", "这场活动已经取消或撤回，不能通过。请退回，或标为不予计入。")
    problems = run_checklist(session, activity, claimed=case.claimed_headcount, now=now)
    raise_if_blocked(blockers(problems))
    if any(p.code == "photos_match" for p in problems):
        raise RuleBroken(
            Problem("photos_match", "还有相同或相似的照片没有比对。请先点“同一张”或“不同的照片”，再通过。")
        )
    fact = freeze(session, activity, case, now=now)
    _decide(case, activity, CaseState.APPROVED, "", actor=actor, now=now)
    activity.review_state = ReviewState.APPROVED.value
    activity.state = ActivityState.CLOSED.value
    _event(session, case, ReviewEventKind.APPROVED, actor=actor, now=now, seal=fact.seal)
    _log(session, "review.approved", activity, actor, now,
         payload={"participations": fact.participations, "seal": fact.seal, "version": fact.version, "form": FORM})  # fmt: skip
    digest_activity(session, activity, now=now)
    return fact


def return_case(session: Session, case: ReviewCase, *, reason: str, actor: Actor, now: datetime) -> None:
    """Back to the organizer with a sentence that says what to change."""
    reason = _reason(reason, "请写明要改什么，经办人只看得到这句话。")
    _turn_down(session, case, CaseState.RETURNED, ReviewEventKind.RETURNED, reason, actor=actor, now=now)


def reject(session: Session, case: ReviewCase, *, reason: str, actor: Actor, now: datetime) -> None:
    """不予计入: it stays on record and counts nowhere."""
    reason = _reason(reason, "不予计入要写明原因。")
    _turn_down(session, case, CaseState.REJECTED, ReviewEventKind.REJECTED, reason, actor=actor, now=now)


def _turn_down(
    session: Session,
    case: ReviewCase,
    state: CaseState,
    kind: ReviewEventKind,
    reason: str,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    activity = _open_case(session, case)
    _check_reader(session, case, activity, actor)
    _decide(case, activity, state, reason, actor=actor, now=now)
    activity.review_state = ReviewState(state.value).value
    _event(session, case, kind, actor=actor, now=now, reason=reason)
    _log(session, f"review.{kind.value}", activity, actor, now, reason=reason)


def decide_pair(
    session: Session, case: ReviewCase, match_code: str, *, same: bool, actor: Actor, now: datetime
) -> None:
    """Whether two pictures are one; only who may decide the case decides it."""
    activity = _open_case(session, case)
    _check_reader(session, case, activity, actor)
    decide_match(session, get_match(session, match_code, activity.id), same=same, actor=actor, now=now)


def reopen(session: Session, activity: Activity, *, reason: str, actor: Actor, now: datetime) -> None:
    """Back to the organizer after a decision: an approved one loses its fact at once, a rejected one is taken up again.

    The case carries the reason from here on; the events keep what was decided before.
    """
    _lock(session, activity)
    case = current_case(session, activity.id)
    fact = current_fact(session, activity.id)
    if case is None or (fact is None and activity.review_state != ReviewState.REJECTED.value):
        raise Conflict("not_decided", "这场活动现在没有审核结论，不用退回。请刷新看结果。")
    refusal = reopen_refusal(session, activity, case, actor)
    if refusal:
        raise NotPermitted(refusal)
    reason = _reason(reason, "退回要写明原因，经办人只看得到这句话。")
    _decide(case, activity, CaseState.RETURNED, reason, actor=actor, now=now)
    activity.review_state = ReviewState.RETURNED.value
    if fact is None:
        _event(session, case, ReviewEventKind.RETURNED, actor=actor, now=now, reason=reason)
        _log(session, "review.returned", activity, actor, now, reason=reason)
        return
    fact.withdrawn_at, fact.withdrawn_reason = now, reason
    activity.state = ActivityState.PUBLISHED.value
    _event(session, case, ReviewEventKind.REOPENED, actor=actor, now=now, reason=reason, seal=fact.seal)
    _log(session, "review.reopened", activity, actor, now, reason=reason,
         payload={"version": fact.version})  # fmt: skip


def reopen_refusal(session: Session, activity: Activity, case: ReviewCase, actor: Actor) -> str:
    """Why this person may not send the decided case back, or an empty text: who may decide it may, and the first
    office where it is not involved."""
    return _refusal(session, case, activity, actor, reads_all=actor.has_role(Role.REVIEWER))


def _reason(text: str, missing: str) -> str:
    reason = clean(text)
    if not reason:
        raise RuleBroken(Problem("reason_missing", missing, field="reason"))
    if len(reason) > REASON_LENGTH:
        raise RuleBroken(Problem("reason_long", f"原因最多{REASON_LENGTH}个字，现在{len(reason)}个。", field="reason"))
    return reason


def _lock(session: Session, activity: Activity) -> None:
    session.execute(select(Activity.id).where(Activity.id == activity.id).with_for_update())
    session.refresh(activity)


def _open_case(session: Session, case: ReviewCase) -> Activity:
    activity = session.get_one(Activity, case.activity_id)
    _lock(session, activity)
    session.refresh(case)
    if case.state != CaseState.UNDER_REVIEW.value:
        raise Conflict("decided_already", "这一件已经处理过了，没有重复处理。请刷新看结果。")
    return activity


def _check_reader(session: Session, case: ReviewCase, activity: Activity, actor: Actor) -> None:
    refusal = _refusal(session, case, activity, actor)
    if refusal:
        raise NotPermitted(refusal)


def _refusal(session: Session, case: ReviewCase, activity: Activity, actor: Actor, *, reads_all: bool = False) -> str:
    entry = next((e for e in list_readers(session) if e.unit_id == case.reader_unit_id), None)
    named = {user for user in (entry.reader_id, entry.stand_in_id) if user} if entry else set()
    if reads_all and actor.user_id is not None:
        named.add(actor.user_id)
    return may_decide(
        actor_unit_id=actor.unit_id, actor_user_id=actor.user_id, reader_unit_id=case.reader_unit_id,
        named=named, involved=involved_units(session, activity), submitted_by_id=case.submitted_by_id,
    )  # fmt: skip


def _decide(
    case: ReviewCase,
    activity: Activity,
    state: CaseState,
    reason: str,
    *,
    actor: Actor,
    now: datetime,
) -> None:
    case.state, case.reason = state.value, reason
    case.decided_at, case.decided_by_id = now, actor.user_id
    activity.version += 1


def _event(
    session: Session,
    case: ReviewCase,
    kind: ReviewEventKind,
    *,
    actor: Actor,
    now: datetime,
    reason: str = "",
    seal: str = "",
) -> None:
    session.add(
        ReviewEvent(
            activity_id=case.activity_id, case_id=case.id, kind=kind.value, at=now, actor_id=actor.user_id,
            unit_id=actor.unit_id, reason=reason, seal=seal,
        )
    )  # fmt: skip


def _log(
    session: Session,
    action: str,
    activity: Activity,
    actor: Actor,
    now: datetime,
    *,
    reason: str = "",
    payload: dict[str, object] | None = None,
) -> None:
    record(
        session, action, actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload=payload, private={"reason": reason} if reason else None,
    )  # fmt: skip
