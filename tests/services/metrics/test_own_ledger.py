"""A unit's own ledger holds what is its own, co-hosted activities too, and no district figure under its name."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from app.extensions import db
from app.kernel.database import transaction
from app.metrics.board import load_board
from app.metrics.ledger import ledger_tables
from app.metrics.queries import FactFilter, load_rollup, sum_facts
from app.progress.models import Establishment, ProgressNote
from tests.cast import Cast, make_cast
from tests.factories import NOW
from tests.plan import make_plan
from tests.services.metrics.facts import held

DAY = date(2026, 11, 20)


@pytest.fixture
def cast(app: Flask) -> Iterator[Cast]:
    with app.app_context():
        with transaction(db.session) as tx:
            made = make_cast(tx)
            make_plan(tx, now=NOW)
        yield made


def rows(session: Session, paths: list[str] | None) -> dict[int, dict[str, object]]:
    """The first sheet by task number, cells by heading."""
    sheet = ledger_tables(session, year=2026, today=DAY, host_paths=paths, moment=NOW).sheets[0]
    heads = [column.title for column in sheet.columns]
    return {int(str(row[0])): dict(zip(heads, row, strict=True)) for row in sheet.rows}


def test_notes_of_another_unit_do_not_stand_in_it_and_the_target_is_called_the_districts(
    app: Flask, cast: Cast
) -> None:
    with transaction(db.session) as tx:
        held(tx, cast.town, task=10)
        held(tx, cast.other_town, task=10)
        line = load_board(tx, year=2026, today=DAY).task(10)
        assert line is not None
        tx.add(ProgressNote(
            task_id=line.id, unit_id=cast.other_town.id, noted_on=DAY, text="示例", state="approved", created_at=NOW
        ))  # fmt: skip
    own, whole = rows(db.session(), [cast.town.path]), rows(db.session(), None)
    assert (own[10]["活动场数"], whole[10]["活动场数"]) == (1, 2)
    assert (own[10]["工作进展（条）"], whole[10]["工作进展（条）"]) == (0, 1)
    for number, line_ in own.items():
        assert line_["进度 / 目标（全区）"] == whole[number]["进度 / 目标"]
        assert line_["灯（全区）"] == whole[number]["灯"]
    assert "进度 / 目标" not in own[10]


def test_establishments_and_last_days_of_another_unit_are_not_ones_own(cast: Cast) -> None:
    with transaction(db.session) as tx:
        held(tx, cast.other_town, task=10)
        tx.add(Establishment(
            kind="bus_line", name="示例线", unit_id=cast.other_town.id, stage="named", named_on=DAY,
            state="approved", created_at=NOW,
        ))  # fmt: skip
    own = load_rollup(db.session(), 2026, hosts=[cast.town.path])
    whole = load_rollup(db.session(), 2026)
    assert (list(own.establishments), own.last_on) == ([], {})
    assert (len(whole.establishments), len(whole.last_on)) == (1, 1)
    assert own.years == whole.years  # years to choose from are everybody's


def test_schools_of_a_task_are_counted_whether_an_indicator_asks_or_not(cast: Cast) -> None:
    with transaction(db.session) as tx:
        board = load_board(tx, year=2026, today=DAY)
        task = next(t.number for t in board.tasks if "schools" not in {view.measure for view in t.indicators})
        held(tx, cast.town, task=task, venue_unit_id=cast.school.id)
    line = rows(db.session(), None)[task]
    assert (line["学校（所）"], line["镇街（个）"]) == (1, 1)


def test_what_two_units_hold_together_stands_in_both_ledgers_and_once_in_the_districts(cast: Cast) -> None:
    with transaction(db.session) as tx:
        held(tx, cast.town, task=10, with_units=(cast.other_town,))
    counted = [
        (sum_facts(db.session(), FactFilter(year=2026, hosts=hosts))[0], rows(db.session(), paths)[10]["活动场数"])
        for hosts, paths in (
            ((cast.town.path,), [cast.town.path]),
            ((cast.other_town.path,), [cast.other_town.path]),
            ((cast.town.path, cast.other_town.path), [cast.town.path, cast.other_town.path]),
            ((cast.wenming.path,), [cast.wenming.path]),
            (None, None),
        )
    ]
    assert counted == [(1, 1), (1, 1), (1, 1), (0, 0), (1, 1)]


def test_a_past_year_counts_only_what_was_named_by_its_end(cast: Cast) -> None:
    with transaction(db.session) as tx:
        for name, day in (("甲", date(2023, 12, 31)), ("乙", date(2026, 1, 1))):
            tx.add(Establishment(
                kind="bus_line", name=name, unit_id=cast.town.id, stage="named", named_on=day, state="approved",
                created_at=NOW,
            ))  # fmt: skip
    counts = [sum(e.count for e in load_rollup(db.session(), year).establishments) for year in (2022, 2023, 2026)]
    assert counts == [0, 1, 2]
