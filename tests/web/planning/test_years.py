"""Every page with figures reads one year, carries it through its links, and falls back to this year."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from urllib.parse import unquote

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from tests.web.planning.conftest import find_cast, make_fact

SignIn = Callable[[FlaskClient, str], None]
THIS = business_day(now()).year
LAST = THIS - 1
PAGES = ("/metrics", "/plan", "/plan/tasks/10", "/metrics/facts", "/metrics/facts?task=10&figure=activities")


@pytest.fixture
def leader(district: Flask, client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    sign_in(client, "lingdao")
    return client


def _with_year(page: str, year: object) -> str:
    return f"{page}{'&' if '?' in page else '?'}year={year}"


@pytest.mark.parametrize("page", PAGES)
def test_the_year_is_switched_by_links_and_stays_in_them(leader: FlaskClient, page: str) -> None:
    text = leader.get(_with_year(page, LAST)).text.replace("&amp;", "&")
    switch = re.search(r'<nav class="tabs" aria-label="年份">.*?</nav>', text, re.S)
    assert switch
    assert re.search(rf'year={LAST}[^>]*aria-current="page">{LAST}年<', switch[0])
    assert f"{THIS}年" in switch[0]
    links = re.findall(r'href="(/(?:plan|metrics/facts|metrics)(?:/tasks/\d+|/safeguards)?(?:\?[^"#]*)?)"', text)
    inner = [link for link in links if link not in ("/plan", "/metrics")]  # the navigation begins with this year
    assert inner
    assert [link for link in inner if "year=" not in link] == []


def test_figures_are_those_of_the_year(leader: FlaskClient) -> None:
    for year, people in ((THIS, 31), (LAST, 25)):
        text = leader.get(f"/metrics/facts?task=10&year={year}").text
        assert f"剪纸进课堂{year}" in text
        assert f'<span class="big">{people}</span>' in text
        assert f"剪纸进课堂{THIS + LAST - year}" not in text


@pytest.mark.lengthens
@pytest.mark.parametrize("bad", ["abc", "1999", "²⁰²⁵", "20255", "-1", "2022", "", THIS + 1])
@pytest.mark.parametrize("page", PAGES)
def test_a_year_that_is_none_means_this_year(leader: FlaskClient, page: str, bad: object) -> None:
    answer = leader.get(_with_year(page, bad))
    assert answer.status_code == 200
    assert re.search(rf'aria-current="page">{THIS}年<', answer.text)


def test_a_year_outside_the_plan_opens_once_an_activity_counts_in_it(district: Flask, leader: FlaskClient) -> None:
    assert re.search(rf'aria-current="page">{THIS}年<', leader.get("/plan/tasks/10?year=2021").text)
    with district.app_context(), transaction(db.session) as tx:
        make_fact(tx, find_cast(tx), day=date(2021, 5, 6))
    assert re.search(r'aria-current="page">2021年<', leader.get("/plan/tasks/10?year=2021").text)


@pytest.mark.parametrize("query", ["task=²", "task=10&month=123", "task=10&month=²", "task=10&month=0"])
def test_odd_numbers_in_a_fact_list_are_refused_or_ignored(leader: FlaskClient, query: str) -> None:
    assert leader.get(f"/metrics/facts?{query}").status_code == (404 if "²" in query.split("&", maxsplit=1)[0] else 200)


def test_the_ledger_is_the_ledger_of_the_year(leader: FlaskClient) -> None:
    form = re.search(r'action="(/metrics/ledger[^"]*)"', leader.get(f"/metrics?year={LAST}").text)
    assert form
    assert f"台账-{LAST}年" in _file_name(leader, form[1])
    assert f"台账-{THIS}年" in _file_name(leader, "/metrics/ledger?year=abc")


def _file_name(browser: FlaskClient, address: str) -> str:
    answer = browser.post(address)
    assert answer.status_code == 200
    return unquote(answer.headers["Content-Disposition"])


def test_a_past_year_does_not_speak_of_last_month(leader: FlaskClient) -> None:
    assert "往年" in leader.get(f"/metrics?year={LAST}").text
    assert "往年" not in leader.get("/metrics").text
    assert leader.get("/plan/tasks/99999999999999999999").status_code == 404
