"""Register, cancel, change, promote, capacity, quotas and holds in any order, against a model that recounts from scratch."""

from __future__ import annotations

import os
import random
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity
from app.extensions import db
from app.kernel.actor import PARTICIPANT, Actor
from app.kernel.database import transaction
from app.kernel.errors import RuleBroken
from app.organisation.models import Unit, UnitKind
from app.registration.entering import Entry, PartyEntry, register, register_party
from app.registration.models import Registration, RegistrationState
from app.registration.places import read_pools
from app.registration.rules import ClassEntry, promote
from app.registration.service import cancel_registration, change_capacity, change_headcount
from app.registration.settings import hold_places, list_holds, release_hold, set_quota
from tests.factories import NOW, make_activity, make_unit

STAFF = Actor(kind="user", name="示例经办人", user_code="staff0000001")
STEPS = 2_000 if os.environ.get("SHILIU_PROOF") == "full" else 100
GONE = RegistrationState.CANCELLED.value


@dataclass
class Seat:
    """What the model knows of a registration."""

    id: int
    people: int
    unit: int | None
    state: str
    rank: int


class Model:
    """Places by the book: who has one, who waits, in what order; counted anew at each step."""

    def __init__(self) -> None:
        self.capacity: int | None = 40
        self.quotas: dict[int, int] = {}
        self.holds: list[list[int | None]] = []  # [unit, places]
        self.seats: dict[int, Seat] = {}

    def free_for(self, unit: int | None) -> float:
        taken = sum(s.people for s in self.seats.values() if s.state == "confirmed")
        kept = sum(places or 0 for owner, places in self.holds if owner is None or owner != unit)
        free = float("inf") if self.capacity is None else self.capacity - taken - kept
        if unit in self.quotas:
            used = sum(s.people for s in self.seats.values() if s.state == "confirmed" and s.unit == unit)
            free = min(free, self.quotas[unit] - used)
        return free

    def waiting(self) -> list[Seat]:
        return sorted((s for s in self.seats.values() if s.state == "waitlisted"), key=lambda s: s.rank)

    def seat(self, seat: Seat) -> None:
        seat.state = "confirmed"
        left = seat.people
        for hold in self.holds:
            if hold[0] is not None and hold[0] == seat.unit:
                used = min(hold[1] or 0, left)
                hold[1] = (hold[1] or 0) - used
                left -= used

    def enter(self, id_: int, people: int, unit: int | None) -> str:
        fits = people <= self.free_for(unit) and not any(w.people <= self.free_for(w.unit) for w in self.waiting())
        seat = Seat(id_, people, unit, "waitlisted", 1 + max((s.rank for s in self.seats.values()), default=0))
        self.seats[id_] = seat
        if fits:
            seat.rank = 0
            self.seat(seat)
        return seat.state

    def move_up(self) -> None:
        for waiting in self.waiting():
            if waiting.people <= self.free_for(waiting.unit):
                self.seat(waiting)


class Walk:
    """Random steps on the product and on the model."""

    def __init__(self, session: Session, app: Flask, seed: int) -> None:
        self.session, self.keys, self.dice = session, app.extensions["keys"], random.Random(seed)
        self.activity: Activity = make_activity(session, capacity=40, takes_parties=True)
        self.schools: list[Unit] = [make_unit(session, kind=UnitKind.SCHOOL, name=f"示例{n}校") for n in "甲乙丙"]
        self.model = Model()

    def step(self) -> None:
        moves = (self.person, self.person, self.party, self.party, self.cancel, self.cancel, self.change, self.capacity,
                 self.quota, self.hold, self.release)  # fmt: skip
        self.dice.choice(moves)()
        self.check()

    def person(self) -> None:
        people = self.dice.randint(1, 7)
        made = register(
            self.session, self.activity, Entry(None, "示例", people, 0, "", True, "", ""), keys=self.keys, now=NOW
        )
        assert made.registration.state == self.model.enter(made.registration.id, people, None)

    def party(self) -> None:
        pupils, school = self.dice.randint(1, 30), self.dice.choice(self.schools)
        phone = f"138{self.dice.randrange(10**8):08d}"
        entry = PartyEntry(None, school.id, (ClassEntry("一班", pupils, 1),), "张老师", phone, True, "", "")
        made = register_party(self.session, self.activity, entry, keys=self.keys, now=NOW)
        assert made.registration.state == self.model.enter(made.registration.id, pupils + 1, school.id)

    def _standing(self) -> Seat | None:
        standing = [seat for seat in self.model.seats.values() if seat.state != GONE]
        return self.dice.choice(standing) if standing else None

    def cancel(self) -> None:
        seat = self._standing()
        if seat is not None:
            cancel_registration(self.session, self.session.get_one(Registration, seat.id), actor=PARTICIPANT, now=NOW)
            seat.state = GONE
            self.model.move_up()

    def change(self) -> None:
        seat = self._standing()
        if seat is None or seat.unit is not None:
            return
        people = self.dice.randint(1, 7)
        more = people - seat.people
        waiting = any(w.people <= self.model.free_for(w.unit) for w in self.model.waiting())
        refused = seat.state == "confirmed" and more > 0 and (more > self.model.free_for(None) or waiting)
        try:
            change_headcount(
                self.session, self.session.get_one(Registration, seat.id), adults=people, children=0, now=NOW
            )
            assert not refused
        except RuleBroken:
            assert refused
            return
        seat.people = people
        self.model.move_up()

    def capacity(self) -> None:
        wanted = self.dice.choice((None, 10, 40, 60, 90))
        change_capacity(self.session, self.activity.sessions[0], capacity=wanted, actor=STAFF, now=NOW)
        if wanted != self.model.capacity:
            self.model.capacity = wanted
            self.model.move_up()

    def quota(self) -> None:
        school, wanted = self.dice.choice(self.schools), self.dice.choice((None, 5, 20, 45))
        set_quota(self.session, self.activity, school, wanted, actor=STAFF, now=NOW)
        self.model.quotas.pop(school.id, None)
        if wanted is not None:
            self.model.quotas[school.id] = wanted
        self.model.move_up()

    def hold(self) -> None:
        school, wanted = self.dice.choice((None, *self.schools)), self.dice.randint(1, 12)
        refused = self.model.free_for(None) < wanted
        try:
            hold_places(self.session, self.activity, school, wanted, session_id=None, actor=STAFF, now=NOW)
            assert not refused
        except RuleBroken:
            assert refused
            return
        self.model.holds.append([school.id if school else None, wanted])

    def release(self) -> None:
        standing = list_holds(self.session, self.activity)
        if not standing:
            return
        index = self.dice.randrange(len(standing))
        release_hold(self.session, self.activity, standing[index][0].code, actor=STAFF, now=NOW)
        live = [hold for hold in self.model.holds if hold[1]]
        self.model.holds.remove(live[index])
        self.model.move_up()

    def check(self) -> None:
        rows = self.session.scalars(select(Registration).execution_options(populate_existing=True)).all()
        assert {row.id: (row.state, row.headcount) for row in rows} == {
            seat.id: (seat.state, seat.people) for seat in self.model.seats.values()
        }
        pool = read_pools(self.session, self.activity)[None]
        assert not any(pool.room.has_room(each.headcount, each.unit_id) for each in pool.line)  # no place is idle


@pytest.mark.lengthens
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_places_agree_with_the_model_after_every_step(
    app: Flask, seed: int, record_property: Callable[[str, object], None]
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        walk = Walk(tx, app, seed)
        for _ in range(STEPS):
            walk.step()
    record_property("steps", STEPS)


def test_a_line_that_is_served_from_its_end_is_found(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control."""
    monkeypatch.setattr("app.registration.places.promote", lambda line, *, room: promote(line[::-1], room=room))

    def walk_on() -> None:
        with transaction(db.session) as tx:
            walk = Walk(tx, app, 1)
            for _ in range(200):
                walk.step()

    with app.app_context(), pytest.raises(AssertionError):
        walk_on()
