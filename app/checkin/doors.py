"""Opening and closing the doors by hand: the window of a session, the printed code, the venue screen."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession
from app.activities.printed import set_printed_code
from app.activities.rules import window
from app.audit.log import record
from app.checkin.corrections import check_open
from app.kernel.actor import ANONYMOUS, Actor
from app.kernel.errors import Conflict

EXTEND = timedelta(minutes=30)


def window_of(activity: Activity, row: ActivitySession) -> tuple[datetime, datetime]:
    """When sign-in to this session opens and closes."""
    return window(
        starts_at=row.starts_at, ends_at=row.ends_at, opens_before_min=activity.opens_before_min,
        closes_after_min=activity.closes_after_min, opened_at=row.opened_at, closes_at=row.closes_at,
    )  # fmt: skip


def planned_window_of(activity: Activity, row: ActivitySession) -> tuple[datetime, datetime]:
    """When it opens and closes by itself."""
    return window(
        starts_at=row.starts_at, ends_at=row.ends_at, opens_before_min=activity.opens_before_min,
        closes_after_min=activity.closes_after_min,
    )  # fmt: skip


def by_hand(
    verb: str, planned: tuple[datetime, datetime], actual: tuple[datetime, datetime], now: datetime
) -> tuple[datetime | None, datetime | None]:
    """What `open`, `close` or `extend` leaves in the row: opened and closed by hand, None where the plan holds.

    A trial before the planned beginning leaves the plan as it is; a closing by mistake is undone by opening again.
    """
    begins, ends = planned
    opens, closes = actual
    early = opens if opens < begins else None
    late = closes if closes != ends else None
    if verb == "open" and now < begins:
        return min(opens, now), late
    if verb == "open":
        return early, late if now < closes else None if now < ends else now + EXTEND
    if verb == "close" and now < begins:
        return None, late
    if verb == "close":
        return early, min(now, closes) if now < closes else late
    return early, max(now, closes if closes > now else ends) + EXTEND


def set_window(
    session: Session, row: ActivitySession, *, verb: str, actor: Actor, now: datetime
) -> tuple[datetime, datetime]:
    """`open` now, `close` now, or `extend` by 30 minutes, for this occasion; returns when it opens and closes.

    Before the planned beginning, closing only takes an early opening back. Opening what is over opens it for 30
    minutes. Raises Conflict once sealed.
    """
    activity = session.get_one(Activity, row.activity_id)
    check_open(activity)
    before = window_of(activity, row)
    row.opened_at, row.closes_at = by_hand(verb, planned_window_of(activity, row), before, now)
    after = window_of(activity, row)
    if after != before:
        record(
            session, "checkin.window_changed", actor=actor, object_type="activity", object_code=activity.code, now=now,
            payload={"before": _minutes(before), "after": _minutes(after)},
        )  # fmt: skip
    session.flush()
    return after


def _minutes(moments: tuple[datetime, datetime]) -> list[str]:
    return [moment.isoformat(timespec="minutes") for moment in moments]


def turn_on_printed_code(session: Session, activity: Activity, *, actor: Actor, now: datetime) -> None:
    """A code on paper: off by default, since it can be photographed and sent on; grade 张贴码."""
    check_open(activity)
    set_printed_code(session, activity, True, actor=actor, now=now)


def revoke_printed_code(session: Session, activity: Activity, *, actor: Actor, now: datetime) -> None:
    """Every sheet printed so far is void from now on; turning it on again needs new sheets."""
    if not activity.printed_code_on:
        raise Conflict("printed_code_off", "张贴码没有启用，没有可作废的。")
    set_printed_code(session, activity, False, actor=actor, now=now)


def note_screen(session: Session, row: ActivitySession, *, actor: Actor = ANONYMOUS, now: datetime) -> None:
    """A venue screen was opened: it shows codes, so the log says when."""
    record(
        session, "screen.opened", actor=actor, object_type="activity", object_code=row.activity.code, now=now,
        payload={"session": row.code},
    )  # fmt: skip
