"""三、保障措施: notes with documents, who handed in an 实施方案, and what others must not see."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.clock import business_day, now
from app.progress.models import ProgressNote

SignIn = Callable[[FlaskClient, str], None]
TODAY = business_day(now()).isoformat()
NOTE = {
    "text": "已印发本镇实施方案。", "noted_on": TODAY, "stage": "issued", "title_1": "示例甲镇示范区创建实施方案",
    "number_1": "示例甲发〔2026〕7号", "dated_1": "2026-01-05", "title_3": "责任分工表",
}  # fmt: skip


@pytest.fixture
def town(district: Flask, client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    sign_in(client, "jingban")
    return client


def _as(app: Flask, sign_in: SignIn, login: str) -> FlaskClient:
    browser = app.test_client()
    sign_in(browser, login)
    return browser


def decide(office: FlaskClient, verb: str, reason: str = "") -> None:
    found = re.search(rf"/progress/notes/[a-z0-9]{{12}}/{verb}", office.get("/progress/review").text)
    assert found
    assert office.post(found[0], data={"reason": reason}).status_code == 303


def test_the_page_shows_every_safeguard_as_printed(town: FlaskClient) -> None:
    page = town.get("/plan/safeguards").text
    for words in ("加强组织领导", "强化工作保障", "营造浓厚氛围", "加强典型引路", "各镇（街道）要结合实际制定实施方案"):
        assert words in page
    assert "/plan/safeguards" in town.get("/plan").text


def test_a_plan_handed_in_is_listed_once_another_office_approved_it(
    district: Flask, town: FlaskClient, sign_in: SignIn
) -> None:
    assert town.post("/plan/safeguards/2/note", data=NOTE).status_code == 303
    reader, office = _as(district, sign_in, "lingdao"), _as(district, sign_in, "shenhe")
    assert "示例甲镇" not in reader.get("/plan/safeguards").text
    own = town.get("/plan/safeguards").text
    assert "审核中" in own
    assert "本月已填" in own
    assert "《示例甲镇示范区创建实施方案》（示例甲发〔2026〕7号，2026-01-05）" in office.get("/progress/review").text
    decide(office, "approve")
    page = reader.get("/plan/safeguards").text
    listed = re.search(r"已交实施方案的单位</h3>.*?</ul>", page, re.S)
    assert listed
    assert "示例甲镇" in listed[0]
    assert "示例乙镇" not in page  # nobody is named for what is missing
    assert "《责任分工表》" in page
    assert "本月已填" not in page
    assert "填报一条" not in page


def test_a_note_without_such_a_document_puts_nobody_on_the_list(
    district: Flask, town: FlaskClient, sign_in: SignIn
) -> None:
    town.post("/plan/safeguards/2/note", data={"text": "资金已列入预算。", "noted_on": TODAY})
    decide(_as(district, sign_in, "shenhe"), "approve")
    page = town.get("/plan/safeguards").text
    assert "资金已列入预算" in page
    assert "还没有。填报时在文件里写上标题" in page


def test_a_returned_note_shows_the_reviewers_sentence_to_its_unit_alone_and_is_handed_in_again(
    district: Flask, town: FlaskClient, sign_in: SignIn
) -> None:
    town.post("/plan/safeguards/2/note", data=NOTE)
    office, neighbour = _as(district, sign_in, "shenhe"), _as(district, sign_in, "yizhen")
    decide(office, "return", "请附文号")
    for page in ("/plan/safeguards", "/progress/mine"):
        assert "请附文号" in town.get(page).text
    assert "请附文号" not in neighbour.get("/plan/safeguards").text
    edit = re.search(r"/progress/notes/[a-z0-9]{12}/edit", town.get("/progress/mine").text)
    assert edit
    form = town.get(edit[0]).text
    assert "请附文号" in form
    assert 'value="示例甲发〔2026〕7号"' in form
    for stranger in (neighbour, office):
        status = 404 if stranger is neighbour else 403
        assert stranger.get(edit[0]).status_code == status
        assert stranger.post(edit[0], data=NOTE).status_code == status
    bad = town.post(edit[0], data={**NOTE, "text": "长" * 301})
    assert bad.status_code == 422
    assert town.post(edit[0], data={**NOTE, "text": "已印发，文号见下。"}).headers["Location"] == "/progress/mine"
    assert town.get(edit[0]).status_code == 409
    assert town.post(edit[0], data=NOTE).status_code == 409
    assert "上次退回：“请附文号”" in re.sub(r"</?\w[^>]*>", "", office.get("/progress/review").text)
    decide(office, "approve")
    assert "已印发，文号见下" in neighbour.get("/plan/safeguards").text
    with district.app_context():
        assert db.session.query(ProgressNote).count() == 1


@pytest.mark.lengthens
@pytest.mark.parametrize(
    ("change", "words", "field"),
    [
        ({"title_1": ""}, "标题也要填", "title_1"),
        ({"dated_1": "昨天"}, "日期没看懂", "dated_1"),
        ({"dated_1": "2999-01-01"}, "不能晚于今天", "dated_1"),
        ({"number_3": "长" * 41}, "文号最多", "number_3"),
        ({"noted_on": "2999-01-01"}, "不能晚于今天", "noted_on"),
        ({"text": ""}, "请写一句进展", "text"),
        ({"text": "联系13812345678"}, "手机号", "text"),
        ({"stage": "'; --"}, "请从列表里选", "stage"),
        ({"title_3": "𠮷" * 101}, "标题最多", "title_3"),
    ],
)
def test_bad_input_is_answered_beside_its_field_and_nothing_is_written(
    district: Flask, town: FlaskClient, change: dict[str, str], words: str, field: str
) -> None:
    answer = town.post("/plan/safeguards/2/note", data={**NOTE, **change})
    assert answer.status_code == 422
    assert re.search(rf'id="{field}-e">.*?{words}', answer.text, re.S)
    if field != "number_1":
        assert "示例甲发〔2026〕7号" in answer.text
    with district.app_context():
        assert db.session.query(ProgressNote).count() == 0


def test_a_second_note_in_the_same_month_is_allowed_and_not_asked_for(town: FlaskClient) -> None:
    assert "本月已填" not in town.get("/plan/tasks/12").text
    for _ in range(2):
        assert town.post("/plan/tasks/12/note", data=NOTE).status_code == 303
    page = town.get("/plan/tasks/12").text
    assert "本月已填" in page
    assert page.count("已印发本镇实施方案") == 2


@pytest.mark.parametrize(
    "path",
    [
        "/plan/safeguards/9/note",
        "/plan/tasks/99/note",
        "/plan/safeguards/99999999999999999999/note",
        "/plan/tasks/99999999999999999999/note",
        "/progress/notes/nosuchcode12/edit",
    ],
)
def test_what_is_absent_is_404(town: FlaskClient, path: str) -> None:
    assert town.get(path).status_code == 404
    assert town.post(path, data=NOTE).status_code == 404


@pytest.mark.lengthens
@pytest.mark.parametrize("login", ["shenhe", "shenji", "lingdao", "guanli"])
def test_only_units_write(district: Flask, town: FlaskClient, sign_in: SignIn, login: str) -> None:
    browser = _as(district, sign_in, login)
    for path in ("/plan/safeguards/2/note", "/progress/mine"):
        assert browser.get(path).status_code == 403
    assert browser.post("/plan/safeguards/2/note", data=NOTE).status_code == 403
    assert browser.get("/plan/safeguards").status_code == 200
    assert district.test_client().get("/plan/safeguards").status_code == 302


def test_the_manager_sees_and_corrects_what_the_unit_wrote(district: Flask, town: FlaskClient, sign_in: SignIn) -> None:
    town.post("/plan/safeguards/2/note", data=NOTE)
    decide(_as(district, sign_in, "shenhe"), "return", "请附文号")
    manager = _as(district, sign_in, "fuze")
    edit = re.search(r"/progress/notes/[a-z0-9]{12}/edit", manager.get("/progress/mine").text)
    assert edit
    assert manager.post(edit[0], data=NOTE).status_code == 303


def test_returning_without_a_reason_says_so_beside_the_note(
    district: Flask, town: FlaskClient, sign_in: SignIn
) -> None:
    town.post("/plan/safeguards/2/note", data=NOTE)
    office = _as(district, sign_in, "shenhe")
    found = re.search(r"/progress/notes/([a-z0-9]{12})/return", office.get("/progress/review").text)
    assert found
    answer = office.post(found[0], data={"reason": ""})
    assert answer.status_code == 422
    assert re.search(rf'id="r-{found[1]}-e">.*?退回要写明原因', answer.text, re.S)
