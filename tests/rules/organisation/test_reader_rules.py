"""The order of readers: three offices, two people each, of the office and able to read."""

from __future__ import annotations

import pytest

from app.organisation.rules import Seat, check_seats

MEMBERS = {"wenming": {"a", "b"}, "zhenggong": {"c"}, "jiaoti": set[str](), "other": {"d"}}
GOOD = (Seat("wenming", "a", "b"), Seat("zhenggong", "c"), Seat("jiaoti"))


@pytest.mark.parametrize(
    ("seats", "code"),
    [
        (GOOD[:2], "too_few"),
        ((*GOOD, Seat("wenming")), "office_twice"),
        ((Seat("wenming", "a", "a"), *GOOD[1:]), "same_person"),
        ((Seat("wenming", "c"), *GOOD[1:]), "not_a_reader"),
        ((Seat("wenming", "a", "c"), *GOOD[1:]), "not_a_reader"),
        ((Seat("wenming", "", "b"), *GOOD[1:]), "stand_in_alone"),
        ((*GOOD[:2], Seat("jiaoti", "x")), "not_a_reader"),
        ((*GOOD, Seat("nobody")), "nobody_reads"),
        ((*GOOD[:2], Seat("other", "d")), "cases_open"),
    ],
)
def test_each_wrong_order_is_refused(seats: tuple[Seat, ...], code: str) -> None:
    found = check_seats(seats, MEMBERS, before=GOOD, busy={"jiaoti"})
    assert code in [problem.code for problem in found]


def test_a_sound_order_passes_with_people_or_without() -> None:
    assert check_seats(GOOD, MEMBERS, before=GOOD) == []
    assert check_seats((*GOOD[::-1], Seat("other", "d")), MEMBERS, before=GOOD, busy={"jiaoti"}) == []


def test_the_order_is_built_one_by_one_but_never_shrinks_below_three() -> None:
    assert check_seats(GOOD[:1], MEMBERS) == []
    assert check_seats(GOOD[:2], MEMBERS, before=GOOD[:1]) == []
    assert check_seats(GOOD[:1], MEMBERS, before=GOOD[:2]) != []
    four = (*GOOD, Seat("other", "d"))
    assert check_seats(four[1:], MEMBERS, before=four) == []


def test_somebody_disabled_since_does_not_stop_a_move_but_cannot_be_chosen_anew() -> None:
    old = (Seat("wenming", "gone", "b"), *GOOD[1:])
    assert check_seats(old[::-1], MEMBERS, before=old) == []
    assert check_seats((Seat("wenming", "gone"), *GOOD[1:]), MEMBERS, before=old) != []
