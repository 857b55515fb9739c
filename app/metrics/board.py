"""The board of one year: groups, tasks, their indicators, targets and lights, in one typed value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from sqlalchemy.orm import Session

from app.metrics.queries import load_rollup
from app.metrics.rollup import Cell, Grades, Rollup, by_month, figure, light, sum_grades, task_cells
from app.metrics.tree import PlanTree, load_tree
from app.planning.models import Indicator, Plan, Target, TargetOrigin, Task

_SPOKEN = ("activities", "schools", "towns", "establishments", "classes", "pairs", "media_links")
_SEVERITY = ("red", "amber", "grey", "green")  # a task shows its most pressing light


@dataclass(frozen=True, slots=True)
class TargetView:
    """One target against its figure. `days_left` is None without a date, negative past it."""

    value: int
    target: int
    label: str
    unit_word: str
    due_on: date | None
    days_left: int | None
    light: str
    origin: str
    text: str
    code: str = ""
    reason: str = ""
    set_by: str = ""
    set_at: datetime | None = None
    retired_at: datetime | None = None
    retired_reason: str = ""

    @property
    def missing(self) -> int:
        return max(0, self.target - self.value)

    @property
    def is_document(self) -> bool:
        return self.origin == TargetOrigin.DOCUMENT.value


@dataclass(frozen=True, slots=True)
class IndicatorView:
    """One figure of a task; `grades` where it counts 人次; `past` are the office's retired targets of the year."""

    slug: str
    label: str
    unit_word: str
    measure: str
    value: int
    grades: Grades | None
    kinds: tuple[str, ...]
    programme_kinds: tuple[str, ...]
    establishment_kinds: tuple[str, ...]
    level: str
    targets: tuple[TargetView, ...]
    code: str = ""
    past: tuple[TargetView, ...] = ()

    @property
    def of_document(self) -> TargetView | None:
        return next((target for target in self.targets if target.is_document), None)

    @property
    def of_office(self) -> TargetView | None:
        return next((target for target in self.targets if not target.is_document), None)


@dataclass(frozen=True, slots=True)
class TaskLine:
    """One row of the dashboard."""

    id: int
    number: int
    title: str
    short_title: str
    light: str
    target: TargetView | None
    activities: int
    grades: Grades
    photos: int
    notes: int
    months: tuple[tuple[int, int, Grades], ...]
    this_month: int
    last_on: date | None
    indicators: tuple[IndicatorView, ...]
    schools: int = 0  # reached by its activities, whether an indicator asks or not
    towns: int = 0
    text: str = ""
    counts: str = ""
    excludes: str = ""
    platform_note: str = ""

    def value(self, slug_or_measure: str) -> int:
        """The figure of an indicator by slug or measure; 0 when the task has none."""
        for view in self.indicators:
            if slug_or_measure in (view.slug, view.measure):
                return view.value
        return 0

    @property
    def sentence(self) -> str:
        """One speakable line: “12节 9校 31班”; notes only, and no number, where nothing is counted."""
        parts = [
            f"{view.value}{view.unit_word}{'' if view.measure == 'activities' else view.label}"
            for view in self.indicators
            if view.value and view.measure in _SPOKEN
        ]
        if parts:
            return "，".join(parts[:3])
        return f"{self.notes}条工作进展" if self.notes else "还没有活动和进展"

    @property
    def months_words(self) -> str:
        """The sparkline in words."""
        return "，".join(f"{month}月{count}场" for month, count, _ in self.months)


@dataclass(frozen=True, slots=True)
class GroupBlock:
    """方面 with its tasks."""

    position: int
    title: str
    tasks: tuple[TaskLine, ...]

    @property
    def activities(self) -> int:
        return sum(task.activities for task in self.tasks)


@dataclass(frozen=True, slots=True)
class Board:
    """Everything the dashboard, the strip on the home page and the API show of one year."""

    plan: Plan | None
    year: int
    groups: tuple[GroupBlock, ...] = ()
    grades: Grades = field(default_factory=Grades)
    activities: int = 0
    months: tuple[int, ...] = ()
    years: tuple[int, ...] = ()  # the plan's years so far and those with facts, newest first
    is_past: bool = False

    @property
    def tasks(self) -> list[TaskLine]:
        return [task for group in self.groups for task in group.tasks]

    def task(self, number: int) -> TaskLine | None:
        return next((task for task in self.tasks if task.number == number), None)

    def group_of(self, number: int) -> GroupBlock:
        return next(group for group in self.groups if any(task.number == number for task in group.tasks))


def load_board(
    session: Session, *, year: int, today: date, hosts: Sequence[str] | None = None, tree: PlanTree | None = None
) -> Board:
    """The newest plan's board; four statements, three when the caller read the tree."""
    tree = tree or load_tree(session)
    plan = tree.plan
    if plan is None:
        return Board(None, year, years=(year,))
    rollup = load_rollup(session, year, hosts=hosts)
    months = _months(year, today, plan, rollup)
    return Board(
        plan=plan,
        year=year,
        groups=tuple(
            GroupBlock(
                group.position, group.title, tuple(_line(task, rollup, tree, months, today, year) for task in tasks)
            )
            for group, tasks in tree.groups.values()
        ),
        grades=sum_grades(rollup.cells),
        activities=sum(cell.activities for cell in rollup.cells),
        months=months,
        years=tuple(sorted({year, today.year, *rollup.years, *tree.years(today.year)}, reverse=True)),
        is_past=year < today.year,
    )


def _months(year: int, today: date, plan: Plan, rollup: Rollup) -> tuple[int, ...]:
    last = today.month if year == today.year else 12
    first = plan.period_starts_on.month if year == plan.period_starts_on.year else 1
    held = [cell.month for cell in rollup.cells]
    return tuple(range(min([first, *held]), max([last, *held]) + 1))


def _line(task: Task, rollup: Rollup, tree: PlanTree, months: tuple[int, ...], today: date, year: int) -> TaskLine:
    cells = task_cells(rollup, task.id)
    views = tuple(_indicator_view(row, rollup, tree, today, year) for row in tree.indicators.get(task.id, ()))
    every = [target for view in views for target in view.targets]
    # The document's own promise stands first, then what presses most.
    shown = min(every, key=lambda t: (not t.is_document, _SEVERITY.index(t.light)), default=None)
    return TaskLine(
        id=task.id, number=task.number, title=task.title, short_title=task.short_title,
        light=shown.light if shown else "none", target=shown,
        activities=sum(cell.activities for cell in cells), grades=sum_grades(cells),
        photos=sum(cell.photos for cell in cells), notes=rollup.notes.get(task.id, 0),
        months=tuple(by_month(cells, months)), this_month=_this_month(cells, today, year),
        last_on=rollup.last_on.get(task.id), indicators=views, schools=_reached(rollup, task.id, "schools"),
        towns=_reached(rollup, task.id, "towns"), text=task.text, counts=task.counts,
        excludes=task.excludes, platform_note=task.platform_note,
    )  # fmt: skip


def _reached(rollup: Rollup, task_id: int, measure: str) -> int:
    return figure(rollup, task_id=task_id, measure=measure, filters={}).value


def _this_month(cells: Sequence[Cell], today: date, year: int) -> int:
    """How many more activities than at the end of last month."""
    return sum(cell.activities for cell in cells if cell.month == today.month) if year == today.year else 0


def _indicator_view(row: Indicator, rollup: Rollup, tree: PlanTree, today: date, year: int) -> IndicatorView:
    result = figure(rollup, task_id=row.task_id, measure=row.measure, filters=row.filters)
    of_year = [
        (target, setter)
        for target, setter in tree.targets.get(row.id, ())
        if target.origin == TargetOrigin.DOCUMENT.value or target.year == year
    ]
    views = [_target_view(target, setter, row, result.value, today) for target, setter in of_year]
    return IndicatorView(
        slug=row.slug, label=row.label, unit_word=row.unit_word, measure=row.measure, value=result.value,
        grades=result.grades, kinds=tuple(row.filters.get("kinds", ())),
        programme_kinds=tuple(row.filters.get("programme_kinds", ())),
        establishment_kinds=tuple(row.filters.get("establishment_kinds", ())),
        level=row.filters.get("level", ""), code=row.code,
        targets=tuple(view for view in views if view.retired_at is None),
        past=tuple(view for view in reversed(views) if view.retired_at is not None),
    )  # fmt: skip


def _target_view(target: Target, setter: str, row: Indicator, value: int, today: date) -> TargetView:
    return TargetView(
        value=value, target=target.value, label=row.label, unit_word=row.unit_word,
        due_on=target.due_on, days_left=(target.due_on - today).days if target.due_on else None,
        light=light(value=value, target=target.value, due_on=target.due_on, today=today),
        origin=target.origin, text=target.text, code=target.code, reason=target.reason, set_by=setter,
        set_at=target.set_at, retired_at=target.retired_at, retired_reason=target.retired_reason,
    )  # fmt: skip
