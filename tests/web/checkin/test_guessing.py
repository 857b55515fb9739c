"""Guessing six digits from many addresses: a /64 is one, all together have a bound, and no stranger shuts the other doors."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from ipaddress import IPv6Address

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.checkin import codes, devices
from app.extensions import db
from app.kernel import network
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import TooMany
from app.web import six_digits
from app.web.six_digits import TOGETHER, check_digits, settle_digits
from tests.web.checkin.browser import make

pytestmark = pytest.mark.published
DOORS = ("/s", "/scan/pair", "/screen")
NET = int(IPv6Address("2001:db8::"))


def of_one_line() -> Iterator[str]:
    """Addresses that one line may take, one after the other."""
    return (str(IPv6Address(NET + n)) for n in range(1, 10**6))


def of_many_lines() -> Iterator[str]:
    return (str(IPv6Address(NET + (n << 64))) for n in range(1, 10**6))


def guess(client: FlaskClient, door: str, addresses: Iterator[str], times: int) -> Counter[int]:
    """So many wrong digits, each from the next address; how they were answered."""
    return Counter(
        client.post(door, data={"digits": f"{n:06d}"}, environ_base={"REMOTE_ADDR": next(addresses)}).status_code
        for n in range(times)
    )


def pin(app: Flask, session: str) -> dict[str, str]:
    return {"digits": devices.pairing_pin(app.extensions["keys"], session, all_sessions=False, now=now(), revoked=0)}


@pytest.mark.parametrize("door", DOORS)
def test_all_addresses_of_a_line_are_one(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:  # fmt: skip
    make(app)
    with time_machine.travel(now(), tick=False):
        assert guess(client, door, of_one_line(), 30) == {422: 10, 429: 20}
        monkeypatch.setattr(network, "WHOLE", 128)  # negative control: every address for itself
        assert guess(client, door, of_one_line(), 30) == {422: 30}


@pytest.mark.parametrize("door", DOORS[1:])
def test_many_lines_together_have_to_wait_and_are_told_of_another_door(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch, door: str
) -> None:
    _code, session = make(app)
    lines = of_many_lines()
    with time_machine.travel(now(), tick=False):
        assert guess(client, door, lines, 60) == {422: 40, 429: 20}
        here = {"REMOTE_ADDR": next(lines)}
        told = client.post(door, data=pin(app, session), environ_base=here)
        assert told.status_code == 429
        assert "填错数字的人太多，不一定是您，请 2 秒后再试。不用等：" in told.text
        key = devices.pairing_key(app.extensions["keys"], session, all_sessions=False, now=now(), revoked=0)
        paired = client.post("/scan/pair", data={"s": session, "a": "0", "k": key}, environ_base=here)
        assert paired.status_code == 303  # and so it is: the QR asks nobody to wait
        monkeypatch.setitem(TOGETHER, "free", 10**6)  # negative control
        assert guess(client, door, lines, 20) == {422: 20}


@pytest.mark.parametrize("door", DOORS[1:])
def test_after_the_worst_attack_the_right_digits_are_taken_within_two_minutes(
    app: Flask, client: FlaskClient, door: str
) -> None:
    _code, session = make(app)
    lines, moment = of_many_lines(), now()
    for minute in range(0, 30, 2):
        with time_machine.travel(moment + timedelta(minutes=minute), tick=False):
            guess(client, door, lines, 3 if minute else 45)
    with time_machine.travel(moment + timedelta(minutes=30), tick=False):
        right = pin(app, session)
        if door == "/screen":
            right = {"digits": codes.screen_code(app.extensions["keys"], session, now())}
        assert client.post(door, data=right, environ_base={"REMOTE_ADDR": next(lines)}).status_code == 303


def tries_of_an_hour(app: Flask) -> int:
    """The wrong tries that are answered within the first hour to networks that never tire; no later hour has more."""
    answered, begun = 0, now()
    lines, moment = of_many_lines(), begun
    while moment < begun + timedelta(hours=1):
        with app.test_request_context(method="POST", environ_base={"REMOTE_ADDR": next(lines)}):
            try:
                check_digits("pair", now=moment)
                with transaction(db.session) as tx:
                    settle_digits(tx, "pair", right=False, now=moment)
                answered += 1
            except TooMany as many:
                moment += timedelta(seconds=many.wait_seconds)
            db.session.rollback()
    return answered


@pytest.mark.sqlite_only
def test_the_tries_of_an_hour_are_those_that_the_probability_was_computed_of(
    app: Flask, record_property: Callable[[str, object], None]
) -> None:
    most = tries_of_an_hour(app)
    record_property("wrong tries answered in the worst hour", most)
    assert most == 74
    assert "74 in the\nworst hour" in str(six_digits.__doc__)
