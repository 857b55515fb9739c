"""The registration form through the client: good and bad input, twice, two browsers, the line."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.attempts import Attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.models import PersonalDetail, Registration
from app.registration.settings import set_quota
from tests.factories import make_unit
from tests.web.registration.browser import GOOD, count, enter, hidden, make, press, registration_of, send


def test_from_the_form_to_the_ticket(app: Flask, client: FlaskClient) -> None:
    code = make(app, title="示例剪纸课堂")
    ticket = enter(client, code)
    page = client.get(ticket)
    assert page.status_code == 200
    for words in ("报名成功", "已报名", "示例剪纸课堂", "示例李女士", "3人", "2位大人", "1位孩子", "示例小学礼堂"):
        assert words in page.text
    assert re.search(r'class="code">[2-9A-Z]{4} [2-9A-Z]{4}<', page.text)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"name": ""}, "请留一个称呼"),
        ({"name": "字" * 21}, "称呼最多20个字"),
        ({"name": "字" * 5000}, "写得太长了"),
        ({"adults": "0"}, "至少有1位大人"),
        ({"adults": "两"}, "请填整数"),
        ({"adults": "-1"}, "请填整数"),
        ({"adults": "1.5"}, "请填整数"),
        ({"adults": "9" * 400}, "请填整数"),
        ({"adults": ""}, "请填整数"),
        ({"adults": "7", "children": "1"}, "一次最多报7人"),
        ({"phone": "1380013"}, "手机号不对"),
        ({"phone": "13800138000'; DROP TABLE registration;--"}, "手机号不对"),
        ({"consent": None}, "请勾选同意"),
        ({"second_name": "http://example.com"}, "像是程序填的"),
    ],
)
def test_bad_input_is_refused_in_words_and_keeps_what_was_typed(
    app: Flask, client: FlaskClient, changes: dict[str, Any], words: str
) -> None:
    response = send(client, make(app), **changes)
    assert response.status_code == 422
    assert words in response.text
    assert "已填的内容都在" in response.text
    if "name" not in changes:
        assert "示例李女士" in response.text
    assert count(app, Registration) == count(app, PersonalDetail) == 0


def test_absent_fields_and_foreign_sessions_are_refused(app: Flask, client: FlaskClient) -> None:
    code = make(app, sessions=2, attendance="choose_one")
    other = make(app)
    with app.app_context():
        foreign = db.session.scalars(select(Activity).where(Activity.code == other)).one().sessions[0].code
    token = hidden(client.get(f"/a/{code}/register").text, "csrf_token")
    assert client.post(f"/a/{code}/register", data={"csrf_token": token}).status_code == 422
    for wrong in (None, "", foreign, "示" * 100):
        response = send(client, code, session=wrong)
        assert response.status_code == 422
        assert "请选一场" in response.text
    assert count(app, Registration) == 0


@pytest.mark.parametrize("code", ["aaaaaaaaaaaa", "x", "%00", "名字", "a" * 500])
def test_an_unknown_activity_is_not_found(app: Flask, client: FlaskClient, code: str) -> None:
    response = client.get(f"/a/{code}/register")
    assert response.status_code == 404
    assert "没有找到" in response.text


def test_without_the_forms_token_nothing_is_written(app: Flask, client: FlaskClient) -> None:
    app.config["WTF_CSRF_ENABLED"] = True
    code = make(app)
    response = client.post(f"/a/{code}/register", data=GOOD)
    assert response.status_code == 400
    assert "刷新页面" in response.text
    assert count(app, Registration) == 0


def test_hostile_names_are_shown_as_text(app: Flask, client: FlaskClient) -> None:
    page = client.get(enter(client, make(app), name="<script>1</script>")).text
    assert "<script>1" not in page
    assert "&lt;script&gt;1&lt;/script&gt;" in page


@pytest.mark.parametrize("name", ["买买提·艾力", "བསོད་ནམས", "ئابدۇراخمان", "ᠪᠠᠶᠠᠷ", "𠮷野老师", "=SUM(1)"])
def test_names_of_every_script_come_back(app: Flask, client: FlaskClient, name: str) -> None:
    assert name in client.get(enter(client, make(app), name=name)).text


def test_full_width_digits_are_understood(app: Flask, client: FlaskClient) -> None:
    ticket = enter(client, make(app), adults="２", children="０", phone="＋８６ １３８ ００１３ ８０００")
    assert "13800138000" in client.get(ticket + "/data").text
    assert registration_of(app, ticket).headcount == 2


def test_sending_the_same_form_again_opens_the_same_ticket(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    form = client.get(f"/a/{code}/register").text
    first, again = send(client, code, form=form), send(client, code, form=form)
    assert first.location == again.location
    assert "没有重复报名" in client.get(again.location).text
    assert count(app, Registration) == 1


def test_the_form_of_one_browser_opens_nothing_in_another(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    form = client.get(f"/a/{code}/register").text
    mine = send(client, code, form=form)
    stranger = app.test_client()
    own = hidden(stranger.get(f"/a/{code}/register").text, "csrf_token")
    theirs = send(stranger, code, form=form, csrf_token=own)
    assert theirs.status_code == 303
    assert theirs.location != mine.location


def test_the_same_phone_from_the_same_browser_opens_the_first_ticket(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    first = enter(client, code, phone="13800138000")
    assert enter(client, code, phone="138 0013 8000", name="示例别名") == first


def test_the_same_phone_from_another_browser_gets_neither_ticket_nor_change(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    ticket = enter(client, code, phone="13800138000")
    stranger = app.test_client()
    response = send(stranger, code, phone="13800138000", name="示例外人")
    assert response.status_code == 409
    assert "此手机号已报名" in response.text
    assert ticket not in response.text
    assert "示例李女士" not in response.text
    assert count(app, Registration) == count(app, Attempt) == 1


def test_trying_phones_has_to_wait_longer_and_longer(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    enter(client, code, phone="13800138000")
    stranger = app.test_client()
    answers = [send(stranger, code, phone="13800138000").status_code for _ in range(12)]
    assert answers[:10] == [409] * 10
    assert answers[-1] == 429
    assert send(stranger, code, phone="").status_code == 303  # without a phone nobody waits


def test_the_activity_page_of_a_known_browser_leads_to_the_ticket(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    ticket = enter(client, code)
    page = client.get(f"/a/{code}/register").text
    assert "您已报名" in page
    assert ticket in page
    assert "您已报名" not in app.test_client().get(f"/a/{code}/register").text
    client.set_cookie("mine", "W10.forged")
    assert "您已报名" not in client.get(f"/a/{code}/register").text


def test_who_comes_when_it_is_full_is_told_the_place_in_line(app: Flask, client: FlaskClient) -> None:
    code = make(app, capacity=3)
    first = enter(client, code)
    second = enter(client, code, adults="1", children="0")
    assert "登记候补" in client.get(f"/a/{code}/register").text
    page = client.get(second).text
    assert "候补中" in page
    assert "您排在最前面" in page
    assert "ticket-qr" not in page
    assert "前面还有1人" in client.get(enter(client, code)).text
    assert press(client, first + "/cancel").status_code == 303
    page = client.get(second).text
    assert "候补成功" in page
    assert "ticket-qr" in page


def test_the_form_asks_for_the_unit_where_units_have_quotas(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    assert 'name="unit"' not in client.get(f"/a/{code}").text
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity).where(Activity.code == code)).one()
        town = make_unit(tx, name="示例丁镇")
        set_quota(tx, activity, town, 2, actor=SYSTEM, now=now())
        unit = town.code
    page = client.get(f"/a/{code}").text
    assert "从哪个单位来" in page
    assert ">示例丁镇</option>" in page
    refused = send(client, code, unit="")
    assert refused.status_code == 422
    assert "请选从哪个单位来" in refused.text
    assert "示例李女士" in refused.text
    answer = send(client, code, unit=unit)  # three people: more than the unit has
    assert answer.status_code == 303
    assert "候补" in client.get(answer.location).text
    assert "示例丁镇" in client.get(answer.location + "/data").text


def test_after_cancelling_the_activity_page_offers_the_form_and_no_ticket(app: Flask, client: FlaskClient) -> None:
    code = make(app)
    ticket = enter(client, code)
    assert "您已报名" in client.get(f"/a/{code}").text
    press(client, f"{ticket}/cancel")
    page = client.get(f"/a/{code}").text
    assert "您已报名" not in page
    assert ticket not in page
    assert 'id="name"' in page


def test_what_waits_for_the_organizers_nod_is_not_called_a_success(app: Flask, client: FlaskClient) -> None:
    page = client.get(enter(client, make(app, needs_approval=True))).text
    assert "已提交，等主办单位确认" in page
    assert "报名成功" not in page
