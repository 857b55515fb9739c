"""Where units have quotas, a person says which unit it is, and that unit's quota binds."""

from __future__ import annotations

import pytest
from flask import Flask

from app.activities.queries import get_activity
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.database import transaction
from app.kernel.errors import RuleBroken
from app.registration.entering import OTHER_UNIT, Entry, register
from app.registration.models import Registration
from app.registration.places import read_pools
from app.registration.service import change_headcount
from app.registration.settings import set_quota
from tests.factories import NOW, make_activity, make_unit


@pytest.fixture
def codes(app: Flask) -> dict[str, str]:
    """An activity with ten places, of which three at most are for one town; another town has no quota."""
    with app.app_context(), transaction(db.session) as tx:
        activity, town, other = make_activity(tx, capacity=10), make_unit(tx), make_unit(tx)
        set_quota(tx, activity, town, 3, actor=SYSTEM, now=NOW)
        return {"activity": activity.code, "town": town.code, "foreign": other.code}


def come(app: Flask, code: str, from_unit: str | None, adults: int = 1) -> str:
    with app.app_context(), transaction(db.session) as tx:
        entry = Entry(None, "示例", adults, 0, "", True, "", "", from_unit=from_unit)
        return register(tx, get_activity(tx, code), entry, keys=app.extensions["keys"], now=NOW).registration.state


def test_the_quota_binds_persons_and_the_rest_stays_for_others(app: Flask, codes: dict[str, str]) -> None:
    assert come(app, codes["activity"], codes["town"], 2) == "confirmed"
    assert come(app, codes["activity"], codes["town"], 2) == "waitlisted"
    assert come(app, codes["activity"], OTHER_UNIT, 6) == "confirmed"
    assert come(app, codes["activity"], codes["town"]) == "confirmed"  # the last of the town's; two do not fit
    assert come(app, codes["activity"], codes["town"]) == "waitlisted"


@pytest.mark.parametrize("typed", ["", "foreign", "x" * 12])
def test_the_question_has_to_be_answered_with_what_is_offered(app: Flask, codes: dict[str, str], typed: str) -> None:
    with pytest.raises(RuleBroken, match="从哪个单位来"):
        come(app, codes["activity"], codes.get(typed, typed))


def test_without_the_question_nobody_is_bound(app: Flask, codes: dict[str, str]) -> None:
    """Negative control: it is the unit that binds."""
    assert come(app, codes["activity"], None, 6) == "confirmed"


def test_more_companions_need_room_in_the_quota_too(app: Flask, codes: dict[str, str]) -> None:
    come(app, codes["activity"], codes["town"], 3)
    with app.app_context(), pytest.raises(RuleBroken), transaction(db.session) as tx:
        change_headcount(tx, tx.query(Registration).one(), adults=4, children=0, now=NOW)


def test_where_no_unit_has_a_quota_nothing_is_asked(app: Flask, codes: dict[str, str]) -> None:
    with app.app_context(), transaction(db.session) as tx:
        plain = make_activity(tx, capacity=5).code
    assert come(app, plain, "") == "confirmed"
    with app.app_context():
        assert read_pools(db.session(), get_activity(db.session(), plain))[None].room.used == {}
