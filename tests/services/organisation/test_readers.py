"""The order of readers: changed whole, written down, and followed by who hands in."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.actor import SYSTEM, Actor, Role
from app.kernel.database import transaction
from app.kernel.errors import NotFound, RuleBroken
from app.organisation.accounts import revoke_role, set_disabled
from app.organisation.models import Unit, User
from app.organisation.readers import able_offices, change_order, read_seats
from app.organisation.rules import Seat
from app.organisation.service import create_user
from tests.cast import make_cast
from tests.factories import NOW


@pytest.fixture
def actor(app: Flask) -> Actor:
    """The administrator. 区文明办 has a second reviewer, whose login is `daishen`."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        create_user(tx, login="daishen", name="示例代审", unit=cast.wenming, roles=[(Role.REVIEWER, cast.wenming)], actor=SYSTEM, now=NOW)  # fmt: skip
        return cast.actor(tx, "administrator")


def code(login: str) -> str:
    found = db.session.scalar(select(User.code).where(User.login == login))
    assert found
    return found


def names() -> list[str]:
    units = {unit.code: unit.name for unit in db.session.scalars(select(Unit))}
    return [units[seat.office] for seat in read_seats(db.session())]


def change(actor: Actor, how: Callable[[list[Seat]], list[Seat]], **more: set[str]) -> None:
    with transaction(db.session) as tx:
        change_order(tx, how, actor=actor, now=NOW, **more)


def test_the_order_turns_around_and_the_log_holds_codes_of_before_and_after(app: Flask, actor: Actor) -> None:
    with app.app_context():
        before = read_seats(db.session())
        change(actor, lambda seats: seats[::-1])
        assert names() == ["区教体中心", "区政工部", "区文明办"]
        entry = db.session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()
        assert entry.action == "readers.ordered"
        assert f"{before[0].office}/{before[0].reader}" in entry.body
        assert "示例" not in entry.body


def test_a_reader_and_a_stand_in_of_the_office_are_named(app: Flask, actor: Actor) -> None:
    with app.app_context():
        people = code("shenhe"), code("daishen")
        change(actor, lambda seats: [Seat(seats[0].office, *people), *seats[1:]])
        assert read_seats(db.session())[0] == Seat(read_seats(db.session())[0].office, *people)


@pytest.mark.parametrize("pair", [("fuhe", ""), ("shenhe", "shenhe"), ("guanli", ""), ("shenhe", "fuhe")])
def test_nobody_else_is_named_and_the_old_order_stays(app: Flask, actor: Actor, pair: tuple[str, str]) -> None:
    with app.app_context():
        before = read_seats(db.session())
        people = [code(login) if login else "" for login in pair]
        with pytest.raises(RuleBroken):
            change(actor, lambda seats: [Seat(seats[0].office, *people), *seats[1:]])
        assert read_seats(db.session()) == before


def test_the_third_office_stays_and_one_with_cases_open_too(app: Flask, actor: Actor) -> None:
    with app.app_context():
        with pytest.raises(RuleBroken, match="至少要有3个"):
            change(actor, lambda seats: seats[1:])
        with pytest.raises(NotFound):
            change(actor, lambda seats: [*seats, Seat("absent")])
        first = read_seats(db.session())[0].office
        town = db.session.scalars(select(Unit).where(Unit.name == "示例甲镇")).one()
        with transaction(db.session) as tx:
            create_user(tx, login="zhenfu", name="示例镇复", unit=tx.get_one(Unit, town.id), roles=[(Role.SECOND_READER, town)], actor=SYSTEM, now=NOW)  # fmt: skip
        change(actor, lambda seats: [*seats, Seat(town.code)])
        with pytest.raises(RuleBroken, match="没审完"):
            change(actor, lambda seats: seats[1:], busy={first})
        change(actor, lambda seats: seats[1:])
        assert names() == ["区政工部", "区教体中心", "示例甲镇"]


def test_an_unchanged_order_writes_no_entry(app: Flask, actor: Actor) -> None:
    with app.app_context():
        change(actor, lambda seats: seats)
        assert db.session.scalar(select(AuditEntry.seq).where(AuditEntry.action == "readers.ordered")) is None


def test_the_stand_in_keeps_an_office_able_and_an_office_without_anybody_is_passed_over(
    app: Flask, actor: Actor
) -> None:
    with app.app_context():
        ids = {unit.name: unit.id for unit in db.session.scalars(select(Unit))}
        assert able_offices(db.session()) == [ids["区文明办"], ids["区政工部"], ids["区教体中心"]]
        with transaction(db.session) as tx:
            set_disabled(tx, tx.query(User).filter_by(login="shenhe").one(), disabled=True, actor=actor, now=NOW)
        assert able_offices(db.session())[0] == ids["区文明办"]  # 代审人 is there
        with transaction(db.session) as tx:
            set_disabled(tx, tx.query(User).filter_by(login="daishen").one(), disabled=True, actor=actor, now=NOW)
        assert able_offices(db.session()) == [ids["区政工部"], ids["区教体中心"]]
        with transaction(db.session) as tx:
            user = tx.query(User).filter_by(login="fuhe").one()
            revoke_role(tx, user, role=Role.SECOND_READER, unit=user.unit, actor=actor, now=NOW)
        assert able_offices(db.session()) == [ids["区教体中心"]]
