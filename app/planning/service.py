"""Loading a plan pack; setting, changing and retiring the office's own targets."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.audit.log import record
from app.kernel.actor import SYSTEM, Actor
from app.kernel.clock import business_day
from app.kernel.errors import Conflict, Problem, RuleBroken, raise_if_blocked
from app.kernel.text import clean
from app.organisation.models import Unit, UnitKind
from app.organisation.service import create_unit
from app.planning.models import (
    Indicator,
    Plan,
    Safeguard,
    Target,
    TargetOrigin,
    Task,
    TaskGroup,
    TaskUnit,
    TaskUnitRole,
)
from app.planning.pack import Pack
from app.planning.queries import find_office_target
from app.planning.rules import reason_problems, target_problems

TOWN_CLASS = "各镇（街道）"  # the plan names the class; towns are loaded by the administrator


def load_plan(session: Session, pack: Pack, *, now: datetime) -> Plan:
    """Write or renew the plan of a checked pack. The office's own targets are never touched."""
    data = pack.data
    units = _offices(session, data, now)
    plan = session.scalar(select(Plan).where(Plan.pack == data["code"]))
    if plan is None:
        plan = Plan(pack=data["code"])
        session.add(plan)
    plan.title, plan.document_number = data["title"], data["document_number"]
    plan.issuer, plan.issued_on = data.get("issuer", ""), data["issued_on"]
    plan.period_starts_on = data.get("period_starts_on", data["issued_on"])
    plan.period_ends_on, plan.interim_on = data.get("period_ends_on"), data.get("interim_on")
    plan.interim_text, plan.pack_digest, plan.loaded_at = data.get("interim_text", ""), pack.digest, now
    session.flush()
    proposals = {row["task"]: row for row in data.get("proposals", [])}
    counted = [0, 0]
    for position, group in enumerate(data["groups"], start=1):
        row = _group(session, plan, position, group["title"])
        for task in group["tasks"]:
            counted[0] += 1
            counted[1] += _task(session, plan, row, task, proposals.get(task["number"], {}), units, now)
    _safeguards(session, plan, data.get("safeguards", []))
    record(
        session, "plan.loaded", actor=SYSTEM, object_type="plan", object_code=plan.code, now=now,
        payload={"pack": plan.pack, "tasks": counted[0], "targets": counted[1], "digest": pack.digest},
    )  # fmt: skip
    return plan


def _safeguards(session: Session, plan: Plan, rows: list[dict[str, Any]]) -> None:
    for position, row in enumerate(rows, start=1):
        found = session.scalar(
            select(Safeguard).where(Safeguard.plan_id == plan.id, Safeguard.position == position)
        ) or Safeguard(plan_id=plan.id, position=position)
        found.title, found.text = row["title"], row["text"]
        session.add(found)


def _offices(session: Session, data: dict[str, Any], now: datetime) -> dict[str, Unit]:
    """The district and every unit the plan names, in the plan's order; made when absent."""
    district = session.scalar(select(Unit).where(Unit.kind == UnitKind.DISTRICT.value).limit(1))
    if district is None:
        district = create_unit(
            session, name=data["district"], kind=UnitKind.DISTRICT, parent=None, actor=SYSTEM, now=now
        )
    names: list[str] = []
    for group in data["groups"]:
        for task in group["tasks"]:
            for name in (*task["lead"], *task.get("responsible", [])):
                if name != TOWN_CLASS and name not in names:
                    names.append(name)
    found = {unit.name: unit for unit in session.scalars(select(Unit).where(Unit.name.in_(names)))}
    for position, name in enumerate(names, start=1):
        if name not in found:
            found[name] = create_unit(
                session, name=name, kind=UnitKind.OFFICE, parent=district, actor=SYSTEM, now=now, position=position
            )
    return found


def _group(session: Session, plan: Plan, position: int, title: str) -> TaskGroup:
    row = session.scalar(select(TaskGroup).where(TaskGroup.plan_id == plan.id, TaskGroup.position == position))
    if row is None:
        row = TaskGroup(plan_id=plan.id, position=position, title=title)
        session.add(row)
    row.title = title
    session.flush()
    return row


def _task(
    session: Session,
    plan: Plan,
    group: TaskGroup,
    data: dict[str, Any],
    proposal: dict[str, Any],
    units: dict[str, Unit],
    now: datetime,
) -> int:
    row = session.scalar(select(Task).where(Task.plan_id == plan.id, Task.number == data["number"]))
    if row is None:
        row = Task(plan_id=plan.id, number=data["number"])
        session.add(row)
    row.group_id, row.title, row.text = group.id, data["title"], data["text"]
    row.short_title = proposal.get("short_title", data["title"])[:30]
    row.counts, row.excludes = proposal.get("counts", ""), proposal.get("excludes", "")
    row.platform_note = proposal.get("platform_note", "")
    session.flush()
    session.execute(delete(TaskUnit).where(TaskUnit.task_id == row.id))
    for role in TaskUnitRole:
        for position, name in enumerate(data.get(role.value, []), start=1):
            unit = units.get(name)
            session.add(
                TaskUnit(
                    task_id=row.id, role=role.value, position=position, name=name,
                    unit_id=unit.id if unit else None,
                    unit_kind=UnitKind.TOWN.value if name == TOWN_CLASS else None,
                )
            )  # fmt: skip
    indicators = _indicators(session, row, proposal.get("indicators", []))
    return _document_targets(session, indicators, data.get("targets", []), now)


def _indicators(session: Session, task: Task, rows: list[dict[str, Any]]) -> dict[str, Indicator]:
    found = {row.slug: row for row in session.scalars(select(Indicator).where(Indicator.task_id == task.id))}
    for position, data in enumerate(rows, start=1):
        row = found.get(data["slug"])
        if row is None:
            row = found[data["slug"]] = Indicator(task_id=task.id, slug=data["slug"])
            session.add(row)
        row.position, row.label, row.unit_word = position, data["label"], data["unit_word"]
        row.measure, row.filters = data["measure"], data.get("filters", {})
    session.flush()
    return found


def _document_targets(
    session: Session, indicators: dict[str, Indicator], rows: list[dict[str, Any]], now: datetime
) -> int:
    ids = [row.id for row in indicators.values()]
    session.execute(delete(Target).where(Target.indicator_id.in_(ids), Target.origin == TargetOrigin.DOCUMENT.value))
    for data in rows:
        session.add(
            Target(
                indicator_id=indicators[data["indicator"]].id, origin=TargetOrigin.DOCUMENT.value, value=data["value"],
                due_on=data.get("due_on"), text=data["text"], set_at=now,
            )
        )  # fmt: skip
    session.flush()
    return len(rows)


def set_target(
    session: Session,
    indicator: Indicator,
    *,
    year: int,
    value: int | None,
    due_on: date | None,
    reason: str,
    actor: Actor,
    now: datetime,
) -> Target:
    """Set or change the office's own target of a year; a changed one is retired, never overwritten.

    It is the whole district's: a target of a single unit would rank units, so `unit_id` stays empty.
    """
    reason = clean(reason)
    session.refresh(indicator, with_for_update=True)  # two at once would leave two live targets
    problems = target_problems(
        year=year, value=value, due_on=due_on, reason=reason, years=_target_years(session, indicator, now)
    )
    old = find_office_target(session, indicator, year)
    if old is not None and (old.value, old.due_on) == (value, due_on):
        problems.append(Problem("same", "和现在的目标一样，没有改动。", field="value"))
    if problems:
        raise RuleBroken(problems)
    if old is not None:
        old.retired_at, old.retired_reason = now, reason
    target = Target(
        indicator_id=indicator.id, origin=TargetOrigin.OFFICE.value, value=value, due_on=due_on, year=year,
        reason=reason, set_by_id=actor.user_id, set_at=now,
    )  # fmt: skip
    session.add(target)
    session.flush()
    record(
        session, "target.set", actor=actor, object_type="target", object_code=target.code, now=now,
        payload={"indicator": indicator.code, "before": _plain(old), "after": _plain(target)},
        private={"reason": reason},
    )  # fmt: skip
    return target


def _target_years(session: Session, indicator: Indicator, now: datetime) -> tuple[int, int]:
    """From the plan's first year to next year: December sets what January begins with."""
    plan = session.get_one(Plan, indicator.task.plan_id)
    last = business_day(now).year + 1
    return plan.period_starts_on.year, min(last, plan.period_ends_on.year) if plan.period_ends_on else last


def retire_target(session: Session, target: Target, *, reason: str, actor: Actor, now: datetime) -> None:
    """Take an office target away; the document's stay as printed."""
    reason = clean(reason)
    session.refresh(target, with_for_update=True)
    refuse_retiring(target)
    raise_if_blocked(reason_problems(reason))
    target.retired_at, target.retired_reason = now, reason
    record(
        session, "target.retired", actor=actor, object_type="target", object_code=target.code, now=now,
        payload={"indicator": target.indicator.code, "before": _plain(target)}, private={"reason": reason},
    )  # fmt: skip


def refuse_retiring(target: Target) -> None:
    """Raises Conflict where there is nothing to retire; the confirming page asks this first."""
    if target.origin != TargetOrigin.OFFICE.value:
        raise Conflict("document_target", "方案原文的目标不能停用。")
    if target.retired_at is not None:
        raise Conflict("retired_already", "这个目标已经停用。")


def _plain(target: Target | None) -> dict[str, Any] | None:
    if target is None:
        return None
    return {"value": target.value, "due_on": target.due_on.isoformat() if target.due_on else None, "year": target.year}
