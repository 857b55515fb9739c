"""What was made from the database once and holds until anything is written: nobody waits for a sum that is the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from flask import Response, current_app, g, make_response, render_template, request, session
from flask_wtf.csrf import generate_csrf

from app.audit.log import head
from app.extensions import db
from app.kernel.clock import now
from app.kernel.tokens import random_secret
from app.web.access import current_actor
from app.web.context import is_large
from app.web.rendering import staff_page
from app.web.shells import Shell

Made = TypeVar("Made")
MOST = 64  # of one state of the log; a reader, a year or a day is a shape of its own


@dataclass(frozen=True, slots=True)
class _Shelf:
    """What was made since the log had this last entry."""

    head: str
    things: dict[Hashable, Any] = field(default_factory=dict)


def kept(make: Callable[[], Made], *key: Hashable) -> Made:
    """What `make` gives, made again after the next entry of the log.

    Every transaction that changes what people see adds an entry as its last step, and they take turns for it, so
    the head changes when the figures do: in the same commit, in every process. It is read before `make` reads, which
    can only be newer. `key` names the thing and all that `make` depends on beside the database, the day for one.
    """
    last = head(db.session())
    shelf: _Shelf | None = current_app.extensions.get("kept")
    if shelf is None or shelf.head != last:
        shelf = current_app.extensions["kept"] = _Shelf(last)
    if key in shelf.things:
        found: Made = shelf.things[key]
        return found
    made = make()
    if len(shelf.things) < MOST:
        shelf.things[key] = made
    return made


@dataclass(frozen=True, slots=True)
class _Page:
    """A page with gaps for what is of one answer only."""

    shell: Shell
    is_staff: bool


def once() -> str:
    """A random id of this answer, for a form whose second submit shall be harmless."""
    if "once" not in g:
        g.once = random_secret()
    found: str = g.once
    return found


def kept_page(template: str, make: Callable[[], dict[str, Any]], *key: Hashable) -> Response:
    """The page with the context that `make` gives, rendered again after the next entry of the log or the next minute.

    It is of one reader, address and size; form token and `once()` are those of this answer. `key`: whatever else
    `make` looks at, a cookie for one. Only for pages whose times are whole minutes, and that show nothing that is
    written without an entry: check-ins are (app/checkin).
    """
    own = {"token": generate_csrf(), "once": once()}
    # What was said to one person, and a template that is being edited, are made each time.
    if session.get("_flashes") or current_app.jinja_env.auto_reload:
        return _answer(render_template(template, **make()))
    minute, address = int(now().timestamp()) // 60, request.full_path
    page = kept(
        lambda: _cut(render_template(template, **make()), own),
        template, current_actor(), address, is_large(), minute, *key,
    )  # fmt: skip
    if page.is_staff:
        staff_page()
    return _answer(page.shell.fill(own))


def _cut(html: str, own: dict[str, str]) -> _Page:
    """Both values are long and random: nothing else in the page is like them."""
    names = {value: name for name, value in own.items()}
    pieces = re.split("(" + "|".join(map(re.escape, names)) + ")", html)
    pieces[1::2] = [names[value] for value in pieces[1::2]]
    return _Page(Shell(pieces), bool(g.get("staff_page")))


def _answer(html: str) -> Response:
    response = make_response(html)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response
