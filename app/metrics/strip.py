"""The plan in one honest strip for the public home: five statements, whatever the size of the district."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.metrics.queries import count_erased, load_light_rollup
from app.metrics.rollup import Grades, Rollup, figure, light, sum_grades, task_cells
from app.planning.models import Indicator, Plan, Target, TargetOrigin, Task, TaskGroup


@dataclass(frozen=True, slots=True)
class Promise:
    """A target that the document states, against its figure."""

    number: int
    value: int
    target: int
    unit_word: str
    due_on: date | None
    light: str

    @property
    def missing(self) -> int:
        return max(0, self.target - self.value)


@dataclass(frozen=True, slots=True)
class Seed:
    """One task: how many activities, and what the document promised for it."""

    number: int
    short_title: str
    activities: int
    promise: Promise | None


@dataclass(frozen=True, slots=True)
class Strip:
    """`groups` are (title, seeds); empty without a plan."""

    groups: tuple[tuple[str, tuple[Seed, ...]], ...]
    activities: int
    grades: Grades
    erased: int

    @property
    def seeds(self) -> list[Seed]:
        return [seed for _title, seeds in self.groups for seed in seeds]

    @property
    def promises(self) -> list[Promise]:
        return [seed.promise for seed in self.seeds if seed.promise]

    @property
    def with_activities(self) -> int:
        return sum(1 for seed in self.seeds if seed.activities)


def load_strip(session: Session, *, year: int, today: date) -> Strip:
    """The newest plan, this year's figures, the document's own targets and no other."""
    newest = select(Plan.id).order_by(Plan.issued_on.desc(), Plan.id.desc()).limit(1).scalar_subquery()
    rows = session.execute(
        select(TaskGroup.title, Task.id, Task.number, Task.short_title)
        .join(Task, Task.group_id == TaskGroup.id)
        .where(TaskGroup.plan_id == newest)
        .order_by(TaskGroup.position, Task.number)
    ).all()
    if not rows:
        return Strip((), 0, Grades(), 0)
    stated = session.execute(
        select(Target, Indicator)
        .join(Indicator, Indicator.id == Target.indicator_id)
        .where(
            Indicator.task_id.in_([row.id for row in rows]),
            Target.origin == TargetOrigin.DOCUMENT.value,
            Target.retired_at.is_(None),
        )
        .order_by(Target.id)
    ).all()
    rollup = load_light_rollup(session, year, measures={indicator.measure for _target, indicator in stated})
    numbers = {row.id: row.number for row in rows}
    promises = {
        indicator.task_id: _promise(rollup, numbers[indicator.task_id], target, indicator, today)
        for target, indicator in stated
    }
    groups: dict[str, list[Seed]] = {}
    for row in rows:
        held = sum(cell.activities for cell in task_cells(rollup, row.id))
        groups.setdefault(row.title, []).append(Seed(row.number, row.short_title, held, promises.get(row.id)))
    return Strip(
        groups=tuple((title, tuple(seeds)) for title, seeds in groups.items()),
        activities=sum(cell.activities for cell in rollup.cells),
        grades=sum_grades(rollup.cells),
        erased=count_erased(session),
    )


def _promise(rollup: Rollup, number: int, target: Target, indicator: Indicator, today: date) -> Promise:
    found = figure(rollup, task_id=indicator.task_id, measure=indicator.measure, filters=indicator.filters)
    return Promise(
        number, found.value, target.value, indicator.unit_word, target.due_on,
        light(value=found.value, target=target.value, due_on=target.due_on, today=today),
    )  # fmt: skip
