"""The hot path answers as the view does, and lets pass what is not its own."""

from __future__ import annotations

import re

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from app.checkin.group_commit import GroupCommit
from app.extensions import db
from app.registration.models import Registration
from app.web.checkin import arrive
from app.web.checkin.hot import HotPath
from tests.web.checkin.browser import make, outcomes, press, scan


@pytest.fixture
def views(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The codes of the presses that reached Flask's view."""
    seen: list[str] = []
    ours = arrive.plain_arrival

    def note(*arguments: object, **named: object) -> object:
        seen.append("view")
        return ours(*arguments, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(arrive, "plain_arrival", note)
    return seen


def _cold(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(HotPath, "_try", lambda *_arguments: None)


def _plain(answer: TestResponse) -> tuple[int, str, dict[str, str]]:
    """Status, page without its times and its grant, and the headers that do not change with the bytes."""
    changing = ("Content-Length", "Date", "Set-Cookie")
    return answer.status_code, re.sub(r'\d\d:\d\d|name="grant" value="[^"]*"', "", answer.text), {
        name: value for name, value in answer.headers if name not in changing
    }  # fmt: skip


def test_the_view_is_not_asked(app: Flask, client: FlaskClient, views: list[str]) -> None:
    _code, session = make(app)
    assert "已签到" in press(client, session, scan(app, client, session), "walk_in", people="2").text
    assert views == []


@pytest.mark.parametrize("size", ["normal", "large"])
def test_answers_with_the_bytes_and_headers_of_the_view(
    app: Flask, monkeypatch: pytest.MonkeyPatch, size: str
) -> None:  # fmt: skip
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    _code, session = make(app)
    answers = []
    for cold in (False, True):
        if cold:
            _cold(app, monkeypatch)
        browser = app.test_client()
        browser.set_cookie("size", size)
        page = scan(app, browser, session)
        first = press(browser, session, page, "walk_in", people="2", name="<b>李女士")
        answers.append([_plain(first), _plain(press(browser, session, page, "walk_in", people="2", name="<b>李女士"))])
    assert answers[0] == answers[1]
    assert "&lt;b&gt;李女士" in answers[0][0][1]


@pytest.mark.parametrize(
    ("headers", "status"),
    [({"Origin": "https://elsewhere.example"}, 400), ({"Sec-Fetch-Site": "cross-site"}, 400), ({"Host": "elsewhere.example"}, 400)],
)  # fmt: skip
def test_a_press_from_elsewhere_is_refused(
    app: Flask, client: FlaskClient, headers: dict[str, str], status: int
) -> None:  # fmt: skip
    _code, session = make(app)
    page = scan(app, client, session)
    assert press(client, session, page, "walk_in", people="2", headers=headers).status_code == status
    assert outcomes(app) == []
    assert press(client, session, page, "walk_in", people="2").status_code == 200  # control: it was the header


def test_a_grant_of_another_browser_never_counts(app: Flask, client: FlaskClient) -> None:
    _code, session = make(app)
    page = scan(app, app.test_client(), session)
    assert press(client, session, page, "walk_in", people="2").status_code == 422
    assert outcomes(app) == []


def test_what_fails_goes_on_to_the_view(
    app: Flask, client: FlaskClient, views: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:  # fmt: skip
    _code, session = make(app)
    page = scan(app, client, session)

    def broken(group: GroupCommit, *_arguments: object, **_named: object) -> object:
        raise group.driver_error("disk I/O error")

    monkeypatch.setattr(GroupCommit, "check_in", broken)
    assert "已签到" in press(client, session, page, "walk_in", people="2").text
    assert views == ["view"]
    assert len(outcomes(app)) == 1


def test_a_wrong_number_is_said_with_all_that_was_typed(app: Flask, client: FlaskClient) -> None:
    _code, session = make(app)
    answer = press(client, session, scan(app, client, session), "walk_in", people="70", name="李女士")
    assert answer.status_code == 422
    assert "李女士" in answer.text and "请填1到6的整数" in answer.text


@pytest.mark.parametrize("body", [b"grant=%00&way=mine", b"\xff\xfe", b"way=mine&" * 3000, b"grant=%F0%28"])
def test_a_broken_body_is_the_views(app: Flask, client: FlaskClient, body: bytes) -> None:
    _code, session = make(app)
    answer = client.post(f"/s/{session}", data=body, content_type="application/x-www-form-urlencoded")
    assert 400 <= answer.status_code < 500
    assert outcomes(app) == []


@pytest.mark.parametrize("cold", [False, True])
def test_a_form_does_not_choose_what_its_browser_is_known_by(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, cold: bool
) -> None:
    """Else each walk-in of one phone would look like another phone's."""
    if cold:
        _cold(app, monkeypatch)
    _code, session = make(app)
    for number in range(3):
        page = scan(app, client, session)
        assert "已签到" in press(client, session, page, "walk_in", people="1", activity=f"another{number:05d}").text
    with app.app_context():
        known = list(db.session.scalars(select(Registration.browser_index)))
        db.session.rollback()
    assert len(known) == 3 and len(set(known)) == 1 and None not in known
    stranger = app.test_client()
    press(stranger, session, scan(app, stranger, session), "walk_in", people="1")
    with app.app_context():  # control: another browser is another
        assert len(set(db.session.scalars(select(Registration.browser_index)))) == 2
        db.session.rollback()
