"""400 pupils in ten minutes: in parts, through three helpers, one of them without network, one whose answers get lost."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.checkin.corrections import rebuild_check_ins
from app.checkin.models import CheckIn, HeldScan
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from app.organisation.models import UnitKind
from app.registration.entering import PartyEntry, register_party
from app.registration.rules import ClassEntry
from tests.factories import make_unit
from tests.web.scan_api.conftest import Gate

Make = Callable[..., Gate]
MINUTES = 10


@dataclass
class Helper:
    """A phone at the gate: what it still holds, and every batch that it ever sent."""

    secret: str
    queue: list[dict[str, Any]] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)

    def sync(self, g: Gate, *, loses: bool = False) -> None:
        batch, rest = self.queue[:50], self.queue[50:]
        answers = g.send(self.secret, *batch, waiting=len(self.queue))
        assert all(answer["stored"] for answer in answers), answers
        self.sent += batch
        if not loses:  # an answer that nobody heard leaves the queue as it was
            self.queue = rest


def enrol(g: Gate) -> dict[str, int]:
    """Hash of each ticket → people: one school's ticket for five classes, another's five; 400 pupils, 20 grown-ups."""
    with g.app.app_context(), transaction(db.session) as tx:
        activity = tx.execute(select(Activity)).scalar_one()
        schools = [make_unit(tx, name=f"示例第{n}小学", kind=UnitKind.SCHOOL) for n in ("八", "九")]
        classes = [ClassEntry(f"{n}年级1班", 40, 2) for n in "一二三四五"]
        wishes = [(schools[0].id, tuple(classes)), *((schools[1].id, (one,)) for one in classes)]
        found = {}
        for number, (school, listed) in enumerate(wishes):
            entry = PartyEntry(
                None, school, listed, "张老师", f"1380013800{number}", True, random_secret(), random_secret()
            )
            done = register_party(tx, activity, entry, keys=g.app.extensions["keys"], now=now())
            found[str(done.registration.secret_hash)] = done.registration.headcount
    assert sum(found.values()) == 420
    return found


def parts(people: int, dice: random.Random) -> list[int]:
    """A party by the busload."""
    found = []
    while people:
        found.append(min(people, dice.randint(8, 30)))
        people -= found[-1]
    return found


def live_count(g: Gate, browser: FlaskClient) -> int:
    """The large figure of the console, as it polls it."""
    page = browser.get(f"/activities/{g.activity}/console?part=live", headers={"HX-Request": "true"}).text
    found = re.search(r'class="huge-fig">(?:<a [^>]*>)?([\d ,\u202f\u2009]+)(?:</a>)? <small>', page)
    return int(re.sub(r"\D", "", found[1])) if found else 0


def state(g: Gate) -> list[tuple[int, int]]:
    with g.app.app_context():
        return sorted((row.registration_id, row.headcount) for row in db.session.scalars(select(CheckIn)))


def walk(
    g: Gate, browser: FlaskClient, dice: random.Random, *, forgets: bool = False
) -> tuple[list[Helper], list[int]]:
    """Ten minutes at the gate; the live count after each. `forgets`: a helper that throws its queue away offline."""
    tickets = enrol(g)
    helpers = [Helper(g.pair(label=f"东门{n}")) for n in (1, 2, 3)]
    arrivals = [(hash_, size) for hash_, people in tickets.items() for size in parts(people, dice)]
    dice.shuffle(arrivals)
    slip = dice.randrange(len(arrivals))  # one helper types 99 for one part and takes it back
    seen = []
    for minute in range(MINUTES):
        for number in range(minute, len(arrivals), MINUTES):
            ticket, size = arrivals[number]
            helper = dice.choice(helpers)
            if number == slip:
                wrong = g.scan(ticket, people=99)
                helper.queue += [wrong, g.scan(kind="undo", refers_to=wrong["uid"])]
            helper.queue.append(g.scan(ticket, people=size))
        g.pass_time(seconds=50)
        for place, helper in enumerate(helpers):
            is_offline = place == 1 and 2 <= minute < 8
            if is_offline and forgets:
                helper.queue = []
            if not is_offline:
                helper.sync(g, loses=place == 2 and minute % 2 == 0)
        g.pass_time(seconds=10)
        seen.append(live_count(g, browser))
    for helper in helpers:
        while helper.queue:
            helper.sync(g)
    return helpers, [*seen, live_count(g, browser)]


@pytest.mark.parametrize("seed", range(3))
def test_three_helpers_bring_four_hundred_in_and_everybody_is_counted_once(
    gate: Make, sign_in: Callable[[FlaskClient, str], None], seed: int
) -> None:
    g = gate(takes_parties=True, capacity=500)
    browser = g.app.test_client()
    sign_in(browser, "jingban")
    helpers, seen = walk(g, browser, random.Random(seed))
    assert seen == sorted(seen) and seen[-1] == 420, seen
    assert seen[4] < 420, "the one without network has not told yet"
    once = state(g)
    assert [people for _, people in once] == [210, 42, 42, 42, 42, 42]
    with g.app.app_context():
        assert db.session.scalars(select(HeldScan)).all() == []
        assert {row.grade_a for row in db.session.scalars(select(CheckIn))} == {210, 42}
    for helper in helpers:  # everything once more, as after a lost evening
        for start in range(0, len(helper.sent), 50):
            g.send(helper.secret, *helper.sent[start : start + 50])
    assert state(g) == once
    with g.app.app_context(), transaction(db.session) as tx:
        rebuild_check_ins(tx, tx.execute(select(Activity.id)).scalar_one())
    assert state(g) == once and live_count(g, browser) == 420


def test_a_helper_that_forgets_its_queue_is_missed(gate: Make, sign_in: Callable[[FlaskClient, str], None]) -> None:
    """Negative control."""
    g = gate(takes_parties=True, capacity=500)
    browser = g.app.test_client()
    sign_in(browser, "jingban")
    _helpers, seen = walk(g, browser, random.Random(0), forgets=True)
    assert 0 < seen[-1] < 420
