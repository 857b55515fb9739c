"""Counted tries: one table for every code that could be guessed, true across processes."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import ceil

from sqlalchemy import Index, String, bindparam, delete, func, select
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
_TRIES = select(
    func.count(Attempt.id),
    # What a clock noted that was far ahead still counts, but nobody waits an hour for its moment to come.
    func.max(Attempt.at).filter(Attempt.at <= bindparam("soon")),
).where(Attempt.purpose == bindparam("purpose"), Attempt.key == bindparam("key"), Attempt.at >= bindparam("since"))

WAIT = "试的次数太多了，请 {seconds} 秒后再试。"
LONGEST = 300  # seconds that anybody waits at most
SKEW = timedelta(minutes=2)  # two server processes may differ by so much, and tries of one moment come in any order


def attempt_key(*parts: str) -> str:
    return digest("\x1f".join(parts))


def check_attempts(
    session: Session, purpose: str, key: str, *, now: datetime, free: int, window: timedelta, longest: int = LONGEST,
    words: str = WAIT,
) -> None:  # fmt: skip
    """Raise TooMany while the growing delay after `free` failures has not passed.

    The delay doubles from 2 s per failure beyond `free`, up to `longest` seconds: nobody is
    locked out for good by a stranger's tries. Alone it only spares work, since many may pass it at
    once: what a try has found is told after `settle_attempt`.
    """
    asked = {"purpose": purpose, "key": key, "since": now - window, "soon": now + SKEW}
    tries, latest = session.execute(_TRIES, asked).one()
    excess = tries - free
    if excess < 0 or latest is None:
        return
    delay = timedelta(seconds=min(longest, 2 ** min(excess + 1, 9)))
    wait = min(longest, (latest + delay - now).total_seconds())
    if wait > 0:
        seconds = ceil(wait)
        raise TooMany("too_many_tries", words.format(seconds=seconds), seconds)


def settle_attempt(
    session: Session, purpose: str, key: str, *, right: bool, now: datetime, free: int, window: timedelta,
    longest: int = LONGEST, words: str = WAIT,
) -> None:  # fmt: skip
    """One try at a time in all processes: counts those before it, keeps it when it was wrong.

    Before this has returned and its transaction is committed, nobody is told whether a try was right. Raises
    TooMany for a right one too when its turn was not free: of a hundred guesses sent at once, as many are answered as
    of a hundred sent one after the other.
    """
    _wait_for_turn(session, purpose, key)
    check_attempts(session, purpose, key, now=now, free=free, window=window, longest=longest, words=words)
    if not right:
        note_attempt(session, purpose, key, now=now)


def _wait_for_turn(session: Session, purpose: str, key: str) -> None:
    """On SQLite the transaction itself is the turn."""
    if session.get_bind().dialect.name == "postgresql":
        turn = int(digest(f"attempt\x1f{purpose}\x1f{key}")[:15], 16)
        session.execute(select(func.pg_advisory_xact_lock(turn)))


def note_attempt(session: Session, purpose: str, key: str, *, now: datetime) -> None:
    """Keep one failed try."""
    session.add(Attempt(purpose=purpose, key=key, at=now))


def clear_attempts(session: Session, purpose: str, key: str) -> None:
    """A success forgives what went before."""
    session.execute(delete(Attempt).where(Attempt.purpose == purpose, Attempt.key == key))
