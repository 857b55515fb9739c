"""Every form of every page of the seeded district, every field with everything that does not belong there."""

from __future__ import annotations

import os
import re
import zlib
from collections.abc import Iterator
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from tests.house import House
from tests.web.badinput.forms import Form, forms_of
from tests.web.journey.crawl import crawl
from tests.web.journey.district import browsers, seed

# Whoever leaves, leaves; the rest of the walk needs the cookie.
LEAVES = {"auth.logout", "demo.enter", "tickets.forget", "screen.leave", "activities.practise"}
_WRITE = re.compile(r"\s*(?:INSERT INTO|UPDATE|DELETE FROM)\s+\"?(\w+)", re.I)
_ERROR = re.compile(r'<p class="err"[^>]*>(.*?)</p>', re.S)
_NOTE = re.compile(r'<div class="note bad"[^>]*>(.*?)</div></div>', re.S)
FULL = os.environ.get("SHILIU_PROOF") == "full"
SHORT = 16  # make test takes one body in so many, always the same ones
KEPT = {"attempt", "check_in_event"}  # tries are counted, refused scans are kept


@pytest.fixture
def demo(app: Flask, backend: House, client: FlaskClient, monkeypatch: pytest.MonkeyPatch) -> Flask:
    monkeypatch.setattr(app.extensions["settings"], "demo", True)
    seed(backend)
    return app


def _plain(text: str) -> str:
    return re.sub(r"<svg.*?</svg>|<[^>]+>", "", text, flags=re.S).strip()


class Ink:
    """Every commit becomes a rollback, so that the district stays as it was; what would have stood is noted."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, statements: list[str]) -> None:
        self.statements = statements
        self.written: set[str] = set()
        monkeypatch.setattr(Session, "commit", lambda session: self.commit(session))  # noqa: PLW0108 - a bound method is given no self

    def commit(self, session: Session) -> None:
        session.flush()
        self.written |= {found[1] for text in self.statements if (found := _WRITE.match(text))}
        session.rollback()

    def clear(self) -> None:
        self.statements.clear()
        self.written.clear()


def forms(app: Flask) -> Iterator[tuple[FlaskClient, str, Form]]:
    """Browser, endpoint and form of every POST form that anybody is offered."""
    urls = app.url_map.bind("127.0.0.1")
    for login, browser, starts in browsers(app):
        pages = [seen for seen in crawl(app, browser, login, *starts, "/login") if seen.answer.mimetype == "text/html"]
        for seen in pages:
            for form in forms_of(seen.answer.text, seen.address):
                endpoint, arguments = urls.match(urlsplit(form.action).path, method="POST")
                if endpoint not in LEAVES:
                    yield (
                        browser,
                        " ".join([endpoint, *(arguments[key] for key in ("verb", "sort") if key in arguments)]),
                        form,
                    )


def fault(answer: TestResponse, ink: Ink) -> str:
    """What is wrong with the answer, or nothing."""
    if answer.status_code >= 500:
        return f"{answer.status_code}"
    if answer.status_code < 400:
        return ""
    if ink.written - KEPT:
        return f"{answer.status_code} and wrote {sorted(ink.written - KEPT)}"
    page = answer.text.split("<main", 1)[-1].split("<footer", 1)[0]
    words = [*_ERROR.findall(page), *_NOTE.findall(page)]
    if not words and "没有" not in page:
        return f"{answer.status_code} without a word"
    foreign = [text for text in map(_plain, words) if not re.search("[一-龥]", text)]
    return f"{answer.status_code} in no Chinese: {foreign}" if foreign else ""


def lost(form: Form, name: str, answer: TestResponse) -> str:
    """A text that was typed well and is gone from the refused form."""
    if name == "grant":  # without the right code there is no form; what was typed waits behind the six digits
        return ""
    again = next(
        (found for found in forms_of(answer.text, form.action) if set(found.values) >= set(form.values) - {name}), None
    )
    if again is None:
        return "the form is gone" if len(form.values) > 2 and answer.status_code == 422 else ""
    gone = [
        key
        for key, value in form.values.items()
        if key in form.typed and key != name and again.values[key].strip() != value.strip()
    ]
    return f"lost {gone}" if gone else ""


def post(browser: FlaskClient, form: Form, body: bytes) -> TestResponse:
    return browser.post(form.action, data=body, content_type="application/x-www-form-urlencoded")


@pytest.mark.lengthens
def test_no_field_of_any_form_breaks_anything(
    demo: Flask, statements: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    everything = list(forms(demo))
    ink = Ink(monkeypatch, statements)
    known, faults = set(), {}
    for browser, where, form in everything:
        filled = form.filled()
        for name, what, body in filled.bad():
            if (where, name, what) in known:
                continue
            known.add((where, name, what))
            if not FULL and zlib.crc32(f"{where} {name} {what}".encode()) % SHORT:
                continue
            ink.clear()
            try:
                answer = post(browser, filled, body)
                found = fault(answer, ink) or (lost(filled, name, answer) if answer.status_code >= 400 else "")
            except Exception as error:
                found = repr(error)[:160]
            if found:
                faults[f"{where} {name}: {what}"] = found
    assert len(known) > 1000
    assert faults == {}
