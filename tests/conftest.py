"""What every test may ask for: an app on a fresh database, browsers with and without scripts, watchers."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from flask import Flask, g
from flask.testing import FlaskClient
from playwright.sync_api import Browser, BrowserContext, Page
from werkzeug.serving import make_server

from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.organisation.models import User
from app.organisation.queries import actor_of
from app.organisation.service import start_sign_in
from tests.browser import open_chromium
from tests.database import Server
from tests.guards import recording, watching_gets, watching_silence
from tests.house import BACKENDS, House, postgresql_house, sqlite_house

BOTH = ("services", "web", "races", "journeys", "architecture")
SLOW = {"tests/rules/": 0.01, "tests/services/": 0.5}  # seconds (architecture.md, Conventions)


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "backend" not in metafunc.fixturenames:
        return
    path = Path(str(metafunc.definition.path)).as_posix()
    if metafunc.definition.get_closest_marker("postgresql_only"):
        metafunc.parametrize("backend", ["postgresql"], indirect=True, scope="session")
        return
    both = any(f"/tests/{folder}/" in path for folder in BOTH)
    if metafunc.definition.get_closest_marker("sqlite_only"):
        both = False
    if metafunc.definition.get_closest_marker("lengthens") and os.environ.get("SHILIU_PROOF") != "full":
        both = False
    metafunc.parametrize("backend", BACKENDS if both else BACKENDS[:1], indirect=True, scope="session")


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Name slow rules and services; a busy machine must not fail them."""
    lines = []
    for report in terminalreporter.stats.get("passed", []):
        if report.when != "call" or "hypothesis" in report.keywords or "serial" in report.keywords:
            continue
        limit = next((limit for folder, limit in SLOW.items() if report.nodeid.startswith(folder)), None)
        if limit is not None and report.duration > limit:
            lines.append(f"{report.duration * 1000:6.0f} ms  {report.nodeid}")
    if lines:
        terminalreporter.section("slower than a rule (10 ms) or a service (500 ms) should be")
        for line in sorted(lines, reverse=True)[:10]:
            terminalreporter.write_line(line)


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    """The private PostgreSQL of this test process."""
    found = Server()
    yield found
    found.stop()


@pytest.fixture(scope="session")
def houses() -> dict[str, House]:
    """What `backend` has made so far."""
    return {}


@pytest.fixture(scope="session")
def backend(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, houses: dict[str, House]
) -> House:
    """`sqlite` or `postgresql`, by the test's id.

    Trap: pytest makes a fixture anew whenever its parameter changes, and a worker that steals tests goes back and forth.
    """
    name: str = request.param
    if name not in houses:
        home = tmp_path_factory.mktemp(name)
        is_sqlite = name == "sqlite"
        houses[name] = sqlite_house(home) if is_sqlite else postgresql_house(home, request.getfixturevalue("server"))
    return houses[name]


@pytest.fixture
def app(backend: House) -> Iterator[Flask]:
    """The app on an empty, migrated database. A GET that commits a write fails its test."""
    backend.reset()
    with backend.app.app_context():
        engine = db.engine
    with watching_gets(engine) as committed, watching_silence(engine) as silent:
        yield backend.app
    assert committed == [], "a GET committed a write"
    assert silent == [], "a change of what pages show has no entry in the log"


@pytest.fixture
def client(app: Flask, monkeypatch: pytest.MonkeyPatch) -> FlaskClient:
    """A browser without scripts; CSRF tokens are left to the journeys and to their own test."""
    monkeypatch.setitem(app.config, "WTF_CSRF_ENABLED", False)
    return app.test_client()


@pytest.fixture
def sign_in(app: Flask) -> Callable[[FlaskClient, str], None]:
    """Sign a browser in as the account with this login, through a real server-side sign-in."""

    def enter(browser: FlaskClient, login: str) -> None:
        moment = now()
        with app.app_context(), transaction(db.session) as tx:
            user = tx.query(User).filter_by(login=login).one()
            secret = start_sign_in(tx, user, device="测试", second_factor=True, actor=actor_of(tx, user), now=moment)
        with browser.session_transaction() as cookie:
            cookie["sign_in"] = secret
            cookie["seen"] = int(moment.timestamp())

    return enter


@pytest.fixture
def statements(app: Flask) -> Iterator[list[str]]:
    """Every SQL statement sent since the fixture began; clear it before what you measure."""
    with app.app_context():
        engine = db.engine
    with recording(engine) as seen:
        yield seen


@dataclass(frozen=True)
class Live:
    """The app behind a real port, in this process, so that it shares the test's database."""

    app: Flask
    url: str


@pytest.fixture
def live_server(app: Flask, backend: House) -> Iterator[Live]:
    """The app on the port that its own addresses and QR codes name."""
    listener = make_server("127.0.0.1", backend.port, app, threaded=True)
    thread = threading.Thread(target=listener.serve_forever, daemon=True)
    thread.start()
    yield Live(app, f"http://127.0.0.1:{backend.port}")
    listener.shutdown()
    thread.join()
    listener.server_close()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    """The one browser of this test process; take contexts of your own from it."""
    with open_chromium() as browser:
        yield browser


@pytest.fixture(scope="session")
def browser(chromium: Browser) -> Browser:
    """The same, under the name that pytest-playwright's fixtures know."""
    return chromium


def _page(chromium: Browser, width: int, height: int, *, scripts: bool = True) -> Iterator[Page]:
    context: BrowserContext = chromium.new_context(
        viewport={"width": width, "height": height}, java_script_enabled=scripts, locale="zh-CN"
    )
    context.set_default_timeout(10_000)
    yield context.new_page()
    context.close()


@pytest.fixture
def phone(chromium: Browser) -> Iterator[Page]:
    """A page as wide as a phone (390 px)."""
    yield from _page(chromium, 390, 844)


@pytest.fixture
def phone_without_scripts(chromium: Browser) -> Iterator[Page]:
    """The same with scripts off."""
    yield from _page(chromium, 390, 844, scripts=False)


@pytest.fixture
def desk(chromium: Browser) -> Iterator[Page]:
    """A page as wide as an office screen (1280 px)."""
    yield from _page(chromium, 1280, 900)


@pytest.fixture(autouse=True)
def _no_actor_left() -> Iterator[None]:
    yield
    if g:
        g.pop("actor", None)
