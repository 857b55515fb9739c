"""Wrong, old and foreign codes are answered alike: in words, in status, and in time as a ratio."""

from __future__ import annotations

import os
import re
import secrets
import time
from collections.abc import Callable
from statistics import median

import pytest
from flask import Flask
from flask.testing import FlaskClient

from app.checkin.models import CheckIn
from tests.web.checkin.browser import count, live_key, make, outcomes

pytestmark = [pytest.mark.lengthens, pytest.mark.published]
CODES = 10_000 if os.environ.get("SHILIU_PROOF") == "full" else 240
Make = Callable[[], str]


def _plain(text: str) -> str:
    """The page without its token, and without what the address itself said (the link to large type repeats it)."""
    return re.sub(r'\?k=[\w-]+|name="csrf_token"[^>]*', "", text)


def _ask(client: FlaskClient, address: str) -> tuple[int, str, float]:
    begun = time.perf_counter()
    answer = client.get(address)
    return answer.status_code, _plain(answer.text), time.perf_counter() - begun


def _compare(client: FlaskClient, kinds: dict[str, Make], record_property: Callable[[str, object], None]) -> float:
    """Every kind in turn, CODES in all; asserts one status and one page, returns slowest median over fastest."""
    seen, times = set[tuple[int, str]](), {kind: list[float]() for kind in kinds}
    for make_address in kinds.values():  # templates and statements are made once
        _ask(client, make_address())
    for _ in range(CODES // len(kinds)):
        for kind, make_address in kinds.items():
            status, page, seconds = _ask(client, make_address())
            seen.add((status, page))
            times[kind].append(seconds)
    pages = sorted(page.splitlines() for _status, page in seen)
    assert len(seen) == 1, [pair for pair in zip(*pages[:2], strict=False) if pair[0] != pair[1]]
    medians = [median(each) for each in times.values()]
    ratio = max(medians) / min(medians)
    record_property("codes", CODES)
    record_property("slowest median over fastest", round(ratio, 2))
    return ratio


def test_live_keys(app: Flask, client: FlaskClient, record_property: Callable[[str, object], None]) -> None:
    _code, session = make(app)
    _other, foreign = make(app)
    kinds: dict[str, Make] = {
        "wrong": lambda: f"/s/{session}?k={secrets.token_urlsafe(16)}",
        "foreign": lambda: f"/s/{session}?k={live_key(app, foreign)}",
        "two steps old": lambda: f"/s/{session}?k={live_key(app, session, steps=-2)}",
        "ahead of time": lambda: f"/s/{session}?k={live_key(app, session, steps=1)}",
    }
    client.get(f"/s/{session}?k={live_key(app, session)}")  # the browser's own token is made once
    assert _compare(client, kinds, record_property) < 1.5
    assert count(app, CheckIn) == 0 and outcomes(app) == []
    assert 'name="grant"' in client.get(f"/s/{session}?k={live_key(app, session)}").text  # control: the right one opens


def test_ticket_secrets(app: Flask, client: FlaskClient, record_property: Callable[[str, object], None]) -> None:
    kinds: dict[str, Make] = {
        "unknown": lambda: f"/t/{secrets.token_urlsafe(16)}", "of another length": lambda: f"/t/{secrets.token_hex(16)}",
    }  # fmt: skip
    assert _compare(client, kinds, record_property) < 1.5
