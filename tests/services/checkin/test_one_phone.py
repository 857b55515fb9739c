"""Many walk-ins from one phone are shown to who checks the activity; none is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from app.checkin.busy_phones import list_busy_phones
from app.checkin.models import Method
from app.kernel.errors import Severity
from app.review.rules import ONE_PHONE_MOST
from app.review.service import run_checklist
from tests.factories import NOW
from tests.services.checkin.stage import Stage

Make = Callable[..., Stage]
MINE, OTHER = "a" * 32, "b" * 32


def walk_in(stage: Stage, browser: str | None = MINE, people: int = 3, method: Method = Method.LIVE_CODE) -> None:
    assert stage.arrive(None, method, adults=people, browser_index=browser).is_new


def busy(stage: Stage) -> list[tuple[int, int]]:
    return list_busy_phones(stage.session, stage.activity.id, most=ONE_PHONE_MOST)


def test_one_more_than_a_family_needs_is_counted_with_its_people(stage: Make) -> None:
    s = stage()
    for _ in range(ONE_PHONE_MOST):
        walk_in(s)
        walk_in(s, OTHER, 1)
    assert busy(s) == []
    walk_in(s, people=4)
    assert busy(s) == [(6, 19)]
    for _ in range(2):
        walk_in(s, OTHER, 1, Method.PRINTED_CODE)
    assert busy(s) == [(7, 7), (6, 19)]


def test_a_desk_a_phone_of_no_browser_and_another_session_are_not_counted_together(stage: Make) -> None:
    s = stage()
    for _ in range(ONE_PHONE_MOST):
        walk_in(s)
    for _ in range(ONE_PHONE_MOST + 1):
        walk_in(s, method=Method.DESK_WALK_IN)
        walk_in(s, None)
    other = stage(title="另一场")
    walk_in(other)
    assert busy(s) == busy(other) == []


@pytest.mark.parametrize("times", [ONE_PHONE_MOST, ONE_PHONE_MOST + 1])
def test_the_checklist_warns_and_never_blocks(stage: Make, times: int) -> None:
    s = stage()
    for _ in range(times):
        walk_in(s)
    problems = run_checklist(s.session, s.activity, claimed=None, now=NOW)
    found = [(p.severity, p.message) for p in problems if p.code == "one_phone"]
    words = f"同一台手机在一场里现场登记了{times}次、共{3 * times}人，请核对照片和现场情况。"
    assert found == ([(Severity.WARNING, words)] if times > ONE_PHONE_MOST else [])
