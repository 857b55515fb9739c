"""The diagram of docs/check-in.md leads to the outcome that the code decides, whatever the facts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import islice, product
from pathlib import Path

import pytest

from app.checkin.models import Outcome
from app.checkin.rules import WALK_IN_MOST, Facts, decide_check_in

DOCUMENT = Path(__file__).resolve().parents[3] / "docs" / "check-in.md"
START = datetime(2026, 11, 20, 1, 0, tzinfo=UTC)
OPENS, CLOSES = START - timedelta(hours=1), START + timedelta(hours=1)
ARROW = re.compile(r"^\s*(\w+)\S* -->\|(是|否)\| (\w+)", re.M)
GOOD = Facts(
    method="live_code", now=START, opens_at=OPENS, closes_at=CLOSES, activity_state="published",
    review_state="not_submitted", has_registration=True, same_activity=True, same_session=True,
    registration_state="confirmed", is_walk_in=False, headcount=2, first_at=None,
)  # fmt: skip


def _is_crowd(facts: Facts) -> bool:
    most = WALK_IN_MOST if facts.is_walk_in else facts.most
    return most is not None and facts.method not in ("count", "paper") and facts.headcount > most


QUESTIONS: dict[str, Callable[[Facts], bool]] = {
    "activity_closed_now": lambda f: (
        f.activity_state not in ("published", "closed") or f.review_state in ("under_review", "approved")
    ),
    "is_walk_in": lambda f: f.is_walk_in,
    "must_register": lambda f: not f.takes_walk_in and f.method in ("live_code", "venue_code", "printed_code"),
    "is_registered": lambda f: f.has_registration,
    "is_of_activity": lambda f: f.same_activity,
    "is_cancelled": lambda f: f.registration_state == "cancelled",
    "is_confirmed": lambda f: f.registration_state == "confirmed",
    "is_of_session": lambda f: f.same_session,
    "is_repeat": lambda f: f.first_at is not None and not f.is_party,
    "any_time": lambda f: f.method in ("count", "paper"),
    "is_early": lambda f: f.now < f.opens_at,
    "is_late": lambda f: f.now >= f.closes_at,
    "is_unsaid": lambda f: f.is_party and f.headcount == 0,
    "is_counted": lambda f: f.is_party and f.count_as == "first" and f.first_at is not None,
    "is_nobody": lambda f: f.headcount < 1,
    "is_crowd": _is_crowd,
}


def arrows(text: str) -> dict[tuple[str, str], str]:
    """(question, answer) → where it leads."""
    return {(at, answer): to for at, answer, to in ARROW.findall(text)}


def walk(diagram: dict[tuple[str, str], str], facts: Facts) -> str:
    """The outcome at the end of the way."""
    at = "activity_closed_now"
    while at in QUESTIONS:
        at = diagram[at, "是" if QUESTIONS[at](facts) else "否"]
    return at


def many_facts() -> Iterator[Facts]:
    """Combinations of what can differ, one in 31: a step that no number of choices divides, so that all pairs meet."""
    names = (
        "activity_state", "review_state", "is_walk_in", "takes_walk_in", "has_registration", "same_activity",
        "same_session", "registration_state", "first_at", "is_party", "method", "now", "headcount", "most", "count_as",
    )  # fmt: skip
    values = product(
        ("published", "draft"), ("not_submitted", "approved"), (True, False), (True, False), (True, False),
        (True, False), (True, False), ("confirmed", "waitlisted", "pending", "cancelled"), (None, START), (True, False),
        ("live_code", "ticket_scan", "paper"), (OPENS - timedelta(seconds=1), START, CLOSES), (-1, 0, 2, 7), (None, 6),
        ("first", "part", "whole"),
    )  # fmt: skip
    for row in islice(values, 0, None, 31):
        yield replace(GOOD, **dict(zip(names, row, strict=True)))  # type: ignore[arg-type]


def test_the_diagram_asks_every_question_both_ways_and_ends_at_outcomes() -> None:
    diagram = arrows(DOCUMENT.read_text("utf-8"))
    assert set(diagram) == {(name, answer) for name in QUESTIONS for answer in "是否"}
    ends = {to for to in diagram.values() if to not in QUESTIONS}
    assert ends <= {outcome.value for outcome in Outcome}


def test_the_diagram_leads_where_the_code_decides() -> None:
    diagram = arrows(DOCUMENT.read_text("utf-8"))
    assert [facts for facts in many_facts() if walk(diagram, facts) != decide_check_in(facts).outcome] == []


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_diagram_with_two_arrows_exchanged_is_found_out(question: str) -> None:
    """Negative control."""
    diagram = arrows(DOCUMENT.read_text("utf-8"))
    diagram[question, "是"], diagram[question, "否"] = diagram[question, "否"], diagram[question, "是"]
    assert any(walk(diagram, facts) != decide_check_in(facts).outcome for facts in many_facts())
