"""The school's form: by invitation the school is fixed, else it is chosen from the units."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.activities.models import Activity, Audience
from app.activities.queries import get_public_activity
from app.extensions import db, limiter
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError, NotFound, Problem, RuleBroken, TooMany
from app.kernel.tokens import digest, random_secret, same
from app.organisation.models import Unit, UnitKind
from app.organisation.queries import find_unit, list_units
from app.registration.entering import PartyEntry, PhoneTaken, asks_school, register_party
from app.registration.entries import ClassesKnown
from app.registration.indexes import invitation_key
from app.registration.models import RegistrationState
from app.registration.places import places
from app.registration.rules import closed_problem
from app.web import mine
from app.web.access import keys, public
from app.web.party.blueprint import bp
from app.web.party.forms import PartyForm
from app.web.registration.forms import attach, fill_sessions, too_long
from app.web.registration.public import phone_counted, places_words
from app.web.rendering import render


@dataclass(frozen=True)
class Invited:
    """The school of an invitation link, or None where the form asks."""

    unit: Unit | None
    key: str


def invited_unit(activity: Activity) -> Invited:
    """Raises NotFound for a link that is not ours."""
    code, key = request.values.get("u", "")[:12], request.values.get("k", "")[:60]
    if not code:
        return Invited(None, "")
    unit = find_unit(db.session(), code)
    if unit is None or not same(invitation_key(keys(), activity.code, code), key):
        raise NotFound("这个邀请链接不完整，或者不是这场活动的。请向主办单位再要一次。")
    return Invited(unit, key)


@bp.get("/a/<code>/class")
@public
def form(code: str) -> Response:
    """An empty form with one class."""
    activity = get_public_activity(db.session(), code)
    mine.browser_token()
    empty = PartyForm(formdata=None, submission=random_secret())
    return _page(activity, empty, invited_unit(activity))


@bp.post("/a/<code>/class")
@public
@limiter.limit("60/minute")
def submit(code: str) -> Response:
    """Register the classes; `more` only adds a row. What was typed stays in the form when something is wrong."""
    activity = get_public_activity(db.session(), code)
    filled, invited = PartyForm(), invited_unit(activity)
    if "more" in request.form:
        filled.add_row()
        return _page(activity, filled, invited)
    unit, problems = _school(filled, invited)
    if filled.second_name.data:
        problems = [Problem("robot", "这份表单像是程序填的，没有报名。请刷新页面，手工填一次。")]
    if not filled.validate() or too_long(filled) or problems:
        return _page(activity, filled, invited, problems, 422)
    assert unit is not None
    try:
        return _register(activity, filled, unit, is_invited=invited.unit is not None)
    except PhoneTaken as taken:
        return _refused(code, filled, taken, 409)
    except TooMany as many:
        return _refused(code, filled, many, 429)
    except RuleBroken as broken:
        return _refused(code, filled, broken, 409 if isinstance(broken, ClassesKnown) else 422)


def _school(filled: PartyForm, invited: Invited) -> tuple[Unit | None, list[Problem]]:
    unit = invited.unit or find_unit(db.session(), (filled.school.data or "")[:12])
    if unit is None or (unit.kind != UnitKind.SCHOOL.value and invited.unit is None):
        return None, [Problem("school", "请选学校。", field="school")]
    return unit, []


def _register(activity: Activity, filled: PartyForm, unit: Unit, *, is_invited: bool) -> Response:
    moment, activity_code = now(), activity.code
    entry = PartyEntry(
        filled.session.data if "session" in filled else None, unit.id, filled.entries(), filled.name.data or "",
        filled.phone.data or "", bool(filled.consent.data), filled.submission_id, mine.browser_token(),
        (filled.email.data or "") if activity.sends_mail else "", is_invited,
    )  # fmt: skip
    with phone_counted(activity_code, moment):
        with transaction(db.session) as tx:
            done = register_party(tx, activity, entry, keys=keys(), now=moment)
            state, secret_hash = done.registration.state, done.registration.secret_hash
        secret = done.secret or next((s for s in mine.own_tickets(activity_code) if digest(s) == secret_hash), "")
        if not secret:
            raise PhoneTaken("phone_taken", "此手机号已报名。找不到班级码了，当天到签到台报手机尾号就行。")
    if state == RegistrationState.WAITLISTED.value:
        flash(_("名额不够整班参加，已排上候补；有名额时整班递补。"), "warn")
    elif state == RegistrationState.PENDING.value:
        flash(_("已提交，等主办单位确认。"), "good")
    else:
        flash(_("报名成功。这是班级码，当天出示它就行。"), "good")
    response = redirect(url_for("tickets.show", secret=secret), 303)
    mine.remember(response, activity_code, secret)  # type: ignore[arg-type]
    return response


def _refused(code: str, filled: PartyForm, error: DomainError, status: int) -> Response:
    db.session.rollback()
    activity = get_public_activity(db.session(), code)
    problems = (
        list(error.problems) if isinstance(error, RuleBroken) else [Problem("phone", error.message, field="phone")]
    )
    known = error.secret_hashes if isinstance(error, ClassesKnown) else ()
    response = _page(activity, filled, invited_unit(activity), problems, status, known=known)
    if isinstance(error, TooMany):
        response.headers["Retry-After"] = str(error.wait_seconds)
    return response


def _page(
    activity: Activity, filled: PartyForm, invited: Invited, problems: list[Problem] | None = None, status: int = 200,
    known: Sequence[str] = (),
) -> Response:  # fmt: skip
    """`known`: hashes of the tickets whose classes were sent again."""
    moment = now()
    fill_sessions(filled, activity, at=moment)
    schools = list_units(db.session(), kinds=[UnitKind.SCHOOL])
    filled.school.choices = [("", _("请选学校")), *((unit.code, unit.name) for unit in schools)]
    loose = attach(filled, filled.attach_classes(problems or []))
    closed = closed_problem(
        state=activity.state, takes_registration=activity.takes_registration, ends_at=activity.ends_at, now=moment
    )
    words = _(closed.message) if closed else "" if activity.takes_parties else _("这场活动不收团体报名。")
    if not words and activity.audience == Audience.UNIT.value and invited.unit is None:
        words = _("这场活动只收受邀学校。请用主办单位发来的链接报名；没有收到，请联系主办单位。")
    unit_id = invited.unit.id if invited.unit else None
    found = {pool: place.seen_by(unit_id) for pool, place in places(db.session(), activity).items()}
    return render(
        "party/form.html", activity=activity, form=filled, invited=invited, problems=loose, status=status,
        closed=words, again=bool(known), own=[s for s in mine.own_tickets(activity.code) if digest(s) in known],
        notes={s.code: places_words(found[s.id]) for s in activity.sessions if s.id in found},
        line=places_words(found[None]) if None in found else "", consents=asks_school(activity),
    )  # fmt: skip
