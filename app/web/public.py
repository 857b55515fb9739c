"""What anybody may read: an activity's page, its calendar file, and the pages about data and access."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request, url_for

from app.activities.kinds import KINDS
from app.activities.models import Activity, ActivityState
from app.activities.queries import get_public_activity, list_changes, titles_of, units_of
from app.exports.calendar import CalendarEvent, calendar_file, event_uid
from app.extensions import db
from app.kernel.clock import now
from app.privacy.retention import load_retention
from app.web import mine
from app.web.access import current_actor, public, settings
from app.web.activities.blueprint import sign_in_window
from app.web.activities.share import times_lines
from app.web.kept import kept_page
from app.web.rendering import render

bp = Blueprint("public", __name__)


def cached(response: Response) -> Response:
    """Let browsers keep it and ask whether it changed: most visits then cost no body."""
    response.headers["Cache-Control"] = "no-cache"
    response.add_etag()
    response.make_conditional(request)
    return response


def shown_to_the_public(activity: Activity, at: datetime) -> str:
    """The state in a participant's words: open, checking_in, ended, cancelled."""
    if activity.state == ActivityState.CANCELLED.value:
        return "cancelled"
    span = sign_in_window(activity)
    if activity.state == ActivityState.CLOSED.value or (activity.ends_at is not None and activity.ends_at <= at):
        return "ended" if span is None or at >= span[1] else "checking_in"
    if span is not None and span[0] <= at:
        return "checking_in"
    return "open" if activity.takes_registration else "published"


@bp.get("/a/<code>")
@public
def activity(code: str) -> Response:
    """What, when, where, by whom; and the way to take part."""
    mine.browser_token()  # by the answer, whether or not the page is made for it
    if request.args or mine.own_tickets(code):
        return render("public/activity.html", **_activity(code))
    return kept_page("public/activity.html", lambda: _activity(code))


def _activity(code: str) -> dict[str, Any]:
    session, moment = db.session(), now()
    found = get_public_activity(session, code)
    shown = shown_to_the_public(found, moment)
    return {
        "activity": found,
        "kind": KINDS[found.kind],
        "shown": shown,
        "units": units_of(session, found),
        "lines": times_lines(found),
        "changes": list_changes(session, found.id) if shown != "ended" else [],
        "staff_url": url_for("activities.detail", code=code) if current_actor().is_user else "",
    }


def event_of(found: Activity) -> list[CalendarEvent]:
    """One entry for each session."""
    return [
        CalendarEvent(
            uid=event_uid(s.code), title=found.title if not s.label else f"{found.title}（{s.label}）",
            starts_at=s.starts_at, ends_at=s.ends_at, place=found.venue, note=found.summary,
            url=f"{settings().base_url}/a/{found.code}", revision=found.version,
            is_cancelled=found.state == ActivityState.CANCELLED.value,
        )
        for s in found.sessions
    ]  # fmt: skip


def calendar_response(events: list[CalendarEvent], *, name: str, made_at: datetime, file_name: str) -> Response:
    """A calendar file; `made_at` stands in it, so it has to be a time that stays for the ETag to mean something."""
    response = Response(calendar_file(events, name=name, made_at=made_at), mimetype="text/calendar")
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return cached(response)


@bp.get("/a/<code>.ics")
@public
def activity_calendar(code: str) -> Response:
    """The activity for a phone's calendar; a cancelled one says so there."""
    found = get_public_activity(db.session(), code)
    return calendar_response(
        event_of(found), name=found.title, made_at=found.published_at or found.created_at, file_name=f"{code}.ics"
    )


@bp.get("/privacy")
@public
def privacy() -> Response:
    """What is asked, why, for how long; and the statement on accessibility."""
    return cached(render("public/privacy.html"))


@bp.get("/privacy/data")
@public
def data_kept() -> Response:
    """Every sort of personal value with its period: the same table that the purge runs."""
    return cached(render("public/data_kept.html", groups=load_retention().groups()))


@bp.get("/schools")
@public
def schools() -> Response:
    """One sheet for schools: registering, the day, changing, and what is never asked."""
    return cached(render("public/schools.html"))


@bp.get("/accessibility")
@public
def accessibility() -> Response:
    """The statement alone, for who looks for it by name."""
    return cached(render("public/accessibility.html"))


@bp.get("/my-data")
@public
def my_data() -> Response:
    """This browser's registrations, and how to get at one's data without them."""
    tickets = mine.all_tickets()
    titles = titles_of(db.session(), [code for code, _secret in tickets]) if tickets else {}
    return render("public/my_data.html", tickets=[(titles[code], secret) for code, secret in tickets if code in titles])
