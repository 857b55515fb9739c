"""Units: the list, a new one, one renamed, moved or retired."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.kernel.text import one_line
from app.organisation.models import UNIT_KIND_LABELS, Unit, UnitKind
from app.organisation.permissions import Action
from app.organisation.queries import find_unit, get_unit, list_readers, list_units
from app.organisation.rules import NAME_MOST, name_problem
from app.organisation.service import create_unit
from app.organisation.units import change_unit, count_accounts, list_below, restore_unit, retire_unit
from app.web.access import current_actor, requires
from app.web.organisation.blueprint import bp
from app.web.rendering import render, staff_page


@bp.get("/organisation")
@requires(Action.ORGANISATION_MANAGE)
def units() -> Response:
    """Units in the plan's order, and the order of readers."""
    return _units_page()


def _units_page(*, errors: dict[str, str] | None = None) -> Response:
    staff_page()
    everyone = list_units(db.session(), with_retired=True)
    return render(
        "organisation/units.html", status=422 if errors else 200, kinds=UNIT_KIND_LABELS, typed=request.form,
        units=[unit for unit in everyone if unit.retired_at is None], errors=errors or {},
        retired=[unit for unit in everyone if unit.retired_at is not None], readers=list_readers(db.session()),
        names={unit.id: unit.name for unit in everyone},
    )  # fmt: skip


@bp.post("/organisation/units")
@requires(Action.ORGANISATION_MANAGE)
def add_unit() -> Response:
    """A new unit below another."""
    form = request.form
    name = one_line(form.get("name", ""))
    try:
        with transaction(db.session) as tx:
            if problem := name_problem(name, NAME_MOST):
                raise RuleBroken(Problem("unit_name", _("单位名称%(p)s", p=problem), field="name"))
            kind, parent = _kind(), _parent(tx)
            if kind is None or kind is UnitKind.DISTRICT:
                raise RuleBroken(Problem("unit_kind", _("请选单位类型。"), field="kind"))
            if parent is None:
                raise RuleBroken(Problem("unit_parent", _("请从列表里选上级单位。"), field="parent"))
            last = tx.scalar(select(func.max(Unit.position))) or 0
            create_unit(
                tx, name=name, kind=kind, parent=parent, actor=current_actor(), now=now(), position=last + 1
            )  # fmt: skip
    except RuleBroken as refused:
        return _units_page(errors={p.field: p.message for p in refused.problems})
    except Conflict as taken:
        return _units_page(errors={"name": taken.message})
    flash(_("已新建单位。"), "good")
    return redirect(url_for("organisation.units"), 303)


@bp.get("/organisation/units/<code>")
@requires(Action.ORGANISATION_MANAGE)
def unit(code: str) -> Response:
    """One unit: its name, kind and place, what stands below it, whether it is in use."""
    return _unit_page(code)


@bp.post("/organisation/units/<code>/<any(change, retire, restore):verb>")
@requires(Action.ORGANISATION_MANAGE)
def edit_unit(code: str, verb: str) -> Response:
    """The verbs of a unit."""
    try:
        with transaction(db.session) as tx:
            found = get_unit(tx, code)
            if verb == "change":
                change_unit(
                    tx, found, name=request.form.get("name", ""), kind=_kind(), parent=_parent(tx), actor=current_actor(),
                    now=now(),
                )  # fmt: skip
            elif verb == "retire":
                retire_unit(tx, found, actor=current_actor(), now=now())
            else:
                restore_unit(tx, found, actor=current_actor(), now=now())
    except RuleBroken as refused:
        return _unit_page(code, errors={p.field: p.message for p in refused.problems})
    words = {"change": _("已保存。"), "retire": _("已停用这个单位。"), "restore": _("已恢复这个单位。")}
    flash(words[verb], "good")
    return redirect(url_for("organisation.unit", code=code), 303)


def _kind() -> UnitKind | None:
    try:
        return UnitKind(request.form.get("kind", ""))
    except ValueError:
        return None


def _parent(tx: Session) -> Unit | None:
    wanted = request.form.get("parent")
    if wanted is None:  # the district's form has no such field
        return None
    found = find_unit(tx, wanted)
    if found is None:
        raise RuleBroken(Problem("unit_parent", _("请从列表里选上级单位。"), field="parent"))
    return found


def _unit_page(code: str, *, errors: dict[str, str] | None = None) -> Response:
    staff_page()
    session = db.session()
    found = get_unit(session, code)
    below = list_below(session, found)
    own = {found.id} | {unit.id for unit in below}
    return render(
        "organisation/unit.html", status=422 if errors else 200, unit=found, below=below, errors=errors or {},
        typed=request.form, accounts=count_accounts(session, found), kinds=UNIT_KIND_LABELS,
        parents=[unit for unit in list_units(session) if unit.id not in own], is_root=found.kind == UnitKind.DISTRICT.value,
    )  # fmt: skip
