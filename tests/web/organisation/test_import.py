"""The import pages: template, preview by row, corrections in place, all or nothing, links shown once."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from werkzeug.test import TestResponse

from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.database import transaction
from app.organisation.models import Unit, User
from app.web.drafts import TOKEN_MOST
from tests.cast import make_cast
from tests.rules.sheets.books import HOSTILE, PEOPLE_HEAD, UNIT_HEAD, book

GOOD = book(
    {
        "单位": [UNIT_HEAD, ("示例丙校", "学校", "示例丙镇"), ("示例丙镇", "镇", "")],
        "人员": [PEOPLE_HEAD, ("bingxiao", "示例<b>老师", "示例丙校", "经办人", "")],
    }
)
BAD = book({"单位": [UNIT_HEAD, ("示例丙校", "学堂", "示例丙镇"), ("示例丙镇", "镇", ""), ("示例甲镇", "镇", "")]})


@pytest.fixture
def desk(app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> FlaskClient:
    """The administrator's browser."""
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
    sign_in(client, "guanli")
    return client


def upload(browser: FlaskClient, data: bytes, name: str = "名单.xlsx") -> TestResponse:
    form = {"file": (io.BytesIO(data), name)}
    return browser.post("/organisation/import", data=form, content_type="multipart/form-data")


def draft(page: TestResponse) -> str:
    found = re.search(r'name="draft" value="([^"]+)"', page.text)
    assert found
    return found[1]


def send(browser: FlaskClient, page: TestResponse, verb: str = "confirm", **more: object) -> TestResponse:
    return browser.post("/organisation/import/rows", data={"draft": draft(page), "verb": verb} | more)


def counts(app: Flask) -> tuple[int, ...]:
    with app.app_context():
        return tuple(db.session.scalar(select(func.count()).select_from(t)) or 0 for t in (Unit, User, AuditEntry))


def test_from_the_template_to_a_person_who_signs_in(app: Flask, desk: FlaskClient) -> None:
    template = desk.get("/organisation/import/template.xlsx")
    assert template.data[:2] == b"PK"
    assert "只有表头" in upload(desk, template.data).text
    before = counts(app)
    page = upload(desk, GOOD)
    assert page.status_code == 200
    assert counts(app) == before  # the preview writes nothing
    done = send(desk, page)
    assert done.status_code == 200
    assert done.headers["Cache-Control"] == "no-store"
    assert counts(app) != before  # the count does notice
    assert "示例<b>" not in done.text
    link = re.search(r"(/invite/[A-Za-z0-9_-]{22})", done.text)
    assert link
    newcomer = app.test_client()
    assert newcomer.post(link[1], data={"password": "石榴花开2026年秋天"}).status_code == 303
    newcomer.post("/login", data={"login": "bingxiao", "password": "石榴花开2026年秋天"})
    assert newcomer.get("/workbench").status_code == 200


def test_confirming_twice_makes_nothing_twice(app: Flask, desk: FlaskClient) -> None:
    page = upload(desk, GOOD)
    send(desk, page)
    after = counts(app)
    again = send(desk, page)
    assert again.status_code == 409
    assert "没有新建任何内容" in again.text
    assert "/invite/" not in again.text
    assert counts(app) == after
    assert "都已经有了" in upload(desk, GOOD).text


def test_a_wrong_cell_is_named_beside_it_corrected_in_place_and_then_imported(app: Flask, desk: FlaskClient) -> None:
    page = upload(desk, BAD)
    assert "没有“学堂”这种类型" in page.text
    assert 'value="学堂"' in page.text
    before = counts(app)
    refused = send(desk, page)
    assert refused.status_code == 422
    assert "什么都没有导入" in refused.text
    assert counts(app) == before
    checked = send(desk, refused, "check", **{"c-0-kind": "学校"})
    assert checked.status_code == 200
    assert "没有“学堂”" not in checked.text
    assert send(desk, checked).status_code == 200
    with app.app_context():
        assert db.session.scalar(select(Unit.kind).where(Unit.name == "示例丙校")) == "school"


def test_typed_values_stay_when_they_are_wrong_again(desk: FlaskClient) -> None:
    again = send(desk, upload(desk, BAD), **{"c-0-kind": "学舍", "c-0-name": "改过的名"})
    assert again.status_code == 422
    assert 'value="学舍"' in again.text
    assert 'value="改过的名"' in again.text


@pytest.mark.parametrize("ticked", [{"aside": "0"}, {"aside_bad": "1"}])
def test_a_row_set_aside_is_left_out_and_the_rest_is_made(
    app: Flask, desk: FlaskClient, ticked: dict[str, str]
) -> None:
    done = send(desk, upload(desk, BAD), **ticked)
    assert done.status_code == 200
    assert "搁置1行" in done.text
    with app.app_context():
        names = set(db.session.scalars(select(Unit.name)))
    assert "示例丙镇" in names
    assert "示例丙校" not in names


def test_a_row_set_aside_comes_back_when_the_tick_is_taken_away(desk: FlaskClient) -> None:
    page = send(desk, upload(desk, BAD), "check", aside="0")
    assert page.status_code == 200
    assert "搁置的行" in page.text
    assert "没有“学堂”" in send(desk, page, "check").text


@pytest.mark.lengthens
@pytest.mark.parametrize("what", HOSTILE)
def test_each_hostile_file_ends_in_words_and_writes_nothing(app: Flask, desk: FlaskClient, what: str) -> None:
    name, make, _code = HOSTILE[what]
    before = counts(app)
    page = upload(desk, make(), name)
    assert page.status_code == 422
    assert 'aria-invalid="true"' in page.text
    assert re.search(r'id="file-e" role="alert">.*?。</p>', page.text, re.S)
    assert counts(app) == before


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "没有后缀", "a.xlsx\x00.csv"])
def test_a_strange_file_name_is_only_a_name(desk: FlaskClient, name: str) -> None:
    assert upload(desk, GOOD, name).status_code in (200, 422)


def test_no_file_and_another_form_are_refused(desk: FlaskClient) -> None:
    assert desk.post("/organisation/import").status_code == 422
    assert desk.post("/organisation/import", data={"file": "text"}).status_code == 422


def test_columns_that_are_not_taken_in_are_said_aloud_and_shown_nowhere(app: Flask, desk: FlaskClient) -> None:
    rows = [
        (*PEOPLE_HEAD, "民族", "身份证号", "爱好"),
        ("xin", "示例人", "示例甲镇", "经办人", "", "某族", "370123", "棋"),
    ]
    page = upload(desk, book({"人员": rows}))
    assert "不收的列已丢弃：民族、身份证号" in page.text
    assert "没有读的列：爱好" in page.text
    assert "某族" not in page.text
    assert "370123" not in page.text


@pytest.mark.parametrize("token", ["", "x", "eyJ4IjoxfQ.aaaa.bbbb"])
def test_a_preview_that_is_not_ours_is_refused(app: Flask, desk: FlaskClient, token: str) -> None:
    before = counts(app)
    answer = desk.post("/organisation/import/rows", data={"draft": token, "verb": "confirm"})
    assert answer.status_code == 422
    assert "请重新选文件" in answer.text
    assert counts(app) == before


def test_a_preview_altered_by_one_letter_or_of_another_person_is_refused(
    app: Flask, desk: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    token = draft(upload(desk, GOOD))
    altered = token[:40] + ("A" if token[40] != "A" else "B") + token[41:]
    assert desk.post("/organisation/import/rows", data={"draft": altered, "verb": "confirm"}).status_code == 422
    with app.app_context(), transaction(db.session) as tx:
        from app.kernel.actor import SYSTEM, Role
        from app.organisation.service import create_user
        from tests.factories import NOW

        district = tx.scalars(select(Unit).where(Unit.kind == "district")).one()
        create_user(tx, login="dier", name="示例第二", unit=district, roles=[(Role.ADMINISTRATOR, district)], actor=SYSTEM, now=NOW)  # fmt: skip
    other = app.test_client()
    sign_in(other, "dier")
    assert other.post("/organisation/import/rows", data={"draft": token, "verb": "confirm"}).status_code == 422
    assert desk.post("/organisation/import/rows", data={"draft": token, "verb": "confirm"}).status_code == 200


def test_absurd_field_names_change_nothing(desk: FlaskClient) -> None:
    odd: dict[str, object] = {
        "c-99999-name": "x",
        "c-٣-name": "x",
        "c-²-name": "x",
        "c--": "x",
        "c-0-secret": "x",
        "aside": ["99999999999", "²"],
        "c-0": "x",
    }
    assert send(desk, upload(desk, GOOD), "check", **odd).status_code == 200


@pytest.mark.lengthens
def test_5000_rows_fit_into_one_preview(desk: FlaskClient) -> None:
    people = [(f"person{n * 7919 % 99991}", f"示例人{n}", "示例甲镇", "经办人", "") for n in range(5_000)]
    page = upload(desk, book({"人员": [PEOPLE_HEAD, *people]}))
    assert page.status_code == 200
    assert len(draft(page)) < TOKEN_MOST
    assert send(desk, page, "check").status_code == 200


def test_nobody_but_the_administrator_opens_or_sends_these_pages(
    app: Flask, desk: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    for login in ("jingban", "fuze", "shenhe", "fuhe", "lingdao", "shenji"):
        browser = app.test_client()
        sign_in(browser, login)
        assert browser.get("/organisation/import").status_code == 403
        assert browser.get("/organisation/import/template.xlsx").status_code == 403
        assert upload(browser, GOOD).status_code == 403
        assert browser.post("/organisation/import/rows", data={}).status_code == 403
    assert upload(app.test_client(), GOOD).status_code == 302
