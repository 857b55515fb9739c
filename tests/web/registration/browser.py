"""A participant's browser in tests: filling the form, pressing buttons, looking into the database."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.extensions import db
from app.kernel.database import transaction
from app.registration.models import Registration
from app.registration.queries import find_by_secret
from tests.factories import make_activity

SOON = timedelta(days=2)
GOOD = {"name": "示例李女士", "adults": "2", "children": "1", "phone": "", "consent": "y"}
STATIC = Path(__file__).resolve().parents[3] / "static"


def make(app: Flask, **columns: Any) -> str:
    with app.app_context(), transaction(db.session) as tx:
        return make_activity(tx, starts_at=datetime.now(UTC) + SOON, **columns).code


def hidden(page: str, name: str) -> str:
    found = re.search(rf'name="{name}"[^>]*value="([^"]*)"', page)
    assert found, name
    return found[1]


def send(client: FlaskClient, code: str, *, form: str = "", **changes: Any) -> TestResponse:
    page = form or client.get(f"/a/{code}/register").text
    data = {
        **GOOD, "csrf_token": hidden(page, "csrf_token"), "submission": hidden(page, "submission"), **changes
    }  # fmt: skip
    return client.post(f"/a/{code}/register", data={k: v for k, v in data.items() if v is not None})


def enter(client: FlaskClient, code: str, **changes: Any) -> str:
    """Registers; the address of the ticket."""
    response = send(client, code, **changes)
    assert response.status_code == 303, response.text
    return str(response.location)


def press(client: FlaskClient, address: str, page: str = "", **data: str) -> TestResponse:
    """Posts a form with the token of a page that this browser has open."""
    return client.post(address, data={"csrf_token": hidden(client.get(page or address).text, "csrf_token"), **data})


def count(app: Flask, table: type[Any]) -> int:
    with app.app_context():
        return db.session.scalar(select(func.count()).select_from(table)) or 0


def registration_of(app: Flask, ticket: str) -> Registration:
    with app.app_context():
        found = find_by_secret(db.session(), ticket.rsplit("/", 1)[1])
        assert found is not None
        db.session.expunge(found)
        return found
