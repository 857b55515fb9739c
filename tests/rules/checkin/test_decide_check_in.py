"""The one decision of every door, as a table."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from app.checkin.models import Method, Outcome
from app.checkin.rules import (
    GRADE_BY_METHOD,
    METHOD_LABELS,
    PARTY_MOST,
    WALK_IN_MOST,
    Facts,
    decide_check_in,
    first_words,
    most_of,
    shown_name,
)

START = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
GOOD = Facts(
    method="live_code", now=START, opens_at=START - timedelta(hours=1), closes_at=START + timedelta(hours=2),
    activity_state="published", review_state="not_submitted", has_registration=True, same_activity=True,
    same_session=True, registration_state="confirmed", is_walk_in=False, headcount=2, first_at=None,
)  # fmt: skip


@pytest.mark.parametrize(
    ("change", "outcome"),
    [
        ({}, "accepted"),
        ({"activity_state": "cancelled"}, "activity_closed"),
        ({"activity_state": "draft"}, "activity_closed"),
        ({"review_state": "under_review"}, "activity_closed"),
        ({"review_state": "approved"}, "activity_closed"),
        ({"has_registration": False}, "unknown"),
        ({"same_activity": False}, "foreign"),
        ({"same_session": False}, "foreign"),
        ({"registration_state": "cancelled"}, "cancelled"),
        ({"registration_state": "waitlisted"}, "not_confirmed"),
        ({"registration_state": "pending"}, "not_confirmed"),
        ({"first_at": START}, "duplicate"),
        ({"now": START - timedelta(hours=1, seconds=1)}, "too_early"),
        ({"now": START - timedelta(hours=1)}, "accepted"),
        ({"now": START + timedelta(hours=2)}, "too_late"),
        ({"now": START + timedelta(hours=2), "method": "paper"}, "accepted"),
        ({"is_walk_in": True, "headcount": 6}, "accepted"),
        ({"is_walk_in": True, "headcount": 7}, "too_many"),
        ({"is_walk_in": True, "takes_walk_in": False}, "not_confirmed"),
        ({"is_walk_in": True, "takes_walk_in": False, "method": "desk_walk_in"}, "accepted"),
        ({"most": 6, "headcount": 7}, "too_many"),
        ({"headcount": 0}, "too_many"),
        ({"headcount": 7}, "accepted"),
        # a party is never assumed to be all who registered, nor to have come twice
        ({"is_party": True}, "accepted"),
        ({"is_party": True, "headcount": 0}, "quarantined"),
        ({"is_party": True, "headcount": 0, "registration_state": "waitlisted"}, "not_confirmed"),
        ({"is_party": True, "first_at": START}, "accepted"),
        ({"is_party": True, "first_at": START, "count_as": "whole"}, "accepted"),
        ({"is_party": True, "count_as": "first"}, "accepted"),
        ({"is_party": True, "first_at": START, "count_as": "first"}, "quarantined"),
        ({"first_at": START, "count_as": "whole"}, "duplicate"),
        # a repeat is answered with its first time even after the window has closed
        ({"first_at": START, "now": START + timedelta(hours=3)}, "duplicate"),
    ],
)
def test_each_row_of_the_table(change: dict[str, object], outcome: str) -> None:
    decision = decide_check_in(replace(GOOD, **change))  # type: ignore[arg-type]
    assert decision.outcome == outcome
    assert decision.outcome in {member.value for member in Outcome}
    assert decision.message


def test_who_waits_for_an_answer_and_who_waits_for_a_place_hear_different_words() -> None:
    pending, waitlisted = (
        decide_check_in(replace(GOOD, registration_state=state)).message for state in ("pending", "waitlisted")
    )
    assert "还没有确认" in pending and "候补" not in pending
    assert "候补" in waitlisted
    assert all("请到签到台" in words for words in (pending, waitlisted))


@pytest.mark.parametrize(
    ("takes_walk_in", "said", "unsaid"), [(True, "现场登记", "签到台"), (False, "签到台", "现场登记")]
)
def test_who_cancelled_is_sent_to_a_way_that_is_open(takes_walk_in: bool, said: str, unsaid: str) -> None:
    facts = replace(GOOD, registration_state="cancelled", takes_walk_in=takes_walk_in)
    words = decide_check_in(facts).message
    assert said in words and unsaid not in words


def test_every_door_has_a_grade_and_a_word() -> None:
    assert set(GRADE_BY_METHOD) == set(METHOD_LABELS) == {method.value for method in Method}
    assert set(GRADE_BY_METHOD.values()) == set("ABCD")


def test_a_retry_is_answered_in_words_whatever_the_first_outcome_was() -> None:
    assert all(first_words(outcome.value) for outcome in Outcome)


def test_a_family_brings_what_it_registered_and_a_party_any_number() -> None:
    assert most_of("walk_in", 0) == WALK_IN_MOST
    assert most_of("individual", 2) == WALK_IN_MOST
    assert most_of("individual", 7) == 7
    assert most_of("party", 40) == PARTY_MOST


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("李女士", "李女士"),
        ("张老师", "张老师"),
        ("欧阳师傅", "欧阳师傅"),
        ("王小明", "王＊＊"),
        ("买买提·艾力", "买＊＊"),
        ("李", "李"),
        ("", ""),
    ],
)
def test_a_title_stays_and_what_may_be_a_full_name_is_masked(name: str, shown: str) -> None:
    assert shown_name(name) == shown
