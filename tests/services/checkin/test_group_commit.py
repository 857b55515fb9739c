"""Group commit: nobody is answered before the COMMIT, a failed batch is tried one by one."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.checkin import group_commit
from app.checkin.group_commit import GroupCommit
from app.checkin.models import CheckIn, CheckInEvent, Method
from app.checkin.service import Arrival, Result
from app.extensions import db
from app.kernel.database import driver_transaction, transaction
from app.kernel.errors import NotFound
from app.kernel.together import Together
from tests.factories import NOW, make_activity

WORKERS = 12


@pytest.fixture
def session_code(app: Flask) -> str:
    with app.app_context(), transaction(db.session) as tx:
        return make_activity(tx).sessions[0].code


@pytest.fixture
def group(app: Flask) -> GroupCommit:
    with app.app_context():
        return GroupCommit(db.engine)


def walk_in(code: str, people: int = 1) -> Arrival:
    return Arrival(
        secrets.token_urlsafe(16), None, Method.LIVE_CODE, adults=people, is_walk_in=True, session_code=code
    )  # fmt: skip


def stored(app: Flask) -> tuple[int, int]:
    """Events and check-ins."""
    with app.app_context():
        found = [db.session.scalar(select(func.count()).select_from(model)) or 0 for model in (CheckInEvent, CheckIn)]
        db.session.rollback()
    return found[0], found[1]


def together(group: GroupCommit, arrivals: list[Arrival]) -> list[Result | Exception]:
    """All at once, from as many threads."""
    gate = threading.Barrier(len(arrivals))

    def one(arrival: Arrival) -> Result | Exception:
        gate.wait()
        try:
            return group.check_in(arrival, now=NOW)
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(arrivals)) as pool:
        return list(pool.map(one, arrivals))


def test_many_at_once_are_all_stored(app: Flask, group: GroupCommit, session_code: str) -> None:
    answers = together(group, [walk_in(session_code, 2) for _ in range(WORKERS)])
    assert all(isinstance(answer, Result) and answer.is_new for answer in answers)
    assert stored(app) == (WORKERS, WORKERS)


def test_an_unknown_session_fails_alone(app: Flask, group: GroupCommit, session_code: str) -> None:
    codes = ["nothingthere" if n == 3 else session_code for n in range(WORKERS)]
    answers = together(group, [walk_in(code) for code in codes])
    assert [isinstance(answer, NotFound) for answer in answers] == [n == 3 for n in range(WORKERS)]
    assert stored(app) == (WORKERS - 1, WORKERS - 1)


class _Refused(Exception):
    """What the driver would raise."""


def failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[int], bool]) -> list[int]:
    """Transactions whose COMMIT fails when `fails(number of its arrivals)`; the sizes of all batches."""
    sizes: list[int] = []
    ours = group_commit.arrive_together

    def count(lane: Any, batch: Any) -> Any:
        sizes.append(len(batch))
        return ours(lane, batch)

    @contextmanager
    def breaking(engine: Any) -> Any:
        with driver_transaction(engine) as connection:
            yield connection
            if fails(sizes[-1]):
                raise _Refused

    monkeypatch.setattr(group_commit, "arrive_together", count)
    monkeypatch.setattr(group_commit, "driver_transaction", breaking)
    return sizes


@pytest.mark.sqlite_only
def test_a_failed_batch_is_tried_one_by_one(
    app: Flask, group: GroupCommit, session_code: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    sizes = failing(monkeypatch, lambda size: size > 1)
    answers = [answer for _ in range(5) for answer in together(group, [walk_in(session_code) for _ in range(WORKERS)])]
    assert all(isinstance(answer, Result) and answer.is_new for answer in answers)
    assert stored(app) == (5 * WORKERS, 5 * WORKERS)
    assert max(sizes) > 1, "no batch was ever shared: this test shows nothing"


@pytest.mark.sqlite_only
def test_a_failed_commit_is_answered_to_nobody(
    app: Flask, group: GroupCommit, session_code: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    failing(monkeypatch, lambda _size: True)
    answers = together(group, [walk_in(session_code) for _ in range(WORKERS)])
    assert all(isinstance(answer, _Refused) for answer in answers)
    assert stored(app) == (0, 0)


@pytest.mark.sqlite_only
def test_without_the_retry_a_failed_batch_loses_all_of_it(
    app: Flask, group: GroupCommit, session_code: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Negative control."""
    sizes = failing(monkeypatch, lambda size: size > 1)

    def gives_up(_group: Any, _key: None, _wish: Any) -> Any:
        raise _Refused

    monkeypatch.setattr(Together, "_do_alone", gives_up)
    answers = [answer for _ in range(5) for answer in together(group, [walk_in(session_code) for _ in range(WORKERS)])]
    assert any(isinstance(answer, _Refused) for answer in answers)
    assert max(sizes) > 1


def test_one_uid_from_many_threads_counts_once(app: Flask, group: GroupCommit, session_code: str) -> None:
    arrival = walk_in(session_code, 4)
    answers = together(group, [arrival] * WORKERS)
    assert {answer.outcome for answer in answers if isinstance(answer, Result)} == {"accepted"}
    assert stored(app) == (1, 1)


def test_a_kept_connection_that_died_is_replaced(app: Flask, group: GroupCommit, session_code: str) -> None:
    assert group.check_in(walk_in(session_code), now=NOW).is_new
    if group._kept is not None:  # PostgreSQL went away meanwhile
        group._kept.driver_connection.close()  # type: ignore[union-attr]
    assert group.check_in(walk_in(session_code), now=NOW).is_new
    assert stored(app) == (2, 2)
