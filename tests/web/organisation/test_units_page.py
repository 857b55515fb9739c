"""Pages of units and of new accounts: bad input stays in the form with its reason, foreign roles stay out."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.database import transaction
from app.organisation.models import Unit, User
from tests.cast import make_cast


@pytest.fixture
def desk(app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> FlaskClient:
    """The administrator's browser."""
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
    sign_in(client, "guanli")
    return client


def code(app: Flask, name: str) -> str:
    with app.app_context():
        found = db.session.scalar(select(Unit.code).where(Unit.name == name))
    assert found
    return found


def test_a_unit_is_made_renamed_moved_retired_and_restored(app: Flask, desk: FlaskClient) -> None:
    form = {"name": "示例丙村", "kind": "community", "parent": code(app, "示例甲镇")}
    assert desk.post("/organisation/units", data=form).status_code == 303
    page = f"/organisation/units/{code(app, '示例丙村')}"
    assert "示例丙村" in desk.get("/organisation").text
    moved = {"name": "示例丁村", "kind": "community", "parent": code(app, "示例乙镇")}
    assert desk.post(f"{page}/change", data=moved).status_code == 303
    assert "示例丁村" in desk.get(f"/organisation/units/{code(app, '示例乙镇')}").text
    assert desk.post(f"{page}/retire").status_code == 303
    assert "这个单位已停用" in desk.get(page).text
    assert "已停用的单位" in desk.get("/organisation").text
    assert desk.post(f"{page}/retire").status_code == 409
    assert desk.post(f"{page}/restore").status_code == 303
    assert "这个单位已停用" not in desk.get(page).text


def test_the_log_tells_the_name_before_and_after_in_words(
    app: Flask, desk: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    form = {"name": "示例新镇", "kind": "town", "parent": code(app, "示例度假区")}
    assert desk.post(f"/organisation/units/{code(app, '示例甲镇')}/change", data=form).status_code == 303
    with app.app_context():
        seq = db.session.scalar(select(func.max(AuditEntry.seq)).where(AuditEntry.action == "unit.changed"))
    auditor = app.test_client()
    sign_in(auditor, "shenji")
    page = auditor.get(f"/audit?open={seq}").text
    assert "<dt>之前</dt><dd>示例甲镇</dd>" in page
    assert "<dt>之后</dt><dd>示例新镇</dd>" in page
    assert "commit" not in page


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"name": ""}, "没有填"),
        ({"name": "长" * 61}, "最多60个字"),
        ({"name": "示例甲镇"}, "已经有“示例甲镇”"),
        ({"name": "=1+1"}, "像公式"),
        ({"kind": "kingdom"}, "请选单位类型"),
        ({"kind": "district"}, "请选单位类型"),
        ({"parent": "absent"}, "请从列表里选上级"),
    ],
)
def test_a_wrong_unit_form_keeps_what_was_typed(
    app: Flask, desk: FlaskClient, change: dict[str, str], words: str
) -> None:
    form = {"name": "示例丙村", "kind": "community", "parent": code(app, "示例甲镇")} | change
    for where in ("/organisation/units", f"/organisation/units/{code(app, '示例乙镇')}/change"):
        answer = desk.post(where, data=form)
        assert answer.status_code == 422
        assert words in answer.text
        assert f'value="{form["name"]}"' in answer.text
        assert 'aria-invalid="true"' in answer.text
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(Unit)) == 7


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"login": ""}, "没有填"),
        ({"login": "张三"}, "只用字母"),
        ({"login": "JingBan"}, "已有人用"),
        ({"name": ""}, "没有填"),
        ({"name": "长" * 41}, "最多40个字"),
        ({"unit": "absent"}, "请从列表里选单位"),
        ({"role": "king"}, "请选角色"),
    ],
)
def test_a_wrong_account_form_keeps_what_was_typed(
    app: Flask, desk: FlaskClient, change: dict[str, str], words: str
) -> None:
    form = {"login": "xin", "name": "示例新人", "unit": code(app, "示例甲镇"), "role": "leader"} | change
    answer = desk.post("/organisation/users", data=form)
    assert answer.status_code == 422
    assert words in answer.text
    assert f'value="{form["name"]}"' in answer.text
    with app.app_context():
        assert db.session.scalar(select(func.count()).select_from(User)) == 9


def test_absent_units_and_verbs_are_404(app: Flask, desk: FlaskClient) -> None:
    assert desk.get("/organisation/units/absent").status_code == 404
    assert desk.post("/organisation/units/absent/retire").status_code == 404
    assert desk.post(f"/organisation/units/{code(app, '示例甲镇')}/sell").status_code == 404


def test_a_unit_in_use_says_why_it_cannot_retire(app: Flask, desk: FlaskClient) -> None:
    answer = desk.post(f"/organisation/units/{code(app, '区文明办')}/retire")
    assert answer.status_code == 422
    assert "审核顺序" in answer.text


def test_nobody_but_the_administrator_opens_or_changes_a_unit(
    app: Flask, desk: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    page = f"/organisation/units/{code(app, '示例甲镇')}"
    for login in ("jingban", "fuze", "shenhe", "fuhe", "lingdao", "shenji"):
        browser = app.test_client()
        sign_in(browser, login)
        assert browser.get(page).status_code == 403
        assert browser.post(f"{page}/change", data={"name": "别名"}).status_code == 403
        assert browser.post(f"{page}/retire").status_code == 403
