"""The office's own targets: set, changed, retired; the document's are never touched."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.database import transaction
from app.kernel.errors import Conflict, RuleBroken
from app.metrics.board import IndicatorView, load_board
from app.planning.models import Indicator, Target, Task
from app.planning.service import retire_target, set_target
from tests.cast import Cast, make_cast
from tests.factories import NOW
from tests.plan import make_plan


@pytest.fixture
def cast(app: Flask) -> Iterator[Cast]:
    with app.app_context():
        with transaction(db.session) as tx:
            made = make_cast(tx)
            make_plan(tx, now=NOW)
        yield made


def _indicator(slug: str = "activities", number: int = 10) -> Indicator:
    return db.session.scalars(
        select(Indicator).join(Task, Task.id == Indicator.task_id).where(Task.number == number, Indicator.slug == slug)
    ).one()


def _set(cast: Cast, value: int, year: int = 2026, due_on: date | None = None) -> str:
    with transaction(db.session) as tx:
        actor = cast.actor(tx, "administrator")
        made = set_target(
            tx, _indicator(), year=year, value=value, due_on=due_on, reason="会上定的", actor=actor, now=NOW
        )
        return made.code


def _view(year: int = 2026) -> IndicatorView:
    line = load_board(db.session(), year=year, today=date(2026, 11, 24)).task(10)
    assert line is not None
    return line.indicators[0]


def test_a_changed_target_is_retired_and_stays_in_the_history(cast: Cast) -> None:
    _set(cast, 12)
    _set(cast, 14)
    view = _view()
    assert [t.target for t in view.targets] == [14]
    assert [(t.target, t.retired_reason, t.set_by) for t in view.past] == [(12, "会上定的", "示例guanli")]
    actions = list(db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq)))
    assert actions.count("target.set") == 2


def test_a_target_belongs_to_its_year_alone(cast: Cast) -> None:
    _set(cast, 12)
    assert _view(2025).targets == ()
    _set(cast, 8, year=2025, due_on=date(2025, 12, 1))
    assert [t.target for t in _view(2025).targets] == [8]
    assert [t.target for t in _view(2026).targets] == [12]


def test_the_same_target_twice_is_refused_so_a_double_click_leaves_one(cast: Cast) -> None:
    _set(cast, 12)
    with pytest.raises(RuleBroken, match="没有改动"):
        _set(cast, 12)
    assert _view().past == ()
    _set(cast, 12, due_on=date(2026, 12, 20))  # another day is a change


def test_a_year_before_the_plan_has_no_target(cast: Cast) -> None:
    with pytest.raises(RuleBroken, match="2023年到2026年"):
        _set(cast, 12, year=2022)


def test_a_retired_target_cannot_be_retired_again_nor_the_documents(cast: Cast) -> None:
    code = _set(cast, 12)
    for times in range(2):
        with transaction(db.session) as tx:
            target = tx.scalars(select(Target).where(Target.code == code)).one()
            actor = cast.actor(tx, "administrator")
            if times:
                with pytest.raises(Conflict, match="已经停用"):
                    retire_target(tx, target, reason="不做了", actor=actor, now=NOW)
            else:
                retire_target(tx, target, reason="不做了", actor=actor, now=NOW)
    assert _view().targets == ()
    with transaction(db.session) as tx:
        printed = tx.scalars(select(Target).where(Target.origin == "document")).first()
        assert printed is not None
        with pytest.raises(Conflict, match="方案原文"):
            retire_target(tx, printed, reason="不做了", actor=cast.actor(tx, "administrator"), now=NOW)


def test_loading_the_plan_again_leaves_the_offices_targets(cast: Cast) -> None:
    _set(cast, 12)
    with transaction(db.session) as tx:
        make_plan(tx, now=NOW)
    assert [t.target for t in _view().targets] == [12]
