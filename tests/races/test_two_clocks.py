"""Two server processes on one database whose clocks are 90 seconds apart, and one that jumps back by an hour.

What one shows the other judges: fail safe, said in words, and nobody is counted twice or left out without a word.
"""

from __future__ import annotations

import http.client
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import urlencode

import pytest
from sqlalchemy import select

from app.activities.models import ActivitySession
from app.audit.queries import verify_log
from app.checkin import codes
from app.checkin.models import CheckInEvent
from app.extensions import db
from app.kernel.clock import now
from bench.checkin import open_session
from bench.serving import Instance, instance, served
from tests.database import Server, free_port
from tests.house import BACKENDS
from tests.web.checkin.browser import hidden, totals

pytestmark = pytest.mark.serial
SETTING = "SHILIU_TEST_SKEW"  # read by skewed.py, which must not be imported here: it moves the clock
FORWARDED = "这张码已经换过，或被作废了。转发的码和拍下来的码不能签到。"
CHANGED = "短码不对，或者刚换过。请看大屏上现在的6位数字"
NOT_IN = "没有签上。"


@dataclass
class Phone:
    """One browser that either server may answer: both stand behind one address."""

    host: str
    cookies: dict[str, str] = field(default_factory=dict)

    def ask(self, port: int, address: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        """Status and page."""
        headers = {"Host": self.host, "Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        body = None
        if form is not None:
            headers |= {"Content-Type": "application/x-www-form-urlencoded", "Origin": f"http://{self.host}"}
            body = urlencode(form)
        line = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        line.request("GET" if form is None else "POST", address, body, headers)
        answer = line.getresponse()
        page = answer.read().decode()
        for name, value in answer.getheaders():
            if name.lower() == "set-cookie":
                self.cookies.update([value.split(";")[0].split("=", 1)])
        line.close()
        return answer.status, page


@dataclass
class Venue:
    """The server with the right clock, the other one, and a session whose sign-in is open."""

    place: Instance
    other: int  # port of the server whose clock is off
    skew: Path
    session: str

    def off(self, seconds: float) -> None:
        self.skew.write_text(str(seconds))

    def phone(self) -> Phone:
        return Phone(self.place.host)

    def code_of(self, port: int) -> str:
        """The address in the QR that this server shows now."""
        skew = float(self.skew.read_text()) if port == self.other else 0
        step = int((now().timestamp() + skew) // codes.STEP_SECONDS)
        return f"/s/{self.session}?k={codes.live_key(self.place.app.extensions['keys'], self.session, step)}"

    def digits_of(self, port: int) -> str:
        """The six digits on a venue screen that this server answers."""
        screen, ring = self.phone(), self.place.app.extensions["keys"]
        token = hidden(screen.ask(self.place.port, "/screen")[1], "csrf_token")
        typed = {"digits": codes.screen_code(ring, self.session, now()), "csrf_token": token}
        assert screen.ask(self.place.port, "/screen", typed)[0] == 303
        found = re.search(r'id="digits">(\d{3}) (\d{3})<', screen.ask(port, "/screen")[1])
        assert found
        return found[1] + found[2]

    def press(self, phone: Phone, port: int, page: str, people: int = 1) -> tuple[int, str]:
        """The walk-in's button of a page that was opened somewhere."""
        names = ("grant",)  # no token: the grant proves what it would
        form = {name: hidden(page, name) for name in names} | {"way": "walk_in", "people": str(people)}
        return phone.ask(port, f"/s/{self.session}", form)

    def people(self) -> int:
        return totals(self.place.app, self.session).total


@dataclass(frozen=True)
class Pair:
    """Two servers on one database; the file says how far off the second one's clock is."""

    place: Instance
    other: int
    skew: Path


@pytest.fixture(scope="module", params=BACKENDS)
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pair]:
    skew, url = tmp_path_factory.mktemp("clocks") / "skew", ""
    skew.write_text("0")
    if request.param == "postgresql":
        server: Server = request.getfixturevalue("server")
        server.run("CREATE DATABASE clocks")
        url = server.url("clocks")
    with instance(url) as place:
        settings, port = place.app.extensions["settings"], free_port()
        environment = {
            "SHILIU_ENV": "development", "SHILIU_HOME": str(settings.home), "SHILIU_ASSETS": "local",
            "SHILIU_DATABASE_URL": settings.database_url, "SHILIU_BASE_URL": settings.base_url, "SHILIU_DEMO": "false",
            SETTING: str(skew),
        }  # fmt: skip
        with served("tests.races.skewed:app", port, environment):
            yield Pair(place, port, skew)
    if url:
        server.run("DROP DATABASE clocks WITH (FORCE)")


@pytest.fixture
def venue(pair: Pair) -> Iterator[Venue]:
    found = Venue(pair.place, pair.other, pair.skew, open_session(pair.place)[1])
    yield found
    found.off(0)


def events(venue: Venue) -> list[str]:
    """What was kept of this session."""
    with venue.place.app.app_context():
        statement = (
            select(CheckInEvent.outcome)
            .join(ActivitySession, ActivitySession.id == CheckInEvent.session_id)
            .where(ActivitySession.code == venue.session)
        )
        found = list(db.session.scalars(statement))
        db.session.rollback()
    return found


def test_two_servers_judge_each_others_codes(venue: Venue, record_property: Callable[[str, object], None]) -> None:
    right, other = venue.place.port, venue.other
    assert 'name="grant"' in venue.phone().ask(other, venue.code_of(right))[1]  # control: clocks that agree
    assert venue.phone().ask(right, venue.code_of(other))[0] == 200
    refused = 0
    for seconds in (90, -90):
        venue.off(seconds)
        for shows, judges in ((right, other), (other, right)):
            status, page = venue.phone().ask(judges, venue.code_of(shows))
            assert (status, FORWARDED in page, 'name="grant"' in page) == (200, True, False)
            typist = venue.phone()
            token = hidden(typist.ask(judges, "/s")[1], "csrf_token")
            typed = {"digits": venue.digits_of(shows), "csrf_token": token}
            status, page = typist.ask(judges, "/s", typed)
            assert (status, CHANGED in page) == (422, True)
            refused += 2
    assert (venue.people(), events(venue)) == (0, [])
    record_property("codes refused in words", refused)


def test_a_page_of_one_server_is_pressed_at_the_other(venue: Venue) -> None:
    right, other, expected = venue.place.port, venue.other, 0
    for seconds in (90, -90):
        venue.off(seconds)
        for shows, presses in ((right, other), (other, right)):
            phone = venue.phone()
            page = phone.ask(shows, venue.code_of(shows))[1]
            status, said = venue.press(phone, presses, page, people=2)
            assert (status, "已签到" in said) == (200, True)
            expected += 2
            for port in (right, other):  # sent again to both: its first answer, and nobody more
                assert "已签到" in venue.press(phone, port, page, people=2)[1]
            assert venue.people() == expected


def test_a_clock_that_jumps_back_by_an_hour_lengthens_nothing(venue: Venue) -> None:
    right, other = venue.place.port, venue.other
    phone = venue.phone()
    page = phone.ask(other, venue.code_of(other))[1]
    venue.off(-3600)
    status, said = venue.press(phone, other, page)
    assert (status, NOT_IN in said, "到时再扫一次" in said) == (422, True, True)  # by its clock nothing is open
    assert FORWARDED in venue.phone().ask(right, venue.code_of(other))[1]  # what it shows now is an hour old
    early = venue.phone()
    opened = early.ask(other, venue.code_of(other))[1]
    assert "到时再扫一次" in opened and 'name="grant"' not in opened  # its hour is before the window
    assert venue.people() == 0
    venue.off(0)
    assert "已签到" in venue.press(phone, other, page)[1]  # the clock is right again: the same page, once
    assert "已签到" in venue.press(phone, right, page)[1]
    assert venue.people() == 1
    assert events(venue) == ["accepted"]
    with venue.place.app.app_context():
        assert verify_log(db.session()).holds
        db.session.rollback()
