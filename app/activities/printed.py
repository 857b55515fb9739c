"""The code on paper: off by default, and a sheet that was voided never comes back to life."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.audit.log import record
from app.kernel.actor import Actor


def set_printed_code(session: Session, activity: Activity, is_on: bool, *, actor: Actor, now: datetime) -> None:
    """Turn it on, or off: then every sheet printed so far is void for good. The same again changes nothing."""
    if activity.printed_code_on == is_on:
        return
    record(
        session, "printed_code.turned_on" if is_on else "printed_code.revoked", actor=actor, object_type="activity",
        object_code=activity.code, now=now, payload={"version": activity.printed_code_version},
    )  # fmt: skip
    activity.printed_code_on = is_on
    if not is_on:
        activity.printed_code_version += 1
    session.flush()
