"""A complaint from a phone without scripts to the office's answer; axe on the new pages at both widths."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page

from app.activities.models import ActivityState
from app.evidence.models import EvidenceItem, Takedown
from app.evidence.storage import LocalStorage
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.models import MailNotice, Registration
from tests.cast import make_cast
from tests.factories import PASSWORD, make_activity
from tests.web.matrix.scene import picture

pytestmark = pytest.mark.published


@pytest.fixture
def codes(app: Flask) -> dict[str, str]:
    """An activity to come that sends mail, and an approved one with photos, one of them asked down."""
    photo = picture()
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        storage = LocalStorage(app.extensions["settings"].storage_root)
        storage.put(photo.stored_sha256, photo.main)
        storage.put(photo.thumb_sha256, photo.thumb)
        coming = make_activity(tx, host=cast.town, sends_mail=True, starts_at=now() + timedelta(days=2))
        over = make_activity(
            tx, host=cast.town, state=ActivityState.CLOSED, review_state="approved", photos_may_publish=True,
            starts_at=now() - timedelta(days=5),
        )  # fmt: skip
        items = [
            EvidenceItem(
                activity_id=over.id, slot="photos", kind="photo", stored_sha256=photo.stored_sha256,
                thumb_sha256=photo.thumb_sha256, uploaded_at=now(), hidden_at=now() if hidden else None,
            )
            for hidden in (False, False, True)
        ]  # fmt: skip
        tx.add_all(items)
        tx.flush()
        tx.add(Takedown(item_id=items[2].id, asked_at=now()))
        made = Registration(activity_id=coming.id, kind="individual", state="confirmed", adults=1, created_at=now())
        tx.add(made)
        tx.flush()
        for problem, sent in (("", now()), ("refused", None), ("unreachable", None)):
            tx.add(MailNotice(
                registration_id=made.id, kind="confirmed", created_at=now(), sent_at=sent, problem=problem, tries=6
            ))  # fmt: skip
        return {"coming": coming.code, "over": over.code}


def enter(page: Page, url: str, login: str) -> None:
    page.goto(f"{url}/login")
    page.fill("[name=login]", login)
    page.fill("[name=password]", PASSWORD)
    page.press("[name=password]", "Enter")
    page.wait_for_url(lambda address: not address.endswith("/login"))


def violations(page: Page) -> list[str]:
    found = Axe().run(page)
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found.response["violations"]]


def complain(page: Page, url: str, codes: dict[str, str]) -> str:
    """From the foot of the activity's page; the receipt."""
    page.goto(f"{url}/a/{codes['coming']}")
    page.get_by_role("link", name="投诉建议").click()
    assert "剪纸进课堂" in page.inner_text("form")
    page.get_by_label("投诉", exact=True).check()
    page.fill("[name=message]", "签到排队太久，等了半个小时。")
    page.fill("[name=contact]", "138 0013 8000")
    page.get_by_role("button", name="提交").click()
    return page.inner_text(".code")


@pytest.mark.lengthens  # test_feedback_pages.py sends and answers on both databases
def test_a_complaint_is_answered(
    live_server: Any, codes: dict[str, str], phone_without_scripts: Page, desk: Page
) -> None:
    page, url = phone_without_scripts, live_server.url
    receipt = complain(page, url, codes)
    enter(desk, url, "shenhe")
    desk.goto(f"{url}/feedback/desk")
    desk.get_by_role("link", name="签到排队太久").click()
    desk.fill("[name=answer]", "谢谢提醒，下次加两个签到台。")
    desk.get_by_role("button", name="回复").click()
    desk.wait_for_url("**/feedback/desk")
    page.get_by_role("link", name="凭回执号看回复").click()
    page.fill("[name=receipt]", receipt.lower())
    page.get_by_role("button", name="看回复").click()
    assert "下次加两个签到台" in page.inner_text("main")


@pytest.mark.sqlite_only
def test_axe_finds_nothing_at_either_width(live_server: Any, codes: dict[str, str], desk: Page, phone: Page) -> None:
    url, faults = live_server.url, {}
    complain(phone, url, codes)
    staff = [
        "/feedback/desk", "/feedback/desk?show=answered", f"/activities/{codes['over']}/evidence",
        f"/activities/{codes['coming']}/mail",
    ]  # fmt: skip
    for page in (desk, phone):
        page.goto(f"{url}/feedback")
        page.get_by_role("button", name="提交").click()
        places = [("as it was refused", violations(page))]
        for path in (f"/feedback?a={codes['coming']}", "/feedback/done", "/feedback/receipt", f"/a/{codes['over']}"):
            page.goto(url + path)
            places.append((path, violations(page)))
        enter(page, url, "fuze")
        for path in staff:
            page.goto(url + path)
            places.append((path, violations(page)))
        page.goto(f"{url}/feedback/desk")
        page.locator("ul.rows a").first.click()
        places.append(("one", violations(page)))
        assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
        faults |= {path: found for path, found in places if found}
    assert faults == {}
