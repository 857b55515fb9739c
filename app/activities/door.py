"""The little that a form needs which is sent to a public activity; a rush asks it for every phone."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivityState
from app.kernel.errors import NotFound

PUBLIC = (ActivityState.PUBLISHED.value, ActivityState.CANCELLED.value, ActivityState.CLOSED.value)
_DOOR = select(Activity.id, Activity.sends_mail).where(Activity.code == bindparam("code"), Activity.state.in_(PUBLIC))
ABSENT = "没有找到这场活动。链接可能不完整，或者主办单位撤回了它。"


@dataclass(frozen=True, slots=True)
class Door:
    """As little of a public activity as a form needs that is sent to it."""

    id: int
    sends_mail: bool


def get_door(session: Session, code: str) -> Door:
    """Raises NotFound as `get_public_activity`."""
    row = session.execute(_DOOR, {"code": code}).first()
    if row is None:
        raise NotFound(ABSENT)
    return Door(row.id, row.sends_mail)
