"""The order of readers: three offices, two people each, of the office and able to read."""

from __future__ import annotations

import pytest

from app.organisation.rules import Seat, check_seats

MEMBERS = {"wenming": {"a", "b"}, "zhenggong": {"c"}, "jiaoti": set[str]()}
GOOD = (Seat("wenming", "a", "b"), Seat("zhenggong", "c"), Seat("jiaoti"))


@pytest.mark.parametrize(
    ("seats", "code"),
    [
        (GOOD[:2], "too_few"),
        ((*GOOD, Seat("wenming")), "office_twice"),
        ((Seat("wenming", "a", "a"), *GOOD[1:]), "same_person"),
        ((Seat("wenming", "c"), *GOOD[1:]), "not_a_reader"),
        ((Seat("wenming", "", "c"), *GOOD[1:]), "not_a_reader"),
        ((*GOOD[:2], Seat("jiaoti", "x")), "not_a_reader"),
    ],
)
def test_each_wrong_order_is_refused(seats: tuple[Seat, ...], code: str) -> None:
    assert code in [problem.code for problem in check_seats(seats, MEMBERS)]


def test_a_sound_order_passes_with_people_or_without() -> None:
    assert check_seats(GOOD, MEMBERS) == []
