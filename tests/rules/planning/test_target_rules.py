"""An office target: a whole number, a day of its own year, a reason."""

from __future__ import annotations

from datetime import date

import pytest

from app.planning.rules import reason_problems, target_problems

GOOD = {"year": 2026, "value": 12, "due_on": date(2026, 12, 20), "reason": "十月会上定的", "years": (2023, 2027)}


def test_a_good_target_has_no_problem() -> None:
    assert target_problems(**GOOD) == []  # type: ignore[arg-type]
    assert target_problems(**{**GOOD, "due_on": None}) == []  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"value": None}, "value"),
        ({"value": 0}, "value"),
        ({"value": 1_000_001}, "value"),
        ({"due_on": date(2027, 1, 1)}, "due_on"),
        ({"reason": ""}, "reason"),
        ({"reason": "长" * 201}, "reason"),
        ({"year": 2022, "due_on": None}, "year"),
        ({"year": 2028, "due_on": None}, "year"),
    ],
)
def test_each_wrong_part_is_named_beside_its_field(change: dict[str, object], field: str) -> None:
    assert [problem.field for problem in target_problems(**{**GOOD, **change})] == [field]  # type: ignore[arg-type]


def test_a_reason_may_be_exactly_two_hundred_characters() -> None:
    assert reason_problems("长" * 200) == []
