"""A counter that fails turns nobody away."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask

from app import create_app
from app.config import Settings
from app.extensions import db, limiter
from app.kernel.database import transaction
from app.kernel.keys import init_keys
from tests.factories import make_activity


@pytest.mark.parametrize("swallows", [True, False])
def test_a_limit_that_cannot_be_counted_stops_nobody(
    app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, swallows: bool
) -> None:
    """As on a busy server, where two threads start the same timer of the store in memory; the control is turned away."""
    with app.app_context(), transaction(db.session) as tx:
        code = make_activity(tx).code
    init_keys(tmp_path / "keys")
    settings = Settings(
        env="development", home=tmp_path, database_url=app.extensions["settings"].database_url, assets="local",
        argon2_cheap=True,
    )  # fmt: skip
    monkeypatch.setattr(limiter, "enabled", limiter.enabled)  # making an app switches the one limiter on
    limited = create_app(settings)
    monkeypatch.setattr(limiter, "_swallow_errors", swallows)

    def broken(*_: object, **__: object) -> int:
        raise RuntimeError("threads can only be started once")

    monkeypatch.setattr(limiter.limiter, "hit", broken)
    monkeypatch.setitem(limited.config, "WTF_CSRF_ENABLED", False)
    answer = limited.test_client().post(f"/a/{code}/register", data={}, headers={"Host": "127.0.0.1:8000"})
    assert answer.status_code == (422 if swallows else 500)
    with limited.app_context():
        db.session.remove()
        db.engine.dispose()
