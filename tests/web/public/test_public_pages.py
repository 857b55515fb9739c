"""What anybody may read: an activity's page in each state, its calendar file, the pages about data and help."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from icalendar import Calendar

from app.activities.models import ActivityState
from app.extensions import db
from app.kernel.database import transaction
from tests.factories import make_activity

HOUR = timedelta(hours=1)


def add(app: Flask, start: timedelta, **columns: Any) -> str:
    with app.app_context(), transaction(db.session) as tx:
        return make_activity(tx, starts_at=datetime.now(UTC).replace(microsecond=0) + start, **columns).code


@pytest.mark.parametrize(
    ("start", "columns", "said"),
    [
        (timedelta(days=2), {}, "正在报名"),
        (-HOUR / 2, {}, "签到开始了"),
        (-timedelta(days=2), {}, "已结束"),
        (timedelta(days=2), {"state": ActivityState.CANCELLED, "cancel_reason": "下雨"}, "这场活动取消了"),
        (-timedelta(days=2), {"state": ActivityState.CLOSED}, "已结束"),
        (timedelta(days=2), {"takes_registration": False}, "不用报名。到场扫码"),
        (timedelta(days=2), {"takes_registration": False, "takes_walk_in": False}, "统一组织"),
    ],
)
def test_the_page_says_in_each_state_what_one_can_do(
    app: Flask, client: FlaskClient, start: timedelta, columns: dict[str, Any], said: str
) -> None:
    answer = client.get(f"/a/{add(app, start, **columns)}")
    assert answer.status_code == 200
    assert said in answer.text


@pytest.mark.parametrize("state", [ActivityState.DRAFT, ActivityState.WITHDRAWN])
def test_a_draft_is_as_absent_as_a_wrong_address(app: Flask, client: FlaskClient, state: ActivityState) -> None:
    for address in (f"/a/{add(app, timedelta(days=2), state=state)}", "/a/nosuchcode12"):
        for file in ("", ".ics"):
            answer = client.get(address + file)
            assert answer.status_code == 404
            assert "没有找到这场活动" in answer.text


def test_only_the_listed_may_be_found_by_search_engines(app: Flask, client: FlaskClient) -> None:
    hidden, listed = add(app, HOUR), add(app, HOUR, audience="public", listing="listed")
    assert "noindex" in client.get(f"/a/{hidden}").text
    assert "noindex" not in client.get(f"/a/{listed}").text


def test_what_an_organizer_wrote_stays_text(app: Flask, client: FlaskClient) -> None:
    code = add(app, HOUR, title="<b>粗</b>𠮷", venue="买买提·艾力<script>", summary="=HYPERLINK(1)")
    page = client.get(f"/a/{code}").text
    assert "&lt;b&gt;粗&lt;/b&gt;𠮷" in page
    assert "<script>" not in page.split("<main")[1]


def test_a_camp_of_two_sessions_is_two_entries_of_a_calendar(app: Flask, client: FlaskClient) -> None:
    answer = client.get(f"/a/{add(app, timedelta(days=2), sessions=2)}.ics")
    events = Calendar.from_ical(answer.data).walk("VEVENT")
    assert [event["status"] for event in events] == ["CONFIRMED"] * 2
    again = client.get(answer.request.path, headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


def test_a_cancelled_activity_cancels_its_calendar_entry(app: Flask, client: FlaskClient) -> None:
    code = add(app, HOUR, state=ActivityState.CANCELLED)
    assert Calendar.from_ical(client.get(f"/a/{code}.ics").data).walk("VEVENT")[0]["status"] == "CANCELLED"


@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("/privacy", "不问民族、信仰、身份证号、籍贯"),
        ("/accessibility", "大字版"),
        ("/my-data", "这台手机上没有报名码"),
        ("/feedback", "不用留名"),
    ],
)
def test_the_pages_about_data_and_help_open_for_anybody(client: FlaskClient, address: str, said: str) -> None:
    answer = client.get(address)
    assert answer.status_code == 200
    assert said in answer.text


def test_the_public_page_costs_at_most_twelve_statements(
    app: Flask, client: FlaskClient, statements: list[str]
) -> None:
    code = add(app, timedelta(days=2), sessions=3, attendance="choose_one")
    statements.clear()
    assert client.get(f"/a/{code}").status_code == 200
    assert len(statements) <= 12


def test_the_privacy_page_tells_the_truth_about_cookies_phones_and_children(app: Flask, client: FlaskClient) -> None:
    """Whoever reads, registers and asks for large letters has these cookies and no other."""
    app.config["WTF_CSRF_ENABLED"] = True
    with app.app_context(), transaction(db.session) as tx:
        code = make_activity(tx, starts_at=datetime.now(UTC) + timedelta(days=1)).code
    page = client.get(f"/a/{code}/register?size=large").text
    hidden = dict(re.findall(r'name="(csrf_token|submission)"[^>]*value="([^"]+)"', page))
    typed = {**hidden, "name": "李女士", "adults": "1", "children": "0", "phone": "", "consent": "y"}
    assert client.post(f"/a/{code}/register", data=typed).status_code == 303
    assert all(client.get_cookie(name) for name in ("shiliu", "mine", "browser", "size"))
    assert len(client._cookies) == 4
    text = client.get("/privacy").text
    for words in ("只有六个", "每次打开都留下记录", "监护人同意以后才保存"):
        assert words in text
