"""A member of staff scanned a ticket: the ticket's own address shows the button, and the verdict fills the phone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivitySession, Attendance
from app.checkin.busy_phones import find_walk_ins_beside
from app.checkin.doors import window_of
from app.checkin.models import Method
from app.checkin.parties import Reported, name_of_party, reported_of
from app.checkin.queries import find_ticket_door
from app.checkin.rules import ASKED, CountAs, most_of, shown_name
from app.checkin.service import COUNT_MOST, Arrival, Result, check_in
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotFound, Problem, RuleBroken
from app.kernel.tokens import digest, random_secret
from app.organisation.permissions import Action, may_at
from app.registration.models import Registration, RegistrationKind
from app.web.access import current_actor, requires
from app.web.checkin.blueprint import bp
from app.web.rendering import clock_text, render, staff_page
from app.web.sure import ask_if_sure
from app.web.venue import asked_party, asked_uid

ABSENT = "没有找到这张报名码，或者它不是您单位活动的。"


@dataclass(frozen=True, slots=True)
class StaffDesk:
    """What `checkin/_staff_ticket.html` offers on a scanned ticket."""

    uid: str
    sessions: list[ActivitySession]
    chosen: str
    own: str  # the session it was registered for, where each person chose one
    people: int
    most: int
    closed: str  # why there is no button
    reported: Reported | None = None  # of a party, at the chosen session
    walked_in: Reported | None = None  # from the phone that registered, as walk-ins, at the chosen session


@bp.post("/t/<secret>/check-in")
@requires(Action.CHECK_IN)
def staff_ticket(secret: str) -> Response:
    """Grade 扫码核验. Choosing another session than the registered one moves the registration first."""
    staff_page()
    moment, actor, uid = now(), current_actor(), asked_uid()
    ticket = find_ticket_door(db.session(), digest(secret), session_code=request.form.get("session", "")[:12])
    if ticket is None or not may_at(actor, Action.CHECK_IN, ticket.host_path):
        raise NotFound(ABSENT)
    people, count_as = asked_party()
    if people is None or people > COUNT_MOST:
        raise RuleBroken(Problem("people", "人数请填整数。"))
    if not uid or ticket.session_id is None:
        raise Conflict("form", "这一页不完整，没有签到。请重新扫一次报名码。")
    registration = db.session.get_one(Registration, ticket.registration_id)
    asking = ask_if_sure(registration, people, url_for("tickets.show", secret=secret))
    if asking is not None:
        return asking
    with transaction(db.session) as tx:
        arrival = Arrival(
            uid, ticket.session_id, Method.TICKET_SCAN, ticket.registration_id, adults=people, actor_id=actor.user_id,
            mover=actor, count_as=count_as,
        )  # fmt: skip
        result = check_in(tx, arrival, now=moment)
    if result.outcome == ASKED:
        flash(_(result.message), "warn")
        return redirect(url_for("tickets.show", secret=secret), 303)
    return verdict_page(result, _("人数已核对") if count_as is CountAs.WHOLE and result.is_party else _("签到成功"))


def verdict_page(result: Result, good: str) -> Response:
    """Green, amber or red, with a shape and words."""
    tone = "good" if result.is_new else "warn" if result.is_in else "bad"
    words = {"good": good, "bad": _(result.message)}.get(tone, "")
    if tone == "warn" and result.first_at is not None:
        words = _("已于%(time)s签到", time=clock_text(result.first_at))
    return render(
        "checkin/verdict.html", status=200 if result.is_in else 422, tone=tone, words=words, result=result,
        place=result.place, who=_who(result),
    )  # fmt: skip


def _who(result: Result) -> str:
    """The classes of a party, else a form of address or a masked name."""
    if result.registration_id is None or not result.is_party:
        return shown_name(result.name)
    registration = db.session.get_one(Registration, result.registration_id)
    return name_of_party(db.session(), registration) or shown_name(result.name)


def staff_desk(ticket: Any) -> StaffDesk:
    """The form on a ticket's page; one statement. `ticket` is what tickets/show.html shows."""
    activity: Activity = ticket.activity
    moment = now()
    chooses = activity.attendance == Attendance.CHOOSE_ONE.value
    own = ticket.sessions[0].code if chooses and ticket.sessions else ""
    is_open = [s for s in activity.sessions if window_of(activity, s)[0] <= moment < window_of(activity, s)[1]]
    first = next((s for s in is_open if s.code == own), is_open[0] if is_open else None)
    registered = ticket.registration.headcount
    is_party = ticket.registration.kind == RegistrationKind.PARTY.value
    return StaffDesk(
        uid=random_secret(), sessions=is_open, chosen=first.code if first else "", own=own, people=registered,
        most=most_of(ticket.registration.kind, registered) or COUNT_MOST,
        closed=_nothing_to_do(ticket, is_open, is_party),
        reported=reported_of(db.session(), ticket.registration.id, first.id) if is_party and first else None,
        walked_in=find_walk_ins_beside(db.session(), ticket.registration.id, first.id)
        if first and first.id not in ticket.arrivals
        else None,
    )  # fmt: skip


def _nothing_to_do(ticket: Any, is_open: list[ActivitySession], is_party: bool) -> str:
    """Why there is no button; empty where there is one."""
    if not is_open:
        return _closed_words(ticket.activity)
    at = ticket.arrivals.get(is_open[0].id) if len(is_open) == 1 and not is_party else None
    return str(_("已于%(time)s签到，不用再签。", time=clock_text(at))) if at is not None else ""


def _closed_words(activity: Activity) -> str:
    moment = now()
    coming = [opens for s in activity.sessions if (opens := window_of(activity, s)[0]) > moment]
    if coming:
        return str(_("签到%(time)s开始。要提前，请在现场控制台打开。", time=clock_text(min(coming))))
    return str(_("签到已结束。要补签，请在现场控制台重新打开。"))


@bp.app_template_filter("desk_name")
def desk_name(name: str) -> str:
    """A form of address; what may be a full name is masked."""
    return shown_name(name)


@bp.app_context_processor
def _offer_staff_desk() -> dict[str, Any]:
    """`staff_desk_of(ticket)` for the ticket's page of another screen; costs nothing until called."""
    return {"staff_desk_of": staff_desk}
