"""A unit renamed, moved, retired, restored; what it did before keeps its name of today."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit.log import record
from app.kernel.actor import Actor
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.kernel.text import one_line
from app.organisation.models import ReaderOrder, Unit, UnitKind, User
from app.organisation.queries import lock_district
from app.organisation.rules import LEVELS_MOST, NAME_MOST, name_problem


def list_below(session: Session, unit: Unit) -> list[Unit]:
    """The units of the subtree, without the unit itself, without retired ones."""
    return list(
        session.scalars(
            select(Unit)
            .where(Unit.path.startswith(unit.path, autoescape=True), Unit.id != unit.id, Unit.retired_at.is_(None))
            .order_by(Unit.position, Unit.id)
        )
    )


def count_accounts(session: Session, unit: Unit) -> int:
    """Its own accounts that are not disabled."""
    statement = select(func.count()).select_from(User).where(User.unit_id == unit.id, User.disabled_at.is_(None))
    return session.scalar(statement) or 0


def change_unit(
    session: Session, unit: Unit, *, name: str, kind: UnitKind | None, parent: Unit | None, actor: Actor, now: datetime
) -> None:
    """Another name, kind or parent; the district changes its name only.

    Raises RuleBroken with the field, Conflict for a name in use.
    """
    lock_district(session)  # two moves at once could make a ring
    session.refresh(unit)
    name = one_line(name)
    is_root = unit.kind == UnitKind.DISTRICT.value
    if problem := name_problem(name, NAME_MOST):
        raise RuleBroken(Problem("unit_name", f"单位名称{problem}", field="name"))
    if session.scalar(select(Unit.id).where(Unit.name == name, Unit.id != unit.id)) is not None:
        raise RuleBroken(Problem("unit_exists", f"已经有“{name}”这个单位。", field="name"))
    if not is_root and (kind is None or kind is UnitKind.DISTRICT):
        raise RuleBroken(Problem("unit_kind", "请选单位类型。", field="kind"))
    if not is_root and parent is None:
        raise RuleBroken(Problem("unit_parent", "请选上级单位。", field="parent"))
    before = (unit.name, unit.kind, unit.parent_id)
    unit.name = name
    if kind is not None and parent is not None and not is_root:
        unit.kind = kind.value
        _move(session, unit, parent)
    if before == (unit.name, unit.kind, unit.parent_id):
        return
    session.flush()
    above = session.get(Unit, unit.parent_id) if unit.parent_id else None
    record(
        session, "unit.changed", actor=actor, object_type="unit", object_code=unit.code, now=now,
        payload={"kind": unit.kind, "parent": above.code if above else None},
        private={"before": before[0], "after": unit.name},
    )  # fmt: skip


def _move(session: Session, unit: Unit, parent: Unit) -> None:
    """Hang the unit below another, its whole subtree with it."""
    if parent.id == unit.parent_id:
        return
    if parent.retired_at is not None:
        raise RuleBroken(Problem("parent_retired", f"“{parent.name}”已停用，不能做上级。", field="parent"))
    if parent.path.startswith(unit.path):
        raise RuleBroken(Problem("parent_below", "上级不能是它自己或它下面的单位。", field="parent"))
    old = unit.path
    below = session.scalars(select(Unit).where(Unit.path.startswith(old, autoescape=True))).all()
    new = f"{parent.path}{unit.id}/"
    deepest = max(each.path.count("/") for each in below) - old.count("/") + new.count("/") - 1
    if deepest > LEVELS_MOST:
        raise RuleBroken(Problem("too_deep", f"层级太多，最多{LEVELS_MOST}级。", field="parent"))
    unit.parent_id = parent.id
    for each in below:
        each.path = new + each.path[len(old) :]


def retire_unit(session: Session, unit: Unit, *, actor: Actor, now: datetime) -> None:
    """It takes no new activity, account or unit below it; what it did stays. Raises Conflict, RuleBroken."""
    lock_district(session)
    session.refresh(unit)
    if unit.retired_at is not None:
        raise Conflict("retired_already", "这个单位已经停用了，没有重复办理。")
    if unit.kind == UnitKind.DISTRICT.value:
        raise RuleBroken(Problem("is_root", "区这一级不能停用。", field="retire"))
    if list_below(session, unit):
        raise RuleBroken(Problem("has_units", "它下面还有单位。请先把它们停用或移到别处。", field="retire"))
    if session.scalar(select(ReaderOrder.id).where(ReaderOrder.unit_id == unit.id)) is not None:
        raise RuleBroken(Problem("reads", "它在审核顺序里。请先从审核顺序移出。", field="retire"))
    if count := count_accounts(session, unit):
        raise RuleBroken(Problem("has_accounts", f"还有{count}个账号在用。请先停用这些账号。", field="retire"))
    unit.retired_at = now
    record(session, "unit.retired", actor=actor, object_type="unit", object_code=unit.code, now=now)


def restore_unit(session: Session, unit: Unit, *, actor: Actor, now: datetime) -> None:
    """Back in use, where it stood. Raises RuleBroken when the unit above is retired."""
    lock_district(session)
    session.refresh(unit)
    if unit.retired_at is None:
        raise Conflict("in_use", "这个单位没有停用。")
    above = session.get(Unit, unit.parent_id) if unit.parent_id else None
    if above is not None and above.retired_at is not None:
        raise RuleBroken(Problem("parent_retired", f"上级“{above.name}”已停用，请先恢复它。", field="retire"))
    unit.retired_at = None
    record(session, "unit.restored", actor=actor, object_type="unit", object_code=unit.code, now=now)
