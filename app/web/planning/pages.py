"""The document and one task with its text, figures, targets, notes and establishments."""

from __future__ import annotations

from flask import url_for
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.errors import NotFound
from app.metrics.board import TaskLine
from app.metrics.queries import FactFilter, list_facts
from app.organisation.permissions import Action, may, reach
from app.planning.queries import list_safeguards, retirers, task_units, units_of_plan
from app.progress.queries import list_establishments, notes_of_task
from app.progress.rules import ESTABLISHMENT_STAGES, STAGE_LABELS, written_this_month
from app.web.access import current_actor, requires
from app.web.metrics import shown_board
from app.web.planning.blueprint import bp
from app.web.rendering import render

FACTS_SHOWN = 20


@bp.get("")
@requires(Action.FIGURES_READ)
def plan() -> Response:
    """The document: four 方面, fourteen tasks with units, and the safeguards."""
    board = shown_board()
    return render(
        "planning/plan.html", plan=board.plan, board=board, year=board.year,
        units=units_of_plan(db.session(), board.plan) if board.plan else {},
        safeguards=list_safeguards(db.session(), board.plan) if board.plan else [],
    )  # fmt: skip


@bp.get("/tasks/<int:number>")
@requires(Action.FIGURES_READ)
def task(number: int) -> Response:
    """One task: what counts, what never enters, its figures and targets, notes and establishments."""
    session, actor, board = db.session(), current_actor(), shown_board()
    if board.plan is None:
        raise NotFound("还没有载入实施方案。")
    line = board.task(number)
    if line is None:
        raise NotFound("方案里没有这一项任务。")
    wanted = FactFilter(year=board.year, task_id=line.id, with_shared=True)
    kinds = {kind for view in line.indicators for kind in view.establishment_kinds}
    notes = notes_of_task(session, line.id, board.year, reach(actor, Action.NOTE_WRITE))
    return render(
        "planning/task.html", plan=board.plan, line=line, board=board, year=board.year, group=board.group_of(number),
        units=task_units(session, line.id), rows=list_facts(session, wanted, size=FACTS_SHOWN),
        activities=line.activities, grades=line.grades, photos=line.photos, notes=notes,
        this_month=written_this_month([n.note.noted_on for n in notes if n.is_own], business_day(now())),
        stages=STAGE_LABELS, may_note=may(actor, Action.NOTE_WRITE), may_target=may(actor, Action.TARGET_SET),
        note_url=url_for("progress.new_note", number=number, year=board.year), retired_by=_retired_by(line),
        establishments=list_establishments(session, kinds=kinds, own=reach(actor, Action.ESTABLISHMENT_WRITE), limit=50)
        if kinds
        else [],
        establishment_stages=ESTABLISHMENT_STAGES,
    )  # fmt: skip


def _retired_by(line: TaskLine) -> dict[str, str]:
    """By the code of a retired target. One that was changed was retired by whoever set its successor."""
    found: dict[str, str] = {}
    for view in line.indicators:
        heirs = {target.set_at: target.set_by for target in (*view.targets, *view.past)}
        found |= {target.code: heirs[target.retired_at] for target in view.past if target.retired_at in heirs}
    past = [target.code for view in line.indicators for target in view.past]
    return found | retirers(db.session(), [code for code in past if code not in found])
