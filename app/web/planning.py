"""The plan's pages: the list is the dashboard's; a task with its text, figures and notes."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy import select
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.errors import NotFound
from app.metrics.queries import FactFilter, list_facts, sum_facts
from app.organisation.models import Unit
from app.organisation.permissions import Action, may
from app.planning.queries import current_plan, get_task, list_safeguards, task_units
from app.progress.models import Establishment, ProgressNote
from app.web.access import current_actor, requires
from app.web.metrics import asked_year, board_now, year_choices
from app.web.rendering import render, staff_page

bp = Blueprint("planning", __name__, url_prefix="/plan")


@bp.before_request
def _mark() -> None:
    staff_page()


@bp.get("")
@requires(Action.FIGURES_READ)
def plan() -> Response:
    """The document: four 方面, fourteen tasks with units, and the safeguards."""
    found = current_plan(db.session())
    year = asked_year()
    board = board_now(year)
    units = {line.id: task_units(db.session(), line.id) for line in board.tasks} if found else {}
    return render(
        "planning/plan.html", plan=found, board=board, units=units, year=year,
        safeguards=list_safeguards(db.session(), found) if found else [],
    )  # fmt: skip


@bp.get("/tasks/<int:number>")
@requires(Action.FIGURES_READ)
def task(number: int) -> Response:
    """One task: what counts, what never enters, its figures, notes and establishments."""
    found = current_plan(db.session())
    if found is None:
        raise NotFound("还没有载入实施方案。")
    row = get_task(db.session(), found, number)
    year = asked_year()
    board = board_now(year)
    line = board.task(number)
    assert line is not None
    wanted = FactFilter(year=year, task_id=row.id, with_shared=True)
    activities, grades, photos = sum_facts(db.session(), FactFilter(year=year, task_id=row.id))
    kinds = {kind for view in line.indicators for kind in view.establishment_kinds}
    return render(
        "planning/task.html", may_note=may(current_actor(), Action.NOTE_WRITE), plan=found, task=row, line=line, board=board, year=year, years=year_choices(year),
        units=task_units(db.session(), row.id), rows=list_facts(db.session(), wanted, size=20), activities=activities,
        grades=grades, photos=photos,
        notes=db.session.execute(
            select(ProgressNote, Unit.name).join(Unit, Unit.id == ProgressNote.unit_id)
            .where(ProgressNote.task_id == row.id, ProgressNote.state == "approved")
            .order_by(ProgressNote.noted_on.desc(), ProgressNote.id.desc()).limit(20)
        ).all(),
        establishments=db.session.execute(
            select(Establishment, Unit.name).join(Unit, Unit.id == Establishment.unit_id)
            .where(Establishment.kind.in_(kinds)).order_by(Establishment.id).limit(50)
        ).all() if kinds else [],
    )  # fmt: skip
