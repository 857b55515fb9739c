"""Units and people from a spreadsheet: all or none, once, written down."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.actor import SYSTEM, Actor
from app.kernel.database import transaction
from app.kernel.errors import Conflict, RuleBroken
from app.organisation import accounts
from app.organisation.arrivals import RowsRefused, bring_in, judge, read_rows
from app.organisation.models import Invitation, RoleGrant, Unit, User
from app.organisation.rules import Row, Sort
from app.sheets.reading import read_sheets
from app.sheets.rows import Standing
from tests.cast import make_cast
from tests.factories import NOW
from tests.rules.sheets.books import PEOPLE_HEAD, UNIT_HEAD, book

FILE = book(
    {
        "单位": [UNIT_HEAD, ("示例丙校", "学校", "示例丙镇"), ("示例丙镇", "镇", ""), ("示例甲镇", "镇", "")],
        "人员": [
            PEOPLE_HEAD, ("bingxiao", "示例老师", "示例丙校", "经办人、单位负责人", ""),
            ("bingzhen", "示例镇长", "示例丙镇", "单位负责人", "示例度假区"),
        ],
    }
)  # fmt: skip


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    return read_rows(read_sheets(FILE, "a.xlsx")).rows


@pytest.fixture
def actor(app: Flask) -> Actor:
    """The administrator; the cast is there."""
    with app.app_context(), transaction(db.session) as tx:
        return make_cast(tx).actor(tx, "administrator")


def counts(session: Session) -> tuple[int, ...]:
    tables = (Unit, User, RoleGrant, Invitation, AuditEntry)
    return tuple(session.scalar(select(func.count()).select_from(table)) or 0 for table in tables)


def test_everything_new_is_made_in_one_transaction_and_written_down(app: Flask, rows: list[Row], actor: Actor) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            made = bring_in(tx, rows, aside=(), actor=actor, now=NOW)
        assert [name for name, _kind in made.units] == ["示例丙校", "示例丙镇"]
        assert [person.login for person in made.people] == ["bingxiao", "bingzhen"]
        assert made.there == 1
        school = db.session.scalars(select(Unit).where(Unit.name == "示例丙校")).one()
        town = db.session.scalars(select(Unit).where(Unit.name == "示例丙镇")).one()
        assert school.path == f"{town.path}{school.id}/"
        grants = db.session.execute(
            select(User.login, RoleGrant.role, Unit.name)
            .join(RoleGrant, RoleGrant.user_id == User.id).join(Unit, Unit.id == RoleGrant.unit_id)
            .where(User.login.startswith("bing")).order_by(RoleGrant.id)
        ).all()  # fmt: skip
        assert [tuple(grant) for grant in grants] == [
            ("bingxiao", "organizer", "示例丙校"),
            ("bingxiao", "unit_manager", "示例丙校"),
            ("bingzhen", "unit_manager", "示例度假区"),
        ]
        assert accounts.find_invited(db.session(), made.people[0].secret, now=NOW).login == "bingxiao"
        last = db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()
        assert last.action == "organisation.imported"
        assert '"set_aside":0,"units":2,"users":2' in last.body
        created = (
            select(AuditEntry.object_code).where(AuditEntry.action == "unit.created").order_by(AuditEntry.seq.desc())
        )
        assert set(db.session.scalars(created.limit(2))) == {school.code, town.code}


def test_one_wrong_row_and_nothing_is_made_until_it_is_set_aside(app: Flask, rows: list[Row], actor: Actor) -> None:
    wrong = [*rows, Row(Sort.PERSON, "人员", 9, {"login": "x y", "name": "", "unit": "哪里", "roles": "无"})]
    with app.app_context():
        before = counts(db.session())
        with pytest.raises(RowsRefused) as refused, transaction(db.session) as tx:
            bring_in(tx, wrong, aside=(), actor=actor, now=NOW)
        assert set(refused.value.judged[-1].problems) == {"login", "name", "unit", "roles"}
        assert counts(db.session()) == before
        with transaction(db.session) as tx:
            made = bring_in(tx, wrong, aside={len(wrong) - 1}, actor=actor, now=NOW)
        assert (len(made.units), len(made.people), made.aside) == (2, 2, 1)
        assert counts(db.session()) != before  # the count does notice


def test_the_same_rows_again_make_nothing_twice(app: Flask, rows: list[Row], actor: Actor) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            bring_in(tx, rows, aside=(), actor=actor, now=NOW)
        before = counts(db.session())
        assert {each.standing for each in judge(db.session(), rows)} == {Standing.THERE}
        with pytest.raises(Conflict), transaction(db.session) as tx:
            bring_in(tx, rows, aside=(), actor=actor, now=NOW)
        assert counts(db.session()) == before


def test_judging_writes_nothing_and_asks_three_statements(
    app: Flask, rows: list[Row], actor: Actor, statements: list[str]
) -> None:
    with app.app_context():
        session = db.session()
        before = counts(session)
        statements.clear()
        assert len(judge(session, rows)) == 5
        assert len(statements) <= 3
        assert counts(session) == before


def test_headings_in_english_in_any_order_and_unknown_ones_are_told_apart() -> None:
    made = book(
        {"x": [("Kind", "备注", "Name", "民族"), ("学校", "无", "示例丁校", "汉")], "说明": [("随便",), ("写写",)]}
    )
    reading = read_rows(read_sheets(made, "a.xlsx"))
    assert reading.rows == [Row(Sort.UNIT, "x", 2, {"kind": "学校", "name": "示例丁校"})]
    assert (reading.dropped, reading.unknown, reading.ignored) == (["民族"], ["备注"], ["说明"])


def test_a_file_without_a_known_heading_is_refused_in_words() -> None:
    with pytest.raises(RuleBroken, match="没有认得的表头"):
        read_rows(read_sheets(book({"x": [("甲", "乙"), ("1", "2")]}), "a.xlsx"))


def test_without_a_district_the_import_says_what_comes_first(app: Flask, rows: list[Row]) -> None:
    with app.app_context(), pytest.raises(RuleBroken, match="先载入实施方案"), transaction(db.session) as tx:
        bring_in(tx, rows, aside=(), actor=SYSTEM, now=NOW)
