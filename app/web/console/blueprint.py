"""The blueprint of the console, and how its pages load a session of an activity that one may run."""

from __future__ import annotations

from datetime import datetime

from flask import Blueprint, redirect, request, url_for
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivitySession
from app.checkin.doors import window_of
from app.kernel.errors import NotFound
from app.organisation.permissions import Action
from app.web.access import load_activity
from app.web.rendering import staff_page

bp = Blueprint("console", __name__, url_prefix="/activities/<code>/console")


@bp.before_request
def _mark() -> None:
    staff_page()


def load_row(code: str, session_code: str) -> tuple[Activity, ActivitySession]:
    """The activity and one of its sessions. Raises NotFound, also for another activity's session."""
    activity = load_activity(code, Action.CHECK_IN)
    row = next((s for s in activity.sessions if s.code == session_code), None)
    if row is None:
        raise NotFound("没有找到这一场。")
    return activity, row


def current_row(activity: Activity, moment: datetime) -> ActivitySession:
    """The asked session, else the first whose sign-in is not over, else the last. Raises NotFound without any."""
    rows = list(activity.sessions)
    if not rows:
        raise NotFound("这场活动还没有时间，先在“修改活动”里填好。")
    asked = next((s for s in rows if s.code == request.args.get("session", "")), None)
    return asked or next((s for s in rows if window_of(activity, s)[1] > moment), rows[-1])


def console_url(code: str, session_code: str) -> str:
    """The console of that session."""
    return url_for("console.show", code=code, session=session_code)


def back(code: str, session_code: str) -> Response:
    """To the console of that session."""
    return redirect(console_url(code, session_code), 303)
