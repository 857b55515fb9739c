"""htmx starts from the CDN, and from our own copy when the CDN is dead, silent or altered."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Route
from werkzeug.serving import make_server

from app import create_app
from app.config import Settings
from app.web.assets import VENDOR, sync_assets

pytestmark = pytest.mark.serial  # about delays of 0.8 s: alone on the two cores

PROBE = '<img src="/never.png" alt=""><p id="probe" hx-get="/healthz" hx-trigger="load">…</p></main>'
ANYWHERE = {"Access-Control-Allow-Origin": "*", "Content-Type": "text/javascript"}


def htmx() -> bytes:
    sync_assets()
    return (VENDOR / "htmx.min.js").read_bytes()


def dead(route: Route) -> None:
    route.abort()


def altered(route: Route) -> None:
    route.fulfill(body=htmx() + b"//", headers=ANYWHERE)


def good(route: Route) -> None:
    route.fulfill(body=htmx(), headers=ANYWHERE)


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    home = tmp_path_factory.mktemp("boot")
    app = create_app(Settings(env="test", home=home, base_url="http://localhost", assets="auto"))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/styleguide"
    server.shutdown()
    thread.join()


@pytest.mark.parametrize(("cdn", "scripts"), [(good, 1), (dead, 2), (altered, 2)])
def test_htmx_starts_whatever_the_cdn_does(
    address: str, chromium: Browser, cdn: Callable[[Route], None], scripts: int
) -> None:
    context = chromium.new_context()
    page = context.new_page()

    def with_probe(route: Route) -> None:
        answer = route.fetch()
        route.fulfill(response=answer, body=answer.text().replace("</main>", PROBE))

    page.route("https://cdn.jsdelivr.net/**", cdn)
    # A picture that never arrives keeps the page "interactive": a late htmx 2 must be started by boot.js.
    page.route("**/never.png", lambda _route: None)
    page.route(address, with_probe)
    page.goto(address, wait_until="commit")
    page.locator("#probe", has_text="ok").wait_for(timeout=8000)
    assert page.locator("script[src*=htmx]").count() == scripts
    assert page.evaluate("[htmx.config.allowEval, htmx.config.historyCacheSize]") == [False, 0]
    context.close()
