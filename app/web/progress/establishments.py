"""Establishments: the list, a new one, one corrected after a return, one that reached its next stage."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField

from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.organisation.permissions import Action, may, reach
from app.progress.models import Establishment, ProgressState
from app.progress.queries import get_establishment, list_establishments
from app.progress.rules import ESTABLISHMENT_STAGES, KIND_LABELS, LEVEL_LABELS, next_stages
from app.progress.service import add_establishment, correct_establishment, move_establishment
from app.web.access import current_actor, requires
from app.web.activities.intake import read_day
from app.web.problems import show_problems
from app.web.progress.blueprint import bp, check_own, writing_unit
from app.web.rendering import render

LONGEST = 400


class EstablishmentForm(FlaskForm):  # type: ignore[misc]
    name = StringField("名称")
    kind = SelectField("类型", choices=list(KIND_LABELS.items()), validate_choice=False)
    level = SelectField("级别", choices=[("", "不分级"), *LEVEL_LABELS.items()], validate_choice=False)
    stage = SelectField("阶段", choices=list(ESTABLISHMENT_STAGES.items()), validate_choice=False)
    named_on = StringField("命名日期（已命名的填）")
    proof = StringField("依据（文件标题、文号）")

    def values(self) -> dict[str, Any]:
        return {
            "name": (self.name.data or "")[:LONGEST], "kind": self.kind.data or "", "level": self.level.data or "",
            "stage": self.stage.data or "", "named_on": _day("named_on", self.named_on.data or ""),
            "proof": (self.proof.data or "")[:LONGEST],
        }  # fmt: skip


class StageForm(FlaskForm):  # type: ignore[misc]
    stage = SelectField("到了哪个阶段", choices=[], validate_choice=False)
    reached_on = StringField("哪一天")
    proof = StringField("依据（文件标题、文号）")


def _day(field: str, text: str) -> Any:
    """A day, or None where nothing was typed. Raises RuleBroken for what is no date."""
    found = read_day(text)
    if found is None and text.strip():
        raise RuleBroken(Problem(field, "日期没看懂，请写成 2026-11-24 这样。", field=field))
    return found


@bp.get("/establishments")
@requires(Action.FIGURES_READ)
def establishments() -> Response:
    """What is set up and kept; counted by kind and level once named and approved."""
    kind, actor = request.args.get("kind", ""), current_actor()
    may_decide = may(actor, Action.NOTE_DECIDE)
    return render(
        "progress/establishments.html", kind=kind, kinds=KIND_LABELS, levels=LEVEL_LABELS, stages=ESTABLISHMENT_STAGES,
        rows=list_establishments(
            db.session(), kinds=[kind] if kind in KIND_LABELS else (), own=reach(actor, Action.ESTABLISHMENT_WRITE),
            all_states=may_decide,
        ),
        may_write=may(actor, Action.ESTABLISHMENT_WRITE), may_decide=may_decide,
    )  # fmt: skip


@bp.route("/establishments/new", methods=["GET", "POST"])
@requires(Action.ESTABLISHMENT_WRITE)
def new_establishment() -> Response:
    """Hand one in for the actor's own unit."""
    form = EstablishmentForm()

    def save(tx: Session) -> None:
        unit = writing_unit(tx, Action.ESTABLISHMENT_WRITE)
        add_establishment(tx, unit, **form.values(), actor=current_actor(), now=now())

    return _page_or_saved("progress/establishment.html", form, save)


@bp.route("/establishments/<code>/edit", methods=["GET", "POST"])
@requires(Action.ESTABLISHMENT_WRITE)
def edit_establishment(code: str) -> Response:
    """Correct one that came back, and hand it in again."""
    row, form = _load(db.session(), code), EstablishmentForm()
    if request.method == "GET":
        if row.state != ProgressState.RETURNED.value:
            raise Conflict("not_returned", "这一处没有被退回，不用修改。")
        form.name.data, form.kind.data, form.level.data = row.name, row.kind, row.level or ""
        form.stage.data, form.proof.data = row.stage, row.proof
        form.named_on.data = row.named_on.isoformat() if row.named_on else ""

    def save(tx: Session) -> None:
        correct_establishment(tx, _load(tx, code), **form.values(), actor=current_actor(), now=now())

    return _page_or_saved("progress/establishment.html", form, save, row=row, reason=row.reason)


@bp.route("/establishments/<code>/stage", methods=["GET", "POST"])
@requires(Action.ESTABLISHMENT_WRITE)
def move(code: str) -> Response:
    """An approved one reached its next stage: the day and the proof; reviewed again."""
    row, form = _load(db.session(), code), StageForm()
    later = next_stages(row.stage)
    if request.method == "GET" and (row.state != ProgressState.APPROVED.value or not later):
        raise Conflict("no_stage", "这一处现在没有可以改的阶段。")
    form.stage.choices = [(key, ESTABLISHMENT_STAGES[key]) for key in later]
    if request.method == "GET":
        form.reached_on.data = business_day(now()).isoformat()

    def save(tx: Session) -> None:
        move_establishment(
            tx, _load(tx, code), stage=form.stage.data or "", reached_on=_day("reached_on", form.reached_on.data or ""),
            proof=(form.proof.data or "")[:LONGEST], actor=current_actor(), now=now(),
        )  # fmt: skip

    return _page_or_saved("progress/stage.html", form, save, row=row, stages=ESTABLISHMENT_STAGES)


def _load(session: Session, code: str) -> Establishment:
    row = get_establishment(session, code)
    check_own(session, row.unit_id, Action.ESTABLISHMENT_WRITE)
    return row


def _page_or_saved(page: str, form: FlaskForm, save: Callable[[Session], None], **more: Any) -> Response:
    """GET shows the form; POST saves and goes to the list, or shows it again with what was typed."""
    status = 200
    if request.method == "POST":
        try:
            with transaction(db.session) as tx:
                save(tx)
        except RuleBroken as broken:
            show_problems(form, broken)
            status = 422
        else:
            flash(_("已提交，等审核。"), "good")
            return redirect(url_for("progress.establishments"), 303)
    return render(page, status=status, form=form, **{"row": None, "reason": "", **more})
