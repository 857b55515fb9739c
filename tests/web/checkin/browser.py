"""A participant's phone in tests: scanning, pressing, and looking into the database."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.activities.models import Activity, ActivitySession
from app.checkin import codes
from app.checkin.models import CheckInEvent
from app.checkin.queries import Totals, session_totals
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.entering import Entry, register
from app.registration.indexes import ticket_code
from tests.factories import make_activity

PHONE = "13800131234"


def make(app: Flask, **columns: Any) -> tuple[str, str]:
    """Codes of an activity whose sign-in is open, and of its first session."""
    columns.setdefault("starts_at", now() + timedelta(minutes=10))
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, **columns)
        return activity.code, activity.sessions[0].code


def enrol(app: Flask, code: str, *, adults: int = 2, phone: str = "", name: str = "示例李女士", at: int = 0) -> str:
    """The secret of a fresh registration, made by another browser."""
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        chosen = activity.sessions[at].code if activity.attendance == "choose_one" else None
        entry = Entry(chosen, name, adults, 0, phone, True, "", "")
        return register(tx, activity, entry, keys=app.extensions["keys"], now=now()).secret


def code_of(app: Flask, secret: str) -> str:
    return ticket_code(app.extensions["keys"], secret)


def live_key(app: Flask, session: str, *, steps: int = 0) -> str:
    """The live key of this step, or of one before or after."""
    return codes.live_key(app.extensions["keys"], session, codes.step_of(now()) + steps)


def digits(app: Flask, session: str) -> str:
    return codes.venue_digits(app.extensions["keys"], session, codes.step_of(now()))


def scan(app: Flask, client: FlaskClient, session: str) -> str:
    """The page behind the venue's QR."""
    answer = client.get(f"/s/{session}?k={live_key(app, session)}")
    assert answer.status_code == 200
    return answer.text


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, f"{name} is not in the page"
    return found[1]


def press(
    client: FlaskClient, session: str, page: str, way: str, *, headers: dict[str, str] | None = None, **typed: str
) -> TestResponse:  # fmt: skip
    """The button of one of the page's forms."""
    form = {"grant": hidden(page, "grant"), "way": way, **typed}
    if way == "mine" and "ticket" not in form:
        form["ticket"] = hidden(page, "ticket")
    return client.post(f"/s/{session}", data=form, headers=headers)


def totals(app: Flask, session: str) -> Totals:
    with app.app_context():
        row = db.session.scalars(select(ActivitySession).where(ActivitySession.code == session)).one()
        return session_totals(db.session(), [row.id]).get(row.id, Totals())


def outcomes(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(CheckInEvent.outcome).order_by(CheckInEvent.id)))


def count(app: Flask, table: type[Any]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0
