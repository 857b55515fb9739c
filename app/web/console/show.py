"""The console's page, and the fragments that htmx polls of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import request
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivitySession
from app.checkin import codes
from app.checkin.arrivals import recent_arrivals
from app.checkin.doors import window_of
from app.checkin.held import gate_of
from app.checkin.parties import Reported
from app.checkin.queries import (
    Totals,
    list_missing,
    per_minute,
    session_totals,
    turnout_of,
)
from app.checkin.rules import METHOD_LABELS, WALK_IN_MOST, stopped_by
from app.extensions import db
from app.kernel.clock import now
from app.kernel.tokens import random_secret
from app.organisation.permissions import Action
from app.web.access import keys, load_activity, requires
from app.web.console.blueprint import bp, current_row
from app.web.rendering import render
from app.web.screen import why_no_screen
from app.web.venue import live_code

FRAGMENTS = {"live": "console/_live.html", "list": "console/_list.html", "code": "console/_code.html"}
LIST_SHORT, LIST_LONG = 8, 200
MINUTES = 17
DESK_TONES = ("desk-good", "desk-warn", "desk-bad")  # categories of what is said at the desk, where the eyes are


@dataclass
class Found:
    """A registration that the desk looked up, before it is confirmed. `name` is a form of address or masked."""

    code: str
    name: str
    people: int
    most: int
    state: str
    method: str
    first_at: datetime | None
    other_session: str  # the session it stands for, where that is another one
    reported: Reported | None = None  # of a party, how many are here: more of them may come
    walked_in: Reported | None = None  # walk-ins from the phone that registered: these people, or others?


@dataclass
class Desk:
    """What the desk's forms show again after a refusal."""

    typed: str = ""
    error: str = ""
    wrong: str = ""  # find, people or count
    found: Found | None = None
    values: dict[str, str] = field(default_factory=dict)


@bp.get("")
@requires(Action.CHECK_IN)
def show(code: str) -> Response:
    """Count, desk, live code, list. `?part=` is one of the fragments; it works by reloading without scripts."""
    activity = load_activity(code, Action.CHECK_IN)
    moment = now()
    row = current_row(activity, moment)
    part = request.args.get("part", "")
    if part in FRAGMENTS and request.headers.get("HX-Request") == "true":
        return render(FRAGMENTS[part], activity=activity, row=row, now=moment, **_part(part, activity, row, moment))
    return console_page(activity, row, Desk(), moment)


def console_page(activity: Activity, row: ActivitySession, desk: Desk, moment: datetime, status: int = 200) -> Response:
    """The whole page with what the desk has typed."""
    opens, closes = window_of(activity, row)
    where = _where(activity, row)
    context: dict[str, Any] = {}
    for part in FRAGMENTS:
        context |= _part(part, activity, row, moment)
    return render(
        "console/show.html", status=status, activity=activity, row=row, now=moment, desk=desk, opens=opens,
        closes=closes, uid=random_secret(), most=WALK_IN_MOST, desk_tones=DESK_TONES,
        missing=list_missing(db.session(), **where) if "missing" in request.args else None,
        screen_code=codes.screen_code(keys(), row.code, moment), screen_word=why_no_screen(opens, closes, moment), **context,
    )  # fmt: skip


def _where(activity: Activity, row: ActivitySession) -> dict[str, Any]:
    return {"activity_id": activity.id, "attendance": activity.attendance, "session_id": row.id}


def _part(part: str, activity: Activity, row: ActivitySession, moment: datetime) -> dict[str, Any]:
    session = db.session()
    opens, closes = window_of(activity, row)
    stop = stopped_by(activity.state, activity.review_state)
    doors = {"stop": stop, "is_open": not stop and opens <= moment < closes, "is_over": moment >= closes}
    if part == "code":
        live = None if stop or doors["is_over"] else live_code(row.code, codes.step_of(moment))
        return doors | {"live": live}
    if part == "list":
        is_long = "all" in request.args
        rows = recent_arrivals(session, row.id, limit=LIST_LONG if is_long else LIST_SHORT)
        return doors | {"recent": rows, "is_long": is_long, "is_cut": len(rows) == LIST_LONG, "methods": METHOD_LABELS}
    return doors | {
        "gate": gate_of(session, activity.id, now=moment),
        "totals": session_totals(session, [row.id]).get(row.id, Totals()),
        "turnout": turnout_of(session, **_where(activity, row)),
        "minutes": per_minute(session, row.id, now=moment, minutes=MINUTES),
        "since": moment - timedelta(minutes=MINUTES - 1),
    }
