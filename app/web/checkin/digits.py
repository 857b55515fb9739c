"""For those without a camera: the six digits beside the venue's code, tries counted."""

from __future__ import annotations

from datetime import datetime, timedelta

from flask import g, request, url_for
from flask_babel import gettext as _
from flask_wtf.csrf import generate_csrf
from werkzeug.wrappers import Response

from app.checkin import codes
from app.checkin.models import Method
from app.checkin.queries import Door, list_doors
from app.extensions import db
from app.kernel.attempts import check_attempts, settle_attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import TooMany
from app.web.access import address_key, keys, public
from app.web.checkin.blueprint import bp
from app.web.checkin.page import Typed, arrive_page, get_door, grant_for
from app.web.context import read_size
from app.web.rendering import render
from app.web.venue import asked_digits, phase_of

FREE_TRIES = 10
WINDOW = timedelta(minutes=15)
NEAR = timedelta(hours=12)


@bp.get("/s")
@public
def by_digits() -> Response:
    """Asks for the six digits."""
    g.lean = True
    return _ask()


@bp.post("/s")
@public
def enter_digits() -> Response:
    """The sign-in page of the session that shows these digits now; what was typed before comes along."""
    g.lean = True
    moment, typed, digits = now(), Typed.read(), asked_digits()
    if read_size():
        named = request.form.get("session", "")
        return arrive_page(get_door(named), moment, typed=typed) if named else _ask()
    if not digits:  # a slip, and no guess
        return _ask(_("要填6位数字。请看大屏上现在的6位数字，再填一次。"), 422)
    try:
        door = _counted(digits, moment)
    except TooMany as many:
        # Who typed once may stand behind the address of somebody who typed at random: the other doors are open.
        words = _(
            "这里的网络上填错短码的次数太多，%(n)s秒后才能再填。不用等：扫大屏上的二维码，或到签到台，马上能签。",
            n=many.wait_seconds,
        )
        return _ask(words, 429)
    if door is None:
        return _ask(
            _("短码不对，或者刚换过。请看大屏上现在的6位数字，再填一次；大屏上说签到已经结束的，请到签到台。"), 422
        )
    return arrive_page(door, moment, grant=grant_for(door, Method.VENUE_CODE, moment), typed=typed)


def _counted(digits: str, moment: datetime) -> Door | None:
    """The session of these digits, the try settled first. Raises TooMany."""
    key = address_key()
    check_attempts(db.session(), "venue", key, now=moment, free=FREE_TRIES, window=WINDOW)
    door = _door_of(digits, moment) if digits else None
    with transaction(db.session) as tx:
        settle_attempt(tx, "venue", key, right=door is not None, now=moment, free=FREE_TRIES, window=WINDOW)
    return door


def _ask(error: str = "", status: int = 200) -> Response:
    typed = Typed.read().filled
    fields = [("csrf_token", generate_csrf()), *typed.items()]
    resize = {"action": url_for("checkin.enter_digits"), "fields": fields}
    return render("checkin/digits.html", error=error, typed=typed, resize=resize, status=status)


def _door_of(digits: str, moment: datetime) -> Door | None:
    """The named session, or the one of all open now; none when two happen to show the same digits."""
    named = request.form.get("session", "")
    near = [get_door(named)] if named else list_doors(db.session(), since=moment - NEAR, until=moment + NEAR)
    fits = [
        door
        for door in near
        if phase_of(door, moment) == "open" and codes.venue_digits_hold(keys(), door.code, digits, moment)
    ]
    return fits[0] if len(fits) == 1 else None
