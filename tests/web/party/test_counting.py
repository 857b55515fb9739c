"""Who counts a class, and how: the teacher by tail, staff on its ticket, the desk. Asked, never assumed, never doubled."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.checkin.models import CheckIn, CheckInEvent
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from tests.cast import make_cast
from tests.factories import make_activity
from tests.web.checkin.browser import code_of, hidden, scan
from tests.web.scan.party import enrol_class

SignIn = Callable[[FlaskClient, str], None]
REGISTERED = 42


class Place:
    """An activity of 示例甲镇 with a class of 42 on its list, registered by another browser."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        with app.app_context(), transaction(db.session) as tx:
            activity = make_activity(tx, host=make_cast(tx).town, takes_parties=True, starts_at=now())
            self.activity, self.session = activity.code, activity.sessions[0].code
        self.secret = enrol_class(app, self.activity, pupils=40, adults=2, school="示例第七小学")

    def grades(self) -> tuple[int, int]:
        """(扫码核验, 清点/补录)."""
        with self.app.app_context():
            row = db.session.scalar(select(CheckIn))
            return (row.grade_a, row.grade_d) if row else (0, 0)


@pytest.fixture
def place(app: Flask) -> Place:
    return Place(app)


def form_of(page: str, marker: str) -> dict[str, str]:
    """The hidden fields of the form in which `marker` stands."""
    whole = next(form for form in re.findall(r"<form.*?</form>", page, re.S) if marker in form)
    return dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', whole))


def by_tail(place: Place, client: FlaskClient, **more: str) -> Any:
    """The first step of 我已报名 with the class's short code; the answer and what its form holds."""
    page = scan(place.app, client, place.session)
    first = {"grant": hidden(page, "grant"), "activity": place.activity, "way": "registered"}
    return client.post(f"/s/{place.session}", data={**first, "tail": code_of(place.app, place.secret), **more})


def test_a_teacher_who_registered_elsewhere_is_asked_and_nobody_counts_before(
    place: Place, client: FlaskClient
) -> None:
    for tail in (code_of(place.app, place.secret), "8000"):
        asked = by_tail(place, client, tail=tail)
        assert asked.status_code == 200
        assert "来了几人" in asked.text
        assert "报名42人" in asked.text
        assert "三年级2班" not in asked.text, "who knows a tail learns no more than the number"
    assert place.grades() == (0, 0)
    form = form_of(asked.text, 'aria-labelledby="ka"')
    assert form["count_as"] == "first"
    for _ in range(2):
        done = client.post(f"/s/{place.session}", data={**form, "people": "38"})
        assert done.status_code == 200
        assert "38人" in done.text
    assert place.grades() == (0, 38)


def test_whoever_knows_the_tail_adds_nothing_by_itself(place: Place, client: FlaskClient) -> None:
    """The second browser sees what was reported; a page that is older than that adds nothing."""
    old = form_of(by_tail(place, client).text, 'aria-labelledby="ka"')
    other = place.app.test_client()
    assert (
        other.post(
            f"/s/{place.session}", data={**form_of(by_tail(place, other).text, 'aria-labelledby="ka"'), "people": "38"}
        ).status_code
        == 200
    )
    again = client.post(f"/s/{place.session}", data={**old, "people": "42"})
    assert again.status_code == 409
    assert "已登记38人" in again.text
    assert place.grades() == (0, 38)
    form = form_of(again.text, 'aria-labelledby="ka"')
    assert form["count_as"] == "part"
    assert client.post(f"/s/{place.session}", data={**form, "people": "4"}).status_code == 200
    assert place.grades() == (0, 42)


@pytest.mark.parametrize("people", ["", "0", "2001", "很多"])
def test_a_number_that_cannot_be_stays_in_the_form(place: Place, client: FlaskClient, people: str) -> None:
    form = form_of(by_tail(place, client).text, 'aria-labelledby="ka"')
    wrong = client.post(f"/s/{place.session}", data={**form, "people": people})
    assert wrong.status_code == 422
    assert 'aria-invalid="true"' in wrong.text
    assert form_of(wrong.text, 'aria-labelledby="ka"')["tail"] == form["tail"]
    assert place.grades() == (0, 0)


def report(place: Place, people: int) -> None:
    """The teacher's own number, from the class ticket."""
    client = place.app.test_client()
    form = {"uid": random_secret(), "session": place.session, "count_as": "part", "people": str(people)}
    assert client.post(f"/t/{place.secret}/arrived", data=form).status_code == 303


def test_an_old_class_ticket_does_not_count_the_class_again(place: Place, client: FlaskClient) -> None:
    report(place, 38)
    stale = {"uid": random_secret(), "session": place.session, "count_as": "first", "people": "38"}
    assert client.post(f"/t/{place.secret}/arrived", data=stale).status_code == 303
    assert place.grades() == (0, 38)
    replacing = {**stale, "uid": random_secret(), "count_as": "whole"}
    client.post(f"/t/{place.secret}/arrived", data=replacing)
    assert place.grades() == (0, 38), "a number for all is not the teacher's to say"


def test_staff_check_the_teachers_number_on_the_ticket_and_it_is_not_added(
    place: Place, client: FlaskClient, sign_in: SignIn
) -> None:
    sign_in(client, "jingban")
    address = f"/t/{place.secret}"
    before = client.get(address).text
    report(place, 38)
    page = client.get(address).text
    assert "已报38人" in page
    assert re.search(r'name="whole"[^>]*value="38"', page), "checking begins with what was reported"
    assert re.search(r'name="part"[^>]*value="4"', page)
    stale = {"uid": hidden(before, "uid"), "session": place.session, "count_as": "first", "people": "42"}
    told = client.post(f"{address}/check-in", data=stale)
    assert told.status_code == 303
    assert "已有人报过数" in client.get(address).text
    assert place.grades() == (0, 38)
    form = {"uid": random_secret(), "session": place.session, "count_as": "whole", "whole": "38", "part": "4"}
    done = client.post(f"{address}/check-in", data=form)
    assert "人数已核对" in done.text
    assert "三年级2班" in done.text
    assert place.grades() == (38, 0)
    client.post(f"{address}/check-in", data=form)
    assert place.grades() == (38, 0)
    more = {**form, "uid": random_secret(), "count_as": "part"}
    assert "一共到了42人" in client.post(f"{address}/check-in", data=more).text
    assert place.grades() == (42, 0)


def test_a_class_without_a_number_is_not_counted_on_its_ticket_either(
    place: Place, client: FlaskClient, sign_in: SignIn
) -> None:
    sign_in(client, "jingban")
    form = {"uid": random_secret(), "session": place.session, "people": ""}
    assert client.post(f"/t/{place.secret}/check-in", data=form).status_code == 303
    assert "没有报来了几人" in client.get(f"/t/{place.secret}").text
    assert place.grades() == (0, 0)


def test_the_second_bus_is_counted_at_the_desk_which_names_the_class(
    place: Place, client: FlaskClient, sign_in: SignIn
) -> None:
    sign_in(client, "jingban")
    console = f"/activities/{place.activity}/console/{place.session}"
    typed = {"typed": code_of(place.app, place.secret)}
    found = client.post(f"{console}/find", data=typed).text
    assert "示例第七小学 三年级2班" in found
    first = form_of(found, "/arrive")
    assert first["count_as"] == "first"
    client.post(f"{console}/arrive", data={**first, "people": "20"})
    assert place.grades() == (20, 0)
    found = client.post(f"{console}/find", data=typed).text
    assert "不用再签" not in found
    assert "已报20人" in found
    second = form_of(found, "/arrive")
    client.post(f"{console}/arrive", data={**second, "count_as": "part", "whole": "20", "part": "18"})
    assert "一共到了38人" in client.get(f"/activities/{place.activity}/console").text
    assert place.grades() == (38, 0)
    client.post(f"{console}/arrive", data={**first, "uid": random_secret(), "people": "42"})
    assert place.grades() == (38, 0), "a form that is older than the second bus"
    third = form_of(client.post(f"{console}/find", data=typed).text, "/arrive")
    client.post(f"{console}/arrive", data={**third, "count_as": "whole", "whole": "40", "part": "1"})
    assert "已核对：40人" in client.get(f"/activities/{place.activity}/console").text
    assert place.grades() == (40, 0)


def test_the_console_counts_a_class_of_which_nobody_has_reported(
    place: Place, client: FlaskClient, sign_in: SignIn
) -> None:
    sign_in(client, "jingban")
    page = client.get(f"/activities/{place.activity}/console").text
    action = re.search(r'action="([^"]+/party/[^"]+)"', page)
    assert action
    form = form_of(page, "/party/")
    assert client.post(action[1], data={**form, "people": "39"}).status_code == 303
    assert place.grades() == (39, 0)
    client.post(action[1], data={**form, "uid": random_secret(), "people": "42"})
    assert place.grades() == (39, 0)
    with place.app.app_context():
        assert [e.outcome for e in db.session.scalars(select(CheckInEvent))] == ["accepted", "quarantined"]


def check(place: Place, client: FlaskClient, people: int) -> str:
    """Staff count the class on its ticket; the id of the event."""
    uid = random_secret()
    form = {"uid": uid, "session": place.session, "count_as": "whole", "whole": str(people)}
    client.post(f"/t/{place.secret}/check-in", data=form)
    return uid


def test_an_undone_check_goes_back_to_what_the_teacher_reported(
    place: Place, client: FlaskClient, sign_in: SignIn
) -> None:
    sign_in(client, "jingban")
    report(place, 38)
    uid = check(place, client, 36)
    assert place.grades() == (36, 0)
    console = f"/activities/{place.activity}/console/{place.session}"
    assert client.post(f"{console}/undo/{uid}", data={"reason": "wrong_count"}).status_code == 303
    assert place.grades() == (0, 38)


def test_a_number_that_was_replaced_says_so_and_its_undo_takes_nobody_away(
    place: Place, client: FlaskClient, sign_in: SignIn
) -> None:
    sign_in(client, "jingban")
    report(place, 38)
    check(place, client, 36)
    page = client.get(f"/activities/{place.activity}/console").text
    rows = re.findall(r"<li>.*?</li>", page.split('id="list"')[1].split("</ol>")[0], re.S)
    assert ["已按后来核对的数计" in row for row in rows] == [False, True]
    undo = [found[1] for row in rows if (found := re.search(r'href="([^"]+/undo/[^"]+)"', row))]
    assert "总数不变" in client.get(undo[1]).text and "人数会减掉" in client.get(undo[0]).text
    done = client.post(undo[1], data={"reason": "wrong_count"}, follow_redirects=True).text
    assert "总数没有变" in done and place.grades() == (36, 0)
    done = client.post(undo[0], data={"reason": "wrong_count"}, follow_redirects=True).text
    assert "已撤销，少了36人" in done and place.grades() == (0, 0)


def test_the_undo_of_a_lower_check_says_how_many_more_are_here(
    place: Place, client: FlaskClient, sign_in: SignIn
) -> None:
    sign_in(client, "jingban")
    report(place, 38)
    uid = check(place, client, 30)
    undo = f"/activities/{place.activity}/console/{place.session}/undo/{uid}"
    assert "多了8人" in client.post(undo, data={"reason": "wrong_count"}, follow_redirects=True).text


@pytest.mark.parametrize("door", ["desk", "console", "ticket"])
def test_a_number_far_above_the_registered_is_asked_once_whoever_types_it(
    place: Place, client: FlaskClient, sign_in: SignIn, door: str
) -> None:
    sign_in(client, "jingban")
    console = f"/activities/{place.activity}/console/{place.session}"
    if door == "desk":
        page, marker = client.post(f"{console}/find", data={"typed": code_of(place.app, place.secret)}).text, "/arrive"
        action = f"{console}/arrive"
    elif door == "console":
        page, marker = client.get(f"/activities/{place.activity}/console").text, "/party/"
        action = re.findall(r'action="([^"]+/party/[^"]+)"', page)[0]
    else:
        page, marker = client.get(f"/t/{place.secret}").text, "/check-in"
        action = f"/t/{place.secret}/check-in"
    form = form_of(page, marker)
    asked = client.post(action, data={**form, "people": "420"})
    assert asked.status_code == 200 and "来了420人，对吗？" in asked.text and "报名42人" in asked.text
    assert place.grades() == (0, 0), "nothing counts before the answer"
    again = form_of(asked.text, "sure")
    assert again["sure"] == "420"
    other = client.post(action, data={**again, "people": "430"})
    assert "来了430人，对吗？" in other.text and place.grades() == (0, 0)  # sure of another number
    assert client.post(action, data=again).status_code in (200, 303)
    assert place.grades() == (420, 0)


def test_a_number_that_may_well_be_is_not_asked(place: Place, client: FlaskClient, sign_in: SignIn) -> None:
    """Negative control: twice as many as registered, and not one more."""
    sign_in(client, "jingban")
    page = client.get(f"/activities/{place.activity}/console").text
    action = re.findall(r'action="([^"]+/party/[^"]+)"', page)[0]
    assert client.post(action, data={**form_of(page, "/party/"), "people": "84"}).status_code == 303
    assert place.grades() == (84, 0)
