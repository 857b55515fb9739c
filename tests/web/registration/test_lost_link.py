"""A lost link: both halves are needed, wrong tries are counted, the old link dies, and nobody's name is said."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from tests.cast import make_cast
from tests.factories import make_activity


@pytest.fixture
def place(app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> tuple[str, str]:
    """(activity code, ticket address) of somebody with a phone that ends in 8000; the client is the organizer's."""
    with app.app_context(), transaction(db.session) as tx:
        code = make_activity(tx, host=make_cast(tx).town, starts_at=now() + timedelta(days=2)).code
    form = {
        "submission": random_secret(),
        "name": "李女士",
        "adults": "1",
        "children": "0",
        "phone": "13800138000",
        "consent": "y",
    }
    ticket = app.test_client().post(f"/a/{code}/register", data=form).headers["Location"]
    sign_in(client, "jingban")
    return code, ticket


def digits(client: FlaskClient, code: str) -> str:
    roster = client.get(f"/activities/{code}/registrations").text
    link = re.search(rf"/activities/{code}/registrations/\w+/relink", roster)
    assert link
    shown = re.search(r"(\d{3}) (\d{3})", client.get(link[0]).text)
    assert shown
    return shown[1] + shown[2]


def test_both_halves_give_a_new_link_and_the_old_one_dies(
    app: Flask, client: FlaskClient, place: tuple[str, str]
) -> None:
    code, old = place
    phone = app.test_client()
    assert "找不到报名码" in phone.get(f"/a/{code}").text
    answer = phone.post(f"/a/{code}/lost", data={"tail": "８０００", "digits": digits(client, code)})
    assert answer.status_code == 303
    assert answer.headers["Location"] != old
    assert "报名码" in phone.get(answer.headers["Location"]).text
    assert phone.get(old).status_code == 404


@pytest.mark.parametrize("tail", ["8001", "", "手机"])
def test_the_digits_alone_open_nothing(app: Flask, client: FlaskClient, place: tuple[str, str], tail: str) -> None:
    code, old = place
    answer = app.test_client().post(f"/a/{code}/lost", data={"tail": tail, "digits": digits(client, code)})
    assert answer.status_code == 422
    assert "对不上" in answer.text
    assert "李" not in answer.text
    assert app.test_client().get(old).status_code == 200


def test_guesses_are_counted(app: Flask, client: FlaskClient, place: tuple[str, str]) -> None:
    code, _old = place
    guesser = app.test_client()
    right = digits(client, code)
    wrong = "000000" if right != "000000" else "111111"
    answers = [guesser.post(f"/a/{code}/lost", data={"tail": "8000", "digits": wrong}).status_code for _ in range(7)]
    assert answers[:5] == [422] * 5
    assert answers[-1] == 429
    assert guesser.post(f"/a/{code}/lost", data={"tail": "8000", "digits": right}).status_code == 429


def test_digits_of_yesterday_are_stale(
    app: Flask, client: FlaskClient, place: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    code, _old = place
    held = digits(client, code)
    monkeypatch.setattr("app.web.registration.relink.now", lambda: now() + timedelta(hours=1))
    assert app.test_client().post(f"/a/{code}/lost", data={"tail": "8000", "digits": held}).status_code == 422
