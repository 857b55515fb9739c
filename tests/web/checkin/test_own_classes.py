"""A teacher's classes on the venue's page: each with its name, its own number, its own error; far too many is asked once."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.checkin.rules import PARTY_MOST, is_far_above
from app.kernel.clock import now
from tests.web.checkin.browser import code_of, hidden, make, outcomes, press, scan, totals
from tests.web.checkin.test_arrive import remember, remember_more
from tests.web.checkin.test_known_again import headings
from tests.web.scan.party import enrol_class


def class_forms(page: str) -> list[dict[str, str]]:
    """Each class's form: what stands in its fields, and the error in it."""
    found = []
    for form in re.findall(r"<form.*?</form>", page.split("<main", maxsplit=1)[1], re.S):
        if 'name="way" value="class"' in form:
            fields = dict(re.findall(r'<input[^>]* name="([^"]+)"[^>]* value="([^"]*)"', form))
            error = re.search(r'class="err".*?</svg>(.*?)</p>', form, re.S)
            found.append({**fields, "error": error[1] if error else ""})
    return found


def report(client: FlaskClient, session: str, form: dict[str, str], people: str) -> tuple[int, str]:
    sent = {name: value for name, value in form.items() if name != "error"} | {"people": people}
    answer = client.post(f"/s/{session}", data=sent)
    return answer.status_code, answer.text


@pytest.fixture
def own(app: Flask, client: FlaskClient) -> tuple[str, str]:
    """Codes of an activity and its session; this browser holds the ticket of a class of 42."""
    code, session = make(app, takes_parties=True, capacity=500)
    remember(app, client, code, enrol_class(app, code, pupils=40, adults=2))
    return code, session


def test_two_classes_have_their_names_and_each_its_own_number_and_error(
    app: Flask, client: FlaskClient, own: tuple[str, str]
) -> None:
    code, session = own
    second = enrol_class(app, code, pupils=30, adults=1, classes=2, school="示例第二小学", phone="13900139000")
    remember_more(app, client, code, second)
    page = scan(app, client, session)
    assert headings(page)[:2] == ["三年级2班", "三年级2班、三年级3班"]
    _one, two = class_forms(page)
    status, refused = report(client, session, two, "0")
    assert status == 422
    one, two = class_forms(refused)
    assert (one["people"], one["error"]) == ("42", "")
    assert (two["people"], two["error"]) == ("0", f"还没有签上。人数请填1到{PARTY_MOST}的整数。")
    assert report(client, session, two, "62")[0] == 200
    assert totals(app, session).d == 62


def test_the_second_teacher_is_told_what_was_reported_and_asked_for_those_who_came_after(
    app: Flask, client: FlaskClient, own: tuple[str, str]
) -> None:
    code, session = own
    (old,) = class_forms(scan(app, client, session))
    kept, colleague = client.get_cookie("mine"), app.test_client()
    assert kept is not None
    colleague.set_cookie("mine", kept.value)
    assert report(colleague, session, class_forms(scan(app, colleague, session))[0], "20")[0] == 200
    status, told = report(client, session, old, "42")
    assert status == 409
    (form,) = class_forms(told)
    assert re.search(r"这个班刚才已报20人（\d\d:\d\d），您这次填的没有计数。又来了一批，就在这里再报。", form["error"])
    assert (form["people"], form["count_as"]) == ("22", "part"), (
        "what was said of all is no number of those who came after"
    )
    assert report(client, session, old, "42") == (status, told), "a reload says the same"
    assert form["grant"] != old["grant"]
    for _ in range(2):
        assert report(client, session, form, "18")[0] == 200
    assert totals(app, session).d == 38
    _, again = report(client, session, old, "42")  # back, and sent once more: the same successor, which is used up
    assert class_forms(again)[0]["grant"] == form["grant"]
    report(client, session, class_forms(again)[0], "18")
    assert totals(app, session).d == 38
    assert outcomes(app) == ["accepted", "quarantined", "accepted"]
    assert code


def test_the_successor_ends_when_the_first_grant_ends(app: Flask, client: FlaskClient, own: tuple[str, str]) -> None:
    _code, session = own
    (old,) = class_forms(scan(app, client, session))
    report(client, session, class_forms(scan(app, client, session))[0], "20")
    _, told = report(client, session, old, "42")
    (form,) = class_forms(told)
    with time_machine.travel(now() + timedelta(seconds=121), tick=False):
        assert report(client, session, form, "18")[0] == 422
        status, late = report(client, session, old, "42")
    assert status == 409 and "已报20人" in late and "请再扫一次大屏" in late
    assert 'id="digits"' in late
    assert totals(app, session).d == 20


def test_a_number_far_above_the_registered_is_asked_once_and_not_lost(
    app: Flask, client: FlaskClient, own: tuple[str, str]
) -> None:
    _code, session = own
    page = scan(app, client, session)
    assert f'data-max="{PARTY_MOST}"' in page
    status, asked = report(client, session, class_forms(page)[0], "1999")
    (form,) = class_forms(asked)
    assert status == 422
    assert form["error"].startswith("还没有签上。报名42人，您填了1999人，对吗？")
    assert (form["people"], form["sure"]) == ("1999", "1999")
    assert report(client, session, form, "1998")[0] == 422, "another number is another question"
    assert outcomes(app) == []
    assert report(client, session, form, "1999")[0] == 200
    assert totals(app, session).d == 1999


def test_a_class_by_code_is_asked_too(app: Flask, client: FlaskClient) -> None:
    code, session = make(app, takes_parties=True)
    ticket = code_of(app, enrol_class(app, code, pupils=40, adults=2))
    page = scan(app, client, session)
    typed = {"tail": ticket, "count_as": "first", "people": "400"}
    asked = press(client, session, page, "registered", **typed)
    assert asked.status_code == 422 and "报名42人，您填了400人，对吗？" in asked.text
    assert press(client, session, page, "registered", **typed, sure=hidden(asked.text, "sure")).status_code == 200
    assert totals(app, session).d == 400


@pytest.mark.parametrize(
    ("people", "expected", "is_far"),
    [(84, 42, False), (85, 42, True), (25, 5, False), (26, 5, True), (2000, 0, False), (1, 1, False)],
)
def test_far_is_more_than_double_and_twenty_more(people: int, expected: int, is_far: bool) -> None:
    assert is_far_above(people, expected) is is_far


def test_a_class_that_was_reported_by_code_is_known_and_its_next_bus_needs_no_code(
    app: Flask, client: FlaskClient
) -> None:
    code, session = make(app, takes_parties=True)
    ticket = code_of(app, enrol_class(app, code, pupils=40, adults=2))
    page = scan(app, client, session)
    done = press(client, session, page, "registered", tail=ticket, count_as="first", people="20").text
    assert "后面还有一批？再扫一次大屏" in done
    page = scan(app, client, session)
    assert "三年级2班" not in page, "who knows a code learns no more than the number"
    assert "没报名，现场登记" not in page and "已登记20人" in page
    (form,) = class_forms(page)
    assert form["people"] == "22"
    status, refused = report(client, session, form, "0")
    assert status == 422 and class_forms(refused)[0]["error"]
    assert "20人，一共40人" in report(client, session, form, "20")[1]
    assert totals(app, session).d == 40
    stranger = app.test_client()  # control: without the mark the key is nothing
    theirs = {**form, "grant": hidden(scan(app, stranger, session), "grant")}
    assert report(stranger, session, theirs, "2")[0] == 422


def test_the_question_for_a_class_has_a_way_back(app: Flask, client: FlaskClient) -> None:
    code, session = make(app, takes_parties=True)
    ticket = code_of(app, enrol_class(app, code, pupils=40, adults=2))
    page = scan(app, client, session)
    asked = press(client, session, page, "registered", tail=ticket).text
    assert "不是这个班，返回" in asked
    assert "核验" not in asked
    back = press(client, session, asked, "back", tail=ticket)
    assert back.status_code == 200
    assert hidden(back.text, "grant") == hidden(page, "grant")
    assert f'value="{ticket}"' in back.text and "没报名，现场登记" in back.text
    assert outcomes(app) == []


def test_a_reported_class_on_an_old_code_stands_alone(app: Flask, client: FlaskClient, own: tuple[str, str]) -> None:
    _code, session = own
    report(client, session, class_forms(scan(app, client, session))[0], "42")
    page = client.get(f"/s/{session}?k=old").text
    assert "已登记42人" in page and "三年级2班" in page
    assert "已经换过" not in page and 'id="digits"' not in page
