"""Every endpoint says who may open it; pages opened by every role are whole, quick in SQL, and write nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import create_engine, text
from werkzeug.routing import Rule

from app.extensions import db
from app.kernel.database import transaction
from app.web.access import check_every_endpoint
from tests.architecture.templates import page_faults
from tests.cast import make_cast
from tests.factories import make_activity
from tests.guards import recording, watching_gets

ROLES = ("", "jingban", "fuze", "shenhe", "fuhe", "shenji", "lingdao", "guanli")
MOST_STATEMENTS = 12
SKIP = ("static",)
REDIRECTS = (301, 302, 303, 307, 308)


@pytest.fixture
def codes(app: Flask) -> dict[str, str]:
    """The cast, one activity, and a value for each argument of an address."""
    with app.app_context(), transaction(db.session) as tx:
        cast = make_cast(tx)
        activity = make_activity(tx, host=cast.town)
        return {"code": activity.code, "session_code": activity.sessions[0].code, "unit": cast.town.code}


def pages(app: Flask, codes: dict[str, str]) -> list[tuple[str, str]]:
    """Endpoint and address of every GET route that these codes can fill."""
    found = []
    for rule in app.url_map.iter_rules():
        if "GET" not in (rule.methods or ()) or rule.endpoint.startswith(SKIP):
            continue
        arguments = {name: codes.get(name, "1") for name in rule.arguments}
        found.append((rule.endpoint, _fill(app, rule, arguments)))
    return sorted(found)


def _fill(app: Flask, rule: Rule, arguments: dict[str, str]) -> str:
    with app.test_request_context():
        values: dict[str, object] = dict(arguments)
        for name, converter in rule._converters.items():
            if type(converter).__name__ == "IntegerConverter":
                values[name] = 1
        built = rule.build(values)
    assert built is not None
    return str(built[1])


@pytest.mark.lengthens
@pytest.mark.parametrize("login", ROLES, ids=[role or "anonymous" for role in ROLES])
def test_every_page_opens_or_refuses_in_words(
    app: Flask,
    client: FlaskClient,
    codes: dict[str, str],
    sign_in: Callable[..., None],
    login: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", False)
    if login:
        sign_in(client, login)
    with app.app_context():
        engine = db.engine
    faults: dict[str, object] = {}
    with recording(engine) as seen:
        for endpoint, address in pages(app, codes):
            seen.clear()
            answer = client.get(address)
            if answer.status_code >= 500 and endpoint != "health.readyz":
                faults[address] = answer.status_code
            elif (
                answer.status_code not in REDIRECTS
                and answer.mimetype == "text/html"
                and (found := page_faults(answer.text))
            ):
                faults[address] = found
            elif len(seen) > MOST_STATEMENTS:
                faults[address] = f"{len(seen)} statements"
    assert faults == {}


def test_every_endpoint_has_an_access_rule(app: Flask) -> None:
    check_every_endpoint(app)
    assert all(hasattr(view, "access_rule") for view in app.view_functions.values())


def test_an_endpoint_without_a_rule_stops_the_start() -> None:
    bare = Flask("bare")
    bare.add_url_rule("/naked", "naked", lambda: "")
    with pytest.raises(RuntimeError, match="naked"):
        check_every_endpoint(bare)


def test_no_rule_takes_a_get_for_a_write(app: Flask) -> None:
    """A route that takes POST and GET must show a form on GET; the word tells which do more."""
    words = ("approve", "delete", "cancel", "publish", "undo", "promote", "sign_out", "logout")
    asked = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" not in (rule.methods or ())}
    assert [name for name in asked if name.rpartition(".")[2].startswith(words) and name not in FORMS] == []


FORMS = {"styleguide.confirm"}


def test_a_get_that_commits_a_write_is_found() -> None:
    engine, bare = create_engine("sqlite://"), Flask("bare")
    write = text("CREATE TABLE IF NOT EXISTS planted (id INTEGER)")
    with watching_gets(engine) as found:
        for method, so_far in (("GET", 1), ("HEAD", 2), ("POST", 2)):
            with bare.test_request_context("/planted", method=method), engine.begin() as connection:
                connection.execute(write)
            assert len(found) == so_far
        with bare.test_request_context("/planted"), engine.connect() as connection:
            connection.execute(write)
            connection.rollback()
        assert len(found) == 2


def test_the_recorder_counts_what_is_asked_and_not_begin_or_commit(app: Flask) -> None:
    with app.app_context():
        engine = db.engine
    with recording(engine) as seen, engine.begin() as connection:
        connection.execute(text("SELECT 1"))
        connection.execute(text("SELECT 2"))
    assert seen == ["SELECT 1", "SELECT 2"]
