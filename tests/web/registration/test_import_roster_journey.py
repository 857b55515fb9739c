"""The organizer brings in a roster with twelve kinds of dirty rows on a phone, and axe finds nothing on the way."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select

from app.extensions import db
from app.kernel.database import transaction
from app.registration.entering import Entry, register
from app.registration.models import PersonalDetail, Registration
from tests.cast import make_cast
from tests.factories import PASSWORD, make_activity
from tests.rules.sheets.books import book
from tests.web.registration.rosters import DIRTY, PEOPLE_HEAD

pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]

GOOD = [("", f"示例好{number}", 1, 0, "第二场", "") for number in range(4)]
FILE = book({"个人": [(*PEOPLE_HEAD, "民族"), *((*row, "某族") for row, _words in DIRTY.values()), *GOOD]})
PLACE = {kind: index for index, kind in enumerate(DIRTY)}
CORRECTED = {
    ("nameless", "name"): "示例女士", ("long name", "name"): "示例先生", ("formula", "name"): "示例大姐",
    ("identity", "name"): "示例大哥", ("phone", "phone"): "13900000010", ("twice", "phone"): "13900000021",
    ("many", "children"): "1", ("no adult", "adults"): "1", ("no number", "adults"): "3", ("session", "session"): "第二场",
}  # fmt: skip


@pytest.fixture
def address(app: Flask, live_server: Any) -> str:
    """The roster's address; the first session has places enough, the second three."""
    moment = datetime.now(UTC)
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        activity = make_activity(
            tx, host=cast.town, sessions=2, capacity=40, attendance="choose_one", starts_at=moment + timedelta(days=1)
        )
        activity.sessions[1].capacity = 3
        entry = Entry(activity.sessions[0].code, "示例已报", 1, 0, "13900000009", True, "", "")
        register(tx, activity, entry, keys=app.extensions["keys"], now=moment)
        return f"{live_server.url}/activities/{activity.code}/registrations"


def sign_in(page: Page, address: str) -> None:
    page.goto(address.split("/activities", maxsplit=1)[0] + "/login")
    page.fill("[name=login]", "jingban")
    page.fill("[name=password]", PASSWORD)
    page.locator("form button").first.click()


def preview(page: Page, address: str, folder: Path) -> None:
    file = folder / "名单.xlsx"
    file.write_bytes(FILE)
    page.goto(address)
    page.get_by_role("link", name="导入名单").click()
    page.set_input_files("#file", file)
    page.get_by_role("button", name="看预览").click()
    page.wait_for_selector("#consent")


def test_twelve_kinds_of_dirty_rows_are_corrected_or_set_aside_on_a_phone(
    app: Flask, address: str, phone: Page, tmp_path: Path
) -> None:
    sign_in(phone, address)
    preview(phone, address, tmp_path)
    assert "不收的列已丢弃：民族" in phone.inner_text("main")
    assert "某族" not in phone.content()
    for kind, (_row, words) in DIRTY.items():
        if words:
            errors = phone.locator(f"[id^='c-{PLACE[kind]}-'].err")
            assert words in errors.first.inner_text(), kind
    for (kind, field), text in CORRECTED.items():
        phone.fill(f"#c-{PLACE[kind]}-{field}", text)
    for kind in ("registered", "unit"):
        phone.check(f"#a-{PLACE[kind]}")
    phone.get_by_role("button", name="重新检查").click()
    phone.wait_for_selector("text=搁置的行")
    assert "有问题的行 " not in phone.inner_text("main h2 >> nth=0")
    assert phone.inner_text("main").count("名额满了，会进候补") == 2
    phone.get_by_role("button", name="确认导入").click()
    phone.wait_for_selector("#consent-e")  # not without the words to the people
    phone.check("#consent")
    phone.get_by_role("button", name="确认导入").click()
    phone.wait_for_selector("h1:has-text('导入完成')")
    assert "登记15份报名" in phone.inner_text("main")
    assert "其中2份进候补" in phone.inner_text("main")
    with app.app_context():
        names = set(db.session.scalars(select(PersonalDetail.name)))
        waiting = db.session.scalars(select(Registration.queue).where(Registration.state == "waitlisted")).all()
    assert {"示例女士", "示例大哥", "示例好3"} <= names
    assert not {"示例二", "示例九"} & names
    assert sorted(filter(None, waiting)) == [1, 2]


def test_leaving_the_preview_registers_nobody(app: Flask, address: str, phone: Page, tmp_path: Path) -> None:
    sign_in(phone, address)
    preview(phone, address, tmp_path)
    phone.goto(address)
    with app.app_context():
        assert len(db.session.scalars(select(Registration.id)).all()) == 1


def test_axe_finds_nothing_on_the_import_its_preview_its_result_and_the_sheet(
    address: str, desk: Page, phone: Page, tmp_path: Path
) -> None:
    for page in (desk, phone):
        sign_in(page, address)
        page.goto(f"{address}/import")
        assert Axe().run(page).response["violations"] == []
        preview(page, address, tmp_path)
        assert Axe().run(page).response["violations"] == []
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    phone.check("#aside_bad")
    phone.check("#consent")
    phone.get_by_role("button", name="确认导入").click()
    phone.wait_for_selector("h1:has-text('导入完成')")
    assert Axe().run(phone).response["violations"] == []
    phone.goto(address)
    phone.get_by_role("button", name="打印带名单的").click()
    phone.wait_for_selector(".signs")
    assert Axe().run(phone).response["violations"] == []
    assert not phone.evaluate("document.documentElement.scrollWidth > window.innerWidth")
