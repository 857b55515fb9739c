"""Reading the plan: tasks with their units, safeguards, the export."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.kernel.errors import NotFound
from app.organisation.models import User
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


def units_of_plan(session: Session, plan: Plan) -> dict[int, dict[str, list[str]]]:
    """`task_units` of every task of the plan, by the task's key; one statement."""
    found: dict[int, dict[str, list[str]]] = {}
    rows = session.scalars(
        select(TaskUnit).join(Task, Task.id == TaskUnit.task_id).where(Task.plan_id == plan.id)
        .order_by(TaskUnit.task_id, TaskUnit.position)
    )  # fmt: skip
    for row in rows:
        found.setdefault(row.task_id, {"lead": [], "responsible": []})[row.role].append(row.name)
    return found


def list_safeguards(session: Session, plan: Plan) -> list[Safeguard]:
    """保障措施, in order."""
    return list(session.scalars(select(Safeguard).where(Safeguard.plan_id == plan.id).order_by(Safeguard.position)))


def get_safeguard(session: Session, plan: Plan, position: int) -> Safeguard:
    """Raises NotFound."""
    found = session.scalar(select(Safeguard).where(Safeguard.plan_id == plan.id, Safeguard.position == position))
    if found is None:
        raise NotFound("方案里没有这一条保障措施。")
    return found


def get_indicator(session: Session, plan: Plan, number: int, code: str) -> Indicator:
    """A live indicator of a task of the plan. Raises NotFound."""
    found = session.scalar(
        select(Indicator)
        .join(Task, Task.id == Indicator.task_id)
        .where(
            Task.plan_id == plan.id, Task.number == number, Indicator.code == code, Indicator.retired_at.is_(None)
        )
    )  # fmt: skip
    if found is None:
        raise NotFound("这项任务没有这个指标。")
    return found


def find_office_target(session: Session, indicator: Indicator, year: int) -> Target | None:
    """The office's live target of this year; those of single units stand apart."""
    return session.scalar(
        select(Target).where(
            Target.indicator_id == indicator.id, Target.origin == TargetOrigin.OFFICE.value, Target.year == year,
            Target.unit_id.is_(None), Target.retired_at.is_(None),
        )
    )  # fmt: skip


def find_document_target(session: Session, indicator: Indicator) -> Target | None:
    """What the document itself promises for this indicator."""
    return session.scalar(
        select(Target)
        .where(Target.indicator_id == indicator.id, Target.origin == TargetOrigin.DOCUMENT.value)
        .order_by(Target.id)
        .limit(1)
    )


def get_target(session: Session, code: str) -> Target:
    """A target by its code, the document's and retired ones too. Raises NotFound."""
    found = session.scalar(select(Target).where(Target.code == code))
    if found is None:
        raise NotFound("没有找到这个目标。")
    return found


def retirers(session: Session, codes: list[str]) -> dict[str, str]:
    """Who retired these targets, by the target's code, from the log."""
    if not codes:
        return {}
    rows = session.execute(
        select(AuditEntry.object_code, User.name)
        .join(User, User.code == AuditEntry.actor_code)
        .where(
            AuditEntry.object_type == "target", AuditEntry.object_code.in_(codes),
            AuditEntry.action == "target.retired",
        )
    )  # fmt: skip
    return {row.object_code: row.name for row in rows}


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
