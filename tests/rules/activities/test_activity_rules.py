"""Shown states, windows, what publishing asks, venues that are one place."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.activities.rules import (
    PlannedSession,
    problems_of,
    same_venue,
    session_problems,
    shown_state,
    text_problems,
    window,
)

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
LATER = PlannedSession(NOW + HOUR, NOW + 2 * HOUR, 50)


def codes(**given: object) -> list[str]:
    asked = {"title": "剪纸", "venue": "礼堂", "sessions": [LATER], "is_paper": False, "now": NOW, **given}
    return [problem.code for problem in problems_of(**asked)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("state", "ends_at", "shown"),
    [
        ("published", NOW + HOUR, "published"),
        ("published", NOW, "ended"),
        ("draft", NOW - HOUR, "draft"),
        ("cancelled", NOW - HOUR, "cancelled"),
        ("published", None, "published"),
    ],
)
def test_only_a_published_activity_ends_by_the_clock(state: str, ends_at: datetime | None, shown: str) -> None:
    assert shown_state(state, ends_at, NOW) == shown


def test_sign_in_opens_an_hour_before_and_closes_half_an_hour_after_unless_set_by_hand() -> None:
    usual = {"starts_at": NOW, "ends_at": NOW + HOUR, "opens_before_min": 60, "closes_after_min": 30}
    assert window(**usual) == (NOW - HOUR, NOW + timedelta(minutes=90))  # type: ignore[arg-type]
    by_hand = window(**usual, opened_at=NOW - 2 * HOUR, closes_at=NOW)  # type: ignore[arg-type]
    assert by_hand == (NOW - 2 * HOUR, NOW)
    trial = window(**usual, opened_at=NOW - 24 * HOUR, closes_at=NOW - 23 * HOUR)  # type: ignore[arg-type]
    assert trial == window(**usual)  # type: ignore[arg-type]
    late = window(**usual, opened_at=NOW)  # type: ignore[arg-type]
    assert late[0] == NOW - HOUR  # opening by hand never makes it later


def test_publishing_asks_for_title_place_and_a_time_to_come() -> None:
    assert codes() == []
    assert codes(title="", venue="", sessions=[]) == ["title_missing", "venue_missing", "time_missing"]
    past = PlannedSession(NOW - 2 * HOUR, NOW - HOUR)
    assert codes(sessions=[past]) == ["past"]
    assert codes(sessions=[past], is_paper=True) == []
    assert codes(is_paper=True) == ["paper_future"]
    assert codes(sessions=[past], now=None) == []


def test_texts_that_are_too_long_are_named_with_their_length() -> None:
    assert text_problems(title="纸" * 60, venue="堂" * 80, summary="好" * 300, bring="笔" * 100) == []
    found = text_problems(title="纸" * 61, venue="堂" * 81, summary="好" * 301, bring="笔" * 101)
    assert [problem.field for problem in found] == ["title", "venue", "summary", "bring"]
    assert "现在61个" in found[0].message


@pytest.mark.parametrize(
    ("session", "code"),
    [
        (PlannedSession(NOW, NOW), "time_order"),
        (PlannedSession(NOW, NOW + timedelta(days=32)), "time_long"),
        (PlannedSession(NOW, NOW + HOUR, 0), "capacity"),
        (PlannedSession(NOW, NOW + HOUR, 100_001), "capacity"),
    ],
)
def test_times_and_places_that_cannot_be_are_refused(session: PlannedSession, code: str) -> None:
    assert [problem.code for problem in session_problems([session])] == [code]


def test_a_message_says_which_of_several_sessions_is_wrong() -> None:
    found = session_problems([LATER, PlannedSession(NOW, NOW)])
    assert found[0].message.startswith("第2场")


def test_an_activity_has_at_most_thirty_sessions() -> None:
    assert session_problems([LATER] * 30) == []
    assert [problem.code for problem in session_problems([LATER] * 31)] == ["sessions_many"]


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        ("示例文化广场（东门）", "示例文化广场 东门", True),
        ("示例小学礼堂", "示例小学操场", False),
        ("", "", False),
    ],
)
def test_two_venue_texts_name_one_place_when_only_punctuation_differs(left: str, right: str, same: bool) -> None:
    assert same_venue(left, right) is same
