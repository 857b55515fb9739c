"""What the venue's code opens, and the one button that counts."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta

from flask import current_app, g, request
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.checkin import codes
from app.checkin.models import Method, Outcome
from app.checkin.parties import reported_of
from app.checkin.queries import Door, find_marked
from app.checkin.rules import ASKED, counted_before
from app.checkin.service import Arrival, Result, check_in, find_answer, keep_refusal
from app.extensions import csrf, db
from app.kernel.attempts import check_attempts, settle_attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import TooMany
from app.kernel.text import normalise_code, normalise_phone
from app.kernel.tokens import is_code, same
from app.registration.models import Registration, RegistrationKind, RegistrationState
from app.registration.queries import find_by_phone, find_by_phone_tail, find_by_ticket_code
from app.web import mine
from app.web.access import address_key, keys, public
from app.web.checkin.blueprint import bp
from app.web.checkin.page import AskedParty, Typed, arrive_page, get_door, grant_for
from app.web.checkin.press import Refused, find_own_secret, own_count_as, party_number, plain_arrival, result_page
from app.web.context import read_size
from app.web.rendering import clock_text
from app.web.venue import phase_of

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
@csrf.exempt  # the grant is a MAC over this browser's own cookie: it proves what the token would (decisions/0011)
@public
def sign(code: str) -> Response:
    """The button. A grant is good for 120 s, once, in this browser; a retry gets its first answer.

    hot.py answers what it can before it comes here: this is for who names a registration by hand, and for refusals.
    """
    g.lean = True
    moment, typed = now(), Typed.read()
    is_for_size = read_size()
    text = request.form.get("grant", "")[:300]
    grant = codes.read_grant(keys(), text, browser=mine.browser_token())
    if grant is None or grant.session_code != code:
        words = _(
            "没有签上：这一页不是这部手机扫码打开的，或开了无痕模式。请关掉无痕模式，用这部手机重新扫大屏上的码。"
        )
        return arrive_page(get_door(code), moment, typed=typed, error=words, status=422)
    if is_for_size or typed.way == "back":
        return _show_again(code, grant, text, typed, moment)
    if not grant.holds(moment):
        return _expired(code, grant, typed, moment)
    try:
        arrival = _arrival(code, grant, typed, moment)
    except Refused as refused:
        # Where a class was counted meanwhile, its words say it already; a first question is no refusal.
        words = str(refused.message) if refused.status in (200, 409) else _("还没有签上。") + str(refused.message)
        return arrive_page(
            get_door(code), moment, grant=text, typed=typed, error=words, wrong=refused.wrong, sure=refused.sure,
            status=refused.status, asked=refused.party if isinstance(refused, HowMany) and not typed.ticket else None,
        )  # fmt: skip
    with transaction(db.session) as tx:
        result = check_in(tx, arrival, now=moment)
    return _answer(grant, typed, result, moment)


def _answer(grant: codes.Grant, typed: Typed, result: Result, moment: datetime) -> Response:
    """The result, and what this browser is known by from now on; a class that was counted meanwhile is asked."""
    if result.outcome == ASKED:
        return _ask_again(grant, typed, result, moment)
    holds = bool(find_own_secret(request.form, list(reversed(mine.all_tickets())), grant.activity_code))
    is_named = typed.way != "walk_in" and not holds
    response = result_page(result, request.form, is_own=not is_named)
    place = result.place
    if typed.way == "waiting" and result.is_in:
        mine.mark(response, place.activity_code, grant.uid, typed.ticket)
    elif is_named and result.registration_id is not None and result.outcome != Outcome.FOREIGN.value:
        mine.mark(response, place.activity_code, grant.uid)
    if result.is_in:
        mine.drop_typed(response, place.session_code)
    return response


def _ask_again(grant: codes.Grant, typed: Typed, result: Result, moment: datetime) -> Response:
    """Another has counted this class since the page was opened: what was reported, and the field for those that came after.

    The event has used the grant up, so the form gets its successor; a reload gets the same one.
    """
    door = get_door(grant.session_code)
    registration = db.session.get_one(Registration, result.registration_id)
    reported = reported_of(db.session(), registration.id, door.session_id)
    holds = grant.holds(moment)
    error = str(_(result.message))
    if reported is not None:
        error = _(
            "这个班刚才已报%(n)s人（%(time)s），您这次填的没有计数。",
            n=reported.people,
            time=clock_text(reported.first_at),
        )
        error += _("又来了一批，就在这里再报。") if holds else _("又来了一批，请再扫一次大屏。")
    return arrive_page(
        door, moment, grant=codes.renew_grant(keys(), grant, browser=mine.browser_token()) if holds else "",
        typed=replace(typed, people="", count_as=""), error=error, wrong="class" if holds else "", status=409,
        asked=AskedParty(registration.headcount, reported) if holds and not typed.ticket else None,
    )  # fmt: skip


def _show_again(code: str, grant: codes.Grant, text: str, typed: Typed, moment: datetime) -> Response:
    """For the other size without scripts, and back from the question for a class: nothing counts, nothing is lost."""
    again = find_answer(db.session(), grant.uid, session_code=code)
    if again is not None:
        return _answer(grant, typed, again, moment)
    if typed.way == "back":
        typed = Typed(way="registered", tail=typed.tail)
    return arrive_page(get_door(code), moment, grant=text if grant.holds(moment) else "", typed=typed)


def _expired(code: str, grant: codes.Grant, typed: Typed, moment: datetime) -> Response:
    """An answer that was lost on the way is given again; else what was typed stays."""
    again = find_answer(db.session(), grant.uid, session_code=code)
    if again is not None:
        return _answer(grant, typed, again, moment)
    door = get_door(code)
    words = _("没有签上：这一页放了超过2分钟。填过的内容都在，再扫一次大屏，或填大屏上现在的6位短码接着签。")
    if phase_of(door, moment) != "open":  # the page says why; the screen has no code now
        words = _("没有签上。")
    return arrive_page(door, moment, typed=typed, error=words, status=422)


def _arrival(code: str, grant: codes.Grant, typed: Typed, moment: datetime) -> Arrival:
    """What the form asks for: an own ticket, a phone tail or code, or a walk-in. Raises Refused."""
    if typed.way == "registered":
        return _registered(code, grant, Method(grant.method), typed, moment)
    browser, kept = mine.kept_by(current_app, request.cookies)
    if typed.way == "waiting":
        return replace(
            plain_arrival(grant, {**request.form, "way": "walk_in"}, kept=kept, browser=browser, keys=keys()), name=""
        )  # fmt: skip
    if typed.ticket and not find_own_secret(request.form, kept, grant.activity_code):
        door = get_door(code)
        uids = [uid for uid, key in mine.own_marks(door.activity_code) if not key]
        marked = find_marked(db.session(), door.activity_id, uids, typed.ticket)
        if marked is not None:
            return _named(grant, door, Method(grant.method), marked)
    return plain_arrival(grant, request.form, kept=kept, browser=browser, keys=keys())


def _registered(code: str, grant: codes.Grant, method: Method, typed: Typed, moment: datetime) -> Arrival:
    wanted = normalise_phone(typed.tail) or normalise_code(typed.tail)
    tail = wanted if len(wanted) in (4, 11) and wanted.isascii() and wanted.isdigit() else ""
    if not tail and not is_code(wanted):  # a slip, and no guess
        raise Refused(_("请填手机号的后4位，或报名码下面的8位短码。"), "tail")
    door = get_door(code)
    try:
        found = _counted(door, method, (tail, wanted), moment)
    except TooMany as many:
        raise Refused(many.message + _("不用等：到签到台报手机尾号，工作人员帮您签。"), "tail", 429) from None
    if found is None:
        other = _("没报名的，按现场登记就能签。") if door.takes_walk_in else _("没报名的，请到签到台问一声。")
        raise Refused(_("没有找到这个报名。请核对一下；") + other, "tail")
    return _named(grant, door, method, found)


class HowMany(Refused):
    """A class is named: nobody is assumed, so its teacher is asked. The grant is not used up."""

    def __init__(self, party: AskedParty, why: Refused | None = None) -> None:
        super().__init__(*((why.message, why.wrong, why.status, why.sure) if why else ("", "", 200)))
        self.party = party


def _named(grant: codes.Grant, door: Door, method: Method, found: Registration) -> Arrival:
    """The arrival of a registration of which this browser holds no ticket."""
    if found.kind == RegistrationKind.PARTY.value and found.state == RegistrationState.CONFIRMED.value:
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
        raise HowMany(asked)
    try:
        people = party_number(request.form, expected=found.headcount)
    except Refused as refused:
        raise HowMany(asked, refused) from None
    is_again = find_answer(db.session(), grant.uid, session_code=door.code) is not None  # it gets its first answer
    first_at = asked.reported.first_at if asked.reported else None
    if counted_before(first_at, count_as) is not None and not is_again:
        words = _("刚才已有人报过数，这次没有计数。又来了一批，就在这里再报。")
        raise HowMany(asked, Refused(words, "class", 409))
    return Arrival(grant.uid, door.session_id, Method.PARTY_OWN, found.id, children=people, count_as=count_as)


def _find(door: Door, tail: str, wanted: str) -> Registration | None:
    if not tail:
        return find_by_ticket_code(db.session(), door.activity_id, door.activity_code, wanted, keys=keys())
    find = find_by_phone if len(tail) == 11 else find_by_phone_tail
    many = find(db.session(), door.activity_id, door.activity_code, tail, keys=keys())
    if len(many) > 1:  # never a list of names
        raise Refused(_("这个号码不止一个报名。请填报名码下面的8位短码，或到签到台。"), "tail")
    return many[0] if many else None
