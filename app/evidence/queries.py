"""Reading evidence: slots with their items, pictures that look alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import false, func, or_, select, true
from sqlalchemy.orm import Session, aliased

from app.activities.kinds import KINDS, Slot
from app.activities.kinds.shape import SHEET
from app.activities.models import Activity
from app.evidence.models import EvidenceItem, EvidenceState, MatchState, PhotoMatch, Takedown, TakedownState
from app.kernel.errors import NotFound
from app.organisation.models import Unit


@dataclass(frozen=True, slots=True)
class SlotView:
    """A slot of the list, with what is in it."""

    slot: Slot
    items: tuple[EvidenceItem, ...]

    @property
    def filled(self) -> int:
        return len(self.items)

    @property
    def missing(self) -> int:
        return max(0, self.slot.at_least - self.filled) if self.slot.required else 0

    @property
    def room(self) -> int:
        return max(0, self.slot.at_most - self.filled)


@dataclass(frozen=True, slots=True)
class MatchView:
    """Two pictures side by side; of the other activity only title and host."""

    code: str
    is_exact: bool
    item_code: str
    item_claimed_at: datetime | None
    item_uploaded_at: datetime
    other_code: str
    other_title: str
    other_host: str
    other_claimed_at: datetime | None
    other_uploaded_at: datetime
    state: str


def holds_names(item: EvidenceItem) -> bool:
    """A picture of a sign-in sheet: names and phones on paper, for who may read the roster and for the reviewer."""
    return item.slot == SHEET.key


def slots_of(session: Session, activity: Activity) -> list[SlotView]:
    """Every slot of the kind, in its order; one statement."""
    items = session.scalars(
        select(EvidenceItem)
        .where(EvidenceItem.activity_id == activity.id, EvidenceItem.state == EvidenceState.CURRENT.value)
        .order_by(EvidenceItem.id)
    ).all()
    return [
        SlotView(slot, tuple(item for item in items if item.slot == slot.key)) for slot in KINDS[activity.kind].slots
    ]


def filled_of_many(session: Session, activity_ids: Sequence[int]) -> dict[int, dict[str, int]]:
    """Items by activity and slot, for lists; one statement."""
    rows = session.execute(
        select(EvidenceItem.activity_id, EvidenceItem.slot, func.count())
        .where(EvidenceItem.activity_id.in_(activity_ids), EvidenceItem.state == EvidenceState.CURRENT.value)
        .group_by(EvidenceItem.activity_id, EvidenceItem.slot)
    )
    found: dict[int, dict[str, int]] = {activity_id: {} for activity_id in activity_ids}
    for activity_id, slot, count in rows:
        found[activity_id][slot] = count
    return found


def list_matches(session: Session, activity: Activity, *, with_decided: bool = False) -> list[MatchView]:
    """Pictures of this activity that are or look like one of another, either way round."""
    mine, other = aliased(EvidenceItem), aliased(EvidenceItem)
    states = [MatchState.OPEN.value] + ([MatchState.SAME.value] if with_decided else [])
    rows = session.execute(
        select(PhotoMatch, mine, other, Activity.title, Unit.name)
        .join(mine, or_(mine.id == PhotoMatch.item_id, mine.id == PhotoMatch.other_id))
        .join(other, or_(other.id == PhotoMatch.item_id, other.id == PhotoMatch.other_id))
        .join(Activity, Activity.id == other.activity_id)
        .join(Unit, Unit.id == Activity.host_unit_id)
        .where(
            mine.activity_id == activity.id, other.id != mine.id, PhotoMatch.state.in_(states),
            or_(other.activity_id != activity.id, mine.id == PhotoMatch.item_id),  # a pair within it stands once
        )
        .order_by(PhotoMatch.id)
    )  # fmt: skip
    return [
        MatchView(
            match.code, match.is_exact, m.code, m.claimed_at, m.uploaded_at, o.code, title, host, o.claimed_at,
            o.uploaded_at, match.state,
        )
        for match, m, o, title, host in rows
    ]  # fmt: skip


def takedowns_of_many(session: Session, paths: Sequence[str] | None) -> list[tuple[str, str, int]]:
    """(activity code, title, photos) where somebody asked and the organizer has not decided; the longest waiting first.

    `paths` are the units' own; None is the whole district.
    """
    own = (Unit.path.startswith(path, autoescape=True) for path in paths or ())
    rows = session.execute(
        select(Activity.code, Activity.title, func.count())
        .join(EvidenceItem, EvidenceItem.activity_id == Activity.id)
        .join(Takedown, Takedown.item_id == EvidenceItem.id)
        .join(Unit, Unit.id == Activity.host_unit_id)
        .where(Takedown.state == TakedownState.OPEN.value, true() if paths is None else or_(false(), *own))
        .group_by(Activity.id, Activity.code, Activity.title)
        .order_by(func.min(Takedown.id))
    )
    return [(code, title, count) for code, title, count in rows]


def get_item(session: Session, code: str) -> EvidenceItem:
    """An item by its code. Raises NotFound."""
    item = session.scalar(select(EvidenceItem).where(EvidenceItem.code == code))
    if item is None:
        raise NotFound("没有找到这份材料。")
    return item


def get_match(session: Session, code: str, activity_id: int) -> PhotoMatch:
    """A pair of which one picture is of this activity. Raises NotFound for an absent and a foreign one alike."""
    own = select(EvidenceItem.id).where(EvidenceItem.activity_id == activity_id)
    match = session.scalar(
        select(PhotoMatch).where(
            PhotoMatch.code == code, or_(PhotoMatch.item_id.in_(own), PhotoMatch.other_id.in_(own))
        )
    )
    if match is None:
        raise NotFound("没有找到这组照片。")
    return match


def shares_match(session: Session, item_id: int, activity_id: int) -> bool:
    """Whether the item is the other half of an open pair of this activity: its owner may look at both."""
    own = select(EvidenceItem.id).where(EvidenceItem.activity_id == activity_id)
    return (
        session.scalar(
            select(PhotoMatch.id)
            .where(
                or_(
                    (PhotoMatch.item_id == item_id) & PhotoMatch.other_id.in_(own),
                    (PhotoMatch.other_id == item_id) & PhotoMatch.item_id.in_(own),
                )
            )
            .limit(1)
        )
        is not None
    )
