"""What the venue's code opens, and the one button that counts."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import current_app, g, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.checkin import codes
from app.checkin.models import Method
from app.checkin.parties import reported_of
from app.checkin.queries import Door
from app.checkin.rules import PARTY_MOST, counted_before
from app.checkin.service import Arrival, check_in, find_answer, keep_refusal
from app.extensions import db
from app.kernel.attempts import check_attempts, settle_attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import TooMany
from app.kernel.text import normalise_code, normalise_phone
from app.kernel.tokens import same
from app.registration.models import Registration, RegistrationKind
from app.registration.queries import find_by_phone_tail, find_by_ticket_code
from app.web import mine
from app.web.access import address_key, keys, public
from app.web.checkin.blueprint import bp
from app.web.checkin.page import AskedParty, Typed, arrive_page, get_door, grant_for
from app.web.checkin.press import Refused, own_count_as, plain_arrival, result_page
from app.web.venue import asked_number

# A whole venue may stand behind one address, so only wrong codes and tails are counted.
FREE_TRIES = 20
WINDOW = timedelta(minutes=15)


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
    """The button. A grant is good for 120 s, once, in this browser; a retry gets its first answer.

    hot.py answers what it can before it comes here: this is for who names a registration by hand, and for refusals.
    """
    g.lean = True
    moment, typed = now(), Typed.read()
    text = request.form.get("grant", "")[:300]
    grant = codes.read_grant(keys(), text, browser=mine.browser_token())
    if grant is None or grant.session_code != code:
        words = _("没有签上：这一页不是这个浏览器扫码打开的，或浏览器不保存 Cookie。请用这部手机重新扫大屏上的码。")
        return arrive_page(get_door(code), moment, typed=typed, error=words, status=422)
    if not grant.holds(moment):
        return _expired(code, grant, typed, moment)
    try:
        arrival = _arrival(code, grant, typed, moment)
    except Refused as refused:
        return arrive_page(
            get_door(code), moment, grant=text, typed=typed, error=str(refused.message), wrong=refused.wrong,
            status=refused.status, asked=refused.party if isinstance(refused, _HowMany) else None,
        )  # fmt: skip
    with transaction(db.session) as tx:
        result = check_in(tx, arrival, now=moment)
    return result_page(result, is_own=typed.way != "registered")


class _HowMany(Refused):
    """A class is named: nobody is assumed, so its teacher is asked. The grant is not used up."""

    def __init__(self, party: AskedParty, message: str = "", status: int = 200) -> None:
        super().__init__(message, "class" if message else "", status)
        self.party = party


def _expired(code: str, grant: codes.Grant, typed: Typed, moment: datetime) -> Response:
    """An answer that was lost on the way is given again; else what was typed stays."""
    again = find_answer(db.session(), grant.uid, session_code=code)
    if again is not None:
        return result_page(again, is_own=typed.way != "registered")
    words = _("没有签上：这一页放了超过2分钟。填过的内容都在，再扫一次大屏，或填大屏上现在的6位短码接着签。")
    return arrive_page(get_door(code), moment, typed=typed, error=words, status=422)


def _arrival(code: str, grant: codes.Grant, typed: Typed, moment: datetime) -> Arrival:
    """What the form asks for: an own ticket, a phone tail or code, or a walk-in. Raises Refused."""
    if typed.way == "registered":
        return _registered(code, grant, Method(grant.method), typed, moment)
    browser, kept = mine.kept_by(current_app, request.cookies)
    return plain_arrival(grant, request.form, kept=kept, browser=browser, keys=keys())


def _registered(code: str, grant: codes.Grant, method: Method, typed: Typed, moment: datetime) -> Arrival:
    wanted = normalise_code(typed.tail)
    phone = normalise_phone(typed.tail)
    tail = phone[-4:] if phone else wanted if len(wanted) == 4 and wanted.isascii() and wanted.isdigit() else ""
    if not tail and len(wanted) != 8:
        raise Refused(_("请填手机号的后4位，或报名码下面的8位短码。"), "tail")
    door = get_door(code)
    try:
        found = _counted(door, method, (tail, wanted), moment)
    except TooMany as many:
        raise Refused(many.message + _("不用等：到签到台报手机尾号，工作人员帮您签。"), "tail", 429) from None
    if found is None:
        raise Refused(_("没有找到这个报名。请核对一下；没报名的，按现场登记就能签。"), "tail")
    if found.kind == RegistrationKind.PARTY.value:
        return _party(grant, door, found)
    return Arrival(grant.uid, door.session_id, method, found.id)


def _counted(door: Door, method: Method, typed: tuple[str, str], moment: datetime) -> Registration | None:
    """The registration of a phone's tail or an 8-character code; a wrong one is settled first. Raises TooMany.

    A right one takes no turn: it checks somebody in, once for a grant, where everybody can see it.
    """
    key = address_key(door.activity_code)
    check_attempts(db.session(), "tail", key, now=moment, free=FREE_TRIES, window=WINDOW)
    found = _find(door, *typed)
    if found is None:
        with transaction(db.session) as tx:
            settle_attempt(tx, "tail", key, right=False, now=moment, free=FREE_TRIES, window=WINDOW)
            keep_refusal(tx, activity_id=door.activity_id, session_id=door.session_id, method=method, now=moment)
    return found


def _party(grant: codes.Grant, door: Door, found: Registration) -> Arrival:
    """The teacher's own number of a class that another browser registered: asked first, 清点 until staff confirm it."""
    asked = AskedParty(found.headcount, reported_of(db.session(), found.id, door.session_id))
    count_as = own_count_as(request.form)
    if "count_as" not in request.form:  # the first step named it by tail or code
        raise _HowMany(asked)
    people = asked_number("people")
    if not people or people > PARTY_MOST:
        raise _HowMany(asked, _("人数请填1到%(most)s的整数。", most=PARTY_MOST), 422)
    is_again = find_answer(db.session(), grant.uid, session_code=door.code) is not None  # it gets its first answer
    first_at = asked.reported.first_at if asked.reported else None
    if counted_before(first_at, count_as) is not None and not is_again:
        raise _HowMany(asked, _("刚才已有人报过数，这次没有计数。又来了一批，就在这里再报。"), 409)
    return Arrival(grant.uid, door.session_id, Method.PARTY_OWN, found.id, children=people, count_as=count_as)


def _find(door: Door, tail: str, wanted: str) -> Registration | None:
    if not tail:
        return find_by_ticket_code(db.session(), door.activity_id, door.activity_code, wanted, keys=keys())
    many = find_by_phone_tail(db.session(), door.activity_id, door.activity_code, tail, keys=keys())
    if len(many) > 1:  # never a list of names
        raise Refused(_("这个尾号不止一个报名。请填报名码下面的8位短码，或到签到台。"), "tail")
    return many[0] if many else None
