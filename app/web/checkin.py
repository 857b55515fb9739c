"""The participant's sign-in: what the venue's code opens, and the one button that counts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask import Blueprint, make_response, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivitySession
from app.checkin import codes
from app.checkin.models import Method, Outcome
from app.checkin.queries import find_session, first_check_in
from app.checkin.rules import WALK_IN_MOST
from app.checkin.service import Arrival, Result, check_in
from app.extensions import db
from app.kernel.attempts import attempt_key, check_attempts, note_attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import NotFound
from app.kernel.text import ascii_digits, normalise_code, one_line
from app.kernel.tokens import same
from app.organisation.permissions import Action
from app.registration.models import Registration
from app.registration.queries import find_by_phone_tail, find_by_secret, find_by_ticket_code, name_of
from app.web.access import current_actor, keys, load_activity, public, requires
from app.web.mine import browser_token, own_secret
from app.web.rendering import clock_text, render

bp = Blueprint("checkin", __name__)

WINDOW = timedelta(minutes=15)
FREE_TRIES = 8


@dataclass(frozen=True, slots=True)
class Door:
    """A session, and by which code this browser came to it; `method` None when no code holds."""

    session: ActivitySession
    activity: Activity
    method: Method | None


def _load(code: str) -> ActivitySession:
    found = find_session(db.session(), code)
    if found is None or found.activity.state in ("draft", "withdrawn"):
        raise NotFound("没有找到这一场。请重新扫大屏上的码，或到签到台。")
    return found


def _door(code: str, moment: datetime) -> Door:
    session = _load(code)
    activity = session.activity
    method: Method | None = None
    if codes.live_key_holds(keys(), code, request.args.get("k", ""), moment):
        method = Method.LIVE_CODE
    elif activity.printed_code_on and same(
        codes.printed_key(keys(), code, activity.printed_code_version), request.args.get("p", "")
    ):
        method = Method.PRINTED_CODE
    return Door(session, activity, method)


def _own(activity: Activity) -> Registration | None:
    secret = own_secret(activity.code)
    found = find_by_secret(db.session(), secret) if secret else None
    return found if found is not None and found.activity_id == activity.id else None


@bp.get("/s/<code>")
@public
def arrive(code: str) -> Response:
    """Behind the venue's QR. Opening it counts nothing; a button does."""
    moment = now()
    door = _door(code, moment)
    return _arrive_page(door, moment)


def _arrive_page(
    door: Door, moment: datetime, *, error: str = "", status: int = 200, typed: dict[str, str] | None = None
) -> Response:
    mine = _own(door.activity)
    earlier = first_check_in(db.session(), door.session.id, mine.id) if mine else None
    grant = (
        codes.make_grant(
            keys(), session_code=door.session.code, method=door.method.value, browser=browser_token(), now=moment
        )
        if door.method
        else ""
    )
    return render(
        "checkin/arrive.html", status=status, session=door.session, activity=door.activity, grant=grant, mine=mine,
        name=name_of(db.session(), mine.id) if mine else "", earlier=earlier, error=error, typed=typed or {},
        most=WALK_IN_MOST, stale=bool(request.args.get("k") or request.args.get("p")),
    )  # fmt: skip


@bp.post("/s/<code>")
@public
def sign(code: str) -> Response:
    """The button. A grant is good for 120 s, once, in this browser; what was typed is never lost."""
    moment = now()
    session = _load(code)
    form = request.form
    typed = {name: form.get(name, "")[:40] for name in ("people", "name", "tail")}
    grant = codes.read_grant(keys(), form.get("grant", ""), browser=browser_token())
    if grant is None or grant.session_code != code:
        return _arrive_page(
            Door(session, session.activity, None), moment, status=422, typed=typed,
            error=_("这一页不能再用来签到，没有签上。请重新扫大屏上的码。"),
        )  # fmt: skip
    if grant.expires_at <= moment:
        return _arrive_page(
            Door(session, session.activity, None), moment, status=422, typed=typed,
            error=_("这一页放了太久，没有签上。请重新扫大屏上的码，填过的内容都在。"),
        )  # fmt: skip
    arrival, error = _arrival(session, grant, moment)
    if arrival is None:
        return _arrive_page(
            Door(session, session.activity, Method(grant.method)), moment, status=422, typed=typed, error=error
        )
    with transaction(db.session) as tx:
        result = check_in(tx, arrival, now=moment)
    return _result_page(session, result, moment)


def _arrival(session: ActivitySession, grant: codes.Grant, moment: datetime) -> tuple[Arrival | None, str]:
    """What the form asks for: the own ticket, a phone tail or code, or a walk-in."""
    way = request.form.get("way", "")
    method, uid = Method(grant.method), grant.uid
    if way == "mine":
        mine = _own(session.activity)
        if mine is None:
            return None, _("这台手机上没有本场的报名。请用手机尾号，或按现场登记。")
        return Arrival(uid, session.id, method, mine.id), ""
    if way == "registered":
        return _registered(session, method, uid, moment)
    people = ascii_digits(request.form.get("people", "1")).strip() or "1"
    if not people.isascii() or not people.isdigit() or not 1 <= int(people[:6]) <= WALK_IN_MOST:
        return None, _("人数请填1到%(n)s；人更多请到签到台。", n=WALK_IN_MOST)
    name = one_line(request.form.get("name", ""))[:20]
    if not session.activity.takes_walk_in:
        return None, _("这场活动要先报名，请到签到台。")
    return Arrival(uid, session.id, method, adults=int(people), name=name, is_walk_in=True), ""


def _registered(session: ActivitySession, method: Method, uid: str, moment: datetime) -> tuple[Arrival | None, str]:
    activity = session.activity
    typed = normalise_code(request.form.get("tail", ""))
    key = attempt_key(activity.code, browser_token(), request.remote_addr or "")
    check_attempts(db.session(), "ticket", key, now=moment, free=FREE_TRIES, window=WINDOW)
    found = find_by_ticket_code(db.session(), activity.id, activity.code, typed, keys=keys())
    if found is not None:
        return Arrival(uid, session.id, method, found.id), ""
    by_tail = find_by_phone_tail(db.session(), activity.id, activity.code, typed, keys=keys())
    if len(by_tail) == 1:
        return Arrival(uid, session.id, method, by_tail[0].id), ""
    if len(by_tail) > 1:
        return None, _("这个尾号不止一个报名，请填8位报名短码，或到签到台。")
    with transaction(db.session) as tx:
        note_attempt(tx, "ticket", key, now=moment)
    return None, _("没有找到这个报名。请核对手机尾号或8位短码，或按现场登记签到。")


def _result_page(session: ActivitySession, result: Result, moment: datetime) -> Response:
    again = result.outcome == Outcome.DUPLICATE.value or (result.first_at is not None and result.first_at != moment)
    status = 200 if result.is_in else 422
    return render(
        "checkin/result.html", status=status, session=session, activity=session.activity, result=result,
        again=again and result.is_in, secret=own_secret(session.activity.code),
        name=name_of(db.session(), result.registration_id) if result.registration_id else "",
    )  # fmt: skip


@bp.route("/s", methods=["GET", "POST"])
@public
def by_digits() -> Response:
    """For those without a camera: the six digits beside the venue's code."""
    moment = now()
    if request.method == "GET":
        return render("checkin/digits.html", error="")
    digits = normalise_code(request.form.get("digits", ""))
    key = attempt_key(browser_token(), request.remote_addr or "")
    check_attempts(db.session(), "venue", key, now=moment, free=FREE_TRIES, window=WINDOW)
    session = _session_of_digits(digits, moment) if len(digits) == 6 and digits.isdigit() else None
    if session is None:
        with transaction(db.session) as tx:
            note_attempt(tx, "venue", key, now=moment)
        return render(
            "checkin/digits.html", status=422, error=_("短码不对，或者刚换过。请看大屏上现在的6位数字，再填一次。")
        )
    step = codes.step_of(moment)
    return redirect(url_for("checkin.arrive", code=session.code, k=codes.live_key(keys(), session.code, step)), 303)


def _session_of_digits(digits: str, moment: datetime) -> ActivitySession | None:
    """Among the sessions of now; a day has few, and a wrong guess is counted."""
    for session in db.session.query(ActivitySession).filter(
        ActivitySession.starts_at <= moment + timedelta(hours=6), ActivitySession.ends_at > moment - timedelta(hours=6)
    ):
        if codes.venue_digits_hold(keys(), session.code, digits, moment):
            return session
    return None


@bp.post("/activities/<code>/console/<session_code>/ticket")
@requires(Action.CHECK_IN)
def staff_ticket(code: str, session_code: str) -> Response:
    """A member of staff scanned a ticket: the ticket's address shows this button."""
    moment = now()
    activity = load_activity(code, Action.CHECK_IN)
    session = _load(session_code)
    registration = find_by_secret(db.session(), request.form.get("secret", ""))
    if session.activity_id != activity.id or registration is None:
        raise NotFound("没有找到这个报名码。")
    uid = request.form.get("uid", "")[:40]
    if len(uid) < 16:
        raise NotFound("这一页不完整，请重新扫码。")
    with transaction(db.session) as tx:
        result = check_in(
            tx, Arrival(uid, session.id, Method.TICKET_SCAN, registration.id, actor_id=current_actor().user_id),
            now=moment,
        )  # fmt: skip
    verdict = "good" if result.outcome == Outcome.ACCEPTED.value else "warn" if result.is_in else "bad"
    words = result.message
    if result.is_in and verdict == "warn" and result.first_at:
        words = _("已于%(t)s签到", t=clock_text(result.first_at))
    return make_response(
        render(
            "checkin/verdict.html", status=200 if result.is_in else 422, verdict=verdict, words=words, result=result,
            activity=activity, session=session, name=name_of(db.session(), registration.id),
        )
    )  # fmt: skip
