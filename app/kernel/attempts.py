"""Counted tries: one table for every code that could be guessed, true across processes."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Index, String, bindparam, delete, select
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.kernel.database import Base, IdMixin, UtcDateTime
from app.kernel.errors import TooMany
from app.kernel.tokens import digest


class Attempt(IdMixin, Base):
    """One failed try. `key` is a digest: neither an address nor a login stands here."""

    __tablename__ = "attempt"
    __table_args__ = (Index(None, "purpose", "key", "at"),)

    purpose: Mapped[str] = mapped_column(String(20))
    key: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(UtcDateTime)


# Made once: it is asked for every registration, and putting it together takes longer than the database.
_TRIES = (
    select(Attempt.at)
    .where(Attempt.purpose == bindparam("purpose"), Attempt.key == bindparam("key"), Attempt.at >= bindparam("since"))
    .order_by(Attempt.at.desc())
    .limit(100)
)


def attempt_key(*parts: str) -> str:
    return digest("\x1f".join(parts))


def count_attempts(session: Session, purpose: str, key: str, *, since: datetime) -> list[datetime]:
    """Moments of the failed tries since then, newest first."""
    return list(session.scalars(_TRIES, {"purpose": purpose, "key": key, "since": since}))


def check_attempts(session: Session, purpose: str, key: str, *, now: datetime, free: int, window: timedelta) -> None:
    """Raise TooMany while the growing delay after `free` failures has not passed.

    The delay doubles from 2 s per failure beyond `free`, at most 5 minutes: nobody is
    locked out for good by a stranger's tries.
    """
    tries = count_attempts(session, purpose, key, since=now - window)
    excess = len(tries) - free
    if excess < 0 or not tries:
        return
    delay = timedelta(seconds=min(300, 2 ** min(excess + 1, 9)))
    wait = (tries[0] + delay - now).total_seconds()
    if wait > 0:
        seconds = int(wait) + 1
        raise TooMany("too_many_tries", f"试的次数太多了，请 {seconds} 秒后再试。", seconds)


def note_attempt(session: Session, purpose: str, key: str, *, now: datetime) -> None:
    """Keep one failed try."""
    session.add(Attempt(purpose=purpose, key=key, at=now))


def clear_attempts(session: Session, purpose: str, key: str) -> None:
    """A success forgives what went before."""
    session.execute(delete(Attempt).where(Attempt.purpose == purpose, Attempt.key == key))
