"""The look: every component in every state opens, is well formed, and passes axe; static files."""

from __future__ import annotations

import gzip
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import zxingcpp
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from flask.testing import FlaskClient
from PIL import Image, ImageDraw
from playwright.sync_api import Browser
from werkzeug.serving import make_server

from app import create_app
from app.config import Settings
from app.web.assets import VENDOR, AssetError, VendorFile, load_manifest, sha384, sync_assets
from app.web.styleguide import ERRORS, qr_rows
from tests.browser import in_turn

PAGES = ("", "/phone", "/public", "/screen", "/verdict", "/confirm", "/error/409")


@pytest.fixture(scope="module")
def look_app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    home = tmp_path_factory.mktemp("look")
    return create_app(Settings(env="test", home=home, base_url="http://localhost", assets="local"))


@pytest.fixture
def visitor(look_app: Flask) -> FlaskClient:
    return look_app.test_client()


@pytest.mark.parametrize("page", PAGES)
def test_every_sample_page_is_well_formed(visitor: FlaskClient, page: str) -> None:
    body = visitor.get(f"/styleguide{page}").text
    twice = [name for name, times in Counter(re.findall(r'\sid="([^"]+)"', body)).items() if times > 1]
    assert twice == []
    ids = set(re.findall(r'\sid="([^"]+)"', body))
    for names in re.findall(r'(?:aria-describedby|aria-labelledby|\sfor)="([^"]+)"', body):
        assert set(names.split()) <= ids, names
    assert body.count("<h1") == 1 and body.count("<main") == 1
    assert " style=" not in body


@pytest.mark.parametrize("code", ERRORS)
def test_an_error_page_says_what_happened_what_is_safe_and_what_to_do(visitor: FlaskClient, code: int) -> None:
    answer = visitor.get(f"/styleguide/error/{code}")
    assert answer.status_code == code
    assert len(re.findall(r"<p>[^<]+。</p>", answer.text)) >= 2
    fragment = visitor.get(f"/styleguide/error/{code}", headers={"HX-Request": "true"})
    assert fragment.status_code == code and "<html" not in fragment.text and 'role="alert"' in fragment.text


def test_samples_are_hidden_in_production(tmp_path: Path) -> None:
    from app.kernel.keys import init_keys

    init_keys(tmp_path / "keys")
    app = create_app(Settings(env="production", home=tmp_path, base_url="https://huodong.example.cn"))
    answer = app.test_client().get("/styleguide", base_url="https://huodong.example.cn")
    assert answer.status_code == 404


def test_large_type_is_one_link_that_keeps_the_rest_of_the_address(visitor: FlaskClient) -> None:
    body = visitor.get("/styleguide/phone?k=a%26b&size=normal").text
    assert 'href="?k=a%26b&amp;size=large"' in body and "data-size" not in body
    assert 'data-size="large"' in visitor.get("/styleguide/phone?size=large").text


def test_grade_bars_fill_the_whole_width_and_say_their_numbers(look_app: Flask) -> None:
    with look_app.test_request_context():
        macros = look_app.jinja_env.get_template("components/grades.html").module
        bar = str(macros.grade_bar(1259, 400, 129, 198))  # type: ignore[attr-defined]
        nothing = str(macros.grade_bar(0, 0, 0, 0))  # type: ignore[attr-defined]
    widths = [float(width) for width in re.findall(r' width="([\d.]+)%"', bar) if width != "100"]
    assert sum(widths) == pytest.approx(100, abs=0.05)
    assert "扫码核验 1,259、现场码 400、张贴码 129、清点/补录 198" in bar
    assert "还没有签到" in nothing and "<rect" not in nothing


def test_the_drawn_qr_code_is_read_back(look_app: Flask) -> None:
    address = "https://huodong.example.cn/a/7K4Q92ABCD3E"
    with look_app.test_request_context():
        macros = look_app.jinja_env.get_template("components/qr.html").module
        drawn = str(macros.qr_svg(qr_rows(address), "报名码"))  # type: ignore[attr-defined]
    size = int(re.search(r'viewBox="0 0 (\d+)', drawn)[1])  # type: ignore[index]
    picture = Image.new("L", (size * 6, size * 6), 255)
    pen = ImageDraw.Draw(picture)
    for x, y, width in re.findall(r"M(\d+) (\d+)h(\d+)v1", drawn):
        left, top = int(x) * 6, int(y) * 6
        pen.rectangle((left, top, left + int(width) * 6 - 1, top + 5), fill=0)
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [address]


def test_a_hashed_address_is_kept_for_a_year_and_a_wrong_hash_is_not(visitor: FlaskClient) -> None:
    address = re.search(r'href="(/static/css/shiliu\.css\?v=\w+)"', visitor.get("/styleguide/phone").text)
    assert address is not None
    kept = visitor.get(address[1])
    assert kept.cache_control.max_age == 31536000 and kept.cache_control.immutable
    stale = visitor.get("/static/css/shiliu.css?v=0000")
    assert stale.cache_control.max_age is None and stale.cache_control.no_cache


def test_text_files_travel_compressed_to_who_understands_it(visitor: FlaskClient) -> None:
    plain = visitor.get("/static/css/shiliu.css")
    small = visitor.get("/static/css/shiliu.css", headers={"Accept-Encoding": "gzip, br"})
    assert plain.content_encoding is None and "Accept-Encoding" in plain.headers["Vary"]
    assert small.content_encoding == "gzip" and gzip.decompress(small.data) == plain.data
    again = visitor.get(
        "/static/css/shiliu.css", headers={"Accept-Encoding": "gzip", "If-None-Match": small.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["../app/config.py", "css/none.css", "css", "%2e%2e/wsgi.py"])
def test_nothing_outside_the_static_folder_is_served(visitor: FlaskClient, path: str) -> None:
    assert visitor.get(f"/static/{path}").status_code == 404


def test_the_browser_files_are_those_of_the_manifest() -> None:
    sync_assets()
    for entry in load_manifest():
        assert sha384((VENDOR / entry.saved).read_bytes()) == entry.sha384


def test_sync_needs_no_network_when_all_is_there_and_replaces_an_altered_file(tmp_path: Path) -> None:
    sync_assets()
    good = {entry.saved: (VENDOR / entry.saved).read_bytes() for entry in load_manifest()}

    def bring(entry: VendorFile) -> bytes:
        return good[entry.saved]

    def no_network(_entry: VendorFile) -> bytes:
        raise AssetError("没有网络")

    assert len(sync_assets(tmp_path, fetch=bring)) == len(good)
    assert sync_assets(tmp_path, fetch=no_network) == []
    altered = tmp_path / load_manifest()[0].saved
    altered.write_bytes(altered.read_bytes() + b"//")
    with pytest.raises(AssetError):
        sync_assets(tmp_path, fetch=no_network)
    assert sync_assets(tmp_path, fetch=bring)


def test_a_file_that_is_not_the_manifests_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AssetError, match="指纹"):
        sync_assets(tmp_path, fetch=lambda _entry: b"alert(1)")
    assert list(tmp_path.iterdir()) == []


def test_only_the_staff_layout_may_load_the_cdn(tmp_path: Path) -> None:
    app = create_app(Settings(env="test", home=tmp_path, base_url="http://localhost", assets="auto"))
    client = app.test_client()
    assert "cdn." in client.get("/styleguide").headers["Content-Security-Policy"]
    phone = client.get("/styleguide/phone")
    assert "cdn." not in phone.headers["Content-Security-Policy"] and "cdn." not in phone.text


@pytest.fixture(scope="module")
def address(look_app: Flask) -> Iterator[str]:
    server = make_server("127.0.0.1", 0, look_app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/styleguide"
    server.shutdown()
    thread.join()


@pytest.mark.parametrize(
    ("width", "scheme", "size", "pages"),
    [
        (390, "light", "normal", PAGES),
        (1280, "dark", "normal", in_turn(PAGES, 0)),
        (390, "dark", "large", in_turn(PAGES, 1)),
    ],
)
def test_axe_finds_no_violation_and_nothing_scrolls_sideways(
    address: str, chromium: Browser, width: int, scheme: str, size: str, pages: Sequence[str]
) -> None:
    context = chromium.new_context(
        viewport={"width": width, "height": 800},
        color_scheme=scheme,  # type: ignore[arg-type]
        bypass_csp=True,
    )
    page = context.new_page()
    broken: list[str] = []
    page.on("pageerror", lambda error: broken.append(str(error)))
    for path in pages:
        page.goto(f"{address}{path}?size={size}")
        found = Axe().run(page).response["violations"]
        assert [(path, v["id"], v["nodes"][0]["html"]) for v in found] == []
        for narrow in (320, width):
            page.set_viewport_size({"width": narrow, "height": 800})
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (path, narrow)
    assert broken == []
    context.close()


def test_axe_does_find_a_planted_violation(address: str, chromium: Browser) -> None:
    context = chromium.new_context(bypass_csp=True)
    page = context.new_page()
    page.goto(f"{address}/phone")
    page.evaluate("document.querySelector('#venue').removeAttribute('id')")
    assert Axe().run(page).response["violations"]
    context.close()


def test_in_large_mode_no_word_is_under_24_px_and_no_target_under_60(address: str, chromium: Browser) -> None:
    context = chromium.new_context(viewport={"width": 390, "height": 800})
    page = context.new_page()
    page.goto(f"{address}/phone?size=large")
    small = page.evaluate(
        """() => [...document.querySelectorAll('body *')].filter(e => e.checkVisibility() && !e.closest('.sr, .skip')
        && [...e.childNodes].some(n => n.nodeType === 3 && n.data.trim())
        && parseFloat(getComputedStyle(e).fontSize) < 24).map(e => e.outerHTML.slice(0, 80))"""
    )
    low = page.evaluate(
        """() => [...document.querySelectorAll('.btn, .field > input, .count button, .menu a, .pick.box')]
        .filter(e => e.getBoundingClientRect().height < 60).map(e => e.outerHTML.slice(0, 80))"""
    )
    assert small == [] and low == []
    context.close()


def test_the_stepper_counts_within_its_limits_and_the_dialog_closes_without_a_write(
    address: str, chromium: Browser
) -> None:
    context = chromium.new_context()
    page = context.new_page()
    page.goto(address)
    more = page.get_by_role("button", name="同行人数，加 1")
    for _ in range(5):
        more.click()
    assert page.input_value("#companions") == "6"
    page.get_by_role("link", name="取消这场活动").click()
    page.wait_for_selector("dialog[open]")
    assert page.evaluate("document.activeElement.id") == "why"
    page.get_by_role("link", name="先不取消").click()
    page.wait_for_selector("dialog", state="detached")
    assert page.url.rstrip("/") == address
    context.close()
