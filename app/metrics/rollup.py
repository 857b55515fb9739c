"""Indicators from grouped sums of facts. Pure: cells in, figures out.

A cell is one group of facts (task, month, kind, programme kind) with its sums; distinct things
come as sightings. Both are few however many check-ins there are, so a figure never scans one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

AMBER_DAYS = 60  # domain.md, Lights

ADDED = {
    "activities": "activities", "sessions": "sessions", "classes": "classes", "pairs": "pairs", "reach": "reach",
}  # fmt: skip
SEEN = {
    "schools": ("unit", "school"), "towns": ("unit", "town"), "units": ("unit", ""),
    "heritage_items": ("heritage", ""), "partners": ("partner", ""), "media_links": ("media_link", ""),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Grades:
    """人次 by how they are known: 扫码核验, 现场码, 张贴码, 清点/补录."""

    a: int = 0
    b: int = 0
    c: int = 0
    d: int = 0

    @property
    def total(self) -> int:
        return self.a + self.b + self.c + self.d

    @property
    def verified(self) -> int:
        return self.a + self.b

    def __add__(self, other: Grades) -> Grades:
        return Grades(self.a + other.a, self.b + other.b, self.c + other.c, self.d + other.d)


@dataclass(frozen=True, slots=True)
class Cell:
    """Sums of the live facts of one task, month, kind and programme kind."""

    task_id: int
    month: int
    kind: str
    programme_kind: str
    activities: int
    sessions: int
    grades: Grades
    classes: int = 0
    pairs: int = 0
    reach: int = 0
    photos: int = 0


@dataclass(frozen=True, slots=True)
class Sighting:
    """Something counted once: a unit reached, a heritage item, a partner, a media link."""

    task_id: int
    kind: str
    programme_kind: str
    thing: str  # unit | heritage | partner | media_link
    sort: str  # the unit's kind, else empty
    value: str


@dataclass(frozen=True, slots=True)
class EstablishmentCount:
    """Approved and named establishments of one kind and level."""

    kind: str
    level: str
    count: int


@dataclass(frozen=True, slots=True)
class Rollup:
    """Everything one year's figures are made from."""

    cells: Sequence[Cell] = ()
    sightings: Sequence[Sighting] = ()
    establishments: Sequence[EstablishmentCount] = ()
    notes: dict[int, int] = field(default_factory=dict)  # task id → approved notes
    last_on: dict[int, date] = field(default_factory=dict)  # task id → newest approved activity or note of any year
    years: tuple[int, ...] = ()  # years with facts, newest first


@dataclass(frozen=True, slots=True)
class Figure:
    """A value, and its grades where it counts 人次."""

    value: int
    grades: Grades | None = None


def _matches(filters: dict[str, Any], kind: str, programme_kind: str) -> bool:
    kinds, programmes = filters.get("kinds"), filters.get("programme_kinds")
    return (not kinds or kind in kinds) and (not programmes or programme_kind in programmes)


def task_cells(rollup: Rollup, task_id: int, filters: dict[str, Any] | None = None) -> list[Cell]:
    """The cells of a task that an indicator's filter lets through."""
    return [
        cell
        for cell in rollup.cells
        if cell.task_id == task_id and _matches(filters or {}, cell.kind, cell.programme_kind)
    ]


def sum_grades(cells: Iterable[Cell]) -> Grades:
    total = Grades()
    for cell in cells:
        total = total + cell.grades
    return total


def figure(rollup: Rollup, *, task_id: int, measure: str, filters: dict[str, Any]) -> Figure:
    """One indicator of one task. Raises KeyError for a measure that is not known."""
    cells = task_cells(rollup, task_id, filters)
    if measure in ADDED:
        return Figure(sum(getattr(cell, ADDED[measure]) for cell in cells))
    if measure in ("participations", "verified"):
        grades = sum_grades(cells)
        return Figure(grades.total if measure == "participations" else grades.verified, grades)
    if measure == "establishments":
        return Figure(count_establishments(rollup.establishments, filters))
    if measure == "notes":
        return Figure(rollup.notes.get(task_id, 0))
    thing, sort = SEEN[measure]
    values = {
        sighting.value
        for sighting in rollup.sightings
        if sighting.task_id == task_id
        and sighting.thing == thing
        and (not sort or sighting.sort == sort)
        and _matches(filters, sighting.kind, sighting.programme_kind)
    }
    return Figure(len(values))


def count_establishments(rows: Iterable[EstablishmentCount], filters: dict[str, Any]) -> int:
    kinds, level = filters.get("establishment_kinds"), filters.get("level")
    return sum(row.count for row in rows if (not kinds or row.kind in kinds) and (not level or row.level == level))


def light(*, value: int, target: int | None, due_on: date | None, today: date) -> str:
    """green 达成, amber 临期 (≤ 60 days left), red 逾期, grey 进行中; none without a target."""
    if target is None:
        return "none"
    if value >= target:
        return "green"
    if due_on is None:
        return "grey"
    if due_on < today:
        return "red"
    return "amber" if due_on - today <= timedelta(days=AMBER_DAYS) else "grey"


def by_month(cells: Iterable[Cell], months: Sequence[int]) -> list[tuple[int, int, Grades]]:
    """(month, activities, grades) for each month asked for, zeros included."""
    found: dict[int, tuple[int, Grades]] = {}
    for cell in cells:
        count, grades = found.get(cell.month, (0, Grades()))
        found[cell.month] = (count + cell.activities, grades + cell.grades)
    return [(month, *found.get(month, (0, Grades()))) for month in months]
