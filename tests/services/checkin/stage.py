"""A stage for check-ins: an activity whose sign-in is open at NOW, people with tickets, short words for arriving."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from itertools import count
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, ActivitySession
from app.checkin.models import CheckIn, CheckInEvent, Method
from app.checkin.service import Arrival, Result, check_in
from app.kernel.actor import Actor
from app.kernel.keys import KeyRing
from app.registration.entering import Entry, Registered, register
from app.registration.models import Registration
from tests.factories import NOW, make_activity

STAFF = Actor(kind="user", name="示例经办人", user_code="staff0000001")
_uids = count(1)


@dataclass
class Stage:
    """One open transaction with one activity."""

    session: Session
    keys: KeyRing
    activity: Activity
    people: list[Registered] = field(default_factory=list)

    @property
    def row(self) -> ActivitySession:
        """The first session."""
        return self.activity.sessions[0]

    def enrol(self, adults: int = 1, *, at: int = 0, name: str = "示例李女士") -> Registration:
        """A registration; `at` is the chosen session where each person chooses one."""
        code = self.activity.sessions[at].code if self.activity.attendance == "choose_one" else None
        entry = Entry(code, name, adults, 0, "", True, "", "")
        done = register(self.session, self.activity, entry, keys=self.keys, now=NOW)
        self.people.append(done)
        return done.registration

    def arrive(
        self, registration: Registration | None, method: Method = Method.LIVE_CODE, *, uid: str = "", at: int = 0,
        now: datetime = NOW, **more: Any,
    ) -> Result:  # fmt: skip
        """One scan; without a registration it is a walk-in."""
        arrival = Arrival(
            uid or new_uid(), self.activity.sessions[at].id, method, registration.id if registration else None,
            is_walk_in=registration is None, **more,
        )  # fmt: skip
        return check_in(self.session, arrival, now=now)

    def events(self) -> list[tuple[str, str]]:
        """(kind, outcome) of every event, in order."""
        rows = self.session.execute(select(CheckInEvent.kind, CheckInEvent.outcome).order_by(CheckInEvent.id))
        return [(row.kind, row.outcome) for row in rows]

    def projection(self) -> list[tuple[Any, ...]]:
        """Every check-in in values, without ids."""
        self.session.flush()
        rows = self.session.execute(
            select(
                CheckIn.session_id, CheckIn.registration_id, CheckIn.grade_a, CheckIn.grade_b, CheckIn.grade_c,
                CheckIn.grade_d, CheckIn.method, CheckIn.first_at, CheckIn.last_at,
            )
            .where(CheckIn.activity_id == self.activity.id)
            .order_by(CheckIn.session_id, CheckIn.registration_id)
        )  # fmt: skip
        return [tuple(row) for row in rows]


def new_uid() -> str:
    """An event id as a door makes it."""
    return f"uid-{next(_uids):018d}"


def make_stage(session: Session, keys: KeyRing, **columns: Any) -> Stage:
    """An activity that starts in half an hour: its window is open."""
    return Stage(session, keys, make_activity(session, **columns))
