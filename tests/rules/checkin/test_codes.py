"""Live, venue and printed codes, and the grant: what holds and what does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from app.checkin import codes
from app.kernel.keys import KeyRing

RING = KeyRing(session=(b"s" * 32,), data=(b"d" * 32,), codes=b"c" * 32, index=b"i" * 32, log=b"l" * 32)
NOW = datetime(2026, 11, 20, 1, 0, 5, tzinfo=UTC)


@pytest.mark.parametrize(("age", "holds"), [(0, True), (1, True), (2, False), (-1, False)])
def test_a_live_key_holds_for_its_step_and_the_next(age: int, holds: bool) -> None:
    key = codes.live_key(RING, "abc", codes.step_of(NOW) - age)
    assert codes.live_key_holds(RING, "abc", key, NOW) is holds
    digits = codes.venue_digits(RING, "abc", codes.step_of(NOW) - age)
    assert codes.venue_digits_hold(RING, "abc", digits, NOW) is holds


def test_a_key_is_of_one_session_and_long_enough_not_to_be_guessed() -> None:
    key = codes.live_key(RING, "abc", codes.step_of(NOW))
    assert not codes.live_key_holds(RING, "abd", key, NOW)
    assert len(key) * 6 >= 128


def test_a_printed_key_dies_with_its_version() -> None:
    assert codes.printed_key(RING, "abc", 1) != codes.printed_key(RING, "abc", 2)


def test_a_grant_is_bound_to_browser_session_and_time() -> None:
    text = codes.make_grant(RING, session_code="abc", activity_code="act", method="live_code", browser="mine", now=NOW)
    grant = codes.read_grant(RING, text, browser="mine")
    assert grant is not None
    assert (grant.session_code, grant.activity_code, grant.method) == ("abc", "act", "live_code")
    assert timedelta(seconds=118) < grant.expires_at - NOW <= timedelta(seconds=120)
    assert codes.read_grant(RING, text, browser="another") is None
    for was, other in (("live_code", "printed_code"), ("act", "other"), ("abc", "abd")):
        assert codes.read_grant(RING, text.replace(was, other), browser="mine") is None
    later = text.split(".")
    later[3] = str(int(later[3]) + 600)
    assert codes.read_grant(RING, ".".join(later), browser="mine") is None


@pytest.mark.parametrize("text", ["", "a.b.c", "a.b.c.d.e.f", ".....", "a.b.c.九.e.f", "x" * 5000])
def test_rubbish_is_no_grant(text: str) -> None:
    assert codes.read_grant(RING, text, browser="mine") is None


def test_two_grants_of_one_moment_have_two_uids() -> None:
    first, second = (
        codes.make_grant(RING, session_code="a", activity_code="b", method="live_code", browser="b", now=NOW)
        for _ in "12"
    )
    assert first != second


def test_a_used_grant_has_one_successor_that_ends_with_it() -> None:
    text = codes.make_grant(RING, session_code="abc", activity_code="def", method="live_code", browser="mine", now=NOW)
    grant = codes.read_grant(RING, text, browser="mine")
    assert grant is not None
    renewed = codes.renew_grant(RING, grant, browser="mine")
    assert renewed == codes.renew_grant(RING, grant, browser="mine")
    after = codes.read_grant(RING, renewed, browser="mine")
    assert after is not None
    assert (after.session_code, after.activity_code, after.method) == ("abc", "def", "live_code")
    assert after.expires_at == grant.expires_at
    assert after.uid != grant.uid and len(after.uid) == len(grant.uid)
    assert codes.read_grant(RING, renewed, browser="another") is None
