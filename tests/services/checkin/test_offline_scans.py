"""Single scans of a paired phone: page opened anew, clocks set, undone and scanned again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import object_session

from app.checkin import offline, repeats
from app.checkin.answers import Answer
from app.checkin.clocks import Sent
from app.checkin.corrections import rebuild_check_ins, undo_check_in
from app.checkin.deciding import count_before_revoked, count_held, dismiss_held
from app.checkin.devices import pair_device
from app.checkin.models import CheckIn, CheckInEvent, DeviceGrant, EventKind, HeldScan, Method
from app.checkin.offline import Scan, take_scan
from app.kernel.actor import ANONYMOUS
from app.kernel.errors import Conflict
from app.registration.models import RegistrationKind
from app.registration.service import cancel_activity
from tests.factories import NOW
from tests.services.checkin.stage import STAFF, Stage, new_uid

Make = Callable[..., Stage]
SCANNED = 30  # seconds of the day


def moment(second: float) -> datetime:
    return NOW + timedelta(seconds=second)


@dataclass
class Phone:
    """A helper's phone with a right clock, which may be set while the page is closed."""

    stage: Stage
    grant: DeviceGrant
    counter: int = 0

    def scan(self, ticket: str | None, second: float, **more: object) -> Scan:
        """What the phone writes down at that second."""
        self.counter += 1
        scan = Scan(
            new_uid(), self.counter, self.stage.row.code, "arrival", ticket, None, False, None, None,
            round(moment(second).timestamp() * 1000), second * 1000.0, "first", "camera",
        )  # fmt: skip
        return replace(scan, **more)  # type: ignore[arg-type]

    def undo(self, scan: Scan, second: float) -> Scan:
        return self.scan(None, second, kind="undo", refers_to=scan.uid)

    def send(self, *scans: Scan, second: float, clock: float = 0.0, life: str = "first") -> list[Answer]:
        """At that second, the clock being wrong by `clock` seconds since."""
        sent = Sent(round((moment(second + clock)).timestamp() * 1000), second * 1000.0, life)
        return [
            take_scan(
                self.stage.session, scan, sent=sent, grant=self.grant, keys=self.stage.keys, now=moment(second)
            )
            for scan in scans
        ]  # fmt: skip


def phone_of(stage: Stage) -> Phone:
    grant, _secret = pair_device(
        stage.session, session_code=stage.row.code, all_sessions=False, label="", actor=ANONYMOUS, now=NOW
    )
    return Phone(stage, grant)


def here(stage: Stage) -> int:
    stage.session.expire_all()
    return sum(check.headcount for check in stage.session.scalars(select(CheckIn)))


def held(stage: Stage) -> list[tuple[str, str]]:
    return [(row.reason, row.state) for row in stage.session.scalars(select(HeldScan).order_by(HeldScan.id))]


def in_line(stage: Stage) -> str:
    """The ticket of somebody who waits for a place."""
    registration = stage.enrol()
    registration.state = "waitlisted"
    return str(registration.secret_hash)


@pytest.mark.parametrize("back", [0.0, 60.0])
def test_who_was_let_in_before_the_page_was_opened_anew_is_held_whatever_the_clock_says(
    stage: Make, back: float
) -> None:
    s = stage()
    phone = phone_of(s)
    (answer,) = phone.send(phone.scan(in_line(s), SCANNED), second=60, clock=-back, life="second")
    assert (answer.outcome, answer.tone, held(s)) == ("quarantined", "amber", [("refused", "open")])


def test_who_is_seen_red_at_once_is_not_held(stage: Make) -> None:
    """Negative control: the helper sends this person to the desk."""
    s = stage()
    phone = phone_of(s)
    (answer,) = phone.send(phone.scan(in_line(s), SCANNED), second=SCANNED + 1)
    assert (answer.outcome, answer.tone, held(s)) == ("refused", "red", [])


def test_without_the_mark_of_who_was_let_in_nobody_looks_at_them(stage: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control."""
    monkeypatch.setattr(offline, "_was_let_in", lambda *_, **__: False)
    s = stage()
    phone = phone_of(s)
    (answer,) = phone.send(phone.scan(in_line(s), SCANNED), second=60, clock=-60, life="second")
    assert (answer.tone, held(s)) == ("red", [])


def test_a_ticket_that_was_paired_for_afterwards_is_held_if_it_was_sent_late(stage: Make) -> None:
    """Its time is clamped to the pairing, a second ago: the person was let in long before."""
    s = stage()
    phone = phone_of(s)
    (answer,) = phone.send(phone.scan(in_line(s), -90), second=1)
    assert (answer.tone, held(s)) == ("amber", [("refused", "open")])


def call_off(stage: Stage, second: float) -> None:
    cancel_activity(stage.session, stage.activity, reason="下雨", actor=STAFF, now=moment(second))


def waiting(stage: Stage) -> HeldScan:
    return stage.session.scalars(select(HeldScan).where(HeldScan.state == "open")).one()


def test_who_came_before_the_activity_was_cancelled_waits_for_the_organizer_and_may_count(stage: Make) -> None:
    s = stage()
    phone, ticket = phone_of(s), str(s.enrol(3).secret_hash)
    scan = phone.scan(ticket, SCANNED)
    call_off(s, 40)
    (answer,) = phone.send(scan, second=600)
    assert (answer.outcome, answer.tone, held(s)) == ("quarantined", "amber", [("refused", "open")])
    assert "活动已取消" in answer.message
    assert count_held(s.session, s.activity, waiting(s), actor=STAFF, now=moment(700)) == 3 == here(s)


def test_who_is_scanned_after_the_activity_was_cancelled_cannot_count(stage: Make) -> None:
    """Negative control: the phone did not know it; the row waits, and only 不算 is left."""
    s = stage()
    phone, ticket = phone_of(s), str(s.enrol(3).secret_hash)
    call_off(s, 20)
    phone.send(phone.scan(ticket, SCANNED), second=600)
    with pytest.raises(Conflict):
        count_held(s.session, s.activity, waiting(s), actor=STAFF, now=moment(700))
    dismiss_held(s.session, s.activity, waiting(s), actor=STAFF, now=moment(700))
    assert (here(s), held(s)) == (0, [("refused", "not_counted")])


def test_a_scan_that_is_answered_at_once_on_a_cancelled_activity_is_red_and_nobody_has_to_look_at_it(
    stage: Make,
) -> None:
    s = stage()
    phone, ticket = phone_of(s), str(s.enrol().secret_hash)
    call_off(s, 20)
    (answer,) = phone.send(phone.scan(ticket, SCANNED), second=SCANNED + 1)
    assert (answer.tone, held(s)) == ("red", [])


def test_of_a_revoked_phone_only_what_it_scanned_before_the_cancelling_counts_at_once(stage: Make) -> None:
    s = stage()
    phone = phone_of(s)
    scans = [phone.scan(str(s.enrol().secret_hash), second) for second in (10, 20, 50)]
    call_off(s, 40)
    phone.grant.revoked_at = moment(60)
    phone.send(*scans, second=600)
    assert count_before_revoked(s.session, s.activity, phone.grant, actor=STAFF, now=moment(700)) == (2, 2)
    assert held(s) == [("revoked", "counted"), ("revoked", "counted"), ("revoked", "open")]


DOORS = pytest.mark.parametrize("door", [Method.LIVE_CODE, Method.PRINTED_CODE, Method.TICKET_SCAN, Method.PHONE_TAIL])


@DOORS
def test_who_also_came_through_another_door_stays_when_the_helper_takes_the_scan_back(
    stage: Make, door: Method
) -> None:
    s = stage()
    phone, person = phone_of(s), s.enrol(2)
    scan = phone.scan(str(person.secret_hash), 10)
    phone.send(scan, second=10)
    assert s.arrive(person, door, now=moment(20)).outcome == "duplicate"
    (answer,) = phone.send(phone.undo(scan, 30), second=30)
    assert (answer.outcome, here(s)) == ("undone", 2)
    (check,) = s.session.scalars(select(CheckIn))
    assert (check.first_at, check.method) == (moment(20), door.value)
    before = s.projection()
    rebuild_check_ins(s.session, s.activity.id)
    assert s.projection() == before


def test_who_came_through_no_other_door_is_taken_back(stage: Make) -> None:
    """Negative control."""
    s = stage()
    phone = phone_of(s)
    scan = phone.scan(str(s.enrol().secret_hash), 10)
    phone.send(scan, second=10)
    phone.send(phone.undo(scan, 30), second=30)
    assert here(s) == 0


@DOORS
def test_whom_the_console_takes_out_stays_out_though_a_helper_undoes_more(stage: Make, door: Method) -> None:
    s = stage()
    phone, person = phone_of(s), s.enrol()
    scan = phone.scan(str(person.secret_hash), 10)
    phone.send(scan, second=10)
    s.arrive(person, door, now=moment(20))
    undo_check_in(s.session, s.activity, event_uid=scan.uid, reason="left", actor=STAFF, now=moment(25))
    phone.send(phone.undo(scan, 30), second=30)
    assert here(s) == 0


CLOCKS = pytest.mark.parametrize("clock", [60.0, -100.0], ids=["clamped to the pairing", "clamped to now"])


def scan_undo_scan(stage: Stage, clock: float) -> int:
    """In the first seconds after the pairing; then the clock is set and the page opened anew. People here."""
    phone, ticket = phone_of(stage), str(stage.enrol(2).secret_hash)
    scan = phone.scan(ticket, 10)
    phone.send(scan, phone.undo(scan, 15), phone.scan(ticket, 20), second=30, clock=clock, life="second")
    return here(stage)


@CLOCKS
def test_who_is_scanned_again_after_an_undo_is_here_though_the_times_are_the_same(stage: Make, clock: float) -> None:
    assert scan_undo_scan(stage(), clock) == 2


@CLOCKS
def test_by_the_times_alone_who_is_scanned_again_would_be_lost(
    stage: Make, monkeypatch: pytest.MonkeyPatch, clock: float
) -> None:
    """Negative control."""
    monkeypatch.setattr(repeats, "_came_after", lambda undo, event: undo.occurred_at >= event.occurred_at)
    assert scan_undo_scan(stage(), clock) == 0


def emptied_phone(stage: Stage) -> int:
    """It has scanned a ticket and taken it back, is emptied, counts from one again and scans it once more."""
    phone, ticket = phone_of(stage), str(stage.enrol(2).secret_hash)
    stranger = phone.scan(str(stage.enrol().secret_hash), 5)
    scan = phone.scan(ticket, 10)
    phone.send(stranger, scan, phone.undo(scan, 15), phone.undo(stranger, 20), second=30)
    phone.counter = 0
    phone.send(phone.scan(ticket, 60), second=61)
    return here(stage)


def test_a_phone_that_was_emptied_and_counts_anew_goes_by_the_times(stage: Make) -> None:
    assert emptied_phone(stage()) == 2


def test_with_a_number_taken_twice_for_its_place_the_new_scan_would_be_lost(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    monkeypatch.setattr(offline, "_counter", lambda _session, scan, _grant: scan.counter)
    assert emptied_phone(stage()) == 0


def undone_again(stage: Make) -> tuple[list[str], int]:
    """Scanned, scanned again, the second taken back (and the first with it), scanned once more, the first taken back."""
    s = stage()
    phone, person = phone_of(s), s.enrol(2)
    ticket = str(person.secret_hash)
    first, second = phone.scan(ticket, 10), phone.scan(ticket, 20)
    answers = phone.send(first, second, phone.undo(second, 30), phone.scan(ticket, 40), second=40)
    assert here(s) == 2  # whoever is scanned after an undo has come again
    answers += phone.send(phone.undo(first, 50), second=50)
    before = s.projection()
    rebuild_check_ins(s.session, s.activity.id)
    assert s.projection() == before
    return [answer.outcome for answer in answers], here(s)


def test_an_undo_of_what_went_with_another_undo_takes_what_was_scanned_since(stage: Make) -> None:
    assert undone_again(stage) == (["accepted", "duplicate", "undone", "accepted", "undone"], 0)


def test_with_an_undo_refused_for_being_the_second_the_person_would_stay(
    stage: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Negative control."""
    not_this = offline._not_this
    monkeypatch.setattr(offline, "_not_this", lambda case, target: not_this(case, target) or gone(case, target))

    def gone(case: Any, target: CheckInEvent) -> str:
        session = object_session(target)
        assert session is not None
        undone = CheckInEvent.refers_to == target.uid, CheckInEvent.kind == EventKind.UNDO.value
        return "撤销过了" if session.scalar(select(CheckInEvent.id).where(*undone)) else ""

    assert undone_again(stage)[1] == 2


def test_of_a_class_a_part_that_is_taken_back_twice_goes_once(stage: Make) -> None:
    s = stage()
    phone, party = phone_of(s), s.enrol(5)
    party.kind, ticket = RegistrationKind.PARTY.value, str(party.secret_hash)
    first, second = phone.scan(ticket, 10, people=2), phone.scan(ticket, 20, people=3)
    phone.send(first, second, second=20)
    assert here(s) == 5
    phone.send(phone.undo(first, 30), phone.undo(first, 31), second=31)
    assert here(s) == 3
