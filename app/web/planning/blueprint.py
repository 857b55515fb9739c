"""The blueprint of the plan's pages, and the plan that all of them need."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy.orm import Session

from app.kernel.errors import NotFound
from app.planning.models import Plan
from app.planning.queries import current_plan
from app.web.rendering import staff_page

bp = Blueprint("planning", __name__, url_prefix="/plan")


@bp.before_request
def _mark() -> None:
    staff_page()


def get_plan(session: Session) -> Plan:
    """The newest plan. Raises NotFound before one is loaded."""
    plan = current_plan(session)
    if plan is None:
        raise NotFound("还没有载入实施方案。")
    return plan
