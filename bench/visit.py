"""Check-in group: what a participant's first visit weighs on the wire, from the venue's code to 已签到, all it needs."""

from __future__ import annotations

import re

from app.checkin.codes import live_key, step_of
from app.kernel.clock import now
from bench.checkin import open_session
from bench.load import burst, get, plain, post
from bench.serving import Instance, instance

GROUP = "checkin"
_FILES = re.compile(r'(?:href|src)="(/static/[^"]+)"')
_COOKIE = re.compile(rb"set-cookie: ([^;]+);", re.I)
_GRANT = re.compile(r'name="grant"[^>]*value="([^"]+)"')


def _answer(place: Instance, request: bytes) -> bytes:
    """Head and body as they come over the wire. Raises RuntimeError on anything but 200."""
    outcome = burst(place.port, [request], clients=1, proof=b"")
    if outcome.statuses != {200: 1}:
        raise RuntimeError(f"{request[:60]!r}: {outcome.statuses}")
    return outcome.last


def visit(place: Instance) -> dict[str, int]:
    """Bytes of every answer by path: the page behind the code, its files, the answer to the button and its files."""
    _, session, _, _ = open_session(place)
    key = live_key(place.app.extensions["keys"], session, step_of(now()))
    opened = _answer(place, get(f"/s/{session}?k={key}", host=place.host))
    page = plain(opened).decode()
    cookies = "; ".join(found.decode() for found in _COOKIE.findall(opened))
    grant = _GRANT.search(page)
    if grant is None:
        raise RuntimeError("the page holds no grant")
    form = f"grant={grant[1]}&way=walk_in&people=2&name="
    pressed = _answer(place, post(f"/s/{session}", form, host=place.host, cookies=cookies))
    if "已签到" not in plain(pressed).decode():
        raise RuntimeError("the press was not accepted")
    found = {"page": len(opened), "answer": len(pressed)}
    for path in sorted(set(_FILES.findall(page + plain(pressed).decode()))):
        found[path] = len(_answer(place, get(path.replace("&amp;", "&"), host=place.host)))
    return found


def run() -> tuple[dict[str, float], object]:
    """KiB of one visit; nothing here differs from round to round but the padding of compressed pages."""
    with instance() as place:
        weights = visit(place)
    return {"participant.first_visit_kb": sum(weights.values()) / 1024}, weights
