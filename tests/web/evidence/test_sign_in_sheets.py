"""A picture of a sign-in sheet holds names: for the unit and the reviewer, never for a leader, and no photo of the figure."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.evidence.models import EvidenceItem
from app.evidence.storage import LocalStorage
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from tests.cast import make_cast
from tests.factories import NOW, make_activity
from tests.plan import make_plan
from tests.services.metrics.facts import approve
from tests.web.matrix.scene import picture

Enter = Callable[[FlaskClient, str], None]


@pytest.fixture
def codes(app: Flask) -> dict[str, str]:
    """An approved activity with a photo, a sheet and a photo whose time is over; the codes of all."""
    shot = picture()
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        make_plan(tx, now=NOW)
        storage = LocalStorage(app.extensions["settings"].storage_root)
        storage.put(shot.stored_sha256, shot.main)
        storage.put(shot.thumb_sha256, shot.thumb)
        activity = make_activity(tx, host=cast.town, starts_at=NOW)
        items = {
            name: EvidenceItem(
                activity_id=activity.id, slot=slot, kind="photo", stored_sha256=shot.stored_sha256, uploaded_at=now(),
                thumb_sha256=shot.thumb_sha256, expired_at=now() if name == "gone" else None,
            )
            for name, slot in (("photo", "photos"), ("sheet", "sheet"), ("gone", "photos"))
        }  # fmt: skip
        tx.add_all(items.values())
        tx.flush()
        fact = approve(tx, activity, task=10)
        assert fact.photos == 2
        return {
            "activity": activity.code,
            "fact": fact.code,
            **{name: item.code for name, item in items.items()},
        }


@pytest.mark.parametrize(
    ("login", "sheet"), [("lingdao", 404), ("jingban", 200), ("fuze", 200), ("shenhe", 200), ("yizhen", 404)]
)
def test_who_opens_a_sign_in_sheet(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Enter, login: str, sheet: int
) -> None:
    sign_in(client, login)
    assert client.get(f"/evidence/{codes['sheet']}.jpg").status_code == sheet
    assert client.get(f"/evidence/{codes['photo']}.jpg").status_code == (404 if login == "yizhen" else 200)


def test_a_leader_sees_the_photos_and_only_how_many_sheets_there_are(
    app: Flask, client: FlaskClient, codes: dict[str, str], sign_in: Enter
) -> None:
    sign_in(client, "lingdao")
    page = client.get(f"/metrics/facts/{codes['fact']}").text
    assert f"/evidence/{codes['photo']}.jpg" in page
    assert f"/evidence/{codes['sheet']}.jpg" not in page
    assert "另有1张签到表照片" in page
    assert f"/evidence/{codes['gone']}.jpg" not in page  # no broken picture
    assert "按期删除" in page
    page = client.get(f"/activities/{codes['activity']}/evidence").text
    assert f"/evidence/{codes['sheet']}.jpg" not in page
    assert "只给主办单位和审核单位看" in page
