"""What the venue's code opens, and the one button that counts."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import g, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.checkin import codes
from app.checkin.models import Method
from app.checkin.queries import Door
from app.checkin.rules import PARTY_MOST, WALK_IN_MOST
from app.checkin.service import Arrival, Result, check_in, find_answer, keep_refusal
from app.extensions import db
from app.kernel.attempts import attempt_key, check_attempts, note_attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import TooMany
from app.kernel.text import normalise_code, normalise_phone, one_line
from app.kernel.tokens import digest, same
from app.registration.indexes import browser_index
from app.registration.queries import find_by_phone_tail, find_by_ticket_code
from app.registration.rules import NAME_MOST, name_length
from app.web import mine
from app.web.access import keys, public
from app.web.checkin.blueprint import bp
from app.web.checkin.page import Typed, arrive_page, get_door, grant_for
from app.web.rendering import clock, clock_span, day
from app.web.shells import render_filled
from app.web.venue import asked_number

# A whole venue may stand behind one address, so only wrong codes and tails are counted.
FREE_TRIES = 20
WINDOW = timedelta(minutes=15)


class Refused(Exception):
    """The form asks for what cannot be; the page is shown again with what was typed and the same grant."""

    def __init__(self, message: str, wrong: str = "", status: int = 422) -> None:
        super().__init__(message)
        self.message, self.wrong, self.status = message, wrong, status


@bp.get("/s/<code>")
@public
def arrive(code: str) -> Response:
    """Behind the venue's QR. Opening it counts nothing; a button does."""
    g.lean = True
    moment = now()
    door = get_door(code)
    method = _method(door, moment)
    error = ""
    if method is None and (request.args.get("k") or request.args.get("p")):
        error = _("这张码已经换过，或被作废了。转发的码和拍下来的码不能签到。")
    return arrive_page(door, moment, grant=grant_for(door, method, moment) if method else "", error=error)


def _method(door: Door, moment: datetime) -> Method | None:
    """By which code this browser came; a stale live key never falls back to the printed code's grade."""
    if codes.live_key_holds(keys(), door.code, request.args.get("k", ""), moment):
        return Method.LIVE_CODE
    printed = codes.printed_key(keys(), door.code, door.printed_code_version)
    if same(printed, request.args.get("p", "")) and door.printed_code_on:
        return Method.PRINTED_CODE
    return None


@bp.post("/s/<code>")
@public
def sign(code: str) -> Response:
    """The button. A grant is good for 120 s, once, in this browser; a retry gets its first answer."""
    g.lean = True
    moment, typed = now(), Typed.read()
    text = request.form.get("grant", "")[:300]
    grant = codes.read_grant(keys(), text, browser=mine.browser_token())
    if grant is None or grant.session_code != code:
        words = _("没有签上：这一页不是这个浏览器扫码打开的，或浏览器不保存 Cookie。请用这部手机重新扫大屏上的码。")
        return arrive_page(get_door(code), moment, typed=typed, error=words, status=422)
    if grant.expires_at <= moment:
        return _expired(code, grant, typed, moment)
    try:
        arrival = _arrival(code, grant, typed, moment)
    except Refused as refused:
        return arrive_page(
            get_door(code), moment, grant=text, typed=typed, error=refused.message, wrong=refused.wrong,
            status=refused.status,
        )  # fmt: skip
    with transaction(db.session) as tx:
        result = check_in(tx, arrival, now=moment)
    return _result_page(result, is_own=typed.way != "registered")


def _expired(code: str, grant: codes.Grant, typed: Typed, moment: datetime) -> Response:
    """An answer that was lost on the way is given again; else what was typed stays."""
    again = find_answer(db.session(), grant.uid, session_code=code)
    if again is not None:
        return _result_page(again, is_own=typed.way != "registered")
    words = _("没有签上：这一页放了超过2分钟。填过的内容都在，再扫一次大屏，或填大屏上现在的6位短码接着签。")
    return arrive_page(get_door(code), moment, typed=typed, error=words, status=422)


def _arrival(code: str, grant: codes.Grant, typed: Typed, moment: datetime) -> Arrival:
    """What the form asks for: an own ticket, a phone tail or code, or a walk-in. Raises Refused."""
    method = Method(grant.method)
    if typed.way == "mine":
        return Arrival(grant.uid, None, method, session_code=code, secret=_own_secret())
    if typed.way == "class":
        people = asked_number("people")
        if not people or people > PARTY_MOST:
            raise Refused(_("人数请填1到%(most)s的整数。", most=PARTY_MOST), "class")
        return Arrival(grant.uid, None, Method.PARTY_OWN, children=people, session_code=code, secret=_own_secret())
    if typed.way == "registered":
        return _registered(code, grant, method, typed, moment)
    people = asked_number("people", 1)
    if people is None or not 1 <= people <= WALK_IN_MOST:
        raise Refused(_("人数请填1到%(most)s的整数；人更多，请到签到台。", most=WALK_IN_MOST), "people")
    name = one_line(typed.name)
    if name_length(name) > NAME_MOST or len(name) > 2 * NAME_MOST:
        raise Refused(_("称呼最多%(most)s个字，写短一点就行，也可以不填。", most=NAME_MOST), "name")
    index = browser_index(keys(), request.form.get("activity", "")[:12], mine.browser_token())
    return Arrival(
        grant.uid, None, method, adults=people, name=name, browser_index=index, is_walk_in=True, session_code=code
    )


def _own_secret() -> str:
    """The secret of this browser's ticket that the form names by a part of its hash."""
    wanted = request.form.get("ticket", "")
    for secret in mine.own_tickets(request.form.get("activity", "")[:12]):
        if wanted and same(digest(secret)[:16], wanted):
            return secret
    raise Refused(_("这部手机上没有找到您的报名码。请填手机尾号或8位报名码，或按现场登记。"))


def _registered(code: str, grant: codes.Grant, method: Method, typed: Typed, moment: datetime) -> Arrival:
    wanted = normalise_code(typed.tail)
    phone = normalise_phone(typed.tail)
    tail = phone[-4:] if phone else wanted if len(wanted) == 4 and wanted.isascii() and wanted.isdigit() else ""
    if not tail and len(wanted) != 8:
        raise Refused(_("请填手机号的后4位，或报名码下面的8位短码。"), "tail")
    door = get_door(code)
    key = attempt_key(door.activity_code, request.remote_addr or "")
    try:
        check_attempts(db.session(), "tail", key, now=moment, free=FREE_TRIES, window=WINDOW)
    except TooMany as many:
        raise Refused(many.message, "tail", 429) from None
    found = _find(door, tail, wanted)
    if found is None:
        with transaction(db.session) as tx:
            note_attempt(tx, "tail", key, now=moment)
            keep_refusal(tx, activity_id=door.activity_id, session_id=door.session_id, method=method, now=moment)
        raise Refused(_("没有找到这个报名。请核对一下；没报名的，按现场登记就能签。"), "tail")
    return Arrival(grant.uid, door.session_id, method, found)


def _find(door: Door, tail: str, wanted: str) -> int | None:
    if not tail:
        one = find_by_ticket_code(db.session(), door.activity_id, door.activity_code, wanted, keys=keys())
        return one.id if one else None
    many = find_by_phone_tail(db.session(), door.activity_id, door.activity_code, tail, keys=keys())
    if len(many) > 1:  # never a list of names
        raise Refused(_("这个尾号不止一个报名。请填报名码下面的8位短码，或到签到台。"), "tail")
    return many[0].id if many else None


def _result_page(result: Result, *, is_own: bool) -> Response:
    """Signed in, signed in before, or not, each in words; a stranger's form of address is never shown."""
    place = result.place
    kind = "new" if result.is_new else "again" if result.is_in else "out"
    secret = mine.own_secret(place.activity_code)
    values = {
        "time": clock(result.first_at), "message": _(result.message) if kind == "out" else "",
        "people": _people_words(result), "name": result.name if is_own else "", "label": place.label,
        "day": day(place.starts_at), "clock": clock_span(place.starts_at, place.ends_at), "title": place.title,
        "ticket": url_for("tickets.show", secret=secret) if secret else "", "about": f"/a/{place.activity_code}",
    }  # fmt: skip
    return render_filled("checkin/result.html", values, status=422 if kind == "out" else 200, kind=kind)


def _people_words(result: Result) -> str:
    if result.here > result.headcount:
        return str(_("%(n)s人，一共%(all)s人", n=result.headcount, all=result.here))
    return str(_("%(n)s人", n=result.headcount))
