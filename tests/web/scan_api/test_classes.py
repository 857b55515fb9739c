"""A class at the gate: its number is said by somebody, adds or stands for all, and is never assumed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from app.activities.models import Activity
from app.checkin.models import CheckIn, HeldScan, Method
from app.checkin.service import Arrival, check_in
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import digest
from app.registration.indexes import ticket_code
from app.registration.models import Registration
from tests.web.scan.party import enrol_class
from tests.web.scan_api.conftest import Gate, uid

Make = Callable[..., Gate]
SignIn = Callable[[FlaskClient, str], None]
REGISTERED = 42


@pytest.fixture
def school(gate: Make) -> tuple[Gate, str]:
    """A gate, and the secret of a class of 42."""
    g = gate(takes_parties=True)
    return g, enrol_class(g.app, g.activity, pupils=40, adults=2, school="示例第七小学")


def grades(g: Gate) -> tuple[int, ...]:
    """扫码核验, 现场码, 张贴码, 清点/补录 of all that are here."""
    columns = CheckIn.grade_a, CheckIn.grade_b, CheckIn.grade_c, CheckIn.grade_d
    with g.app.app_context():
        row = db.session.execute(select(*(func.coalesce(func.sum(column), 0) for column in columns))).one()
        return tuple(int(value) for value in row)


def reported(g: Gate, people: int) -> None:
    """The teacher's own number."""
    with g.app.app_context(), transaction(db.session) as tx:
        activity = tx.execute(select(Activity).where(Activity.code == g.activity)).scalar_one()
        party = tx.execute(select(Registration).where(Registration.kind == "party")).scalar_one()
        own = Arrival(uid(), activity.sessions[0].id, Method.PARTY_OWN, party.id, children=people)
        assert check_in(tx, own, now=now()).is_new


def held(g: Gate) -> list[tuple[str, int]]:
    with g.app.app_context():
        rows = db.session.scalars(select(HeldScan).order_by(HeldScan.id))
        return [(row.state, row.people) for row in rows]


def test_a_typed_code_without_a_number_counts_nobody_and_asks(school: tuple[Gate, str]) -> None:
    g, secret = school
    code, phone = ticket_code(g.app.extensions["keys"], secret), g.pair()
    scan = g.scan(code=code, by="typed")
    (answer,) = g.send(phone, scan)
    assert (answer["stored"], answer["tone"], answer["ask"], answer["expected"]) == (
        True,
        "amber",
        "number",
        REGISTERED,
    )
    assert answer["name"] == "三年级2班"
    assert grades(g) == (0, 0, 0, 0)
    assert g.send(phone, scan) == [answer]
    number = g.scan(code=code, by="typed", people=38, count_as="first", refers_to=scan["uid"])
    (counted,) = g.send(phone, number)
    assert (counted["outcome"], counted["people"], counted["here"]) == ("accepted", 38, 38)
    assert g.send(phone, number, scan)[0] == counted
    assert grades(g) == (38, 0, 0, 0)
    assert held(g) == [("withdrawn", 0)], "nobody has to decide on it any more"


def test_a_ticket_that_the_phone_did_not_know_for_a_class_waits_for_the_organizer(
    school: tuple[Gate, str], sign_in: SignIn
) -> None:
    g, secret = school
    g.send(g.pair(), g.scan(digest(secret)), g.scan(digest(secret)))
    assert grades(g) == (0, 0, 0, 0)
    sign_in(g.client, "jingban")
    page = g.client.get(f"/activities/{g.activity}/held").text
    assert "没有报人数" in page
    assert f'value="{REGISTERED}"' not in page, "a number that nobody said"
    assert f"报名{REGISTERED}人</small>" in page and " required" in page
    first, second = _held_codes(g)
    address = f"/activities/{g.activity}/held/{first}"
    for wrong in ("", "0", "-1", "2001", "很多"):
        answer = g.client.post(address, data={"verb": "count", "people": wrong})
        assert answer.status_code == 422, wrong
        assert 'aria-invalid="true"' in answer.text
    assert grades(g) == (0, 0, 0, 0)
    assert g.client.post(address, data={"verb": "count", "people": "37"}).status_code == 303
    assert grades(g) == (37, 0, 0, 0)
    page = g.client.get(f"/activities/{g.activity}/held").text
    assert "一共这么多" in page
    assert f"报名{REGISTERED}人，已到37人" in page and 'value="5"' not in page
    g.client.post(f"/activities/{g.activity}/held/{second}", data={"verb": "whole", "people": "39"})
    assert grades(g) == (39, 0, 0, 0)


def _held_codes(g: Gate) -> list[str]:
    with g.app.app_context():
        return list(db.session.scalars(select(HeldScan.code).order_by(HeldScan.id)))


def test_a_helpers_number_for_all_replaces_the_teachers_and_its_undo_brings_that_back(
    school: tuple[Gate, str],
) -> None:
    g, secret = school
    phone, ticket = g.pair(), digest(secret)
    reported(g, 38)
    assert grades(g) == (0, 0, 0, 38)
    g.pass_time(seconds=30)
    whole = g.scan(ticket, people=38, count_as="whole")
    (answer,) = g.send(phone, whole)
    assert (answer["outcome"], answer["message"], answer["here"]) == ("accepted", "人数已核对", 38)
    assert grades(g) == (38, 0, 0, 0)
    g.pass_time(seconds=30)
    g.send(phone, g.scan(ticket, people=4, count_as="part"))
    assert grades(g) == (42, 0, 0, 0)
    g.send(phone, g.scan(kind="undo", refers_to=whole["uid"]))
    assert grades(g) == (4, 0, 0, 38)


def test_a_number_for_all_made_offline_replaces_only_what_had_happened_by_then(school: tuple[Gate, str]) -> None:
    g, secret = school
    phone, ticket = g.pair(), digest(secret)
    reported(g, 20)
    g.pass_time(minutes=5)
    whole = g.scan(ticket, people=19, count_as="whole")
    g.pass_time(minutes=5)
    reported(g, 18)
    answer = g.send(phone, whole)[0]
    assert answer["outcome"] == "accepted"
    assert grades(g) == (19, 0, 0, 18)


def test_two_phones_with_old_rosters_do_not_count_a_class_twice(school: tuple[Gate, str], sign_in: SignIn) -> None:
    g, secret = school
    one, other, ticket = g.pair(), g.pair(), digest(secret)
    g.send(one, g.scan(ticket, people=38, count_as="first"))
    late = g.scan(ticket, people=38, count_as="first", ago=5)
    (answer,) = g.send(other, late)
    assert (answer["outcome"], answer["ask"], answer["here"]) == ("quarantined", "which", 38)
    assert grades(g) == (38, 0, 0, 0)
    sign_in(g.client, "jingban")
    assert "别处报过数" in g.client.get(f"/activities/{g.activity}/held").text
    (answer,) = g.send(other, g.scan(ticket, people=39, count_as="whole", refers_to=late["uid"]))
    assert (answer["outcome"], answer["here"]) == ("accepted", 39)
    assert grades(g) == (39, 0, 0, 0)
    assert held(g) == [("withdrawn", 38)]


@pytest.mark.parametrize(
    ("people", "kind", "words"),
    [(0, "arrival", "后来报了人数"), (38, "arrival", "后来报了人数"), (0, "undo", "签到员已撤回")],
)
def test_what_was_answered_is_not_said_to_be_taken_back(
    school: tuple[Gate, str], sign_in: SignIn, people: int, kind: str, words: str
) -> None:
    """Typed without a number, or counted elsewhere meanwhile; the undo is the control."""
    g, secret = school
    phone, ticket = g.pair(), digest(secret)
    if people:
        g.send(g.pair(), g.scan(ticket, people=people, count_as="first"))
    scan = g.scan(ticket, people=people or None, count_as="first")
    g.send(phone, scan)
    more = {"people": 39, "count_as": "whole"} if kind == "arrival" else {}
    g.send(phone, g.scan(ticket if more else None, kind=kind, refers_to=scan["uid"], **more))
    assert held(g) == [("withdrawn", people)]
    sign_in(g.client, "jingban")
    page = g.client.get(f"/activities/{g.activity}/held").text
    assert [each for each in ("后来报了人数", "签到员已撤回") if each in page] == [words]
    assert "都处理完了。" in page


def test_a_number_for_a_scan_that_the_organizer_has_decided_on_meanwhile_waits_as_well(
    school: tuple[Gate, str], sign_in: SignIn
) -> None:
    g, secret = school
    phone, scan = g.pair(), g.scan(digest(secret))
    g.send(phone, scan)
    sign_in(g.client, "jingban")
    g.client.post(f"/activities/{g.activity}/held/{_held_codes(g)[0]}", data={"verb": "count", "people": "38"})
    (answer,) = g.send(phone, g.scan(digest(secret), people=38, count_as="first", refers_to=scan["uid"]))
    assert answer["outcome"] == "quarantined"
    assert grades(g) == (38, 0, 0, 0)


def test_a_number_names_no_other_tickets_scan_and_no_other_phones(school: tuple[Gate, str]) -> None:
    """Negative control: what is asked of one waits on."""
    g, secret = school
    one, other = g.pair(), g.pair()
    scan, family = g.scan(digest(secret)), g.enrol(2)[0]
    g.send(one, scan)
    g.send(one, g.scan(family, refers_to=scan["uid"]))
    g.send(other, g.scan(digest(secret), people=3, refers_to=scan["uid"]))
    assert held(g) == [("open", 0)]


def test_an_older_page_that_says_nothing_adds(school: tuple[Gate, str]) -> None:
    g, secret = school
    phone = g.pair()
    for people in (20, 18):
        event = g.scan(digest(secret), people=people)
        assert "count_as" not in event
        assert g.send(phone, event)[0]["outcome"] == "accepted"
    assert grades(g) == (38, 0, 0, 0)


def test_a_word_that_nobody_knows_is_refused_and_the_phone_keeps_it(school: tuple[Gate, str]) -> None:
    g, secret = school
    event: dict[str, Any] = g.scan(digest(secret), people=20, count_as="all of them")
    (answer,) = g.send(g.pair(), event)
    assert (answer["stored"], answer["outcome"]) == (False, "refused")


def test_a_class_of_a_revoked_phone_is_in_no_lot(school: tuple[Gate, str], sign_in: SignIn) -> None:
    """How many, and whether they are more of those here, is asked of each."""
    g, secret = school
    phone, tickets = g.pair(), [g.enrol()[0], g.enrol()[0]]
    events = [g.scan(ticket) for ticket in [*tickets, digest(secret)]]
    g.pass_time(minutes=1)
    sign_in(g.client, "jingban")
    with g.app.app_context():
        from app.checkin.models import DeviceGrant

        code = db.session.execute(select(DeviceGrant.code)).scalar_one()
    g.client.post(f"/activities/{g.activity}/console/phones/{code}/revoke")
    g.pass_time(minutes=1)
    g.send(phone, *events)
    assert "这2条都算到场" in g.client.get(f"/activities/{g.activity}/held").text
    g.client.post(f"/activities/{g.activity}/held/phones/{code}")
    assert [state for state, _people in held(g)] == ["counted", "counted", "open"]
