"""People and classes rush for the same places while others cancel: never one over, never a place idle while one fits."""

from __future__ import annotations

import os
import random
import secrets
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from sqlalchemy import select

from app.activities.queries import get_activity
from app.extensions import db
from app.kernel.actor import PARTICIPANT
from app.kernel.database import transaction
from app.organisation.models import UnitKind
from app.registration import places
from app.registration.entering import Entry, PartyEntry, register, register_party
from app.registration.models import Registration
from app.registration.places import read_pools
from app.registration.rules import ClassEntry, InLine, Room
from app.registration.service import cancel_registration
from tests.factories import NOW, make_activity, make_unit

pytestmark = pytest.mark.serial
FULL = os.environ.get("SHILIU_PROOF") == "full"
PHONES, PLACES = (2_000, 500) if FULL else (300, 80)
CLIENTS = 12


def rush(app: Flask, *, phones: int = PHONES, seed: int = 7) -> tuple[int, int, list[InLine], Room]:
    """(people with a place, people waiting, the line, the room) after all have come and some have gone."""
    with app.app_context(), transaction(db.session) as tx:
        code = make_activity(tx, capacity=PLACES, takes_parties=True).code
        school = make_unit(tx, kind=UnitKind.SCHOOL).id
    dice = random.Random(seed)
    here: list[int] = []  # who has registered by now; somebody who came earlier gives the place back
    plans = [(dice.random(), dice.randint(1, 45), dice.randint(1, 7), dice.random() / 4) for _ in range(phones)]

    def one(number: int) -> None:
        chance, pupils, people, whose = plans[number]
        with app.app_context():
            with transaction(db.session) as tx:
                activity = get_activity(tx, code)
                if chance < 0.15:
                    entry = PartyEntry(
                        None,
                        school,
                        (ClassEntry("一班", pupils, 0),),
                        "张老师",
                        f"138{number:08d}",
                        True,
                        secrets.token_urlsafe(16),
                        "",
                    )
                    made = register_party(tx, activity, entry, keys=app.extensions["keys"], now=NOW).registration
                else:
                    person = Entry(None, "示例", people, 0, "", True, secrets.token_urlsafe(16), f"b{number:021d}")
                    made = register(tx, activity, person, keys=app.extensions["keys"], now=NOW).registration
                here.append(made.id)
            if chance > 0.75:
                with transaction(db.session) as tx:
                    cancel_registration(
                        tx, tx.get_one(Registration, here[int(whose * len(here))]), actor=PARTICIPANT, now=NOW
                    )

    with ThreadPoolExecutor(CLIENTS) as pool:
        list(pool.map(one, range(phones)))
    with app.app_context():
        activity = get_activity(db.session(), code)
        pool_now = read_pools(db.session(), activity)[None]
        rows = db.session.scalars(select(Registration)).all()
        waiting = [InLine(r.id, r.headcount, r.unit_id) for r in rows if r.state == "waitlisted"]
        taken = sum(r.headcount for r in rows if r.state in ("confirmed", "pending"))
        db.session.rollback()
    return taken, sum(each.headcount for each in waiting), waiting, pool_now.room


def test_never_one_over_and_no_place_idle_while_somebody_fits(
    app: Flask, record_property: Callable[[str, object], None]
) -> None:
    taken, waiting, line, room = rush(app)
    assert taken == room.taken <= PLACES
    assert waiting > 0
    assert [each for each in line if room.has_room(each.headcount, each.unit_id)] == []
    for name, value in (("phones", PHONES), ("places", PLACES), ("taken", taken), ("waiting", waiting)):
        record_property(name, value)


def test_without_promotion_places_stay_idle(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """Negative control: a freed place that nobody is given."""
    monkeypatch.setattr(places, "promote", lambda _line, *, room: [])
    _taken, _waiting, line, room = rush(app, phones=PHONES // 2)
    assert [each for each in line if room.has_room(each.headcount, each.unit_id)] != []
