"""演练 in one click: tickets of nobody, one of each sort, that a helper scans alone; counted nowhere, gone in a week."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import Conflict
from app.kernel.tokens import digest
from app.privacy.service import purge
from app.registration.models import PersonalDetail, Registration
from app.registration.practice import DRILLS, list_practice_tickets, seed_practice
from tests.web.scan_api.conftest import Gate, gate

__all__ = ["gate"]  # the fixture
Make = Callable[..., Gate]
SignIn = Callable[[FlaskClient, str], None]


@pytest.fixture
def drill(gate: Make, sign_in: SignIn) -> tuple[Gate, str]:
    """A practice opened by the button of a real activity that has one place, asks for a phone and for approval."""
    g = gate(kind="exchange", capacity=1, needs_phone=True, needs_approval=True)
    browser = g.app.test_client()
    sign_in(browser, "jingban")
    answer = browser.post(f"/activities/{g.activity}/practice")
    console = browser.get(answer.location).text
    assert "演练用的报名码" in console
    found = re.search(r'href="([^"]+/console/practice\?[^"]+)"', console)
    assert found
    with g.app.app_context():
        practice = db.session.scalars(select(Activity).where(Activity.is_practice)).one()
        g.activity, g.sessions = practice.code, [row.code for row in practice.sessions]
    return g, browser.get(found[1]).text


def hashes(g: Gate) -> list[str]:
    with g.app.app_context():
        practice = db.session.scalars(select(Activity).where(Activity.is_practice)).one()
        return [
            digest(ticket.secret)
            for ticket in list_practice_tickets(db.session(), practice, keys=g.app.extensions["keys"])
        ]


def test_a_helper_does_the_whole_drill_alone(drill: tuple[Gate, str]) -> None:
    g, page = drill
    assert page.count("ticket-qr") == len(DRILLS) == 5
    one, two, three, party, cancelled = hashes(g)
    phone = g.pair()
    roster = g.get(phone).json
    assert [t["n"] for t in roster["tickets"]] == ["演练1同学", "演练2同学", "演练3同学", "演练班", "演练4同学"]
    assert roster["activity"]["is_practice"] is True
    first = g.scan(two)
    answers = g.send(phone, g.scan(one), first)
    assert [(a["tone"], a["people"]) for a in answers] == [("green", 1), ("green", 2)]
    g.pass_time(seconds=30)
    (twice,) = g.send(phone, g.scan(one))
    assert (twice["tone"], twice["outcome"]) == ("amber", "duplicate")
    (undone,) = g.send(phone, g.scan(None, kind="undo", refers_to=first["uid"]))
    assert undone["outcome"] == "undone"
    g.pass_time(seconds=5)
    assert g.send(phone, g.scan(two))[0]["tone"] == "green"
    assert g.send(phone, g.scan(cancelled))[0]["tone"] == "red"
    assert g.send(phone, g.scan(party, people=20))[0]["people"] == 20
    g.pass_time(minutes=10)
    (late,) = g.send(phone, g.scan(three, ago=420))  # was offline for seven minutes
    assert (late["tone"], late["outcome"]) == ("green", "accepted")


def test_it_names_nobody_and_is_scrubbed_after_a_week(drill: tuple[Gate, str], app: Flask) -> None:
    g, _page = drill
    with app.app_context():
        names = list(db.session.scalars(select(PersonalDetail.name)))
        assert all(name.startswith("演练") for name in names)
        assert not db.session.scalar(select(func.count()).where(Registration.phone_index.is_not(None)))
    with time_machine.travel(now() + timedelta(days=9), tick=False):
        with app.app_context(), transaction(db.session) as tx:
            purge(tx, now=now())
        assert hashes(g) == []


def test_a_real_activity_has_none_of_it(gate: Make, sign_in: SignIn) -> None:
    g = gate()
    browser = g.app.test_client()
    sign_in(browser, "jingban")
    page = browser.get(f"/activities/{g.activity}/console/practice").text
    assert ("这是真的活动" in page, "ticket-qr" in page) == (True, False)
    assert "演练" not in browser.get(f"/activities/{g.activity}/console").text
    with g.app.app_context(), transaction(db.session) as tx:
        real = tx.scalars(select(Activity)).one()
        with pytest.raises(Conflict):
            seed_practice(tx, real, keys=g.app.extensions["keys"], actor=SYSTEM, now=now())
