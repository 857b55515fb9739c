"""Single scans of a paired phone: page opened anew, clocks set, undone and scanned again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select

from app.checkin import offline
from app.checkin.answers import Answer
from app.checkin.clocks import Sent
from app.checkin.devices import pair_device
from app.checkin.models import CheckIn, DeviceGrant, HeldScan
from app.checkin.offline import Scan, take_scan
from app.kernel.actor import ANONYMOUS
from tests.factories import NOW
from tests.services.checkin.stage import Stage, new_uid

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

    def scan(self, ticket: str, second: float, **more: object) -> Scan:
        """What the phone writes down at that second."""
        self.counter += 1
        scan = Scan(
            new_uid(), self.counter, self.stage.row.code, "arrival", ticket, None, False, None, None,
            round(moment(second).timestamp() * 1000), second * 1000.0, "first", "camera",
        )  # fmt: skip
        return replace(scan, **more)  # type: ignore[arg-type]

    def undo(self, scan: Scan, second: float) -> Scan:
        return self.scan("", second, kind="undo", ticket=None, refers_to=scan.uid)

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
