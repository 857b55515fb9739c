"""The organizer's console on the day, and the venue screen that any TV opens by a code."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from flask import Blueprint, flash, jsonify, make_response, redirect, request, session, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivitySession
from app.activities.rules import window
from app.checkin import codes, service
from app.checkin.models import Method
from app.checkin.queries import (
    Totals,
    count_expected,
    find_session,
    list_missing,
    per_minute,
    recent_arrivals,
    session_totals,
)
from app.checkin.rules import METHOD_LABELS, WALK_IN_MOST
from app.extensions import db
from app.kernel.attempts import attempt_key, check_attempts, note_attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import NotFound
from app.kernel.text import ascii_digits, normalise_code
from app.kernel.tokens import random_secret
from app.organisation.permissions import Action, may
from app.registration.queries import find_by_phone_tail, find_by_secret, find_by_ticket_code
from app.web.access import current_actor, keys, load_activity, public, requires, settings
from app.web.qr import qr_matrix
from app.web.rendering import clock_text, render, staff_page

bp = Blueprint("console", __name__)


def live_address(session_code: str, step: int) -> str:
    """The address in the venue's QR; it holds until the end of the next step."""
    key = codes.live_key(keys(), session_code, step)
    return f"{settings().base_url}{url_for('checkin.arrive', code=session_code, k=key)}"


def _sessions(activity: Activity) -> tuple[list[ActivitySession], ActivitySession]:
    wanted = request.args.get("session", "")
    rows = list(activity.sessions)
    if not rows:
        raise NotFound("这场活动还没有时间，先在“修改活动”里填好。")
    moment = now()
    current = next((s for s in rows if s.code == wanted), None)
    return rows, current or next((s for s in rows if s.ends_at + timedelta(minutes=30) > moment), rows[-1])


def _window(activity: Activity, row: ActivitySession) -> tuple[datetime, datetime]:
    return window(
        starts_at=row.starts_at, ends_at=row.ends_at, opens_before_min=activity.opens_before_min,
        closes_after_min=activity.closes_after_min, opened_at=row.opened_at, closes_at=row.closes_at,
    )  # fmt: skip


@bp.get("/activities/<code>/console")
@requires(Action.CHECK_IN)
def show(code: str) -> Response:
    """Count, desk, live code, list; `_live.html` is what htmx polls."""
    staff_page()
    activity = load_activity(code, Action.CHECK_IN)
    rows, row = _sessions(activity)
    moment = now()
    opens, closes = _window(activity, row)
    step = codes.step_of(moment)
    return render(
        "console/show.html", "console/_live.html", activity=activity, sessions=rows, row=row, now=moment,
        totals=session_totals(db.session(), [row.id]).get(row.id, Totals()), opens=opens, closes=closes,
        is_open=opens <= moment < closes, expected=count_expected(db.session(), activity, row),
        minutes=per_minute(db.session(), row.id, now=moment), recent=recent_arrivals(db.session(), row.id),
        missing=list_missing(db.session(), activity, row) if request.args.get("missing") else None,
        methods=METHOD_LABELS, most=WALK_IN_MOST, uid=random_secret(), reasons=service.UNDO_REASONS,
        matrix=qr_matrix(live_address(row.code, step)), digits=codes.venue_digits(keys(), row.code, step),
        seconds=codes.STEP_SECONDS - int(moment.timestamp()) % codes.STEP_SECONDS,
        screen_code=codes.screen_code(keys(), row.code, moment),
    )  # fmt: skip


def _back(code: str, row: ActivitySession) -> Response:
    return redirect(url_for("console.show", code=code, session=row.code), 303)


def _load_row(activity: Activity, session_code: str) -> ActivitySession:
    row = find_session(db.session(), session_code)
    if row is None or row.activity_id != activity.id:
        raise NotFound("没有找到这一场。")
    return row


def _number(name: str) -> int:
    text = ascii_digits(request.form.get(name, "")).strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) < 7 else 0


@bp.post("/activities/<code>/console/<session_code>/<any(walk_in, desk, count, open, close, extend):verb>")
@requires(Action.CHECK_IN)
def act(code: str, session_code: str, verb: str) -> Response:
    """Everything the desk does; every arrival goes through check_in()."""
    moment = now()
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.CHECK_IN)
        row = _load_row(activity, session_code)
        if verb in ("open", "close", "extend"):
            until = max(moment, _window(activity, row)[1]) + timedelta(minutes=30)
            service.set_window(tx, row, verb=verb, actor=current_actor(), now=moment, until=until)
            words, tone = {"open": "签到已打开。", "close": "签到已关闭。", "extend": "签到延长30分钟。"}[verb], "good"
        elif verb == "count":
            result = service.enter_count(
                tx, row, adults=_number("adults"), children=_number("children"), method=Method.PAPER,
                actor=current_actor(), now=moment, uid=request.form.get("uid", "")[:40],
            )  # fmt: skip
            words, tone = _("已补录%(n)s人。", n=result.headcount), "good"
        else:
            words, tone = _desk(tx, activity, row, verb, moment)
    flash(words, tone)
    return _back(code, row)


def _desk(tx: Any, activity: Activity, row: ActivitySession, verb: str, moment: datetime) -> tuple[str, str]:
    uid = request.form.get("uid", "")[:40] or random_secret()
    actor_id = current_actor().user_id
    if verb == "walk_in":
        people = _number("people")
        if not 1 <= people <= WALK_IN_MOST:
            return _("人数请填1到%(n)s，没有登记。人更多请分几次，或用补录。", n=WALK_IN_MOST), "bad"
        arrival = service.Arrival(uid, row.id, Method.DESK_WALK_IN, adults=people, actor_id=actor_id, is_walk_in=True)
    else:
        typed = normalise_code(request.form.get("typed", ""))
        found = find_by_ticket_code(tx, activity.id, activity.code, typed, keys=keys())
        method = Method.TICKET_CODE
        if found is None:
            by_tail = find_by_phone_tail(tx, activity.id, activity.code, typed, keys=keys())
            if len(by_tail) > 1:
                return _("这个尾号不止一个报名，请报8位短码。"), "warn"
            found, method = (by_tail[0] if by_tail else None), Method.PHONE_TAIL
        if found is None:
            return _("没有找到。请核对短码或手机尾号；没报名的，直接加人。"), "bad"
        arrival = service.Arrival(uid, row.id, method, found.id, actor_id=actor_id)
    result = service.check_in(tx, arrival, now=moment)
    if result.outcome == "accepted":
        return _("签到成功，%(n)s人。", n=result.headcount), "good"
    if result.is_in and result.first_at:
        return _("已于%(t)s签到，没有重复计数。", t=clock_text(result.first_at)), "warn"
    return result.message, "bad"


@bp.post("/activities/<code>/console/<session_code>/undo")
@requires(Action.CHECK_IN)
def undo(code: str, session_code: str) -> Response:
    """Take one arrival back, with a reason."""
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.CHECK_IN)
        row = _load_row(activity, session_code)
        service.undo_check_in(
            tx, request.form.get("event", "")[:40], activity=activity, reason=request.form.get("reason", "other"),
            note="", actor=current_actor(), now=now(),
        )  # fmt: skip
    flash(_("已撤销，人数已减。"), "good")
    return _back(code, row)


@bp.route("/screen", methods=["GET", "POST"])
@public
def screen() -> Response:
    """Any TV: the console's six digits open it; no password is typed on a classroom screen."""
    moment = now()
    if request.method == "POST":
        digits = normalise_code(request.form.get("digits", ""))
        key = attempt_key("screen", request.remote_addr or "")
        check_attempts(db.session(), "screen", key, now=moment, free=10, window=timedelta(minutes=15))
        row = _row_of_screen_code(digits, moment) if len(digits) == 6 else None
        if row is None:
            with transaction(db.session) as tx:
                note_attempt(tx, "screen", key, now=moment)
            return render("screen/open.html", status=422, error=_("短码不对或已过期。请看控制台上现在的6位数字。"))
        session["screen"] = [row.code, int((_window(row.activity, row)[1] + timedelta(hours=1)).timestamp())]
        return redirect(url_for("console.screen"), 303)
    row = _granted_row(moment)
    if row is None:
        return render("screen/open.html", error="")
    step = codes.step_of(moment)
    return render(
        "screen/show.html", row=row, activity=row.activity, matrix=qr_matrix(live_address(row.code, step)),
        digits=codes.venue_digits(keys(), row.code, step), gone=int(moment.timestamp()) % codes.STEP_SECONDS,
        totals=session_totals(db.session(), [row.id]).get(row.id, Totals()),
        expected=count_expected(db.session(), row.activity, row),
    )  # fmt: skip


def _row_of_screen_code(digits: str, moment: datetime) -> ActivitySession | None:
    near = db.session.query(ActivitySession).filter(
        ActivitySession.starts_at <= moment + timedelta(hours=24),
        ActivitySession.ends_at > moment - timedelta(hours=12),
    )
    return next((row for row in near if codes.screen_code_holds(keys(), row.code, digits, moment)), None)


def _granted_row(moment: datetime) -> ActivitySession | None:
    granted = session.get("screen")
    if not granted or granted[1] < moment.timestamp():
        return None
    return find_session(db.session(), granted[0])


@bp.get("/screen/steps.json")
@public
def steps() -> Response:
    """This step and four ahead, with their QR rows, so that a lost minute does not blank the screen."""
    moment = now()
    row = _granted_row(moment)
    if row is None:
        raise NotFound("这块大屏要重新打开。")
    first = codes.step_of(moment)
    totals = session_totals(db.session(), [row.id]).get(row.id, Totals())
    body = {
        "now": int(moment.timestamp() * 1000),
        "seconds": codes.STEP_SECONDS,
        "count": totals.total,
        "steps": [
            {
                "step": step,
                "digits": codes.venue_digits(keys(), row.code, step),
                "rows": [
                    "".join("1" if dark else "0" for dark in line) for line in qr_matrix(live_address(row.code, step))
                ],
            }
            for step in range(first, first + codes.AHEAD + 1)
        ],
    }
    return make_response(jsonify(body))


@bp.app_context_processor
def _offer_staff_desk() -> dict[str, Any]:
    return {"staff_desk_of": staff_desk}


def staff_desk(activity: Activity, secret: str) -> dict[str, Any] | None:
    """What the ticket's page shows to a signed-in member of staff of the host."""
    if not may(current_actor(), Action.CHECK_IN) or find_by_secret(db.session(), secret) is None:
        return None
    return {"code": activity.code, "secret": secret, "uid": random_secret(), "sessions": list(activity.sessions)}
