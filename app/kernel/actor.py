"""Who acts: a plain value, never an ORM object, so that it outlives a transaction."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    ORGANIZER = "organizer"
    UNIT_MANAGER = "unit_manager"
    REVIEWER = "reviewer"
    SECOND_READER = "second_reader"
    AUDITOR = "auditor"
    LEADER = "leader"
    ADMINISTRATOR = "administrator"


ROLE_LABELS = {
    Role.ORGANIZER: "经办人",
    Role.UNIT_MANAGER: "单位负责人",
    Role.REVIEWER: "审核人",
    Role.SECOND_READER: "复核人",
    Role.AUDITOR: "日志审计员",
    Role.LEADER: "领导",
    Role.ADMINISTRATOR: "系统管理员",
}


@dataclass(frozen=True, slots=True)
class Grant:
    """A role at a unit; `path` is the unit's tree path, e.g. `/1/7/`."""

    role: Role
    unit_id: int
    path: str


@dataclass(frozen=True, slots=True)
class Actor:
    """`kind` is user, participant, device or system; ids are None where no account acts."""

    kind: str
    name: str
    user_id: int | None = None
    user_code: str = ""
    unit_id: int | None = None
    unit_name: str = ""
    unit_path: str = ""
    grants: tuple[Grant, ...] = ()
    sign_in_id: int | None = None

    @property
    def is_user(self) -> bool:
        return self.kind == "user"

    def has_role(self, *roles: Role) -> bool:
        return any(grant.role in roles for grant in self.grants)

    @property
    def role_names(self) -> tuple[str, ...]:
        """Distinct role labels, in the order of the enum."""
        held = {grant.role for grant in self.grants}
        return tuple(ROLE_LABELS[role] for role in Role if role in held)


SYSTEM = Actor(kind="system", name="系统")
PARTICIPANT = Actor(kind="participant", name="参与者")
DEVICE = Actor(kind="device", name="签到员手机")
ANONYMOUS = Actor(kind="anonymous", name="访客")
