"""报名设置: how one registers for an activity, on one page of small forms."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.activities.models import Activity, ActivityUnit, Attendance, Question, UnitPart
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import NotFound, RuleBroken
from app.kernel.text import ascii_digits
from app.organisation.models import Unit
from app.organisation.permissions import Action
from app.organisation.queries import find_unit, list_units
from app.registration import settings as service
from app.registration.places import find_session
from app.web.access import current_actor, load_activity, requires
from app.web.registration.blueprint import bp
from app.web.rendering import render, staff_page

SORTS = {"one_of": "单选", "several_of": "多选", "short_text": "短文字", "number": "数字", "yes_no": "是或否"}
SWITCHES = ("takes_parties", "needs_approval", "leaves_school", "names_minors", "sends_mail")


@bp.get("/activities/<code>/registration")
@requires(Action.ACTIVITY_EDIT)
def setup(code: str) -> Response:
    """Switches, questions, quotas, places kept free, invitation links."""
    return _page(load_activity(code, Action.ACTIVITY_EDIT))


def _page(activity: Activity, wrong: str = "", errors: dict[str, str] | None = None, status: int = 200) -> Response:
    staff_page()
    session = db.session()
    invited = session.scalars(
        select(Unit)
        .join(ActivityUnit, ActivityUnit.unit_id == Unit.id)
        .where(ActivityUnit.activity_id == activity.id, ActivityUnit.part == UnitPart.TAKING_PART.value)
        .order_by(Unit.position, Unit.id)
    ).all()
    return render(
        "registration/setup.html", status=status, activity=activity, settings=service.settings_of(activity), sorts=SORTS,
        questions=session.scalars(
            select(Question).where(Question.activity_id == activity.id).order_by(Question.position)
        ).all(),
        quotas=service.list_quotas(session, activity), holds=service.list_holds(session, activity), invited=invited,
        units=[unit for unit in list_units(session) if unit.kind in ("school", "town", "community")],
        chooses=activity.attendance == Attendance.CHOOSE_ONE.value, wrong=wrong, errors=errors or {}, typed=request.form,
        labels={s.id: s.label for s in activity.sessions}, questions_most=service.QUESTIONS_MOST,
    )  # fmt: skip


def _change(code: str, part: str, words: str, work: Callable[[Session, Activity], Any]) -> Response:
    """One verb of the page; a refusal shows the page again with what was typed."""
    try:
        with transaction(db.session) as tx:
            work(tx, load_activity(code, Action.ACTIVITY_EDIT))
    except RuleBroken as broken:
        db.session.rollback()
        errors = {problem.field or part: _(problem.message) for problem in broken.problems}
        return _page(load_activity(code, Action.ACTIVITY_EDIT), part, errors, 422)
    flash(words, "good")
    return redirect(url_for("registration.setup", code=code, _anchor=part), 303)


def _number(name: str) -> int | None:
    """A whole number, None when empty; -1 for what is no number, which every rule refuses."""
    text = ascii_digits(request.form.get(name, "")).strip()
    if not text:
        return None
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 7 else -1


def _unit() -> Unit | None:
    return find_unit(db.session(), request.form.get("unit", "")[:12])


def _known_unit() -> Unit:
    unit = _unit()
    if unit is None:
        raise NotFound("没有找到这个单位，没有改动。")
    return unit


@bp.post("/activities/<code>/registration")
@requires(Action.ACTIVITY_EDIT)
def save_setup(code: str) -> Response:
    """The switches."""
    switches = {name: request.form.get(name) == "y" for name in SWITCHES}
    wanted = service.RegistrationSettings(**switches, offer_hours=_number("offer_hours"))
    return _change(
        code, "switches", _("已保存报名设置。"),
        lambda tx, activity: service.change_settings(tx, activity, wanted, actor=current_actor(), now=now()),
    )  # fmt: skip


@bp.post("/activities/<code>/registration/questions")
@requires(Action.ACTIVITY_EDIT)
def add_question(code: str) -> Response:
    """One more question."""
    return _change(
        code, "questions", _("已加一个问题。"),
        lambda tx, activity: service.add_question(
            tx, activity, sort=request.form.get("sort", "")[:20], wording=request.form.get("wording", "")[:400],
            options=request.form.get("options", "")[:2000].splitlines(), is_required=request.form.get("required") == "y",
            actor=current_actor(), now=now(),
        ),
    )  # fmt: skip


@bp.post("/activities/<code>/registration/questions/<question_code>/remove")
@requires(Action.ACTIVITY_EDIT)
def remove_question(code: str, question_code: str) -> Response:
    """Take one away."""
    return _change(
        code, "questions", _("已删掉这个问题。"),
        lambda tx, activity: service.remove_question(tx, activity, question_code, actor=current_actor(), now=now()),
    )  # fmt: skip


@bp.post("/activities/<code>/registration/quotas")
@requires(Action.ACTIVITY_EDIT)
def set_quota(code: str) -> Response:
    """The most people of one unit; empty takes the quota away."""
    return _change(
        code, "quotas", _("已保存单位名额。"),
        lambda tx, activity: service.set_quota(
            tx, activity, _known_unit(), _number("places"), actor=current_actor(), now=now()
        ),
    )  # fmt: skip


@bp.post("/activities/<code>/registration/holds")
@requires(Action.ACTIVITY_EDIT)
def hold(code: str) -> Response:
    """Keep places for a unit that registers later."""

    def work(tx: Session, activity: Activity) -> None:
        chosen = find_session(activity, request.form.get("session"))
        service.hold_places(
            tx, activity, _unit(), _number("places") or -1, session_id=chosen.id if chosen else None,
            actor=current_actor(), now=now(),
        )  # fmt: skip

    return _change(code, "holds", _("已留好名额。"), work)


@bp.post("/activities/<code>/registration/holds/<hold_code>/release")
@requires(Action.ACTIVITY_EDIT)
def release(code: str, hold_code: str) -> Response:
    """Free again, for the waitlist first."""
    return _change(
        code, "holds", _("已取消预留，名额先给候补的人。"),
        lambda tx, activity: service.release_hold(tx, activity, hold_code, actor=current_actor(), now=now()),
    )  # fmt: skip
