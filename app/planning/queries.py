"""Reading the plan: tasks with their units, safeguards, the export."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.errors import NotFound
from app.planning.models import Indicator, Plan, Safeguard, Target, TargetOrigin, Task, TaskGroup, TaskUnit


def current_plan(session: Session) -> Plan | None:
    """The newest plan."""
    return session.scalar(select(Plan).order_by(Plan.issued_on.desc(), Plan.id.desc()).limit(1))


def get_task(session: Session, plan: Plan, number: int) -> Task:
    """Raises NotFound."""
    task = session.scalar(select(Task).where(Task.plan_id == plan.id, Task.number == number))
    if task is None:
        raise NotFound("方案里没有这一项任务。")
    return task


def task_units(session: Session, task_id: int) -> dict[str, list[str]]:
    """Names by role, as printed."""
    found: dict[str, list[str]] = {"lead": [], "responsible": []}
    for row in session.scalars(select(TaskUnit).where(TaskUnit.task_id == task_id).order_by(TaskUnit.position)):
        found[row.role].append(row.name)
    return found


def list_safeguards(session: Session, plan: Plan) -> list[Safeguard]:
    """保障措施, in order."""
    return list(session.scalars(select(Safeguard).where(Safeguard.plan_id == plan.id).order_by(Safeguard.position)))


def office_targets(session: Session, task_id: int) -> list[Target]:
    """The office's own targets of a task, the live ones first."""
    return list(
        session.scalars(
            select(Target)
            .join(Indicator, Indicator.id == Target.indicator_id)
            .where(Indicator.task_id == task_id, Target.origin == TargetOrigin.OFFICE.value)
            .order_by(Target.retired_at.is_not(None), Target.year.desc(), Target.id.desc())
        )
    )


def export_plan(session: Session, pack: str) -> dict[str, Any]:
    """The document as JSON, in the shape that contract.md promises; the office's targets stand apart."""
    plan = session.scalar(select(Plan).where(Plan.pack == pack))
    if plan is None:
        raise NotFound(f"还没有载入“{pack}”。")
    groups = []
    for group in session.scalars(select(TaskGroup).where(TaskGroup.plan_id == plan.id).order_by(TaskGroup.position)):
        tasks = session.scalars(select(Task).where(Task.group_id == group.id).order_by(Task.number))
        groups.append({"title": group.title, "tasks": [_task(session, task) for task in tasks]})
    return {"code": plan.pack, "title": plan.title, "issued_on": plan.issued_on.isoformat(), "groups": groups}


def _task(session: Session, task: Task) -> dict[str, Any]:
    units = task_units(session, task.id)
    targets = session.execute(
        select(Target, Indicator.slug)
        .join(Indicator, Indicator.id == Target.indicator_id)
        .where(Indicator.task_id == task.id, Target.origin == TargetOrigin.DOCUMENT.value)
        .order_by(Target.id)
    )
    return {
        "number": task.number,
        "title": task.title,
        "text": task.text,
        "lead": units["lead"],
        "responsible": units["responsible"],
        "targets": [
            {
                "indicator": slug,
                "value": target.value,
                "due_on": target.due_on.isoformat() if target.due_on else None,
                "text": target.text,
            }
            for target, slug in targets
        ],
    }
