"""The administrator imports a dirty file in Chromium at phone size, scripts off, and axe finds nothing on the way."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page
from sqlalchemy import select

from app.extensions import db
from app.kernel.database import transaction
from app.organisation.models import Unit
from tests.cast import make_cast
from tests.factories import PASSWORD
from tests.rules.sheets.books import PEOPLE_HEAD, UNIT_HEAD, book

pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]

DIRTY = book(
    {
        "单位": [UNIT_HEAD, ("示例丙校", "学堂", "示例丙镇"), ("示例丙镇", "镇", ""), ("示例甲镇", "镇", "")],
        "人员": [(*PEOPLE_HEAD, "民族"), ("bingxiao", "示例老师", "示例丙校", "经办人", "", "某族"), ("坏 名", "", "哪里", "王", "", "")],
    }
)  # fmt: skip


def _sign_in(page: Page, url: str) -> None:
    page.goto(f"{url}/login")
    page.fill("[name=login]", "guanli")
    page.fill("[name=password]", PASSWORD)
    page.locator("form button").first.click()


def _preview(page: Page, url: str, folder: Path) -> None:
    file = folder / "名单.xlsx"
    file.write_bytes(DIRTY)
    page.goto(f"{url}/organisation/import")
    page.set_input_files("#file", file)
    page.get_by_role("button", name="看预览").click()


@pytest.fixture
def url(app: Flask, live_server: Any) -> str:
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
    return str(live_server.url)


def test_a_dirty_file_is_corrected_in_place_and_imported_without_scripts(
    app: Flask, url: str, phone_without_scripts: Page, tmp_path: Path
) -> None:
    page = phone_without_scripts
    _sign_in(page, url)
    _preview(page, url, tmp_path)
    text = page.inner_text("main")
    assert "不收的列已丢弃：民族" in text
    assert "没有“学堂”这种类型" in text
    page.fill("#c-0-kind", "学校")
    page.check("#a-4")
    page.get_by_role("button", name="重新检查").click()
    assert "有问题的行" not in page.inner_text("main")
    page.get_by_role("button", name="确认导入").click()
    assert "新建单位2个" in page.inner_text("main")
    assert f"{url}/invite/" in page.locator("textarea").input_value()
    with app.app_context():
        assert db.session.scalar(select(Unit.kind).where(Unit.name == "示例丙校")) == "school"


def test_axe_finds_nothing_on_the_preview_and_on_the_result(url: str, desk: Page, phone: Page, tmp_path: Path) -> None:
    for page in (desk, phone):
        _sign_in(page, url)
        _preview(page, url, tmp_path)
        assert Axe().run(page).response["violations"] == []
        assert not page.evaluate("document.documentElement.scrollWidth > window.innerWidth")
    phone.check("#aside_bad")
    phone.get_by_role("button", name="确认导入").click()
    assert Axe().run(phone).response["violations"] == []
