"""Who reads, who may decide, and what the checklist finds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from app.kernel.errors import Severity
from app.review.rules import ChecklistFacts, SlotCheck, checklist, choose_reader, may_decide

CLEAN = ChecklistFacts(
    is_practice=False, has_ended=True, has_primary_task=True, recorded=40, claimed=40, allows_zero=False,
    slots=[SlotCheck("活动照片", True, 2, 2)], photos=2, minors_settled=True, publish_settled=True, open_matches=0,
    keeps_apart=False, held_on=date(2026, 10, 1), period_starts_on=date(2023, 5, 30),
)  # fmt: skip


def test_a_clean_activity_has_no_finding() -> None:
    assert checklist(CLEAN) == []


@pytest.mark.parametrize(
    ("change", "code", "severity"),
    [
        ({"is_practice": True}, "practice", Severity.BLOCKER),
        ({"has_ended": False}, "not_ended", Severity.BLOCKER),
        ({"has_primary_task": False}, "no_task", Severity.BLOCKER),
        ({"recorded": 0, "claimed": None}, "nobody", Severity.BLOCKER),
        ({"minors_settled": False}, "minors_open", Severity.BLOCKER),
        ({"publish_settled": False}, "publish_open", Severity.BLOCKER),
        ({"slots": [SlotCheck("活动照片", True, 2, 1)]}, "slot_missing", Severity.BLOCKER),
        ({"claimed": 46}, "headcount_differs", Severity.WARNING),
        ({"open_matches": 1}, "photos_match", Severity.WARNING),
        ({"busy_phones": [(9, 31)]}, "one_phone", Severity.WARNING),
        ({"keeps_apart": True}, "second_write_up", Severity.WARNING),
        ({"held_on": date(2023, 5, 1)}, "before_plan", Severity.WARNING),
    ],
)
def test_each_finding(change: dict[str, object], code: str, severity: Severity) -> None:
    assert [(p.code, p.severity) for p in checklist(replace(CLEAN, **change))] == [(code, severity)]  # type: ignore[arg-type]


def test_a_phone_that_signed_in_many_is_told_by_numbers_and_nobody_is_named() -> None:
    one, several = (
        [p.message for p in checklist(replace(CLEAN, busy_phones=busy))] for busy in ([(9, 31)], [(9, 31), (6, 6)])
    )
    assert one == ["同一台手机在一场里现场登记了9次、共31人，请核对照片和现场情况。"]
    assert several == ["有2台手机各在一场里现场登记了5次以上，最多的一台登记了9次、共31人，请核对照片和现场情况。"]


def test_nobody_came_is_fine_where_the_kind_allows_it() -> None:
    assert checklist(replace(CLEAN, recorded=0, claimed=0, allows_zero=True)) == []


@pytest.mark.parametrize(("involved", "reader"), [(set(), 1), ({1}, 2), ({1, 2}, 3), ({2}, 1), ({1, 2, 3}, None)])
def test_the_first_office_that_is_not_involved_reads(involved: set[int], reader: int | None) -> None:
    assert choose_reader([1, 2, 3], involved) == reader


@pytest.mark.parametrize(
    ("unit", "user", "allowed"),
    [(1, 10, True), (2, 10, False), (2, 20, True), (7, 20, False), (1, 30, False), (3, 11, False)],
)
def test_four_eyes(unit: int, user: int, allowed: bool) -> None:
    """Reader's office 1 with named stand-in 20; the host is unit 7; user 30 handed it in."""
    refusal = may_decide(
        actor_unit_id=unit, actor_user_id=user, reader_unit_id=1, named={20}, involved={7}, submitted_by_id=30
    )
    assert (refusal == "") is allowed
