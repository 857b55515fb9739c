"""Units in a tree, accounts, roles at units, server-side sign-ins."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import ForeignKey, Index, LargeBinary, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.kernel.actor import Role
from app.kernel.database import Base, CodeMixin, IdMixin, UtcDateTime, enum_check


class UnitKind(StrEnum):
    DISTRICT = "district"
    OFFICE = "office"
    TOWN = "town"
    COMMUNITY = "community"
    SCHOOL = "school"
    OTHER = "other"


UNIT_KIND_LABELS = {
    UnitKind.DISTRICT: "区",
    UnitKind.OFFICE: "区直部门",
    UnitKind.TOWN: "镇（街道）",
    UnitKind.COMMUNITY: "社区（村）",
    UnitKind.SCHOOL: "学校",
    UnitKind.OTHER: "其他单位",
}


class Unit(CodeMixin, Base):
    """单位. `path` is `/id/id/` from the root: a subtree is a prefix."""

    __tablename__ = "unit"
    __table_args__ = (enum_check("kind", UnitKind), UniqueConstraint("name"))

    parent_id: Mapped[int | None] = mapped_column(ForeignKey("unit.id"), index=True)
    path: Mapped[str] = mapped_column(String(120), index=True, default="")
    kind: Mapped[str] = mapped_column(String(12))
    name: Mapped[str] = mapped_column(String(60))
    position: Mapped[int] = mapped_column(default=0)  # the plan's order; never a ranking
    retired_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class User(CodeMixin, Base):
    """An account of a member of staff."""

    __tablename__ = "user_account"

    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"), index=True)
    login: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(40))
    password_hash: Mapped[str] = mapped_column(String(160), default="")
    must_change_password: Mapped[bool] = mapped_column(default=False)
    totp_secret: Mapped[bytes | None] = mapped_column(LargeBinary)
    totp_last_step: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    disabled_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    unit: Mapped[Unit] = relationship(lazy="joined")


class RoleGrant(IdMixin, Base):
    """A role held at a unit: it reaches the unit and the units below it."""

    __tablename__ = "role_grant"
    __table_args__ = (UniqueConstraint("user_id", "role", "unit_id"), enum_check("role", Role))

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    role: Mapped[str] = mapped_column(String(20))


class SignIn(IdMixin, Base):
    """A server-side session. The cookie holds the secret, the row only its digest."""

    __tablename__ = "sign_in"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    ended_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    device: Mapped[str] = mapped_column(String(60), default="")
    second_factor: Mapped[bool] = mapped_column(default=False)


class RecoveryCode(IdMixin, Base):
    """One of ten printed codes; good once."""

    __tablename__ = "recovery_code"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    code_hash: Mapped[str] = mapped_column(String(64), unique=True)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class TrustedDevice(IdMixin, Base):
    """A browser that passed the second factor; it is asked again after 30 days."""

    __tablename__ = "trusted_device"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


class Invitation(IdMixin, Base):
    """A one-time link to set a password; passwords are never mailed or shown."""

    __tablename__ = "invitation"

    user_id: Mapped[int] = mapped_column(ForeignKey("user_account.id"), index=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class ReaderOrder(IdMixin, Base):
    """One place in the order of reading offices, with its reader and stand-in (AB岗)."""

    __tablename__ = "reader_order"
    __table_args__ = (UniqueConstraint("position"), Index(None, "unit_id", unique=True))

    position: Mapped[int]
    unit_id: Mapped[int] = mapped_column(ForeignKey("unit.id"))
    reader_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))
    stand_in_id: Mapped[int | None] = mapped_column(ForeignKey("user_account.id"))

    unit: Mapped[Unit] = relationship()


class SystemState(Base):
    """Small facts of the installation, e.g. the demo's version; one row a name."""

    __tablename__ = "system_state"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(200))
