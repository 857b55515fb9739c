"""What the dashboard keeps ends with the next entry of the log, in whatever process it was written."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.models import User
from app.organisation.queries import actor_of
from app.planning.models import Indicator
from app.planning.service import set_target
from app.web import kept, metrics
from tests.cast import make_cast
from tests.plan import make_plan

SignIn = Callable[[FlaskClient, str], None]


@pytest.fixture
def leader(app: Flask, client: FlaskClient, sign_in: SignIn) -> FlaskClient:
    with app.app_context(), transaction(db.session) as tx:
        make_cast(tx)
        make_plan(tx, now=now())
    sign_in(client, "lingdao")
    return client


def _promise(value: int) -> None:
    """The office sets a target, as another process would: nothing of the web takes part."""
    moment = now()
    with transaction(db.session) as tx:
        leader = tx.scalars(select(User).where(User.login == "guanli")).one()
        indicator = tx.scalars(
            select(Indicator).where(Indicator.measure == "activities").order_by(Indicator.id)
        ).first()
        assert indicator is not None
        set_target(
            tx, indicator, year=moment.year, value=value, due_on=None, reason="示例", actor=actor_of(tx, leader),
            now=moment,
        )  # fmt: skip


def test_a_new_target_shows_at_once(app: Flask, leader: FlaskClient) -> None:
    assert "0 / 731" not in leader.get("/metrics").text
    with app.app_context():
        _promise(731)
    assert "0 / 731" in leader.get("/metrics").text


def test_the_second_look_asks_who_and_whether_anything_was_written(
    leader: FlaskClient, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = leader.get("/metrics").text
    monkeypatch.setattr(metrics, "shown_board", lambda: pytest.fail("made again"))
    statements.clear()
    assert leader.get("/metrics").text.count("<tr") == first.count("<tr")
    asked = [one for one in statements if one.startswith("SELECT")]
    assert len(asked) == 2 and "audit_entry" in asked[1], asked


def test_without_the_head_of_the_log_the_old_figure_would_stay(
    app: Flask, leader: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The control: the key is what brings the new figure."""
    monkeypatch.setattr(kept, "head", lambda _session: "the same")
    leader.get("/metrics")
    with app.app_context():
        _promise(731)
    assert "0 / 731" not in leader.get("/metrics").text


def test_what_is_kept_stays_few(app: Flask) -> None:
    with app.app_context():
        made = [kept.kept(lambda n=n: n, "number", n) for n in range(kept.MOST + 5)]  # type: ignore[misc]
        assert made == list(range(kept.MOST + 5))
        assert len(app.extensions["kept"].things) == kept.MOST
        db.session.rollback()
