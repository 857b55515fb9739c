"""A place that waits for a guardian: answered in time it stays, unanswered it goes on to the next in line."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from app import worker
from app.activities.models import Activity
from app.activities.queries import get_activity
from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.errors import NotFound
from app.registration import places
from app.registration.approval import expire_offers
from app.registration.entering import Entry, register
from app.registration.guardians import ask_guardian, expire_unanswered, give_consent
from app.registration.models import GuardianConsent, MailKind, MailNotice, Registration
from app.registration.service import cancel_registration
from tests.cast import make_cast
from tests.factories import make_activity

HOUR = timedelta(hours=1)


@dataclass
class Camp:
    """One place, asked for by link; by code and by the link's secret."""

    code: str
    first: str
    secret: str


def ask(app: Flask, camp: str) -> tuple[str, str]:
    with app.app_context(), transaction(db.session) as tx:
        keys = app.extensions["keys"]
        made, secret = ask_guardian(tx, get_activity(tx, camp), session_code=None, keys=keys, actor=SYSTEM, now=now())
        return made.code, secret


def make(app: Flask, *, starts_in: timedelta = timedelta(days=7), **columns: object) -> Camp:
    with app.app_context(), transaction(db.session) as tx:
        values = {"names_minors": True, "capacity": 1, "starts_at": now() + starts_in, "sends_mail": True}
        code = make_activity(tx, host=make_cast(tx).town, **{**values, **columns}).code
    return Camp(code, *ask(app, code))


@pytest.fixture
def camp(app: Flask) -> Camp:
    return make(app)


def states(app: Flask) -> dict[str, str]:
    with app.app_context():
        return {row.code: row.state for row in db.session.scalars(select(Registration))}


def expire(app: Flask, after: timedelta) -> int:
    with app.app_context(), transaction(db.session) as tx:
        return expire_unanswered(tx, now=now() + after)


def consent(app: Flask, secret: str, *, phone: str = "13800138000", email: str = "") -> None:
    with app.app_context(), transaction(db.session) as tx:
        give_consent(
            tx, secret, name="小石榴", given_as="mother", phone=phone, consent=True,
            keys=app.extensions["keys"], now=now(), email=email,
        )  # fmt: skip


@pytest.mark.parametrize(
    ("columns", "hours"),
    [
        ({}, 72),
        ({"offer_hours": 5}, 5),
        ({"starts_in": timedelta(hours=30)}, 30),
        ({"starts_in": timedelta(minutes=-1)}, 1),
    ],
)
def test_the_place_waits_for_the_organizers_time_or_three_days_or_the_start(
    app: Flask, columns: dict[str, object], hours: int
) -> None:
    camp = make(app, **columns)  # type: ignore[arg-type]
    assert expire(app, hours * HOUR - timedelta(minutes=10)) == 0
    assert states(app)[camp.first] == "confirmed"
    assert expire(app, hours * HOUR + timedelta(minutes=10)) == 1
    assert states(app)[camp.first] == "cancelled"


def test_it_goes_on_to_the_next_in_line_with_an_entry_and_the_link_is_dead(app: Flask, camp: Camp) -> None:
    second, other = ask(app, camp.code)
    third, _last = ask(app, camp.code)
    assert states(app) == {camp.first: "confirmed", second: "waitlisted", third: "waitlisted"}
    assert expire(app, 73 * HOUR) == 1
    assert states(app) == {camp.first: "cancelled", second: "confirmed", third: "waitlisted"}
    with app.app_context():
        entries = db.session.scalars(
            select(AuditEntry.action).where(AuditEntry.object_code.in_((camp.first, second))).order_by(AuditEntry.seq)
        ).all()
    assert entries[-2:] == ["consent.expired", "registration.promoted"]
    with pytest.raises(NotFound):
        consent(app, camp.secret)
    assert expire(app, 74 * HOUR) == 0  # the next one has the whole time from the promotion on
    assert expire(app, 146 * HOUR) == 1
    assert states(app)[third] == "confirmed"
    with pytest.raises(NotFound):
        consent(app, other)


def test_who_waits_in_line_is_not_hurried(app: Flask, camp: Camp) -> None:
    second, other = ask(app, camp.code)
    consent(app, camp.secret)
    assert expire(app, 24 * 6 * HOUR) == 0
    assert states(app) == {camp.first: "confirmed", second: "waitlisted"}
    consent(app, other, phone="13900139000")


def test_a_consent_in_time_keeps_the_place_and_answers_an_offer(app: Flask) -> None:
    camp = make(app, offer_hours=4)
    second, other = ask(app, camp.code)
    with app.app_context(), transaction(db.session) as tx:
        first = tx.scalars(select(Registration).where(Registration.code == camp.first)).one()
        cancel_registration(tx, first, actor=SYSTEM, now=now())
    assert states(app)[second] == "pending"
    consent(app, other)
    assert states(app)[second] == "confirmed"
    assert expire(app, 100 * HOUR) == 0
    with app.app_context(), transaction(db.session) as tx:
        assert expire_offers(tx, now=now() + 5 * HOUR) == 0


def test_the_next_in_line_gets_a_letter(app: Flask) -> None:
    """A line of grown-ups behind it, from before the organizer began to name children."""
    camp = make(app)
    with app.app_context(), transaction(db.session) as tx:
        activity = get_activity(tx, camp.code)
        activity.names_minors = False
        entry = Entry(None, "李女士", 1, 0, "", True, "", "", "li@example.cn")
        waiting = register(tx, activity, entry, keys=app.extensions["keys"], now=now()).registration.code
    assert expire(app, 73 * HOUR) == 1
    assert states(app)[waiting] == "confirmed"
    assert letters(app)[-1:] == [(waiting, MailKind.PROMOTED.value)]


def letters(app: Flask) -> list[tuple[str, str]]:
    with app.app_context():
        rows = db.session.execute(
            select(Registration.code, MailNotice.kind)
            .join(MailNotice, MailNotice.registration_id == Registration.id)
            .order_by(MailNotice.id)
        )
        return [(code, kind) for code, kind in rows]


def test_a_guardian_who_leaves_an_address_gets_the_confirmation(app: Flask, camp: Camp) -> None:
    consent(app, camp.secret, email="ma@example.cn")
    assert letters(app) == [(camp.first, MailKind.CONFIRMED.value)]


def test_the_worker_does_it(app: Flask, camp: Camp) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            tx.scalars(select(GuardianConsent)).one().expires_at = now()
        worker.run_once(1)
    assert states(app)[camp.first] == "cancelled"


def test_without_the_promotion_the_place_would_stay_idle(
    app: Flask, camp: Camp, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    second, _secret = ask(app, camp.code)
    monkeypatch.setattr(places, "promote", lambda _line, *, room: [])
    expire(app, 73 * HOUR)
    assert states(app)[second] == "waitlisted"
    with app.app_context():
        activity = db.session.scalars(select(Activity)).one()
        assert places.places(db.session(), activity)[None].left == 1
