"""Reading units, accounts and the acting person."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, bindparam, select
from sqlalchemy.orm import Session, aliased

from app.kernel.actor import ROLE_LABELS, Actor, Grant, Role
from app.kernel.errors import NotFound
from app.kernel.tokens import digest
from app.organisation.models import ReaderOrder, RoleGrant, SignIn, Unit, UnitKind, User


@dataclass(frozen=True, slots=True)
class UnitChoice:
    """A unit in a list to choose from."""

    id: int
    code: str
    name: str


def find_unit(session: Session, code: str) -> Unit | None:
    """A unit by its code, retired ones too."""
    return session.scalar(select(Unit).where(Unit.code == code))


def get_unit(session: Session, code: str) -> Unit:
    """A unit by its code. Raises NotFound."""
    unit = find_unit(session, code)
    if unit is None:
        raise NotFound("没有找到这个单位。")
    return unit


def lock_district(session: Session) -> Unit | None:
    """The root of the tree, locked until this transaction ends; None before a plan was loaded.

    Whoever changes the tree, imports, or orders the readers takes turns here. Rows of the order itself would not
    do: they are written anew, and who waits for a deleted row never sees its successor.
    """
    statement = select(Unit).where(Unit.kind == UnitKind.DISTRICT.value).order_by(Unit.id).limit(1)
    # NO KEY UPDATE: rows that merely name the district by foreign key do not wait.
    return session.scalar(statement.with_for_update(key_share=True))


def list_units(session: Session, *, kinds: Iterable[UnitKind] | None = None, with_retired: bool = False) -> list[Unit]:
    """Units in the plan's order, then by name; never by any figure."""
    statement = select(Unit)
    if kinds is not None:
        statement = statement.where(Unit.kind.in_([kind.value for kind in kinds]))
    if not with_retired:
        statement = statement.where(Unit.retired_at.is_(None))
    return list(session.scalars(statement.order_by(Unit.position, Unit.id)))


_CHOICES = (
    select(*(Unit.__table__.c[name] for name in ("id", "code", "name", "path")))
    .where(Unit.__table__.c.retired_at.is_(None))
    .order_by(Unit.__table__.c.position, Unit.__table__.c.id)
)


def unit_choices(session: Session, paths: tuple[str, ...] | None) -> list[UnitChoice]:
    """Units of these subtrees to choose from, None for the district's; in the plan's order."""
    rows = session.execute(_CHOICES)
    return [UnitChoice(row.id, row.code, row.name) for row in rows if paths is None or row.path.startswith(paths)]


def unit_names(session: Session) -> dict[int, str]:
    """Names by id, retired ones too: old facts still name them."""
    return {row.id: row.name for row in session.execute(select(Unit.id, Unit.name))}


def find_sign_in(session: Session, secret: str, *, now: datetime) -> SignIn | None:
    """The live server-side session of a cookie's secret."""
    row = session.scalar(select(SignIn).where(SignIn.secret_hash == digest(secret)))
    if row is None or row.ended_at is not None or row.expires_at <= now:
        return None
    return row


def _sign_in_statement() -> Select[Any]:
    sign_in, user, unit, grant = (model.__table__.c for model in (SignIn, User, Unit, RoleGrant))
    at = aliased(Unit.__table__)
    return (
        select(
            sign_in.id.label("sign_in_id"), user.id, user.code, user.name, user.unit_id, unit.name.label("unit_name"),
            unit.path.label("unit_path"), grant.role, grant.unit_id.label("at_id"), at.c.path.label("at_path"),
        )
        .join(User.__table__, user.id == sign_in.user_id)
        .join(Unit.__table__, unit.id == user.unit_id)
        .outerjoin(RoleGrant.__table__, grant.user_id == user.id)
        .outerjoin(at, at.c.id == grant.unit_id)
        .where(
            sign_in.secret_hash == bindparam("secret_hash"), sign_in.ended_at.is_(None),
            sign_in.expires_at > bindparam("now"), user.disabled_at.is_(None),
        )
        .order_by(grant.id)
    )  # fmt: skip


_SIGN_IN = _sign_in_statement()


def load_actor(session: Session, secret: str, *, now: datetime) -> Actor | None:
    """Who acts behind a sign-in cookie: one statement, kept ready since every page of staff sends it; a plain value.

    None when the sign-in ended, expired, or the account is disabled.
    """
    rows = session.execute(_SIGN_IN, {"secret_hash": digest(secret), "now": now}).all()
    if not rows:
        return None
    first = rows[0]
    return Actor(
        kind="user", name=first.name, user_id=first.id, user_code=first.code, unit_id=first.unit_id,
        unit_name=first.unit_name, unit_path=first.unit_path,
        grants=tuple(Grant(Role(row.role), row.at_id, row.at_path) for row in rows if row.role is not None),
        sign_in_id=first.sign_in_id,
    )  # fmt: skip


def actor_of(session: Session, user: User) -> Actor:
    """The Actor of an account, without a sign-in: for seeds, jobs and tests."""
    rows = session.execute(
        select(RoleGrant.role, Unit.id, Unit.path)
        .join(Unit, Unit.id == RoleGrant.unit_id)
        .where(RoleGrant.user_id == user.id)
        .order_by(RoleGrant.id)
    ).all()
    return Actor(
        kind="user",
        name=user.name,
        user_id=user.id,
        user_code=user.code,
        unit_id=user.unit_id,
        unit_name=user.unit.name,
        unit_path=user.unit.path,
        grants=tuple(Grant(Role(row.role), row.id, row.path) for row in rows),
    )


def roles_of(session: Session, user_ids: Iterable[int]) -> dict[int, str]:
    """The roles of these accounts in words: how one says who did a thing without naming anybody. One statement."""
    held: dict[int, set[str]] = {}
    for user_id, role in session.execute(
        select(RoleGrant.user_id, RoleGrant.role).where(RoleGrant.user_id.in_(set(user_ids)))
    ):
        held.setdefault(user_id, set()).add(role)
    return {user_id: "、".join(ROLE_LABELS[role] for role in Role if role in roles) for user_id, roles in held.items()}


def list_readers(session: Session) -> list[ReaderOrder]:
    """Reading offices in their order."""
    return list(session.scalars(select(ReaderOrder).order_by(ReaderOrder.position)))
