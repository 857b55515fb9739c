"""What was typed outlives an old page and the other size, without scripts; nothing of it counts by itself."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from app.kernel.clock import now
from tests.web.checkin.browser import PHONE, code_of, digits, enrol, hidden, make, outcomes, press, scan, totals
from tests.web.scan.party import enrol_class

LATE = timedelta(seconds=121)


def fields_of(page: str, way: str) -> dict[str, str]:
    """Names and values of all inputs in the form of this way."""
    forms = re.findall(r"<form.*?</form>", page, re.S)
    form = next(each for each in forms if f'name="way" value="{way}"' in each and "<label" in each)
    inputs = re.findall(r"<input[^>]*>", form)
    found = [(re.search(r'name="([^"]+)"', each), re.search(r'value="([^"]*)"', each)) for each in inputs]
    return {name[1]: value[1] if value else "" for name, value in found if name}


def for_size(page: str) -> tuple[str, dict[str, str]]:
    """Where the header's form for the other size goes, with all that it carries and its button pressed."""
    header = page.split("<main", maxsplit=1)[0]
    action = re.search(r'<form method="post" action="([^"]+)"', header)
    assert action, "the page has nothing to lose, and is asked for again"
    button = re.search(r'<button[^>]*name="size" value="(\w+)"', header)
    assert button
    return action[1], dict(re.findall(r'name="([^"]+)" value="([^"]*)"', header.split("</form>")[0])) | {
        "size": button[1]
    }


def test_what_was_typed_into_an_old_page_is_there_after_a_new_scan(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    _, elsewhere = make(app, title="另一场")
    page = scan(app, client, session)
    with time_machine.travel(now() + LATE, tick=False):
        assert "再扫一次大屏" in press(client, session, page, "walk_in", people="4", name="王奶奶").text
        again = scan(app, client, session)
        typed = fields_of(again, "walk_in")
        assert (typed["people"], typed["name"]) == ("4", "王奶奶")
        assert "王奶奶" not in scan(app, client, elsewhere), "it is kept for this session"
        assert "王奶奶" not in scan(app, app.test_client(), session), "and in this browser"
        assert press(client, session, again, "walk_in", people="4", name="王奶奶").status_code == 200
        assert "<b>4人</b>，王奶奶" in scan(app, client, session)
        assert fields_of(scan(app, client, session), "walk_in")["name"] == "", "once signed in, it is forgotten"
    assert totals(app, session).total == 4


def test_where_nothing_was_typed_nothing_is_kept(app: Flask, client: FlaskClient) -> None:
    """A browser that keeps something is answered by the slower way, so the many that were late alone keep nothing."""
    _, session = make(app)
    page = scan(app, client, session)
    with time_machine.travel(now() + LATE, tick=False):
        press(client, session, page, "walk_in", people="1")
        assert client.get_cookie("typed", path=f"/s/{session}") is None
        press(client, session, page, "walk_in", people="2")
        assert client.get_cookie("typed", path=f"/s/{session}") is not None  # control


def test_what_is_kept_cannot_be_made_up(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    client.set_cookie("typed", "eyJuYW1lIjoiXHU1NDM0In0.made-up", path=f"/s/{session}")
    assert fields_of(scan(app, client, session), "walk_in")["name"] == ""


@pytest.mark.parametrize("again_by", ["digits", "scan"])
def test_a_teachers_number_by_code_outlives_an_old_page(app: Flask, client: FlaskClient, again_by: str) -> None:
    code, session = make(app, takes_parties=True)
    ticket = code_of(app, enrol_class(app, code, pupils=40, adults=2))
    asked = press(client, session, scan(app, client, session), "registered", tail=ticket).text
    with time_machine.travel(now() + LATE, tick=False):
        typed = {"tail": ticket, "count_as": "first", "people": "20"}
        old = press(client, session, asked, "registered", **typed).text
        if again_by == "digits":
            form = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', old)) | {
                "digits": digits(app, session)
            }
            fresh = client.post("/s", data=form).text
        else:
            fresh = scan(app, client, session)
        fields = fields_of(fresh, "registered")
        assert (fields["tail"], fields["people"], fields["count_as"]) == (ticket, "20", "first")
        assert re.search(r'class="btn main-act wide-act"[^>]*>([^<]+)', fresh)[1] == "按报名签到"  # type: ignore[index]
        done = client.post(f"/s/{session}", data=fields)
    assert "20人" in done.text and done.status_code == 200
    assert totals(app, session).d == 20


def test_the_other_size_keeps_the_grant_and_what_was_typed(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    wrong = press(client, session, page, "walk_in", people="70", name="王奶奶").text
    action, form = for_size(wrong)
    large = client.post(action, data=form)
    assert large.status_code == 200
    assert 'data-size="large"' in large.text
    assert hidden(large.text, "grant") == hidden(page, "grant")
    assert fields_of(large.text, "walk_in")["name"] == "王奶奶"
    assert outcomes(app) == []
    back = client.post(for_size(large.text)[0], data=for_size(large.text)[1])
    assert "data-size" not in back.text.split(">", maxsplit=2)[1]
    assert press(client, session, large.text, "walk_in", people="2").status_code == 200
    assert totals(app, session).total == 2


@pytest.mark.parametrize("way", ["walk_in", "mine"])
def test_a_whole_form_that_is_sent_for_the_size_counts_nobody(app: Flask, client: FlaskClient, way: str) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    assert press(client, session, page, way, people="2", size="large", ticket="x").status_code == 200
    assert outcomes(app) == []
    press(client, session, page, "walk_in", people="2")
    assert outcomes(app) == ["accepted"]  # control: it was the size


def test_the_other_size_of_an_old_page_and_of_the_digits_keeps_what_was_typed(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    with time_machine.travel(now() + LATE, tick=False):
        old = press(client, session, page, "walk_in", people="4", name="王奶奶").text
        for text in (old, client.post("/s", data={"digits": "12", "name": "王奶奶"}).text):
            action, form = for_size(text)
            answer = client.post(action, data=form)
            assert answer.status_code == 200
            assert (
                'data-size="large"' in answer.text and 'value="王奶奶"' in answer.text and 'id="digits"' in answer.text
            )


@pytest.mark.parametrize("is_hot", [True, False])
def test_the_other_size_of_a_result_is_the_same_result(app: Flask, client: FlaskClient, is_hot: bool) -> None:
    code, session = make(app)
    enrol(app, code, adults=3, phone=PHONE)
    page = scan(app, client, session)
    way = {"way": "walk_in", "people": "3"} if is_hot else {"way": "registered", "tail": "1234"}
    done = press(client, session, page, **way).text
    action, form = for_size(done)
    large = client.post(action, data=form)
    assert 'data-size="large"' in large.text
    assert '<h1 id="r1">已签到</h1>' in large.text and "3人" in large.text
    assert outcomes(app) == ["accepted"]


def test_a_page_that_holds_nothing_is_asked_for_again(app: Flask, client: FlaskClient) -> None:
    _, later = make(app, starts_at=now() + timedelta(hours=3))
    assert "<form" not in scan(app, client, later).split("<main", maxsplit=1)[0]
