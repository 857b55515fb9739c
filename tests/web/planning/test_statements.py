"""Twelve statements are enough for every page of the plan, however much has been written on it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.planning.models import Indicator, Safeguard, Task
from app.planning.service import retire_target, set_target
from app.progress.service import add_establishment, add_note
from tests.web.planning.conftest import find_cast, make_fact

MOST = 12
TODAY = business_day(now())


@pytest.fixture
def full(district: Flask) -> Flask:
    """Task 3 with everything that a task page can show, several times; safeguards with notes."""
    with district.app_context(), transaction(db.session) as tx:
        seats, moment = find_cast(tx), now()
        task = tx.scalars(select(Task).where(Task.number == 3)).one()
        for indicator in tx.scalars(select(Indicator).where(Indicator.task_id == task.id)):
            for value in (3, 4):
                target = set_target(
                    tx, indicator, year=TODAY.year, value=value, due_on=None, reason="示例", actor=SYSTEM, now=moment
                )
            retire_target(tx, target, reason="示例", actor=SYSTEM, now=moment)
        places = [(task, None), *((None, row) for row in tx.scalars(select(Safeguard)))]
        for place, safeguard in places * 3:
            add_note(
                tx, seats.town, task=place, safeguard=safeguard, text="示例进展。", noted_on=TODAY, stage="",
                actor=SYSTEM, now=moment,
            )  # fmt: skip
        for name in ("示例甲基地", "示例乙基地"):
            add_establishment(
                tx, seats.town, kind="practice_base", level="city", stage="planned", name=name, proof="",
                named_on=None, actor=SYSTEM, now=moment,
            )  # fmt: skip
        for day in (2, 3, 4):
            make_fact(tx, seats, day=date(TODAY.year, 1, day), number=3)
    return district


@pytest.mark.parametrize("login", ["jingban", "shenhe", "guanli"])
def test_every_page_stays_within_twelve_statements(
    full: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None], statements: list[str], login: str
) -> None:
    sign_in(client, login)
    many = {}
    pages = [
        "/metrics", "/plan", "/plan/tasks/3", "/plan/tasks/10?year=2021", "/plan/safeguards", "/metrics/facts",
        "/metrics/facts?task=3", f"/metrics/facts/{_fact(full)}", "/establishments", "/progress/mine",
        "/progress/review", "/plan/safeguards/2/note", "/plan/tasks/3/note",
    ]  # fmt: skip
    for page in pages:
        statements.clear()
        assert client.get(page).status_code in (200, 403)
        if len(statements) > MOST:
            many[page] = len(statements)
    assert many == {}


def _fact(app: Flask) -> str:
    with app.app_context(), transaction(db.session) as tx:
        return make_fact(tx, find_cast(tx), day=date(TODAY.year, 1, 9), number=3)
