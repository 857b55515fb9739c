"""The venue screen: any TV opens it by the console's six digits, and no password is typed in a hall."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zlib import crc32

from flask import Blueprint, current_app, g, jsonify, make_response, redirect, request, url_for
from flask_babel import gettext as _
from itsdangerous import BadSignature, URLSafeSerializer
from werkzeug.wrappers import Response

from app.checkin import codes
from app.checkin.doors import note_screen
from app.checkin.queries import Door, Totals, count_expected, find_door, find_session, list_doors, session_totals
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import TooMany
from app.web.access import keys, public, settings
from app.web.rendering import near_text, render
from app.web.six_digits import check_digits, settle_digits
from app.web.venue import LiveCode, asked_digits, live_code, phase_of, window_of_door

bp = Blueprint("screen", __name__)

BEFORE, AFTER = timedelta(hours=24), timedelta(hours=12)  # around the window: when the six digits open a screen
STAYS = timedelta(hours=1)  # after the window: the last count stays readable


@dataclass(frozen=True, slots=True)
class ScreenView:
    """What the screen shows at one moment."""

    door: Door
    phase: str
    until: int  # when this phase ends by itself, ms; 0 when it does not
    word: str  # in place of the code while sign-in is not open
    hint: str  # whom to ask then
    live: LiveCode | None
    gone: int  # seconds of the step that are over
    totals: Totals
    expected: int


@bp.before_request
def _lean() -> None:
    g.lean = True  # a TV is nobody's account


@bp.get("/screen")
@public
def show() -> Response:
    """The code, the digits and the count; without a granted screen, the field for the six digits."""
    moment = now()
    door, gone = _granted(moment)
    if door is None:
        return _ask(gone)
    view = _view(door, moment)
    # The same as a poll's answer: a screen whose first poll is never answered goes on from here.
    news = json.dumps(_news(view, moment), separators=(",", ":"))
    return render("screen/show.html", view=view, door=door, news=news)


@bp.post("/screen")
@public
def open_screen() -> Response:
    """Six digits of the console, tries counted; they hold ten to twenty minutes."""
    moment, digits = now(), asked_digits()
    if not digits:  # a slip, and no guess
        return _ask(_("要填6位数字。请看控制台上现在的6位数字。"), 422)
    try:
        door = _counted(digits, moment)
    except TooMany as many:
        return _ask(many.message + _("不用等：在登录了控制台的电脑上按“打开大屏”，不用填数字。"), 429)
    if door is None:
        return _ask(_("数字不对或已过期。请看控制台上现在的6位数字。"), 422)
    if gone := _gone(door, moment):
        return _ask(gone, 422)
    response = redirect(url_for("screen.show"), 303)
    keep_screen(response, door.code)
    return response


def _counted(digits: str, moment: datetime) -> Door | None:
    """The one near session that these digits open, the try settled first. Raises TooMany."""
    check_digits("screen", now=moment)
    near = list_doors(db.session(), since=moment - AFTER, until=moment + 2 * BEFORE) if digits else []
    fits = [
        door
        for door in near
        if moment >= window_of_door(door)[0] - BEFORE and codes.screen_code_holds(keys(), door.code, digits, moment)
    ]
    with transaction(db.session) as tx:
        settle_digits(tx, "screen", right=len(fits) == 1, now=moment)
        row = find_session(tx, fits[0].code) if len(fits) == 1 else None
        if row is not None:
            note_screen(tx, row, now=moment)
    return fits[0] if len(fits) == 1 else None


@bp.post("/screen/leave")
@public
def leave() -> Response:
    """This screen is for something else now."""
    response = redirect(url_for("screen.show"), 303)
    response.delete_cookie(_cookie(), path="/", secure=settings().is_secure, httponly=True, samesite="Lax")
    return response


@bp.get("/screen/steps.json")
@public
def steps() -> Response:
    """The count, and this step with four ahead, so that a lost minute does not blank the screen.

    `?after=` is the last step that the screen holds. 404 when the screen has to be opened again.
    """
    moment = now()
    door, _words = _granted(moment)
    if door is None:
        return make_response(jsonify(error="closed"), 404)
    after = request.args.get("after", "")
    held = int(after) if after.isascii() and after.isdigit() and len(after) <= 12 else 0
    return make_response(jsonify(_news(_view(door, moment), moment, held)))


def _news(view: ScreenView, moment: datetime, held: int = 0) -> dict[str, Any]:
    """What the script goes on from; `page` changes with every word that a reload would change."""
    first, newest = codes.step_of(moment), codes.step_of(moment) + codes.AHEAD
    if held > newest:  # of a clock that has since gone back: the screen has nothing to show
        held = 0
    ahead = range(max(first, held + 1), newest + 1) if view.phase == "open" else range(0)
    lives = [live_code(view.door.code, step) for step in ahead]
    door = view.door
    words = (view.phase, view.word, view.hint, door.title, door.label, door.venue, door.starts_at, door.ends_at)
    return {
        "now": int(moment.timestamp() * 1000), "seconds": codes.STEP_SECONDS, "phase": view.phase,
        "until": view.until, "page": crc32(repr(words).encode()), "count": view.totals.total, "expected": view.expected,
        "steps": [{"step": live.step, "digits": live.spoken, "rows": live.rows} for live in lives],
    }  # fmt: skip


def _view(door: Door, moment: datetime) -> ScreenView:
    phase = phase_of(door, moment)
    opens, closes = window_of_door(door)
    word = {
        "soon": _("%(time)s开始签到", time=near_text(opens, moment)),
        "over": _("签到已在%(time)s结束", time=near_text(closes, moment)),
        "sealed": _("签到已结束，记录已封存"),
        "off": _("这场活动已取消"),
    }.get(phase, "")  # fmt: skip
    hint = {
        "over": _("来了没签上的，请告诉主办单位补录"),
        "sealed": _("有疑问，请问主办单位：%(host)s", host=door.host),
    }.get(phase, "")  # fmt: skip
    ends = {"soon": opens, "open": closes}.get(phase)
    return ScreenView(
        door, phase, int(ends.timestamp() * 1000) if ends else 0, word, hint, live=live_code(door.code, codes.step_of(moment)) if phase == "open" else None,
        gone=int(moment.timestamp()) % codes.STEP_SECONDS,
        totals=session_totals(db.session(), [door.session_id]).get(door.session_id, Totals()),
        expected=count_expected(
            db.session(), activity_id=door.activity_id, attendance=door.attendance, session_id=door.session_id
        ),
    )  # fmt: skip


def _ask(error: str = "", status: int = 200) -> Response:
    return render("screen/open.html", error=error, status=status)


def _cookie() -> str:
    return "__Host-screen" if settings().is_secure else "screen"


def _signer() -> URLSafeSerializer:
    fallbacks: list[str] = current_app.config.get("SECRET_KEY_FALLBACKS") or []
    return URLSafeSerializer([*reversed(fallbacks), current_app.config["SECRET_KEY"]], salt="screen")


def keep_screen(response: Response, session_code: str) -> None:
    """Let this browser show that session's code until its window is over, whatever happens to any sign-in."""
    response.set_cookie(
        _cookie(), str(_signer().dumps(session_code)), max_age=BEFORE + AFTER, path="/", secure=settings().is_secure,
        httponly=True, samesite="Lax",
    )  # fmt: skip


def _granted(moment: datetime) -> tuple[Door | None, str]:
    """The session that this browser may show, or why it shows it no more."""
    kept = request.cookies.get(_cookie(), "")
    try:
        code = str(_signer().loads(kept)) if kept else ""
    except BadSignature:
        code = ""
    if not code:
        return None, ""
    door = find_door(db.session(), code)
    if door is None:
        return None, str(_("这一场已撤回或删除，大屏关了。请看控制台。"))
    gone = _gone(door, moment)
    return (None, gone) if gone else (door, "")


def _gone(door: Door, moment: datetime) -> str:
    """Words once a screen of this session is over, else nothing."""
    why = why_no_screen(moment, window_of_door(door)[1], moment)
    return f"{door.title} {door.label}".strip() + _("：") + why if why else ""


def why_no_screen(opens: datetime, closes: datetime, moment: datetime) -> str:
    """Words for a session that the six digits open no screen of, until when; nothing where they do."""
    if moment < opens - BEFORE:
        return str(_("%(time)s起才能打开大屏。先试一试，请开一场演练。", time=near_text(opens - BEFORE, moment)))
    if moment < closes + STAYS:
        return ""
    return str(_("签到已在%(time)s结束，大屏关了。还要签，先在控制台按“现在打开”。", time=near_text(closes, moment)))
