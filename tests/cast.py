"""Fixed people of the tests: one of each role, with units that make own and foreign plain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, insert, select
from sqlalchemy.orm import Session

from app.kernel.actor import SYSTEM, Actor, Role
from app.organisation.models import ReaderOrder, RoleGrant, Unit, UnitKind, User
from app.organisation.queries import actor_of
from app.organisation.service import create_user
from tests.factories import NOW, PASSWORD, make_unit


@dataclass
class Cast:
    """经办人、负责人、审核人、复核人、审计员、领导、管理员, and an organizer of another town."""

    district: Unit
    town: Unit
    other_town: Unit
    school: Unit
    wenming: Unit  # 区文明办, the first reader
    zhenggong: Unit  # 区政工部, the second
    jiaoti: Unit  # 区教体中心, the third
    organizer: User
    manager: User
    other_organizer: User
    reviewer: User
    second_reader: User
    third_reader: User
    auditor: User
    leader: User
    administrator: User

    def actor(self, session: Session, name: str) -> Actor:
        """The Actor of one of the people, by field name."""
        return actor_of(session, getattr(self, name))


_TABLES = (Unit.__table__, User.__table__, RoleGrant.__table__, ReaderOrder.__table__)
_remembered: list[list[dict[str, Any]]] = []  # the rows of these, once a process has made them through the services


def make_cast(session: Session) -> Cast:
    """Write the whole cast; call inside a transaction.

    On an empty database the rows that the services wrote the first time are put back, in a tenth of the time; the
    log then holds nothing of them.
    """
    if session.scalar(select(Unit.id).limit(1)) is not None:
        _write(session)
    elif _remembered:
        _put_back(session)
    else:
        _write(session)
        for table in _TABLES:
            _remembered.append([dict(row) for row in session.execute(select(table)).mappings()])
    return _read(session)


def _put_back(session: Session) -> None:
    for table, rows in zip(_TABLES, _remembered, strict=True):
        session.execute(insert(table), rows)
        if session.get_bind().dialect.name == "postgresql":
            session.execute(select(func.setval(f"{table.name}_id_seq", max(row["id"] for row in rows))))


def _read(session: Session) -> Cast:
    units = {unit.name: unit for unit in session.scalars(select(Unit))}
    users = {user.login: user for user in session.scalars(select(User))}
    return Cast(
        district=units["示例度假区"], town=units["示例甲镇"], other_town=units["示例乙镇"],
        school=units["示例第一小学"], **{field: units[name] for field, name in _OFFICES.items()},
        **{field: users[login] for field, login in _LOGINS.items()},
    )  # fmt: skip


_OFFICES = {"wenming": "区文明办", "zhenggong": "区政工部", "jiaoti": "区教体中心"}
_LOGINS = {
    "organizer": "jingban", "manager": "fuze", "other_organizer": "yizhen", "reviewer": "shenhe",
    "second_reader": "fuhe", "third_reader": "sanhe", "auditor": "shenji", "leader": "lingdao",
    "administrator": "guanli",
}  # fmt: skip


def _write(session: Session) -> None:
    town = make_unit(session, name="示例甲镇")
    district = session.get_one(Unit, town.parent_id)
    other_town = make_unit(session, name="示例乙镇")
    make_unit(session, name="示例第一小学", kind=UnitKind.SCHOOL, parent=town)
    offices = [
        make_unit(session, name=name, kind=UnitKind.OFFICE, position=place)
        for place, name in enumerate(("区文明办", "区政工部", "区教体中心"), start=1)
    ]

    def person(login: str, unit: Unit, role: Role, at: Unit | None = None) -> User:
        return create_user(
            session, login=login, name=f"示例{login}", unit=unit, password=PASSWORD,
            roles=[(role, at or unit)], actor=SYSTEM, now=NOW,
        )  # fmt: skip

    person("jingban", town, Role.ORGANIZER)
    person("fuze", town, Role.UNIT_MANAGER)
    person("yizhen", other_town, Role.ORGANIZER)
    readers = [
        person("shenhe", offices[0], Role.REVIEWER),
        person("fuhe", offices[1], Role.SECOND_READER),
        person("sanhe", offices[2], Role.SECOND_READER),
    ]
    person("shenji", district, Role.AUDITOR)
    person("lingdao", district, Role.LEADER)
    person("guanli", district, Role.ADMINISTRATOR)
    for position, (office, reader) in enumerate(zip(offices, readers, strict=True), start=1):
        session.add(ReaderOrder(position=position, unit_id=office.id, reader_id=reader.id))
    session.flush()
