"""The board of one year: groups, tasks, their indicators, targets and lights, in one typed value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.metrics.queries import last_dates, load_rollup
from app.metrics.rollup import Cell, Grades, Rollup, by_month, figure, light, sum_grades, task_cells
from app.planning.models import Indicator, Plan, Target, TargetOrigin, Task, TaskGroup

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

    @property
    def missing(self) -> int:
        return max(0, self.target - self.value)

    @property
    def is_document(self) -> bool:
        return self.origin == TargetOrigin.DOCUMENT.value


@dataclass(frozen=True, slots=True)
class IndicatorView:
    """One figure of a task; `grades` where it counts 人次."""

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

    @property
    def tasks(self) -> list[TaskLine]:
        return [task for group in self.groups for task in group.tasks]

    def task(self, number: int) -> TaskLine | None:
        return next((task for task in self.tasks if task.number == number), None)


def load_board(session: Session, *, year: int, today: date, host_path: str = "") -> Board:
    """The newest plan's board; ten statements at most."""
    plan = session.scalar(select(Plan).order_by(Plan.issued_on.desc(), Plan.id.desc()).limit(1))
    if plan is None:
        return Board(None, year)
    rollup = load_rollup(session, year, host_path=host_path)
    rows = session.execute(
        select(TaskGroup, Task)
        .join(Task, Task.group_id == TaskGroup.id)
        .where(TaskGroup.plan_id == plan.id)
        .order_by(TaskGroup.position, Task.number)
    ).all()
    indicators = _indicators(session, [row.Task.id for row in rows])
    targets = _targets(session, [i.id for found in indicators.values() for i in found], year)
    dates = last_dates(session)
    months = _months(year, today, plan, rollup)
    groups: dict[int, tuple[TaskGroup, list[TaskLine]]] = {}
    for group, task in rows:
        line = _line(task, rollup, indicators.get(task.id, []), targets, months, dates.get(task.id), today, year)
        groups.setdefault(group.id, (group, []))[1].append(line)
    return Board(
        plan=plan,
        year=year,
        groups=tuple(GroupBlock(g.position, g.title, tuple(lines)) for g, lines in groups.values()),
        grades=sum_grades(rollup.cells),
        activities=sum(cell.activities for cell in rollup.cells),
        months=months,
    )


def _indicators(session: Session, task_ids: Sequence[int]) -> dict[int, list[Indicator]]:
    found: dict[int, list[Indicator]] = {}
    for row in session.scalars(
        select(Indicator)
        .where(Indicator.task_id.in_(task_ids), Indicator.retired_at.is_(None))
        .order_by(Indicator.task_id, Indicator.position)
    ):
        found.setdefault(row.task_id, []).append(row)
    return found


def _targets(session: Session, indicator_ids: Sequence[int], year: int) -> dict[int, list[Target]]:
    """The document's targets, and the office's own of this year; units' own targets stand apart."""
    found: dict[int, list[Target]] = {}
    for row in session.scalars(
        select(Target)
        .where(
            Target.indicator_id.in_(indicator_ids),
            Target.retired_at.is_(None),
            Target.unit_id.is_(None),
            or_(Target.origin == TargetOrigin.DOCUMENT.value, Target.year == year),
        )
        .order_by(Target.origin, Target.id)
    ):
        found.setdefault(row.indicator_id, []).append(row)
    return found


def _months(year: int, today: date, plan: Plan, rollup: Rollup) -> tuple[int, ...]:
    last = today.month if year == today.year else 12
    first = plan.period_starts_on.month if year == plan.period_starts_on.year else 1
    held = [cell.month for cell in rollup.cells]
    return tuple(range(min([first, *held]), max([last, *held]) + 1))


def _line(
    task: Task,
    rollup: Rollup,
    indicators: Sequence[Indicator],
    targets: dict[int, list[Target]],
    months: tuple[int, ...],
    last_on: date | None,
    today: date,
    year: int,
) -> TaskLine:
    cells = task_cells(rollup, task.id)
    views = tuple(_indicator_view(row, rollup, targets.get(row.id, ()), today) for row in indicators)
    every = [target for view in views for target in view.targets]
    # The document's own promise stands first, then what presses most.
    shown = min(every, key=lambda t: (not t.is_document, _SEVERITY.index(t.light)), default=None)
    monthly = tuple(by_month(cells, months))
    return TaskLine(
        id=task.id, number=task.number, title=task.title, short_title=task.short_title,
        light=shown.light if shown else "none", target=shown,
        activities=sum(cell.activities for cell in cells), grades=sum_grades(cells),
        photos=sum(cell.photos for cell in cells), notes=rollup.notes.get(task.id, 0), months=monthly,
        this_month=_this_month(cells, today, year), last_on=last_on, indicators=views,
        platform_note=task.platform_note,
    )  # fmt: skip


def _this_month(cells: Sequence[Cell], today: date, year: int) -> int:
    """How many more activities than at the end of last month."""
    return sum(cell.activities for cell in cells if cell.month == today.month) if year == today.year else 0


def _indicator_view(row: Indicator, rollup: Rollup, targets: Sequence[Target], today: date) -> IndicatorView:
    result = figure(rollup, task_id=row.task_id, measure=row.measure, filters=row.filters)
    return IndicatorView(
        slug=row.slug, label=row.label, unit_word=row.unit_word, measure=row.measure, value=result.value,
        grades=result.grades, kinds=tuple(row.filters.get("kinds", ())),
        programme_kinds=tuple(row.filters.get("programme_kinds", ())),
        establishment_kinds=tuple(row.filters.get("establishment_kinds", ())),
        level=row.filters.get("level", ""),
        targets=tuple(
            TargetView(
                value=result.value, target=target.value, label=row.label, unit_word=row.unit_word,
                due_on=target.due_on, days_left=(target.due_on - today).days if target.due_on else None,
                light=light(value=result.value, target=target.value, due_on=target.due_on, today=today),
                origin=target.origin, text=target.text,
            )
            for target in targets
        ),
    )  # fmt: skip
