"""Every page as its people open it in the seeded district: at most twelve statements, and light over the wire."""

from __future__ import annotations

import html
from dataclasses import dataclass
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.kernel.actor import Actor
from app.organisation.models import Unit
from app.review.queries import QueueRow, queue
from app.web.assets import sync_assets
from tests.house import House
from tests.web.journey.crawl import Seen, crawl
from tests.web.journey.district import ELSEWHERE, assets_of, browsers, seed

STATEMENTS_MOST = 12
PARTICIPANT_MOST, STAFF_MOST = 60_000, 100_000
HEADERS = 300  # what an answer's head costs on the wire
ASKED = {"Accept-Encoding": "gzip"}
STYLEGUIDE = "styleguide."

pytestmark = pytest.mark.lengthens


@pytest.fixture
def demo(app: Flask, backend: House, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Flask:
    """The seeded and furnished district in demo mode; `client` switches CSRF off."""
    sync_assets()
    monkeypatch.setattr(app.extensions["settings"], "demo", True)
    seed(backend)
    return app


@dataclass
class Walked:
    """What a walk through the district found."""

    reached: set[str]
    faults: dict[str, tuple[int, int, str]]  # status, statements, and the page that links there


def walk(app: Flask, statements: list[str], *, only: str = "") -> Walked:
    found = Walked(set(), {})
    for login, browser, starts in browsers(app):
        if only and login != only:
            continue
        statements.clear()  # of signing in
        for seen in crawl(app, browser, login, *starts):
            found.reached.add(seen.endpoint)
            if len(statements) > STATEMENTS_MOST or seen.answer.status_code >= 400:
                found.faults[f"{login} {seen.address}"] = seen.answer.status_code, len(statements), seen.via
            statements.clear()
    return found


def test_every_page_with_data_opens_within_twelve_statements(demo: Flask, statements: list[str]) -> None:
    found = walk(demo, statements)
    assert found.faults == {}  # no page asks too often, and no link of any page leads nowhere
    pages = {rule.endpoint for rule in demo.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert {name for name in pages - found.reached - ELSEWHERE if not name.startswith(STYLEGUIDE)} == set()
    assert ELSEWHERE & found.reached == set()  # what is reached needs no exception


@pytest.mark.sqlite_only
def test_a_page_that_asks_once_a_row_is_found(
    demo: Flask, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""

    def greedy(session: Session, actor: Actor, **state: Any) -> list[QueueRow]:
        rows = queue(session, actor, **state)
        for row in rows * 2:
            session.execute(select(Unit.name).where(Unit.name == row.host))
        return rows

    monkeypatch.setattr("app.web.review.queue", greedy)
    assert "shenhe /review" in walk(demo, statements, only="shenhe").faults


class Scale:
    """Weighs a page with everything that it loads by itself, as the server sends it; an asset of two pages counts twice."""

    def __init__(self) -> None:
        self.known: dict[str, int] = {}

    def weigh(self, browser: FlaskClient, seen: Seen) -> int:
        page = browser.get(seen.address, headers=ASKED)
        return len(page.data) + HEADERS + sum(self._asset(browser, one) for one in assets_of(seen.answer.text))

    def _asset(self, browser: FlaskClient, address: str) -> int:
        if address not in self.known:
            answer = browser.get(html.unescape(address), headers=ASKED)
            assert answer.status_code == 200, address
            self.known[address] = len(answer.data) + HEADERS
        return self.known[address]


def too_heavy(app: Flask, *, participant: int, staff: int, only: str = "") -> dict[str, int]:
    scale, heavy = Scale(), {}
    for login, browser, starts in browsers(app):
        if only and login != only:
            continue
        for seen in list(crawl(app, browser, login, *starts)):
            if seen.answer.mimetype == "text/html" and seen.answer.status_code == 200:
                weight = scale.weigh(browser, seen)
                if weight > (staff if login else participant):
                    heavy[f"{login} {seen.address}"] = weight
    assert any(name.startswith("/evidence/") for name in scale.known)  # pictures are weighed too
    return heavy


@pytest.mark.sqlite_only
def test_every_page_is_light_with_everything_that_it_loads(demo: Flask) -> None:
    assert too_heavy(demo, participant=PARTICIPANT_MOST, staff=STAFF_MOST) == {}


@pytest.mark.sqlite_only
def test_what_a_page_loads_is_weighed_with_it(demo: Flask) -> None:
    """Negative control: a limit that every page alone keeps, and no staff page with its style, scripts and pictures."""
    heavy = too_heavy(demo, participant=PARTICIPANT_MOST, staff=20_000, only="shenhe")
    assert {"shenhe /review", "shenhe /metrics"} <= set(heavy)
