"""The blueprint of notes and establishments, and the unit that an account writes for."""

from __future__ import annotations

from flask import Blueprint
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.errors import NotFound
from app.organisation.models import Unit
from app.organisation.permissions import Action, may_at, reach
from app.web.access import current_actor
from app.web.rendering import staff_page

bp = Blueprint("progress", __name__)


@bp.before_request
def _mark() -> None:
    staff_page()


def writing_unit(session: Session, action: Action) -> Unit:
    """The account's own unit, or the one its role stands at where that is another."""
    actor = current_actor()
    if may_at(actor, action, actor.unit_path):
        return session.get_one(Unit, actor.unit_id)
    paths = reach(actor, action) or []
    return session.scalars(select(Unit).where(Unit.path.in_(paths)).order_by(Unit.id)).first() or _nowhere()


def _nowhere() -> Unit:
    raise NotFound("没有找到可以填报的单位。")


def check_own(session: Session, unit_id: int, action: Action) -> None:
    """A foreign unit's note or establishment answers like an absent one. Raises NotFound."""
    if not may_at(current_actor(), action, session.get_one(Unit, unit_id).path):
        raise NotFound("没有找到这一条，或者它不归您的单位管。")
