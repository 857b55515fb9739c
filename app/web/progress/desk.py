"""The office's desk: notes and establishments that wait, approved or returned one by one."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import RuleBroken
from app.organisation.permissions import Action
from app.progress.queries import get_waiting, waiting
from app.progress.rules import ESTABLISHMENT_STAGES, KIND_LABELS, LEVEL_LABELS, STAGE_LABELS
from app.progress.service import decide
from app.web.access import current_actor, requires
from app.web.progress.blueprint import bp
from app.web.rendering import render


@bp.get("/progress/review")
@requires(Action.NOTE_DECIDE)
def review() -> Response:
    """What waits; one's own unit's is not here."""
    return _desk()


def _desk(*, status: int = 200, wrong: str = "", problem: str = "") -> Response:
    notes, rows = waiting(db.session(), current_actor().unit_id)
    return render(
        "progress/review.html", status=status, notes=notes, rows=rows, kinds=KIND_LABELS, levels=LEVEL_LABELS,
        stages=ESTABLISHMENT_STAGES, note_stages=STAGE_LABELS, wrong=wrong, problem=problem,
    )  # fmt: skip


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
    except RuleBroken as broken:
        return _desk(status=422, wrong=code, problem=_(broken.message))
    flash(_("已通过。") if verb == "approve" else _("已退回。"), "good")
    return redirect(url_for("progress.review"), 303)
