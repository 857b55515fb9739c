"""撤回送审: only what waits for a decision is taken back; who presses else, or again, reads what is, and nothing changes."""

from __future__ import annotations

import contextlib
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.activities.models import Activity
from app.audit.models import AuditEntry
from app.extensions import db
from app.review import service
from app.review.models import ReviewEvent
from tests.web.review.conftest import Desk

SUCCESS = "已撤回，可以继续修改"


def _press(desk: Desk, browser: FlaskClient) -> TestResponse:
    """From the page that asks, as a browser sends it."""
    address = f"/activities/{desk.code}/withdraw-submission"
    return browser.post(address, headers={"Referer": f"http://localhost{address}"})


def _stands(desk: Desk) -> tuple[Any, ...]:
    """The states, and how much the history, the log and the activity's version hold."""
    with desk.app.app_context():
        session = db.session()
        sizes = [session.scalar(select(func.count()).select_from(table)) for table in (ReviewEvent, AuditEntry)]
        return *desk.states(), *sizes, session.scalar(select(Activity.version).where(Activity.code == desk.code))


def _kinds(desk: Desk) -> list[str]:
    with desk.app.app_context():
        return list(db.session.scalars(select(ReviewEvent.kind).order_by(ReviewEvent.id)))


def _refused(desk: Desk, browser: FlaskClient, words: str) -> str:
    """The page that says why; nothing stands otherwise, and no later page says that it was done."""
    before = _stands(desk)
    answer = _press(desk, browser)
    assert answer.status_code == 409 and words in answer.text, answer.text
    assert 'class="staff"' in answer.text and "回到刚才那一页" in answer.text
    assert _stands(desk) == before
    assert SUCCESS not in answer.text + browser.get(f"/activities/{desk.code}").text
    return answer.text


def test_what_was_never_handed_in_is_not_taken_back(desk: Desk) -> None:
    page = _refused(desk, desk.browser("jingban"), "没有可以撤回的")
    assert "现在不能这样办" in page and "没有改动任何内容" in page


def test_the_second_press_reads_that_it_was_done(desk: Desk) -> None:
    assert desk.submit() == 302
    browser = desk.browser("jingban")
    assert _press(desk, browser).status_code == 302
    assert SUCCESS in browser.get(f"/activities/{desk.code}").text
    page = _refused(desk, browser, "送审已经撤回过了")
    assert "这一步已经办过了" in page
    assert _kinds(desk) == ["submitted", "withdrawn"] and desk.states() == ("not_submitted", "withdrawn")
    assert desk.submit() == 302  # and it is handed in again as ever
    assert _press(desk, browser).status_code == 302


@pytest.mark.parametrize(("verb", "reason"), [("approve", ""), ("return", "请重拍"), ("reject", "不是这一天的")])
def test_what_was_decided_meanwhile_is_not_taken_back(desk: Desk, verb: str, reason: str) -> None:
    assert desk.submit() == 302
    assert desk.decide("shenhe", verb, reason) == 302
    _refused(desk, desk.browser("jingban"), "已经处理过了")


@pytest.mark.serial
def test_two_presses_at_once_take_back_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert desk.submit() == 302
    browsers, together, lock = [desk.browser("jingban"), desk.browser("fuze")], threading.Barrier(2), service._lock

    def locked(*words: Any) -> None:
        with contextlib.suppress(threading.BrokenBarrierError):  # SQLite keeps the other one out: nobody to meet
            together.wait(1)
        lock(*words)

    monkeypatch.setattr(service, "_lock", locked)
    with ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda browser: _press(desk, browser), browsers))
    assert sorted(answer.status_code for answer in answers) == [302, 409]
    assert any("送审已经撤回过了" in answer.text for answer in answers)
    assert _kinds(desk) == ["submitted", "withdrawn"]


@pytest.mark.parametrize("page", ["submit", "withdraw-submission"])
def test_the_organizers_pages_of_a_review_stand_among_the_activities(desk: Desk, page: str) -> None:
    assert desk.submit() == 302
    text = desk.browser("jingban").get(f"/activities/{desk.code}/{page}").text
    assert re.search(r'<a href="/activities" aria-current="page">', text)
    assert text.count('aria-current="page"') == 1
    assert 'href="/review" aria-current="page"' in desk.browser("shenhe").get("/review").text


def test_the_page_that_asks_posts_to_its_own_address(desk: Desk) -> None:
    assert desk.submit() == 302
    browser, address = desk.browser("jingban"), f"/activities/{desk.code}/withdraw-submission"
    assert re.search(rf'<form[^>]*method="post" action="{address}"', browser.get(address).text)
    assert _press(desk, browser).status_code == 302
    assert browser.get(address).location == f"/activities/{desk.code}"  # nothing is left to ask about
