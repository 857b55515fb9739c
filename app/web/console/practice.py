"""The drill of a practice on one page: tickets of nobody to scan from the screen or from paper, and what to try."""

from __future__ import annotations

from flask import url_for
from werkzeug.wrappers import Response

from app.exports.qr import matrix as qr_matrix
from app.extensions import db
from app.kernel.clock import now
from app.organisation.permissions import Action
from app.registration.practice import list_practice_tickets
from app.web.access import keys, load_activity, requires, settings
from app.web.console.blueprint import bp, current_row
from app.web.rendering import render


@bp.get("/practice")
@requires(Action.CHECK_IN)
def drill(code: str) -> Response:
    """For a real activity it says where to open a practice."""
    activity = load_activity(code, Action.CHECK_IN)
    tickets = list_practice_tickets(db.session(), activity, keys=keys())
    shown = [
        (ticket, qr_matrix(f"{settings().base_url}{url_for('tickets.show', secret=ticket.secret)}"))
        for ticket in tickets
    ]
    return render("console/practice.html", activity=activity, row=current_row(activity, now()), tickets=shown)
