"""A long import says how far it is, stops when told so, and then leaves nothing half written."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page
from sqlalchemy import func, select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.database import transaction
from app.kernel.runs import Run
from app.registration.models import PersonalDetail, Registration
from tests.rules.sheets.books import book
from tests.web.registration.browser import hidden
from tests.web.registration.rosters import GOOD, PEOPLE_HEAD
from tests.web.registration.test_import_roster import code, desk, send, traces, upload
from tests.web.registration.test_import_roster_journey import address, sign_in

# The driver waits for the answer that is under way, so that the page itself has to look and to press. It presses at
# the n-th look in a row, as nobody presses before the browser has begun to send.
PRESS_WHEN = """([words, looks]) => { const watch = setInterval(() => {
  const panel = document.querySelector('[data-running]'), far = panel.querySelector('[data-far]').textContent;
  if (panel.getClientRects().length === 0 || !new RegExp(words).test(far) || --looks > 0) return;
  clearInterval(watch);
  sessionStorage.setItem('seen', far);
  panel.querySelector('[data-stop]').click();
}, 20); }"""
# make proof sends as many rows as one file may have. make test sends fewer, in smaller steps and with a rest at each, so
# that a quick machine too is still at it when the page looks.
FULL = os.environ.get("SHILIU_PROOF") == "full"
ROWS = 5_000 if FULL else 600
STEP, REST = 50, 0.15  # rows, seconds
SEEN = "sessionStorage.getItem('seen')"
__all__ = ["address", "code", "desk"]  # fixtures


def people(app: Flask) -> tuple[int, int]:
    """Registrations and persons."""
    with app.app_context():
        counts = [
            db.session.scalar(select(func.count()).select_from(table)) for table in (Registration, PersonalDetail)
        ]
        return counts[0] or 0, counts[1] or 0


def test_an_import_that_is_told_to_stop_leaves_nothing_and_may_be_sent_again(
    app: Flask, code: str, desk: FlaskClient
) -> None:
    page, before = upload(desk, code, book({"个人": GOOD})), people(app)
    run = f"/activities/{code}/registrations/import/runs/{hidden(page.text, 'run')}"
    assert desk.get(run).json == {}
    assert desk.post(run).status_code == 204
    stopped = send(desk, code, page)
    assert stopped.status_code == 409
    assert "已停下，什么都没有登记" in stopped.text
    assert people(app) == before
    assert "登记3份报名" in send(desk, code, stopped).text
    assert people(app) == (4, 4)


def test_a_run_is_stopped_half_way_and_says_how_far_it_was(
    app: Flask, code: str, desk: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.registration.bulk.CHUNK", 2)
    page, seen, tell = upload(desk, code, book({"个人": GOOD})), list[Any](), Run.tell
    before, trace = people(app), traces(app)

    def told(run: Run, done: int, total: int) -> None:
        if done == 2:
            run.ask_to_stop()
        tell(run, done, total)
        seen.append(run.read())

    monkeypatch.setattr(Run, "tell", told)
    assert send(desk, code, page).status_code == 409
    assert seen == [(0, 3)]
    assert people(app) == before
    assert traces(app) == trace
    monkeypatch.setattr(Run, "tell", tell)
    assert send(desk, code, page).status_code == 200  # the same page again: its run has ended, and so has the wish


def test_nobody_stops_anothers_import(
    app: Flask, code: str, desk: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    page, other = upload(desk, code, book({"个人": GOOD})), app.test_client()
    sign_in(other, "fuze")
    assert other.post(f"/activities/{code}/registrations/import/runs/{hidden(page.text, 'run')}").status_code == 204
    assert desk.post(f"/activities/{code}/registrations/import/runs/..%2fkeys").status_code == 404
    assert desk.post(f"/activities/{code}/registrations/import/runs/short").status_code == 404
    assert send(desk, code, page).status_code == 200


def rows_of(count: int) -> bytes:
    rows = [(f"13{n * 7919 % 999983:09d}", f"示例人{n}", 1, 0, "第一场", "") for n in range(count)]
    return book({"个人": [PEOPLE_HEAD, *rows]})


def open_preview(page: Page, address: str, folder: Path) -> None:
    file = folder / "名单.xlsx"
    file.write_bytes(rows_of(ROWS))
    page.goto(f"{address}/import")
    page.set_input_files("#file", file)
    page.get_by_role("button", name="看预览").click(no_wait_after=True)
    page.wait_for_selector("#consent")


@pytest.mark.published
@pytest.mark.sqlite_only
def test_a_long_import_is_seen_to_go_in_and_is_stopped_by_a_button(
    app: Flask, address: str, phone: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not FULL:
        tell = Run.tell

        def told(run: Run, done: int, total: int) -> None:
            tell(run, done, total)
            time.sleep(REST)

        monkeypatch.setattr("app.registration.bulk.CHUNK", STEP)
        monkeypatch.setattr(Run, "tell", told)
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity)).one().sessions[0].capacity = 6_000
    sign_in(phone, address)
    open_preview(phone, address, tmp_path)
    phone.check("#consent")
    phone.evaluate(PRESS_WHEN, [f"^已登记 [1-9]\\d* . {ROWS}", 1])
    phone.get_by_role("button", name="确认导入").click(no_wait_after=True)
    phone.wait_for_selector("text=已停下，什么都没有登记", timeout=60_000)
    assert people(app) == (1, 1)
    assert str(ROWS) in phone.evaluate(SEEN)
    phone.check("#consent")
    phone.get_by_role("button", name="确认导入").click(no_wait_after=True)
    phone.wait_for_selector("h1:has-text('导入完成')", timeout=60_000)
    assert people(app) == (ROWS + 1, ROWS + 1)
    assert not list((app.extensions["settings"].home / "runs").glob("*.far"))


@pytest.mark.published
@pytest.mark.sqlite_only
def test_a_preview_that_takes_long_is_stopped_and_the_form_is_usable_again(
    app: Flask, address: str, phone: Page, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sign_in(phone, address)
    file = tmp_path / "名单.xlsx"
    file.write_bytes(rows_of(3))
    phone.goto(f"{address}/import")
    phone.set_input_files("#file", file)
    gone, product = threading.Event(), app.wsgi_app

    def slow(environ: dict[str, Any], start: Any) -> Any:
        if environ["REQUEST_METHOD"] == "POST":
            gone.wait(30)  # an answer that does not come while the page waits
        return product(environ, start)

    monkeypatch.setattr(app, "wsgi_app", slow)
    phone.evaluate(PRESS_WHEN, ["正在处理", 25])
    phone.get_by_role("button", name="看预览").click(no_wait_after=True)
    phone.wait_for_function(SEEN)
    assert phone.is_hidden("[data-running]")
    gone.set()
    phone.get_by_role("button", name="看预览").click()
    phone.wait_for_selector("#consent")
