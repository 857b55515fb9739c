"""The console's 现在打开 and 现在关闭 over days, the screen's words for a time when it shows nothing, a new date."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.clock import SHANGHAI
from app.kernel.database import transaction
from tests.cast import make_cast
from tests.factories import make_activity
from tests.web.activities.test_one_activity import form_of
from tests.web.screen.test_screen import screen_code

SignIn = Callable[[FlaskClient, str], None]
START = datetime(2026, 11, 25, 9, 0, tzinfo=SHANGHAI)  # until 11:00: sign-in from 08:00 to 11:30


@pytest.fixture
def place(app: Flask) -> tuple[str, str]:
    """A published activity of the town, and its session."""
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, host=make_cast(tx).town, starts_at=START)
        activity.ends_at = activity.sessions[0].ends_at = START + timedelta(hours=2)
        return activity.code, activity.sessions[0].code


class Day:
    """The console of one activity at moments of our choosing; each visit signs in anew."""

    def __init__(self, app: Flask, place: tuple[str, str], sign_in: SignIn) -> None:
        self.app, self.place, self.sign_in = app, place, sign_in

    def at(self, day: int, clock: str, verb: str = "") -> str:
        """Press a button there and then, or only look; the console's page."""
        hour, minute = clock.split(":")
        with time_machine.travel(START.replace(day=day, hour=int(hour), minute=int(minute)), tick=False):
            client = self.app.test_client()
            self.sign_in(client, "jingban")
            console = f"/activities/{self.place[0]}/console"
            if verb:
                assert client.post(f"{console}/{self.place[1]}/window", data={"verb": verb}).status_code == 303
            return client.get(console).text

    def screen(self, day: int, clock: str) -> tuple[int, str]:
        """A TV that types the digits of that moment."""
        hour, minute = clock.split(":")
        with time_machine.travel(START.replace(day=day, hour=int(hour), minute=int(minute)), tick=False):
            client = self.app.test_client()
            answer = client.post("/screen", data={"digits": screen_code(self.app, self.place[1])})
            return answer.status_code, answer.text if answer.status_code != 303 else client.get("/screen").text


@pytest.fixture
def day(app: Flask, client: FlaskClient, place: tuple[str, str], sign_in: SignIn) -> Day:  # client: no CSRF
    return Day(app, place, sign_in)


def test_a_trial_the_day_before_leaves_the_day_as_planned(day: Day) -> None:
    assert "签到已打开，11月25日 周三 11:30自动关闭" in day.at(24, "17:00", "open")
    assert day.screen(24, "17:05")[0] == 303
    assert "签到已关闭，11月25日 周三 08:00会照计划自动打开" in day.at(24, "17:10", "close")
    assert "自动打开" in day.at(25, "07:50")
    assert "11:30</time> 自动关闭" in day.at(25, "08:00")
    assert "现场签到二维码" in day.screen(25, "09:30")[1]


def test_opened_early_it_ends_as_planned_and_a_mistaken_close_costs_nothing(day: Day) -> None:
    assert "签到已打开，11:30自动关闭" in day.at(25, "07:10", "open")
    assert "按错了，按“现在打开”，会开到11:30" in day.at(25, "09:20", "close")
    assert "签到已打开，11:30自动关闭" in day.at(25, "09:21", "open")
    assert "签到延长到12:00" in day.at(25, "09:30", "extend")
    assert "按“现在打开”，会开到11:30" in day.at(
        25, "09:40", "close"
    )  # what was extended is not given back, and is said
    assert "签到延长到12:00" in day.at(25, "09:41", "extend")
    assert "按“现在打开”，会开到12:15" in day.at(25, "11:45", "close")
    assert "签到已打开，12:15自动关闭" in day.at(25, "11:45", "open")


def test_the_screen_says_in_words_why_it_shows_nothing(app: Flask, day: Day) -> None:
    status, page = day.screen(25, "12:20")
    assert (status, "签到已在11:30结束" in page) == (303, True)
    status, page = day.screen(25, "13:00")
    assert (status, "签到已在11:30结束，大屏关了" in page, "现在打开" in page) == (422, True, True)
    assert "签到已在11:30结束，大屏关了" in day.at(25, "13:00")  # the console does not show digits that open nothing
    assert "11月24日 周二 08:00起才能打开大屏" in day.at(20, "13:00")
    client = app.test_client()
    with time_machine.travel(START, tick=False):
        client.post("/screen", data={"digits": screen_code(app, day.place[1])})
    with time_machine.travel(START + timedelta(hours=5), tick=False):
        assert "签到已在11:30结束，大屏关了" in client.get("/screen").text
    day.at(25, "13:05", "open")
    assert "现场签到二维码" in day.screen(25, "13:10")[1]


def test_a_new_date_forgets_what_was_done_by_hand_and_says_so(app: Flask, day: Day) -> None:
    day.at(24, "17:00", "extend")
    client = app.test_client()
    with time_machine.travel(START - timedelta(hours=16), tick=False):
        day.sign_in(client, "jingban")
        address = f"/activities/{day.place[0]}/edit"
        form = form_of(client.get(address).text) | {"do": "save"}
        assert "原来手动" not in client.post(address, data=form, follow_redirects=True).text
        with app.app_context():
            assert db.session.scalars(select(Activity)).one().sessions[0].closes_at is not None
        moved = form_of(client.get(address).text) | {"do": "save"} | {"date": "2026-11-27"}
        page = client.post(address, data=moved, follow_redirects=True).text
    assert "原来手动打开、关闭或延长的签到作废" in page
    with app.app_context():
        row = db.session.scalars(select(Activity)).one().sessions[0]
        assert (row.opened_at, row.closes_at) == (None, None)
