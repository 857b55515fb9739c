"""找回报名码: the desk reads six digits aloud, the participant types them with the phone's last four."""

from __future__ import annotations

from datetime import datetime

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.queries import get_public_activity
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import RuleBroken, TooMany
from app.kernel.text import normalise_code
from app.organisation.permissions import Action
from app.registration.queries import get_registration, name_of
from app.registration.relink import desk_code, give_new_link
from app.web import mine
from app.web.access import keys, load_activity, public, requires
from app.web.registration.blueprint import bp
from app.web.rendering import render, staff_page
from app.web.six_digits import check_digits, settle_digits


@bp.get("/activities/<code>/registrations/<registration_code>/relink")
@requires(Action.ROSTER_READ)
def desk_relink(code: str, registration_code: str) -> Response:
    """The digits to read aloud; making them writes nothing, and without the phone's tail they open nothing."""
    staff_page()
    activity = load_activity(code, Action.ROSTER_READ)
    found = get_registration(db.session(), activity.id, registration_code)
    digits = desk_code(keys(), found.code, now())
    response = render(
        "registration/relink_desk.html", activity=activity, registration=found, digits=f"{digits[:3]} {digits[3:]}",
        has_phone=found.tail_index is not None, name=name_of(db.session(), found.id)[:1],
    )  # fmt: skip
    response.headers["Cache-Control"] = "no-store"
    return response


@bp.get("/a/<code>/lost")
@public
def lost(code: str) -> Response:
    """Asks for both."""
    return render("registration/lost.html", activity=get_public_activity(db.session(), code), error="", typed={})


@bp.post("/a/<code>/lost")
@public
def find_again(code: str) -> Response:
    """A new link for this browser; wrong tries are counted by activity, for the network and for all."""
    try:
        secret = _counted(code, now())
    except TooMany as many:
        return _again(code, many.message, 429)
    except RuleBroken as broken:
        return _again(code, _(broken.message), 422)
    flash(_("这是新的报名码。原来的链接已经不能用了。"), "good")
    response = redirect(url_for("tickets.show", secret=secret), 303)
    mine.remember(response, code, secret)  # type: ignore[arg-type]
    return response


def _counted(code: str, moment: datetime) -> str:
    """The new link's secret, the try settled first. Raises TooMany, and RuleBroken for a wrong one."""
    check_digits("relink", code, now=moment)
    activity = get_public_activity(db.session(), code)
    tail, digits = (normalise_code(request.form.get(name, "")[:20]) for name in ("tail", "digits"))
    try:
        with transaction(db.session) as tx:
            settle_digits(tx, "relink", code, right=True, now=moment)
            _registration, secret = give_new_link(tx, activity, tail=tail, digits=digits, keys=keys(), now=moment)
    except RuleBroken:
        with transaction(db.session) as tx:
            settle_digits(tx, "relink", code, right=False, now=moment)
        raise
    return secret


def _again(code: str, error: str, status: int) -> Response:
    activity = get_public_activity(db.session(), code)
    return render("registration/lost.html", activity=activity, error=error, typed=request.form, status=status)
