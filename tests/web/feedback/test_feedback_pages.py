"""A message without a name, its receipt, the office's answer; what is counted, hidden and logged."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.models import AuditEntry
from app.extensions import db
from app.feedback.models import Feedback
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from tests.cast import make_cast
from tests.factories import make_activity

Enter = Callable[[FlaskClient, str], None]


@pytest.fixture
def codes(app: Flask) -> dict[str, str]:
    """An activity of each town, with everybody's account."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        own, other = make_activity(tx, host=cast.town, title="剪纸进课堂"), make_activity(tx, host=cast.other_town)
        return {"own": own.code, "other": other.code}


def filled(**changes: str) -> dict[str, str]:
    values = {
        "submission": random_secret(), "sort": "complaint", "message": "排队太久，等了一个小时。",
        "contact": "138 0013 8000", "second_name": "",
    }  # fmt: skip
    return {**values, **changes}


def tell(client: FlaskClient, **changes: str) -> str:
    """Send a message; the receipt without its blank."""
    answer = client.post("/feedback", data=filled(**changes))
    assert answer.status_code == 303, answer.text
    found = re.search(r'class="code">([^<]+)<', client.get(answer.headers["Location"]).text)
    assert found
    return found[1].replace(" ", "")


def rows(app: Flask) -> list[Feedback]:
    with app.app_context():
        found = list(db.session.scalars(select(Feedback).order_by(Feedback.id)))
        db.session.expunge_all()
        return found


def test_a_message_gives_a_receipt_once_and_the_database_holds_neither_it_nor_the_contact(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    receipt = tell(client, a=codes["own"])
    assert len(receipt) == 10
    assert receipt not in client.get("/feedback/done").text
    assert "只显示一次" in client.get("/feedback/done").text
    [row] = rows(app)
    assert row.message == "排队太久，等了一个小时。"
    assert receipt not in row.receipt_hash
    assert row.contact is not None
    assert b"138" not in row.contact
    assert row.activity_id is not None


def test_the_activity_of_the_page_is_remembered_and_a_wrong_one_is_none(
    client: FlaskClient, codes: dict[str, str]
) -> None:
    assert f'href="/feedback?a={codes["own"]}"' in client.get(f"/a/{codes['own']}").text
    assert "剪纸进课堂" in client.get(f"/feedback?a={codes['own']}").text
    page = client.get("/feedback?a=nosuchcode12")
    assert page.status_code == 200
    assert 'name="a"' not in page.text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"sort": ""}, "请选投诉还是建议"),
        ({"sort": "praise"}, "请选投诉还是建议"),
        ({"message": ""}, "请写要说的事"),
        ({"message": " \u200b\n "}, "请写要说的事"),
        ({"message": "字" * 1001}, "最多1000字，现在1001字"),
        ({"contact": "c" * 61}, "联系方式最多60字"),
        ({"second_name": "robot"}, "像是程序填的"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_lost(
    app: Flask, client: FlaskClient, changes: dict[str, str], words: str
) -> None:
    answer = client.post("/feedback", data=filled(**changes))
    assert answer.status_code == 422
    assert words in answer.text
    assert ("排队太久" in answer.text) is ("message" not in changes)
    assert rows(app) == []


def test_a_form_without_anything_is_refused_in_words(app: Flask, client: FlaskClient) -> None:
    assert client.post("/feedback", data={}).status_code == 422
    assert rows(app) == []


def test_a_second_tap_is_the_same_message(app: Flask, client: FlaskClient) -> None:
    submission = random_secret()
    assert tell(client, submission=submission) == tell(client, submission=submission)
    assert len(rows(app)) == 1
    assert tell(app.test_client(), submission=submission) != ""
    assert len(rows(app)) == 2  # another browser's form is another message


def test_the_answer_is_found_by_receipt_as_people_type_it(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Enter
) -> None:
    receipt = tell(client)
    typed = f" {receipt[:5].lower()} {receipt[5:]}"
    assert "还没有回复" in client.post("/feedback/receipt", data={"receipt": typed}).text
    office = app.test_client()
    sign_in(office, "shenhe")
    [row] = rows(app)
    assert "排队太久" in office.get("/feedback/desk").text
    assert office.post(f"/feedback/desk/{row.code}/answer", data={"answer": ""}).status_code == 422
    assert "请写回复" in office.post(f"/feedback/desk/{row.code}/answer", data={"answer": "字" * 1001}).text
    done = office.post(f"/feedback/desk/{row.code}/answer", data={"answer": "下次加一个签到台。"})
    assert done.status_code == 303
    assert "下次加一个签到台" in client.post("/feedback/receipt", data={"receipt": typed}).text
    again = office.post(f"/feedback/desk/{row.code}/answer", data={"answer": "改一改"})
    assert again.status_code == 409
    assert rows(app)[0].answer == "下次加一个签到台。"
    assert "下次加一个签到台" in office.get(f"/feedback/desk/{row.code}").text
    assert "排队太久" in office.get("/feedback/desk?show=answered").text


@pytest.mark.parametrize("receipt", ["", "short", "ZZZZZZZZZZ", "0OIL10OIL1", "长" * 300, "<b>"])
def test_an_unknown_and_a_bad_receipt_are_answered_alike(client: FlaskClient, receipt: str) -> None:
    tell(client)
    answer = client.post("/feedback/receipt", data={"receipt": receipt})
    assert answer.status_code == 422
    assert "没有这个回执号" in answer.text
    assert "排队太久" not in answer.text


def test_guesses_have_to_wait_and_a_right_receipt_is_not_counted(client: FlaskClient) -> None:
    receipt = tell(client)
    for _ in range(12):
        assert client.post("/feedback/receipt", data={"receipt": receipt}).status_code == 200
    for _ in range(10):
        assert client.post("/feedback/receipt", data={"receipt": "ZZZZZZZZZZ"}).status_code == 422
    refused = client.post("/feedback/receipt", data={"receipt": receipt})
    assert refused.status_code == 429
    assert refused.headers["Retry-After"]


def test_a_school_behind_one_address_is_not_blocked_and_a_flood_waits(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(15):
        tell(app.test_client())
    monkeypatch.setattr("app.web.feedback.FREE_MESSAGES", 15)
    answer = client.post("/feedback", data=filled())
    assert answer.status_code == 429
    assert "排队太久" in answer.text
    assert len(rows(app)) == 15


def test_the_manager_reads_what_concerns_the_own_unit_only(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Enter
) -> None:
    tell(client, a=codes["own"], message="本镇的事")
    tell(client, a=codes["other"], message="别镇的事")
    tell(client, message="不知道哪里的事")
    for login, seen in (("fuze", ["本镇的事"]), ("shenhe", ["本镇的事", "别镇的事", "不知道哪里的事"])):
        desk = app.test_client()
        sign_in(desk, login)
        page = desk.get("/feedback/desk").text
        assert [m for m in ("本镇的事", "别镇的事", "不知道哪里的事") if m in page] == seen
    desk = app.test_client()
    sign_in(desk, "fuze")
    foreign = rows(app)[1].code
    for address in (f"/feedback/desk/{foreign}", "/feedback/desk/nosuchcode12"):
        answer = desk.get(address)
        assert answer.status_code == 404
        assert "没有找到这条投诉建议" in answer.text


@pytest.mark.parametrize("login", ["jingban", "lingdao", "shenji", "guanli", "fuhe"])
def test_nobody_else_sees_the_desk(client: FlaskClient, codes: dict[str, str], sign_in: Enter, login: str) -> None:
    sign_in(client, login)
    assert client.get("/feedback/desk").status_code == 403


def test_the_contact_opens_only_on_purpose_and_stands_in_the_log(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Enter
) -> None:
    tell(client)
    [row] = rows(app)
    office = app.test_client()
    sign_in(office, "shenhe")
    assert "138 0013 8000" not in office.get(f"/feedback/desk/{row.code}").text
    assert "138 0013 8000" in office.post(f"/feedback/desk/{row.code}/contact").text
    office.post(f"/feedback/desk/{row.code}/answer", data={"answer": "好的。"})
    with app.app_context():
        entries = db.session.scalars(
            select(AuditEntry).where(AuditEntry.object_type == "feedback").order_by(AuditEntry.seq)
        ).all()
        assert [e.action for e in entries] == ["feedback.received", "feedback.contact_read", "feedback.answered"]
        assert all("排队" not in e.body and "好的" not in e.body and "138 0013" not in e.body for e in entries)


def test_the_overdue_stand_first_and_in_the_months(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Enter
) -> None:
    tell(client, message="新来的事")
    tell(client, message="放久的事")
    with app.app_context(), transaction(db.session) as tx:
        old = tx.scalars(select(Feedback).where(Feedback.message == "放久的事")).one()
        old.created_at, old.due_on = now() - timedelta(days=40), (now() - timedelta(days=19)).date()
    sign_in(client, "shenhe")
    page = client.get("/feedback/desk").text
    assert page.index("放久的事") < page.index("新来的事")
    assert page.count("已超期") == 1
    assert "已超期" in client.get(f"/feedback/desk/{rows(app)[1].code}").text


def test_no_page_of_it_is_for_search_engines(client: FlaskClient) -> None:
    for address in ("/feedback", "/feedback/done", "/feedback/receipt"):
        answer = client.get(address)
        assert answer.headers["X-Robots-Tag"] == "noindex, nofollow"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "noindex" in answer.text
