"""The own link through the client: ticket, change, cancel, data, erasure, calendar."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta

import pytest
import zxingcpp
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from app.activities.models import Activity, ActivityChange
from app.checkin.models import CheckIn
from app.exports.qr import matrix as qr_matrix
from app.extensions import db
from app.kernel.attempts import Attempt
from app.kernel.database import transaction
from app.organisation.queries import actor_of
from app.registration.models import PersonalDetail
from app.registration.queries import find_by_secret
from app.registration.service import cancel_activity, cancel_registration
from tests.factories import make_activity, make_unit, make_user
from tests.web.registration.browser import GOOD, STATIC, count, enter, hidden, make, press, registration_of


def test_the_tickets_picture_is_its_own_address(app: Flask, client: FlaskClient) -> None:
    ticket = enter(client, make(app))
    wanted = "http://127.0.0.1:8000" + ticket
    rows = qr_matrix(wanted)
    size = len(rows) + 8
    picture = Image.new("L", (size, size), 255)
    for y, row in enumerate(rows):
        for x, dark in enumerate(row):
            picture.putpixel((x + 4, y + 4), 0 if dark else 255)
    read = zxingcpp.read_barcodes(picture.resize((size * 6, size * 6), Image.Resampling.NEAREST))
    assert [code.text for code in read] == [wanted]
    first_run = re.search(r'<path d="M4 4h7v1h-7z', client.get(ticket).text)
    assert first_run  # the finder pattern in the quiet zone of four


def test_a_private_page_is_neither_kept_nor_indexed_nor_leaked(app: Flask, client: FlaskClient) -> None:
    headers = client.get(enter(client, make(app))).headers
    assert headers["Cache-Control"] == "no-store"
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize("secret", ["A" * 22, "x", "..", "%2E%2E", "A" * 64, "A" * 5000, "名", "-" * 22])
@pytest.mark.parametrize("part", ["", "/people", "/cancel", "/data", "/data.json", "/erase", ".ics"])
def test_a_wrong_secret_is_answered_like_an_absent_page(
    app: Flask, client: FlaskClient, secret: str, part: str
) -> None:
    response = client.get(f"/t/{secret}{part}")
    assert response.status_code == 404
    assert "没有找到" in response.text


def test_wrong_secrets_are_counted_where_something_would_be_written(app: Flask, client: FlaskClient) -> None:
    token = hidden(client.get(f"/a/{make(app)}/register").text, "csrf_token")
    answers = [client.post(f"/t/{number:022d}/cancel", data={"csrf_token": token}).status_code for number in range(12)]
    assert answers[0] == 404
    assert answers[-1] == 429
    assert count(app, Attempt) == 10


def test_the_headcount_can_be_changed_until_there_is_no_room(app: Flask, client: FlaskClient) -> None:
    code = make(app, capacity=3)
    ticket = enter(client, code)
    assert press(client, ticket + "/people", adults="1", children="0").status_code == 303
    enter(client, code, adults="1", children="0")
    refused = press(client, ticket + "/people", adults="3", children="0")
    assert refused.status_code == 422
    assert "名额不够" in refused.text
    assert press(client, ticket + "/people", adults="x", children="").status_code == 422
    assert registration_of(app, ticket).headcount == 1


def test_cancelling_asks_first_and_can_be_sent_twice(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    ticket = enter(client, code)
    assert "取消这个报名？" in client.get(ticket + "/cancel").text
    assert registration_of(app, ticket).state == "confirmed"
    assert press(client, ticket + "/cancel").status_code == 303
    page = client.get(ticket).text
    assert "已取消" in page
    assert "重新报名" in page
    assert "ticket-qr" not in page
    token = hidden(client.get(f"/a/{code}/register").text, "csrf_token")
    assert client.post(ticket + "/cancel", data={"csrf_token": token}).status_code == 303


def test_after_checking_in_nothing_is_cancelled_or_changed(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    ticket = enter(client, code)
    registration = registration_of(app, ticket)
    token = hidden(client.get(ticket + "/cancel").text, "csrf_token")
    moment = datetime.now(UTC)
    with app.app_context(), transaction(db.session) as tx:
        session_id = tx.scalars(select(Activity).where(Activity.code == code)).one().sessions[0].id
        tx.add(
            CheckIn(
                activity_id=registration.activity_id, session_id=session_id, registration_id=registration.id,
                grade_b=3, method="live_code", first_at=moment, last_at=moment,
            )
        )  # fmt: skip
    page = client.get(ticket).text
    assert "已签到" in page
    assert "取消报名" not in page
    for part in ("cancel", "people"):
        refused = client.post(f"{ticket}/{part}", data={"csrf_token": token, "adults": "1", "children": "0"})
        assert refused.status_code == 409
        assert "已经签到" in refused.text
    assert registration_of(app, ticket).headcount == 3


def test_after_the_start_the_owner_is_told_that_nothing_is_needed(app: Flask, client: FlaskClient) -> None:
    with app.app_context(), transaction(db.session) as tx:
        code = make_activity(tx, starts_at=datetime.now(UTC) - timedelta(minutes=5)).code
    ticket = enter(client, code)
    assert "改人数" not in client.get(ticket).text
    assert "不用办任何手续" in client.get(ticket + "/cancel").text
    token = hidden(client.get(f"/a/{code}/register").text, "csrf_token")
    assert client.post(ticket + "/cancel", data={"csrf_token": token}).status_code == 409
    assert registration_of(app, ticket).state == "confirmed"


def test_everything_stored_is_shown_and_can_be_taken_along(app: Flask, client: FlaskClient) -> None:
    ticket = enter(client, make(app), phone="13800138000")
    page = client.get(ticket + "/data").text
    for words in ("示例李女士", "13800138000", "2位大人", "2026-11"):
        assert words in page
    file = client.get(ticket + "/data.json")
    assert "attachment" in file.headers["Content-Disposition"]
    kept = json.loads(file.text)
    assert (kept["称呼"], kept["手机号"], kept["大人"], kept["孩子"]) == ("示例李女士", "13800138000", 2, 1)


def test_erased_values_are_gone_at_once_and_the_count_stays(app: Flask, client: FlaskClient) -> None:
    ticket = enter(client, make(app), phone="13800138000")
    assert "示例李女士" in client.get(ticket).text
    assert press(client, ticket + "/erase").status_code == 303
    for part in ("", "/data", "/data.json"):
        page = client.get(ticket + part).text
        assert "示例李女士" not in page
        assert "13800138000" not in page
    assert count(app, PersonalDetail) == 0
    registration = registration_of(app, ticket)
    assert (registration.headcount, registration.state) == (3, "confirmed")
    assert registration.erased_at is not None


def test_a_shared_device_can_forget_the_ticket(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    ticket = enter(client, code)
    assert press(client, ticket + "/forget", ticket + "/data").status_code == 303
    assert "您已报名" not in client.get(f"/a/{code}/register").text
    assert client.get(ticket).status_code == 200


def test_the_calendar_file_holds_no_way_into_the_ticket(app: Flask, client: FlaskClient) -> None:
    code = make(app, title="示例剪纸课堂", sessions=2)
    ticket = enter(client, code)
    file = client.get(ticket + ".ics")
    assert file.mimetype == "text/calendar"
    text = file.text.replace("\r\n ", "")
    assert text.count("BEGIN:VEVENT") == 2
    assert "TZID=Asia/Shanghai" in text
    assert "示例剪纸课堂" in text
    assert ticket.rsplit("/", 1)[1] not in text
    assert "示例李女士" not in text


def test_a_change_of_place_is_news_until_it_is_read(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    ticket = enter(client, code)
    assert "活动有改动" not in client.get(ticket).text
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        moment = datetime.now(UTC)
        for field, before, after in (
            ("venue", "示例西门", "示例东门"),
            ("time", "2026-11-26 09:00–2026-11-26 10:00", "2026-11-26 10:00–2026-11-26 11:00"),
        ):
            tx.add(ActivityChange(activity_id=activity.id, at=moment, field=field, before=before, after=after))
    page = client.get(ticket).text
    assert "活动有改动" in page
    assert "地点从“示例西门”改为“示例东门”。" in page
    assert re.search(r"时间从“.*11月26日 周四 09:00–10:00”改为“.*11月26日 周四 10:00–11:00”。", page)
    assert press(client, ticket + "/seen", ticket).status_code == 303
    page = client.get(ticket).text
    assert "活动有改动" not in page
    assert "报名以后的改动" in page
    assert "改动" not in client.get(enter(client, code, adults="1")).text  # who came later knows the new place


def test_a_cancelled_activity_shows_its_reason_on_every_ticket(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    ticket = enter(client, code)
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        user = make_user(tx)
        cancel_activity(tx, activity, reason="示例原因：大雨", actor=actor_of(tx, user), now=datetime.now(UTC))
    page = client.get(ticket).text
    assert "这场活动已取消" in page
    assert "示例原因：大雨" in page
    assert "ticket-qr" not in page
    assert "已取消" in client.get(f"/a/{code}/register").text
    token = hidden(client.get(ticket + "/data").text, "csrf_token")
    refused = client.post(f"/a/{code}/register", data={**GOOD, "csrf_token": token})
    assert refused.status_code == 422
    assert "已取消，不能报名" in refused.text


def test_pages_are_light_and_ask_the_database_little(app: Flask, client: FlaskClient, statements: list[str]) -> None:
    code = make(app, sessions=3, attendance="choose_one")
    with app.app_context():
        chosen = db.session.scalars(select(Activity).where(Activity.code == code)).one().sessions[0].code
    ticket = enter(client, code, session=chosen)
    own = sum(
        len(gzip.compress((STATIC / name).read_bytes()))
        for name in ("css/shiliu.css", "js/count.js", "js/form.js", "icons/favicon.svg")
    )
    for address in (f"/a/{code}/register", ticket, ticket + "/data", ticket + "/people"):
        statements.clear()
        page = client.get(address)
        assert page.status_code == 200
        assert len(statements) <= 12, (address, len(statements))
        assert len(gzip.compress(page.data)) + own <= 60 * 1024


def test_a_page_never_writes(app: Flask, client: FlaskClient, statements: list[str]) -> None:
    code = make(app)
    ticket = enter(client, code)
    statements.clear()
    for part in ("", "/people", "/cancel", "/data", "/data.json", "/erase", ".ics"):
        assert client.get(ticket + part).status_code == 200
    client.get(f"/a/{code}/register")
    assert statements
    assert not [one for one in statements if one.split()[0] in ("INSERT", "UPDATE", "DELETE")]


def test_a_registration_that_staff_cancelled_says_so(app: Flask, client: FlaskClient) -> None:
    ticket = enter(client, make(app))
    with app.app_context(), transaction(db.session) as tx:
        registration = find_by_secret(tx, ticket.rsplit("/", 1)[1])
        assert registration is not None
        staff = actor_of(tx, make_user(tx, unit=make_unit(tx)))
        cancel_registration(tx, registration, actor=staff, now=datetime.now(UTC))
    assert "已取消" in client.get(ticket).text


def test_ticket_page_and_activity_page_name_the_same_entry_in_a_calendar(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    ticket = enter(client, code)
    mine, everybodys = (
        re.findall(r"UID:(\S+)", client.get(f"{page}.ics").text) for page in (ticket, f"/a/{code}")
    )  # fmt: skip
    assert mine
    assert mine == everybodys
