"""Fixed people of the tests: one of each role, with units that make own and foreign plain."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from app.kernel.actor import SYSTEM, Actor, Role
from app.organisation.models import ReaderOrder, Unit, UnitKind, User
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


def make_cast(session: Session) -> Cast:
    """Write the whole cast; call inside a transaction."""
    town = make_unit(session, name="示例甲镇")
    district = session.get_one(Unit, town.parent_id)
    other_town = make_unit(session, name="示例乙镇")
    school = make_unit(session, name="示例第一小学", kind=UnitKind.SCHOOL, parent=town)
    offices = [
        make_unit(session, name=name, kind=UnitKind.OFFICE, position=place)
        for place, name in enumerate(("区文明办", "区政工部", "区教体中心"), start=1)
    ]

    def person(login: str, unit: Unit, role: Role, at: Unit | None = None) -> User:
        return create_user(
            session, login=login, name=f"示例{login}", unit=unit, password=PASSWORD,
            roles=[(role, at or unit)], actor=SYSTEM, now=NOW,
        )  # fmt: skip

    cast = Cast(
        district=district, town=town, other_town=other_town, school=school,
        wenming=offices[0], zhenggong=offices[1], jiaoti=offices[2],
        organizer=person("jingban", town, Role.ORGANIZER),
        manager=person("fuze", town, Role.UNIT_MANAGER),
        other_organizer=person("yizhen", other_town, Role.ORGANIZER),
        reviewer=person("shenhe", offices[0], Role.REVIEWER),
        second_reader=person("fuhe", offices[1], Role.SECOND_READER),
        third_reader=person("sanhe", offices[2], Role.SECOND_READER),
        auditor=person("shenji", district, Role.AUDITOR),
        leader=person("lingdao", district, Role.LEADER),
        administrator=person("guanli", district, Role.ADMINISTRATOR),
    )  # fmt: skip
    for position, (office, reader) in enumerate(
        zip(offices, (cast.reviewer, cast.second_reader, cast.third_reader), strict=True), start=1
    ):
        session.add(ReaderOrder(position=position, unit_id=office.id, reader_id=reader.id))
    session.flush()
    return cast
