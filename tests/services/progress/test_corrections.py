"""A returned note or establishment is corrected in its own row; an approved one moves on, reviewed again."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditDetail, AuditEntry
from app.extensions import db
from app.kernel.database import transaction
from app.kernel.errors import Conflict, NotPermitted, RuleBroken
from app.planning.models import Task
from app.progress.models import Establishment, ProgressNote
from app.progress.rules import Document
from app.progress.service import (
    add_establishment,
    add_note,
    correct_establishment,
    correct_note,
    decide,
    move_establishment,
)
from tests.cast import Cast, make_cast
from tests.factories import NOW
from tests.plan import make_plan

DAY = date(2026, 11, 20)
PLANNED = {"kind": "red_community", "level": "", "stage": "planned", "name": "示例社区", "proof": "", "named_on": None}


@pytest.fixture
def cast(app: Flask) -> Iterator[Cast]:
    with app.app_context():
        with transaction(db.session) as tx:
            made = make_cast(tx)
            make_plan(tx, now=NOW)
        yield made


def _note() -> ProgressNote:
    return db.session.scalars(select(ProgressNote)).one()


def _base() -> Establishment:
    return db.session.scalars(select(Establishment)).one()


def _add_note(cast: Cast) -> None:
    with transaction(db.session) as tx:
        task = tx.scalars(select(Task).where(Task.number == 12)).one()
        add_note(
            tx, cast.town, task=task, safeguard=None, text="方案征求意见。", noted_on=DAY, stage="deployed",
            documents=[Document(), Document(" 培训方案 ", "示例〔2026〕1号", "2026-11-01")],
            actor=cast.actor(tx, "organizer"), now=NOW,
        )  # fmt: skip


def _decide(cast: Cast, row: ProgressNote | Establishment, *, accept: bool, by: str = "reviewer") -> None:
    with transaction(db.session) as tx:
        decide(tx, row, accept=accept, reason="请写日期", actor=cast.actor(tx, by), now=NOW)


def test_a_returned_note_is_corrected_and_the_log_keeps_what_it_said(cast: Cast) -> None:
    _add_note(cast)
    assert _note().documents == [{"title": "培训方案", "number": "示例〔2026〕1号", "date": "2026-11-01"}]
    _decide(cast, _note(), accept=False)
    with transaction(db.session) as tx:
        correct_note(
            tx, _note(), text="方案已印发。", noted_on=DAY, stage="issued", documents=[],
            actor=cast.actor(tx, "organizer"), now=NOW,
        )  # fmt: skip
    assert (_note().state, _note().text, _note().documents) == ("under_review", "方案已印发。", [])
    assert _note().reason == "请写日期"  # the next reader sees what was asked for
    entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "note.changed")).one()
    rows = db.session.execute(select(AuditDetail.name, AuditDetail.value).where(AuditDetail.seq == entry.seq))
    said = {row.name: row.value for row in rows}
    assert said == {"text": "方案征求意见。", "reason": "请写日期"}
    assert "方案" not in json.dumps(json.loads(entry.body), ensure_ascii=False)
    _decide(cast, _note(), accept=True)
    assert (_note().state, _note().reason) == ("approved", "")


@pytest.mark.parametrize("accept", [None, True])
def test_what_waits_or_is_approved_cannot_be_corrected(cast: Cast, accept: bool | None) -> None:
    _add_note(cast)
    if accept:
        _decide(cast, _note(), accept=True)
    with pytest.raises(Conflict, match="没有被退回"), transaction(db.session) as tx:
        correct_note(tx, _note(), text="改了。", noted_on=DAY, stage="", actor=cast.actor(tx, "organizer"), now=NOW)
    assert _note().text == "方案征求意见。"


def test_a_bad_correction_leaves_the_note_as_it_came_back(cast: Cast) -> None:
    _add_note(cast)
    _decide(cast, _note(), accept=False)
    with pytest.raises(RuleBroken), transaction(db.session) as tx:
        correct_note(tx, _note(), text="", noted_on=DAY, stage="", actor=cast.actor(tx, "organizer"), now=NOW)
    assert (_note().state, _note().text) == ("returned", "方案征求意见。")


def test_nobody_decides_on_the_note_of_the_own_unit(cast: Cast) -> None:
    _add_note(cast)
    with pytest.raises(NotPermitted):
        _decide(cast, _note(), accept=True, by="organizer")
    _decide(cast, _note(), accept=True)
    with pytest.raises(Conflict, match="已经处理过"):
        _decide(cast, _note(), accept=False)


def _add_base(cast: Cast) -> None:
    with transaction(db.session) as tx:
        actor = cast.actor(tx, "organizer")
        add_establishment(tx, cast.town, **PLANNED, actor=actor, now=NOW)  # type: ignore[arg-type]


def _move(cast: Cast, stage: str, day: date) -> None:
    with transaction(db.session) as tx:
        move_establishment(
            tx,
            _base(),
            stage=stage,
            reached_on=day,
            proof="示例〔2026〕9号",
            actor=cast.actor(tx, "organizer"),
            now=NOW,
        )


def test_an_establishment_moves_on_stage_by_stage_and_is_reviewed_each_time(cast: Cast) -> None:
    _add_base(cast)
    with pytest.raises(Conflict, match="还没有审核通过"):
        _move(cast, "under_way", DAY)
    _decide(cast, _base(), accept=True)
    _move(cast, "under_way", DAY)
    assert (_base().stage, _base().state, _base().under_way_on) == ("under_way", "under_review", DAY)
    _decide(cast, _base(), accept=True)
    with pytest.raises(RuleBroken, match="不能早于"):
        _move(cast, "named", date(2026, 11, 19))
    _move(cast, "named", DAY)
    assert (_base().stage, _base().named_on, _base().proof) == ("named", DAY, "示例〔2026〕9号")


def test_a_returned_establishment_is_corrected(cast: Cast) -> None:
    _add_base(cast)
    _decide(cast, _base(), accept=False)
    with transaction(db.session) as tx:
        actor = cast.actor(tx, "organizer")
        values = {**PLANNED, "name": "示例甲社区", "named_on": DAY}
        correct_establishment(tx, _base(), **values, actor=actor, now=NOW)  # type: ignore[arg-type]
    assert (_base().state, _base().name) == ("under_review", "示例甲社区")
    assert _base().named_on is None  # only a named one has the day
    with pytest.raises(Conflict, match="没有被退回"), transaction(db.session) as tx:
        correct_establishment(
            tx,
            _base(),
            **PLANNED,
            actor=cast.actor(tx, "organizer"),
            now=NOW,  # type: ignore[arg-type]
        )
