"""Photos that anybody may see: of an approved activity whose organizer allowed it; and taking one back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ReviewState
from app.audit.log import record
from app.evidence.models import EvidenceItem, EvidenceKind, EvidenceState, Takedown, TakedownState
from app.kernel.actor import PARTICIPANT, SYSTEM, Actor
from app.kernel.erasures import note_photo
from app.kernel.errors import Conflict, NotFound, Problem, RuleBroken
from app.kernel.text import clean
from app.registration.models import PartyClass, Registration, RegistrationState

PUBLIC_SLOT = "photos"  # sign-in sheets are pictures too, and never leave the house
REASON_MOST = 200
AGAIN = "恢复备份以后再次撤下"
ABSENT = "没有找到这张照片，它可能已经撤下。"


@dataclass(frozen=True, slots=True)
class Asked:
    """A hidden photo that waits for the organizer's word."""

    item_code: str
    asked_at: datetime


def is_published(activity: Activity) -> bool:
    """Approved, and allowed by the organizer."""
    return activity.review_state == ReviewState.APPROVED.value and bool(activity.photos_may_publish)


def count_opted_out(session: Session, activity: Activity) -> int:
    """Pupils whose families want no photo. Nobody knows in which picture they are: each is then looked at first."""
    return session.scalar(
        select(func.coalesce(func.sum(PartyClass.without_photo), 0))
        .join(Registration, Registration.id == PartyClass.registration_id)
        .where(Registration.activity_id == activity.id, Registration.state != RegistrationState.CANCELLED.value)
    ) or 0  # fmt: skip


def publishable_photos(session: Session, activity: Activity) -> list[EvidenceItem]:
    """The photos that may stand on the public page once nobody in them minds, in their order."""
    if not is_published(activity):
        return []
    return list(
        session.scalars(
            select(EvidenceItem)
            .where(
                EvidenceItem.activity_id == activity.id, EvidenceItem.slot == PUBLIC_SLOT,
                EvidenceItem.kind == EvidenceKind.PHOTO.value, EvidenceItem.state == EvidenceState.CURRENT.value,
                EvidenceItem.hidden_at.is_(None), EvidenceItem.expired_at.is_(None), EvidenceItem.expires_at.is_(None),
                EvidenceItem.may_publish.is_not(False),
            )
            .order_by(EvidenceItem.id)
        )
    )  # fmt: skip


def public_photos(session: Session, activity: Activity) -> list[EvidenceItem]:
    """Those that do: where a family said no, only the ones that the organizer looked at and cleared."""
    found = publishable_photos(session, activity)
    return (
        found if not found or not count_opted_out(session, activity) else [item for item in found if item.may_publish]
    )


def clear_photo(
    session: Session, activity: Activity, code: str, *, is_clear: bool, actor: Actor, now: datetime
) -> None:
    """The organizer looked: nobody who wants no photo is in it; or takes that word back."""
    item = _own_item(session, activity, code)
    if item.id not in {each.id for each in publishable_photos(session, activity)}:
        raise Conflict(
            "not_publishable", "这张照片现在不能公开：活动通过审核、说明可以公开以后才行；有人要求撤下的，先处理。"
        )
    item.may_publish = True if is_clear else None
    _log(session, "evidence.cleared" if is_clear else "evidence.uncleared", activity, item, actor, now)
    session.flush()


def public_photo(session: Session, activity: Activity, code: str) -> EvidenceItem:
    """One of them. Raises NotFound in the same words for a hidden, a foreign and an absent one."""
    found = next((item for item in public_photos(session, activity) if item.code == code), None)
    if found is None:
        raise NotFound(ABSENT)
    return found


def hide_photo(session: Session, activity: Activity, code: str, *, now: datetime) -> None:
    """“有我或我的孩子，请撤下”: it is gone with this commit; nobody's name is asked. A second tap finds it gone."""
    item = _own_item(session, activity, code)
    if item.hidden_at is not None:
        return
    public_photo(session, activity, code)
    item.hidden_at = now
    session.add(Takedown(item_id=item.id, asked_at=now))
    note_photo(session, item.code, "hidden", now=now)
    _log(session, "evidence.hidden", activity, item, PARTICIPANT, now)
    session.flush()


def take_down_again(session: Session, words: Mapping[str, tuple[str, datetime]], *, now: datetime) -> int:
    """Photos that a restored backup shows although they were taken down since; returns how many."""
    gone = {code: word for code, word in words.items() if word[0] != "shown"}
    items = session.scalars(
        select(EvidenceItem).where(EvidenceItem.code.in_(gone), EvidenceItem.state == EvidenceState.CURRENT.value)
    ).all()
    back = 0
    for item in items:
        word, at = gone[item.code]
        if word == "hidden" and item.hidden_at is not None:
            continue
        asked = session.scalars(
            select(Takedown).where(Takedown.item_id == item.id, Takedown.state == TakedownState.OPEN.value)
        ).first()
        if asked is None:
            asked = Takedown(item_id=item.id, asked_at=at)
            session.add(asked)
        item.hidden_at = at
        if word == "removed":
            asked.state, asked.decided_at = TakedownState.REMOVED.value, at
            item.state, item.reason = EvidenceState.REDACTED.value, AGAIN
        activity = session.get_one(Activity, item.activity_id)
        _log(session, "evidence.redacted" if word == "removed" else "evidence.hidden", activity, item, SYSTEM, now)
        back += 1
    session.flush()
    return back


def _own_item(session: Session, activity: Activity, code: str) -> EvidenceItem:
    item = session.scalar(
        select(EvidenceItem)
        .where(EvidenceItem.code == code, EvidenceItem.activity_id == activity.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if item is None:
        raise NotFound(ABSENT)
    return item


def list_asked(session: Session, activity: Activity) -> list[Asked]:
    """Hidden photos about which the organizer has not decided, the oldest first."""
    rows = session.execute(
        select(EvidenceItem.code, Takedown.asked_at)
        .join(EvidenceItem, EvidenceItem.id == Takedown.item_id)
        .where(EvidenceItem.activity_id == activity.id, Takedown.state == TakedownState.OPEN.value)
        .order_by(Takedown.id)
    )
    return [Asked(code, asked_at) for code, asked_at in rows]


def decide_takedown(
    session: Session, activity: Activity, code: str, *, remove: bool, reason: str, actor: Actor, now: datetime
) -> None:
    """Removed for good, or shown again; both with the reason, which stands in the log."""
    item = _own_item(session, activity, code)
    reason = clean(reason)
    if not reason or len(reason) > REASON_MOST:
        raise RuleBroken(Problem("reason", f"请写一句原因，1到{REASON_MOST}字，会记入审计日志。", field="reason"))
    asked = session.scalars(
        select(Takedown).where(Takedown.item_id == item.id, Takedown.state == TakedownState.OPEN.value)
    ).first()
    if asked is None:
        raise Conflict("decided", "这张照片已经有人处理过了。")
    asked.state = (TakedownState.REMOVED if remove else TakedownState.KEPT).value
    asked.decided_at, asked.decided_by_id = now, actor.user_id
    if remove:
        item.state, item.reason = EvidenceState.REDACTED.value, reason
    else:
        item.hidden_at = None
    note_photo(session, item.code, "removed" if remove else "shown", now=now)
    _log(session, "evidence.redacted" if remove else "evidence.shown_again", activity, item, actor, now, reason)
    session.flush()


def _log(
    session: Session, action: str, activity: Activity, item: EvidenceItem, actor: Actor, now: datetime, reason: str = ""
) -> None:
    record(
        session, action, actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"slot": item.slot, "sha256": item.stored_sha256}, private={"reason": reason} if reason else None,
    )  # fmt: skip
