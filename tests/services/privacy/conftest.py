"""A house of this test's own: a migrated database that may be moved, renamed and rewritten, with its own home."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import Result
from flask import Flask

from app.evidence.storage import LocalStorage
from app.extensions import db
from app.kernel.database import transaction
from app.privacy.backup import Place
from tests.database import Server
from tests.house import House, make_app, migrate
from tests.services.privacy.story import Story, held


@dataclass
class Home:
    """The app on a database of its own, with the story in it."""

    app: Flask
    place: Place
    story: Story

    def flask(self, *words: str) -> Result:
        """Run one of our commands."""
        with self.app.app_context():
            db.session.remove()
        return self.app.test_cli_runner().invoke(args=list(words))


@pytest.fixture
def home(backend: House, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Home]:
    """Gone afterwards, with whatever a restore moved aside."""
    folder = tmp_path / "home"
    if backend.app.extensions["settings"].is_sqlite:
        yield _furnish(folder, f"sqlite:///{folder / 'shiliu.db'}")
        return
    server: Server = request.getfixturevalue("server")
    server.run("CREATE DATABASE privacy_home")
    yield _furnish(folder, server.url("privacy_home"))
    with server.admin() as connection:
        names = [
            row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'privacy_home%'")
        ]
    server.run(*(f'DROP DATABASE "{name}" WITH (FORCE)' for name in names))


def _furnish(folder: Path, url: str) -> Home:
    app = make_app(folder, url)
    migrate(app)
    with app.app_context():
        with transaction(db.session) as tx:
            story = held(tx, app)
        db.session.remove()
    settings = app.extensions["settings"]
    return Home(app, Place(folder, LocalStorage(settings.storage_root), app.extensions["keys"], url), story)
