"""An establishment over HTTP: corrected after a return, moved on stage by stage, seen by whom it concerns."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.extensions import db
from app.kernel.clock import business_day, now
from app.kernel.database import transaction
from app.progress.models import Establishment
from tests.cast import make_cast
from tests.plan import make_plan

SignIn = Callable[[FlaskClient, str], None]
TODAY = business_day(now()).isoformat()
PLANNED = {
    "name": "示例红石榴社区",
    "kind": "red_community",
    "level": "",
    "stage": "planned",
    "named_on": "",
    "proof": "",
}


@pytest.fixture
def browsers(app: Flask, client: FlaskClient, sign_in: SignIn) -> dict[str, FlaskClient]:
    """One browser for each of the town, its neighbour, the office and the leader."""
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
        make_plan(tx, now=now())
    found = {login: app.test_client() for login in ("yizhen", "shenhe", "lingdao")} | {"jingban": client}
    for login, browser in found.items():
        sign_in(browser, login)
    return found


def _decide(office: FlaskClient, verb: str, reason: str = "") -> None:
    found = re.search(rf"/progress/establishments/[a-z0-9]{{12}}/{verb}", office.get("/progress/review").text)
    assert found
    assert office.post(found[0], data={"reason": reason}).status_code == 303


def _link(browser: FlaskClient, verb: str) -> str:
    found = re.search(rf"/establishments/[a-z0-9]{{12}}/{verb}", browser.get("/establishments").text)
    assert found
    return found[0]


def _stage(app: Flask) -> tuple[str, str]:
    with app.app_context():
        row = db.session.query(Establishment).one()
        return row.stage, row.state


def test_an_establishment_grows_from_planned_to_named(app: Flask, browsers: dict[str, FlaskClient]) -> None:
    town, office = browsers["jingban"], browsers["shenhe"]
    town.post("/establishments/new", data=PLANNED)
    assert "/stage" not in town.get("/establishments").text  # not before the office has read it
    _decide(office, "approve")
    for stage, word in (("under_way", "建设中"), ("named", "已命名")):
        form = _link(town, "stage")
        assert word in town.get(form).text
        assert (
            town.post(form, data={"stage": stage, "reached_on": TODAY, "proof": "示例〔2026〕9号"}).status_code == 303
        )
        assert _stage(app) == (stage, "under_review")
        _decide(office, "approve")
    assert _stage(app) == ("named", "approved")
    assert town.get(form).status_code == 409
    assert town.post(form, data={"stage": "named", "reached_on": TODAY, "proof": "再来"}).status_code == 422


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stage": "planned"}, "请选后面的阶段"),
        ({"stage": "grand"}, "请选后面的阶段"),
        ({"reached_on": ""}, "日期要填"),
        ({"reached_on": "明天"}, "日期没看懂"),
        ({"reached_on": "2099-12-31"}, "不能晚于今天"),
        ({"proof": ""}, "依据要填"),
    ],
)
def test_a_move_without_day_or_proof_is_asked_again(
    app: Flask, browsers: dict[str, FlaskClient], change: dict[str, str], words: str
) -> None:
    town = browsers["jingban"]
    town.post("/establishments/new", data=PLANNED)
    _decide(browsers["shenhe"], "approve")
    typed = {"stage": "named", "reached_on": TODAY, "proof": "示例〔2026〕9号"} | change
    answer = town.post(_link(town, "stage"), data=typed)
    assert answer.status_code == 422
    assert words in answer.text
    assert typed["proof"] in answer.text
    assert _stage(app) == ("planned", "approved")


def test_a_returned_one_is_seen_and_corrected_by_its_unit_alone(app: Flask, browsers: dict[str, FlaskClient]) -> None:
    town, office = browsers["jingban"], browsers["shenhe"]
    town.post("/establishments/new", data=PLANNED)
    for login in ("yizhen", "lingdao"):
        assert "示例红石榴社区" not in browsers[login].get("/establishments").text
    _decide(office, "return", "请写全称")
    edit = _link(town, "edit")
    assert "请写全称" in town.get(edit).text
    assert "请写全称" in town.get("/progress/mine").text
    assert "请写全称" not in browsers["yizhen"].get("/establishments").text
    for login, status in (("yizhen", 404), ("lingdao", 403), ("shenhe", 403)):
        for path in (edit, edit.replace("/edit", "/stage")):
            assert browsers[login].get(path).status_code == status
            assert browsers[login].post(path, data=PLANNED).status_code == status
    bad = town.post(edit, data={**PLANNED, "name": "", "stage": "named"})
    assert bad.status_code == 422
    assert "名称要填" in bad.text
    assert "已命名的要填命名日期" in bad.text
    assert town.post(edit, data={**PLANNED, "name": "示例甲镇红石榴社区"}).status_code == 303
    assert _stage(app) == ("planned", "under_review")
    assert town.post(edit, data=PLANNED).status_code == 409
    _decide(office, "approve")
    assert "示例甲镇红石榴社区" in browsers["lingdao"].get("/establishments").text


@pytest.mark.parametrize("verb", ["edit", "stage"])
def test_an_absent_one_is_404(browsers: dict[str, FlaskClient], verb: str) -> None:
    path = f"/establishments/nosuchcode12/{verb}"
    assert browsers["jingban"].get(path).status_code == 404
    assert browsers["jingban"].post(path, data=PLANNED).status_code == 404
