"""系列活动: the list, one with its totals, the form; and the public page of one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField, TextAreaField

from app.activities.kinds import KINDS
from app.activities.models import ActivityState, Programme, ProgrammeKind
from app.activities.programmes import (
    change_programme,
    count_by_programme,
    create_programme,
    get_programme,
    list_of_programme,
    list_programmes,
)
from app.activities.rules import PROGRAMME_LABELS, shown_state
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import NotFound, Problem, RuleBroken
from app.metrics.queries import sum_of_programme
from app.organisation.models import Unit
from app.organisation.permissions import Action, may, may_at, reach
from app.organisation.queries import list_units, unit_names
from app.web.access import current_actor, public, requires
from app.web.activities.blueprint import bp
from app.web.activities.intake import read_day
from app.web.public import bp as public_bp
from app.web.public import cached
from app.web.rendering import render

STANDING = (ActivityState.PUBLISHED, ActivityState.CLOSED)


class ProgrammeForm(FlaskForm):  # type: ignore[misc]
    kind = SelectField("类型", choices=list(PROGRAMME_LABELS.items()), validate_choice=False)
    title = StringField("名称")
    intro = TextAreaField("介绍")
    starts_on = StringField("开始日期")
    ends_on = StringField("结束日期")
    host = SelectField("牵头单位", choices=[], validate_choice=False)


@bp.get("/programmes")
@requires(Action.FIGURES_READ)
def programmes() -> Response:
    """Newest period first."""
    return render(
        "programmes/index.html", rows=list_programmes(db.session()), counts=count_by_programme(db.session()),
        hosts=unit_names(db.session()), labels=PROGRAMME_LABELS, may_edit=may(current_actor(), Action.PROGRAMME_EDIT),
    )  # fmt: skip


@bp.get("/programmes/<code>")
@requires(Action.FIGURES_READ)
def programme(code: str) -> Response:
    """Totals from approved facts, and every activity that stands."""
    session, moment = db.session(), now()
    found = get_programme(session, code)
    host = session.get_one(Unit, found.host_unit_id)
    rows = list_of_programme(session, found, states=STANDING)
    facts, grades = sum_of_programme(session, found.id)
    paths = reach(current_actor(), Action.ACTIVITY_READ)
    return render(
        "programmes/detail.html", programme=found, host=host, facts=facts, grades=grades, kinds=KINDS,
        rows=[(row, shown_state(row.state, row.ends_at, moment)) for row in rows],
        label=PROGRAMME_LABELS[found.kind], may_open_all=paths is None, own_unit=current_actor().unit_name,
        may_edit=may_at(current_actor(), Action.PROGRAMME_EDIT, host.path),
    )  # fmt: skip


@public_bp.get("/p/<code>")
@public
def public_programme(code: str) -> Response:
    """A series for the public: what is listed, and what has been held."""
    session, moment = db.session(), now()
    found = get_programme(session, code)
    rows = list_of_programme(session, found, states=STANDING, only_listed=True)
    return cached(
        render(
            "programmes/public.html", programme=found, host=session.get_one(Unit, found.host_unit_id).name,
            coming=[row for row in rows if row.ends_at is not None and row.ends_at > moment],
            past=[row for row in rows if row.ends_at is not None and row.ends_at <= moment],
            label=PROGRAMME_LABELS[found.kind],
        )
    )  # fmt: skip


@bp.route("/programmes/new", methods=["GET", "POST"])
@requires(Action.PROGRAMME_EDIT)
def new_programme() -> Response:
    """A new series at one of the actor's units."""
    form = ProgrammeForm()
    hosts = _hosts()
    form.host.choices = [(unit.code, unit.name) for unit in hosts]
    if request.method == "GET":
        return _form_page(form, None)

    def save(tx: Session) -> str:
        host = next((unit for unit in _hosts() if unit.code == form.host.data), None)
        if host is None:
            raise RuleBroken(Problem("host", "请从列表里选牵头单位。", field="host"))
        made = create_programme(tx, **_values(form), host=host, actor=current_actor(), now=now())
        return made.code

    return _save(form, None, save)


@bp.route("/programmes/<code>/edit", methods=["GET", "POST"])
@requires(Action.PROGRAMME_EDIT)
def edit_programme(code: str) -> Response:
    """Title, kind, period and words; the host stays."""
    found = _load(code)
    form = ProgrammeForm()
    del form.host
    if request.method == "GET":
        form.kind.data, form.title.data, form.intro.data = found.kind, found.title, found.intro
        form.starts_on.data, form.ends_on.data = str(found.starts_on), str(found.ends_on)
        return _form_page(form, found)

    def save(tx: Session) -> str:
        change_programme(tx, _load(code), **_values(form), actor=current_actor(), now=now())
        return code

    return _save(form, code, save)


def _load(code: str) -> Programme:
    found = get_programme(db.session(), code)
    host = db.session.get_one(Unit, found.host_unit_id)
    if not may_at(current_actor(), Action.PROGRAMME_EDIT, host.path):
        raise NotFound("没有找到这个系列活动，或者它不归您的单位管。")
    return found


def _hosts() -> list[Unit]:
    actor = current_actor()
    paths = reach(actor, Action.PROGRAMME_EDIT)
    units = [u for u in list_units(db.session()) if paths is None or any(u.path.startswith(p) for p in paths)]
    return sorted(units, key=lambda unit: unit.id != actor.unit_id)


def _values(form: ProgrammeForm) -> dict[str, Any]:
    problems = []
    starts_on, ends_on = read_day(form.starts_on.data or ""), read_day(form.ends_on.data or "")
    for name, value in (("starts_on", starts_on), ("ends_on", ends_on)):
        if value is None:
            problems.append(Problem(name, "日期没看懂，请写成 2026-11-24 这样。", field=name))
    if form.kind.data not in PROGRAMME_LABELS:
        problems.append(Problem("kind", "请从列表里选。", field="kind"))
    if problems:
        raise RuleBroken(problems)
    return {
        "kind": ProgrammeKind(form.kind.data), "title": form.title.data or "", "intro": form.intro.data or "",
        "starts_on": starts_on, "ends_on": ends_on,
    }  # fmt: skip


def _save(form: ProgrammeForm, code: str | None, save: Callable[[Session], str]) -> Response:
    try:
        with transaction(db.session) as tx:
            target = save(tx)
    except RuleBroken as broken:
        for problem in broken.problems:
            field = form._fields[problem.field]
            field.errors = [*field.errors, _(problem.message)]
        return _form_page(form, _load(code) if code else None, 422)
    flash(_("已保存。"), "good")
    return redirect(url_for("activities.programme", code=target), 303)


def _form_page(form: ProgrammeForm, found: Programme | None, status: int = 200) -> Response:
    return render("programmes/form.html", form=form, programme=found, status=status)
