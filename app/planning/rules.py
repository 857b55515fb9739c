"""What an office target and its reason must be. Pure."""

from __future__ import annotations

from datetime import date

from app.kernel.errors import Problem

REASON_MOST = 200
VALUE_MOST = 1_000_000


def target_problems(
    *, year: int, value: int | None, due_on: date | None, reason: str, years: tuple[int, int]
) -> list[Problem]:
    """What stops a target, each beside its field; `years` are the first and last that may have one."""
    problems = []
    if not years[0] <= year <= years[1]:
        problems.append(Problem("year", f"只能给{years[0]}年到{years[1]}年设定目标。", field="year"))
    if value is None or not 1 <= value <= VALUE_MOST:
        problems.append(Problem("value", f"目标值请填1到{VALUE_MOST}的整数。", field="value"))
    if due_on is not None and due_on.year != year:
        problems.append(Problem("due_on", f"期限要在{year}年内。", field="due_on"))
    return problems + reason_problems(reason)


def reason_problems(reason: str) -> list[Problem]:
    """Setting and retiring both ask why; the page shows it."""
    if reason and len(reason) <= REASON_MOST:
        return []
    return [Problem("reason", f"请写明原因（最多{REASON_MOST}字）。", field="reason")]
