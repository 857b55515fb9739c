"""The newest plan with its tasks, indicators and targets in one statement; the same for every year."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import and_, or_, select
from sqlalchemy.orm import Session

from app.organisation.models import User
from app.planning.models import Indicator, Plan, Target, TargetOrigin, Task, TaskGroup


@dataclass(slots=True)
class PlanTree:
    """`targets` are (target, who set it) by indicator: the document's first, then the office's, retired ones too."""

    plan: Plan | None = None
    groups: dict[int, tuple[TaskGroup, list[Task]]] = field(default_factory=dict)
    indicators: dict[int, list[Indicator]] = field(default_factory=dict)
    targets: dict[int, list[tuple[Target, str]]] = field(default_factory=dict)

    def years(self, this_year: int) -> list[int]:
        """Years of the plan's period that have begun, newest first."""
        if self.plan is None:
            return []
        last = self.plan.period_ends_on.year if self.plan.period_ends_on else this_year
        return list(range(min(last, this_year), self.plan.period_starts_on.year - 1, -1))


def load_tree(session: Session) -> PlanTree:
    """One statement. Targets of single units stand apart and are not read."""
    newest = select(Plan.id).order_by(Plan.issued_on.desc(), Plan.id.desc()).limit(1).scalar_subquery()
    rows = session.execute(
        select(Plan, TaskGroup, Task, Indicator, Target, User.name.label("setter"))
        .outerjoin(TaskGroup, TaskGroup.plan_id == Plan.id)
        .outerjoin(Task, Task.group_id == TaskGroup.id)
        .outerjoin(Indicator, and_(Indicator.task_id == Task.id, Indicator.retired_at.is_(None)))
        .outerjoin(
            Target,
            and_(
                Target.indicator_id == Indicator.id,
                Target.unit_id.is_(None),
                or_(Target.origin == TargetOrigin.OFFICE.value, Target.retired_at.is_(None)),
            ),
        )
        .outerjoin(User, User.id == Target.set_by_id)
        .where(Plan.id == newest)
        .order_by(TaskGroup.position, Task.number, Indicator.position, Target.origin, Target.id)
    )
    tree = PlanTree()
    for plan, group, task, indicator, target, setter in rows:
        tree.plan = plan
        if task is None:
            continue
        tasks = tree.groups.setdefault(group.id, (group, []))[1]
        if task not in tasks:
            tasks.append(task)
        if indicator is None:
            continue
        indicators = tree.indicators.setdefault(task.id, [])
        if indicator not in indicators:
            indicators.append(indicator)
        if target is not None:
            tree.targets.setdefault(indicator.id, []).append((target, setter or ""))
    return tree
