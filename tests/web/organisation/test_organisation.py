"""Accounts by invitation, roles, disabling; own sign-ins and password."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.database import transaction
from tests.cast import make_cast
from tests.factories import PASSWORD


@pytest.fixture
def desk(app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> FlaskClient:
    """The administrator's browser."""
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
    sign_in(client, "guanli")
    return client


def _unit(desk: FlaskClient, name: str) -> str:
    found = re.search(rf'<option value="([a-z0-9]{{12}})">{name}<', desk.get("/organisation/users").text)
    assert found
    return found[1]


def test_someone_is_invited_sets_a_password_works_and_is_disabled(app: Flask, desk: FlaskClient) -> None:
    form = {"login": "xinren", "name": "示例新人", "unit": _unit(desk, "示例甲镇"), "role": "organizer"}
    page = desk.post("/organisation/users", data=form).headers["Location"]
    shown = desk.post(f"{page}/invite").text
    link = re.search(r"(/invite/[A-Za-z0-9_-]{22})", shown)
    assert link
    newcomer = app.test_client()
    assert newcomer.post(link[1], data={"password": "short"}).status_code == 422
    assert newcomer.post(link[1], data={"password": "一句话当密码也可以"}).status_code == 422  # nine characters
    assert newcomer.post(link[1], data={"password": "石榴花开2026年秋天"}).status_code == 303
    assert app.test_client().get(link[1]).status_code == 404  # once
    newcomer.post("/login", data={"login": "xinren", "password": "石榴花开2026年秋天"})
    assert newcomer.get("/workbench").status_code == 200
    assert newcomer.get("/organisation").status_code == 403
    desk.post(f"{page}/disable")
    assert newcomer.get("/workbench").status_code == 302  # signed out at once


def test_a_role_is_given_and_taken_back(
    app: Flask, desk: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    page = re.search(r'href="(/organisation/users/[a-z0-9]{12})">jingban<', desk.get("/organisation/users").text)
    assert page
    other = app.test_client()
    sign_in(other, "jingban")
    assert other.get("/audit").status_code == 403
    form = {"role": "auditor", "unit": _unit(desk, "示例甲镇")}
    desk.post(f"{page[1]}/grant", data=form)
    assert other.get("/audit").status_code == 200
    desk.post(f"{page[1]}/revoke", data=form)
    assert other.get("/audit").status_code == 403


def test_the_administrator_cannot_lock_himself_out(desk: FlaskClient) -> None:
    page = re.search(r'href="(/organisation/users/[a-z0-9]{12})">guanli<', desk.get("/organisation/users").text)
    assert page
    assert desk.post(f"{page[1]}/disable").status_code == 409
    assert desk.get("/organisation").status_code == 200


def test_a_new_password_ends_the_other_sign_ins(app: Flask, desk: FlaskClient) -> None:
    first, second = app.test_client(), app.test_client()
    for browser in (first, second):
        browser.post("/login", data={"login": "jingban", "password": PASSWORD})
    wrong = first.post("/account/password", data={"old": "nein", "new": "新密码新密码新密码12"}, follow_redirects=True)
    assert "没有改" in wrong.text
    assert second.get("/workbench").status_code == 200
    first.post("/account/password", data={"old": PASSWORD, "new": "新密码新密码新密码12"})
    assert first.get("/workbench").status_code == 200
    assert second.get("/workbench").status_code == 302


def test_the_permission_page_is_the_table_of_the_code(desk: FlaskClient) -> None:
    text = desk.get("/organisation/permissions").text
    assert "看报名名单" in text
    assert "全区" in text


def test_nobody_else_opens_these_pages(
    app: Flask, desk: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    for login in ("jingban", "shenhe", "lingdao", "shenji"):
        browser = app.test_client()
        sign_in(browser, login)
        for page in ("/organisation", "/organisation/users"):
            assert browser.get(page).status_code == 403
        assert browser.post("/organisation/users", data={}).status_code == 403


def test_the_first_password_of_an_administrator_is_good_once(app: Flask, desk: FlaskClient) -> None:
    said = app.test_cli_runner().invoke(args=["user", "create-admin", "--login", "diyi"]).output
    password = re.search(r"密码 (\S+)（", said)
    assert password
    browser = app.test_client()
    form = {"login": "diyi", "password": password[1]}
    link = browser.post("/login", data=form).headers["Location"]
    assert link.startswith("/invite/")
    assert browser.get("/organisation").status_code == 302  # it opened nothing else
    assert app.test_client().post("/login", data=form).status_code == 422  # spent
    assert browser.post(link, data={"password": "石榴花开2026年秋天"}).status_code == 303
    browser.post("/login", data={"login": "diyi", "password": "石榴花开2026年秋天"})
    assert browser.get("/organisation").status_code == 200
