"""The second factor: required of reviewers in production, each code once, ten printed ones, 30 days remembered."""

from __future__ import annotations

import re
from datetime import timedelta

import pyotp
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from tests.cast import make_cast
from tests.factories import PASSWORD


@pytest.fixture
def office(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The cast on an installation that asks for the second factor, as production does."""
    monkeypatch.setattr(type(app.extensions["settings"]), "asks_second_factor", property(lambda _: True))
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
    return app


def _password(client: FlaskClient, login: str) -> str:
    return client.post("/login", data={"login": login, "password": PASSWORD}).headers.get("Location", "")


def _enrol(client: FlaskClient) -> tuple[str, list[str]]:
    assert _password(client, "shenhe") == "/login/second"
    secret = re.search(r"<code>([A-Z2-7]{32})</code>", client.get("/login/second").text)
    assert secret
    page = client.post("/login/second", data={"code": pyotp.TOTP(secret[1]).at(int(now().timestamp()))})
    return secret[1], re.findall(r'class="code">([^<]+)<', page.text)


def test_a_reviewer_enrols_once_and_is_asked_every_time_after(office: Flask, client: FlaskClient) -> None:
    secret, codes = _enrol(client)
    assert len(codes) == 10
    assert client.get("/review").status_code == 200
    other = office.test_client()
    assert _password(other, "shenhe") == "/login/second"
    assert other.get("/review").status_code == 302  # the password alone opens nothing
    same = pyotp.TOTP(secret).at(int(now().timestamp()))
    assert other.post("/login/second", data={"code": same}).status_code == 422  # used at enrolment
    with time_machine.travel(now() + timedelta(seconds=60), tick=True):
        fresh = pyotp.TOTP(secret).at(int(now().timestamp()))
        assert other.post("/login/second", data={"code": fresh, "remember": "y"}).status_code == 302
        assert other.get("/review").status_code == 200
        other.post("/logout")
        assert _password(other, "shenhe") != "/login/second"  # this browser is remembered


def test_a_printed_code_works_once(office: Flask, client: FlaskClient) -> None:
    _, codes = _enrol(client)
    for status in (302, 422):
        browser = office.test_client()
        _password(browser, "shenhe")
        assert browser.post("/login/second", data={"code": codes[0]}).status_code == status


def test_an_organizer_is_not_asked(office: Flask, client: FlaskClient) -> None:
    assert _password(client, "jingban") != "/login/second"
    assert client.get("/workbench").status_code == 200


def test_without_the_password_there_is_no_second_page(office: Flask, client: FlaskClient) -> None:
    assert client.get("/login/second").headers["Location"] == "/login"
