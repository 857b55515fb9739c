"""The desk: find and confirm, add a walk-in, enter a count, take one back."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import flash, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivitySession
from app.checkin.arrivals import find_arrival
from app.checkin.busy_phones import find_walk_ins_beside
from app.checkin.corrections import undo_check_in
from app.checkin.models import Method, Outcome
from app.checkin.parties import name_of_party, reported_of
from app.checkin.queries import check_ins_of
from app.checkin.rules import METHOD_LABELS, UNDO_REASONS, WALK_IN_MOST, CountAs, most_of, shown_name
from app.checkin.service import COUNT_MOST, Arrival, Result, check_in, enter_count
from app.extensions import db
from app.kernel.attempts import attempt_key, check_attempts, settle_attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.kernel.text import normalise_code, normalise_phone
from app.organisation.permissions import Action
from app.registration.models import Registration, RegistrationKind
from app.registration.queries import find_by_phone_tail, find_by_ticket_code, get_registration, name_of
from app.web.access import current_actor, keys, requires
from app.web.console.blueprint import back, bp, console_url, load_row
from app.web.console.show import Desk, Found, console_page
from app.web.rendering import clock_span, clock_text, render
from app.web.sure import ask_if_sure
from app.web.venue import asked_number, asked_party, asked_uid

FREE_TRIES = 30
WINDOW = timedelta(minutes=10)
LOST_FORM = "这一页不完整，没有签到。请刷新控制台再办。"
# Whoever reads them at the desk is the one whom the participants' words send people to.
_DESK_WORDS = {
    Outcome.TOO_EARLY.value: "签到还没开始，没有签到。要提前签，先按“现在打开”。",
    Outcome.TOO_LATE.value: "签到已经结束，没有签到。要接着签，先按“现在打开”；也可以用下面的补录。",
}


@bp.post("/<session_code>/find")
@requires(Action.CHECK_IN)
def find(code: str, session_code: str) -> Response:
    """Look one up by ticket code or phone tail; nothing counts before it is confirmed."""
    moment, actor = now(), current_actor()
    key = attempt_key(code, actor.user_code)
    check_attempts(db.session(), "desk", key, now=moment, free=FREE_TRIES, window=WINDOW)
    activity, row = load_row(code, session_code)
    typed = request.form.get("typed", "")[:30]
    registration, method, error = _look(activity, typed)
    with transaction(db.session) as tx:
        right = registration is not None
        settle_attempt(tx, "desk", key, right=right, now=moment, free=FREE_TRIES, window=WINDOW)
    if registration is None:
        activity, row = load_row(code, session_code)
        return console_page(activity, row, Desk(typed=typed, error=error, wrong="find"), moment, 422)
    found = _found(activity, row, registration, method)
    return console_page(activity, row, Desk(typed=typed, found=found), moment)


def _look(activity: Activity, typed: str) -> tuple[Registration | None, Method, str]:
    wanted, phone = normalise_code(typed), normalise_phone(typed)
    tail = phone[-4:] if phone else wanted if len(wanted) == 4 and wanted.isascii() and wanted.isdigit() else ""
    if tail:
        many = find_by_phone_tail(db.session(), activity.id, activity.code, tail, keys=keys())
        if len(many) == 1:
            return many[0], Method.PHONE_TAIL, ""
        if many:
            return None, Method.PHONE_TAIL, str(_("这个尾号有%(n)s个报名，请报8位短码。", n=len(many)))
    one = find_by_ticket_code(db.session(), activity.id, activity.code, wanted, keys=keys())
    return one, Method.TICKET_CODE, "" if one else str(_("没有找到。请核对短码或手机尾号；没报名的，在下面直接加人。"))


def _found(activity: Activity, row: ActivitySession, registration: Registration, method: Method) -> Found:
    other = next((s for s in activity.sessions if s.id == registration.session_id and s.id != row.id), None)
    people, session = registration.headcount, db.session()
    is_party = registration.kind == RegistrationKind.PARTY.value
    contact = shown_name(name_of(session, registration.id))
    first_at = check_ins_of(session, registration.id).get(row.id)
    return Found(
        code=registration.code, people=people,
        name=(is_party and name_of_party(session, registration)) or contact,
        reported=reported_of(session, registration.id, row.id) if is_party else None,
        most=most_of(registration.kind, people) or COUNT_MOST, state=registration.state, method=method.value,
        first_at=first_at, walked_in=None if first_at else find_walk_ins_beside(session, registration.id, row.id),
        other_session=f"{other.label} {clock_text(other.starts_at)}–{clock_text(other.ends_at)}" if other else "",
    )  # fmt: skip


@bp.post("/<session_code>/arrive")
@requires(Action.CHECK_IN)
def arrive(code: str, session_code: str) -> Response:
    """The one that was found, confirmed; another session than the registered one is moved first."""
    uid, (people, count_as), actor, moment = asked_uid(), asked_party(), current_actor(), now()
    by_tail = request.form.get("method") == Method.PHONE_TAIL.value
    activity, row = load_row(code, session_code)
    if not uid or people is None:
        raise Conflict("form", LOST_FORM)
    wanted = request.form.get("registration", "")[:12]
    asking = ask_if_sure(get_registration(db.session(), activity.id, wanted), people, console_url(code, session_code))
    if asking is not None:
        return asking
    with transaction(db.session) as tx:
        activity, row = load_row(code, session_code)
        registration = get_registration(tx, activity.id, wanted)
        arrival = Arrival(
            uid, row.id, Method.PHONE_TAIL if by_tail else Method.TICKET_CODE, registration.id, adults=people,
            actor_id=actor.user_id, mover=actor, count_as=count_as,
        )  # fmt: skip
        result = check_in(tx, arrival, now=moment)
    _tell(result, is_checked=count_as is CountAs.WHOLE and result.is_party)
    return back(code, session_code)


@bp.post("/<session_code>/walk-in")
@requires(Action.CHECK_IN)
def walk_in(code: str, session_code: str) -> Response:
    """People without a registration and without a phone; grade 清点/补录 (docs/decisions/0005-grades-at-the-desk.md)."""
    uid, people, actor, moment = asked_uid(), asked_number("people", 1), current_actor(), now()
    activity, row = load_row(code, session_code)
    if people is None or not 1 <= people <= WALK_IN_MOST:
        words = _("人数请填1到%(most)s的整数，没有登记。人更多，请分几次，或用下面的补录。", most=WALK_IN_MOST)
        desk = Desk(error=words, wrong="people", values={"people": request.form.get("people", "")[:6]})
        return console_page(activity, row, desk, moment, 422)
    if not uid:
        raise Conflict("form", LOST_FORM)
    with transaction(db.session) as tx:
        activity, row = load_row(code, session_code)
        arrival = Arrival(
            uid, row.id, Method.DESK_WALK_IN, adults=people, actor_id=actor.user_id, is_walk_in=True
        )  # fmt: skip
        result = check_in(tx, arrival, now=moment)
    _tell(result)
    return back(code, session_code)


def _tell(result: Result, *, is_checked: bool = False) -> None:
    if result.is_new and is_checked:
        flash(_("已核对：%(n)s人，按“扫码核验”计。", n=result.headcount), "desk-good")
    elif result.is_new:
        words = _("签到成功，%(n)s人。", n=result.headcount)
        more = _("签到成功，%(n)s人，一共到了%(all)s人。", n=result.headcount, all=result.here)
        flash(more if result.here > result.headcount else words, "desk-good")
    elif result.is_in and result.first_at is not None:
        flash(_("已于%(time)s签到，没有重复计数。", time=clock_text(result.first_at)), "desk-warn")
    else:
        flash(_(_DESK_WORDS.get(result.outcome, result.message)), "desk-bad")


@bp.post("/<session_code>/count")
@requires(Action.CHECK_IN)
def count(code: str, session_code: str) -> Response:
    """A count on the spot, or from a paper sheet afterwards."""
    uid, actor, moment = asked_uid(), current_actor(), now()
    adults, children = asked_number("adults"), asked_number("children")
    method = Method.COUNT if request.form.get("from") == "count" else Method.PAPER
    load_row(code, session_code)
    try:
        if adults is None or children is None:
            adults, children = -1, -1
        if not uid:
            raise Conflict("form", LOST_FORM)
        with transaction(db.session) as tx:
            activity, row = load_row(code, session_code)
            result = enter_count(
                tx, row, adults=adults, children=children, method=method, actor=actor, now=moment, uid=uid
            )
    except RuleBroken as broken:
        activity, row = load_row(code, session_code)
        values = {name: request.form.get(name, "")[:6] for name in ("adults", "children", "from")}
        desk = Desk(error=_(broken.message), wrong="count", values=values)
        return console_page(activity, row, desk, moment, 422)
    flash(_("已补录%(n)s人，按“清点/补录”计。", n=result.headcount), "desk-good")
    return back(code, session_code)


@bp.get("/<session_code>/undo/<uid>")
@requires(Action.CHECK_IN)
def ask_undo(code: str, session_code: str, uid: str) -> Response:
    """Asks for the reason first."""
    return _undo_page(code, session_code, uid)


def _undo_page(code: str, session_code: str, uid: str, error: str = "", status: int = 200) -> Response:
    activity, row = load_row(code, session_code)
    arrival = find_arrival(db.session(), activity.id, uid)
    if arrival is None:
        raise NotFound("没有找到这次签到，可能已经撤销。")
    return render(
        "console/undo.html", activity=activity, row=row, arrival=arrival, reasons=UNDO_REASONS, error=error,
        methods=METHOD_LABELS, where=clock_span(row.starts_at, row.ends_at), status=status,
    )  # fmt: skip


@bp.post("/<session_code>/undo/<uid>")
@requires(Action.CHECK_IN)
def undo(code: str, session_code: str, uid: str) -> Response:
    """Take one arrival back; the events stay."""
    moment: datetime = now()
    try:
        with transaction(db.session) as tx:
            activity, _row = load_row(code, session_code)
            people = undo_check_in(
                tx, activity, event_uid=uid, reason=request.form.get("reason", ""), actor=current_actor(), now=moment
            )
    except RuleBroken as broken:
        return _undo_page(code, session_code, uid, _(broken.message), 422)
    if people > 0:
        words = _("已撤销，少了%(n)s人。", n=people)
    elif people < 0:
        words = _("已撤销，改回先前报的数，多了%(n)s人。", n=-people)
    else:
        words = _("已撤销。这个数已被后来核对的代替，总数没有变。")
    flash(words, "good")
    return back(code, session_code)
