"""Six digits that live for ten minutes or more: tries are counted for each network, and for everybody together.

Many networks together get no more than 40 wrong tries free in an hour and one every two minutes after them, 74 in the
worst hour (tests/web/checkin/test_guessing.py tries it). Of a session four numbers pair a phone at any moment (one or all
sessions, this ten minutes' and the last) and two open its screen, so an hour of it finds a certain session's
number with a probability of 74 × 4 / 10⁶ = 0.03 %, a day of twelve hours with 0.36 %; any of twenty sessions of one day
within the hour with 0.6 %. A phone that is paired so stands in the console's list and is sent away there.

Who waits for strangers' tries waits two minutes at most and has another door: the QR, the console's own button, the desk.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TypedDict

from sqlalchemy.orm import Session

from app.extensions import db
from app.kernel.attempts import LONGEST, WAIT, attempt_key, check_attempts, settle_attempt
from app.web.access import address_key


class _Limit(TypedDict):
    free: int
    window: timedelta
    longest: int
    words: str


def _own(free: int) -> _Limit:
    return {"free": free, "window": timedelta(minutes=15), "longest": LONGEST, "words": WAIT}


OWN = {"pair": _own(10), "screen": _own(10), "relink": _own(5)}
TOGETHER: _Limit = {
    "free": 40, "window": timedelta(hours=1), "longest": 120,
    "words": "这会儿填错数字的人太多，不一定是您，请 {seconds} 秒后再试。",
}  # fmt: skip


def check_digits(purpose: str, *target: str, now: datetime) -> None:
    """Raises TooMany while this network or everybody has to wait. `target` is what the digits are for, where it is known."""
    check_attempts(db.session(), purpose, address_key(*target), now=now, **OWN[purpose])
    check_attempts(db.session(), purpose, attempt_key("together", *target), now=now, **TOGETHER)


def settle_digits(session: Session, purpose: str, *target: str, right: bool, now: datetime) -> None:
    """Keeps a wrong try for the network and for all. Raises TooMany (settle_attempt)."""
    settle_attempt(session, purpose, address_key(*target), right=right, now=now, **OWN[purpose])
    settle_attempt(session, purpose, attempt_key("together", *target), right=right, now=now, **TOGETHER)
