"""Extra questions: what may be asked, and how an answer is read. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.kernel.errors import Problem
from app.kernel.text import ascii_digits, one_line

ANSWER_MOST = 100
NUMBER_MOST = 1_000_000


@dataclass(frozen=True, slots=True)
class Asking:
    """A question as the form shows it; `sort` is a value of activities.models.QuestionSort."""

    code: str
    sort: str
    wording: str
    options: tuple[str, ...]
    is_required: bool

    @property
    def field(self) -> str:
        """The name of its field in a form."""
        return f"q_{self.code}"


def read_answers(
    questions: Sequence[Asking], typed: Mapping[str, Sequence[str]], problems: list[Problem]
) -> dict[str, Any]:
    """Answers by the question's code; what cannot be is added to `problems` beside its field."""
    found: dict[str, Any] = {}
    for question in questions:
        values = [text for text in (one_line(value) for value in typed.get(question.code, ())) if text]
        if not values:
            if question.is_required:
                problems.append(Problem("answer_missing", f"请回答“{question.wording}”。", field=question.field))
            continue
        answer = _read(question, values)
        if isinstance(answer, Problem):
            problems.append(answer)
        else:
            found[question.code] = answer
    return found


def _read(question: Asking, values: list[str]) -> Any:
    if question.sort == "several_of":
        if set(values) <= set(question.options):
            return [option for option in question.options if option in values]
        return Problem("answer_foreign", "请从列出的选项里选。", field=question.field)
    value = values[0]
    if question.sort == "one_of" and value not in question.options:
        return Problem("answer_foreign", "请从列出的选项里选一个。", field=question.field)
    if question.sort == "yes_no" and value not in ("是", "否"):
        return Problem("answer_foreign", "请选“是”或“否”。", field=question.field)
    if question.sort == "number":
        plain = ascii_digits(value)
        if not (plain.isascii() and plain.isdigit() and len(plain) <= 7 and int(plain) <= NUMBER_MOST):
            return Problem("answer_number", f"请填0到{NUMBER_MOST}的整数。", field=question.field)
        return int(plain)
    if len(value) > ANSWER_MOST:
        return Problem("answer_long", f"最多{ANSWER_MOST}个字，现在{len(value)}个。", field=question.field)
    return value
