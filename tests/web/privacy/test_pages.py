"""The page on data says what the purge runs; the administrator sees how the night went, and nobody else does."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from html import escape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.rules import PRACTICE_SHOWN
from app.evidence.models import EvidenceItem
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.privacy.health import LITTLE, health_lines
from app.privacy.queries import periods
from app.privacy.retention import load_retention
from app.privacy.service import purge, set_mark
from tests.cast import make_cast
from tests.factories import NOW, make_activity
from tests.services.privacy.story import LATER, held
from tools.data_page import TARGET, page

Enter = Callable[[FlaskClient, str], None]


def test_the_page_shows_every_item_of_the_table(client: FlaskClient) -> None:
    shown = client.get("/privacy/data").text
    for item in load_retention().items:
        for text in (item.what, item.why, item.basis, item.rule.said, item.way):
            assert str(escape(text)) in shown
    assert "/privacy/data" in client.get("/privacy").text


def test_the_document_is_generated_from_the_table() -> None:
    assert TARGET.read_text("utf-8") == page()


def test_a_practice_leaves_the_lists_when_its_names_go(app: Flask, client: FlaskClient, sign_in: Enter) -> None:
    assert timedelta(days=periods().practice) == PRACTICE_SHOWN
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        for days, title in ((6, "六天前的演练"), (8, "八天前的演练")):
            make_activity(tx, host=cast.town, title=title, is_practice=True, starts_at=now() - timedelta(days=days))
        make_activity(tx, host=cast.town, title="没有时间的草稿", is_practice=True).ends_at = None
        make_activity(tx, host=cast.town, title="真的活动", starts_at=now() - timedelta(days=8))
    sign_in(client, "jingban")
    shown = client.get("/activities").text
    assert "六天前的演练" in shown
    assert "没有时间的草稿" in shown
    assert "真的活动" in shown
    assert "八天前的演练" not in shown


@pytest.mark.parametrize("login", ["jingban", "shenhe", "lingdao", "shenji"])
def test_only_the_administrator_opens_the_page(app: Flask, client: FlaskClient, sign_in: Enter, login: str) -> None:
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
    sign_in(client, login)
    assert client.get("/operations").status_code == 403
    sign_in(client, "guanli")
    assert client.get("/operations").status_code == 200


def test_before_the_first_night_the_page_says_what_will_happen(app: Flask, client: FlaskClient, sign_in: Enter) -> None:
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
    sign_in(client, "guanli")
    shown = client.get("/operations").text
    assert "还没有做过" in shown
    assert "还没有备份" in shown
    assert "还没有到期的" in shown


def test_a_swapped_picture_stands_on_the_page(app: Flask, client: FlaskClient, sign_in: Enter) -> None:
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
        set_mark(tx, "night.rehash", json.dumps({"at": now().isoformat(), "count": 9, "bad": 1, "missing": 0}))
    sign_in(client, "guanli")
    assert "1个被改动" in client.get("/operations").text


@pytest.mark.parametrize(
    ("mark", "tone"),
    [
        ({"night.purge": {"n": 1, "files": 0, "bytes": True, "note": ""}}, "good"),
        ({"night.purge": {"n": 1, "files": 0, "bytes": False, "note": "WAL"}}, "warn"),
        ({"night.rehash": {"count": 1, "bad": 0, "missing": 1}}, "bad"),
        ({"night.backup": {"name": "x", "holds": False, "note": "外键对不上"}}, "bad"),
        ({"night.backup": {"name": "x", "holds": True, "note": ""}}, "good"),
    ],
)
@pytest.mark.parametrize("late", [False, True])
def test_each_mark_has_its_line(mark: dict[str, dict[str, object]], tone: str, late: bool) -> None:
    name, facts = next(iter(mark.items()))
    at = NOW - timedelta(hours=30 if late else 1)
    marks = {name: json.dumps(facts | {"at": at.isoformat()})}
    lines = health_lines(marks, backup_hours=1, free=9 * LITTLE, now=NOW)
    line = next(line for line in lines if line.at is not None)
    assert line.tone == ("bad" if late else tone)


@pytest.mark.parametrize(("free", "tone"), [(9 * LITTLE, "good"), (LITTLE // 2, "warn"), (1024, "bad")])
def test_the_disk_is_told_in_time(free: int, tone: str) -> None:
    assert health_lines({}, backup_hours=0, free=free, now=NOW)[-1].tone == tone


def test_a_picture_that_went_by_its_day_is_said_in_words(app: Flask, client: FlaskClient, sign_in: Enter) -> None:
    with app.app_context(), transaction(db.session) as tx:
        story = held(tx, app)
        purge(tx, now=LATER)
        code = tx.scalars(select(EvidenceItem.code).where(EvidenceItem.slot == "sheet")).one()
    sign_in(client, "jingban")
    shown = client.get(f"/activities/{story.activity}/evidence").text
    assert "按期删除，只留下摘要" in shown
    assert f"/evidence/{code}.jpg" not in shown
    answer = client.get(f"/evidence/{code}.jpg")
    assert answer.status_code == 404
    assert "已经按期删除" in answer.text
