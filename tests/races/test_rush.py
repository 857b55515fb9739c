"""Phones that send the public form at once: they share transactions, and nobody is over."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.extensions import db
from app.kernel.database import transaction
from app.registration.models import Registration
from app.web.registration import public
from tests.factories import make_activity
from tests.web.registration.browser import send

pytestmark = pytest.mark.serial
PHONES, PLACES, CLIENTS = 120, 40, 12


def test_120_phones_fill_exactly_40_places_in_shared_transactions(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    with app.app_context(), transaction(db.session) as tx:
        code = make_activity(tx, starts_at=datetime.now(UTC) + timedelta(days=2), capacity=PLACES).code
    sizes, real = list[int](), public.register_together

    def counted(session: Session, activity_id: int, wishes: Sequence[Any], **more: Any) -> Any:
        sizes.append(len(wishes))
        return real(session, activity_id, wishes, **more)

    monkeypatch.setattr(public, "register_together", counted)

    def come(number: int) -> int:
        phone = f"13{number % 100:09d}"
        return send(app.test_client(), code, adults="1", children="0", phone=phone).status_code

    with ThreadPoolExecutor(CLIENTS) as pool:
        statuses = list(pool.map(come, range(PHONES)))
    assert statuses.count(303) == 100
    assert statuses.count(409) + statuses.count(429) == 20  # a phone that another browser registered
    assert max(sizes) > 1
    with app.app_context():
        rows = db.session.scalars(select(Registration).order_by(Registration.id)).all()
        assert [row.state for row in rows] == ["confirmed"] * PLACES + ["waitlisted"] * 60
        assert [row.queue for row in rows[PLACES:]] == list(range(1, 61))
