"""Pages that are kept until the log moves: the same for who may see the same, and nothing of one answer in another."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.web import kept
from tests.cast import make_cast
from tests.factories import make_activity
from tests.guards import watching_silence
from tests.web.registration.browser import enter, hidden, make, send

SignIn = Callable[[FlaskClient, str], None]


@pytest.fixture
def office(app: Flask, sign_in: SignIn) -> Callable[[str], FlaskClient]:
    """A browser for each member of the cast; one activity of the town's stands in the list."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        make_activity(tx, host=cast.town, title="示例剪纸课堂", starts_at=now().replace(second=0, microsecond=0) + timedelta(hours=1))  # fmt: skip

    def enter_as(login: str) -> FlaskClient:
        browser = app.test_client()
        sign_in(browser, login)
        return browser

    return enter_as


def test_the_second_look_at_an_activity_asks_the_log_alone(
    app: Flask, client: FlaskClient, statements: list[str]
) -> None:
    address = f"/a/{make(app)}"
    first = client.get(address)
    statements.clear()
    second = app.test_client().get(address)
    assert len(statements) == 1 and "audit_entry" in statements[0]
    for name in ("csrf_token", "submission"):
        assert hidden(first.text, name) != hidden(second.text, name)
    bare = [page.text for page in (first, second)]
    for name in ("csrf_token", "submission"):
        bare = [each.replace(hidden(page.text, name), "") for each, page in zip(bare, (first, second), strict=True)]
    assert bare[0] == bare[1]
    assert second.headers["Content-Security-Policy"] == first.headers["Content-Security-Policy"]
    assert any("browser=" in cookie for cookie in second.headers.getlist("Set-Cookie"))


def test_forms_of_a_kept_page_register_each_its_own_sender(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    code = make(app, capacity=5)
    browsers = [app.test_client() for _ in range(2)]
    forms = [browser.get(f"/a/{code}").text for browser in browsers]  # the second is kept
    assert all("剩5个名额" in form for form in forms)
    tickets = {send(browser, code, form=form).location for browser, form in zip(browsers, forms, strict=True)}
    assert len(tickets) == 2 and None not in tickets
    assert "剩5个名额" not in client.get(f"/a/{code}").text


def test_who_has_registered_sees_the_own_page_and_nobody_else_does(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    enter(client, code)
    other = app.test_client()
    for _ in range(2):
        assert "您已报名" in client.get(f"/a/{code}").text
        assert "您已报名" not in other.get(f"/a/{code}").text


def test_a_list_is_of_its_reader(office: Callable[[str], FlaskClient]) -> None:
    organizer, auditor = office("jingban"), office("shenji")
    for _ in range(2):
        page = organizer.get("/activities").text
        assert "示例剪纸课堂" in page and "经办人" in page
        assert "示例剪纸课堂" not in auditor.get("/activities").text
        assert "示例剪纸课堂" not in organizer.get("/activities?kind=training").text


def test_a_kept_staff_page_may_load_what_it_could_before(office: Callable[[str], FlaskClient]) -> None:
    browser = office("jingban")
    policies = {browser.get(path).headers["Content-Security-Policy"] for path in ("/activities",) * 3}
    assert len(policies) == 1


def test_an_activity_that_is_over_is_so_in_the_minute_it_ends(office: Callable[[str], FlaskClient]) -> None:
    browser = office("jingban")
    end = now().replace(second=0, microsecond=0) + timedelta(hours=2)
    with time_machine.travel(end - timedelta(seconds=1), tick=False):
        browser = office("jingban")
        assert "已结束</span>" not in browser.get("/activities").text
    with time_machine.travel(end, tick=False):
        assert "已结束</span>" in browser.get("/activities").text


def test_what_is_said_to_one_person_is_said_once(office: Callable[[str], FlaskClient]) -> None:
    browser = office("jingban")
    browser.get("/activities")
    with browser.session_transaction() as cookie:
        cookie["_flashes"] = [("good", "示例的一句话")]
    assert "示例的一句话" in browser.get("/activities").text
    assert "示例的一句话" not in browser.get("/activities").text
    assert "示例的一句话" not in office("jingban").get("/activities").text


def test_without_the_head_of_the_log_an_old_page_would_stay(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control."""
    monkeypatch.setattr(kept, "head", lambda _session: "the same")
    code = make(app, capacity=5)
    before = client.get(f"/a/{code}").text
    enter(app.test_client(), code)
    assert "剩5个名额" in before and "剩5个名额" in client.get(f"/a/{code}").text


def test_a_change_without_an_entry_is_found() -> None:
    """The control of the guard that stands around every test."""
    engine, bare = create_engine("sqlite://"), Flask("bare")
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE activity (id INTEGER)"))
        connection.execute(text("CREATE TABLE audit_entry (id INTEGER)"))
        connection.execute(text("CREATE TABLE check_in (id INTEGER)"))
    change, entry = text("INSERT INTO activity VALUES (1)"), text("INSERT INTO audit_entry VALUES (1)")
    with watching_silence(engine) as found, bare.test_request_context("/planted", method="POST"):
        for statements in ([change, entry], [text("INSERT INTO check_in VALUES (1)")]):
            with engine.begin() as connection:
                for statement in statements:
                    connection.execute(statement)
        with engine.connect() as connection:
            for statement in (change, entry):  # neither stood
                connection.execute(statement)
            connection.rollback()
        assert found == []
        with engine.begin() as connection:
            connection.execute(change)
        assert found == ["POST /planted: activity"]
    with bare.test_request_context("/planted", method="POST"), engine.begin() as connection:
        connection.execute(change)
    assert found == ["POST /planted: activity"], "nobody watches any more"
