"""Establishments, progress notes, and the office's desk for both."""

from __future__ import annotations

from datetime import date

from flask import Blueprint, flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.kernel.errors import NotFound, RuleBroken
from app.organisation.models import Unit
from app.organisation.permissions import Action, may
from app.planning.queries import current_plan, get_task
from app.progress.queries import get_waiting, list_establishments, waiting
from app.progress.rules import ESTABLISHMENT_STAGES, KIND_LABELS, LEVEL_LABELS, STAGE_LABELS
from app.progress.service import add_establishment, add_note, decide
from app.web.access import current_actor, requires
from app.web.rendering import render, staff_page

bp = Blueprint("progress", __name__)


@bp.before_request
def _mark() -> None:
    staff_page()


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None


def _own_unit() -> Unit:
    return db.session.get_one(Unit, current_actor().unit_id)


@bp.get("/establishments")
@requires(Action.FIGURES_READ)
def establishments() -> Response:
    """What is set up and kept; counted by kind and level once named and approved."""
    kind = request.args.get("kind", "")
    return render(
        "progress/establishments.html", rows=list_establishments(db.session(), kind=kind if kind in KIND_LABELS else ""),
        kind=kind, kinds=KIND_LABELS, levels=LEVEL_LABELS, stages=ESTABLISHMENT_STAGES,
        may_write=may(current_actor(), Action.ESTABLISHMENT_WRITE),
        may_decide=may(current_actor(), Action.NOTE_DECIDE),
    )  # fmt: skip


@bp.route("/establishments/new", methods=["GET", "POST"])
@requires(Action.ESTABLISHMENT_WRITE)
def new_establishment() -> Response:
    """Hand one in for the actor's own unit."""
    form, problems = request.form, []
    if request.method == "POST":
        try:
            with transaction(db.session) as tx:
                add_establishment(
                    tx, _own_unit(), kind=form.get("kind", ""), level=form.get("level", ""), stage=form.get("stage", ""),
                    name=form.get("name", "")[:200], proof=form.get("proof", "")[:400],
                    named_on=_date(form.get("named_on", "")), actor=current_actor(), now=now(),
                )  # fmt: skip
        except RuleBroken as error:
            problems = [problem.message for problem in error.problems]
        else:
            flash(_("已登记，等审核。"), "good")
            return redirect(url_for("progress.establishments"), 303)
    return render(
        "progress/new_establishment.html", status=422 if problems else 200, problems=problems, typed=form,
        kinds=KIND_LABELS, levels=LEVEL_LABELS, stages=ESTABLISHMENT_STAGES,
    )  # fmt: skip


@bp.route("/plan/tasks/<int:number>/note", methods=["GET", "POST"])
@requires(Action.NOTE_WRITE)
def new_note(number: int) -> Response:
    """A dated note on a task."""
    plan = current_plan(db.session())
    if plan is None:
        raise NotFound("还没有载入实施方案。")
    task = get_task(db.session(), plan, number)
    form, problems = request.form, []
    if request.method == "POST":
        try:
            with transaction(db.session) as tx:
                add_note(
                    tx, _own_unit(), task=get_task(tx, plan, number), safeguard=None, text=form.get("text", "")[:2000],
                    noted_on=_date(form.get("noted_on", "")), stage=form.get("stage", ""), actor=current_actor(), now=now(),
                )  # fmt: skip
        except RuleBroken as error:
            problems = [problem.message for problem in error.problems]
        else:
            flash(_("已填报，等审核。"), "good")
            return redirect(url_for("planning.task", number=number), 303)
    return render(
        "progress/new_note.html", status=422 if problems else 200, problems=problems, typed=form, task=task,
        stages=STAGE_LABELS, today=business_day(now()),
    )  # fmt: skip


@bp.get("/progress/review")
@requires(Action.NOTE_DECIDE)
def review() -> Response:
    """Notes and establishments that wait; one's own unit's are not here."""
    notes, rows = waiting(db.session(), current_actor().unit_id)
    return render(
        "progress/review.html",
        notes=notes,
        rows=rows,
        kinds=KIND_LABELS,
        levels=LEVEL_LABELS,
        stages=ESTABLISHMENT_STAGES,
    )


@bp.post("/progress/<any(notes, establishments):sort>/<code>/<any(approve, 'return'):verb>")
@requires(Action.NOTE_DECIDE)
def decide_one(sort: str, code: str, verb: str) -> Response:
    """Approve, or return with a reason."""
    try:
        with transaction(db.session) as tx:
            decide(
                tx, get_waiting(tx, sort, code), accept=verb == "approve", reason=request.form.get("reason", ""),
                actor=current_actor(), now=now(),
            )  # fmt: skip
    except RuleBroken as error:
        flash(error.message, "bad")
    else:
        flash(_("已通过。") if verb == "approve" else _("已退回。"), "good")
    return redirect(url_for("progress.review"), 303)
