"""Every column of the schema has its place in retention.toml, and the periods say when values go."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app import models as _every_table  # noqa: F401 - fills the metadata
from app.kernel.database import Base
from app.privacy.retention import SOURCE, RetentionWrong, load_retention, misplaced, parse
from app.privacy.rules import Periods, due_at, kept_backups, night_of

NOW = datetime(2026, 11, 20, 2, 0, tzinfo=UTC)
DAYS = Periods(90, 180, 7)
DAY = timedelta(days=1)


def schema() -> dict[str, set[str]]:
    return {table.name: {column.name for column in table.columns} for table in Base.metadata.sorted_tables}


def test_every_column_is_personal_with_a_period_or_plain() -> None:
    assert misplaced(load_retention(), schema()) == []


def test_a_new_column_that_nobody_placed_is_found() -> None:
    planted = schema()
    planted["registration"].add("nickname")
    planted["newcomer"] = {"phone"}
    assert misplaced(load_retention(), planted) == [
        "newcomer.phone 没有写进 retention.toml", "registration.nickname 没有写进 retention.toml",
    ]  # fmt: skip


def test_an_entry_without_a_column_is_found() -> None:
    less = schema()
    less["personal_detail"].discard("email")
    assert misplaced(load_retention(), less) == ["personal_detail.email 在 retention.toml 里，表里没有"]


def test_a_column_cannot_be_personal_and_plain() -> None:
    with pytest.raises(RetentionWrong, match=r"personal_detail\.name"):
        parse(SOURCE.read_text("utf-8").replace('personal_detail = ["registration_id"]', 'personal_detail = ["name"]'))


def test_every_item_says_what_why_and_on_which_basis() -> None:
    assert [i.what for i in load_retention().items if not (i.what and i.why and i.basis and i.rule.said)] == []


def test_the_table_holds_the_days_that_the_rules_promise() -> None:
    rule = load_retention().rules["activity"]
    assert (rule.after_approval_days, rule.after_end_days, rule.practice_days) == (90, 180, 7)


@pytest.mark.parametrize(
    ("facts", "days"),
    [
        ({}, None),
        ({"ends_at": NOW}, 180),
        ({"ends_at": NOW, "approved_at": NOW}, 90),
        ({"ends_at": NOW, "approved_at": NOW + 100 * DAY}, 180),
        ({"ends_at": NOW + 30 * DAY, "cancelled_at": NOW}, 180),
        ({"ends_at": NOW, "is_practice": True}, 7),
        ({"cancelled_at": NOW, "is_practice": True}, 180),
    ],
)
def test_values_are_due_at_whichever_comes_first(facts: dict[str, datetime], days: int | None) -> None:
    asked = {"is_practice": False, "approved_at": None, "ends_at": None, "cancelled_at": None} | facts
    found = due_at(DAYS, **asked)  # type: ignore[arg-type]
    assert found == (None if days is None else NOW + days * DAY)


def test_the_night_begins_at_three_in_shanghai() -> None:
    assert night_of(datetime(2026, 11, 19, 18, 59, tzinfo=UTC)) == "2026-11-19"
    assert night_of(datetime(2026, 11, 19, 19, 0, tzinfo=UTC)) == "2026-11-20"


def test_backups_thin_out_and_end_after_thirty_days() -> None:
    made = [NOW - timedelta(hours=hours) for hours in range(24 * 40)]
    kept = kept_backups(made, NOW)
    assert len([moment for moment in kept if NOW - moment <= DAY]) == 25
    assert min(kept) >= NOW - 30 * DAY
    assert len(kept) in range(25 + 28, 25 + 31)
