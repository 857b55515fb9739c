"""Opening and closing the doors by hand: the window of a session, the printed code, the venue screen."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession
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


def set_window(session: Session, row: ActivitySession, *, verb: str, actor: Actor, now: datetime) -> datetime:
    """`open` now, `close` now, or `extend` by 30 minutes; returns when it closes now.

    Opening what is over opens it for 30 minutes. Raises Conflict once sealed.
    """
    activity = session.get_one(Activity, row.activity_id)
    check_open(activity)
    before = [moment.isoformat(timespec="minutes") for moment in window_of(activity, row)]
    opens, closes = window_of(activity, row)
    if verb == "open":
        row.opened_at = min(now, opens)
        row.closes_at = row.closes_at if closes > now else now + EXTEND
    elif verb == "close":
        row.closes_at = now
    else:
        row.closes_at = max(now, closes) + EXTEND
    after = window_of(activity, row)
    record(
        session, "checkin.window_changed", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"before": before, "after": [moment.isoformat(timespec="minutes") for moment in after]},
    )  # fmt: skip
    session.flush()
    return after[1]


def turn_on_printed_code(session: Session, activity: Activity, *, actor: Actor, now: datetime) -> None:
    """A code on paper: off by default, since it can be photographed and sent on; grade 张贴码."""
    check_open(activity)
    if activity.printed_code_on:
        return
    activity.printed_code_on = True
    record(
        session, "printed_code.turned_on", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"version": activity.printed_code_version},
    )  # fmt: skip
    session.flush()


def revoke_printed_code(session: Session, activity: Activity, *, actor: Actor, now: datetime) -> None:
    """Every sheet printed so far is void from now on; turning it on again needs new sheets."""
    if not activity.printed_code_on:
        raise Conflict("printed_code_off", "张贴码没有启用，没有可作废的。")
    record(
        session, "printed_code.revoked", actor=actor, object_type="activity", object_code=activity.code, now=now,
        payload={"version": activity.printed_code_version},
    )  # fmt: skip
    activity.printed_code_on = False
    activity.printed_code_version += 1
    session.flush()


def note_screen(session: Session, row: ActivitySession, *, actor: Actor = ANONYMOUS, now: datetime) -> None:
    """A venue screen was opened: it shows codes, so the log says when."""
    record(
        session, "screen.opened", actor=actor, object_type="activity", object_code=row.activity.code, now=now,
        payload={"session": row.code},
    )  # fmt: skip
