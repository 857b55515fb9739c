"""The six digits: for those without a camera, tries counted, never for a session that is not open."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.checkin.models import CheckInEvent, Method
from app.extensions import db
from app.kernel.attempts import Attempt
from app.kernel.clock import now
from tests.web.checkin.browser import count, digits, live_key, make, outcomes, press, totals


@pytest.mark.parametrize("named", [True, False])
def test_the_digits_of_this_step_open_the_sign_in_page(app: Flask, client: FlaskClient, named: bool) -> None:
    _, session = make(app)
    make(app, title="另一场")
    shown = digits(app, session)
    form = {"digits": f"{shown[:3]}　{shown[3:]}"} | ({"session": session} if named else {})
    page = client.post("/s", data=form)
    assert page.status_code == 200
    assert press(client, session, page.text, "walk_in", people="2").status_code == 200
    assert totals(app, session).b == 2
    with app.app_context():
        assert db.session.scalar(select(CheckInEvent.method)) == Method.VENUE_CODE.value


@pytest.mark.parametrize("typed", ["", "12345", "1234567", "abcdef", "一二三四五六", "0" * 500])
def test_what_is_no_six_digits_is_said_to_be_and_is_no_guess(app: Flask, client: FlaskClient, typed: str) -> None:
    make(app)
    answer = client.post("/s", data={"digits": typed})
    assert answer.status_code == 422
    assert "要填6位数字" in answer.text
    assert count(app, Attempt) == 0
    assert "短码不对" in client.post("/s", data={"digits": "000000"}).text  # control: six wrong ones are a guess
    assert count(app, Attempt) == 1


def test_old_digits_and_those_of_a_closed_session_open_nothing(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    shown = digits(app, session)
    with time_machine.travel(now() + timedelta(seconds=41), tick=False):
        assert client.post("/s", data={"digits": shown}).status_code == 422
    _, later = make(app, starts_at=now() + timedelta(hours=3))
    assert client.post("/s", data={"digits": digits(app, later)}).status_code == 422
    assert client.post("/s", data={"digits": digits(app, later), "session": later}).status_code == 422
    assert outcomes(app) == []


def test_guessing_is_made_to_wait_whatever_cookies_the_browser_drops(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    moment = now()
    with time_machine.travel(moment, tick=False):
        for _ in range(10):
            assert app.test_client().post("/s", data={"digits": "000000"}).status_code == 422
        right = {"digits": digits(app, session)}
        blocked = client.post("/s", data=right)
        assert blocked.status_code == 429
        assert "不用等：扫大屏上的二维码，或到签到台" in blocked.text
        held = client.get(f"/s/{session}?k={live_key(app, session)}").text
        assert 'name="grant"' in held  # and so it is: the QR stays open to the whole address
    with time_machine.travel(moment + timedelta(seconds=3), tick=False):
        right = {"digits": digits(app, session)}
        assert client.post("/s", data=right).status_code == 200
