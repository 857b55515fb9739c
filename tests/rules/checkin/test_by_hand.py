"""Opening, closing and extending by hand, each at each moment: for this occasion, and the plan holds again after it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.activities.rules import window
from app.checkin.doors import by_hand

START = datetime(2026, 11, 25, 1, 0, tzinfo=UTC)
PLAN = {"starts_at": START, "ends_at": START + timedelta(hours=2), "opens_before_min": 60, "closes_after_min": 30}


def at(minutes: float) -> datetime:
    """Minutes from the start; the plan opens at -60 and closes at 150."""
    return START + timedelta(minutes=minutes)


DAY = -24 * 60


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        ([], (-60, 150)),
        ([("open", DAY)], (DAY, 150)),  # opens now, and the planned end stays
        ([("open", DAY), ("close", DAY + 20)], (-60, 150)),  # a trial of the day before leaves no trace
        ([("open", DAY), ("extend", DAY + 5), ("close", DAY + 20)], (-60, 180)),
        ([("close", DAY)], (-60, 150)),
        ([("open", -110)], (-110, 150)),
        ([("open", -110), ("close", -105), ("open", -100)], (-100, 150)),
        ([("open", -110), ("open", -100)], (-110, 150)),
        ([("close", 10)], (-60, 10)),
        ([("open", -110), ("close", 10)], (-110, 10)),
        ([("close", 10), ("open", 12)], (-60, 150)),  # closed by mistake: the planned end again
        ([("close", 10), ("close", 30)], (-60, 10)),
        ([("close", 10), ("extend", 12)], (-60, 180)),
        ([("extend", 100)], (-60, 180)),
        ([("extend", 100), ("open", 120)], (-60, 180)),
        ([("extend", 100), ("close", 160)], (-60, 160)),
        ([("extend", 100), ("close", 160), ("open", 170)], (-60, 200)),
        ([("open", 300)], (-60, 330)),  # what is over: for half an hour
        ([("extend", 300)], (-60, 330)),
        ([("open", 300), ("close", 310)], (-60, 310)),
        ([("close", 400)], (-60, 150)),
    ],
)
def test_what_the_console_does_by_hand(steps: list[tuple[str, int]], expected: tuple[int, int]) -> None:
    opened_at, closes_at = None, None
    planned = window(**PLAN)  # type: ignore[arg-type]
    for verb, minute in steps:
        actual = window(**PLAN, opened_at=opened_at, closes_at=closes_at)  # type: ignore[arg-type]
        opened_at, closes_at = by_hand(verb, planned, actual, at(minute))
    assert window(**PLAN, opened_at=opened_at, closes_at=closes_at) == (at(expected[0]), at(expected[1]))  # type: ignore[arg-type]
