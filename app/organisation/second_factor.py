"""TOTP, ten printed codes, and browsers remembered for 30 days."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

import pyotp
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app.audit.log import record
from app.kernel.actor import Actor, Role
from app.kernel.errors import Problem, RuleBroken
from app.kernel.keys import KeyRing
from app.kernel.text import normalise_code
from app.kernel.tokens import CODE_ALPHABET, digest, random_secret, same
from app.organisation.models import RecoveryCode, TrustedDevice, User

STEP = 30
CODES = 10
REMEMBERED = timedelta(days=30)
NEEDED_BY = (Role.REVIEWER, Role.ADMINISTRATOR)  # trust.md: TOTP required for reviewers and administrators


def needs_second_factor(actor: Actor) -> bool:
    """Whether a role of this person asks for it."""
    return actor.has_role(*NEEDED_BY)


def new_secret() -> str:
    return pyotp.random_base32()


def enrolment_address(secret: str, login: str) -> str:
    """What the authenticator's QR holds."""
    return pyotp.TOTP(secret).provisioning_uri(name=login, issuer_name="石榴红活动平台")


def matching_step(secret: str, typed: str, *, now: datetime, after: int) -> int | None:
    """The time step of a right code, newer than the last used one: a code works once."""
    totp = pyotp.TOTP(secret)
    step = int(now.timestamp()) // STEP
    for candidate in (step, step - 1):
        if candidate > after and same(totp.at(candidate * STEP), typed):
            return candidate
    return None


def enrol(
    session: Session, user: User, *, secret: str, typed: str, keys: KeyRing, actor: Actor, now: datetime
) -> list[str]:
    """Switch it on with a first right code; returns the ten printed codes, shown this once."""
    step = matching_step(secret, normalise_code(typed), now=now, after=0)
    if step is None:
        raise RuleBroken(Problem("code_wrong", "动态口令不对。请核对手机时间，填现在显示的6位数字。", field="code"))
    user.totp_secret = keys.encrypt(secret, context=f"totp:{user.code}")
    user.totp_last_step = step
    record(session, "user.second_factor_set", actor=actor, object_type="user", object_code=user.code, now=now)
    return make_recovery_codes(session, user, actor=actor, now=now)


def make_recovery_codes(session: Session, user: User, *, actor: Actor, now: datetime) -> list[str]:
    """Ten new ones; the old are void."""
    session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user.id))
    codes = ["".join(secrets.choice(CODE_ALPHABET) for _ in range(12)) for _ in range(CODES)]
    session.add_all(RecoveryCode(user_id=user.id, code_hash=digest(f"{user.code}:{code}")) for code in codes)
    record(
        session, "user.recovery_codes_made", actor=actor, object_type="user", object_code=user.code, now=now,
        payload={"count": CODES},
    )  # fmt: skip
    session.flush()
    return codes


def accept_code(session: Session, user: User, typed: str, *, keys: KeyRing, now: datetime) -> bool:
    """A TOTP code or one of the printed ones; each works once."""
    code = normalise_code(typed)
    if user.totp_secret is None:
        return False
    if len(code) == 6 and code.isdigit():
        secret = keys.decrypt(user.totp_secret, context=f"totp:{user.code}")
        step = matching_step(secret, code, now=now, after=user.totp_last_step)
        if step is None:
            return False
        used = session.scalars(
            update(User)
            .where(User.id == user.id, User.totp_last_step < step)
            .values(totp_last_step=step)
            .returning(User.id)
        ).all()
        return bool(used)
    spent = session.scalars(
        update(RecoveryCode)
        .where(RecoveryCode.code_hash == digest(f"{user.code}:{code}"), RecoveryCode.used_at.is_(None))
        .values(used_at=now)
        .returning(RecoveryCode.id)
    ).all()
    return bool(spent)


def remember_device(session: Session, user: User, *, now: datetime) -> str:
    """A secret for this browser's cookie; 30 days."""
    secret = random_secret()
    session.add(TrustedDevice(user_id=user.id, secret_hash=digest(secret), expires_at=now + REMEMBERED))
    return secret


def is_remembered(session: Session, user: User, secret: str, *, now: datetime) -> bool:
    """Whether this browser passed the second factor within 30 days."""
    if not secret:
        return False
    return (
        session.scalar(
            select(TrustedDevice.id).where(
                TrustedDevice.user_id == user.id,
                TrustedDevice.secret_hash == digest(secret),
                TrustedDevice.expires_at > now,
            )
        )
        is not None
    )
