"""What looks like a digit or an address to Python and is none: an answer in words, never a 500."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.second_factor import matching_step, new_secret
from tests.cast import make_cast
from tests.factories import make_activity

Enter = Callable[[FlaskClient, str], None]


@pytest.fixture
def code(app: Flask) -> str:
    """An activity over since yesterday, hosted by the organizer's town."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        return make_activity(tx, host=cast.town, kind="publicity", starts_at=now() - timedelta(days=1)).code


@pytest.mark.parametrize("typed", ["²²²²²²", "口令口令口令", "１２３４５六", "①②③④⑤⑥"])
def test_a_second_factor_of_odd_letters_is_wrong(typed: str) -> None:
    assert matching_step(new_secret(), typed, now=now(), after=0) is None


@pytest.mark.parametrize("link", ["http://[x", "https://[::1", "http://]", "http://:80/", "https:///x"])
def test_a_media_link_that_is_no_address_is_refused_beside_the_field(
    client: FlaskClient, code: str, sign_in: Enter, link: str
) -> None:
    sign_in(client, "jingban")
    answer = client.post(f"/activities/{code}/evidence/links/media", data={"link": link})
    assert answer.status_code == 422
    assert "链接要以 http:// 或 https:// 开头" in answer.text


def test_an_entry_and_a_sign_in_asked_for_by_an_odd_digit_are_none(
    app: Flask, client: FlaskClient, code: str, sign_in: Enter
) -> None:
    sign_in(client, "shenji")
    assert client.get("/audit?open=²").status_code == 200
    assert client.post("/account/end", data={"sign_in": "²"}).status_code == 303
