"""The organizer's list: places, who registered, the waitlist; cancel, add by hand, print a sheet."""

from __future__ import annotations

from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivitySession, Attendance
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import NotFound, RuleBroken
from app.kernel.text import ascii_digits, mask_name
from app.kernel.tokens import random_secret
from app.organisation.models import Unit
from app.organisation.permissions import Action, may_at
from app.registration.entering import Entry, PhoneTaken, list_questions, list_quota_units, register
from app.registration.indexes import ticket_code
from app.registration.models import RegistrationState
from app.registration.places import find_session, places
from app.registration.queries import RosterRow, count_answers, count_by_state, get_registration, name_of, roster
from app.registration.rules import PEOPLE_MOST
from app.registration.service import cancel_registration, change_capacity, read_roster
from app.web.access import current_actor, keys, load_activity, requires
from app.web.paging import Page, asked_page
from app.web.registration.blueprint import bp
from app.web.registration.forms import CapacityForm, DeskForm, attach, fill_sessions, fill_units, too_long
from app.web.registration.public import typed_answers
from app.web.registration.sheet import self_sign, sheet_pages
from app.web.rendering import render, staff_page

PAGE_SIZE = 50
SHEET_MOST = 5_000
STATES = {
    "confirmed": (RegistrationState.CONFIRMED,),
    "pending": (RegistrationState.PENDING,),
    "waitlisted": (RegistrationState.WAITLISTED,),
    "cancelled": (RegistrationState.CANCELLED,),
}


@dataclass(frozen=True, slots=True)
class Asked:
    """The filters of the query, each one of a known list."""

    state: str
    session: ActivitySession | None
    number: int

    @property
    def states(self) -> tuple[RegistrationState, ...]:
        return STATES[self.state]

    @property
    def session_id(self) -> int | None:
        return self.session.id if self.session else None


def _asked(activity: Activity) -> Asked:
    state = request.args.get("state", "")
    chosen = None
    if activity.attendance == Attendance.CHOOSE_ONE.value:
        chosen = find_session(activity, request.args.get("session"))
    return Asked(state if state in STATES else "confirmed", chosen, asked_page())


@bp.get("/activities/<code>/registrations", endpoint="roster")
@requires(Action.ROSTER_READ)
def roster_page(code: str) -> Response:
    """The list with masked names: a GET opens nobody's."""
    activity = load_activity(code, Action.ROSTER_READ)
    asked = _asked(activity)
    rows = roster(
        db.session(), activity.id, states=asked.states, session_id=asked.session_id, page=asked.number, size=PAGE_SIZE
    )
    return _page(activity, asked, rows)


@bp.post("/activities/<code>/registrations/names")
@requires(Action.ROSTER_READ)
def reveal(code: str) -> Response:
    """The same page of the list with names and phones; the log keeps who opened it, and why where minors are named."""
    reason = request.form.get("reason", "")[:400]
    try:
        with transaction(db.session) as tx:
            activity = load_activity(code, Action.ROSTER_READ)
            asked = _asked(activity)
            rows = read_roster(
                tx, activity, states=asked.states, session_id=asked.session_id, page=asked.number, size=PAGE_SIZE,
                actor=current_actor(), now=now(), keys=keys(), reason=reason,
            )  # fmt: skip
    except RuleBroken as broken:
        db.session.rollback()
        activity = load_activity(code, Action.ROSTER_READ)
        asked = _asked(activity)
        rows = roster(
            db.session(),
            activity.id,
            states=asked.states,
            session_id=asked.session_id,
            page=asked.number,
            size=PAGE_SIZE,
        )
        return _page(activity, asked, rows, reason_error=_(broken.message), status=422)
    return _page(activity, asked, rows, is_open=True)


def _page(
    activity: Activity, asked: Asked, rows: list[RosterRow], *, is_open: bool = False,
    capacity: CapacityForm | None = None, wrong_session: str = "", reason_error: str = "", status: int = 200,
) -> Response:  # fmt: skip
    staff_page()
    session = db.session()
    counts = count_by_state(session, activity.id, session_id=asked.session_id)
    here = sum(counts[state.value].registrations for state in asked.states)
    return render(
        "registration/roster.html",
        status=status,
        activity=activity,
        asked=asked,
        rows=rows,
        is_open=is_open,
        counts=counts,
        places=places(session, activity),
        chooses=activity.attendance == Attendance.CHOOSE_ONE.value,
        labels={s.id: s.label for s in activity.sessions},
        paging=_paging(activity, asked, here),
        capacity=capacity or CapacityForm(formdata=None),
        wrong_session=wrong_session,
        reason_error=reason_error,
        answers=count_answers(session, activity.id),
        may_setup=may_at(current_actor(), Action.ACTIVITY_EDIT, session.get_one(Unit, activity.host_unit_id).path),
        can_change=activity.state == "published" and activity.ends_at is not None and activity.ends_at > now(),
    )


@dataclass(frozen=True, slots=True)
class Paging:
    """What the pager shows: its links always lead to the masked list."""

    first: int
    last: int
    total: int
    prev_url: str
    next_url: str


def _paging(activity: Activity, asked: Asked, total: int) -> Paging:
    here = Page(asked.number, PAGE_SIZE, total)

    def url(number: int) -> str:
        session_code = asked.session.code if asked.session else None
        return url_for("registration.roster", code=activity.code, state=asked.state, session=session_code, page=number)

    return Paging(
        here.first,
        here.last,
        total,
        prev_url=url(asked.number - 1) if asked.number > 1 else "",
        next_url=url(asked.number + 1) if here.last < total else "",
    )


@bp.get("/activities/<code>/registrations/<registration_code>/cancel")
@requires(Action.ACTIVITY_EDIT)
def ask_cancel(code: str, registration_code: str) -> Response:
    """Asks first."""
    staff_page()
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    registration = get_registration(db.session(), activity.id, registration_code)
    name = name_of(db.session(), registration.id)
    return render("registration/cancel.html", activity=activity, registration=registration, name=mask_name(name))


@bp.post("/activities/<code>/registrations/<registration_code>/cancel")
@requires(Action.ACTIVITY_EDIT)
def cancel(code: str, registration_code: str) -> Response:
    """Cancel one on somebody's word; the next in line moves up."""
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.ACTIVITY_EDIT)
        registration = get_registration(tx, activity.id, registration_code)
        cancel_registration(tx, registration, actor=current_actor(), now=now())
    flash(_("已取消这个报名。有候补的话，已经自动递补。"), "good")
    return redirect(url_for("registration.roster", code=code), 303)


@bp.post("/activities/<code>/registrations/places/<session_code>")
@requires(Action.ACTIVITY_EDIT)
def set_places(code: str, session_code: str) -> Response:
    """Change the places of a session; more are filled from the line at once."""
    form = CapacityForm()
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    text = ascii_digits(form.capacity.data or "").strip()
    if text and not (text.isascii() and text.isdigit() and len(text) <= 6):
        form.capacity.errors = [_("名额请填整数；不限名额就留空。")]
        return _refuse_places(activity, form, session_code)
    try:
        with transaction(db.session) as tx:
            activity = load_activity(code, Action.ACTIVITY_EDIT)
            chosen = find_session(activity, session_code)
            if chosen is None:
                raise NotFound("没有找到这一场。")
            change_capacity(tx, chosen, capacity=int(text) if text else None, actor=current_actor(), now=now())
    except RuleBroken as broken:
        attach(form, broken.problems)
        return _refuse_places(load_activity(code, Action.ACTIVITY_EDIT), form, session_code)
    flash(_("名额已改。多出来的名额已按先后给了候补的人。"), "good")
    return redirect(url_for("registration.roster", code=code), 303)


def _refuse_places(activity: Activity, form: CapacityForm, session_code: str) -> Response:
    asked = _asked(activity)
    rows = roster(
        db.session(), activity.id, states=asked.states, session_id=asked.session_id, page=asked.number, size=PAGE_SIZE
    )
    return _page(activity, asked, rows, capacity=form, wrong_session=session_code, status=422)


@bp.get("/activities/<code>/registrations/new")
@requires(Action.ACTIVITY_EDIT)
def desk(code: str) -> Response:
    """The form for someone who asked by telephone."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    return _desk_page(activity, DeskForm(formdata=None, submission=random_secret()))


def _desk_page(
    activity: Activity, form: DeskForm, problems: list[str] | None = None, status: int = 200,
    wrong: dict[str, str] | None = None,
) -> Response:  # fmt: skip
    """`wrong`: what is wrong with an answer, by its field."""
    staff_page()
    fill_sessions(form, activity, at=now())
    fill_units(form, list_quota_units(db.session(), activity))
    return render(
        "registration/desk.html", activity=activity, form=form, problems=problems or [], most=PEOPLE_MOST,
        status=status,
        desk={"questions": list_questions(db.session(), activity), "answers": typed_answers(), "wrong": wrong or {}},
    )  # fmt: skip


@bp.post("/activities/<code>/registrations/new")
@requires(Action.ACTIVITY_EDIT)
def add(code: str) -> Response:
    """Register by hand; the ticket code is shown once, to be told to the person."""
    activity = load_activity(code, Action.ACTIVITY_EDIT)
    form = DeskForm()
    if not form.validate() or too_long(form):
        return _desk_page(activity, form, status=422)
    try:
        with transaction(db.session) as tx:
            done = register(tx, activity, _entry(form, activity), keys=keys(), now=now(), actor=current_actor())
            state = done.registration.state
    except PhoneTaken:
        form.phone.errors = [_("此手机号已报名，没有重复登记。")]
        return _desk_page(load_activity(code, Action.ACTIVITY_EDIT), form, status=409)
    except RuleBroken as broken:
        wrong = {p.field: _(p.message) for p in broken.problems if p.field.startswith("q_")}
        problems = attach(form, [p for p in broken.problems if p.field not in wrong])
        return _desk_page(load_activity(code, Action.ACTIVITY_EDIT), form, problems, 422, wrong)
    code_ = ticket_code(keys(), done.secret)
    spoken = f"{code_[:4]} {code_[4:]}"
    if state == RegistrationState.PENDING.value:
        flash(_("已登记，还在“待确认”里等您确认。报名码 %(code)s，请告诉本人，这里只显示一次。", code=spoken), "warn")
    elif state == RegistrationState.WAITLISTED.value:
        flash(_("名额满了，已排上候补。报名码 %(code)s，请告诉本人，这里只显示一次。", code=spoken), "warn")
    else:
        flash(_("已登记。报名码 %(code)s，请告诉本人，这里只显示一次。", code=spoken), "good")
    return redirect(url_for("registration.roster", code=code), 303)


def _entry(form: DeskForm, activity: Activity) -> Entry:
    return Entry(
        session_code=form.session.data if "session" in form else None,
        name=form.name.data or "",
        adults=form.adults.data or 0,
        children=form.children.data or 0,
        phone=form.phone.data or "",
        consent=bool(form.consent.data),
        submission=form.submission_id,
        browser="",
        email=(form.email.data or "") if activity.sends_mail else "",
        answers=typed_answers(),
        from_unit=form.from_unit,
    )


@bp.get("/activities/<code>/registrations/sheet")
@requires(Action.ROSTER_READ)
def blank_sheet(code: str) -> Response:
    """签到表 without a name, for the paper route."""
    return _sheet(load_activity(code, Action.ROSTER_READ), [])


@bp.post("/activities/<code>/registrations/sheet")
@requires(Action.ROSTER_READ)
def sheet(code: str) -> Response:
    """签到表 with the names of those who have a place; the log keeps who opened it."""
    with transaction(db.session) as tx:
        activity = load_activity(code, Action.ROSTER_READ)
        asked = _asked(activity)
        rows = read_roster(
            tx, activity, states=STATES["confirmed"], session_id=asked.session_id, size=SHEET_MOST,
            actor=current_actor(), now=now(), keys=keys(),
        )  # fmt: skip
    return _sheet(activity, rows)


def _sheet(activity: Activity, rows: list[RosterRow]) -> Response:
    staff_page()
    asked = _asked(activity)
    return render(
        "registration/sheet.html",
        activity=activity,
        rows=rows,
        pages=sheet_pages(rows),
        own=self_sign(activity, asked.session),
        most=SHEET_MOST,
        asked=asked,
        with_session=bool(rows) and activity.attendance == Attendance.CHOOSE_ONE.value and asked.session is None,
        host=db.session.get_one(Unit, activity.host_unit_id).name,
        labels={s.id: s.label for s in activity.sessions},
    )
