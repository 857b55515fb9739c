"""Pairing a phone: by the console's QR, by six digits, tries counted; what only the scanner's page may do."""

from __future__ import annotations

from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.activities.models import ActivityState
from app.checkin import devices
from app.checkin.models import DeviceGrant
from app.extensions import db
from app.kernel.clock import now
from app.kernel.tokens import digest
from app.web.assets import sync_assets
from tests.web.checkin.browser import make


def pin(app: Flask, session: str, *, every: bool = False) -> str:
    return devices.pairing_pin(app.extensions["keys"], session, all_sessions=every, now=now(), revoked=0)


def key(app: Flask, session: str, *, every: bool = False) -> str:
    return devices.pairing_key(app.extensions["keys"], session, all_sessions=every, now=now(), revoked=0)


def grants(app: Flask) -> list[tuple[str, bool, str | None]]:
    """Label, whether for every session, and what is kept of the secret."""
    with app.app_context():
        rows = db.session.scalars(select(DeviceGrant).order_by(DeviceGrant.id))
        return [(row.label, row.session_id is None, row.secret_hash) for row in rows]


def test_six_digits_pair_a_phone_and_only_the_hash_is_kept(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    assert "6位配对数字" in client.get("/scan").text
    sent = client.post("/scan/pair", data={"digits": pin(app, session), "label": "东门1"})
    assert sent.status_code == 303 and sent.location == "/scan"
    cookie = client.get_cookie("device")
    assert cookie is not None and cookie.http_only and cookie.same_site == "Lax"
    assert grants(app) == [("东门1", False, digest(cookie.value))]
    page = client.get("/scan")
    assert "东门1" in page.text and page.headers["X-Scan"] == "paired"
    assert cookie.value not in page.text


@pytest.mark.parametrize("every", [False, True])
def test_the_qr_pairs_for_one_session_or_for_all(app: Flask, client: FlaskClient, every: bool) -> None:
    _, session = make(app, sessions=2)
    address = f"/scan/pair?s={session}&a={int(every)}&k={key(app, session, every=every)}"
    asked = client.get(address)
    assert ("这次活动的每一场" if every else "第一场") in asked.text
    assert grants(app) == []  # looking pairs nothing
    form = {"s": session, "a": str(int(every)), "k": key(app, session, every=every)}
    assert client.post("/scan/pair", data=form).status_code == 303
    assert [row[1] for row in grants(app)] == [every]


def test_the_key_of_one_session_does_not_pair_for_all(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    wider = {"s": session, "a": "1", "k": key(app, session)}
    refused = client.post("/scan/pair", data=wider)
    assert refused.status_code == 404 and "配对码已过期" in refused.text and grants(app) == []


def test_a_code_of_half_an_hour_ago_pairs_nothing(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    old_key, old_pin = key(app, session), pin(app, session)
    with time_machine.travel(now() + timedelta(minutes=30), tick=False):
        assert client.get(f"/scan/pair?s={session}&a=0&k={old_key}").status_code == 404
        assert client.post("/scan/pair", data={"s": session, "a": "0", "k": old_key}).status_code == 404
        assert client.post("/scan/pair", data={"digits": old_pin}).status_code == 422
    assert grants(app) == []


def test_wrong_digits_keep_the_label_and_are_counted(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    right = pin(app, session)
    wrong = "000000" if right != "000000" else "111111"
    for _ in range(10):
        refused = client.post("/scan/pair", data={"digits": wrong, "label": "东门1"})
        assert refused.status_code == 422 and 'value="东门1"' in refused.text
    # Even the right digits wait now: else a machine could go on guessing.
    held = client.post("/scan/pair", data={"digits": right})
    assert held.status_code == 429 and grants(app) == []


def test_a_cancelled_activity_is_refused_in_words(app: Flask, client: FlaskClient) -> None:
    _, session = make(app, state=ActivityState.CANCELLED)
    refused = client.post("/scan/pair", data={"s": session, "a": "0", "k": key(app, session)})
    assert refused.status_code == 409 and "不能配对" in refused.text and grants(app) == []


def test_an_unknown_cookie_gets_the_field_for_the_digits(app: Flask, client: FlaskClient) -> None:
    client.set_cookie("device", "x" * 22)
    page = client.get("/scan")
    assert page.status_code == 200 and "6位配对数字" in page.text and "X-Scan" not in page.headers


def test_webassembly_runs_on_the_scanners_page_and_nowhere_else(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    client.post("/scan/pair", data={"digits": pin(app, session)})
    assert "'wasm-unsafe-eval'" in client.get("/scan").headers["Content-Security-Policy"]
    for address in ("/", "/screen", "/scan/sw.js", f"/scan/pair?s={session}&a=0&k={key(app, session)}"):
        answer = client.get(address)
        assert answer.status_code == 200, address
        assert "wasm" not in answer.headers["Content-Security-Policy"], address


def test_the_worker_names_every_file_of_the_page(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    client.post("/scan/pair", data={"digits": pin(app, session)})
    worker = client.get("/scan/sw.js")
    assert worker.headers["Service-Worker-Allowed"] == "/scan" and worker.mimetype == "text/javascript"
    page = client.get("/scan").text
    files = worker.text.split("const FILES = [", 1)[1].split("];", 1)[0].replace('"', "").split(", ")
    assert [name for name in files if client.get(name).status_code != 200] == []
    kept = [name for name in files if "/scan/js/" in name]
    assert "main.js" in page and [name for name in kept if name not in page] == []
    assert all("immutable" in client.get(name).headers["Cache-Control"] for name in kept)


def test_an_old_address_of_a_module_is_never_kept(app: Flask, client: FlaskClient) -> None:
    assert client.get("/scan/js/000000000000/main.js").headers["Cache-Control"] == "no-cache"
    assert client.get("/scan/js/000000000000/nothing.js").status_code == 404
    assert client.get("/scan/js/000000000000/sw.js").status_code == 404


def test_the_reader_comes_compressed_and_named_for_what_it_is(app: Flask, client: FlaskClient) -> None:
    sync_assets()
    answer = client.get("/static/vendor/zxing_reader.wasm", headers={"Accept-Encoding": "gzip"})
    assert answer.mimetype == "application/wasm" and answer.headers["Content-Encoding"] == "gzip"
    assert len(answer.data) < 450_000
    plain = client.get("/static/vendor/zxing_reader.wasm", headers={"Accept-Encoding": "identity"})
    assert plain.mimetype == "application/wasm" and plain.data[:4] == b"\0asm"
