"""Every page of taking part in Chromium at 390 and 1280 px: axe finds nothing, nothing scrolls sideways."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from playwright.sync_api import Browser
from sqlalchemy import select

from app.activities.models import ActivityUnit, UnitPart
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from app.organisation.queries import actor_of
from app.registration.entering import PartyEntry, register_party
from app.registration.guardians import ask_guardian
from app.registration.models import Registration
from app.registration.rules import ClassEntry
from app.registration.settings import add_question, hold_places, set_quota
from app.web.assets import sync_assets
from tests.browser import in_turn
from tests.cast import make_cast
from tests.conftest import Live
from tests.factories import make_activity
from tests.web.journey.people import Person
from tests.web.journey.test_pages import faults_of

pytestmark = [pytest.mark.published, pytest.mark.sqlite_only]  # pages are the same on both databases
SIZES = ((390, 844), (1280, 900))


@pytest.fixture
def pages(app: Flask) -> dict[str, list[str]]:
    """Addresses by login, "" for participants: an open activity with a class, questions and places kept, and a camp."""
    sync_assets()
    moment, keys = now(), app.extensions["keys"]
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        actor = actor_of(tx, cast.organizer)
        fair = make_activity(
            tx, host=cast.town, takes_parties=True, leaves_school=True, needs_approval=True, sends_mail=True,
            starts_at=moment + timedelta(minutes=30),
        )  # fmt: skip
        camp = make_activity(
            tx, host=cast.town, names_minors=True, starts_at=moment + timedelta(days=9), title="夏令营"
        )
        tx.add(ActivityUnit(activity_id=fair.id, unit_id=cast.school.id, part=UnitPart.TAKING_PART.value))
        add_question(
            tx,
            fair,
            sort="several_of",
            wording="想学什么",
            options=("剪纸", "面塑"),
            is_required=True,
            actor=actor,
            now=moment,
        )
        set_quota(tx, fair, cast.school, 45, actor=actor, now=moment)
        hold_places(tx, fair, cast.school, 5, session_id=None, actor=actor, now=moment)
        party = register_party(
            tx, fair,
            PartyEntry(None, cast.school.id, (ClassEntry("三年级2班", 38, 2, 1),), "张老师", "13800138000", True, random_secret(), ""),
            keys=keys, now=moment,
        )  # fmt: skip
        party.registration.state = "confirmed"
        fair_form = f"/a/{fair.code}"
        waiting = tx.scalars(select(Registration)).one()
        _camper, link = ask_guardian(tx, camp, session_code=None, keys=keys, actor=actor, now=moment)
        desk = f"/activities/{fair.code}/registrations"
        return {
            "": [
                fair_form, f"{fair_form}/class", f"{fair_form}/lost", f"/t/{party.secret}", f"/t/{party.secret}/classes",
                f"/t/{party.secret}/data", f"/a/{camp.code}", f"/a/{camp.code}/child", f"/g/{link}", "/schools", "/feedback",
                "/feedback/receipt",
            ],
            "jingban": [
                f"/activities/{fair.code}/registration", desk, f"{desk}?state=pending", f"{desk}/import",
                f"{desk}/{waiting.code}/relink", f"/activities/{fair.code}/console", f"/activities/{fair.code}/mail",
                f"/activities/{camp.code}/registrations", f"/activities/{camp.code}/registrations/minors",
            ],
            "shenhe": ["/feedback/desk"],
        }  # fmt: skip


def test_every_page_of_taking_part_reads_well(
    pages: dict[str, list[str]], live_server: Live, chromium: Browser
) -> None:
    faults = {}
    for width, size in enumerate(SIZES):
        for login, addresses in pages.items():
            person = Person(chromium, live_server.url, size)
            if login:
                person.sign_in(login)
            for address in addresses:
                person.open(address)
                if found := faults_of(person.page, axe=address in in_turn(addresses, width)):
                    faults[f"{address} {size[0]}"] = found
            person.leave()
    assert faults == {}
