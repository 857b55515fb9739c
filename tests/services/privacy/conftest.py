"""A house of this test's own: a migrated database that may be moved, renamed and rewritten, with its own home."""

from __future__ import annotations

import shutil
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


@pytest.fixture(scope="session")
def furnished(backend: House, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Home:
    """The house that is copied for each test: its folder, its database and the story, made once a process."""
    folder = tmp_path_factory.mktemp("furnished") / "home"
    if _is_sqlite(backend):
        return _furnish(folder, f"sqlite:///{folder / 'shiliu.db'}")
    server: Server = request.getfixturevalue("server")
    server.run("CREATE DATABASE kept_home")
    return _furnish(folder, server.url("kept_home"))


@pytest.fixture
def home(backend: House, furnished: Home, tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Home]:
    """Gone afterwards, with whatever a restore moved aside."""
    folder = tmp_path / "home"
    shutil.copytree(furnished.place.home, folder)
    if _is_sqlite(backend):
        yield _open(folder, f"sqlite:///{folder / 'shiliu.db'}", furnished.story)
        return
    server: Server = request.getfixturevalue("server")
    server.run("CREATE DATABASE privacy_home TEMPLATE kept_home")
    yield _open(folder, server.url("privacy_home"), furnished.story)
    with server.admin() as connection:
        names = [
            row[0] for row in connection.execute("SELECT datname FROM pg_database WHERE datname LIKE 'privacy_home%'")
        ]
    server.run(*(f'DROP DATABASE "{name}" WITH (FORCE)' for name in names))


def _is_sqlite(backend: House) -> bool:
    return bool(backend.app.extensions["settings"].is_sqlite)


def _furnish(folder: Path, url: str) -> Home:
    app = make_app(folder, url)
    migrate(app)
    with app.app_context():
        with transaction(db.session) as tx:
            story = held(tx, app)
        db.session.remove()
        db.engine.dispose()
    return _home(app, folder, url, story)


def _open(folder: Path, url: str, story: Story) -> Home:
    return _home(make_app(folder, url), folder, url, story)


def _home(app: Flask, folder: Path, url: str, story: Story) -> Home:
    storage = LocalStorage(app.extensions["settings"].storage_root)
    return Home(app, Place(folder, storage, app.extensions["keys"], url), story)
