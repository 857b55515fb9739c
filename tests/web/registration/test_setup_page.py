"""报名设置 in a browser without scripts: every small form keeps what was typed; the public form asks what was set."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity, Question
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from app.registration.models import PersonalDetail, Registration
from tests.cast import make_cast
from tests.factories import make_activity


@pytest.fixture
def codes(app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> dict[str, str]:
    """The organizer's browser, signed in, and his activity of next week."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        activity = make_activity(tx, host=cast.town, capacity=10, starts_at=now() + timedelta(days=7))
        found = {"activity": activity.code, "school": cast.school.code}
    sign_in(client, "jingban")
    return found


def send(client: FlaskClient, codes: dict[str, str], part: str, **form: str) -> str:
    """The page after the form; the status must be 303."""
    answer = client.post(f"/activities/{codes['activity']}/registration{part}", data=form)
    assert answer.status_code == 303, re.findall(r'class="err".*?</p>', answer.text)
    return client.get(f"/activities/{codes['activity']}/registration").text


def apply(client: FlaskClient, codes: dict[str, str], **more: object) -> tuple[int, str]:
    form = {"submission": random_secret(), "name": "李女士", "adults": "1", "children": "0", "phone": "", "consent": "y",
            "second_name": "", **more}  # fmt: skip
    answer = client.post(f"/a/{codes['activity']}/register", data=form)
    return answer.status_code, answer.headers.get("Location") or answer.text


def test_switches_are_kept(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    page = send(client, codes, "", takes_parties="y", needs_approval="y", offer_hours="２４")
    assert page.count(" checked") == 2
    assert 'value="24"' in page
    with app.app_context():
        activity = db.session.scalars(select(Activity)).one()
        assert (activity.takes_parties, activity.needs_approval, activity.leaves_school) == (True, True, False)
        assert activity.offer_hours == 24


@pytest.mark.parametrize(
    ("part", "form", "words"),
    [
        ("", {"offer_hours": "很久"}, "小时"),
        ("", {"offer_hours": "999"}, "小时"),
        ("/questions", {"sort": "one_of", "wording": "您的 ｍｉｎｚｕ", "options": "甲\n乙"}, "不能按民族登记"),
        ("/questions", {"sort": "one_of", "wording": "喝什么", "options": "茶"}, "2到12个选项"),
        ("/questions", {"sort": "essay", "wording": "=1+1"}, "请选题型"),
        ("/quotas", {"unit": "SCHOOL", "places": "0"}, "的整数"),
        ("/quotas", {"unit": "SCHOOL", "places": "许多"}, "的整数"),
        ("/holds", {"unit": "", "places": ""}, "的整数"),
        ("/holds", {"unit": "SCHOOL", "places": "11"}, "只剩10个名额"),
    ],
)
def test_bad_input_is_said_and_kept(
    client: FlaskClient, codes: dict[str, str], part: str, form: dict[str, str], words: str
) -> None:
    typed = {name: value.replace("SCHOOL", codes["school"]) for name, value in form.items()}
    answer = client.post(f"/activities/{codes['activity']}/registration{part}", data=typed)
    assert answer.status_code == 422
    assert words in answer.text
    for name, value in typed.items():
        if value and name != "sort":
            assert value.splitlines()[0] in answer.text


def test_an_unknown_unit_is_absent(client: FlaskClient, codes: dict[str, str]) -> None:
    answer = client.post(f"/activities/{codes['activity']}/registration/quotas", data={"unit": "zzz", "places": "3"})
    assert answer.status_code == 404


def test_the_public_form_asks_and_keeps_the_answers(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    send(client, codes, "/questions", sort="several_of", wording="想学什么", options="剪纸\n面塑\n\n剪纸", required="y")
    with app.app_context():
        question = db.session.scalars(select(Question)).one()
        name, code = f"q_{question.code}", question.code
        assert question.options == ["剪纸", "面塑"]
    phone = app.test_client()
    assert name in phone.get(f"/a/{codes['activity']}").text
    status, page = apply(phone, codes)
    assert status == 422
    assert "请回答“想学什么”" in page
    assert 'value="李女士"' in page
    status, page = apply(phone, codes, **{name: ["面塑", "木工"]})
    assert status == 422
    assert re.search(r'value="面塑" checked', page)
    status, ticket = apply(phone, codes, **{name: ["面塑"]})
    assert status == 303
    with app.app_context():
        assert db.session.scalars(select(PersonalDetail)).one().answers == {code: ["面塑"]}
    assert "面塑" in phone.get(f"{ticket}/data").text
    assert "面塑" in phone.get(f"{ticket}/data.json").get_data(as_text=True)
    assert "想学什么" in client.get(f"/activities/{codes['activity']}/registrations").text


def test_approval_from_form_to_ticket(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    send(client, codes, "", needs_approval="y")
    phone, other = app.test_client(), app.test_client()
    _, ticket = apply(phone, codes)
    _, second = apply(other, codes, name="张老师")
    assert "等主办单位确认" in phone.get(ticket).text
    assert "扫不了" not in phone.get(ticket).text
    roster = f"/activities/{codes['activity']}/registrations"
    page = client.get(f"{roster}?state=pending").text
    verbs = re.findall(rf'action="({roster}/\w+/approve)"', page)
    assert len(verbs) == 2
    assert client.post(verbs[0]).status_code == 303
    assert "扫不了" in phone.get(ticket).text
    decline = verbs[1].replace("/approve", "/decline")
    assert "告诉对方为什么" in client.get(decline).text
    assert client.post(decline, data={"reason": ""}).status_code == 422
    assert client.post(decline, data={"reason": "这次人满了，下次请早。"}).status_code == 303
    assert "下次请早" in other.get(second).text
    with app.app_context():
        assert sorted(db.session.scalars(select(Registration.state))) == ["cancelled", "confirmed"]


def test_an_offer_is_answered_on_the_ticket(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    send(client, codes, "", offer_hours="5")
    first, second = app.test_client(), app.test_client()
    _, ticket = apply(first, codes, adults="7")
    _, waiting = apply(second, codes, adults="5")
    assert "候补" in second.get(waiting).text
    first.post(f"{ticket}/cancel")
    assert "给您留到" in second.get(waiting).text
    assert second.post(f"{waiting}/answer").status_code == 303
    assert "扫不了" in second.get(waiting).text


def test_quotas_and_holds_come_and_go(client: FlaskClient, codes: dict[str, str]) -> None:
    assert "已报名0 / 4人" in send(client, codes, "/quotas", unit=codes["school"], places="4")
    assert "没有按单位限制" in send(client, codes, "/quotas", unit=codes["school"], places="")
    page = send(client, codes, "/holds", unit=codes["school"], places="6")
    assert "留着6个" in page
    release = re.search(r"/holds/\w+/release", page)
    assert release
    assert "没有预留" in send(client, codes, release[0])


def test_declining_shows_no_full_name(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    """Names are masked outside the opened list (trust.md, leaks of rosters)."""
    send(client, codes, "", needs_approval="y")
    apply(app.test_client(), codes, name="买买提·艾力")
    page = client.get(f"/activities/{codes['activity']}/registrations?state=pending").text
    decline = re.search(r"/activities/\w+/registrations/\w+/decline", page)
    assert decline
    assert "艾力" not in client.get(decline[0]).text


def test_after_cancelling_the_form_is_open_again(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    phone = app.test_client()
    _, ticket = apply(phone, codes)
    assert "您已报名" in phone.get(f"/a/{codes['activity']}").text
    phone.post(f"{ticket}/cancel")
    assert "您已报名" not in phone.get(f"/a/{codes['activity']}").text
