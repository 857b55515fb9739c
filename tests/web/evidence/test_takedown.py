"""Photos of an approved activity on its public page; one tap hides; the organizer decides; nothing else is ever shown."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import Activity, ActivityState
from app.audit.models import AuditEntry
from app.evidence.models import EvidenceItem, Takedown
from app.evidence.storage import LocalStorage
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.tokens import random_secret
from app.registration.entering import PartyEntry, register_party
from app.registration.rules import ClassEntry
from tests.cast import make_cast
from tests.factories import make_activity
from tests.web.matrix.scene import picture

Enter = Callable[[FlaskClient, str], None]


@pytest.fixture
def codes(app: Flask) -> dict[str, str]:
    """An approved activity with a publishable photo and a picture of its sign-in sheet; a class's ticket."""
    photo = picture()
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        storage = LocalStorage(app.extensions["settings"].storage_root)
        storage.put(photo.stored_sha256, photo.main)
        storage.put(photo.thumb_sha256, photo.thumb)
        activity = make_activity(tx, host=cast.town, takes_parties=True, starts_at=now() + timedelta(days=1))
        party = register_party(
            tx, activity,
            PartyEntry(
                None, cast.school.id, (ClassEntry("三年级2班", 30, 1),), "张老师", "13800138000", True, random_secret(), ""
            ),
            keys=app.extensions["keys"], now=now(),
        )  # fmt: skip
        activity.state, activity.review_state = ActivityState.CLOSED.value, "approved"
        activity.photos_may_publish = True
        items = {}
        for slot in ("photos", "sheet"):
            items[slot] = EvidenceItem(
                activity_id=activity.id, slot=slot, kind="photo", stored_sha256=photo.stored_sha256,
                thumb_sha256=photo.thumb_sha256, uploaded_at=now(),
            )  # fmt: skip
            tx.add(items[slot])
        tx.flush()
        return {
            "activity": activity.code, "item": items["photos"].code, "sheet": items["sheet"].code,
            "ticket": party.secret,
        }  # fmt: skip


def address(codes: dict[str, str], item: str = "item") -> str:
    return f"/a/{codes['activity']}/photos/{codes[item]}.jpg"


def change(app: Flask, **columns: Any) -> None:
    """Change the activity, or with `item_` in front the photo."""
    with app.app_context(), transaction(db.session) as tx:
        activity = tx.scalars(select(Activity)).one()
        item = tx.scalars(select(EvidenceItem).where(EvidenceItem.slot == "photos")).one()
        for name, value in columns.items():
            if name.startswith("item_"):
                setattr(item, name.removeprefix("item_"), value)
            else:
                setattr(activity, name, value)


def test_the_public_page_and_the_classs_page_show_the_photo_and_never_the_sheet(
    client: FlaskClient, codes: dict[str, str]
) -> None:
    for page in (f"/a/{codes['activity']}", f"/t/{codes['ticket']}"):
        text = client.get(page).text
        assert codes["item"] in text
        assert codes["sheet"] not in text
        assert "有我或我的孩子，请撤下" in text
    for size in ("", "?size=small"):
        answer = client.get(address(codes) + size)
        assert answer.status_code == 200
        assert answer.mimetype == "image/jpeg"
        assert "no-cache" in answer.headers["Cache-Control"]
    assert client.get(address(codes, "sheet")).status_code == 404
    assert client.get(f"/evidence/{codes['item']}.jpg").status_code == 302


@pytest.mark.parametrize(
    "columns",
    [
        {"review_state": "under_review"},
        {"review_state": "returned"},
        {"review_state": "rejected"},
        {"photos_may_publish": False},
        {"photos_may_publish": None},
        {"item_may_publish": False},
        {"item_hidden_at": datetime.fromisoformat("2026-11-20T10:00:00+08:00")},
        {"item_expires_at": datetime.fromisoformat("2026-11-20T10:00:00+08:00")},
        {"item_state": "redacted"},
        {"item_state": "removed"},
        {"item_state": "superseded"},
        {"state": "draft"},
    ],
)
def test_what_is_not_settled_is_absent_for_everybody_outside(
    app: Flask, client: FlaskClient, codes: dict[str, str], columns: dict[str, Any]
) -> None:
    change(app, **columns)
    assert codes["item"] not in client.get(f"/a/{codes['activity']}").text
    answer = client.get(address(codes))
    assert answer.status_code == 404
    assert "没有找到" in answer.text


def test_one_family_of_a_class_that_wants_no_photo_keeps_them_all_back(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    from app.registration.models import PartyClass

    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(PartyClass)).one().without_photo = 1
    for page in (f"/a/{codes['activity']}", f"/t/{codes['ticket']}"):
        assert codes["item"] not in client.get(page).text
    assert client.get(address(codes)).status_code == 404


def test_photos_without_those_who_mind_are_shown_one_by_one(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Enter
) -> None:
    from app.registration.models import PartyClass

    office = app.test_client()
    sign_in(office, "jingban")
    page = f"/activities/{codes['activity']}/evidence"
    assert "不愿意拍照" not in office.get(page).text
    with app.app_context(), transaction(db.session) as tx:
        tx.scalars(select(PartyClass)).one().without_photo = 2
    assert "有2名学生的家长不愿意拍照" in office.get(page).text
    for verb, status, action in (("clear", 200, "evidence.cleared"), ("unclear", 404, "evidence.uncleared")):
        assert office.post(f"{page}/{codes['item']}/{verb}").status_code == 303
        assert client.get(address(codes)).status_code == status
        with app.app_context():
            assert db.session.scalars(select(AuditEntry.action).order_by(AuditEntry.seq.desc())).first() == action
    assert office.post(f"{page}/{codes['sheet']}/clear").status_code == 409  # a sheet never
    client.post(address(codes).replace(".jpg", "/takedown"))
    office.post(f"{page}/{codes['item']}/clear")
    client.post(address(codes).replace(".jpg", "/takedown"))
    assert office.post(f"{page}/{codes['item']}/clear").status_code == 409  # asked down: the takedown is decided first
    assert client.get(address(codes)).status_code == 404


def test_one_tap_hides_at_once_and_a_second_changes_nothing(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    down = address(codes).replace(".jpg", "/takedown")
    for _ in range(2):
        answer = client.post(down)
        assert answer.status_code == 303
    assert "已经撤下" in client.get(answer.headers["Location"]).text
    assert client.get(address(codes)).status_code == 404
    assert codes["item"] not in client.get(f"/t/{codes['ticket']}").text
    with app.app_context():
        assert len(db.session.scalars(select(Takedown)).all()) == 1
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "evidence.hidden")).one()
        assert entry.actor_kind == "participant"


def test_what_is_not_public_cannot_be_hidden_from_outside(
    app: Flask, client: FlaskClient, codes: dict[str, str]
) -> None:
    for item in (codes["sheet"], "nosuchcode12"):
        assert client.post(f"/a/{codes['activity']}/photos/{item}/takedown").status_code == 404
    change(app, photos_may_publish=False)
    assert client.post(address(codes).replace(".jpg", "/takedown")).status_code == 404
    with app.app_context():
        assert db.session.scalars(select(Takedown)).all() == []


@pytest.mark.parametrize(
    ("verb", "status", "state", "action"),
    [("keep", 200, "current", "evidence.shown_again"), ("remove", 404, "redacted", "evidence.redacted")],
)
def test_the_organizer_decides_with_a_reason(
    app: Flask,
    client: FlaskClient,
    codes: dict[str, str],
    sign_in: Enter,
    verb: str,
    status: int,
    state: str,
    action: str,
) -> None:
    client.post(address(codes).replace(".jpg", "/takedown"))
    office = app.test_client()
    sign_in(office, "jingban")
    page = f"/activities/{codes['activity']}/evidence"
    assert "有人要求撤下" in office.get(page).text
    decide = f"{page}/{codes['item']}/takedown/{verb}"
    for bad in ("", " \u200b", "长" * 201):
        refused = office.post(decide, data={"reason": bad})
        assert refused.status_code == 422
        assert "请写一句原因" in refused.text
    assert office.post(decide, data={"reason": "家长来电，照片里是他的孩子"}).status_code == 303
    assert "有人要求撤下" not in office.get(page).text
    assert client.get(address(codes)).status_code == status
    assert office.get(f"/evidence/{codes['item']}.jpg").status_code == status
    assert office.post(decide, data={"reason": "再来"}).status_code == 409
    with app.app_context():
        assert db.session.scalars(select(EvidenceItem.state).where(EvidenceItem.code == codes["item"])).one() == state
        entry = db.session.scalars(select(AuditEntry).where(AuditEntry.action == action)).one()
        assert "家长" not in entry.body


def test_a_photo_shown_again_can_be_hidden_again(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Enter
) -> None:
    office = app.test_client()
    sign_in(office, "jingban")
    for _ in range(2):
        client.post(address(codes).replace(".jpg", "/takedown"))
        assert client.get(address(codes)).status_code == 404
        office.post(
            f"/activities/{codes['activity']}/evidence/{codes['item']}/takedown/keep", data={"reason": "不是同一个人"}
        )
        assert client.get(address(codes)).status_code == 200


def test_readers_see_that_it_was_asked_and_cannot_decide(
    client: FlaskClient, app: Flask, codes: dict[str, str], sign_in: Enter
) -> None:
    client.post(address(codes).replace(".jpg", "/takedown"))
    office = app.test_client()
    sign_in(office, "shenhe")
    page = f"/activities/{codes['activity']}/evidence"
    assert "有人要求撤下" in office.get(page).text
    assert "恢复公开" not in office.get(page).text
    assert office.post(f"{page}/{codes['item']}/takedown/keep", data={"reason": "x"}).status_code == 403
