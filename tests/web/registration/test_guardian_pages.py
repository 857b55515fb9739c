"""A named minor: no consent, no name; three ways to consent; a reason before the record opens, and the log keeps it."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import select

from app.activities.models import Activity
from app.audit.models import AuditEntry
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from app.registration.models import GuardianConsent, PersonalDetail, Registration
from app.registration.settings import set_quota
from tests.cast import make_cast
from tests.factories import make_activity, make_unit


@pytest.fixture
def code(app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]) -> str:
    """A camp that names children; the client is its organizer."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        camp = make_activity(tx, host=cast.town, names_minors=True, starts_at=now() + timedelta(days=7), capacity=2)
        found = camp.code
    sign_in(client, "jingban")
    return found


def form(**changes: str) -> dict[str, str]:
    return {
        "submission": random_secret(), "name": "小石榴", "given_as": "mother", "phone": "13800138000", "consent": "y",
        "second_name": "", **changes,
    }  # fmt: skip


def names(app: Flask) -> list[str | None]:
    with app.app_context():
        return [name for name in db.session.scalars(select(PersonalDetail.name)) if name]


def test_a_guardian_registers_and_consents_in_one_step(app: Flask, client: FlaskClient, code: str) -> None:
    phone = app.test_client()
    assert "我是监护人" in phone.get(f"/a/{code}").text
    answer = phone.post(f"/a/{code}/child", data=form())
    assert answer.status_code == 303
    assert "小石榴" in phone.get(answer.headers["Location"]).text
    with app.app_context():
        consent = db.session.scalars(select(GuardianConsent)).one()
        assert (consent.way, consent.given_as, consent.text_version) == ("link", "mother", "guardian-2026-11")
        row = db.session.scalars(select(Registration)).one()
        assert (row.is_minor, row.adults, row.children) == (True, 0, 1)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"consent": ""}, "没有保存任何姓名"),
        ({"given_as": ""}, "您是孩子的谁"),
        ({"given_as": "neighbour"}, "您是孩子的谁"),
        ({"name": " "}, "请填孩子的称呼"),
        ({"phone": ""}, "监护人的手机号"),
        ({"phone": "12"}, "手机号不对"),
        ({"name": "字" * 41}, "称呼最多"),
    ],
)
def test_without_consent_no_name_is_stored(
    app: Flask, client: FlaskClient, code: str, changes: dict[str, str], words: str
) -> None:
    answer = app.test_client().post(f"/a/{code}/child", data=form(**changes))
    assert answer.status_code == 422
    assert words in answer.text
    assert names(app) == []


def test_the_ordinary_form_takes_no_child_by_name(app: Flask, client: FlaskClient, code: str) -> None:
    typed = {
        "submission": random_secret(),
        "name": "小石榴",
        "adults": "1",
        "children": "0",
        "phone": "",
        "consent": "y",
    }
    answer = app.test_client().post(f"/a/{code}/register", data=typed)
    assert answer.status_code == 422
    assert "监护人" in answer.text
    assert names(app) == []


def ask(client: FlaskClient, code: str, **typed: str) -> str:
    data = {"submission": random_secret(), **typed}
    page = client.post(f"/activities/{code}/registrations/minors/ask", data=data).text
    found = re.search(r"(/g/[A-Za-z0-9_-]+)", page)
    assert found
    return found[1]


def test_a_one_time_link_on_the_guardians_own_phone(app: Flask, client: FlaskClient, code: str) -> None:
    link = ask(client, code)
    assert names(app) == []
    phone = app.test_client()
    assert "请监护人先看" in phone.get(link).text
    assert phone.post(link, data=form(consent="")).status_code == 422
    assert names(app) == []
    answer = phone.post(link, data=form())
    assert answer.status_code == 303
    assert names(app) == ["小石榴"]
    assert "小石榴" in phone.get(answer.headers["Location"]).text
    assert app.test_client().get(link).status_code == 404  # once
    assert app.test_client().post(link, data=form(name="别人")).status_code == 404
    assert names(app) == ["小石榴"]


def test_the_link_dies_after_seven_days_and_with_the_registration(app: Flask, client: FlaskClient, code: str) -> None:
    old, gone = ask(client, code), ask(client, code)
    with app.app_context(), transaction(db.session) as tx:
        first, second = tx.scalars(select(GuardianConsent).order_by(GuardianConsent.id)).all()
        first.expires_at = now() - timedelta(seconds=1)
        tx.get_one(Registration, second.registration_id).state = "cancelled"
    assert (
        client.get(old).status_code == client.get(gone).status_code == client.get("/g/" + "z" * 22).status_code == 404
    )


@pytest.fixture
def town(app: Flask, code: str) -> str:
    """A town of whose children the camp takes one; the camp has two places."""
    with app.app_context(), transaction(db.session) as tx:
        unit = make_unit(tx)
        set_quota(tx, tx.scalars(select(Activity)).one(), unit, 1, actor=SYSTEM, now=now())
        return unit.code


def states(app: Flask) -> list[str]:
    with app.app_context():
        return list(db.session.scalars(select(Registration.state).order_by(Registration.id)))


def test_where_units_have_quotas_a_guardian_says_which_and_the_quota_binds(
    app: Flask, client: FlaskClient, code: str, town: str
) -> None:
    assert "从哪个单位来" in app.test_client().get(f"/a/{code}/child").text
    for typed in ({}, {"unit": ""}, {"unit": "x" * 12}):
        refused = app.test_client().post(f"/a/{code}/child", data=form(**typed))
        assert refused.status_code == 422
        assert "请选从哪个单位来" in refused.text
    assert states(app) == []
    for number in range(2):
        typed = form(unit=town, phone=f"1380013800{number}")
        assert app.test_client().post(f"/a/{code}/child", data=typed).status_code == 303
    other = form(unit="other", phone="13800138002")
    assert app.test_client().post(f"/a/{code}/child", data=other).status_code == 303
    assert states(app) == ["confirmed", "waitlisted", "confirmed"]


def test_where_no_unit_has_a_quota_no_guardian_is_asked(app: Flask, client: FlaskClient, code: str) -> None:
    for page in (f"/a/{code}/child", ask(client, code), f"/activities/{code}/registrations/minors"):
        assert "从哪个单位来" not in client.get(page).text


def test_the_desk_says_the_unit_before_it_keeps_a_place(app: Flask, client: FlaskClient, code: str, town: str) -> None:
    address = f"/activities/{code}/registrations/minors"
    refused = client.post(f"{address}/ask", data={})
    assert refused.status_code == 422
    assert "请选从哪个单位来" in refused.text
    assert 'id="ask-unit-e"' in refused.text
    assert 'id="unit-e"' not in refused.text  # the other form on the page was not sent
    assert client.post(address, data=form(way="school")).status_code == 422
    assert states(app) == []
    link = ask(client, code, unit=town)
    assert f'<option selected value="{town}">' in app.test_client().get(link).text
    assert client.post(address, data=form(way="school", unit=town)).status_code == 303
    assert states(app) == ["confirmed", "waitlisted"]


def test_the_guardian_may_name_another_unit_while_its_quota_has_room(
    app: Flask, client: FlaskClient, code: str, town: str
) -> None:
    first, second = ask(client, code, unit="other"), ask(client, code, unit="other")
    assert app.test_client().post(first, data=form(unit=town)).status_code == 303
    refused = app.test_client().post(second, data=form(unit=town, phone="13800138001"))
    assert refused.status_code == 422
    assert "这个单位的名额满了" in refused.text
    assert names(app) == ["小石榴"]
    assert app.test_client().post(second, data=form(unit="other", phone="13800138001")).status_code == 303


def test_a_unit_that_the_guardian_puts_right_frees_the_quota_for_who_waits(
    app: Flask, client: FlaskClient, code: str, town: str
) -> None:
    first, second = ask(client, code, unit=town), ask(client, code, unit=town)
    assert states(app) == ["confirmed", "waitlisted"]
    assert app.test_client().post(first, data=form(unit="other")).status_code == 303
    assert states(app) == ["confirmed", "confirmed"]
    assert app.test_client().post(second, data=form(unit=town, phone="13800138001")).status_code == 303


def photo() -> io.BytesIO:
    buffer = io.BytesIO()
    Image.radial_gradient("L").resize((800, 600)).convert("RGB").save(buffer, "JPEG")
    buffer.seek(0)
    return buffer


def test_a_signed_paper_needs_its_photo(app: Flask, client: FlaskClient, code: str) -> None:
    address = f"/activities/{code}/registrations/minors"
    assert "拍一张签好的同意书" in client.post(address, data=form(way="paper")).text
    assert names(app) == []
    hostile = {**form(way="paper"), "paper": (io.BytesIO(b"<svg/>"), "a.jpg")}
    assert client.post(address, data=hostile, content_type="multipart/form-data").status_code == 422
    assert names(app) == []
    good = {**form(way="paper"), "paper": (photo(), "a.jpg")}
    assert client.post(address, data=good, content_type="multipart/form-data").status_code == 303
    with app.app_context():
        consent = db.session.scalars(select(GuardianConsent)).one()
        assert consent.way == "paper"
        assert len(consent.paper_sha256 or "") == 64
        assert consent.recorded_by_id is not None


def test_the_school_declares_that_it_keeps_the_papers(app: Flask, client: FlaskClient, code: str) -> None:
    address = f"/activities/{code}/registrations/minors"
    assert "同意书在哪里" in client.post(address, data=form(way="")).text
    assert client.post(address, data=form(way="school", consent="")).status_code == 422
    assert client.post(address, data=form(way="school")).status_code == 303
    assert names(app) == ["小石榴"]


def test_opening_the_record_asks_for_a_reason_and_is_logged(app: Flask, client: FlaskClient, code: str) -> None:
    app.test_client().post(f"/a/{code}/child", data=form())
    roster = f"/activities/{code}/registrations"
    assert "小石榴" not in client.get(roster).text
    refused = client.post(f"{roster}/names", data={"reason": "看"})
    assert refused.status_code == 422
    assert "小石榴" not in refused.text
    with app.app_context():
        assert db.session.scalars(select(AuditEntry).where(AuditEntry.action == "minors.opened")).all() == []
    opened = client.post(f"{roster}/names", data={"reason": "营前联系家长"})
    assert opened.status_code == 200
    assert "小石榴" in opened.text
    with app.app_context():
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "minors.opened")).one()
        assert "营前联系家长" not in entry.body
        assert db.session.scalars(select(Activity)).one().code == entry.object_code


def test_an_activity_without_names_takes_none(app: Flask, client: FlaskClient, code: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity)).one().names_minors = False
    assert "按人数报名" in client.get(f"/a/{code}/child").text
    assert app.test_client().post(f"/a/{code}/child", data=form()).status_code == 409
    assert client.post(f"/activities/{code}/registrations/minors/ask").status_code == 409
    assert names(app) == []


def test_the_reason_cannot_be_avoided_by_switching_names_off(app: Flask, client: FlaskClient, code: str) -> None:
    setup = f"/activities/{code}/registration"
    assert client.post(setup, data={}).status_code == 303  # nobody registered yet: off and on again
    assert client.post(setup, data={"names_minors": "y"}).status_code == 303
    app.test_client().post(f"/a/{code}/child", data=form())
    refused = client.post(setup, data={})
    assert refused.status_code == 422
    assert "已经登记了孩子" in refused.text
    assert "小石榴" not in client.post(f"/activities/{code}/registrations/names").text


def test_a_picture_that_is_none_is_not_blamed_on_the_phone(app: Flask, client: FlaskClient, code: str) -> None:
    hostile = {**form(way="paper"), "paper": (io.BytesIO(b"<svg/>"), "a.jpg")}
    page = client.post(
        f"/activities/{code}/registrations/minors", data=hostile, content_type="multipart/form-data"
    ).text
    assert 'id="phone-e"' not in page
    assert "还没有保存" in page
