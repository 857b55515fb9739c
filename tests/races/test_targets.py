"""Two administrators set a target at once: one stays live, the other is history; without the lock both stay."""

from __future__ import annotations

import contextlib
import threading
from datetime import date
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.database import transaction
from app.planning import service
from app.planning.models import Indicator, Target
from app.planning.pack import find_pack, read_pack
from app.planning.service import load_plan, set_target
from tests.factories import NOW
from tests.races.test_places import run_all

pytestmark = pytest.mark.serial


def _race(app: Flask, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Values of the targets that are live after two were set; each waits for the other where it can."""
    with app.app_context(), transaction(db.session) as tx:
        load_plan(tx, read_pack(find_pack("liaocheng-2023")), now=NOW)
        code = tx.scalars(select(Indicator.code).order_by(Indicator.id)).first()
    together = threading.Barrier(2)
    look = service.find_office_target

    def looked(*words: Any) -> Target | None:
        found = look(*words)
        with contextlib.suppress(threading.BrokenBarrierError):  # the lock keeps the other one out: nobody to meet
            together.wait(1)
        return found

    monkeypatch.setattr(service, "find_office_target", looked)

    def work(number: int) -> None:
        with app.app_context(), transaction(db.session) as tx:
            indicator = tx.scalars(select(Indicator).where(Indicator.code == code)).one()
            set_target(
                tx,
                indicator,
                year=2026,
                value=10 + number,
                due_on=date(2026, 12, 1),
                reason="示例",
                actor=SYSTEM,
                now=NOW,
            )

    assert run_all(work, 2, clients=2) == []
    with app.app_context():
        return list(
            db.session.scalars(select(Target.value).where(Target.origin == "office", Target.retired_at.is_(None)))
        )


def test_two_at_once_leave_one_live_target(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(_race(app, monkeypatch)) == 1


def test_without_the_lock_both_would_stay_where_writers_run_side_by_side(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control; SQLite lets in one writer at a time anyway."""
    with app.app_context():
        alone = db.engine.dialect.name == "sqlite"
    monkeypatch.setattr("sqlalchemy.orm.Session.refresh", lambda *_words, **_named: None)
    assert len(_race(app, monkeypatch)) == (1 if alone else 2)
