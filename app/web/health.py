"""/healthz and /readyz for operators: one line, no detail."""

from __future__ import annotations

from flask import Blueprint, Response
from sqlalchemy import text

from app.extensions import db
from app.web.access import public

bp = Blueprint("health", __name__)


def _plain(body: str, status: int = 200) -> Response:
    return Response(body + "\n", status, mimetype="text/plain")


@bp.get("/healthz")
@public
def healthz() -> Response:
    """The process answers."""
    return _plain("ok")


@bp.get("/readyz")
@public
def readyz() -> Response:
    """The database answers and its schema is there."""
    try:
        db.session.execute(text("SELECT count(*) FROM plan"))
    except Exception:  # noqa: BLE001 - whatever fails, the answer for the balancer is the same
        db.session.rollback()
        return _plain("database", 503)
    return _plain("ready")
