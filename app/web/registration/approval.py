"""Pending registrations: the organizer confirms, or declines with words."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import RuleBroken
from app.kernel.text import mask_name
from app.organisation.permissions import Action
from app.registration.approval import accept_offer, approve_registration, decline_registration
from app.registration.queries import get_registration, name_of
from app.web.access import current_actor, load_activity, requires
from app.web.registration.blueprint import bp
from app.web.rendering import render, staff_page


@bp.post("/activities/<code>/registrations/<registration_code>/approve")
@requires(Action.ACTIVITY_EDIT)
def approve(code: str, registration_code: str) -> Response:
    """Confirm one."""
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.ACTIVITY_EDIT)
        found = get_registration(tx, activity.id, registration_code)
        approve_registration(tx, found, actor=current_actor(), now=now())
    flash(_("已确认，对方的页面上有了报名码。"), "good")
    return redirect(url_for("registration.roster", code=code, state="pending"), 303)


@bp.post("/activities/<code>/registrations/<registration_code>/accept")
@requires(Action.ACTIVITY_EDIT)
def accept(code: str, registration_code: str) -> Response:
    """“我来” on somebody's word: who was registered by hand or from a list may have no link."""
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.ACTIVITY_EDIT)
        found = get_registration(tx, activity.id, registration_code)
        accept_offer(tx, found, now=now(), actor=current_actor())
    flash(_("已替对方答应，名额是他的了。"), "good")
    return redirect(url_for("registration.roster", code=code, state="pending"), 303)


@bp.get("/activities/<code>/registrations/<registration_code>/decline")
@requires(Action.ACTIVITY_EDIT)
def ask_decline(code: str, registration_code: str) -> Response:
    """Asks for the words first."""
    return _page(code, registration_code)


def _page(code: str, registration_code: str, error: str = "", status: int = 200) -> Response:
    staff_page()
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    found = get_registration(db.session(), activity.id, registration_code)
    return render(
        "registration/decline.html", status=status, activity=activity, registration=found, error=error,
        name=mask_name(name_of(db.session(), found.id)), typed=request.form.get("reason", "")[:400],
    )  # fmt: skip


@bp.post("/activities/<code>/registrations/<registration_code>/decline")
@requires(Action.ACTIVITY_EDIT)
def decline(code: str, registration_code: str) -> Response:
    """Turn one down with a sentence; the place goes on."""
    try:
        with transaction(db.session) as tx:
            activity = load_activity(code, Action.ACTIVITY_EDIT)
            found = get_registration(tx, activity.id, registration_code)
            decline_registration(
                tx, found, reason=request.form.get("reason", "")[:400], actor=current_actor(), now=now()
            )
    except RuleBroken as broken:
        db.session.rollback()
        return _page(code, registration_code, _(broken.message), 422)
    flash(_("已回复，名额先给候补的人。"), "good")
    return redirect(url_for("registration.roster", code=code, state="pending"), 303)
