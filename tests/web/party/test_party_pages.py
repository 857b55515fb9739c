"""A teacher registers classes, changes them, says how many came in parts; the desk confirms; no script, no name of a child."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.checkin.codes import live_key, step_of
from app.checkin.models import CheckIn
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from app.organisation.models import Unit
from app.registration.indexes import invitation_key
from app.registration.models import PartyClass, Registration
from app.registration.settings import hold_places
from tests.cast import make_cast
from tests.factories import make_activity


@pytest.fixture
def codes(app: Flask) -> dict[str, str]:
    """An activity that takes parties, open for sign-in, with 100 places; its school and its host's people."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        activity = make_activity(
            tx, host=cast.town, takes_parties=True, capacity=100, starts_at=now() + timedelta(minutes=20)
        )
        return {
            "activity": activity.code, "session": activity.sessions[0].code, "school": cast.school.code,
            "town": cast.town.code,
        }  # fmt: skip


def filled(codes: dict[str, str], **changes: str) -> dict[str, str]:
    values = {
        "submission": random_secret(), "school": codes["school"], "classes-0-label": "三年级2班", "classes-0-pupils": "38",
        "classes-0-adults": "2", "classes-0-without_photo": "3", "name": "张老师", "phone": "138 0013 8000", "consent": "y",
        "second_name": "",
    }  # fmt: skip
    return {**values, **changes}


def register(client: FlaskClient, codes: dict[str, str], **changes: str) -> str:
    """The address of the class ticket."""
    answer = client.post(f"/a/{codes['activity']}/class", data=filled(codes, **changes))
    assert answer.status_code == 303, re.findall(r'class="err"[^>]*>.*?</p>', answer.text)
    return str(answer.headers["Location"])


def only(app: Flask) -> Registration:
    with app.app_context():
        row = db.session.scalars(select(Registration)).one()
        db.session.expunge_all()
        return row


def came(client: FlaskClient, page: str, people: str) -> str:
    """The form of the ticket page, sent with this number; the page after it."""
    uid = re.search(r'name="uid" value="([^"]+)"', client.get(page).text)
    assert uid
    session = re.search(r'name="session" value="([^"]+)"', client.get(page).text)
    assert session
    said = re.search(r'name="count_as" value="([^"]+)"', client.get(page).text)
    assert said
    form = {"uid": uid[1], "session": session[1], "count_as": said[1], "people": people}
    answer = client.post(f"{page}/arrived", data=form)
    assert answer.status_code == 303, answer.text
    return client.get(page).text


def test_a_class_is_registered_by_head_count_and_gets_one_code(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    assert "只填人数，不填学生姓名" in client.get(f"/a/{codes['activity']}/class").text
    page = client.get(register(client, codes)).text
    assert "班级码" in page
    assert "三年级2班" in page
    assert "3名学生不拍照" in page
    row = only(app)
    assert (row.kind, row.adults, row.children) == ("party", 2, 38)


def test_several_classes_in_one_form_and_an_empty_row_is_no_class(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    more = client.post(f"/a/{codes['activity']}/class", data=filled(codes, more="1")).text
    assert 'name="classes-1-label"' in more
    assert 'value="三年级2班"' in more
    register(client, codes, **{
        "classes-1-label": "三年级3班", "classes-1-pupils": "４０", "classes-1-adults": "1", "classes-1-without_photo": "",
        "classes-2-label": "", "classes-2-pupils": "", "classes-2-adults": "1",
    })  # fmt: skip
    with app.app_context():
        rows = db.session.scalars(select(PartyClass).order_by(PartyClass.position)).all()
        assert [(row.label, row.pupils) for row in rows] == [("三年级2班", 38), ("三年级3班", 40)]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"school": ""}, "请选学校"),
        ({"school": "nothing"}, "请选学校"),
        ({"classes-0-label": ""}, "请填年级和班"),
        ({"classes-0-label": "长" * 31}, "最多30字"),
        ({"classes-0-pupils": "0"}, "学生人数请填1到100"),
        ({"classes-0-pupils": "101"}, "学生人数请填1到100"),
        ({"classes-0-pupils": "很多"}, "请填整数"),
        ({"classes-0-without_photo": "39"}, "不能比学生多"),
        ({"classes-1-label": "三年级2班", "classes-1-pupils": "1", "classes-1-adults": "0"}, "填了两次"),
        ({"name": ""}, "请留一个称呼"),
        ({"phone": ""}, "请留手机号"),
        ({"phone": "123"}, "手机号不对"),
        ({"second_name": "robot"}, "按班报名"),
    ],
)
def test_what_cannot_be_is_said_beside_its_field_and_nothing_is_lost(
    app: Flask, client: FlaskClient, codes: dict[str, str], changes: dict[str, str], words: str
) -> None:
    answer = client.post(f"/a/{codes['activity']}/class", data=filled(codes, **changes))
    assert answer.status_code == 422
    assert words in answer.text
    assert "张老师" in answer.text or "name" in changes
    with app.app_context():
        assert db.session.scalars(select(Registration)).all() == []


def test_the_schools_consent_is_asked_only_where_it_leaves_the_school(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    address = f"/a/{codes['activity']}/class"
    assert 'name="consent"' not in client.get(address).text
    with app.app_context(), transaction(db.session) as tx:
        tx.query(Activity).one().leaves_school = True
    assert 'name="consent"' in client.get(address).text
    answer = client.post(address, data=filled(codes, consent=""))
    assert answer.status_code == 422
    assert "由学校勾选同意" in answer.text
    register(client, codes)
    assert only(app).consent_version.startswith("school-")


def test_an_invitation_fixes_the_school_and_a_forged_one_opens_nothing(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    key = invitation_key(app.extensions["keys"], codes["activity"], codes["school"])
    page = client.get(f"/a/{codes['activity']}/class?u={codes['school']}&k={key}").text
    assert "示例第一小学" in page
    assert 'name="school"' not in page
    register(client, codes, school="", u=codes["school"], k=key)
    for wrong in (f"u={codes['school']}&k=x", f"u={codes['town']}&k={key}", f"u=zzz&k={key}"):
        assert client.get(f"/a/{codes['activity']}/class?{wrong}").status_code == 404


def test_two_buses_add_up_and_the_desk_confirms(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Callable[[FlaskClient, str], None]
) -> None:
    page = register(client, codes)
    assert "已登记来了20人" in came(client, page, "20")
    assert "一共38人" in came(client, page, "18")
    with app.app_context():
        assert db.session.scalars(select(CheckIn.grade_d)).one() == 38
    desk = app.test_client()
    sign_in(desk, "jingban")
    console = f"/activities/{codes['activity']}/console"
    shown = desk.get(console).text
    found = re.search(rf'action="({console}/[^"]+/party/[^"]+)"', shown)
    assert found
    uid = re.search(r'name="uid" value="([^"]+)"', shown[found.start() :])
    assert uid
    assert desk.post(found[1], data={"uid": uid[1], "people": "37", "count_as": "whole"}).status_code == 303
    with app.app_context():
        row = db.session.scalars(select(CheckIn)).one()
        assert (row.grade_a, row.grade_d) == (37, 0)


@pytest.mark.parametrize("people", ["很多", "0", "2001", "-3"])
def test_a_number_that_cannot_be_is_refused(
    app: Flask, client: FlaskClient, codes: dict[str, str], people: str
) -> None:
    page = register(client, codes)
    text = client.get(page).text
    uid = re.search(r'name="uid" value="([^"]+)"', text)
    assert uid
    answer = client.post(f"{page}/arrived", data={"uid": uid[1], "session": codes["session"], "people": people})
    assert answer.status_code in (303, 422)
    with app.app_context():
        assert db.session.scalars(select(CheckIn)).all() == []


def test_classes_change_until_they_arrive(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    page = register(client, codes)
    assert 'value="三年级2班"' in client.get(f"{page}/classes").text
    changed = {
        "submission": random_secret(),
        "classes-0-label": "三年级2班",
        "classes-0-pupils": "35",
        "classes-0-adults": "1",
    }
    assert client.post(f"{page}/classes", data=changed).status_code == 303
    assert only(app).headcount == 36
    many = client.post(f"{page}/classes", data={**changed,
        "classes-1-label": "四年级1班", "classes-1-pupils": "80", "classes-1-adults": "1"
    })  # fmt: skip
    assert many.status_code == 422
    assert "名额不够" in many.text
    came(client, page, "20")
    assert client.post(f"{page}/classes", data=changed).status_code == 409
    assert only(app).headcount == 36


def test_a_class_goes_on_the_waitlist_whole(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    register(client, codes, **{"classes-0-pupils": "90"})
    other = app.test_client()
    page = other.get(register(other, codes, phone="13900139000")).text
    assert "候补" in page
    assert "名额不够整班参加" in page


def test_an_activity_without_parties_says_so(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    with app.app_context(), transaction(db.session) as tx:
        tx.query(Activity).one().takes_parties = False
    assert "不收团体报名" in client.get(f"/a/{codes['activity']}/class").text
    answer = client.post(f"/a/{codes['activity']}/class", data=filled(codes))
    assert answer.status_code == 422
    assert "按班报名" not in client.get(f"/a/{codes['activity']}").text


def test_the_venues_code_asks_a_class_how_many_came(app: Flask, client: FlaskClient, codes: dict[str, str]) -> None:
    register(client, codes)
    key = live_key(app.extensions["keys"], codes["session"], step_of(now()))
    for people, total in (("20", "20人"), ("18", "18人，一共38人")):
        page = client.get(f"/s/{codes['session']}?k={key}").text
        assert "三年级2班" in page
        form = {name: re.search(rf'name="{name}" value="([^"]+)"', page)[1] for name in ("grant", "ticket", "count_as")}  # type: ignore[index]
        done = client.post(f"/s/{codes['session']}", data={**form, "way": "class", "people": people})
        assert done.status_code == 200
        assert total in done.text
    with app.app_context():
        assert db.session.scalars(select(CheckIn.grade_d)).one() == 38


def labels(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(PartyClass.label).order_by(PartyClass.id)))


def test_a_teacher_sends_the_second_class_on_a_form_of_its_own(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    phone = app.test_client()
    first = register(phone, codes)
    second = register(phone, codes, **{"classes-0-label": "三年级3班"})
    assert first != second
    assert labels(app) == ["三年级2班", "三年级3班"]
    assert "三年级3班" in phone.get(second).text
    stranger = app.test_client().post(f"/a/{codes['activity']}/class", data=filled(codes))
    assert stranger.status_code == 409
    assert "此手机号已报名" in stranger.text


def test_a_class_that_is_registered_already_is_said_with_its_ticket_and_nothing_typed_is_lost(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    phone = app.test_client()
    first = register(phone, codes)
    more = {
        "classes-0-label": "三年级3班",
        "classes-1-label": "三年级2班",
        "classes-1-pupils": "39",
        "classes-1-adults": "1",
    }
    refused = phone.post(f"/a/{codes['activity']}/class", data=filled(codes, **more))
    assert refused.status_code == 409
    assert "“三年级2班”已经报过了" in refused.text
    assert "还没有保存" in refused.text
    assert f'href="{first}"' in refused.text
    assert 'value="三年级3班"' in refused.text
    assert 'value="39"' in refused.text
    assert labels(app) == ["三年级2班"]


def test_a_form_sent_twice_is_one_and_one_changed_after_back_is_said(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    phone, typed = app.test_client(), filled(codes)
    address = f"/a/{codes['activity']}/class"
    first = phone.post(address, data=typed).headers["Location"]
    assert phone.post(address, data=typed).headers["Location"] == first
    changed = phone.post(address, data={**typed, "classes-0-pupils": "40"})
    assert changed.status_code == 409
    assert "要改人数，请打开班级码" in changed.text
    assert phone.post(address, data={**typed, "classes-0-label": "四年级1班"}).status_code == 303
    assert labels(app) == ["三年级2班", "四年级1班"]


def test_the_invited_school_sees_the_places_that_are_kept_for_it(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Callable[[FlaskClient, str], None]
) -> None:
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity)).one()
        school = tx.scalars(select(Unit).where(Unit.code == codes["school"])).one()
        hold_places(tx, activity, school, 100, session_id=None, actor=SYSTEM, now=now())
        key = invitation_key(app.extensions["keys"], codes["activity"], codes["school"])
    page = f"/a/{codes['activity']}/class"
    assert "剩100个名额" in client.get(f"{page}?u={codes['school']}&k={key}").text
    assert "已满" in client.get(page).text
    staff = app.test_client()
    sign_in(staff, "jingban")
    roster = staff.get(f"/activities/{codes['activity']}/registrations").text
    assert re.search(r'class="big">0</span> / 100 人，预留100个', roster)
