"""Dates, times and numbers as people type them."""

from __future__ import annotations

from datetime import date, time

import pytest

from app.web.activities.intake import read_clock, read_day, read_number


@pytest.mark.parametrize(
    "text", ["2026-11-24", "2026/11/24", "2026.11.24", "2026年11月24日", "２０２６－１１－２４", " 2026年 11月 24日 "]
)
def test_a_day_is_understood_however_it_is_written(text: str) -> None:
    assert read_day(text) == date(2026, 11, 24)


@pytest.mark.parametrize("text", ["", "明天", "2026-13-01", "2026-02-30", "24/11/2026", "2026-11-24 09:00", "9" * 200])
def test_what_is_no_day_is_none(text: str) -> None:
    assert read_day(text) is None


@pytest.mark.parametrize(
    ("text", "hour", "minute"),
    [("09:00", 9, 0), ("9:05", 9, 5), ("９：３０", 9, 30), ("0930", 9, 30), ("14点30分", 14, 30), ("9.15", 9, 15)],
)
def test_a_time_is_understood_however_it_is_written(text: str, hour: int, minute: int) -> None:
    assert read_clock(text) == time(hour, minute)


@pytest.mark.parametrize("text", ["", "上午", "25:00", "09:60", "9", "-1:00"])
def test_what_is_no_time_is_none(text: str) -> None:
    assert read_clock(text) is None


def test_a_number_may_be_full_width_and_grouped_and_nothing_is_none() -> None:
    assert read_number("１２０") == 120
    assert read_number("1,200") == 1200
    assert read_number("  ") is None
    assert read_number(None) is None


@pytest.mark.parametrize("text", ["-1", "1.5", "一百", "1e3", "100001", "0x10"])
def test_what_is_no_number_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        read_number(text)
