"""Who waited and came in as a walk-in is not counted again: whoever signs the registration in is told of it first."""

from __future__ import annotations

import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from app.activities.models import Activity
from app.checkin.clocks import Sent
from app.checkin.corrections import undo_check_in
from app.checkin.devices import pair_device
from app.checkin.models import CheckInEvent
from app.checkin.offline import Scan, take_scan
from app.extensions import db
from app.kernel.actor import ANONYMOUS, SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import digest
from app.registration.entering import Entry, register
from app.registration.models import Registration, RegistrationState
from tests.cast import make_cast
from tests.factories import make_activity
from tests.web.checkin.browser import PHONE, code_of, hidden, press, scan, totals
from tests.web.checkin.test_arrive import remember

SignIn = Callable[[FlaskClient, str], None]
TOLD = r"报这个名的手机已于<time[^>]*>\d\d:\d\d</time>现场登记2人"


@dataclass
class Gate:
    """An activity that registrations wait for, a participant's phone that waits, and the organizer's browser."""

    app: Flask
    code: str
    session: str
    secret: str
    phone: FlaskClient
    staff: FlaskClient

    def walk_in(self, way: str = "walk_in") -> None:
        page = scan(self.app, self.phone, self.session)
        more = {"ticket": hidden(page, "ticket")} if way == "waiting" else {}
        assert press(self.phone, self.session, page, way, people="2", **more).status_code == 200

    def set_state(self, state: RegistrationState) -> None:
        with self.app.app_context(), transaction(db.session) as tx:
            mine = Registration.secret_hash == digest(self.secret)
            tx.execute(update(Registration).where(mine).values(state=state.value))

    def desk(self) -> str:
        address = f"/activities/{self.code}/console/{self.session}/find"
        return self.staff.post(address, data={"typed": code_of(self.app, self.secret)}).text

    def ticket(self) -> str:
        return self.staff.get(f"/t/{self.secret}").text

    def helper(self) -> str:
        """What a helper's phone is told when it scans the ticket."""
        moment = now()
        millis = round(moment.timestamp() * 1000)
        with self.app.app_context(), transaction(db.session) as tx:
            grant, _secret = pair_device(
                tx, session_code=self.session, all_sessions=False, label="", actor=ANONYMOUS, now=moment
            )
            event = Scan(
                secrets.token_urlsafe(16), 1, self.session, "arrival", digest(self.secret), None, False, None, None,
                millis, 0.0, "life", "camera",
            )  # fmt: skip
            sent = Sent(millis, 0.0, "life")
            return take_scan(
                tx, event, sent=sent, grant=grant, keys=self.app.extensions["keys"], now=moment
            ).message  # fmt: skip


@pytest.fixture
def gate(app: Flask, client: FlaskClient, sign_in: SignIn) -> Gate:
    phone = app.test_client()
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(
            tx, host=make_cast(tx).town, starts_at=now() - timedelta(minutes=5), needs_approval=True
        )  # fmt: skip
        code, session = activity.code, activity.sessions[0].code
    scan(app, phone, session)
    token = phone.get_cookie("browser")
    assert token is not None
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity)).one()
        entry = Entry(None, "示例李女士", 2, 0, PHONE, True, "form", token.value)
        secret = register(tx, activity, entry, keys=app.extensions["keys"], now=now()).secret
    remember(app, phone, code, secret)
    sign_in(client, "jingban")
    return Gate(app, code, session, secret, phone, client)


@pytest.mark.parametrize("state", ["waitlisted", "confirmed"])
def test_the_desk_is_told_of_the_walk_in_and_has_two_ways(gate: Gate, state: str) -> None:
    if state == "waitlisted":
        gate.set_state(RegistrationState.WAITLISTED)
    gate.walk_in("waiting" if state == "waitlisted" else "walk_in")
    gate.set_state(RegistrationState.CONFIRMED)
    page = gate.desk()
    assert re.search(TOLD, page)
    assert "是他们自己，不用再签" in page
    form = {"registration": hidden(page, "registration"), "method": hidden(page, "method"), "people": "2"}
    assert totals(gate.app, gate.session).total == 2, "nothing counts before somebody decides"
    uid = re.search(r'name="uid" value="([^"]+a)"', page)
    assert uid
    address = f"/activities/{gate.code}/console/{gate.session}/arrive"
    gate.staff.post(address, data={**form, "uid": uid[1], "count_as": "first"})
    assert totals(gate.app, gate.session).total == 4, "it was somebody else's walk-in"
    assert not re.search(TOLD, gate.desk()), "who is in himself is not asked about"


def test_who_still_waits_is_told_of_before_the_desk_adds_people(gate: Gate) -> None:
    gate.walk_in()
    assert re.search(TOLD, gate.desk())


def test_the_page_of_a_scanned_ticket_tells_it_to_staff_alone(gate: Gate) -> None:
    gate.walk_in()
    gate.set_state(RegistrationState.CONFIRMED)
    assert re.search(TOLD, gate.ticket())
    assert "现场登记2人" not in gate.phone.get(f"/t/{gate.secret}").text


def test_a_helper_is_told_and_may_take_it_back(gate: Gate) -> None:
    gate.walk_in()
    gate.set_state(RegistrationState.CONFIRMED)
    word, rest = gate.helper().split("，", 1)
    assert word == "已签到"
    assert re.fullmatch(r"报名的手机\d\d:\d\d现场登记过2人。问一声：是他们自己，请按“撤销”。", rest)


def test_nobody_is_told_of_another_phone_or_of_what_was_taken_back(gate: Gate) -> None:
    """Negative control."""
    mine, gate.phone = gate.phone, gate.app.test_client()
    gate.walk_in()
    gate.phone = mine
    gate.set_state(RegistrationState.CONFIRMED)
    assert not re.search(TOLD, gate.desk() + gate.ticket())
    gate.walk_in()
    assert re.search(TOLD, gate.desk())
    with gate.app.app_context(), transaction(db.session) as tx:
        uid = tx.scalars(select(CheckInEvent.uid).order_by(CheckInEvent.id)).all()[-1]
        undo_check_in(
            tx, tx.scalars(select(Activity)).one(), event_uid=uid, reason="test", actor=SYSTEM, now=now()
        )  # fmt: skip
    assert not re.search(TOLD, gate.desk() + gate.ticket())
    assert gate.helper() == "已签到"
