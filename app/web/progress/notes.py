"""Notes: on a task, on a safeguard, corrected after a return, and the list of one's own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from flask_wtf import FlaskForm
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response
from wtforms import SelectField, StringField, TextAreaField

from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, RuleBroken
from app.organisation.permissions import Action, may, reach
from app.planning.models import Safeguard, Task
from app.planning.queries import get_safeguard, get_task
from app.progress.models import ProgressNote, ProgressState
from app.progress.queries import get_note, list_establishments, notes_of_own
from app.progress.rules import (
    DOCUMENTS_MOST,
    ESTABLISHMENT_STAGES,
    KIND_LABELS,
    LEVEL_LABELS,
    STAGE_LABELS,
    Document,
    asks_for_a_plan,
)
from app.progress.service import add_note, correct_note
from app.web.access import current_actor, requires
from app.web.activities.intake import read_day
from app.web.metrics import asked_year
from app.web.planning.blueprint import get_plan
from app.web.problems import show_problems
from app.web.progress.blueprint import bp, check_own, writing_unit
from app.web.rendering import render

LONGEST = 2000  # what a form may send; the rules say how much of it is too much


class NoteForm(FlaskForm):  # type: ignore[misc]
    text = TextAreaField("做了什么")
    noted_on = StringField("日期")
    stage = SelectField("阶段（选填）", choices=[("", "不选"), *STAGE_LABELS.items()], validate_choice=False)
    title_1, title_2, title_3 = StringField("标题"), StringField("标题"), StringField("标题")
    number_1, number_2, number_3 = StringField("文号"), StringField("文号"), StringField("文号")
    dated_1, dated_2, dated_3 = StringField("日期"), StringField("日期"), StringField("日期")

    def papers(self) -> list[tuple[Any, Any, Any]]:
        """The three fields of each document."""
        return [tuple(self[f"{name}_{place}"] for name in ("title", "number", "dated")) for place in _PLACES]  # type: ignore[misc]

    def values(self) -> dict[str, Any]:
        """What the services take; a day that cannot be read stays as it was typed, for the rules to name."""
        return {
            "text": (self.text.data or "")[:LONGEST], "noted_on": read_day(self.noted_on.data or ""),
            "stage": self.stage.data or "",
            "documents": [
                Document(
                    (title.data or "")[:LONGEST], (number.data or "")[:LONGEST],
                    str(read_day(dated.data or "") or dated.data or "")[:LONGEST],
                )
                for title, number, dated in self.papers()
            ],
        }  # fmt: skip


_PLACES = range(1, DOCUMENTS_MOST + 1)


@bp.route("/plan/tasks/<int:number>/note", methods=["GET", "POST"])
@requires(Action.NOTE_WRITE)
def new_note(number: int) -> Response:
    """A dated note on a task."""
    task = get_task(db.session(), get_plan(db.session()), number)
    form = NoteForm()

    def save(tx: Session) -> None:
        unit = writing_unit(tx, Action.NOTE_WRITE)
        again = get_task(tx, get_plan(tx), number)
        add_note(tx, unit, task=again, safeguard=None, **form.values(), actor=current_actor(), now=now())

    return _page_or_saved(form, save, url_for("planning.task", number=number, year=asked_year()), task=task)


@bp.route("/plan/safeguards/<int:position>/note", methods=["GET", "POST"])
@requires(Action.NOTE_WRITE)
def new_safeguard_note(position: int) -> Response:
    """A dated note on a safeguard."""
    safeguard = get_safeguard(db.session(), get_plan(db.session()), position)
    form = NoteForm()

    def save(tx: Session) -> None:
        unit = writing_unit(tx, Action.NOTE_WRITE)
        again = get_safeguard(tx, get_plan(tx), position)
        add_note(tx, unit, task=None, safeguard=again, **form.values(), actor=current_actor(), now=now())

    return _page_or_saved(form, save, url_for("planning.safeguards"), safeguard=safeguard)


@bp.route("/progress/notes/<code>/edit", methods=["GET", "POST"])
@requires(Action.NOTE_WRITE)
def edit_note(code: str) -> Response:
    """Correct a note that came back, and hand it in again."""
    note = _load(db.session(), code)
    form = NoteForm()
    if request.method == "GET":
        if note.state != ProgressState.RETURNED.value:
            raise Conflict("not_returned", "这一条没有被退回，不用修改。")
        _fill(form, note)

    def save(tx: Session) -> None:
        correct_note(tx, _load(tx, code), **form.values(), actor=current_actor(), now=now())

    task = db.session.get(Task, note.task_id) if note.task_id else None
    safeguard = db.session.get(Safeguard, note.safeguard_id) if note.safeguard_id else None
    return _page_or_saved(form, save, url_for("progress.own"), task=task, safeguard=safeguard, reason=note.reason)


@bp.get("/progress/mine")
@requires(Action.NOTE_WRITE)
def own() -> Response:
    """Notes and establishments of one's own units, what came back first."""
    actor = current_actor()
    rows = list_establishments(db.session(), own=reach(actor, Action.ESTABLISHMENT_WRITE))
    order = [ProgressState.RETURNED.value, ProgressState.UNDER_REVIEW.value, ProgressState.APPROVED.value]
    return render(
        "progress/own.html", notes=notes_of_own(db.session(), reach(actor, Action.NOTE_WRITE)),
        rows=sorted((row for row in rows if row.is_own), key=lambda row: order.index(row.row.state)),
        stages=STAGE_LABELS, establishment_stages=ESTABLISHMENT_STAGES, kinds=KIND_LABELS, levels=LEVEL_LABELS,
        may_establish=may(actor, Action.ESTABLISHMENT_WRITE),
    )  # fmt: skip


def _load(session: Session, code: str) -> ProgressNote:
    note = get_note(session, code)
    check_own(session, note.unit_id, Action.NOTE_WRITE)
    return note


def _fill(form: NoteForm, note: ProgressNote) -> None:
    form.text.data, form.noted_on.data, form.stage.data = note.text, note.noted_on.isoformat(), note.stage or ""
    for (title, number, dated), document in zip(form.papers(), note.documents, strict=False):
        title.data, number.data, dated.data = document["title"], document["number"], document["date"]


def _page_or_saved(
    form: NoteForm,
    save: Callable[[Session], None],
    back: str,
    *,
    task: Task | None = None,
    safeguard: Safeguard | None = None,
    reason: str = "",
) -> Response:
    """GET shows the form; POST saves and goes back, or shows it again with what was typed."""
    status = 200
    about: dict[str, Any] = {
        "task": (task.number, task.short_title) if task else None,
        "safeguard": safeguard.title if safeguard else "",
        "asks_for_a_plan": bool(safeguard and asks_for_a_plan(safeguard.text)),
    }  # fmt: skip
    if request.method == "POST":
        try:
            with transaction(db.session) as tx:
                save(tx)
        except RuleBroken as broken:
            show_problems(form, broken)
            status = 422
        else:
            flash(_("已填报，等审核。"), "good")
            return redirect(back, 303)
    elif not form.noted_on.data:
        form.noted_on.data = business_day(now()).isoformat()
    return render("progress/note.html", status=status, form=form, back=back, reason=reason, **about)
