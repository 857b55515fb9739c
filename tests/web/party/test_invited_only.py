"""An activity for invited units takes classes by their own link only; staff may still enter one."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from app.registration.indexes import invitation_key
from app.registration.models import Registration
from tests.cast import make_cast
from tests.factories import make_activity


@pytest.fixture
def codes(app: Flask) -> tuple[str, str]:
    """The activity's code and its school's."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        starts_at = now() + timedelta(days=2)
        activity = make_activity(tx, host=cast.town, takes_parties=True, audience="unit", starts_at=starts_at)
        return activity.code, cast.school.code


def send(client: FlaskClient, code: str, school: str, key: str = "") -> int:
    form = {
        "submission": random_secret(), "school": school, "classes-0-label": "三年级2班", "classes-0-pupils": "20",
        "name": "张老师", "phone": "13800138000", "consent": "y", **({"u": school, "k": key} if key else {}),
    }  # fmt: skip
    return client.post(f"/a/{code}/class", data=form).status_code


def count(app: Flask) -> int:
    with app.app_context():
        return len(db.session.scalars(select(Registration)).all())


def test_without_the_link_it_is_said_and_nothing_is_kept(
    app: Flask, client: FlaskClient, codes: tuple[str, str]
) -> None:
    assert send(client, *codes) == 422
    assert count(app) == 0


def test_with_the_link_it_is_taken(app: Flask, client: FlaskClient, codes: tuple[str, str]) -> None:
    assert send(client, *codes, invitation_key(app.extensions["keys"], *codes)) == 303
    assert count(app) == 1


def test_an_activity_for_everybody_needs_no_link(app: Flask, client: FlaskClient, codes: tuple[str, str]) -> None:
    """The control: it is the audience that decides."""
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(Activity)).one().audience = "public"
    assert send(client, *codes) == 303


def test_it_is_said_before_the_form(app: Flask, client: FlaskClient, codes: tuple[str, str]) -> None:
    code, school = codes
    page = client.get(f"/a/{code}/class").text
    assert "只收受邀学校" in page
    assert 'name="classes-0-label"' not in page
    invited = f"/a/{code}/class?u={school}&k={invitation_key(app.extensions['keys'], code, school)}"
    assert 'name="classes-0-label"' in client.get(invited).text
    assert f'href="/a/{code}/class"' not in client.get(f"/a/{code}").text
