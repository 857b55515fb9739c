"""Walks the seeded district as its people do, link by link, and hands over every answer."""

from __future__ import annotations

import html
import os
import re
from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient
from werkzeug.exceptions import HTTPException
from werkzeug.test import TestResponse

# Addresses of one endpoint and role; a list's first rows are like its last.
EACH = 4 if os.environ.get("SHILIU_PROOF") == "full" else 2
_LINK = re.compile(r'(?:href|src|hx-get)="(/[^"#]*)')


@dataclass(frozen=True)
class Seen:
    """One answer on the way. `login` is empty for a participant."""

    login: str
    endpoint: str
    address: str
    answer: TestResponse
    via: str  # the page that links to it


def crawl(app: Flask, client: FlaskClient, login: str, *starts: str) -> Iterator[Seen]:
    """Breadth first from the starts, which are all opened; the caller may count between two answers."""
    urls = app.url_map.bind("127.0.0.1")
    waiting, known, opened = deque((start, "") for start in starts), set(starts), Counter[str]()
    while waiting:
        address, via = waiting.popleft()
        try:
            endpoint, _arguments = urls.match(urlsplit(address).path, method="GET")
        except HTTPException:
            continue
        if via and opened[endpoint] >= EACH:
            continue
        opened[endpoint] += 1
        answer = client.get(address)
        yield Seen(login, endpoint, address, answer, via)
        found = [answer.headers.get("Location", "")]
        if answer.mimetype == "text/html":
            found += [html.unescape(link) for link in _LINK.findall(answer.text)]
        for link in found:
            if link.startswith("/") and link not in known and not link.startswith("/static/"):
                known.add(link)
                waiting.append((link, address))
