"""The organizer's side of parties: invitation links by unit, and the number confirmed at the gate."""

from __future__ import annotations

from flask import flash, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivitySession
from app.checkin.corrections import confirm_party
from app.checkin.models import Method
from app.checkin.parties import list_parties
from app.checkin.rules import CountAs
from app.checkin.service import Arrival, check_in
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, RuleBroken
from app.kernel.tokens import random_secret
from app.organisation.models import Unit
from app.organisation.permissions import Action
from app.registration.indexes import invitation_key
from app.registration.models import Registration
from app.registration.queries import get_registration
from app.web.access import current_actor, keys, requires, settings
from app.web.console.blueprint import back, console_url, load_row
from app.web.party.blueprint import bp
from app.web.rendering import span_text, staff_page
from app.web.sure import ask_if_sure
from app.web.venue import asked_party, asked_uid


def invitation_address(activity: Activity, unit: Unit) -> str:
    """The link of one invited unit; it holds as long as the activity."""
    key = invitation_key(keys(), activity.code, unit.code)
    return settings().base_url + url_for("party.form", code=activity.code, u=unit.code, k=key)


def invitation_words(activity: Activity, unit: Unit) -> str:
    """Text to paste into a chat with the school."""
    when = span_text(activity.starts_at, activity.ends_at) if activity.starts_at and activity.ends_at else ""
    return str(
        _(
            "%(unit)s的老师：请贵校参加“%(title)s”，%(when)s，%(venue)s。按班填人数就行，不用学生姓名：%(link)s",
            unit=unit.name, title=activity.title, when=when, venue=activity.venue, link=invitation_address(activity, unit),
        )
    )  # fmt: skip


@bp.app_context_processor
def _offer_parties() -> dict[str, object]:
    """`party_arrivals(activity, row)` for the console; one statement, nothing until called."""
    return {
        "party_arrivals": lambda activity, row: list_parties(db.session(), activity, row),
        "new_uid": random_secret,
        "invitation_words": invitation_words,
    }


@bp.post("/activities/<code>/console/<session_code>/party/<registration_code>")
@requires(Action.CHECK_IN)
def confirm(code: str, session_code: str, registration_code: str) -> Response:
    """The number that staff counted stands from now on as 扫码核验."""
    staff_page()
    uid, (people, count_as) = asked_uid(), asked_party()
    activity, row = load_row(code, session_code)
    registration = get_registration(db.session(), activity.id, registration_code[:12])
    asking = ask_if_sure(registration, people, console_url(code, session_code))
    if asking is not None:
        return asking
    try:
        with transaction(db.session) as tx:
            activity, row = load_row(code, session_code)
            registration = get_registration(tx, activity.id, registration_code[:12])
            if not uid or people is None:
                raise Conflict("form", _("人数请填整数，没有核对。"))
            refusal = _count(tx, activity, row, registration, people, uid, is_first=count_as is CountAs.FIRST)
    except RuleBroken as broken:
        refusal = broken.message
    if refusal:
        flash(_(refusal), "bad")
    else:
        flash(_("已核对：%(n)s人，按“扫码核验”计。", n=people), "good")
    return back(code, session_code)


def _count(
    session: Session, activity: Activity, row: ActivitySession, registration: Registration, people: int, uid: str, *,
    is_first: bool,
) -> str:  # fmt: skip
    """Why it does not count, or empty. Where nobody had reported anything it is an arrival like any other."""
    actor = current_actor()
    if not is_first:
        confirm_party(
            session, activity, session_id=row.id, registration_id=registration.id, headcount=people, uid=uid,
            actor=actor, now=now(),
        )  # fmt: skip
        return ""
    arrival = Arrival(
        uid, row.id, Method.PARTY_CONFIRMED, registration.id, adults=people, actor_id=actor.user_id,
        count_as=CountAs.FIRST,
    )  # fmt: skip
    result = check_in(session, arrival, now=now())
    return "" if result.is_in else result.message
