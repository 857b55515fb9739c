"""Units: the list, a new one, one renamed, moved or retired."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import DomainError
from app.organisation.models import UNIT_KIND_LABELS, UnitKind
from app.organisation.permissions import Action
from app.organisation.queries import get_unit, list_readers, list_units
from app.organisation.service import create_unit
from app.web.access import current_actor, requires
from app.web.organisation.blueprint import bp
from app.web.rendering import render, staff_page


@bp.get("/organisation")
@requires(Action.ORGANISATION_MANAGE)
def units() -> Response:
    """Units in the plan's order, and the order of readers."""
    staff_page()
    return render(
        "organisation/units.html", units=list_units(db.session()), kinds=UNIT_KIND_LABELS, typed=request.form,
        readers=list_readers(db.session()),
    )  # fmt: skip


@bp.post("/organisation/units")
@requires(Action.ORGANISATION_MANAGE)
def add_unit() -> Response:
    """A new unit below another."""
    try:
        kind = UnitKind(request.form.get("kind", ""))
        with transaction(db.session) as tx:
            create_unit(
                tx, name=request.form.get("name", "")[:60], kind=kind, parent=get_unit(tx, request.form.get("parent", "")),
                actor=current_actor(), now=now(),
            )  # fmt: skip
        flash(_("已新建单位。"), "good")
    except (DomainError, ValueError) as error:
        flash(error.message if isinstance(error, DomainError) else _("请选单位类型。"), "bad")
    return redirect(url_for("organisation.units"), 303)
