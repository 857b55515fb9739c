"""The participant's own link: see, change, cancel, read, take along and delete one's data."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from flask import Blueprint, flash, redirect, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivityChange, ActivitySession, ActivityState, Attendance
from app.activities.queries import list_changes
from app.checkin.queries import check_ins_of, count_arrived
from app.exports.calendar import CalendarEvent, calendar_file, event_uid
from app.exports.qr import matrix as qr_matrix
from app.extensions import db, limiter
from app.kernel.actor import PARTICIPANT
from app.kernel.attempts import check_attempts, settle_attempt
from app.kernel.clock import SHANGHAI, now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotFound, RuleBroken
from app.organisation.models import Unit
from app.organisation.permissions import Action, may_at
from app.registration.approval import accept_offer
from app.registration.indexes import ticket_code
from app.registration.models import Registration, RegistrationState
from app.registration.places import count_ahead
from app.registration.queries import find_by_secret, name_of, read_stored
from app.registration.rules import PEOPLE_MOST, change_problem
from app.registration.service import cancel_registration, change_headcount, erase_own, note_seen
from app.web import mine
from app.web.access import address_key, current_actor, keys, public, settings
from app.web.paired import paired_device
from app.web.registration.forms import PeopleForm, attach
from app.web.rendering import render, span_text

bp = Blueprint("tickets", __name__, url_prefix="/t")

FREE_TRIES = 10
WINDOW = timedelta(minutes=30)
ABSENT = "没有找到这张报名码。链接可能不完整，请从报名时的那一页重新打开。"


@dataclass
class TicketPage:
    """One's own page in values; nothing of another participant is in it."""

    secret: str
    registration: Registration
    activity: Activity
    host: str
    sessions: list[ActivitySession]  # those it covers
    name: str
    code: str
    url: str
    state: str
    fixed: str  # why it cannot be changed any more, or empty
    ahead: int = 0
    arrivals: dict[int, datetime] = field(default_factory=dict)
    changes: list[str] = field(default_factory=list)
    changed_at: datetime | None = None
    is_news: bool = False
    is_own: bool = True
    is_staff: bool = False
    is_helper: bool = False  # a phone paired for this activity
    arrived_people: int = 0

    @property
    def spoken_code(self) -> str:
        """Four and four, as one reads it aloud."""
        return f"{self.code[:4]} {self.code[4:]}"


@bp.after_request
def _keep_private(response: Response) -> Response:
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    return response


def _find(session: Session, secret: str) -> tuple[Registration, Activity]:
    """Raises NotFound in the same words for a wrong, an absent and a malformed secret."""
    registration = find_by_secret(session, secret)
    if registration is None:
        raise NotFound(ABSENT)
    return registration, session.get_one(Activity, registration.activity_id)


def find_counted(secret: str) -> tuple[Registration, Activity]:
    """For writes: a wrong secret is counted by address."""
    key, moment = address_key(), now()
    check_attempts(db.session(), "ticket", key, now=moment, free=FREE_TRIES, window=WINDOW)
    try:
        return _find(db.session(), secret)
    except NotFound:
        with transaction(db.session) as tx:
            settle_attempt(tx, "ticket", key, right=False, now=moment, free=FREE_TRIES, window=WINDOW)
        raise


def covered(activity: Activity, registration: Registration) -> list[ActivitySession]:
    """The sessions a registration is for."""
    if activity.attendance == Attendance.CHOOSE_ONE.value:
        return [s for s in activity.sessions if s.id == registration.session_id]
    return list(activity.sessions)


def load_page(secret: str) -> TicketPage:
    session = db.session()
    registration, activity = _find(session, secret)
    host = session.get_one(Unit, activity.host_unit_id)
    sessions = covered(activity, registration)
    page = TicketPage(
        secret=secret, registration=registration, activity=activity, host=host.name, sessions=sessions,
        name=name_of(session, registration.id), code=ticket_code(keys(), secret),
        url=settings().base_url + url_for("tickets.show", secret=secret), state=registration.state,
        fixed=_fixed(activity, registration, sessions), arrivals=check_ins_of(session, registration.id),
    )  # fmt: skip
    if page.arrivals:
        page.arrived_people = count_arrived(session, registration.id)
    if page.arrivals and page.state == RegistrationState.CONFIRMED.value:
        page.state, page.fixed = "checked_in", _("已经签到，不用再改。")
    if page.state == RegistrationState.WAITLISTED.value:
        page.ahead = count_ahead(session, registration, activity)
    _tell_changes(page, list_changes(session, activity.id))
    page.is_staff = may_at(current_actor(), Action.CHECK_IN, host.path)
    device = paired_device(now())
    page.is_helper = device is not None and device.activity_id == activity.id
    page.is_own = not (page.is_staff or page.is_helper) or secret in mine.own_tickets(activity.code)
    return page


def _fixed(activity: Activity, registration: Registration, sessions: list[ActivitySession]) -> str:
    problem = change_problem(
        activity_state=activity.state,
        is_cancelled=registration.state == RegistrationState.CANCELLED.value,
        starts_at=sessions[0].starts_at if sessions else activity.starts_at,
        ends_at=sessions[-1].ends_at if sessions else activity.ends_at,
        by_staff=False,
        now=now(),
    )
    return str(_(problem.message)) if problem else ""


def _tell_changes(page: TicketPage, changes: list[ActivityChange]) -> None:
    made = page.registration.created_at
    later = [change for change in changes if change.at > made]
    if not later:
        return
    seen = page.registration.seen_changes_at or made
    page.changes = [_change_words(change) for change in reversed(later)]
    page.changed_at = later[0].at
    page.is_news = later[0].at > seen


_STORED = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d)–(\d{4}-\d\d-\d\d \d\d:\d\d)")


def _change_words(change: ActivityChange) -> str:
    before, after = (_STORED.sub(_as_spoken, text) for text in (change.before, change.after))
    what = _("时间") if change.field == "time" else _("地点")
    return str(_("%(what)s从“%(before)s”改为“%(after)s”。", what=what, before=before, after=after))


def _as_spoken(found: re.Match[str]) -> str:
    start, end = (
        datetime.strptime(text, "%Y-%m-%d %H:%M").replace(tzinfo=SHANGHAI).astimezone(UTC) for text in found.groups()
    )
    return span_text(start, end)


@bp.get("/<secret>")
@public
@limiter.limit("120 per 10 minutes", deduct_when=lambda response: response.status_code == 404)
def show(secret: str) -> Response:
    """The ticket. For a member of the host's staff the same address offers the check-in button."""
    page = load_page(secret)
    shows_code = page.state in (RegistrationState.CONFIRMED.value, "checked_in") and not _is_off(page.activity)
    return render(
        "tickets/show.html",
        ticket=page,
        matrix=qr_matrix(page.url) if shows_code else None,
        registration=page.registration,
        activity=page.activity,
        secret=secret,
        now=now(),
    )


def _is_off(activity: Activity) -> bool:
    return activity.state == ActivityState.CANCELLED.value


@bp.get("/<secret>.ics")
@public
def calendar(secret: str) -> Response:
    """For the phone's calendar: no name, no code, and no link that opens the ticket."""
    registration, activity = _find(db.session(), secret)
    base = settings().base_url
    is_cancelled = _is_off(activity) or registration.state == RegistrationState.CANCELLED.value
    events = [
        CalendarEvent(
            uid=event_uid(s.code),
            title=activity.title + (f" {s.label}" if s.label else ""),
            starts_at=s.starts_at,
            ends_at=s.ends_at,
            place=activity.venue,
            note=_("自带：%(what)s", what=activity.bring) if activity.bring else "",
            url=f"{base}/a/{activity.code}",
            is_cancelled=is_cancelled,
            revision=activity.version,
        )
        for s in covered(activity, registration)
    ]
    response = Response(calendar_file(events, name=activity.title, made_at=now()), mimetype="text/calendar")
    response.headers["Content-Disposition"] = f'attachment; filename="{activity.code}.ics"'
    return response


@bp.get("/<secret>/people")
@public
def people(secret: str) -> Response:
    """The form to change the head-count."""
    page = load_page(secret)
    form = PeopleForm(formdata=None, adults=page.registration.adults, children=page.registration.children)
    return _people_page(page, form)


def _people_page(page: TicketPage, form: PeopleForm, problems: list[str] | None = None, status: int = 200) -> Response:
    return render(
        "tickets/people.html", ticket=page, form=form, problems=problems or [], most=PEOPLE_MOST, status=status
    )


@bp.post("/<secret>/people")
@public
def change(secret: str) -> Response:
    """Fewer at once; more while there are places."""
    registration, _activity = find_counted(secret)
    form = PeopleForm()
    if not form.validate():
        return _people_page(load_page(secret), form, status=422)
    try:
        with transaction(db.session) as tx:
            registration, _activity = _find(tx, secret)
            _not_arrived(tx, registration)
            change_headcount(
                tx, registration, adults=form.adults.data or 0, children=form.children.data or 0, now=now()
            )
    except RuleBroken as broken:
        return _people_page(load_page(secret), form, attach(form, broken.problems), 422)
    flash(_("人数已改好。"), "good")
    return redirect(url_for("tickets.show", secret=secret), 303)


def _not_arrived(session: Session, registration: Registration) -> None:
    if check_ins_of(session, registration.id):
        raise Conflict("checked_in", _("已经签到，报名没有改动。人数不对，请告诉签到台。"))


@bp.post("/<secret>/answer")
@public
def answer(secret: str) -> Response:
    """“我来”: the offered place is taken, unless its time is over."""
    registration, _activity = find_counted(secret)
    with transaction(db.session) as tx:
        accept_offer(tx, tx.get_one(Registration, registration.id), now=now())
    flash(_("好的，名额是您的了。"), "good")
    return redirect(url_for("tickets.show", secret=secret), 303)


@bp.get("/<secret>/cancel")
@public
def ask_cancel(secret: str) -> Response:
    """Asks before the place is given back."""
    return render("tickets/cancel.html", ticket=load_page(secret))


@bp.post("/<secret>/cancel")
@public
def cancel(secret: str) -> Response:
    """Gives the place back; the next in line moves up."""
    find_counted(secret)
    with transaction(db.session) as tx:
        registration, _activity = _find(tx, secret)
        _not_arrived(tx, registration)
        cancel_registration(tx, registration, actor=PARTICIPANT, now=now())
    flash(_("已取消报名，名额留给了别人。谢谢您提前告诉我们。"), "good")
    return redirect(url_for("tickets.show", secret=secret), 303)


@bp.post("/<secret>/seen")
@public
def seen(secret: str) -> Response:
    """The changes have been read."""
    find_counted(secret)
    with transaction(db.session) as tx:
        registration, _activity = _find(tx, secret)
        note_seen(tx, registration, now=now())
    return redirect(url_for("tickets.show", secret=secret), 303)


def _stored(page: TicketPage) -> dict[str, Any]:
    """Everything kept of this registration, in words of the table's columns."""
    registration, stored = page.registration, read_stored(db.session(), page.registration, keys=keys())

    def stamp(moment: datetime | None) -> str | None:
        return moment.astimezone(SHANGHAI).isoformat(timespec="seconds") if moment else None

    return {
        "活动": page.activity.title,
        "状态": registration.state,
        "称呼": page.name or None,
        "手机号": stored.phone or None,
        "邮箱": stored.email or None,
        "回答": dict(stored.answers) or None,
        "单位": stored.unit or None,
        "班级": list(stored.classes) or None,
        "大人": registration.adults,
        "孩子": registration.children,
        "候补次序": registration.queue,
        "场次": [span_text(s.starts_at, s.ends_at) for s in page.sessions],
        "签到": [stamp(at) for at in page.arrivals.values()],
        "同意的说明版本": registration.consent_version or None,
        "同意时间": stamp(registration.consented_at),
        "报名时间": stamp(registration.created_at),
        "取消时间": stamp(registration.cancelled_at),
        "递补时间": stamp(registration.promoted_at),
        "看过改动的时间": stamp(registration.seen_changes_at),
        "资料删除时间": stamp(registration.erased_at),
    }


@bp.get("/<secret>/data")
@public
def data(secret: str) -> Response:
    """看看存了我什么."""
    page = _own_page(secret)
    return render("tickets/data.html", ticket=page, stored=read_stored(db.session(), page.registration, keys=keys()))


def _own_page(secret: str) -> TicketPage:
    """Raises NotFound for staff who scanned somebody's ticket: a phone is not theirs to read here."""
    page = load_page(secret)
    if not page.is_own:
        raise NotFound(ABSENT)
    return page


@bp.get("/<secret>/data.json")
@public
def data_file(secret: str) -> Response:
    """The same as a file, for taking along (个人信息保护法, 查阅、复制)."""
    body = json.dumps(_stored(_own_page(secret)), ensure_ascii=False, indent=2)
    response = Response(body + "\n", mimetype="application/json")
    response.headers["Content-Disposition"] = 'attachment; filename="my-data.json"'
    return response


@bp.get("/<secret>/erase")
@public
def ask_erase(secret: str) -> Response:
    """Asks before values become unreadable."""
    return render("tickets/erase.html", ticket=_own_page(secret))


@bp.post("/<secret>/erase")
@public
def erase(secret: str) -> Response:
    """Form of address and phone go at once; the head-count stays."""
    find_counted(secret)
    _own_page(secret)
    with transaction(db.session) as tx:
        registration, _activity = _find(tx, secret)
        erase_own(tx, registration, now=now())
    flash(_("称呼和手机号已删除，只留下人数。报名码还能用。"), "good")
    return redirect(url_for("tickets.data", secret=secret), 303)


@bp.post("/<secret>/forget")
@public
def forget(secret: str) -> Response:
    """Take the ticket off this browser: for a phone or a computer that others use too."""
    _registration, activity = find_counted(secret)
    flash(_("这台设备不再记得您的报名码。报名还在，用收藏的链接仍能打开。"), "good")
    response = redirect(f"/a/{activity.code}", 303)
    mine.forget(response, secret)  # type: ignore[arg-type]
    return response
