"""The administrator's page on how the installation is doing: the night, the backups, the disk."""

from __future__ import annotations

import shutil

from flask import Blueprint
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.clock import now
from app.metrics.queries import count_erased
from app.organisation.permissions import Action
from app.privacy.health import health_lines
from app.privacy.queries import count_known, list_purges, marks
from app.web.access import requires, settings
from app.web.rendering import render, staff_page

bp = Blueprint("operations", __name__)


@bp.get("/operations")
@requires(Action.HEALTH_READ)
def index() -> Response:
    """Each step of the night with its last outcome; what was removed so far."""
    staff_page()
    found, session = settings(), db.session()
    return render(
        "operations/index.html",
        lines=health_lines(
            marks(session), backup_hours=found.backup_hours, free=shutil.disk_usage(found.home).free, now=now()
        ),
        purges=list_purges(session, limit=30),
        erased=count_erased(session),
        known=count_known(session),
    )
