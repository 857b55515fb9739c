"""Opening and closing by hand: the window, the printed code, the venue screen on this browser."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.checkin.corrections import check_open
from app.checkin.doors import (
    by_hand,
    note_screen,
    planned_window_of,
    revoke_printed_code,
    set_window,
    turn_on_printed_code,
)
from app.checkin.rules import stopped_by
from app.exports.qr import matrix as qr_matrix
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict
from app.organisation.permissions import Action
from app.web.access import current_actor, requires
from app.web.console.blueprint import back, bp, load_row
from app.web.rendering import near_text, render
from app.web.screen import keep_screen
from app.web.venue import printed_address

VERBS = ("open", "close", "extend")


@bp.post("/<session_code>/window")
@requires(Action.CHECK_IN)
def set_open(code: str, session_code: str) -> Response:
    """Open now, close now, or go on for 30 minutes."""
    verb, moment = request.form.get("verb", ""), now()
    load_row(code, session_code)
    if verb not in VERBS:
        raise Conflict("form", "没有改动签到时间，请刷新控制台再办。")
    with transaction(db.session) as tx:
        activity, row = load_row(code, session_code)
        opens, closes = set_window(tx, row, verb=verb, actor=current_actor(), now=moment)
        planned = planned_window_of(activity, row)
    again = by_hand("open", planned, (opens, closes), moment)[1] or planned[1]
    until = near_text(closes, moment)
    words = {
        "open": _("签到已打开，%(time)s自动关闭。", time=until),
        "close": _("签到已关闭。按错了，按“现在打开”，会开到%(time)s。", time=near_text(again, moment)), "extend": _("签到延长到%(time)s。", time=until),
    }  # fmt: skip
    if verb == "close" and moment < opens:
        flash(_("签到已关闭，%(time)s会照计划自动打开。", time=near_text(opens, moment)), "good")
    else:
        flash(words[verb], "good")
    return back(code, session_code)


@bp.post("/<session_code>/printed-code")
@requires(Action.CHECK_IN)
def switch_printed(code: str, session_code: str) -> Response:
    """On, or void for good: a sheet that was printed never comes back to life."""
    is_on = request.form.get("verb") == "on"
    with transaction(db.session) as tx:
        activity, _row = load_row(code, session_code)
        change = turn_on_printed_code if is_on else revoke_printed_code
        change(tx, activity, actor=current_actor(), now=now())
    flash(_("张贴码已启用，可以打印了。") if is_on else _("张贴码已作废，打印过的都不能再签到。请把纸收回来。"), "good")
    return back(code, session_code)


@bp.get("/<session_code>/printed")
@requires(Action.CHECK_IN)
def printed(code: str, session_code: str) -> Response:
    """The sheet to print and put up."""
    activity, row = load_row(code, session_code)
    if not activity.printed_code_on or stopped_by(activity.state, activity.review_state):
        return redirect(url_for("console.show", code=code, session=session_code))
    address = printed_address(row.code, activity.printed_code_version)
    return render("console/printed.html", activity=activity, row=row, matrix=qr_matrix(address))


@bp.post("/<session_code>/screen")
@requires(Action.CHECK_IN)
def open_screen(code: str, session_code: str) -> Response:
    """The venue screen on this very computer, without typing the digits."""
    with transaction(db.session) as tx:
        activity, row = load_row(code, session_code)
        check_open(activity)
        note_screen(tx, row, actor=current_actor(), now=now())
        session_code = row.code
    response = redirect(url_for("screen.show"), 303)
    keep_screen(response, session_code)
    return response
