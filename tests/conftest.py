"""The house of the tests: one app per backend and worker, a fresh database for every test."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from flask_migrate import upgrade
from sqlalchemy import event

from app import create_app
from app.config import Settings
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.models import User
from app.organisation.queries import actor_of
from app.organisation.service import start_sign_in
from tests.database import Server

BACKENDS = ("sqlite", "postgresql")
BOTH = ("tests/services", "tests/web", "tests/races")
HTML = {"text/html; charset=utf-8"}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" not in metafunc.fixturenames:
        return
    path = Path(str(metafunc.definition.path)).as_posix()
    both = any(f"/{folder}/" in path for folder in BOTH)
    names = BACKENDS if both else BACKENDS[:1]
    if metafunc.definition.get_closest_marker("sqlite_only"):
        names = BACKENDS[:1]
    metafunc.parametrize("backend", names, indirect=True, scope="session")


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    found = Server()
    yield found
    found.stop()


@dataclass
class House:
    """An app of one backend and the way back to its empty, migrated database."""

    app: Flask
    reset: Callable[[], None]
    statements: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def backend(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> House:
    name: str = request.param
    home = tmp_path_factory.mktemp(name)
    if name == "sqlite":
        return _sqlite_house(home)
    return _postgresql_house(home, request.getfixturevalue("server"))


def _make_app(home: Path, url: str) -> Flask:
    settings = Settings(env="test", home=home, database_url=url, argon2_cheap=True, assets="local", demo=False)
    return create_app(settings)


def _migrate(app: Flask) -> None:
    with app.app_context():
        upgrade()
        db.session.remove()
        for engine in db.engines.values():
            engine.dispose()


def _sqlite_house(home: Path) -> House:
    path, template = home / "shiliu.db", home / "template.db"
    app = _make_app(home, f"sqlite:///{path}")
    _migrate(app)
    with app.app_context(), db.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    shutil.copy(path, template)

    def reset() -> None:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        for suffix in ("-wal", "-shm"):
            Path(f"{path}{suffix}").unlink(missing_ok=True)
        shutil.copy(template, path)

    return House(app, reset)


def _postgresql_house(home: Path, server: Server) -> House:
    server.run("CREATE DATABASE template_shiliu")
    _migrate(_make_app(home, server.url("template_shiliu")))
    app = _make_app(home, server.url("shiliu"))

    def reset() -> None:
        with app.app_context():
            db.session.remove()
            db.engine.dispose()
        server.run("DROP DATABASE IF EXISTS shiliu WITH (FORCE)")
        server.run("CREATE DATABASE shiliu TEMPLATE template_shiliu")

    return House(app, reset)


@pytest.fixture
def app(backend: House) -> Flask:
    """The app on a fresh database, on each backend."""
    backend.reset()
    return backend.app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without scripts; htmx and CSRF are left to the journeys."""
    app.config["WTF_CSRF_ENABLED"] = False
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask) -> Callable[[FlaskClient, str], None]:
    """Sign a browser in as the account with this login, through a real server-side sign-in."""

    def enter(browser: FlaskClient, login: str) -> None:
        moment = now()
        with app.app_context(), transaction(db.session) as tx:
            user = tx.query(User).filter_by(login=login).one()
            secret = start_sign_in(
                tx, user, device="测试", second_factor=True, actor=actor_of(tx, user), now=moment
            )
        with browser.session_transaction() as cookie:
            cookie["sign_in"] = secret
            cookie["seen"] = int(moment.timestamp())

    return enter


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """Every SQL statement sent since the fixture began; clear it before what you measure."""
    seen: list[str] = []

    def keep(_conn: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.lstrip().upper().startswith(("BEGIN", "PRAGMA", "SAVEPOINT", "RELEASE")):
            seen.append(statement)

    with app.app_context():
        engine = db.engine
    event.listen(engine, "before_cursor_execute", keep)
    yield seen
    event.remove(engine, "before_cursor_execute", keep)


@pytest.fixture(autouse=True)
def _no_actor_left() -> Iterator[None]:
    yield
    if g:
        g.pop("actor", None)
