"""The venue screen when something is wrong: it never says that the network is well without a code that holds."""

from __future__ import annotations

import json
import re
from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser, expect
from sqlalchemy import update

from app.activities.models import Activity, ActivitySession
from app.extensions import db
from app.kernel import clock
from app.kernel.clock import now
from app.kernel.database import transaction
from tests.conftest import Live
from tests.web.checkin.browser import make
from tests.web.screen.test_screen_in_browser import read
from tests.web.screen.tv import television

pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]

LOGIN = "<!doctype html><title>登录无线网</title><form>手机号</form>"
JSON = "application/json"
FAULTS: dict[str, dict[str, object]] = {
    "no answer at all": {},
    "the line is down": {"abort": True},
    "the login page of a Wi-Fi": {"status": 200, "content_type": "text/html", "body": LOGIN},
    "the same as not found": {"status": 404, "content_type": "text/html", "body": LOGIN},
    "a redirect to it": {"status": 302, "headers": {"location": "https://wifi.invalid/login"}},
    "a server error": {"status": 500, "content_type": "text/html", "body": "<h1>500</h1>"},
    "another's JSON": {"status": 200, "content_type": JSON, "body": '{"code":0,"page":"login"}'},
    "another's 404": {"status": 404, "content_type": JSON, "body": '{"error":"not found"}'},
    "a bare null": {"status": 200, "content_type": JSON, "body": "null"},
    "steps of another shape": {
        "status": 200, "content_type": JSON,
        "body": json.dumps({"now": 1, "seconds": 20, "page": 1, "count": 9, "steps": [{"step": 1, "rows": 5}]}),
    },
}  # fmt: skip


def test_whatever_a_stranger_answers_the_code_goes_on_and_is_then_taken_away(
    app: Flask, live_server: Live, browser: Browser
) -> None:
    _, session = make(app)
    with television(app, live_server, browser, session) as tv:
        for name, fault in FAULTS.items():
            tv.answer(**fault)
            tv.after(10)
            tv.poll()
            tv.sees("net-weak")
            assert re.search(r"网络断了，这张码还能用到\s*\d\d:\d\d", tv.says()), name
            assert (tv.shows_code, len(read(tv.page.screenshot()))) == (True, 1), name
            tv.after(100)
            tv.poll()
            tv.sees("net-lost")
            said = tv.says()
            assert "网络断了，\n请到签到台" in tv.page.inner_text("#word"), name
            assert (tv.shows_code, read(tv.page.screenshot())) == (False, []), name
            assert ("扫一扫" in said, "填短码" in said, "网络正常" in said) == (False, False, False), name
            tv.reach_server()
            tv.sees("net-good")
            tv.wait_for(app, session)
            assert tv.is_same_page, name
        tv.after(10)  # control: the same wait, and the server is there
        tv.poll()
        tv.sees("net-good")
        tv.wait_for(app, session)


def test_a_proxys_error_page_is_never_loaded_in_place_of_the_screen(
    app: Flask, live_server: Live, browser: Browser
) -> None:
    _, session = make(app)
    with television(app, live_server, browser, session) as tv:
        honest = tv.page.request.get(f"{live_server.url}/screen/steps.json").json()
        tv.page.route(
            "**/screen", lambda route: route.fulfill(status=502, content_type="text/html", body="<h1>502</h1>")
        )
        changed, closed = json.dumps(honest | {"page": honest["page"] + 1}), '{"error":"closed"}'
        for status, body in ((200, changed), (404, closed)):
            tv.answer(status=status, content_type=JSON, body=body)
            tv.after(10)
            with tv.page.expect_response("**/screen") as answered:
                tv.poll()
            assert answered.value.status == 502
            tv.sees("net-weak")
            assert tv.is_same_page and tv.shows_code
            tv.reach_server()
            tv.sees("net-good")
        tv.page.unroute("**/screen")  # control: our own page answers, and it is loaded
        tv.answer(status=404, content_type=JSON, body=closed)
        with tv.page.expect_navigation():
            tv.poll()
        assert not tv.is_same_page


def test_good_answers_without_a_code_are_no_good_network(app: Flask, live_server: Live, browser: Browser) -> None:
    _, session = make(app)
    with television(app, live_server, browser, session) as tv:
        honest = tv.page.request.get(f"{live_server.url}/screen/steps.json").json()
        for steps, expected in ((honest["steps"], "net-good"), ([], "net-lost")):  # the first is the control
            body = json.dumps(honest | {"now": honest["now"] + (0 if steps else 3_600_000), "steps": steps})
            tv.answer(status=200, content_type=JSON, body=body)
            tv.poll()
            tv.sees(expected)
        assert not tv.shows_code


@pytest.mark.parametrize("seconds", [-3600, -50, 3600])
def test_the_servers_clock_jumps_and_the_screen_shows_the_code_that_it_takes(
    app: Flask, live_server: Live, browser: Browser, monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    _, session = make(app, opens_before_min=180, closes_after_min=180)
    with television(app, live_server, browser, session) as tv:
        tv.poll()
        tv.wait_for(app, session)
        tv.answer()
        tv.page.wait_for_timeout(600)  # what was under way has come
        monkeypatch.setattr("app.web.screen.now", lambda: clock.now() + timedelta(seconds=seconds))
        tv.page.wait_for_timeout(300)
        assert not tv.fits(app, session, seconds=seconds)  # control: until it hears of it, it cannot know
        tv.reach_server()
        tv.wait_for(app, session, seconds=seconds)
        tv.sees("net-good")
        assert tv.is_same_page


def test_a_first_poll_that_is_never_answered_does_not_freeze_the_code(
    app: Flask, live_server: Live, browser: Browser
) -> None:
    _, session = make(app)
    with television(app, live_server, browser, session) as tv:
        page = tv.page
        tv.answer()
        page.reload()
        tv.sees("net-good")  # the page itself has just come
        tv.wait_for(app, session)
        first = page.inner_text("#digits")
        tv.after(20)
        tv.sees("net-weak")
        assert (tv.shows_code, page.inner_text("#digits") == first) == (True, False)
        tv.after(80)
        tv.sees("net-lost")
        assert not tv.shows_code
        page.evaluate("sessionStorage.late = 60000")  # the script comes a minute after its page
        page.reload()
        assert page.locator("#net-weak").is_visible()  # at once, not when nine more seconds have passed


def test_the_televisions_own_clock_may_be_set_and_the_television_may_sleep(
    app: Flask, live_server: Live, browser: Browser
) -> None:
    _, session = make(app)
    with television(app, live_server, browser, session) as tv:
        for seconds in (-86_400, 3600, -3600):
            tv.set_clock(seconds)
            tv.poll()
            tv.wait_for(app, session)
            tv.sees("net-good")
        tv.answer(abort=True)
        tv.set_clock(600)  # asleep for ten minutes, and no network when it wakes
        tv.sees("net-lost")
        assert not tv.shows_code
        tv.page.unroute("**/steps.json*")
        tv.set_clock(600)  # asleep again, and the network is back: it asks by itself
        tv.wait_for(app, session)
        tv.sees("net-good")
        assert tv.is_same_page


def test_without_network_a_screen_without_a_code_does_not_go_on_promising(
    app: Flask, live_server: Live, browser: Browser
) -> None:
    _, session = make(app, starts_at=now() + timedelta(hours=2))
    with television(app, live_server, browser, session) as tv:
        assert "开始签到" in tv.says()
        tv.answer()
        tv.after(10)
        tv.sees("net-stale")
        assert "开始签到" in tv.says()  # control: its hour has not come
        tv.after(3600)
        tv.sees("net-lost")
        assert "开始签到" not in tv.says()
        assert "网络断了，\n请到签到台" in tv.page.inner_text("#word")


def alter(app: Flask, *, closes: timedelta | None = None, later: timedelta | None = None, **columns: object) -> None:
    with app.app_context(), transaction(db.session) as tx:
        if columns:
            tx.execute(update(Activity).values(**columns))
        if later is not None:
            tx.execute(update(ActivitySession).values(starts_at=now() + later))
        if closes is not None:
            tx.execute(update(ActivitySession).values(closes_at=now() + closes))


def test_what_happens_to_the_activity_stands_on_an_open_screen(app: Flask, live_server: Live, browser: Browser) -> None:
    _, session = make(app, opens_before_min=300)
    with television(app, live_server, browser, session) as tv:

        def reads(words: str, *, has_code: bool) -> None:
            tv.poll()
            expect(tv.page.locator("main")).to_contain_text(words)
            assert tv.page.locator(".dial .plate").is_visible() == has_code

        tv.poll()
        assert tv.is_same_page  # control: nothing happened, nothing is loaded anew
        alter(app, title="剪纸进校园", venue="示例小学操场")
        reads("示例小学操场", has_code=True)
        alter(app, review_state="under_review")
        reads("签到已结束，记录已封存", has_code=False)
        alter(app, review_state="returned")
        reads("打开微信扫一扫", has_code=True)
        alter(app, state="cancelled")
        reads("这场活动已取消", has_code=False)
        alter(app, state="published", later=timedelta(hours=9))
        reads("开始签到", has_code=False)
        alter(app, later=timedelta(minutes=5), closes=timedelta(minutes=-1))
        reads("签到已在", has_code=False)
        alter(app, closes=timedelta(minutes=-61))
        tv.poll()
        expect(tv.page.locator("#digits-e")).to_contain_text("大屏关了")


# The longest that may be typed, and lengths at which a size changes; hanzi are the widest.
NAME = "江北水城旅游度假区各族青少年手拉手交流暨非遗进校园展演启动仪式，石榴红志愿服务队授旗和“我们的节日”联欢会示例小学的专场"
PLACE = "江北水城旅游度假区民族团结进步教育实践基地二楼多功能报告厅，从南门进，上二楼右转，签到台在大厅东侧，停车请到北门，雨天改在一楼体育馆，请照看好自己孩子和随身物品"
LABEL = "第一专场（民族团结故事会和非遗展演四年级以上学生和家长）上午"
LENGTHS = [(60, 80, 30), (36, 13, 7), (16, 80, 30), (7, 13, 30), (37, 14, 8)]
SIZES = [(1024, 768), (1280, 720), (1366, 768), (1920, 1080), (3840, 2160)]
OUTSIDE = """() => {
  const found = [], box = node => node.getBoundingClientRect();
  for (const node of document.querySelectorAll('main *')) {
    if (node.closest('svg') && node.tagName !== 'svg' || !node.offsetParent && node.tagName !== 'svg') continue;
    const b = box(node);
    if (b.width && (b.left < 0 || b.top < 0 || b.right > innerWidth || b.bottom > innerHeight)) found.push(node.outerHTML.slice(0, 80));
  }
  const page = document.documentElement, name = document.querySelector('h1');
  if (page.scrollHeight > innerHeight || page.scrollWidth > innerWidth) found.push('the page scrolls');
  const line = parseFloat(getComputedStyle(name).lineHeight);
  if (name.scrollHeight > name.clientHeight + line / 2) found.push('the name is cut');
  return found;
}"""


def test_the_longest_name_and_place_fit_on_every_screen_in_every_state(
    app: Flask, live_server: Live, browser: Browser
) -> None:
    assert (len(NAME), len(PLACE), len(LABEL)) == (60, 80, 30)
    _, session = make(app)
    with television(app, live_server, browser, session) as tv:
        page, faults = tv.page, {}
        page.emulate_media(color_scheme="dark")
        for name, place, label in LENGTHS:
            alter(app, title=NAME[:name], venue=PLACE[:place])
            with app.app_context(), transaction(db.session) as tx:
                tx.execute(update(ActivitySession).values(label=LABEL[:label]))
            for passed in (0, 10, 110):
                tv.answer(abort=True)
                page.reload()
                page.evaluate(
                    """document.getElementById('count').outerHTML =
                    '<span class="code many">12,888</span><small>报名12,888</small>'"""
                )
                tv.after(passed)
                tv.sees({0: "net-good", 10: "net-weak", 110: "net-lost"}[passed])
                for width, height in SIZES:
                    page.set_viewport_size({"width": width, "height": height})
                    if found := page.evaluate(OUTSIDE):
                        faults[name, place, label, passed, width] = found
        assert faults == {}
        page.evaluate("document.querySelector('h1').textContent += document.querySelector('h1').textContent")
        assert page.evaluate(OUTSIDE) == [
            "the name is cut"
        ]  # control: what is longer is seen, and still scrolls nothing


def test_the_code_keeps_its_size_beside_the_longest_words(app: Flask, live_server: Live, browser: Browser) -> None:
    _, session = make(app, title=NAME, venue=PLACE)
    with television(app, live_server, browser, session) as tv:
        for width, height in SIZES:
            tv.page.set_viewport_size({"width": width, "height": height})
            plate = tv.page.locator(".dial .plate").bounding_box()
            assert plate is not None
            # 56 % of the height of a 16:9 screen, as design/look measured it for 8 m; on a 4:3 one, of its 16:9 part.
            assert plate["height"] / min(height, width * 9 / 16) > 0.55
        tv.page.set_viewport_size({"width": 1280, "height": 720})
        picture = tv.page.screenshot()
        (address,) = read(picture)
        assert address.startswith(f"{live_server.url}/s/{session}?k=")
        assert read(picture, 0.25) == [address]
        assert tv.page.inner_text("h1") == NAME  # a screen reader has all of it
        assert PLACE in tv.page.inner_text("main")
