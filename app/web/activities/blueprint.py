"""The blueprint that the screens of this folder share, and what several of them ask."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import Blueprint, current_app, url_for
from sqlalchemy import select

from app.activities.models import Activity
from app.activities.queries import is_co_hosted
from app.activities.rules import window
from app.extensions import db
from app.kernel.errors import NotFound
from app.organisation.models import Unit
from app.organisation.permissions import Action, may_at, reach
from app.web.access import current_actor
from app.web.rendering import staff_page

bp = Blueprint("activities", __name__)


@bp.before_request
def _mark() -> None:
    staff_page()


def link(endpoint: str, **values: object) -> str:
    """The address, or nothing where this installation has no such screen."""
    return url_for(endpoint, **values) if endpoint in current_app.view_functions else ""  # type: ignore[arg-type]


def load_readable(code: str) -> tuple[Activity, str]:
    """The activity and its host's path, for who may read it at its host or at a co-hosting unit.

    Raises NotFound for an absent and a foreign one alike.
    """
    row = db.session.execute(
        select(Activity, Unit.path).join(Unit, Unit.id == Activity.host_unit_id).where(Activity.code == code)
    ).first()
    actor = current_actor()
    if row is not None:
        activity: Activity = row.Activity
        paths = reach(actor, Action.ACTIVITY_READ)
        if may_at(actor, Action.ACTIVITY_READ, row.path) or (paths and is_co_hosted(db.session(), activity.id, paths)):
            return activity, row.path
    raise NotFound("没有找到这场活动，或者它不归您的单位管。")


def sign_in_window(activity: Activity) -> tuple[datetime, datetime] | None:
    """From the first opening to the last closing of sign-in, or None without sessions."""
    spans = [
        window(
            starts_at=s.starts_at, ends_at=s.ends_at, opens_before_min=activity.opens_before_min,
            closes_after_min=activity.closes_after_min, opened_at=s.opened_at, closes_at=s.closes_at,
        )
        for s in activity.sessions
    ]  # fmt: skip
    return (min(s[0] for s in spans), max(s[1] for s in spans)) if spans else None


SOON = timedelta(hours=12)  # from here on, the console is what an organizer wants
