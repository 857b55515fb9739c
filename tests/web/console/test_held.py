"""待核实 refused: the true words stand where the button was, and who was first is named as a role."""

from __future__ import annotations

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from app.activities.models import Activity
from app.checkin.models import CheckIn, DeviceGrant, HeldScan
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.models import Registration
from app.web import held as page_of_held
from tests.web.scan_api.conftest import Gate, gate

__all__ = ["gate"]  # the fixture
Make = Callable[..., Gate]
SignIn = Callable[[FlaskClient, str], None]


class Desk:
    """One held scan of an activity, and the browsers of those who decide on it."""

    def __init__(self, g: Gate, sign_in: SignIn) -> None:
        self.g, self.sign_in = g, sign_in
        ticket, _code = g.enrol(3)
        self.secret = g.pair(label="东门")
        g.send(self.secret, g.scan(ticket, ago=7200))
        self.address = f"/activities/{g.activity}/held"

    def browser(self, login: str = "jingban") -> FlaskClient:
        browser = self.g.app.test_client()
        self.sign_in(browser, login)
        return browser

    @property
    def one(self) -> str:
        with self.g.app.app_context():
            return f"{self.address}/{db.session.scalars(select(HeldScan.code).order_by(HeldScan.id)).first()}"

    def change(self, model: Any = Activity, **columns: object) -> None:
        with self.g.app.app_context(), transaction(db.session) as tx:
            tx.execute(update(model).values(**columns))

    def people(self) -> int:
        with self.g.app.app_context():
            return sum(row.headcount for row in db.session.scalars(select(CheckIn)))


@pytest.fixture
def desk(gate: Make, sign_in: SignIn) -> Desk:
    return Desk(gate(), sign_in)


def buttons(text: str) -> list[str]:
    """The words of those that can be pressed."""
    found = re.findall(r'<button class="btn" name="verb"([^>]*)>(?:<svg.*?</svg>)?([^<]+)<', text, re.S)
    return [words for attributes, words in found if "disabled" not in attributes]


STOPS = [
    ({"review_state": "under_review"}, "先撤回送审"), ({"review_state": "approved"}, "请审核单位退回重审"),
    ({"state": "cancelled"}, "活动已取消"),
]  # fmt: skip


@pytest.mark.parametrize(("columns", "why"), STOPS)
def test_what_cannot_count_now_has_its_reason_beside_a_button_that_cannot_be_pressed(
    desk: Desk, columns: dict[str, str], why: str
) -> None:
    assert buttons(desk.browser().get(desk.address).text) == ["算到场", "不算"]
    desk.change(**columns)
    page = desk.browser().get(desk.address).text
    assert buttons(page) == ["不算"] and page.count(why) >= 2
    assert ("/withdraw-submission" in page) is (columns.get("review_state") == "under_review")


@pytest.mark.parametrize("script", [False, True])
@pytest.mark.parametrize(("columns", "why"), STOPS)
def test_an_old_page_hears_the_true_words_beside_the_item(
    desk: Desk, columns: dict[str, str], why: str, script: bool
) -> None:
    browser, address = desk.browser(), desk.one
    desk.change(**columns)
    answer = browser.post(address, data={"verb": "count"}, headers={"HX-Request": "true"} if script else {})
    assert answer.status_code == 409 and why in answer.text
    assert "先一步" not in answer.text and 'class="staff"' in answer.text
    refusal = re.search(r'<p class="err"[^>]*>.*?</p>', answer.text, re.S)
    assert refusal and "还留在待核实里" in refusal[0]
    assert desk.people() == 0


def test_who_comes_second_reads_the_outcome_by_which_role_and_when(desk: Desk) -> None:
    first, second, address = desk.browser("fuze"), desk.browser(), desk.one
    assert first.post(address, data={"verb": "dismiss"}).status_code == 303
    answer = second.post(address, data={"verb": "count"})
    assert answer.status_code == 409 and desk.people() == 0
    note = re.search(r"这一条已经处理过了.*?</p>", answer.text, re.S)
    assert note and "李女士" in note[0] and "不算，单位负责人" in note[0] and "11月20日 周五 10:00" in note[0]
    assert not re.search(r"示例\d+号", note[0]), "a role, and nobody's name"
    assert "不算，您" in first.post(address, data={"verb": "count"}).text


def test_an_empty_list_says_that_all_fitted_only_where_nothing_had_to_be_decided(gate: Make, sign_in: SignIn) -> None:
    g, words = gate(), ("都对得上。", "都处理完了。")
    sign_in(g.client, "jingban")
    address = f"/activities/{g.activity}/held"
    assert [each in g.client.get(address).text for each in words] == [True, False]
    desk = Desk(g, sign_in)
    g.client.post(desk.one, data={"verb": "dismiss"})
    assert [each in g.client.get(address).text for each in words] == [False, True]


def test_a_lot_of_a_sealed_activity_is_refused_on_its_page(desk: Desk) -> None:
    desk.change(review_state="under_review")
    with desk.g.app.app_context():
        phone = db.session.scalars(select(HeldScan.device_id)).one()
        code = db.session.execute(select(DeviceGrant.code).where(DeviceGrant.id == phone)).scalar_one()
    answer = desk.browser().post(f"{desk.address}/phones/{code}")
    assert answer.status_code == 409 and "先撤回送审" in answer.text and 'class="staff"' in answer.text


def test_a_clash_is_looked_at_again_and_never_reaches_a_person(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another's commit comes between reading and writing: the second look finds what was decided."""
    browser, other, address = desk.browser(), desk.browser("fuze"), desk.one
    real, tries = page_of_held.count_held, []

    def too_late(*given: Any, **named: Any) -> int:
        tries.append(1)
        if len(tries) == 1:
            given[0].rollback()
            monkeypatch.setattr(page_of_held, "count_held", real)
            with ThreadPoolExecutor(1) as pool:  # a session of its own
                assert pool.submit(other.post, address, data={"verb": "count"}).result().status_code == 303
            raise IntegrityError("INSERT", {}, Exception("UNIQUE constraint failed"))
        return real(*given, **named)

    monkeypatch.setattr(page_of_held, "count_held", too_late)
    answer = browser.post(address, data={"verb": "count"})
    assert (answer.status_code, desk.people()) == (409, 3)
    assert "算到场，单位负责人" in answer.text


def test_the_submission_is_taken_back_where_the_reason_says_so(desk: Desk) -> None:
    browser, address = desk.browser(), f"/activities/{desk.g.activity}/withdraw-submission"
    assert browser.get(address).status_code == 302  # nothing was handed in
    desk.change(review_state="under_review")
    assert "撤回送审" in browser.get(f"/activities/{desk.g.activity}").text
    page = browser.get(address)
    assert page.status_code == 200 and f'action="{address}"' in page.text


@pytest.mark.parametrize(
    ("state", "words"),
    [("cancelled", "这个报名10:00已经取消"), ("waitlisted", "这个报名在候补"), ("confirmed", "")],
)
def test_why_it_waits_never_hides_how_the_registration_stands(desk: Desk, state: str, words: str) -> None:
    desk.change(Registration, state=state, cancelled_at=now() if state == "cancelled" else None)
    page = desk.browser().get(desk.address).text
    assert "不可能" in page and (not words or words in page)
    if not words:
        assert "已经取消" not in page and "候补" not in page
