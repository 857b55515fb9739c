"""The administrator sets, changes and retires the office's own targets; everyone else reads them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.clock import business_day, now
from app.planning.models import Target

SignIn = Callable[[FlaskClient, str], None]
THIS = business_day(now()).year
OTHERS = ("jingban", "fuze", "shenhe", "fuhe", "shenji", "lingdao")


@pytest.fixture
def admin(district: Flask, client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    sign_in(client, "guanli")
    return client


def _form_address(browser: FlaskClient, number: int = 10, year: int = THIS) -> str:
    found = re.search(
        rf"/plan/tasks/{number}/indicators/[a-z0-9]{{12}}/target\?year={year}",
        browser.get(f"/plan/tasks/{number}?year={year}").text,
    )
    assert found
    return found[0]


def _good(**changes: str) -> dict[str, str]:
    return {"year": str(THIS), "value": "12", "due_on": f"{THIS}-12-20", "reason": "会上定的", **changes}


def _count(app: Flask) -> int:
    with app.app_context():
        return db.session.query(Target).filter_by(origin="office").count()


def _retire_address(browser: FlaskClient) -> str:
    found = re.search(r"/plan/targets/[a-z0-9]{12}/retire", browser.get("/plan/tasks/10").text)
    assert found
    return found[0]


def test_a_target_is_set_changed_and_retired_and_the_history_says_who_and_why(
    district: Flask, admin: FlaskClient, sign_in: SignIn
) -> None:
    address = _form_address(admin)
    assert admin.post(address, data=_good()).headers["Location"] == f"/plan/tasks/10?year={THIS}#targets"
    assert 'value="12"' in admin.get(address).text
    assert admin.post(address, data=_good(value="１,４", reason="加了两场")).status_code == 303
    retire = _retire_address(admin)
    assert "停用“活动”" in admin.get(retire).text
    assert admin.post(retire, data={"reason": "并到明年"}).status_code == 303
    reader = district.test_client()
    sign_in(reader, "lingdao")
    page = reader.get("/plan/tasks/10").text
    for words in (
        "本区目标的变动（2次）",
        "活动 12场",
        "活动 14场",
        "示例guanli设定：会上定的",
        "示例guanli停用：并到明年",
    ):
        assert words in page
    assert "示例guanli停用：加了两场" in page  # who set the next one retired the first
    assert admin.get(retire).status_code == 409
    assert admin.post(retire, data={"reason": "再停一次"}).status_code == 409


def test_the_documents_target_stands_apart_and_cannot_be_retired(district: Flask, admin: FlaskClient) -> None:
    assert admin.post(_form_address(admin, 3), data=_good(value="2")).status_code == 303
    page = admin.get("/plan/tasks/3").text
    assert "至少1处市级" in page
    assert f"本区目标（{THIS}年）" in page
    with district.app_context():
        printed = db.session.query(Target).filter_by(origin="document").first()
        assert printed is not None
        code = printed.code
    assert admin.get(f"/plan/targets/{code}/retire").status_code == 409
    answer = admin.post(f"/plan/targets/{code}/retire", data={"reason": "试试"})
    assert answer.status_code == 409
    assert "方案原文的目标不能停用" in answer.text


@pytest.mark.lengthens
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"value": ""}, "目标值请填"),
        ({"value": "十二"}, "目标值请填"),
        ({"value": "-3"}, "目标值请填"),
        ({"value": "1.5"}, "目标值请填"),
        ({"value": "9" * 30}, "目标值请填"),
        ({"due_on": "明天"}, "日期没看懂"),
        ({"due_on": f"{THIS + 1}-01-05"}, "期限要在"),
        ({"reason": ""}, "请写明原因"),
        ({"reason": "长" * 201}, "请写明原因"),
        ({"year": "1999", "due_on": ""}, "只能给2023年到"),
        ({"year": "", "due_on": ""}, "只能给2023年到"),
    ],
)
def test_bad_input_is_answered_beside_its_field_and_what_was_typed_stays(
    district: Flask, admin: FlaskClient, change: dict[str, str], words: str
) -> None:
    typed = _good(value="77", reason="打过的字") | change
    answer = admin.post(_form_address(admin), data=typed)
    assert answer.status_code == 422
    assert words in answer.text
    assert 'aria-invalid="true"' in answer.text or "year" in change
    for name in {"value", "reason"} - set(change):
        assert typed[name] in answer.text
    assert _count(district) == 0


def test_a_second_submit_of_the_same_form_changes_nothing(district: Flask, admin: FlaskClient) -> None:
    address = _form_address(admin)
    admin.post(address, data=_good())
    again = admin.post(address, data=_good())
    assert again.status_code == 422
    assert "没有改动" in again.text
    assert _count(district) == 1


def test_a_retirement_without_a_reason_is_asked_again(district: Flask, admin: FlaskClient) -> None:
    admin.post(_form_address(admin), data=_good())
    answer = admin.post(_retire_address(admin), data={"reason": " "})
    assert answer.status_code == 422
    assert "请写明原因" in answer.text
    assert "12 / " not in answer.text
    assert _retire_address(admin)  # still there


def test_a_target_of_another_year_is_set_for_that_year_alone(district: Flask, admin: FlaskClient) -> None:
    address = _form_address(admin, year=THIS - 1)
    assert admin.post(address, data=_good(year=str(THIS - 1), due_on="")).status_code == 303
    assert "/ 12场" in admin.get(f"/plan/tasks/10?year={THIS - 1}").text
    assert "/ 12场" not in admin.get("/plan/tasks/10").text


@pytest.mark.lengthens
@pytest.mark.parametrize("login", OTHERS)
def test_others_read_targets_and_find_no_button(
    district: Flask, admin: FlaskClient, sign_in: SignIn, login: str
) -> None:
    address = _form_address(admin)
    admin.post(address, data=_good())
    retire = _retire_address(admin)
    reader = district.test_client()
    sign_in(reader, login)
    page = reader.get("/plan/tasks/10").text
    assert "/ 12场" in page
    assert "/target" not in page
    assert "/retire" not in page
    for path, data in ((address, _good(value="1")), (retire, {"reason": "不要"})):
        assert reader.get(path).status_code == 403
        assert reader.post(path, data=data).status_code == 403
    assert "/ 12场" in admin.get("/plan/tasks/10").text


def test_absent_targets_and_indicators_are_404_in_words(district: Flask, admin: FlaskClient) -> None:
    ours = _form_address(admin)
    of_another_task = ours.replace("/tasks/10/", "/tasks/9/")
    for path in (of_another_task, "/plan/tasks/10/indicators/nosuchcode12/target", "/plan/targets/nosuchcode12/retire"):
        assert admin.get(path).status_code == 404
        assert admin.post(path, data=_good()).status_code == 404
        assert "没有" in admin.get(path).text
    stranger = district.test_client()
    assert stranger.get(ours).status_code == 302
