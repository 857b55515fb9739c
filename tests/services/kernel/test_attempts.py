"""Counted tries: the wait grows and ends, a clock that jumps makes nobody wait longer, and a burst gets no more answers."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from flask import Flask

from app.extensions import db
from app.kernel import attempts
from app.kernel.attempts import LONGEST, attempt_key, check_attempts, clear_attempts, settle_attempt
from app.kernel.database import transaction
from app.kernel.errors import TooMany
from tests.factories import NOW

FREE, WINDOW, BURST = 10, timedelta(minutes=15), 24
KEY = attempt_key("10.0.0.1")


def fail(now: datetime, *, right: bool = False, key: str = KEY) -> bool:
    """One try; whether it was answered."""
    try:
        with transaction(db.session) as tx:
            settle_attempt(tx, "venue", key, right=right, now=now, free=FREE, window=WINDOW)
    except TooMany:
        return False
    return True


def wait(now: datetime, key: str = KEY) -> int:
    """Seconds until the next try is read."""
    try:
        check_attempts(db.session(), "venue", key, now=now, free=FREE, window=WINDOW)
    except TooMany as many:
        return many.wait_seconds
    finally:
        db.session.rollback()
    return 0


def test_the_wait_doubles_up_to_five_minutes_and_ends(app: Flask) -> None:
    moment, waits = NOW, []
    with app.app_context():
        for _ in range(FREE):
            assert wait(moment) == 0 and fail(moment)
        for _ in range(9):
            waits.append(wait(moment))
            assert not fail(moment, right=True)  # a right one too has to wait
            moment += timedelta(seconds=waits[-1])
            assert fail(moment)
        assert waits == [2, 4, 8, 16, 32, 64, 128, 256, LONGEST]
        assert wait(moment, attempt_key("10.0.0.2")) == 0  # another network is not meant
        assert wait(moment + WINDOW) == 0


def test_a_right_try_is_not_kept(app: Flask) -> None:
    with app.app_context():
        assert all(fail(NOW, right=True) for _ in range(2 * FREE))
        assert wait(NOW) == 0
        assert all(fail(NOW) for _ in range(FREE)) and not fail(NOW)
        with transaction(db.session) as tx:
            clear_attempts(tx, "venue", KEY)
        assert fail(NOW)


@pytest.mark.parametrize("back", [timedelta(seconds=90), timedelta(hours=1), timedelta(days=400)])
def test_a_clock_that_jumps_back_makes_nobody_wait_longer_than_five_minutes(app: Flask, back: timedelta) -> None:
    with app.app_context():
        for _ in range(FREE + 30):
            attempts.note_attempt(db.session(), "venue", KEY, now=NOW)
        db.session.commit()
        moment = NOW - back
        assert wait(moment) <= LONGEST
        moment += timedelta(seconds=wait(moment))
        moment += timedelta(seconds=wait(moment))  # of two clocks that are 90 s apart the wait is said twice
        assert fail(moment)
        assert wait(moment) == LONGEST  # and what was noted by the clock that was ahead still counts


def answered(app: Flask, key: str) -> int:
    """So many wrong tries at once, each on a connection of its own: how many of them are answered."""
    gate = threading.Barrier(BURST)

    def one(number: int) -> bool:
        with app.app_context():
            moment = NOW + timedelta(
                milliseconds=(number * 7) % 40
            )  # they came one after the other, their turns may not
            gate.wait(20)
            if wait(moment, key):
                return False
            return fail(moment, key=key)

    with ThreadPoolExecutor(BURST) as pool:
        return sum(pool.map(one, range(BURST)))


def test_a_burst_gets_no_more_answers_than_one_after_the_other(app: Flask) -> None:
    assert answered(app, attempt_key("burst")) == FREE


def test_looking_first_and_noting_after_lets_a_burst_pass(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: as it was."""

    def note_only(session: object, purpose: str, key: str, *, now: datetime, **_more: object) -> None:
        attempts.note_attempt(session, purpose, key, now=now)  # type: ignore[arg-type]

    monkeypatch.setitem(globals(), "settle_attempt", note_only)
    assert max(answered(app, attempt_key(f"burst {n}")) for n in range(4)) > FREE
