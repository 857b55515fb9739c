"""A refusal's title is true of what happened, and staff stay among their pages with a way back."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator

import pytest
from flask import Flask, Response
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from app.activities.models import ActivityState
from app.extensions import db
from app.kernel.database import transaction
from app.web.errors import CONFLICTS, error_page
from tests.architecture.tree import python_files
from tests.cast import make_cast
from tests.factories import make_activity

SignIn = Callable[[FlaskClient, str], None]
DONE = "这一步已经办过了"


def conflicts(sources: list[str]) -> Iterator[tuple[str, str]]:
    """(code, words) of each Conflict that is raised with words of its own."""
    for source in sources:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Conflict":
                said = [
                    each.value
                    for part in node.args
                    for each in ast.walk(part)
                    if isinstance(each, ast.Constant) and isinstance(each.value, str)
                ]
                if len(said) == 2:
                    yield said[0], said[1]


def untrue(found: list[tuple[str, str]]) -> set[str]:
    """Codes whose words say that it was done before, under a title that says something else."""
    done = {code for code, words in found if "过了" in words or "刚刚用过" in words}
    return {code for code in done if CONFLICTS.get(code, ("",))[0] != DONE}


def test_what_was_done_before_is_titled_so_and_every_titled_code_is_raised() -> None:
    found = list(conflicts([path.read_text("utf-8") for path in python_files("app")]))
    assert len(found) > 50
    assert untrue(found) - {"offer_over"} == set()  # there it is the time that is over
    raised = {code for code, _words in found} | {"clash"}
    assert set(CONFLICTS) - raised == set()


def test_a_title_that_is_not_true_is_found() -> None:
    assert untrue([("sealed", "这一条已经核实过了。")]) == {"sealed"}


@pytest.fixture
def cancelled(app: Flask) -> str:
    with app.app_context(), transaction(db.session) as tx:
        return make_activity(tx, host=make_cast(tx).town, state=ActivityState.CANCELLED).code


def test_staff_who_are_refused_stay_among_their_pages_and_find_back(
    client: FlaskClient, sign_in: SignIn, cancelled: str
) -> None:
    sign_in(client, "jingban")
    came = f"http://localhost/activities/{cancelled}?a=1"
    page = client.post(f"/activities/{cancelled}/publish", headers={"Referer": came})
    assert page.status_code == 409
    assert 'class="staff"' in page.text and f'href="/activities/{cancelled}?a=1"' in page.text
    assert "回到刚才那一页" in page.text and "先一步" not in page.text


@pytest.mark.parametrize(
    "came",
    ["", "https://elsewhere.example/activities", "http://localhost/no/such/page", "http://localhost//evil.example/"],
)
def test_the_way_back_is_a_page_of_ours_that_opens(
    client: FlaskClient, sign_in: SignIn, cancelled: str, came: str
) -> None:
    sign_in(client, "jingban")
    page = client.post(f"/activities/{cancelled}/publish", headers={"Referer": came})
    assert '<a class="btn" href="/">' in page.text and "example" not in page.text


def test_who_is_no_staff_sees_the_public_page(client: FlaskClient) -> None:
    page = client.get("/activities/nothing-here/nowhere")
    assert page.status_code == 404 and 'class="phone"' in page.text and 'class="staff"' not in page.text


@pytest.mark.parametrize(
    ("code", "title"),
    [("decided", DONE), ("changed_meanwhile", "已经有人先一步改了"), ("form", "这一步没有完成"), ("sealed", "现在不能这样办"), ("not_draft", "现在不能这样办")],
)  # fmt: skip
def test_the_title_goes_by_the_code(app: Flask, code: str, title: str) -> None:
    with app.test_request_context():
        assert f"<h1>{title}</h1>" in error_page(409, conflict=code).get_data(as_text=True)


def test_two_who_write_the_same_at_once_read_no_word_of_the_database(app: Flask) -> None:
    def answer(words: str) -> tuple[int, str]:
        page = app.handle_user_exception(IntegrityError("INSERT", {}, Exception(words)))
        assert isinstance(page, Response)
        return page.status_code, page.get_data(as_text=True)

    with app.test_request_context():
        status, text = answer("UNIQUE constraint failed: held")
        assert status == 409 and "刚好还有人在办这一步" in text and "UNIQUE" not in text
        assert answer("NOT NULL constraint failed: held")[0] == 500  # the control: our own fault is no clash


def test_a_fault_of_ours_is_said_in_chinese_and_shows_nothing_of_itself(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def breaks() -> None:
        raise ValueError("secret of the machine")

    monkeypatch.setattr("app.web.checkin.digits.now", breaks)
    form = {"digits": "123456"}
    with pytest.raises(ValueError, match="secret"):  # control: in tests it is ours to see
        client.post("/s", data=form)
    monkeypatch.setitem(app.config, "TESTING", False)
    page = client.post("/s", data=form)
    assert page.status_code == 500
    assert "<h1>系统出错了</h1>" in page.text and "已保存的内容都在" in page.text
    assert "secret" not in page.text and "ValueError" not in page.text
