"""The end of a shift with a full queue: a way out that works, said in words by the helper, in parts that the console takes."""

from __future__ import annotations

import io
import json
import re
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Page, Route, expect

from app.kernel.clock import SHANGHAI
from tests.web.checkin.browser import totals
from tests.web.journey.test_pages import faults_of
from tests.web.scan.gate import fill, key_in
from tests.web.scan.test_console_sees import EVENTS, Shift, shift

__all__ = ["shift"]  # the fixture
pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # about the phone, not about the database
HELD = "indexedDB.databases().then(all => all.length)"
NO_CLIPBOARD = "navigator.clipboard.writeText = () => Promise.reject(new DOMException('', 'NotAllowedError'))"


def end_with(shift: Shift, count: int) -> Page:
    """The sheet of the end, with so many events that cannot be sent."""
    shift.phone.route(EVENTS, lambda route: route.abort())
    fill(shift.page, count)
    shift.page.click("#end-open")
    expect(shift.page.locator("#end-count")).to_have_text(str(count))
    return shift.page


def fields(page: str, *names: str) -> dict[str, str]:
    """Hidden fields of a page's form."""
    found = {name: re.search(f'name="{name}" value="([^"]+)"', page) for name in names}
    return {name: value[1] for name, value in found.items() if value}


@pytest.mark.parametrize("answer", ["false", "true"])
def test_a_copy_that_failed_says_so_and_keeps_everything(shift: Shift, answer: str) -> None:
    """Also where the browser says yes and copies nothing, as WeChat's may."""
    page = end_with(shift, 2)
    page.evaluate(f"() => {{ {NO_CLIPBOARD}; document.execCommand = () => {answer}; }}")
    page.click("#end-copy")
    expect(page.locator("#end-problem")).to_contain_text("没有复制成功")
    expect(page.locator("#end-go")).to_be_disabled()
    expect(page.locator("#end-sure-field")).to_be_hidden()
    assert page.evaluate(HELD) == 1
    # The words say what else works: a thumb's own copy of the whole text.
    page.evaluate("() => { const box = document.getElementById('end-text'); box.focus(); box.select(); }")
    page.keyboard.press("Control+c")
    expect(page.locator("#end-sure-field")).to_be_visible()
    expect(page.locator("#end-problem")).to_be_hidden()


def test_a_copy_that_worked_still_asks_whether_it_was_sent(shift: Shift) -> None:
    page = end_with(shift, 2)
    page.evaluate(f"() => {{ {NO_CLIPBOARD}; }}")  # the old way, that WeChat has
    page.click("#end-copy")
    expect(page.locator("#end-parts")).to_have_text("已复制，请贴到微信里，发给主办单位。")
    expect(page.locator("#end-go")).to_be_disabled()
    assert faults_of(page) == []
    page.click("label[for=end-sure]")
    page.click("#end-go")
    expect(page.locator("#ended")).to_be_visible()
    assert page.evaluate(HELD) == 0


def test_without_network_it_is_said_before_the_work_that_the_phone_is_cleared_later(shift: Shift) -> None:
    shift.phone.set_offline(True)
    page = end_with(shift, 2)
    words, way = (
        page.locator("#end-full p", has_text="要等有网了再按“结束当班”").bounding_box(),
        page.locator("#end-save").bounding_box(),
    )
    assert words and way and words["y"] < way["y"]
    page.click("#end-save")
    page.click("label[for=end-sure]")
    page.click("#end-go")
    expect(page.locator("#end-problem")).to_contain_text("没有网，配对还不能解除")
    assert page.evaluate(HELD) == 1
    shift.phone.unroute(EVENTS)
    shift.phone.set_offline(False)
    expect(page.locator("#end-clean")).to_be_visible()  # it was sent, and the words are gone
    expect(page.locator("#end-full")).to_be_hidden()
    page.click("#end-go")
    expect(page.locator("#ended")).to_be_visible()


def test_in_wechat_a_file_is_not_offered(shift: Shift) -> None:
    shift.page.add_init_script("Object.defineProperty(navigator, 'userAgent', {value: 'x MicroMessenger/8.0'})")
    shift.page.reload()
    expect(shift.page.locator("#roster-line")).to_contain_text("名单")
    page = end_with(shift, 1)
    expect(page.locator("#end-save")).to_be_hidden()
    expect(page.locator("#end-copy")).to_have_text("复制文字")


def test_where_the_phone_can_share_a_closed_sheet_is_no_handing_over(shift: Shift) -> None:
    shift.page.evaluate(
        "() => { navigator.canShare = () => true; navigator.share = (what) => { window.shared = what;"
        " return window.closes ? Promise.reject(new DOMException('', 'AbortError')) : Promise.resolve(); }; window.closes = true; }"
    )
    page = end_with(shift, 1)
    page.click("#end-share")
    expect(page.locator("#end-problem")).to_contain_text("没有发出去")
    expect(page.locator("#end-sure-field")).to_be_hidden()
    page.evaluate("window.closes = false")
    page.click("#end-share")
    expect(page.locator("#end-sure-field")).to_be_visible()
    assert re.fullmatch(r"scan-\w+-\d+\.txt", page.evaluate("window.shared.files[0].name"))


def test_the_files_name_carries_the_clock_of_the_place(shift: Shift) -> None:
    """UTC, which it carried, is eight hours away."""
    page = end_with(shift, 1)
    with page.expect_download() as saved:
        page.click("#end-save")
    named = re.fullmatch(r"scan-\w+-(\d{12})\.json", saved.value.suggested_filename)
    assert named
    written = datetime.strptime(named[1], "%Y%m%d%H%M").replace(tzinfo=SHANGHAI)
    assert abs(datetime.now(SHANGHAI) - written) < timedelta(minutes=10)


def test_more_than_the_console_takes_at_once_is_handed_over_in_parts(shift: Shift) -> None:
    """1 001 events from the phone's button to the console's figures, each file sealed by itself."""
    page = end_with(shift, 1001)
    texts: list[str] = []
    for _ in range(3):
        expect(page.locator("#end-sure-field")).to_be_hidden()
        with page.expect_download() as saved:
            page.click("#end-save")
        texts.append(Path(saved.value.path()).read_text("utf-8"))
        assert saved.value.suggested_filename.endswith(f"-{len(texts)}.json")
    expect(page.locator("#end-sure-field")).to_be_visible()
    assert sorted(len(json.loads(json.loads(text)["body"])["events"]) for text in texts) == [1, 500, 500]
    console = f"/activities/{shift.activity}/console/handover"
    for text in reversed(texts):
        page_text = shift.desk.post(
            console,
            data={
                "file": (io.BytesIO(text.encode()), "scan-1.json"),
                **fields(shift.desk.get(console).text, "csrf_token"),
            },
        ).text
        assert "手机存下以后没有人改过" in page_text
        taken = shift.desk.post(
            f"{console}/confirm", data=fields(page_text, "csrf_token", "draft"), content_type="multipart/form-data"
        )
        assert taken.status_code == 303
    assert totals(shift.app, shift.page.input_value("#session")).total == 1001


def test_a_text_fits_into_one_message(shift: Shift) -> None:
    page = end_with(shift, 60)
    page.evaluate(
        "() => { window.copies = []; navigator.clipboard.writeText = (t) => { window.copies.push(t); return Promise.resolve(); }; }"
    )
    for _ in range(9):
        if page.locator("#end-sure-field").is_visible():
            break
        page.click("#end-copy")
        page.wait_for_timeout(100)
    copies = page.evaluate("window.copies")
    assert max(len(text.encode()) for text in copies) < 15_000 and 2 <= len(copies) <= 4
    uids = [event["uid"] for text in copies for event in json.loads(json.loads(text)["body"])["events"]]
    assert len(uids) == len(set(uids)) == 60


def test_an_answer_that_comes_late_leaves_the_sheet_and_its_number_falls(shift: Shift) -> None:
    page = end_with(shift, 3)
    shift.phone.unroute(EVENTS)
    page.evaluate("window.dispatchEvent(new Event('online'))")
    expect(page.locator("#end-clean")).to_be_visible()
    expect(page.locator("#end-full")).to_be_hidden()
    expect(page.locator("#end-go")).to_be_enabled()
    page.wait_for_timeout(300)
    expect(page.locator("#end")).to_be_visible()
    expect(page.locator("#verdict")).to_be_hidden()


def test_a_red_that_comes_during_the_sheet_is_shown_after_it(shift: Shift) -> None:
    slow: list[Route] = []

    def keep(route: Route) -> None:
        slow.append(route)

    shift.phone.route(EVENTS, keep)
    key_in(shift.page, f"{shift.url}/t/{'b' * 22}")
    expect(shift.page.locator("#verdict.v-warn")).to_be_visible()
    shift.page.click("#v-next")
    shift.page.click("#end-open")
    expect(shift.page.locator("#end-count")).to_have_text("1")
    slow[0].continue_()
    expect(shift.page.locator("#end-clean")).to_be_visible()
    expect(shift.page.locator("#end")).to_be_visible()
    expect(shift.page.locator("#verdict")).to_be_hidden()
    shift.page.click("#end-back")
    expect(shift.page.locator("#verdict.v-bad")).to_be_visible()
