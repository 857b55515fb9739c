"""Making and changing units, accounts, roles and sign-ins."""

from __future__ import annotations

from datetime import datetime, timedelta

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit.log import record
from app.kernel.actor import Actor, Role
from app.kernel.errors import Conflict, Problem, RuleBroken
from app.kernel.text import one_line
from app.kernel.tokens import digest, random_secret
from app.organisation.models import RoleGrant, SignIn, Unit, UnitKind, User

ABSOLUTE_SIGN_IN = timedelta(hours=8)  # trust.md: idle 30 min, absolute 8 h

_hasher = PasswordHasher()


def use_cheap_hashing() -> None:
    """For tests only: argon2id with the smallest cost."""
    global _hasher
    _hasher = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)


def hash_password(password: str) -> str:
    """argon2id."""
    return _hasher.hash(password)


def create_unit(
    session: Session,
    *,
    name: str,
    kind: UnitKind,
    parent: Unit | None,
    actor: Actor,
    now: datetime,
    position: int = 0,
) -> Unit:
    """A unit below `parent` (None for the district). Raises Conflict for a name in use."""
    name = one_line(name)
    if not name:
        raise RuleBroken(Problem("unit_name_missing", "单位名称没有填。", field="name"))
    if parent is not None and parent.retired_at is not None:
        raise RuleBroken(Problem("parent_retired", f"“{parent.name}”已停用，不能做上级。", field="parent"))
    if session.scalar(select(Unit.id).where(Unit.name == name)) is not None:
        raise Conflict("unit_exists", f"已经有“{name}”这个单位，没有重复新建。")
    unit = Unit(name=name, kind=kind.value, parent_id=parent.id if parent else None, position=position, path="")
    session.add(unit)
    session.flush()
    unit.path = f"{parent.path if parent else '/'}{unit.id}/"
    record(
        session, "unit.created", actor=actor, object_type="unit", object_code=unit.code, now=now,
        payload={"kind": kind.value, "parent": parent.code if parent else None},
    )  # fmt: skip
    return unit


def create_user(
    session: Session,
    *,
    login: str,
    name: str,
    unit: Unit,
    actor: Actor,
    now: datetime,
    password: str = "",
    roles: list[tuple[Role, Unit]] | None = None,
) -> User:
    """An account with its roles; without a password it waits for an invitation link."""
    login = one_line(login).lower()
    if unit.retired_at is not None:
        raise RuleBroken(Problem("unit_retired", f"“{unit.name}”已停用，不能再建账号。", field="unit"))
    if session.scalar(select(User.id).where(User.login == login)) is not None:
        raise Conflict("login_exists", f"登录名“{login}”已有人用，请换一个。")
    user = User(
        login=login,
        name=one_line(name),
        unit=unit,
        password_hash=_hasher.hash(password) if password else "",
        created_at=now,
    )
    session.add(user)
    session.flush()
    record(
        session, "user.created", actor=actor, object_type="user", object_code=user.code, now=now,
        payload={"unit": unit.code, "roles": [role.value for role, _ in roles or []]},
        private={"name": user.name},
    )  # fmt: skip
    for role, at in roles or []:
        grant_role(session, user, role=role, unit=at, actor=actor, now=now)
    return user


def grant_role(session: Session, user: User, *, role: Role, unit: Unit, actor: Actor, now: datetime) -> RoleGrant:
    """Give a role at a unit; giving it twice is the same."""
    found = session.scalar(
        select(RoleGrant).where(
            RoleGrant.user_id == user.id, RoleGrant.role == role.value, RoleGrant.unit_id == unit.id
        )
    )
    if found is not None:
        return found
    grant = RoleGrant(user_id=user.id, role=role.value, unit_id=unit.id)
    session.add(grant)
    session.flush()
    record(
        session, "role.granted", actor=actor, object_type="user", object_code=user.code, now=now,
        payload={"role": role.value, "unit": unit.code},
    )  # fmt: skip
    return grant


def password_matches(user: User | None, password: str) -> bool:
    """Compare in the same time whether or not there is such an account."""
    stored = user.password_hash if user is not None and user.password_hash else _decoy()
    try:
        matched = _hasher.verify(stored, password)
    except (VerificationError, InvalidHashError):
        return False
    return bool(matched) and user is not None and bool(user.password_hash)


_decoy_hash: str | None = None


def _decoy() -> str:
    global _decoy_hash
    if _decoy_hash is None:
        _decoy_hash = _hasher.hash(random_secret())
    return _decoy_hash


def start_sign_in(
    session: Session, user: User, *, device: str, second_factor: bool, actor: Actor, now: datetime
) -> str:
    """A new server-side session; returns the cookie's secret (shown nowhere else)."""
    secret = random_secret()
    session.add(
        SignIn(
            user_id=user.id,
            secret_hash=digest(secret),
            created_at=now,
            expires_at=now + ABSOLUTE_SIGN_IN,
            device=device[:60],
            second_factor=second_factor,
        )
    )
    record(
        session, "user.signed_in", actor=actor, object_type="user", object_code=user.code, now=now,
        payload={"second_factor": second_factor},
    )  # fmt: skip
    return secret


def end_sign_ins(
    session: Session, user_id: int, *, actor: Actor, user_code: str, now: datetime, only: int | None = None
) -> int:
    """End one or all live sign-ins of an account; returns how many."""
    statement = update(SignIn).where(SignIn.user_id == user_id, SignIn.ended_at.is_(None))
    if only is not None:
        statement = statement.where(SignIn.id == only)
    count = len(session.scalars(statement.values(ended_at=now).returning(SignIn.id)).all())
    if count:
        record(
            session, "user.sign_ins_ended", actor=actor, object_type="user", object_code=user_code,
            now=now, payload={"count": count},
        )  # fmt: skip
    return count
