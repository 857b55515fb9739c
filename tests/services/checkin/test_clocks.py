"""Clocks that disagree, jump, or stand near midnight: nothing opens longer, nothing is lost, days are Shanghai's."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app.audit.log import record
from app.audit.queries import verify_log
from app.checkin import codes
from app.checkin.models import CheckIn, Method
from app.checkin.service import Arrival, check_in
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import business_day
from app.kernel.database import transaction
from tests.factories import NOW, make_activity

pytestmark = pytest.mark.published
APART = timedelta(seconds=90)
HOUR = timedelta(hours=1)


def test_a_live_code_of_a_clock_90_s_apart_opens_nothing(app: Flask) -> None:
    keys = app.extensions["keys"]
    shown = codes.live_key(keys, "abc", codes.step_of(NOW))
    assert codes.live_key_holds(keys, "abc", shown, NOW)  # control: the same clock
    assert not codes.live_key_holds(keys, "abc", shown, NOW + APART)
    assert not codes.live_key_holds(keys, "abc", shown, NOW - APART)


@pytest.mark.parametrize(
    ("ahead", "holds"), [(timedelta(0), True), (APART, True), (-APART, True), (timedelta(seconds=121), False)]
)
def test_a_grant_of_a_clock_90_s_apart_still_counts_once(app: Flask, ahead: timedelta, holds: bool) -> None:
    """Another process reads it: its clock is `ahead` of the one that made it."""
    keys = app.extensions["keys"]
    text = codes.make_grant(keys, session_code="abc", activity_code="act", method="live_code", browser="b", now=NOW)
    grant = codes.read_grant(keys, text, browser="b")
    assert grant is not None and grant.holds(NOW + ahead) is holds


def test_a_clock_that_jumps_back_an_hour_lengthens_no_grant(app: Flask) -> None:
    keys = app.extensions["keys"]
    grant = codes.read_grant(
        keys,
        codes.make_grant(keys, session_code="abc", activity_code="act", method="live_code", browser="b", now=NOW),
        browser="b",
    )
    assert grant is not None
    assert not grant.holds(NOW - HOUR)
    assert grant.expires_at > NOW - HOUR  # negative control: its end alone would have let it live an hour longer


def test_the_chain_goes_by_sequence_when_the_clock_jumps_back(app: Flask) -> None:
    with app.app_context():
        for moment in (NOW, NOW - HOUR, NOW + HOUR):
            with transaction(db.session) as tx:
                activity = make_activity(tx)
                record(
                    tx, "screen.opened", actor=SYSTEM, object_type="activity", object_code=activity.code, now=moment,
                    payload={"session": activity.sessions[0].code},
                )  # fmt: skip
        assert verify_log(db.session()).holds
        db.session.rollback()


def test_a_repeat_after_a_jump_back_is_a_repeat(app: Flask) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            row = make_activity(tx).sessions[0]
            first = check_in(tx, Arrival(uid := secrets.token_urlsafe(16), row.id, Method.LIVE_CODE, adults=2,
                                         is_walk_in=True), now=NOW)  # fmt: skip
        with transaction(db.session) as tx:
            again = check_in(tx, Arrival(uid, row.id, Method.LIVE_CODE, adults=2, is_walk_in=True), now=NOW - HOUR)
            ticket = check_in(
                tx, Arrival(secrets.token_urlsafe(16), row.id, Method.TICKET_SCAN, first.registration_id),
                now=NOW - HOUR / 2,
            )  # fmt: skip
        assert (first.outcome, again.outcome, ticket.outcome) == ("accepted", "accepted", "duplicate")
        assert again.first_at == ticket.first_at == NOW
        assert db.session.scalars(select(CheckIn.grade_b)).all() == [2]
        db.session.rollback()


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        (datetime(2026, 11, 24, 15, 59, 59, tzinfo=UTC), "2026-11-24"),
        (datetime(2026, 11, 24, 16, 0, 0, tzinfo=UTC), "2026-11-25"),
        (datetime(2026, 12, 31, 16, 0, 0, tzinfo=UTC), "2027-01-01"),
    ],
)
def test_the_business_day_turns_at_midnight_in_shanghai(moment: datetime, day: str) -> None:
    assert business_day(moment).isoformat() == day
