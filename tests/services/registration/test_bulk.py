"""A roster of many rows ends where one registration after another would: same states, same queue, same counts."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.activities.models import Activity, PlaceHold, PlaceQuota
from app.extensions import db
from app.kernel.actor import Actor
from app.kernel.database import transaction
from app.kernel.errors import RuleBroken
from app.organisation.models import Unit, UnitKind
from app.registration.bulk import register_many
from app.registration.entering import Entry, PartyEntry, PhoneTaken, register, register_party
from app.registration.models import PartyClass, PersonalDetail, Registration
from app.registration.rules import ClassEntry
from tests.factories import NOW, make_activity, make_unit

STAFF = Actor(kind="user", name="示例经办人", user_code="staff0000001")


@pytest.fixture
def tx(app: Flask) -> Iterator[Session]:
    with app.app_context(), transaction(db.session) as session:
        yield session


def limited(session: Session, units: list[Unit], **columns: Any) -> Activity:
    """An activity with some who registered and wait already, quotas and places kept free."""
    activity = make_activity(
        session, starts_at=NOW + timedelta(days=3), sessions=3, capacity=60, takes_parties=True, **columns
    )
    sessions = [row.id for row in activity.sessions]
    session.add_all(
        [
            PlaceQuota(activity_id=activity.id, unit_id=units[0].id, places=25),
            PlaceHold(activity_id=activity.id, unit_id=units[1].id, places=20, created_at=NOW),
            PlaceHold(activity_id=activity.id, unit_id=units[1].id, session_id=sessions[1], places=9, created_at=NOW),
            PlaceHold(activity_id=activity.id, unit_id=None, places=5, created_at=NOW),
        ]
    )
    session.flush()
    return activity


def entries(activity: Activity, units: list[Unit], count: int) -> list[Entry | PartyEntry]:
    dice, made = random.Random(7), list[Entry | PartyEntry]()
    for number in range(count):
        where, phone = dice.choice(activity.sessions).code, f"13900{number:06d}"
        unit = dice.choice([None, *units])
        if unit is not None and dice.random() < 0.2:
            classes = tuple(ClassEntry(f"{n}班", dice.randint(1, 9), 1) for n in range(dice.randint(1, 3)))
            made.append(PartyEntry(where, unit.id, classes, "示例老师", phone, True, "", ""))
        else:
            people = dice.randint(1, 4)
            made.append(
                Entry(where, f"示例{number}", people, dice.randint(0, 3), phone if number % 3 else "", True, "", "", unit_id=unit.id if unit else None)
            )  # fmt: skip
    return made


def outcome(session: Session, activity: Activity) -> list[tuple[Any, ...]]:
    names = {row.id: row.label for row in activity.sessions}
    rows = session.execute(
        select(Registration, PersonalDetail.name)
        .join(PersonalDetail, PersonalDetail.registration_id == Registration.id)
        .where(Registration.activity_id == activity.id)
        .order_by(Registration.id)
    )
    return [
        (r.state, r.queue, r.kind, r.adults, r.children, r.unit_id, names.get(r.session_id), name) for r, name in rows
    ]


def holds(session: Session, activity: Activity) -> list[int]:
    return list(
        session.scalars(select(PlaceHold.places).where(PlaceHold.activity_id == activity.id).order_by(PlaceHold.id))
    )


@pytest.mark.parametrize("attendance", ["choose_one", "all"])
def test_many_at_once_end_as_one_after_another(app: Flask, tx: Session, attendance: str) -> None:
    keys, units = app.extensions["keys"], [make_unit(tx, kind=UnitKind.SCHOOL) for _ in range(3)]
    slow, fast = (limited(tx, units, attendance=attendance) for _ in range(2))
    for activity in (slow, fast):  # a line stands already
        for entry in entries(activity, units, 60)[:12]:
            early = Entry(entry.session_code, "示例早到", 3, 0, "", True, "", "", unit_id=entry.unit_id)
            register(tx, activity, early, keys=keys, now=NOW)
    for entry in entries(slow, units, 200):
        if isinstance(entry, PartyEntry):
            register_party(tx, slow, entry, keys=keys, now=NOW, actor=STAFF)
        else:
            register(tx, slow, entry, keys=keys, now=NOW, actor=STAFF)
    made = register_many(tx, fast, entries(fast, units, 200), keys=keys, now=NOW, actor=STAFF)
    assert len(made) == 200
    assert outcome(tx, fast) == outcome(tx, slow)
    assert holds(tx, fast) == holds(tx, slow)
    states = [row[0] for row in outcome(tx, fast)]
    assert {"confirmed", "waitlisted"} <= set(states)
    assert holds(tx, fast) != [20, 9, 5]  # places kept free were used, so that the comparison sees it


def test_the_classes_and_the_consent_of_the_desk_are_kept(app: Flask, tx: Session) -> None:
    school, activity = make_unit(tx, kind=UnitKind.SCHOOL), make_activity(tx, takes_parties=True)
    entry = PartyEntry(None, school.id, (ClassEntry("一班", 30, 2, 1),), "示例老师", "13900000001", True, "", "")
    register_many(tx, activity, [entry], keys=app.extensions["keys"], now=NOW, actor=STAFF)
    row = tx.scalars(select(Registration).where(Registration.activity_id == activity.id)).one()
    assert (row.consent_version, row.consented_at, row.headcount) == ("desk-2026-11", NOW, 32)
    assert tx.scalars(select(PartyClass.without_photo).where(PartyClass.registration_id == row.id)).one() == 1


def test_one_wrong_entry_or_one_taken_phone_refuses_all(app: Flask) -> None:
    keys = app.extensions["keys"]
    with app.app_context(), transaction(db.session) as tx:
        key = make_activity(tx).id
    good, nameless = (Entry(None, name, 1, 0, "13900000001", True, "", "") for name in ("示例甲", ""))
    for wrong, error in (([nameless], RuleBroken), ([good, good], PhoneTaken)):
        with app.app_context(), pytest.raises(error), transaction(db.session) as tx:
            register_many(tx, tx.get_one(Activity, key), wrong, keys=keys, now=NOW, actor=STAFF)
    with app.app_context():
        assert not db.session.scalars(select(Registration)).all()
    with app.app_context(), transaction(db.session) as tx:
        assert len(register_many(tx, tx.get_one(Activity, key), [good], keys=keys, now=NOW, actor=STAFF)) == 1
