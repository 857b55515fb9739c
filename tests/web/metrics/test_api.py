"""The figures for programs: described by OpenAPI, closed to strangers, strict about what they are asked."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from tests.cast import make_cast
from tests.plan import make_plan


def test_figures_are_read_by_the_leader_and_described(
    app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
        make_plan(tx, now=now())
    assert client.get("/api/v1/figures").status_code == 302
    sign_in(client, "lingdao")
    body = client.get("/api/v1/figures").get_json()
    assert len(body["tasks"]) == 14
    bases = body["tasks"][2]["indicators"][0]
    assert (bases["value"], bases["targets"][0]["value"], bases["targets"][0]["light"]) == (0, 1, "red")
    assert client.get("/api/v1/figures?year=abc").status_code == 422
    described = client.get("/api/v1/openapi.json").get_json()
    assert "/api/v1/figures" in described["paths"]
    assert described["openapi"].startswith("3.")
