"""Group commit: nobody is answered before the COMMIT, a failed batch is tried one by one."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from flask import Flask
from sqlalchemy import func, select

from app.checkin import group_commit
from app.checkin.group_commit import GroupCommit
from app.checkin.models import CheckIn, CheckInEvent, Method
from app.checkin.service import Arrival, Result
from app.extensions import db
from app.kernel.database import transaction
from app.kernel.errors import NotFound
from app.kernel.together import Together
from tests.factories import NOW, make_activity

WORKERS = 12


@pytest.fixture
def session_code(app: Flask) -> str:
    with app.app_context(), transaction(db.session) as tx:
        return make_activity(tx).sessions[0].code


def group_of(app: Flask) -> GroupCommit:
    with app.app_context():
        return GroupCommit(db.engine)


@pytest.fixture
def group(app: Flask) -> GroupCommit:
    return group_of(app)


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


def _break_commit(connection: Any) -> None:
    """COMMIT itself will fail: PostgreSQL is gone, SQLite finds a row that belongs to nobody."""
    if isinstance(connection, psycopg.Connection):
        connection.close()
    else:
        connection.execute("PRAGMA defer_foreign_keys=ON")
        connection.execute("INSERT INTO personal_detail (registration_id, name) VALUES (-1, '示例')")


def failing(monkeypatch: pytest.MonkeyPatch, fails: Callable[[int], bool]) -> list[int]:
    """Transactions whose COMMIT fails when `fails(number of its arrivals)`; the sizes of all batches.

    Every statement of the batch has gone well by then, also on the connection that PostgreSQL's leader keeps.
    """
    sizes: list[int] = []
    ours = group_commit.GroupCommit._arrive

    def breaking(group: GroupCommit, connection: Any, key: None, batch: Any) -> Any:
        sizes.append(len(batch))
        answers = ours(group, connection, key, batch)
        if fails(len(batch)):
            _break_commit(connection)
        return answers

    monkeypatch.setattr(group_commit.GroupCommit, "_arrive", breaking)
    return sizes


def test_a_failed_batch_is_tried_one_by_one(
    app: Flask, session_code: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    sizes, group = failing(monkeypatch, lambda size: size > 1), group_of(app)
    answers = [answer for _ in range(5) for answer in together(group, [walk_in(session_code) for _ in range(WORKERS)])]
    assert all(isinstance(answer, Result) and answer.is_new for answer in answers)
    assert stored(app) == (5 * WORKERS, 5 * WORKERS)
    assert max(sizes) > 1, "no batch was ever shared: this test shows nothing"


def test_a_failed_commit_is_answered_to_nobody(
    app: Flask, session_code: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    sizes, group = failing(monkeypatch, lambda _size: True), group_of(app)
    answers = [answer for _ in range(3) for answer in together(group, [walk_in(session_code) for _ in range(WORKERS)])]
    assert all(isinstance(answer, group.driver_error) for answer in answers)
    assert max(sizes) > 1
    assert stored(app) == (0, 0)


def test_without_the_retry_a_failed_batch_loses_all_of_it(
    app: Flask, session_code: str, monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    """Negative control."""
    sizes, group = failing(monkeypatch, lambda size: size > 1), group_of(app)

    def gives_up(_together: Any, _key: None, _wish: Any) -> Any:
        raise group.driver_error

    monkeypatch.setattr(Together, "_do_alone", gives_up)
    answers = [answer for _ in range(5) for answer in together(group, [walk_in(session_code) for _ in range(WORKERS)])]
    lost = sum(isinstance(answer, group.driver_error) for answer in answers)
    assert lost > 1 and stored(app) == (5 * WORKERS - lost, 5 * WORKERS - lost)
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
