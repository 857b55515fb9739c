"""The participant's form: what the activity page shows of it, and the POST."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app, flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.activities.door import Door, get_door
from app.activities.models import Activity, Attendance
from app.activities.queries import get_public_activity
from app.extensions import db, limiter
from app.kernel.attempts import check_attempts, settle_attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError, RuleBroken, TooMany
from app.kernel.together import Together
from app.kernel.tokens import digest
from app.registration.answers import Asking
from app.registration.entering import list_questions, list_quota_units, register_together
from app.registration.entries import Entry, PhoneTaken, Wish
from app.registration.models import RegistrationState
from app.registration.places import Places, places, wait_for_places
from app.registration.queries import standing_secrets
from app.registration.rules import PEOPLE_MOST, closed_problem
from app.web import mine
from app.web.access import address_key, keys, public
from app.web.kept import once
from app.web.registration.blueprint import bp
from app.web.registration.forms import RegisterForm, attach, fill_sessions, fill_units, too_long
from app.web.rendering import render

# A taken phone may be tried this often from one address before it has to wait: a school sits behind one.
FREE_TRIES = 10
WINDOW = timedelta(minutes=30)


@dataclass
class Desk:
    """What `registration/_form.html` shows: the form, or why there is none."""

    form: RegisterForm | None  # None where nothing can be filled in
    closed: str = ""
    notes: dict[str, str] = field(default_factory=dict)  # by session code
    full: list[str] = field(default_factory=list)  # codes of sessions with a waitlist
    line: str = ""  # places in words where one registration covers all
    is_full: bool = False
    own: list[str] = field(default_factory=list)  # this browser's tickets
    problems: list[str] = field(default_factory=list)
    people_most: int = PEOPLE_MOST
    questions: list[Asking] = field(default_factory=list)
    answers: dict[str, list[str]] = field(default_factory=dict)  # as typed, by the question's code
    wrong: dict[str, str] = field(default_factory=dict)  # what is wrong with an answer, by its field


def places_words(place: Places) -> str:
    """剩18个名额 / 已满。可候补，前面7人 / 不限名额."""
    if place.left is None:
        return str(_("不限名额"))
    if place.left > 0 and not place.waiting:
        return str(_("剩%(n)s个名额", n=place.left))
    if place.left > 0:
        return str(_("剩%(left)s个名额，候补中有%(waiting)s人", left=place.left, waiting=place.waiting))
    if place.waiting:
        return str(_("已满。可候补，前面%(n)s人", n=place.waiting))
    return str(_("已满。可候补"))


def make_desk(activity: Activity, form: RegisterForm | None = None, *, at: datetime | None = None) -> Desk:
    """The form's surroundings; two statements, one more with a ticket. Makes the token that makes a double tap one."""
    at = at or now()
    mine.browser_token()
    own = standing_secrets(db.session(), mine.own_tickets(activity.code))
    problem = closed_problem(
        state=activity.state, takes_registration=activity.takes_registration, ends_at=activity.ends_at, now=at
    )
    if problem is not None:
        return Desk(form=None, closed=_(problem.message), own=own)
    form = form or RegisterForm(formdata=None, submission=once())
    fill_sessions(form, activity, at=at)
    desk = Desk(form=form, own=own)
    _describe_places(desk, activity, at)
    fill_units(form, list_quota_units(db.session(), activity))
    desk.questions = list_questions(db.session(), activity)
    desk.answers = typed_answers()
    return desk


def typed_answers() -> dict[str, list[str]]:
    """What was typed, by the question's code, cut to a length that anybody would type."""
    names = [name for name in request.form if name.startswith("q_")][:20]
    return {name[2:]: [value[:200] for value in request.form.getlist(name)[:20]] for name in names}


def _describe_places(desk: Desk, activity: Activity, at: datetime) -> None:
    found = places(db.session(), activity)
    if activity.attendance != Attendance.CHOOSE_ONE.value:
        place = found[None]
        desk.line, desk.is_full = places_words(place), place.left == 0
        return
    coming = [s for s in activity.sessions if s.ends_at > at]
    desk.notes = {s.code: places_words(found[s.id]) for s in coming}
    desk.full = [s.code for s in coming if found[s.id].left == 0]
    desk.is_full = len(desk.full) == len(coming)


@bp.app_context_processor
def _offer_desk() -> dict[str, Any]:
    """`registration_desk(activity)` for the activity page of another screen; costs nothing until called."""
    return {"registration_desk": make_desk}


@bp.get("/a/<code>/register")
@public
def form(code: str) -> Response:
    """The form on a page of its own: the activity page shows the same one."""
    activity = get_public_activity(db.session(), code)
    return _page(activity, make_desk(activity))


@bp.post("/a/<code>/register")
@public
@limiter.limit("240/minute")
def submit(code: str) -> Response:
    """Register; what was typed stays in the form when something is wrong."""
    door = get_door(db.session(), code)
    filled = RegisterForm()
    moment = now()
    if not filled.validate() or too_long(filled):
        activity = get_public_activity(db.session(), code)
        return _page(activity, make_desk(activity, filled, at=moment), 422)
    if filled.second_name.data:
        activity = get_public_activity(db.session(), code)
        desk = make_desk(activity, filled, at=moment)
        desk.problems = [_("这份表单像是程序填的，没有报名。请刷新页面，手工填一次。")]
        return _page(activity, desk, 422)
    try:
        return _register(code, door, filled, moment)
    except PhoneTaken as taken:
        return _refused(code, filled, taken, 409)
    except TooMany as refused:
        return _refused(code, filled, refused, 429)
    except RuleBroken as broken:
        return _refused(code, filled, broken, 422)


def _register(code: str, door: Door, filled: RegisterForm, moment: datetime) -> Response:
    entry = _entry(filled, sends_mail=door.sends_mail)
    with phone_counted(code, moment) if entry.phone else nullcontext():
        db.session.rollback()  # the connection that only read goes back: who leads may need it
        done = _rush().do(door.id, Wish(entry, moment))
        own = mine.own_tickets(code)
        secret = done.secret or next((s for s in own if digest(s) == done.secret_hash), "")
        if not secret:  # this browser's token without its ticket: as strange as another browser
            raise PhoneTaken("phone_taken", "此手机号已报名。找不到报名码了，当天到签到台报手机尾号就行。")
    _tell(done.created, done.state)
    response = redirect(url_for("tickets.show", secret=secret), 303)
    mine.remember(response, code, secret)  # type: ignore[arg-type]
    return response


@dataclass(frozen=True, slots=True)
class _Done:
    """What the answer needs of a registration; its row belongs to the thread that wrote it."""

    state: str
    secret: str
    secret_hash: str | None
    created: bool


def _rush() -> Together[Session, int, Wish, _Done]:
    """One for a process: phones that register at once share the lock, the count and the COMMIT (0013)."""
    found: Together[Session, int, Wish, _Done] = current_app.extensions.setdefault(
        "rush", Together(_at_the_places, _register_together)
    )
    return found


@contextmanager
def _at_the_places(activity_id: int) -> Iterator[Session]:
    with transaction(db.session) as tx:
        wait_for_places(tx, activity_id)
        yield tx


def _register_together(session: Session, activity_id: int, wishes: Sequence[Wish]) -> list[_Done | Exception]:
    return [
        each if isinstance(each, DomainError)
        else _Done(each.registration.state, each.secret, each.registration.secret_hash, each.created)
        for each in register_together(session, activity_id, wishes, keys=keys())
    ]  # fmt: skip


def _tell(created: bool, state: str) -> None:
    if not created:
        flash(_("您已经报过名了，没有重复报名。要改人数，请点下面的“改人数”。"), "plain")
    elif state == RegistrationState.WAITLISTED.value:
        flash(_("名额满了，已为您排上候补。"), "warn")
    elif state == RegistrationState.PENDING.value:
        flash(_("已提交，等主办单位确认。"), "good")
    else:
        flash(_("报名成功。"), "good")


def _entry(filled: RegisterForm, *, sends_mail: bool) -> Entry:
    return Entry(
        session_code=filled.session.data if "session" in filled else None,
        name=filled.name.data or "",
        adults=filled.adults.data or 0,
        children=filled.children.data or 0,
        phone=filled.phone.data or "",
        consent=bool(filled.consent.data),
        submission=filled.submission_id,
        browser=mine.browser_token(),
        answers=typed_answers(),
        email=(filled.email.data or "") if sends_mail else "",
        from_unit=filled.from_unit,
    )


@contextmanager
def phone_counted(activity_code: str, moment: datetime) -> Iterator[None]:
    """Around a registration: one whose phone is taken is a counted try. Raises TooMany instead when it is one too many.

    One that succeeds is not settled and takes no turn: it costs a place, and a rush would queue for nothing.
    """
    key = address_key(activity_code)
    check_attempts(db.session(), "phone", key, now=moment, free=FREE_TRIES, window=WINDOW)
    try:
        yield
    except PhoneTaken:
        with transaction(db.session) as tx:
            settle_attempt(tx, "phone", key, right=False, now=moment, free=FREE_TRIES, window=WINDOW)
        raise


def _refused(code: str, filled: RegisterForm, error: DomainError, status: int) -> Response:
    db.session.rollback()
    activity = get_public_activity(db.session(), code)
    desk = make_desk(activity, filled)
    if isinstance(error, RuleBroken):
        desk.wrong = {p.field: _(p.message) for p in error.problems if p.field.startswith("q_")}
        desk.problems = attach(filled, [p for p in error.problems if p.field not in desk.wrong])
    else:
        filled.phone.errors = [_(error.message)]
    response = _page(activity, desk, status)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.wait_seconds)
    return response


def _page(activity: Activity, desk: Desk, status: int = 200) -> Response:
    return render("registration/form.html", activity=activity, desk=desk, status=status)
