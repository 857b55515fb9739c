"""What a phone is told about one of its events: the stored outcome, in words and colour."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.checkin.busy_phones import find_walk_ins_beside
from app.checkin.devices import trouble_of
from app.checkin.held import holding_of
from app.checkin.models import CheckIn, CheckInEvent, DeviceGrant, EventKind, HeldReason, HeldScan, HeldState, Outcome
from app.checkin.rules import ASKED, first_words, shown_name
from app.kernel.clock import SHANGHAI, business_day
from app.registration.models import PartyClass, PersonalDetail, Registration

_TO_DESK = "请他到签到台。"
_HELD = "已交主办单位核实。"
# The part before the first comma is the phone's large word, the rest stands below; the end says what to do (docs/helpers.md).
HELD_WORDS = {
    HeldReason.UNKNOWN.value: f"没有这个报名码，{_HELD}{_TO_DESK}",
    HeldReason.IMPOSSIBLE_TIME.value: f"这部手机的时间不对，{_HELD}请进。",
    HeldReason.CANCELLED.value: f"这个报名已取消，{_HELD}{_TO_DESK}",
    HeldReason.SEALED.value: f"活动已提交审核，{_HELD}请进。",
    HeldReason.REFUSED.value: f"不合签到规则，{_HELD}请进。",
}
REVOKED_WORDS = {
    "revoked": f"这部手机已被作废，{_HELD}请进。", "ended": f"这部手机已结束当班，{_HELD}请进。",
    "expired": f"这部手机的配对已到期，{_HELD}请进。", "other": f"这部手机没有配这一场，{_HELD}换一场再扫。",
    "": f"这一条先前办过，{_HELD}请进。",
}  # fmt: skip
# A red at the gate, said to the helper and not to the participant.
RED_WORDS = {
    Outcome.TOO_EARLY.value: f"签到还没开始。{_TO_DESK}", Outcome.TOO_LATE.value: f"签到已经结束。{_TO_DESK}",
    Outcome.UNKNOWN.value: f"没有这个报名码。{_TO_DESK}", Outcome.CANCELLED.value: f"这个报名已取消。{_TO_DESK}",
    Outcome.NOT_CONFIRMED.value: f"这个报名没有留名额。{_TO_DESK}", Outcome.TOO_MANY.value: f"人数太多。{_TO_DESK}",
    Outcome.ACTIVITY_CLOSED.value: f"这场活动不能签到。{_TO_DESK}",
    Outcome.FOREIGN.value: f"不是这场活动的报名码。{_TO_DESK}",
}  # fmt: skip
OTHER_SESSION = "报的是另一场。换一场再扫。"
CLOSED_WORDS = f"活动已取消，或没有在办，{_HELD}请问主办单位。"
ASKED_WORDS = {
    "number": "这是班级码，没有报人数。不报的，由主办单位核实。",
    "which": "这个班已有人报过数。不选的，由主办单位核实。",
}
_OUTCOMES = ("accepted", "duplicate", "undone", "nothing_to_undo")


@dataclass(frozen=True, slots=True)
class Answer:
    """`stored`: the phone may forget the event. `name` is masked or a class; never a phone number."""

    uid: str
    stored: bool
    outcome: str
    tone: str  # green, amber, red
    message: str
    name: str = ""
    people: int = 0
    here: int = 0
    first_at: datetime | None = None
    ask: str = ""  # of a party: "number" where nobody has said how many, "which" where another has counted it
    expected: int = 0  # people registered, where it asks


def said(answer: Answer, words: str) -> Answer:
    """The same with the exact sentence."""
    return replace(answer, message=words)


def label_of(session: Session, registration_id: int | None, activity_id: int) -> str:
    """What a helper sees of one registration; nothing of another activity's ticket."""
    if registration_id is None:
        return ""
    return labels_of(session, [registration_id], activity_id).get(registration_id, "")


def labels_of(session: Session, registration_ids: Sequence[int], activity_id: int) -> dict[int, str]:
    """The classes of a party, else a form of address or a masked name; two statements."""
    classes: dict[int, list[str]] = {}
    for registration_id, label in session.execute(
        select(PartyClass.registration_id, PartyClass.label)
        .where(PartyClass.registration_id.in_(registration_ids))
        .order_by(PartyClass.registration_id, PartyClass.position)
    ):
        classes.setdefault(registration_id, []).append(label)
    rows = session.execute(
        select(Registration.id, PersonalDetail.name)
        .outerjoin(PersonalDetail, PersonalDetail.registration_id == Registration.id)
        .where(Registration.id.in_(registration_ids), Registration.activity_id == activity_id)
    )
    return {row.id: "、".join(classes.get(row.id, ())) or shown_name(row.name or "") for row in rows}


def answer_of(session: Session, event: CheckInEvent) -> Answer:
    """The answer that an event has, now and at every retry."""
    base = Answer(
        event.uid, True, event.outcome, "amber", "", label_of(session, event.registration_id, event.activity_id)
    )
    held = holding_of(session, event.uid)
    if held is not None:
        return _asked(session, base, event, held) or _held(session, base, event, held)
    if event.kind == EventKind.UNDO.value or event.outcome == Outcome.NOTHING_TO_UNDO.value:
        words = "已撤销。" if event.outcome == Outcome.UNDONE.value else "没有可撤销的签到。"
        return replace(base, message=words, people=event.headcount)
    here = session.execute(  # columns, since the check-in was written past the session
        select(CheckIn.first_at, CheckIn.grade_a + CheckIn.grade_b + CheckIn.grade_c + CheckIn.grade_d).where(
            CheckIn.session_id == event.session_id, CheckIn.registration_id == event.registration_id
        )
    ).first()
    if event.outcome not in _OUTCOMES:
        return replace(base, outcome="refused", tone="red", message=_red_words(session, event))
    if here is None or _is_undone(session, event.uid):
        return replace(base, outcome="undone", message="这次签到已经撤销。", people=event.headcount)
    counted = replace(base, people=event.headcount, here=here[1], first_at=here[0])
    if event.outcome == Outcome.ACCEPTED.value:
        is_whole = event.kind == EventKind.RESOLUTION.value
        words = "人数已核对" if is_whole else "已签到" + _beside(session, event)
        return replace(counted, tone="green", message=words)
    return replace(counted, message=f"已于{_moment(here[0], event.occurred_at)}签到，没有重复计数。", people=here[1])


def _beside(session: Session, event: CheckInEvent) -> str:
    """That the phone of this registration has brought in walk-ins, who may be the same people."""
    registration_id = event.registration_id
    found = registration_id and find_walk_ins_beside(session, registration_id, event.session_id)
    if not found:
        return ""
    at = _moment(found.first_at, event.occurred_at)
    return f"，报名的手机{at}现场登记过{found.people}人。问一声：是他们自己，请按“撤销”。"


def _moment(at: datetime, scanned_at: datetime) -> str:
    """The clock, with the date where it was another day than the scan's."""
    local = at.astimezone(SHANGHAI)
    day = "" if business_day(at) == business_day(scanned_at) else f"{local.month}月{local.day}日"
    return f"{day}{local:%H:%M}"


def _asked(session: Session, base: Answer, event: CheckInEvent, held: HeldScan) -> Answer | None:
    """What the phone may still say itself: how many came of a class."""
    if held.state != HeldState.OPEN.value or event.outcome != ASKED or held.reason != HeldReason.REFUSED.value:
        return None
    here = (CheckIn.session_id == event.session_id) & (CheckIn.registration_id == Registration.id)
    row = session.execute(
        select(
            Registration.adults + Registration.children, CheckIn.first_at,
            CheckIn.grade_a + CheckIn.grade_b + CheckIn.grade_c + CheckIn.grade_d,
        )
        .outerjoin(CheckIn, here)
        .where(Registration.id == event.registration_id)
    ).one()  # fmt: skip
    ask = "which" if row[1] is not None else "number"
    return replace(
        base, outcome="quarantined", message=ASKED_WORDS["which" if held.people else "number"], people=held.people,
        ask=ask, expected=row[0], first_at=row[1], here=row[2] or 0,
    )  # fmt: skip


def _red_words(session: Session, event: CheckInEvent) -> str:
    if event.outcome == Outcome.FOREIGN.value:
        registration = session.get(Registration, event.registration_id) if event.registration_id else None
        if registration is not None and registration.activity_id == event.activity_id:
            return OTHER_SESSION
    return RED_WORDS.get(event.outcome) or first_words(event.outcome)


def _revoked_words(session: Session, held: HeldScan, at: datetime) -> str:
    grant = session.get_one(DeviceGrant, held.device_id)
    is_other = grant.session_id not in (None, held.session_id)
    return REVOKED_WORDS[trouble_of(grant, at, received=held.received_at) or ("other" if is_other else "")]


def _held(session: Session, base: Answer, event: CheckInEvent, held: HeldScan) -> Answer:
    if held.state == HeldState.WITHDRAWN.value:
        return replace(base, outcome="undone", message="已撤销。", people=held.people)
    outcome = {HeldReason.CANCELLED.value: "conflict", HeldReason.UNKNOWN.value: "unknown"}.get(
        held.reason, "quarantined"
    )
    tone = "red" if held.reason in (HeldReason.UNKNOWN.value, HeldReason.CANCELLED.value) else "amber"
    words = HELD_WORDS.get(held.reason) or _revoked_words(session, held, event.occurred_at)
    if base.outcome == Outcome.ACTIVITY_CLOSED.value:
        words = CLOSED_WORDS
    if held.state == HeldState.COUNTED.value:
        words = "主办单位已核实，算到场。"
    elif held.state == HeldState.NOT_COUNTED.value:
        words = "主办单位已核实，不算到场。"
    return replace(base, outcome=outcome, tone=tone, message=words, people=held.people)


def _is_undone(session: Session, uid: str) -> bool:
    return (
        session.scalar(
            select(CheckInEvent.id).where(CheckInEvent.kind == EventKind.UNDO.value, CheckInEvent.refers_to == uid)
        )
        is not None
    )
