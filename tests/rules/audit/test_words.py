"""The auditor reads words: every payload key of the closed list has one."""

from __future__ import annotations

from app.audit.actions import ACTIONS
from app.web.audit_words import FIELDS, value_words


def test_every_key_that_an_entry_may_carry_has_a_word() -> None:
    keys = {key for action in ACTIONS.values() for key in (*action.keys, *action.private)}
    assert keys - set(FIELDS) == set()


def test_values_are_words_too() -> None:
    assert [value_words(v) for v in (True, False, None, [], ["reviewer", "auditor"], 12)] == [
        "是", "否", "无", "无", "审核人、日志审计员", "12",
    ]  # fmt: skip
