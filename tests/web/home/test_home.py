"""The public home, the calendar, the way to one's own start, the workbench."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar
from sqlalchemy import select

from app.activities.models import Activity, ActivityState, Listing, ReviewState
from app.evidence.models import EvidenceItem, Takedown
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.database import transaction
from app.organisation.models import Unit, User
from app.progress.service import add_note, decide
from app.review.models import CaseState, ReviewCase
from tests.cast import Cast, make_cast
from tests.factories import make_activity
from tests.plan import make_plan

HOUR = timedelta(hours=1)
LISTED = {"audience": "public", "listing": Listing.LISTED.value}
Visit = Callable[[str], FlaskClient]


@pytest.fixture
def cast(app: Flask, client: FlaskClient) -> Cast:
    with app.app_context(), transaction(db.session) as tx:
        return make_cast(tx)


@pytest.fixture
def visit(app: Flask, cast: Cast, sign_in: Callable[[FlaskClient, str], None]) -> Visit:
    def run(login: str) -> FlaskClient:
        browser = app.test_client()
        sign_in(browser, login)
        return browser

    return run


def add(app: Flask, title: str, start: datetime, **columns: object) -> str:
    """An activity of 示例甲镇; its code."""
    with app.app_context(), transaction(db.session) as tx:
        town = tx.scalars(select(Unit).where(Unit.name == "示例甲镇")).one()
        return make_activity(tx, host=town, title=title, starts_at=start, **columns).code  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("login", "place"),
    [
        ("jingban", "/workbench"),
        ("fuze", "/workbench"),
        ("shenhe", "/review"),
        ("fuhe", "/review"),
        ("lingdao", "/metrics"),
        ("guanli", "/metrics"),
        ("shenji", "/audit"),
    ],
)
def test_everybody_starts_the_day_at_the_own_place(visit: Visit, login: str, place: str) -> None:
    answer = visit(login).get("/")
    assert answer.status_code == 302
    assert answer.location.split("?")[0] == place


def test_staff_may_still_look_at_the_public_home(visit: Visit) -> None:
    assert "台账自动生成" in visit("jingban").get("/?public=1").text


def test_an_empty_district_says_what_will_come(client: FlaskClient) -> None:
    answer = client.get("/")
    assert answer.status_code == 200
    assert "最近没有公开的活动" in answer.text
    assert 'id="now"' not in answer.text


def test_only_what_was_listed_and_is_to_come_stands_on_the_home_page(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    soon = datetime.now(UTC) + timedelta(days=1)
    add(app, "公开的课", soon, **LISTED)
    add(app, "只给链接的课", soon)
    add(app, "等同意的课", soon, audience="public", listing=Listing.WAITING.value)
    add(app, "演练的课", soon, is_practice=True, **LISTED)
    add(app, "取消的课", soon, state=ActivityState.CANCELLED, **LISTED)
    add(app, "上周的课", soon - timedelta(days=9), **LISTED)
    page = client.get("/").text.split('class="agenda"')[1].split("</ul>")[0]
    assert re.findall(r'class="t"[^>]*>([^<]+)', page) == ["公开的课"]
    assert "剩50个名额" in page


def test_a_running_lesson_shows_its_count_and_the_way_in(app: Flask, client: FlaskClient, cast: Cast) -> None:
    code = add(app, "正在上的课", datetime.now(UTC) - HOUR / 2, **LISTED)
    page = client.get("/").text
    assert 'id="now"' in page
    assert "我来签到" in page
    entered = client.get("/now")
    with app.app_context():
        session = db.session.scalars(select(Activity).where(Activity.code == code)).one().sessions[0].code
    assert (entered.status_code, entered.location) == (302, f"/s/{session}")  # no live key outside a demo


def test_without_a_running_lesson_the_way_in_says_so(client: FlaskClient) -> None:
    answer = client.get("/now")
    assert answer.status_code == 404
    assert "现在没有正在签到的公开活动" in answer.text


def test_an_unchanged_home_page_costs_no_body(app: Flask, client: FlaskClient, cast: Cast) -> None:
    first = client.get("/calendar")
    again = client.get("/calendar", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    add(app, "新的课", datetime.now(UTC) + HOUR, **LISTED)
    changed = client.get("/calendar", headers={"If-None-Match": first.headers["ETag"]})
    assert changed.status_code == 200


def test_the_home_page_costs_at_most_twelve_statements(
    app: Flask, client: FlaskClient, cast: Cast, statements: list[str]
) -> None:
    for number in range(6):
        add(app, f"第{number}课", datetime.now(UTC) + number * HOUR - HOUR / 2, **LISTED)
    with app.app_context(), transaction(db.session) as tx:
        make_plan(tx, now=datetime.now(UTC))
    statements.clear()
    page = client.get("/").text
    assert 'id="now"' in page
    assert 'id="plan"' in page
    assert len(statements) <= 12


def test_the_strip_counts_fourteen_tasks_and_only_the_documents_two_targets(
    app: Flask, client: FlaskClient, cast: Cast
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        make_plan(tx, now=datetime.now(UTC))
    strip = client.get("/").text.split('id="plan"')[1].split("</section>")[0]
    assert strip.count('viewBox="-5 -6 10 12"') == 14
    assert strip.count("<small>还差1处</small>") == 2
    assert "其余12项方案未定量，只报做了多少" in strip


@pytest.mark.parametrize("query", ["", "?month=2026-11", "?month=2026-13", "?month=never", "?month=9999-01"])
def test_the_calendar_opens_for_any_month(client: FlaskClient, query: str) -> None:
    assert client.get(f"/calendar{query}").status_code == 200


def test_the_calendar_of_a_month_lists_it_by_day(app: Flask, client: FlaskClient, cast: Cast) -> None:
    add(app, "三月的课", datetime(2027, 3, 14, 1, tzinfo=UTC), **LISTED)
    page = client.get("/calendar?month=2027-03").text
    assert 'id="d-14"' in page
    assert "三月的课" in page
    assert "三月的课" not in client.get("/calendar?month=2027-04").text


def test_the_subscribed_calendar_holds_shanghai_times(app: Flask, client: FlaskClient, cast: Cast) -> None:
    add(app, "公开的课", datetime.now(UTC).replace(microsecond=0) + timedelta(days=1), **LISTED)
    answer = client.get("/calendar.ics")
    assert answer.mimetype == "text/calendar"
    events = Calendar.from_ical(answer.data).walk("VEVENT")
    assert [str(event["summary"]) for event in events] == ["公开的课（第一场）"]
    assert events[0]["dtstart"].params["TZID"] == "Asia/Shanghai"


def test_the_workbench_puts_the_returned_first_then_the_due_then_drafts(app: Flask, visit: Visit, cast: Cast) -> None:
    past = datetime.now(UTC) - timedelta(days=4)
    add(app, "草稿的课", past + timedelta(days=30), state=ActivityState.DRAFT, venue="")
    add(app, "该交的课", past)
    returned = add(app, "退回的课", past, review_state=ReviewState.RETURNED.value)
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == returned)).one()
        reader = tx.scalars(select(Unit).where(Unit.name == "区文明办")).one()
        submitter = tx.scalars(select(User).where(User.login == "jingban")).one()
        tx.add(
            ReviewCase(
                activity_id=activity.id, reader_unit_id=reader.id, state=CaseState.RETURNED.value,
                submitted_at=past, submitted_by_id=submitter.id, decided_at=past, reason="签到表看不清表头",
            )
        )  # fmt: skip
    page = visit("jingban").get("/workbench").text
    first = page.split('aria-labelledby="s1"')[1].split("</section>")[0]
    assert re.findall(r'class="t"[^>]*>([^<]+)', first) == ["退回的课", "该交的课", "草稿的课"]
    assert "“签到表看不清表头”" in first
    assert "缺地点" in first
    assert "还差 <b>活动照片</b>" in first


def test_the_workbench_shows_today_with_the_console_and_nothing_of_another_unit(
    app: Flask, visit: Visit, cast: Cast
) -> None:
    add(app, "今天的课", datetime.now(UTC) - HOUR / 2)
    assert "打开现场控制台" in visit("jingban").get("/workbench").text
    other = visit("yizhen").get("/workbench").text
    assert "今天的课" not in other
    assert "还没有排上的活动" in other


def test_a_finished_practice_and_a_cancelled_activity_are_nobodys_task(app: Flask, visit: Visit, cast: Cast) -> None:
    past = datetime.now(UTC) - timedelta(days=4)
    add(app, "演练的课", past, is_practice=True)
    add(app, "取消的课", past, state=ActivityState.CANCELLED)
    assert "都处理完了" in visit("jingban").get("/workbench").text


def test_the_workbench_names_photos_asked_down_and_notes_that_came_back(
    app: Flask, cast: Cast, visit: Visit, statements: list[str]
) -> None:
    moment = datetime.now(UTC)
    code = add(app, "剪纸课", moment - timedelta(days=9), state=ActivityState.CLOSED, review_state="approved")
    page = visit("jingban").get("/workbench").text
    assert "要求撤下" not in page
    assert "退回来了" not in page
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        item = EvidenceItem(activity_id=activity.id, slot="photos", kind="photo", uploaded_at=moment, hidden_at=moment)
        tx.add(item)
        tx.flush()
        tx.add(Takedown(item_id=item.id, asked_at=moment))
        town = tx.get_one(Unit, activity.host_unit_id)
        note = add_note(
            tx, town, task=None, safeguard=None, text="示例进展。", noted_on=moment.date(), stage="",
            actor=SYSTEM, now=moment,
        )  # fmt: skip
        decide(tx, note, accept=False, reason="示例：请写明日期。", actor=SYSTEM, now=moment)
    browser = visit("jingban")
    statements.clear()
    page = browser.get("/workbench").text
    assert len(statements) <= 12
    assert "“剪纸课”有1张照片有人要求撤下" in page
    assert f"/activities/{code}/evidence#asked" in page
    assert "有1条工作进展或建设项目退回来了" in page
    stranger = visit("yizhen").get("/workbench").text
    assert "要求撤下" not in stranger
    assert "退回来了" not in stranger
