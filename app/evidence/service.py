"""Adding, removing and settling evidence; pictures that look alike."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import false, func, or_, select
from sqlalchemy.orm import Session

from app.activities.kinds import KINDS, Slot
from app.activities.kinds.shape import SHEET
from app.activities.models import Activity, ActivityState, ReviewState
from app.audit.log import record
from app.evidence.likeness import NEAR, bands, distance
from app.evidence.links import is_web_address
from app.evidence.models import EvidenceItem, EvidenceKind, EvidenceState, MatchState, PhotoBand, PhotoMatch
from app.evidence.photo_process import PhotoResult
from app.evidence.queries import holds_names
from app.evidence.storage import LocalStorage
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, NotFound, Problem, RuleBroken
from app.kernel.text import one_line

NUMBER_MOST = 40


def slot_of(activity: Activity, key: str) -> Slot:
    """A slot of the activity's kind. Raises NotFound."""
    slot = next((slot for slot in KINDS[activity.kind].slots if slot.key == key), None)
    if slot is None:
        raise NotFound("这类活动没有这一项材料。")
    return slot


def _check_open(session: Session, activity: Activity) -> None:
    session.execute(select(Activity.id).where(Activity.id == activity.id).with_for_update())
    session.refresh(activity)
    if activity.review_state == ReviewState.APPROVED.value:
        raise Conflict("sealed", "已通过的材料不能改。要改，请审核单位退回重审。")
    if activity.review_state == ReviewState.UNDER_REVIEW.value:
        raise Conflict("in_review", "审核中的材料不能改，请先撤回。")
    if activity.review_state == ReviewState.REJECTED.value:
        raise Conflict("rejected", "不予计入的活动，材料不能改。要补正，请审核单位先退回修改。")
    if activity.state == ActivityState.CANCELLED.value:
        raise Conflict("activity_cancelled", "已取消的活动不用交材料。")


def _check_room(session: Session, activity: Activity, slot: Slot) -> None:
    here = session.scalar(
        select(func.count()).where(
            EvidenceItem.activity_id == activity.id, EvidenceItem.slot == slot.key,
            EvidenceItem.state == EvidenceState.CURRENT.value,
        )
    )  # fmt: skip
    if (here or 0) >= slot.at_most:
        raise RuleBroken(Problem("slot_full", f"{slot.label}最多{slot.at_most}份，已经满了。可以先删一份。"))


def add_photo(
    session: Session,
    activity: Activity,
    photo: PhotoResult,
    *,
    slot: str,
    file_name: str,
    storage: LocalStorage,
    actor: Actor,
    now: datetime,
) -> EvidenceItem:
    """Store the picture, then the row; a file without a row is swept later, a row without a file cannot be."""
    place = _photo_slot(session, activity, photo, slot)
    storage.put(photo.stored_sha256, photo.main)
    storage.put(photo.thumb_sha256, photo.thumb)
    item = EvidenceItem(
        activity_id=activity.id, slot=place.key, kind=EvidenceKind.PHOTO.value, file_name=one_line(file_name)[:120],
        original_sha256=photo.original_sha256, stored_sha256=photo.stored_sha256, thumb_sha256=photo.thumb_sha256,
        row_hash=photo.row_hash, column_hash=photo.column_hash, width=photo.width, height=photo.height,
        size=len(photo.main), claimed_at=photo.claimed_at, had_position=photo.had_position, uploaded_at=now,
        uploaded_by_id=actor.user_id,
    )  # fmt: skip
    session.add(item)
    session.flush()
    _find_alike(session, item)
    session.add_all(
        PhotoBand(item_id=item.id, position=position, value=value)
        for position, value in enumerate(bands(photo.row_hash, photo.column_hash))
    )
    _log(session, "evidence.added", activity, actor, now, payload={"slot": slot, "sha256": photo.stored_sha256})
    session.flush()
    return item


def _photo_slot(session: Session, activity: Activity, photo: PhotoResult, slot: str) -> Slot:
    place = slot_of(activity, slot)
    if place.evidence_kind != EvidenceKind.PHOTO.value:
        raise RuleBroken(Problem("slot_kind", f"{place.label}不收照片。"))
    _check_open(session, activity)
    again = session.scalar(
        select(EvidenceItem).where(
            EvidenceItem.activity_id == activity.id, EvidenceItem.original_sha256 == photo.original_sha256,
            EvidenceItem.state == EvidenceState.CURRENT.value,
        )
    )  # fmt: skip
    if again is not None:
        raise Conflict("same_photo", "这张照片这场活动已经有了，没有重复收。")
    _check_room(session, activity, place)
    return place


def _photos_both(item: EvidenceItem) -> Any:
    return false() if holds_names(item) else EvidenceItem.slot != SHEET.key


def _find_alike(session: Session, item: EvidenceItem) -> None:
    """Flag the same picture, or nearly the same, anywhere in the district.

    Within one activity photos only: the pages of a sign-in sheet look alike and are not the same.
    """
    assert item.row_hash is not None
    assert item.column_hash is not None
    wanted = [
        (PhotoBand.position == position) & (PhotoBand.value == value)
        for position, value in enumerate(bands(item.row_hash, item.column_hash))
    ]
    near = (
        select(PhotoBand.item_id)
        .where(or_(*wanted))
        .group_by(PhotoBand.item_id)
        .having(func.count() >= 4)  # at most 12 of 128 bits differ: at least 4 of 16 bands are equal
    )
    others = session.scalars(
        select(EvidenceItem).where(
            or_(EvidenceItem.id.in_(near), EvidenceItem.original_sha256 == item.original_sha256),
            EvidenceItem.id != item.id, EvidenceItem.state == EvidenceState.CURRENT.value,
            or_(EvidenceItem.activity_id != item.activity_id, _photos_both(item)),
        )
    ).all()  # fmt: skip
    for other in others:
        exact = other.original_sha256 == item.original_sha256
        if other.row_hash is None or other.column_hash is None:
            continue
        bits = distance(item.row_hash, item.column_hash, other.row_hash, other.column_hash)
        if exact or bits <= NEAR:
            session.add(PhotoMatch(item_id=item.id, other_id=other.id, is_exact=exact, distance=bits))


def add_link(
    session: Session, activity: Activity, *, slot: str, link: str, actor: Actor, now: datetime
) -> EvidenceItem:
    """A media link, http or https."""
    place = slot_of(activity, slot)
    address = one_line(link)
    if place.evidence_kind != EvidenceKind.LINK.value or not is_web_address(address):
        raise RuleBroken(Problem("link_wrong", "链接要以 http:// 或 https:// 开头。", field="link"))
    if len(address) > 300:
        raise RuleBroken(Problem("link_long", "链接太长，最多300个字符。", field="link"))
    return _add(session, activity, place, actor, now, kind=EvidenceKind.LINK, link=address)


def add_document(
    session: Session,
    activity: Activity,
    *,
    slot: str,
    title: str,
    number: str,
    dated_on: date | None,
    actor: Actor,
    now: datetime,
) -> EvidenceItem:
    """A paper by title, 文号 and date; the paper itself stays in the unit."""
    place = slot_of(activity, slot)
    title = one_line(title)
    if place.evidence_kind != EvidenceKind.DOCUMENT.value or not title or len(title) > 100:
        raise RuleBroken(Problem("title_missing", "请填材料标题（最多100字）。", field="title"))
    if len(one_line(number)) > NUMBER_MOST:
        raise RuleBroken(Problem("number_long", f"文号太长，最多{NUMBER_MOST}个字。", field="number"))
    return _add(
        session, activity, place, actor, now, kind=EvidenceKind.DOCUMENT, caption=title,
        document_number=one_line(number), dated_on=dated_on,
    )  # fmt: skip


def _add(
    session: Session,
    activity: Activity,
    place: Slot,
    actor: Actor,
    now: datetime,
    *,
    kind: EvidenceKind,
    **columns: Any,
) -> EvidenceItem:
    _check_open(session, activity)
    _check_room(session, activity, place)
    item = EvidenceItem(
        activity_id=activity.id,
        slot=place.key,
        kind=kind.value,
        uploaded_at=now,
        uploaded_by_id=actor.user_id,
        **columns,
    )
    session.add(item)
    _log(session, "evidence.added", activity, actor, now, payload={"slot": place.key})
    session.flush()
    return item


def remove_item(session: Session, activity: Activity, item: EvidenceItem, *, actor: Actor, now: datetime) -> None:
    """Before submission the organizer may take an item out; the row stays as removed."""
    _check_open(session, activity)
    if item.state != EvidenceState.CURRENT.value:
        return
    item.state = EvidenceState.REMOVED.value
    for match in session.scalars(
        select(PhotoMatch).where(
            or_(PhotoMatch.item_id == item.id, PhotoMatch.other_id == item.id),
            PhotoMatch.state == MatchState.OPEN.value,
        )
    ):
        match.state, match.decided_at, match.decided_by_id = MatchState.DIFFERENT.value, now, actor.user_id
    _log(session, "evidence.removed", activity, actor, now, payload={"slot": item.slot, "sha256": item.stored_sha256})


def settle_photos(
    session: Session, activity: Activity, *, minors: bool, publish: bool, actor: Actor, now: datetime
) -> None:
    """Asked once for the set: does it show minors, may it be published."""
    _check_open(session, activity)
    activity.photos_show_minors, activity.photos_may_publish = minors, publish
    _log(session, "evidence.consent_set", activity, actor, now, payload={"minors": minors, "publish": publish})


def decide_match(session: Session, match: PhotoMatch, *, same: bool, actor: Actor, now: datetime) -> None:
    """A person says whether two pictures are one."""
    match.state = (MatchState.SAME if same else MatchState.DIFFERENT).value
    match.decided_at, match.decided_by_id = now, actor.user_id
    item = session.get_one(EvidenceItem, match.item_id)
    activity = session.get_one(Activity, item.activity_id)
    _log(session, "match.decided", activity, actor, now, payload={"same": same})


def _log(
    session: Session, action: str, activity: Activity, actor: Actor, now: datetime, *, payload: dict[str, Any]
) -> None:
    record(session, action, actor=actor, object_type="activity", object_code=activity.code, now=now, payload=payload)
