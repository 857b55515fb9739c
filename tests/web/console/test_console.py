"""The console: desk that confirms, walk-ins, counts, undo, window, printed code; own unit only."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.attempts import Attempt
from app.kernel.clock import now
from app.kernel.database import transaction
from tests.cast import make_cast
from tests.factories import make_activity
from tests.web.checkin.browser import PHONE, code_of, count, enrol, hidden, make, outcomes, totals

SignIn = Callable[[FlaskClient, str], None]


@pytest.fixture
def place(app: Flask, client: FlaskClient, sign_in: SignIn) -> tuple[str, str]:
    """Codes of an open activity of 示例甲镇 and its session; `client` is its organizer."""
    with app.app_context(), transaction(db.session) as tx:
        activity = make_activity(tx, host=make_cast(tx).town, starts_at=now() - timedelta(minutes=5))
        codes = activity.code, activity.sessions[0].code
    sign_in(client, "jingban")
    return codes


def url(place: tuple[str, str], verb: str) -> str:
    return f"/activities/{place[0]}/console/{place[1]}/{verb}"


def uid_of(page: str, suffix: str) -> str:
    found = re.search(rf'name="uid" value="([^"]+{suffix})"', page)
    assert found
    return found[1]


@pytest.mark.parametrize("by", ["code", "tail"])
def test_the_desk_finds_shows_and_counts_only_when_confirmed(
    app: Flask, client: FlaskClient, place: tuple[str, str], by: str
) -> None:
    secret = enrol(app, place[0], adults=3, phone=PHONE, name="示例王小明")
    typed = code_of(app, secret) if by == "code" else "1234"
    page = client.post(url(place, "find"), data={"typed": typed})
    assert page.status_code == 200
    assert "示＊＊" in page.text
    assert "王小明" not in page.text
    assert outcomes(app) == []
    form = {
        "uid": uid_of(page.text, "a"), "registration": hidden(page.text, "registration"),
        "method": hidden(page.text, "method"), "people": "2",
    }  # fmt: skip
    for _ in range(2):  # a double click is one
        assert client.post(url(place, "arrive"), data=form).status_code == 303
    assert totals(app, place[1]).a == 2
    assert outcomes(app) == ["accepted"]
    assert "已于" in client.post(url(place, "find"), data={"typed": typed}).text


def test_what_the_desk_does_not_find_is_said_and_counted(
    app: Flask, client: FlaskClient, place: tuple[str, str]
) -> None:
    answer = client.post(url(place, "find"), data={"typed": "9999"})
    assert answer.status_code == 422
    assert "没有找到" in answer.text
    assert 'value="9999"' in answer.text
    assert count(app, Attempt) == 1


def test_walk_ins_by_the_desk_are_counted_not_verified(app: Flask, client: FlaskClient, place: tuple[str, str]) -> None:
    page = client.get(f"/activities/{place[0]}/console").text
    form = {"uid": uid_of(page, "b"), "people": "4"}
    for _ in range(2):
        client.post(url(place, "walk-in"), data=form)
    assert (totals(app, place[1]).d, totals(app, place[1]).total) == (4, 4)
    for wrong in ("0", "7", "x"):
        answer = client.post(url(place, "walk-in"), data={"uid": "form-id-0000000001", "people": wrong})
        assert answer.status_code == 422
        assert "没有登记" in answer.text


def test_a_paper_sheet_is_entered_once(app: Flask, client: FlaskClient, place: tuple[str, str]) -> None:
    page = client.get(f"/activities/{place[0]}/console").text
    form = {"uid": uid_of(page, "c"), "adults": "２", "children": "38", "from": "paper"}
    for _ in range(2):
        assert client.post(url(place, "count"), data=form).status_code == 303
    assert totals(app, place[1]).d == 40
    answer = client.post(url(place, "count"), data={**form, "uid": "form-id-0000000002", "adults": "two"})
    assert answer.status_code == 422
    assert 'value="two"' in answer.text
    checked = r'<input[^>]*value="(\w+)" checked>'
    assert re.findall(checked, answer.text) == ["paper"]
    form |= {"uid": "form-id-0000000002", "adults": "two", "from": "count"}
    assert re.findall(checked, client.post(url(place, "count"), data=form).text) == ["count"]


def test_an_undo_asks_for_a_reason(app: Flask, client: FlaskClient, place: tuple[str, str]) -> None:
    client.post(url(place, "walk-in"), data={"uid": "form-id-0000000003", "people": "2"})
    page = client.get(f"/activities/{place[0]}/console").text
    address = re.search(r'href="([^"]+/undo/[^"]+)"', page)
    assert address
    assert "为什么撤销" in client.get(address[1]).text
    assert client.post(address[1], data={}).status_code == 422
    assert totals(app, place[1]).total == 2
    assert client.post(address[1], data={"reason": "wrong_count"}).status_code == 303
    assert totals(app, place[1]).total == 0
    assert client.get(address[1]).status_code == 404
    assert client.post(address[1], data={"reason": "wrong_count"}).status_code == 409


def test_the_window_and_the_printed_code_are_set_by_hand(
    app: Flask, client: FlaskClient, place: tuple[str, str]
) -> None:
    client.post(url(place, "window"), data={"verb": "close"})
    assert "签到已关闭" in client.get(f"/activities/{place[0]}/console").text
    client.post(url(place, "window"), data={"verb": "open"})
    assert client.post(url(place, "window"), data={"verb": "forever"}).status_code == 409
    assert client.get(url(place, "printed")).status_code == 302
    client.post(url(place, "printed-code"), data={"verb": "on"})
    assert "plate" in client.get(url(place, "printed")).text
    client.post(url(place, "printed-code"), data={"verb": "off"})
    with app.app_context():
        activity = db.session.scalars(select(Activity)).one()
        assert (activity.printed_code_on, activity.printed_code_version) == (False, 2)


def test_each_fragment_is_a_part_and_the_page_stays_quick(
    client: FlaskClient, app: Flask, place: tuple[str, str], statements: list[str]
) -> None:
    enrol(app, place[0])
    client.get(f"/activities/{place[0]}/console")
    statements.clear()
    page = client.get(f"/activities/{place[0]}/console?missing=1")
    assert "还没来的" in page.text
    assert len(statements) <= 12
    for part in ("live", "list", "code"):
        address = f"/activities/{place[0]}/console?session={place[1]}&part={part}"
        statements.clear()
        fragment = client.get(address, headers={"HX-Request": "true"}).text
        assert fragment.lstrip().startswith(f'<div id="{part}"')
        assert len(statements) <= 8
        assert client.get(address).text.lstrip().startswith("<!doctype html>")


def test_a_foreign_activity_is_not_found_and_writes_nothing(
    app: Flask, client: FlaskClient, place: tuple[str, str], sign_in: SignIn
) -> None:
    foreign, leader = app.test_client(), app.test_client()
    sign_in(foreign, "yizhen")
    sign_in(leader, "lingdao")
    other = make(app, title="别处的")
    for verb, form in (
        ("find", {"typed": "1234"}), ("arrive", {"uid": "form-id-0000000004"}), ("count", {"uid": "form-id-0000000004"}),
        ("walk-in", {"uid": "form-id-0000000004", "people": "1"}), ("window", {"verb": "close"}),
        ("printed-code", {"verb": "on"}), ("screen", {}), ("undo/anything", {"reason": "test"}),
    ):  # fmt: skip
        assert foreign.post(url(place, verb), data=form).status_code == 404, verb
        assert leader.post(url(place, verb), data=form).status_code == 403, verb
        if verb not in ("printed-code", "undo/anything"):  # those name the activity alone
            strange = f"/activities/{place[0]}/console/{other[1]}/{verb}"
            assert client.post(strange, data=form).status_code == 404, verb
    assert foreign.get(f"/activities/{place[0]}/console").status_code == 404
    assert outcomes(app) == []


def at_the_desk(page: str) -> str:
    """What stands between the desk's heading and its first form."""
    return page.split('id="c2"')[1].split("<form", maxsplit=1)[0]


def test_what_the_desk_did_is_said_at_the_desk(app: Flask, client: FlaskClient, place: tuple[str, str]) -> None:
    def add(uid: str) -> str:
        return client.post(url(place, "walk-in"), data={"uid": uid, "people": "2"}, follow_redirects=True).text

    page = add("form-id-0000000001")
    assert "签到成功，2人" in at_the_desk(page) and page.count("签到成功，2人") == 1
    client.post(url(place, "window"), data={"verb": "close"})
    refused = add("form-id-0000000002")
    assert "先按“现在打开”" in at_the_desk(refused) and "告诉主办单位" not in refused
    closed = client.post(url(place, "window"), data={"verb": "open"}, follow_redirects=True).text
    assert "签到已打开" in closed and "签到已打开" not in at_the_desk(closed)  # what is not the desk's stands on top
    assert totals(app, place[1]).total == 2
