"""More than one page holds: 待核实 with its true total, a roster whole, and a printed code that stays void."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from hashlib import sha256

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import insert, select

from app.activities.models import Activity
from app.audit.models import AuditEntry
from app.checkin.models import HeldScan
from app.extensions import db
from app.kernel.database import transaction
from app.registration.models import Registration
from app.web.venue import printed_address
from tests.factories import NOW
from tests.web.activities.test_one_activity import form_of
from tests.web.scan_api.conftest import Gate, gate

__all__ = ["gate"]  # the fixture
Make = Callable[..., Gate]
SignIn = Callable[[FlaskClient, str], None]


def test_what_waits_is_counted_whole_and_the_rest_is_on_further_pages(gate: Make, sign_in: SignIn) -> None:
    g = gate()
    phone = g.pair()
    for lot in range(3):
        g.send(phone, *[g.scan(sha256(f"nobody {lot} {n}".encode()).hexdigest()) for n in range(40)])
    browser = g.app.test_client()
    sign_in(browser, "jingban")
    address = f"/activities/{g.activity}/held"
    first = browser.get(address).text
    assert '<span class="mute">120</span>' in first
    assert (first.count("没有名字的报名码"), "第1–50 条，共120条" in first) == (50, True)
    last = browser.get(f"{address}?page=3").text
    assert (last.count("没有名字的报名码"), "第101–120 条" in last) == (20, True)
    assert browser.get(f"{address}?page=99").text.count("没有名字的报名码") == 20
    with g.app.app_context():
        codes = list(db.session.scalars(select(HeldScan.code).order_by(HeldScan.id)))
    answer = browser.post(f"{address}/{codes[-1]}?page=3", data={"verb": "dismiss"})
    assert answer.location.endswith("?page=3")
    assert '<span class="mute">119</span>' in browser.get(address).text


@pytest.mark.parametrize("many", [5_003])
def test_a_roster_is_whole_whatever_its_size(gate: Make, many: int) -> None:
    g = gate(capacity=None)
    with g.app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity)).one()
        tx.execute(
            insert(Registration),
            [
                {
                    "code": f"c{n:011d}", "activity_id": activity.id, "kind": "individual", "state": "confirmed",
                    "adults": 1, "secret_hash": sha256(str(n).encode()).hexdigest(), "created_at": NOW,
                }
                for n in range(many)
            ],
        )  # fmt: skip
    assert len(g.get(g.pair()).json["tickets"]) == many


def test_a_sheet_is_void_for_good_whichever_form_switched_it_off(app: Flask, gate: Make, sign_in: SignIn) -> None:
    g = gate(starts_at=NOW + timedelta(minutes=30))
    browser = g.app.test_client()
    sign_in(browser, "jingban")
    edit = f"/activities/{g.activity}/edit"

    def save(**more: str) -> None:
        form = form_of(browser.get(edit).text)
        form.pop("printed_code_on", None)
        assert browser.post(edit, data={**form, **more, "do": "save"}).status_code == 303

    def opens(address: str) -> bool:
        return "这张码已经换过，或被作废了" not in app.test_client().get(address).text

    save(printed_code_on="y")
    with app.test_request_context():
        sheet, later = (printed_address(g.sessions[0], version).split("//", 1)[1] for version in (1, 2))
    sheet, later = (address[address.index("/") :] for address in (sheet, later))
    assert opens(sheet)
    save(printed_code_on="y")  # the same again leaves the sheets alone
    assert opens(sheet)
    save()
    assert not opens(sheet)
    save(printed_code_on="y")
    assert (opens(sheet), opens(later)) == (False, True)
    browser.post(f"/activities/{g.activity}/console/{g.sessions[0]}/printed-code", data={"verb": "off"})
    assert not opens(later)
    with app.app_context():
        actions = list(
            db.session.scalars(
                select(AuditEntry.action).where(AuditEntry.action.like("printed_code.%")).order_by(AuditEntry.seq)
            )
        )
    assert actions == ["printed_code.turned_on", "printed_code.revoked"] * 2
