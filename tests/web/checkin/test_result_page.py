"""The filled result page is the rendered one, and what a participant loads is small."""

from __future__ import annotations

import gzip
import re

import pytest
from flask import Flask, flash, render_template
from flask.testing import FlaskClient
from markupsafe import Markup

from app.web.shells import render_filled
from tests.web.checkin.browser import make, press, scan

pytestmark = pytest.mark.published
VALUES = {
    "time": Markup('<time datetime="2026-11-20T09:02">09:02</time>'), "message": "", "people": "3人",
    "name": "<b>李女士</b>𠀀", "label": "", "day": "11月20日 周五", "clock": "09:00–10:00", "title": "{{ 剪纸 }} \x02name\x03",
    "ticket": "/t/secret", "about": "/a/code", "door": "/s/code", "grant": "a.b.c", "party": "", "desk": "1",
}  # fmt: skip


@pytest.mark.parametrize("kind", ["new", "again", "out"])
@pytest.mark.parametrize("missing", ["", "name", "ticket", "label"])
def test_filling_gives_the_same_bytes_as_rendering(app: Flask, kind: str, missing: str) -> None:
    values = VALUES | ({missing: ""} if missing else {})
    with app.test_request_context("/s/x", method="POST"):
        plain = render_template("checkin/result.html", **values, kind=kind)
        for _ in range(2):
            assert render_filled("checkin/result.html", values, kind=kind).get_data(as_text=True) == plain
    assert "<b>李女士" not in plain


def test_flashed_words_of_one_are_never_kept_for_another(app: Flask) -> None:
    with app.test_request_context("/s/x", method="POST"):
        flash("只给一个人看")
        assert "只给一个人看" in render_filled("checkin/result.html", VALUES, kind="new").get_data(as_text=True)
    with app.test_request_context("/s/x", method="POST"):
        assert "只给一个人看" not in render_filled("checkin/result.html", VALUES, kind="new").get_data(as_text=True)


def test_a_query_of_one_is_never_kept_for_another(app: Flask) -> None:
    page, said = "errors/error.html", {"title": "标题", "text": "", "safe": "安全", "action": "怎么办"}
    with app.test_request_context("/s/x?planted=words", method="POST"):
        assert "planted" in render_filled(page, said, code=400).get_data(as_text=True)  # its links repeat the query
    with app.test_request_context("/s/x", method="POST"):
        assert "planted" not in render_filled(page, said, code=400).get_data(as_text=True)


def test_from_scan_to_signed_in_weighs_at_most_60_kb(app: Flask, client: FlaskClient) -> None:
    _, session = make(app)
    page = scan(app, client, session)
    answer = press(client, session, page, "walk_in", people="1").text
    files = set(re.findall(r'(?:href|src)="(/static/[^"]+)"', page + answer))
    assert len(files) >= 3
    weight = sum(len(gzip.compress(client.get(path).data)) for path in files)
    weight += len(gzip.compress(page.encode())) + len(answer.encode())  # the answer leaves as it is
    assert weight <= 60 * 1024, weight
    assert weight >= 5 * 1024
