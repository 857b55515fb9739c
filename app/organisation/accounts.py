"""Invitations by one-time link, passwords, disabling, roles taken back."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.audit.log import record
from app.kernel.actor import Actor, Role
from app.kernel.errors import Conflict, NotFound, Problem, RuleBroken
from app.kernel.tokens import digest, random_secret
from app.organisation.models import Invitation, RoleGrant, SignIn, Unit, User
from app.organisation.queries import actor_of
from app.organisation.service import end_sign_ins, hash_password, password_matches

INVITED_FOR = timedelta(days=7)
SHORTEST, LONGEST = 10, 200


def invite(session: Session, user: User, *, actor: Actor, now: datetime) -> str:
    """A one-time link's secret; an older link of this account dies. Nobody mails passwords."""
    session.execute(
        update(Invitation).where(Invitation.user_id == user.id, Invitation.used_at.is_(None)).values(used_at=now)
    )
    secret = random_secret()
    session.add(Invitation(user_id=user.id, secret_hash=digest(secret), created_at=now, expires_at=now + INVITED_FOR))
    record(
        session, "user.invited", actor=actor, object_type="user", object_code=user.code, now=now,
        payload={"expires": (now + INVITED_FOR).isoformat()},
    )  # fmt: skip
    return secret


def find_invited(session: Session, secret: str, *, now: datetime) -> User:
    """Whose link this is. Raises NotFound for a used, expired or unknown one alike."""
    user = session.scalar(
        select(User)
        .join(Invitation, Invitation.user_id == User.id)
        .where(
            Invitation.secret_hash == digest(secret), Invitation.used_at.is_(None), Invitation.expires_at > now,
            User.disabled_at.is_(None),
        )
    )  # fmt: skip
    if user is None:
        raise NotFound("这个邀请链接用过了、过期了，或者不完整。请让系统管理员再发一个。")
    return user


def accept_invitation(session: Session, secret: str, password: str, *, now: datetime) -> User:
    """Set the password; the link is spent in the same transaction."""
    user = find_invited(session, secret, now=now)
    _check_password(password)
    spent = session.scalars(
        update(Invitation)
        .where(Invitation.secret_hash == digest(secret), Invitation.used_at.is_(None))
        .values(used_at=now)
        .returning(Invitation.id)
    ).all()
    if not spent:
        raise Conflict("invitation_used", "这个邀请链接刚刚用过了。")
    _set_password(session, user, password, actor=actor_of(session, user), now=now)
    return user


def change_password(session: Session, user: User, *, old: str, new: str, actor: Actor, now: datetime) -> None:
    """The own password; every other sign-in of the account ends."""
    if not password_matches(user, old):
        raise RuleBroken(Problem("old_wrong", "现在的密码不对，没有改。", field="old"))
    _check_password(new)
    _set_password(session, user, new, actor=actor, now=now)
    session.execute(
        update(SignIn)
        .where(SignIn.user_id == user.id, SignIn.ended_at.is_(None), SignIn.id != actor.sign_in_id)
        .values(ended_at=now)
    )


def _check_password(password: str) -> None:
    if not SHORTEST <= len(password) <= LONGEST:
        raise RuleBroken(Problem("password_short", f"密码至少{SHORTEST}个字符，没有保存。", field="password"))
    if len(set(password)) < 5:
        raise RuleBroken(Problem("password_plain", "密码太简单，请多用几种字符。", field="password"))


def _set_password(session: Session, user: User, password: str, *, actor: Actor, now: datetime) -> None:
    user.password_hash, user.must_change_password = hash_password(password), False
    record(session, "user.password_set", actor=actor, object_type="user", object_code=user.code, now=now)


def set_disabled(session: Session, user: User, *, disabled: bool, actor: Actor, now: datetime) -> None:
    """Disabled means signed out at once; one cannot lock oneself out."""
    if user.id == actor.user_id:
        raise Conflict("oneself", "不能停用自己的账号。")
    user.disabled_at = now if disabled else None
    verb = "user.disabled" if disabled else "user.enabled"
    record(session, verb, actor=actor, object_type="user", object_code=user.code, now=now)
    if disabled:
        end_sign_ins(session, user.id, actor=actor, user_code=user.code, now=now)


def revoke_role(session: Session, user: User, *, role: Role, unit: Unit, actor: Actor, now: datetime) -> None:
    """Take a role back; the own administration cannot be given away by accident."""
    if user.id == actor.user_id and role is Role.ADMINISTRATOR:
        raise Conflict("oneself", "不能收回自己的系统管理员角色。")
    grant = session.scalar(
        select(RoleGrant).where(
            RoleGrant.user_id == user.id, RoleGrant.role == role.value, RoleGrant.unit_id == unit.id
        )
    )
    if grant is None:
        return
    session.delete(grant)
    record(
        session, "role.revoked", actor=actor, object_type="user", object_code=user.code, now=now,
        payload={"role": role.value, "unit": unit.code},
    )  # fmt: skip


def own_sign_ins(session: Session, user_id: int, *, now: datetime) -> list[SignIn]:
    """Live sign-ins of an account, newest first."""
    return list(
        session.scalars(
            select(SignIn)
            .where(SignIn.user_id == user_id, SignIn.ended_at.is_(None), SignIn.expires_at > now)
            .order_by(SignIn.id.desc())
        )
    )
