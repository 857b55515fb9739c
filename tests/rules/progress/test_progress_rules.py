"""Notes with their documents, one month, 实施方案 handed in, and the stages of an establishment."""

from __future__ import annotations

from datetime import date

import pytest

from app.progress.rules import (
    Document,
    asks_for_a_plan,
    establishment_problems,
    handed_in,
    move_problems,
    next_stages,
    note_problems,
    written_this_month,
)

TODAY = date(2026, 11, 24)
NOTE = Document("示例甲镇实施方案", "示例〔2026〕7号", "2026-11-03")


def test_a_note_may_carry_three_documents_or_none() -> None:
    assert note_problems("已印发。", TODAY, TODAY) == []
    assert note_problems("已印发。", TODAY, TODAY, [NOTE, Document(), Document("分工表")]) == []
    assert note_problems("已印发。", TODAY, TODAY, [NOTE] * 3) == []


@pytest.mark.parametrize(
    ("documents", "field"),
    [
        ([Document(number="〔2026〕7号")], "title_1"),
        ([Document(), Document(dated="2026-11-03")], "title_2"),
        ([Document("长" * 101)], "title_1"),
        ([Document("联系人13812345678")], "title_1"),
        ([Document("联系人１３８１２３４５６７８")], "title_1"),
        ([Document("分工表", "长" * 41)], "number_1"),
        ([NOTE, NOTE, Document("分工表", dated="昨天")], "dated_3"),
        ([Document("分工表", dated="2026-11-25")], "dated_1"),
        ([NOTE] * 4, "title_1"),
    ],
)
def test_a_wrong_document_is_named_beside_its_field(documents: list[Document], field: str) -> None:
    assert [problem.field for problem in note_problems("已印发。", TODAY, TODAY, documents)] == [field]


@pytest.mark.parametrize(
    ("text", "noted_on", "stage", "field"),
    [
        ("", TODAY, "", "text"),
        ("长" * 301, TODAY, "", "text"),
        ("张某372501199001011234", TODAY, "", "text"),
        ("已印发。", None, "", "noted_on"),
        ("已印发。", date(2026, 11, 25), "", "noted_on"),
        ("已印发。", TODAY, "done", "stage"),
    ],
)
def test_a_wrong_note_is_named_beside_its_field(text: str, noted_on: date | None, stage: str, field: str) -> None:
    assert [problem.field for problem in note_problems(text, noted_on, TODAY, (), stage)] == [field]


def test_the_month_is_the_calendar_month() -> None:
    assert written_this_month([date(2026, 11, 1)], TODAY)
    assert not written_this_month([date(2026, 10, 31), date(2025, 11, 24)], TODAY)
    assert not written_this_month([], TODAY)


def test_a_plan_is_handed_in_by_the_title_of_a_document() -> None:
    plan = {"title": "示例甲镇示范区创建实施方案", "number": "", "date": ""}
    assert handed_in([{"title": "责任分工表"}, plan]) == plan
    assert handed_in([{"title": "责任分工表"}]) is None
    assert asks_for_a_plan("各镇（街道）要结合实际制定实施方案，压实工作责任")
    assert not asks_for_a_plan("充分利用新闻媒体")


def test_stages_go_forward_only() -> None:
    assert next_stages("planned") == ["under_way", "named"]
    assert next_stages("under_way") == ["named"]
    assert next_stages("named") == []


@pytest.mark.parametrize(
    ("before", "after", "reached_on", "proof", "fields"),
    [
        ("planned", "under_way", TODAY, "示例〔2026〕2号", []),
        ("planned", "named", date(2026, 11, 1), "示例〔2026〕2号", []),
        ("under_way", "planned", TODAY, "示例〔2026〕2号", ["stage"]),
        ("named", "named", TODAY, "示例〔2026〕2号", ["stage"]),
        ("planned", "under_way", None, "示例〔2026〕2号", ["reached_on"]),
        ("planned", "under_way", date(2026, 11, 25), "示例〔2026〕2号", ["reached_on"]),
        ("planned", "under_way", date(2026, 9, 30), "示例〔2026〕2号", ["reached_on"]),
        ("planned", "under_way", TODAY, "", ["proof"]),
        ("planned", "under_way", TODAY, "长" * 201, ["proof"]),
    ],
)
def test_a_move_needs_a_later_stage_a_day_and_a_proof(
    before: str, after: str, reached_on: date | None, proof: str, fields: list[str]
) -> None:
    found = move_problems(
        before=before, after=after, reached_on=reached_on, earlier=date(2026, 10, 1), today=TODAY, proof=proof
    )
    assert [problem.field for problem in found] == fields


def test_an_establishment_is_named_on_a_day_that_has_come() -> None:
    good = {"kind": "law_base", "level": "city", "stage": "named", "name": "示例基地", "today": TODAY}
    assert establishment_problems(**good, named_on=TODAY) == []  # type: ignore[arg-type]
    for named_on in (None, date(2026, 11, 25)):
        found = establishment_problems(**good, named_on=named_on)  # type: ignore[arg-type]
        assert [problem.field for problem in found] == ["named_on"]
