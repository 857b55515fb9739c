"""Who fits, who is next, what may be typed, until when: pure rules of registration."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.registration.rules import (
    Asked,
    InLine,
    Room,
    capacity_problems,
    change_problem,
    closed_problem,
    count_problems,
    fits,
    problems_of,
    promote,
)

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
LINES = st.lists(st.integers(1, 40), max_size=30).map(lambda sizes: [InLine(i, n) for i, n in enumerate(sizes, 1)])


def asked(**changes: object) -> Asked:
    values: dict[str, object] = {
        "name": "李女士", "adults": 1, "children": 0, "phone": "", "consent": True, "needs_phone": False,
    }  # fmt: skip
    return Asked(**{**values, **changes})  # type: ignore[arg-type]


def codes(given_: Asked) -> list[str]:
    return [problem.code for problem in problems_of(given_)]


@given(LINES, st.integers(0, 100), st.integers(0, 100))
def test_promotion_never_gives_more_than_is_free_and_keeps_the_order(
    line: list[InLine], capacity: int, taken: int
) -> None:
    moved = promote(line, room=Room(capacity, taken))
    sizes = {waiting.id: waiting.headcount for waiting in line}
    assert sum(sizes[id_] for id_ in moved) <= max(0, capacity - taken)
    assert moved == sorted(moved)


@given(LINES, st.integers(0, 100), st.integers(0, 100))
def test_nobody_who_still_fits_stays_in_line(line: list[InLine], capacity: int, taken: int) -> None:
    moved = promote(line, room=Room(capacity, taken))
    left = [waiting for waiting in line if waiting.id not in moved]
    now_taken = taken + sum(waiting.headcount for waiting in line if waiting.id in moved)
    assert all(waiting.headcount > capacity - now_taken for waiting in left)
    assert promote(left, room=Room(capacity, now_taken)) == []


@given(LINES, st.integers(0, 100), st.integers(0, 100))
def test_who_is_passed_did_not_fit_when_it_was_his_turn(line: list[InLine], capacity: int, taken: int) -> None:
    moved, free = promote(line, room=Room(capacity, taken)), capacity - taken
    for waiting in line:
        if waiting.id in moved:
            free -= waiting.headcount
        else:
            assert waiting.headcount > free


@given(LINES, st.integers(0, 100), st.integers(0, 100), st.integers(1, 7))
def test_a_newcomer_never_precedes_a_waiting_one_who_fits(
    line: list[InLine], capacity: int, taken: int, newcomer: int
) -> None:
    if fits(newcomer, room=Room(capacity, taken), line=line):
        assert newcomer <= capacity - taken
        assert all(waiting.headcount > capacity - taken for waiting in line)


def test_a_party_goes_whole_or_not_at_all_and_keeps_its_rank() -> None:
    line = [InLine(1, 40), InLine(2, 3), InLine(3, 2)]
    assert promote(line, room=Room(50, 46)) == [2]
    assert promote([InLine(1, 40), InLine(3, 2)], room=Room(50, 10)) == [1]


def test_without_a_limit_everybody_fits() -> None:
    assert fits(7, room=Room(None, 10_000), line=[])
    assert promote([InLine(1, 7), InLine(2, 1)], room=Room(None, 0)) == [1, 2]


@pytest.mark.parametrize(
    "name", ["李", "买买提·艾力", "བསོད་ནམས་རྒྱལ་མཚན", "ئابدۇراخمان", "ᠪᠠᠶᠠᠷ", "𠮷野老师", "\U0003134a老师", "=SUM(1)"]
)
def test_names_of_every_script_are_welcome(name: str) -> None:
    assert codes(asked(name=name)) == []


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"name": "  "}, "name_missing"),
        ({"name": "\u200b\u202e"}, "name_missing"),
        ({"name": "字" * 21}, "name_long"),
        ({"name": "ཀ" + "ྱ" * 40}, "name_long"),
        ({"adults": 0}, "adults_missing"),
        ({"adults": -1, "children": 3}, "adults_missing"),
        ({"children": -1}, "children_wrong"),
        ({"adults": 4, "children": 4}, "too_many"),
        ({"phone": "12345"}, "phone_wrong"),
        ({"phone": "23800138000"}, "phone_wrong"),
        ({"needs_phone": True}, "phone_missing"),
        ({"consent": False}, "consent_missing"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field(changes: dict[str, object], code: str) -> None:
    found = problems_of(asked(**changes))
    assert [problem.code for problem in found] == [code]
    assert found[0].field
    assert found[0].message.endswith("。")


def test_all_problems_are_told_at_once() -> None:
    assert codes(asked(name="", adults=9, phone="x", consent=False)) == [
        "name_missing", "too_many", "phone_wrong", "consent_missing",
    ]  # fmt: skip


def test_seven_people_are_a_family_and_eight_a_party() -> None:
    assert count_problems(3, 4) == []
    assert count_problems(4, 4)[0].code == "too_many"


@pytest.mark.parametrize("capacity", [0, -1, 100_001])
def test_impossible_places_are_refused(capacity: int) -> None:
    assert capacity_problems(capacity)
    assert capacity_problems(1) == capacity_problems(None) == capacity_problems(100_000) == []


@pytest.mark.parametrize(
    ("state", "takes", "hours", "code"),
    [
        ("published", True, 1, None),
        ("published", True, -1, "over"),
        ("published", False, 1, "no_registration"),
        ("cancelled", True, 1, "cancelled"),
        ("draft", True, 1, "not_open"),
        ("withdrawn", True, 1, "not_open"),
        ("closed", True, 1, "over"),
    ],
)
def test_registration_is_open_only_for_a_published_activity_before_its_end(
    state: str, takes: bool, hours: int, code: str | None
) -> None:
    problem = closed_problem(state=state, takes_registration=takes, ends_at=NOW + timedelta(hours=hours), now=NOW)
    assert (problem.code if problem else None) == code


@pytest.mark.parametrize(
    ("starts", "by_staff", "state", "is_cancelled", "code"),
    [
        (1, False, "published", False, None),
        (0, False, "published", False, "started"),
        (-1, False, "published", False, "started"),
        (-1, True, "published", False, None),
        (-5, True, "published", False, "over"),
        (1, True, "published", True, "cancelled"),
        (1, False, "cancelled", False, "activity_cancelled"),
        (1, True, "closed", False, "over"),
    ],
)
def test_the_owner_may_change_until_the_start_and_the_organizer_until_the_end(
    starts: int, by_staff: bool, state: str, is_cancelled: bool, code: str | None
) -> None:
    start = NOW + timedelta(hours=starts)
    problem = change_problem(
        activity_state=state, is_cancelled=is_cancelled, starts_at=start, ends_at=start + timedelta(hours=2),
        by_staff=by_staff, now=NOW,
    )  # fmt: skip
    assert (problem.code if problem else None) == code
