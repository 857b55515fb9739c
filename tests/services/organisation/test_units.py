"""A unit renamed, moved with what stands below it, retired, restored."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.rows import ActivityInput
from app.activities.service import create_activity
from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.actor import SYSTEM, Actor, Role
from app.kernel.database import transaction
from app.kernel.errors import Conflict, RuleBroken
from app.organisation.models import ReaderOrder, Unit, UnitKind, User
from app.organisation.rules import LEVELS_MOST
from app.organisation.service import create_unit, create_user
from app.organisation.units import change_unit, restore_unit, retire_unit
from tests.cast import make_cast
from tests.factories import NOW


@pytest.fixture
def actor(app: Flask) -> Actor:
    """The administrator. 示例第一小学 stands below 示例甲镇."""
    with app.app_context(), transaction(db.session) as tx:
        return make_cast(tx).actor(tx, "administrator")


def named(session: Session, name: str) -> Unit:
    return session.scalars(select(Unit).where(Unit.name == name)).one()


def change(actor: Actor, name: str, *, to: str = "", parent: str = "", kind: UnitKind | None = None) -> None:
    with transaction(db.session) as tx:
        unit = named(tx, name)
        above = named(tx, parent) if parent else (tx.get(Unit, unit.parent_id) if unit.parent_id else None)
        change_unit(tx, unit, name=to or name, kind=kind or UnitKind(unit.kind), parent=above, actor=actor, now=NOW)


def test_a_town_moves_with_its_school(app: Flask, actor: Actor) -> None:
    with app.app_context():
        change(actor, "示例甲镇", to="示例新镇", parent="示例乙镇", kind=UnitKind.COMMUNITY)
        session = db.session()
        town, school, other = (named(session, name) for name in ("示例新镇", "示例第一小学", "示例乙镇"))
        assert town.path == f"{other.path}{town.id}/"
        assert school.path == f"{town.path}{school.id}/"
        assert town.kind == "community"
        entry = session.scalars(select(AuditEntry).order_by(AuditEntry.seq.desc()).limit(1)).one()
        assert entry.action == "unit.changed"
        assert other.code in entry.body


@pytest.mark.parametrize(
    ("name", "to", "parent", "field"),
    [
        ("示例甲镇", "示例乙镇", "", "name"),
        ("示例甲镇", "长" * 61, "", "name"),
        ("示例甲镇", " ", "", "name"),
        ("示例甲镇", "", "示例甲镇", "parent"),
        ("示例甲镇", "", "示例第一小学", "parent"),
    ],
)
def test_what_cannot_be_is_refused_at_its_field(
    app: Flask, actor: Actor, name: str, to: str, parent: str, field: str
) -> None:
    with app.app_context():
        with pytest.raises(RuleBroken) as refused:
            change(actor, name, to=to, parent=parent)
        assert refused.value.problems[0].field == field
        assert named(db.session(), "示例第一小学").path.startswith(named(db.session(), "示例甲镇").path)


def test_a_subtree_that_would_grow_too_deep_stays(app: Flask, actor: Actor) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            below = named(tx, "示例乙镇")
            for level in range(3, LEVELS_MOST + 1):
                below = create_unit(tx, name=f"{level}级", kind=UnitKind.COMMUNITY, parent=below, actor=SYSTEM, now=NOW)
        with pytest.raises(RuleBroken, match="层级太多"):
            change(actor, "示例甲镇", parent=f"{LEVELS_MOST - 1}级")
        change(actor, "示例第一小学", parent=f"{LEVELS_MOST - 1}级")


def test_the_district_is_renamed_but_neither_moved_nor_retired(app: Flask, actor: Actor) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            root = named(tx, "示例度假区")
            change_unit(
                tx, root, name="示例新区", kind=UnitKind.TOWN, parent=named(tx, "示例甲镇"), actor=actor, now=NOW
            )
        root = named(db.session(), "示例新区")
        assert (root.kind, root.parent_id) == ("district", None)
        with pytest.raises(RuleBroken, match="不能停用"), transaction(db.session) as tx:
            retire_unit(tx, named(tx, "示例新区"), actor=actor, now=NOW)


def test_a_unit_retires_only_when_nothing_hangs_on_it_and_comes_back(app: Flask, actor: Actor) -> None:
    with app.app_context():
        for name, words in (("示例甲镇", "下面还有单位"), ("示例乙镇", "账号在用"), ("区教体中心", "审核顺序")):
            with pytest.raises(RuleBroken, match=words), transaction(db.session) as tx:
                retire_unit(tx, named(tx, name), actor=actor, now=NOW)
        with transaction(db.session) as tx:
            retire_unit(tx, named(tx, "示例第一小学"), actor=actor, now=NOW)
        with pytest.raises(Conflict), transaction(db.session) as tx:
            retire_unit(tx, named(tx, "示例第一小学"), actor=actor, now=NOW)
        with transaction(db.session) as tx:
            restore_unit(tx, named(tx, "示例第一小学"), actor=actor, now=NOW)
        actions = db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq.desc()).limit(2)).all()
        assert actions == ["unit.restored", "unit.retired"]


class _Undo(Exception):
    """Takes a transaction back."""


def test_a_retired_unit_takes_no_activity_account_or_unit(app: Flask, actor: Actor) -> None:
    def tries(tx: Session) -> list[Callable[[], object]]:
        school = named(tx, "示例第一小学")
        data = ActivityInput(kind="heritage_visit", title="剪纸进课堂", host_unit_id=school.id)
        return [
            lambda: create_activity(tx, data, actor=actor, now=NOW),
            lambda: create_user(tx, login="xin", name="新", unit=school, roles=[(Role.ORGANIZER, school)], actor=actor, now=NOW),
            lambda: create_unit(tx, name="分校", kind=UnitKind.SCHOOL, parent=school, actor=actor, now=NOW),
        ]  # fmt: skip

    with app.app_context():
        with suppress(_Undo), transaction(db.session) as tx:
            for each in tries(tx):
                each()
            raise _Undo  # before it is retired, all three succeed
        with transaction(db.session) as tx:
            retire_unit(tx, named(tx, "示例第一小学"), actor=actor, now=NOW)
        for index in range(3):
            with pytest.raises(RuleBroken, match="已停用"), transaction(db.session) as tx:
                tries(tx)[index]()
        assert db.session.scalar(select(User.id).where(User.login == "xin")) is None
        assert db.session.scalar(select(ReaderOrder.id)) is not None
