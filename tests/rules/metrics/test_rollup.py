"""Figures as sums over cells; lights by due date."""

from __future__ import annotations

from datetime import date

import pytest

from app.metrics.rollup import Cell, EstablishmentCount, Grades, Rollup, Sighting, by_month, figure, light

TODAY = date(2026, 11, 24)
ROLLUP = Rollup(
    cells=(
        Cell(10, 9, "heritage_visit", "", 2, 2, Grades(10, 5, 0, 1), classes=4),
        Cell(10, 10, "culture_sport", "heritage_season", 1, 3, Grades(0, 7, 2, 0)),
        Cell(9, 9, "exchange", "", 5, 5, Grades(1, 1, 1, 1)),
    ),
    sightings=(
        Sighting(10, "heritage_visit", "", "unit", "school", "1"),
        Sighting(10, "culture_sport", "", "unit", "school", "1"),
        Sighting(10, "heritage_visit", "", "unit", "town", "2"),
        Sighting(9, "exchange", "", "unit", "school", "3"),
        Sighting(10, "heritage_visit", "", "heritage", "", "5"),
    ),
    establishments=(EstablishmentCount("practice_base", "city", 1), EstablishmentCount("practice_base", "district", 2)),
    notes={12: 2},
)


@pytest.mark.parametrize(
    ("task", "measure", "filters", "value"),
    [
        (10, "activities", {}, 3),
        (10, "activities", {"kinds": ["heritage_visit"]}, 2),
        (10, "activities", {"programme_kinds": ["heritage_season"]}, 1),
        (10, "sessions", {}, 5),
        (10, "participations", {}, 25),
        (10, "verified", {}, 22),
        (10, "classes", {}, 4),
        (10, "schools", {}, 1),
        (10, "towns", {}, 1),
        (10, "units", {}, 2),
        (10, "heritage_items", {}, 1),
        (10, "media_links", {}, 0),
        (3, "establishments", {"establishment_kinds": ["practice_base"], "level": "city"}, 1),
        (3, "establishments", {"establishment_kinds": ["practice_base"]}, 3),
        (12, "notes", {}, 2),
        (14, "activities", {}, 0),
    ],
)
def test_each_measure(task: int, measure: str, filters: dict[str, object], value: int) -> None:
    assert figure(ROLLUP, task_id=task, measure=measure, filters=filters).value == value


def test_an_unknown_measure_is_an_error_not_a_zero() -> None:
    with pytest.raises(KeyError):
        figure(ROLLUP, task_id=10, measure="people", filters={})


@pytest.mark.parametrize(
    ("value", "target", "due_on", "shown"),
    [
        (0, None, None, "none"),
        (1, 1, date(2023, 11, 30), "green"),
        (0, 1, None, "grey"),
        (0, 1, date(2026, 11, 23), "red"),
        (0, 1, date(2026, 11, 24), "amber"),
        (0, 1, date(2027, 1, 23), "amber"),
        (0, 1, date(2027, 1, 24), "grey"),
    ],
)
def test_lights(value: int, target: int | None, due_on: date | None, shown: str) -> None:
    assert light(value=value, target=target, due_on=due_on, today=TODAY) == shown


def test_a_month_without_activities_is_a_zero_not_a_gap() -> None:
    cells = [cell for cell in ROLLUP.cells if cell.task_id == 10]
    assert [(month, count) for month, count, _ in by_month(cells, [8, 9, 10])] == [(8, 0), (9, 2), (10, 1)]
