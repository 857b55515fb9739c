"""Whose activities the ledger holds: the district's, or those of every unit its reader may export, and no other."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask

from app.demo.crowd import grow
from app.demo.seed import seed_people
from app.extensions import db
from app.kernel.clock import business_day
from app.kernel.database import transaction
from app.metrics.ledger import ledger_tables
from app.metrics.queries import FactFilter, list_facts, stream_facts
from app.organisation.models import Unit
from tests.factories import NOW
from tests.plan import make_plan


@pytest.fixture
def paths(app: Flask) -> dict[str, str]:
    """Forty activities of four towns; the towns' paths by name."""
    with app.app_context(), transaction(db.session) as tx:
        make_plan(tx, now=NOW)
        seed_people(tx, now=NOW)
        grow(tx, activities=40, check_ins=60, now=NOW)
        return {unit.name: unit.path for unit in tx.query(Unit)}


def hosts(app: Flask, wanted: list[str] | None) -> set[str]:
    """The hosts that the ledger's second sheet names."""
    with app.app_context():
        tables = ledger_tables(
            db.session(), year=NOW.year, today=business_day(NOW + timedelta(days=1)), host_paths=wanted, moment=NOW
        )
        rows = list(tables.sheets[1].rows)
        assert len(rows) == tables.rows
        return {str(row[4]) for row in rows}


def test_the_district_sees_all_and_a_unit_its_own(app: Flask, paths: dict[str, str]) -> None:
    towns = {"示例甲镇", "示例乙镇", "示例丙街道", "示例丁街道"}
    assert hosts(app, None) == towns
    assert hosts(app, [paths["示例甲镇"]]) == {"示例甲镇"}


def test_somebody_with_roles_at_two_units_gets_both(app: Flask, paths: dict[str, str]) -> None:
    assert hosts(app, [paths["示例甲镇"], paths["示例丁街道"]]) == {"示例甲镇", "示例丁街道"}


def test_no_unit_is_no_row_and_not_the_district(app: Flask, paths: dict[str, str]) -> None:
    assert hosts(app, []) == set()


def test_the_stream_is_the_list_in_small_parts(app: Flask, paths: dict[str, str]) -> None:
    with app.app_context():
        wanted = FactFilter(year=NOW.year)
        listed = list_facts(db.session(), wanted, size=1000)
        assert len(listed) > 7
        streamed = list(stream_facts(db.session(), wanted, at_once=7))
        assert [(row.activity_code, tuple(units)) for row, units in streamed] == [
            (fact.activity_code, fact.units) for fact in listed
        ]
        assert [(row.title, row.host, row.grade_a, row.heritage, row.programme) for row, _units in streamed] == [
            (fact.title, fact.host, fact.grades.a, fact.heritage, fact.programme) for fact in listed
        ]
