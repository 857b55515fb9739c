"""三、保障措施: the plan's text of each, what units report on it, and who handed in an 实施方案."""

from __future__ import annotations

from dataclasses import dataclass

from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.clock import business_day, now
from app.organisation.permissions import Action, may, reach
from app.planning.models import Safeguard
from app.planning.queries import list_safeguards
from app.progress.queries import NoteRow, notes_of_safeguards
from app.progress.rules import STAGE_LABELS, asks_for_a_plan, handed_in, written_this_month
from app.web.access import current_actor, requires
from app.web.metrics import asked_year
from app.web.planning.blueprint import bp, get_plan
from app.web.rendering import render


@dataclass(frozen=True, slots=True)
class SafeguardBlock:
    """One safeguard; `plans` are (unit, document) and None where the text asks for none."""

    safeguard: Safeguard
    notes: list[NoteRow]
    this_month: bool
    plans: list[tuple[str, dict[str, str]]] | None


@bp.get("/safeguards")
@requires(Action.FIGURES_READ)
def safeguards() -> Response:
    """In the plan's order; units too, so that nobody is first or last by merit."""
    session, actor, plan = db.session(), current_actor(), get_plan(db.session())
    rows = list_safeguards(session, plan)
    notes = notes_of_safeguards(session, [row.id for row in rows], reach(actor, Action.NOTE_WRITE))
    return render(
        "planning/safeguards.html", plan=plan, blocks=[_block(row, notes.get(row.id, [])) for row in rows],
        stages=STAGE_LABELS, may_note=may(actor, Action.NOTE_WRITE), year=asked_year(),
    )  # fmt: skip


def _block(row: Safeguard, notes: list[NoteRow]) -> SafeguardBlock:
    return SafeguardBlock(
        row,
        notes,
        written_this_month([n.note.noted_on for n in notes if n.is_own], business_day(now())),
        _plans(notes) if asks_for_a_plan(row.text) else None,
    )


def _plans(notes: list[NoteRow]) -> list[tuple[str, dict[str, str]]]:
    """The newest approved 实施方案 of each unit, units in their own order."""
    found: dict[str, tuple[tuple[int, int], dict[str, str]]] = {}
    for row in notes:
        document = handed_in(row.note.documents) if row.note.state == "approved" else None
        if document is not None:
            found.setdefault(row.unit, (row.place, document))
    return [(unit, document) for unit, (_place, document) in sorted(found.items(), key=lambda item: item[1][0])]
