"""Wrong, old and foreign codes are answered alike: in words, in status, and in time as a ratio."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from ipaddress import ip_address
from statistics import median, quantiles

import pytest
from flask import Flask, g
from flask.testing import FlaskClient

from app.activities.models import ActivityState
from app.checkin import codes, devices
from app.checkin.models import CheckIn
from app.checkin.queries import Door, list_doors
from app.extensions import db
from app.kernel.clock import now
from app.web.access import keys
from app.web.checkin import digits
from app.web.six_digits import TOGETHER
from tests.web.checkin.browser import code_of, count, enrol, hidden, live_key, make, outcomes, scan

pytestmark = [pytest.mark.lengthens, pytest.mark.serial]
CODES = 10_000 if os.environ.get("SHILIU_PROOF") == "full" else 160
Make = Callable[[], tuple[str, dict[str, str] | None]]
Note = Callable[[str, object], None]


@pytest.fixture(autouse=True)
def _nobody_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """These tries come by the thousand; what they are counted for is test_guessing.py's."""
    monkeypatch.setitem(TOGETHER, "free", 10**9)


def _plain(text: str, typed: str) -> str:
    """The page without its tokens, and without what was typed or stood in the address itself, which it repeats."""
    text = re.sub(r'\?[kp]=[\w-]+|name="(csrf_token|grant|uid)"[^>]*', "", text)
    return text.replace(typed, "") if typed else text


def _ask(client: FlaskClient, address: str, form: dict[str, str] | None) -> tuple[int, str, float]:
    """One try, each from an address of its own: counted tries are another test's."""
    here = {"REMOTE_ADDR": str(ip_address(secrets.randbits(24) + (10 << 24)))}
    begun = time.perf_counter()
    if form is None:
        answer = client.get(address, environ_base=here)
    else:
        answer = client.post(address, data=form, environ_base=here)
    seconds = time.perf_counter() - begun
    typed = (form or {}).get("digits") or (form or {}).get("tail") or ""
    return answer.status_code, _plain(answer.text, typed), seconds


def _compare(client: FlaskClient, kinds: dict[str, Make], record_property: Note, *, status: int) -> float:
    """Every kind in turn, CODES in all. Asserts one status and one page, returns slowest over fastest.

    Compared is the lower quartile of a kind's times: a busy machine only ever adds to some of them, what a kind does
    more is in all of them, and of an attacker's looks these are the sharpest.
    """
    seen, times = set[tuple[int, str]](), {kind: list[float]() for kind in kinds}
    for make_try in kinds.values():  # templates and statements are made once
        _ask(client, *make_try())
    for _ in range(CODES // len(kinds)):
        for kind, make_try in kinds.items():
            found, page, seconds = _ask(client, *make_try())
            seen.add((found, page))
            times[kind].append(seconds)
    pages = sorted(page.splitlines() for _status, page in seen)
    assert len(seen) == 1, [pair for pair in zip(*pages[:2], strict=False) if pair[0] != pair[1]]
    assert {each for each, _page in seen} == {status}
    typical = [quantiles(each, n=4)[0] for each in times.values()]
    ratio = max(typical) / min(typical)
    record_property("codes", CODES)
    record_property("slowest lower quartile over fastest", round(ratio, 2))
    return ratio


def _next_step() -> int:
    """One step ahead; not at the end of a step, where it would be this step by the time that it is tried."""
    left = codes.STEP_SECONDS - time.time() % codes.STEP_SECONDS
    if left < 2:
        time.sleep(left)
    return 1


def test_live_keys(app: Flask, client: FlaskClient, record_property: Note) -> None:
    _code, session = make(app)
    _other, foreign = make(app)
    kinds: dict[str, Make] = {
        "wrong": lambda: (f"/s/{session}?k={secrets.token_urlsafe(16)}", None),
        "foreign": lambda: (f"/s/{session}?k={live_key(app, foreign)}", None),
        "two steps old": lambda: (f"/s/{session}?k={live_key(app, session, steps=-2)}", None),
        "ahead of time": lambda: (f"/s/{session}?k={live_key(app, session, steps=_next_step())}", None),
    }
    client.get(f"/s/{session}?k={live_key(app, session)}")  # the browser's own token is made once
    assert _compare(client, kinds, record_property, status=200) < 1.5
    assert count(app, CheckIn) == 0 and outcomes(app) == []
    assert 'name="grant"' in client.get(f"/s/{session}?k={live_key(app, session)}").text  # control: the right one opens


def test_ticket_secrets(app: Flask, client: FlaskClient, record_property: Note) -> None:
    kinds: dict[str, Make] = {
        "unknown": lambda: (f"/t/{secrets.token_urlsafe(16)}", None),
        "of another length": lambda: (f"/t/{secrets.token_hex(16)}", None),
    }
    assert _compare(client, kinds, record_property, status=404) < 1.5


def _six(*right: str) -> str:
    """Six digits that are none of these."""
    while (found := f"{secrets.randbelow(10**6):06d}") in right:
        pass
    return found


def test_digits_of_the_venue(app: Flask, client: FlaskClient, record_property: Note) -> None:
    ring, (_code, session), (_other, foreign) = app.extensions["keys"], make(app), make(app)

    def at(row: str, steps: int) -> str:
        return codes.venue_digits(ring, row, codes.step_of(now()) + steps)

    def typed(digits: str) -> tuple[str, dict[str, str]]:
        return "/s", {"session": session, "digits": digits}

    kinds: dict[str, Make] = {
        "wrong": lambda: typed(_six(at(session, 0), at(session, -1))), "foreign": lambda: typed(at(foreign, 0)),
        "two steps old": lambda: typed(at(session, -2)), "ahead of time": lambda: typed(at(session, _next_step())),
    }  # fmt: skip
    assert _compare(client, kinds, record_property, status=422) < 1.5
    assert 'name="grant"' in client.post(*typed(at(session, 0))[:1], data=typed(at(session, 0))[1]).text  # control


def test_digits_of_the_screen(app: Flask, client: FlaskClient, record_property: Note) -> None:
    ring, (_code, session) = app.extensions["keys"], make(app)
    _far, later = make(app, starts_at=now() + timedelta(days=9))
    _draft, hidden_one = make(app, state=ActivityState.DRAFT)

    def of(row: str, minutes: int = 0) -> tuple[str, dict[str, str]]:
        return "/screen", {"digits": codes.screen_code(ring, row, now() - timedelta(minutes=minutes))}

    kinds: dict[str, Make] = {
        "wrong": lambda: ("/screen", {"digits": _six(of(session)[1]["digits"], of(session, 10)[1]["digits"])}),
        "two turns old": lambda: of(session, 20), "of a draft": lambda: of(hidden_one), "of another week": lambda: of(later),
    }  # fmt: skip
    assert _compare(client, kinds, record_property, status=422) < 1.5
    address, form = of(session)
    assert client.post(address, data=form).status_code == 303  # control


def test_digits_that_pair_a_phone(app: Flask, client: FlaskClient, record_property: Note) -> None:
    ring, (_code, session) = app.extensions["keys"], make(app)
    _draft, hidden_one = make(app, state=ActivityState.DRAFT)

    def of(row: str, minutes: int = 0) -> tuple[str, dict[str, str]]:
        pin = devices.pairing_pin(ring, row, all_sessions=False, now=now() - timedelta(minutes=minutes), revoked=0)
        return "/scan/pair", {"digits": pin}

    def every() -> set[str]:
        ways = [(all_sessions, minutes) for all_sessions in (True, False) for minutes in (0, 10)]
        return {
            devices.pairing_pin(ring, session, all_sessions=wide, now=now() - timedelta(minutes=minutes), revoked=0)
            for wide, minutes in ways
        }

    kinds: dict[str, Make] = {
        "wrong": lambda: ("/scan/pair", {"digits": _six(*every())}), "two turns old": lambda: of(session, 20),
        "of a draft": lambda: of(hidden_one),
    }  # fmt: skip
    assert _compare(client, kinds, record_property, status=422) < 1.5
    address, form = of(session)
    assert client.post(address, data=form).status_code in (200, 303)  # control


def test_printed_codes(app: Flask, client: FlaskClient, record_property: Note) -> None:
    ring, (_code, session) = app.extensions["keys"], make(app, printed_code_on=True, printed_code_version=3)
    _other, foreign = make(app, printed_code_on=True)

    def of(row: str, version: int) -> tuple[str, None]:
        return f"/s/{session}?p={codes.printed_key(ring, row, version)}", None

    kinds: dict[str, Make] = {
        "wrong": lambda: (f"/s/{session}?p={secrets.token_urlsafe(16)}", None), "foreign": lambda: of(foreign, 1),
        "voided": lambda: of(session, 2), "not yet printed": lambda: of(session, 4),
    }  # fmt: skip
    client.get(of(session, 3)[0])
    assert _compare(client, kinds, record_property, status=200) < 1.5
    assert 'name="grant"' in client.get(of(session, 3)[0]).text  # control


def test_codes_of_eight_characters(app: Flask, client: FlaskClient, record_property: Note) -> None:
    code, session = make(app)
    other, _foreign = make(app)
    ours, theirs = code_of(app, enrol(app, code)), code_of(app, enrol(app, other, phone="13900139000"))
    page: dict[str, tuple[float, str]] = {}

    def typed(tail: str) -> tuple[str, dict[str, str]]:
        if not page or time.monotonic() - page["last"][0] > 60:  # a grant lasts two minutes
            page["last"] = time.monotonic(), scan(app, client, session)
        text = page["last"][1]
        return f"/s/{session}", {"grant": hidden(text, "grant"), "way": "registered", "tail": tail}

    letters = "23456789ABCDEFGHJKMNPQRSTVWXYZ"
    kinds: dict[str, Make] = {
        "wrong": lambda: typed("".join(secrets.choice(letters) for _ in range(8))), "foreign": lambda: typed(theirs),
    }  # fmt: skip
    assert _compare(client, kinds, record_property, status=422) < 1.5
    assert count(app, CheckIn) == 0
    address, form = typed(ours)
    assert "已签到" in client.post(address, data=form).text  # control


def _kinds_of_digits(app: Flask) -> dict[str, Make]:
    """Digits that nobody has, and those of another session that is open."""
    ring, (_code, session), (_other, foreign) = app.extensions["keys"], make(app), make(app)

    def at(row: str) -> str:
        return codes.venue_digits(ring, row, codes.step_of(now()))

    return {
        "wrong": lambda: ("/s", {"session": session, "digits": _six(at(session), at(foreign))}),
        "foreign": lambda: ("/s", {"session": session, "digits": at(foreign)}),
    }


def _leak(monkeypatch: pytest.MonkeyPatch, says: Callable[[], None]) -> None:
    """The view looks whether the digits are another session's, and something of it gets out."""
    door_of = digits._door_of

    def leaking(typed: str, moment: datetime) -> Door | None:
        found = door_of(typed, moment)
        near = list_doors(db.session(), since=moment - digits.NEAR, until=moment + digits.NEAR)
        if found is None and any(codes.venue_digits_hold(keys(), door.code, typed, moment) for door in near):
            says()
        return found

    monkeypatch.setattr(digits, "_door_of", leaking)


def test_words_that_tell_a_foreign_code_are_seen(
    app: Flask, client: FlaskClient, record_property: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: one sign more on the page."""
    kinds, ask = _kinds_of_digits(app), digits._ask
    _leak(monkeypatch, lambda: g.setdefault("told", "。"))
    monkeypatch.setattr(digits, "_ask", lambda error="", status=200: ask(error + g.get("told", ""), status))
    with pytest.raises(AssertionError):
        _compare(client, kinds, record_property, status=422)


def test_time_that_tells_a_foreign_code_is_seen(
    app: Flask, client: FlaskClient, record_property: Note, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control: as much work again for a foreign one as the whole answer takes."""
    kinds = _kinds_of_digits(app)
    usual = median(_ask(client, *kinds["wrong"]())[2] for _ in range(20))
    _leak(monkeypatch, lambda: time.sleep(usual))
    assert _compare(client, kinds, record_property, status=422) >= 1.5
