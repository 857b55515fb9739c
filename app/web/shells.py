"""Pages that differ in a few strings only: rendered once with gaps, then filled; for the hot path alone."""

from __future__ import annotations

import re
from typing import Any

from flask import Response, current_app, make_response, render_template, request, session
from markupsafe import Markup, escape

from app.web.context import is_large

_GAP = re.compile("\x02([a-z_]+)\x03")
_MOST = 64  # shapes of one page; more would mean that a value was taken for a shape


def _pieces(template: str, names: frozenset[str], shape: dict[str, Any]) -> list[str]:
    """The page cut at its gaps: text, name, text, name, …, text. A gap that is empty in this shape is no gap."""
    gaps: dict[str, Any] = {name: Markup(f"\x02{name}\x03") for name in names}  # noqa: S704 - our own names
    return _GAP.split(render_template(template, **{**shape, **gaps}))


def render_filled(template: str, values: dict[str, str], *, status: int = 200, **shape: Any) -> Response:
    """The same bytes as rendering `template` with `values` and `shape`, at the cost of joining strings.

    `values` are strings that are escaped, or Markup, and only ever stand in the page as they are or are asked
    whether they are empty. `shape` (short, hashable) may decide anything.
    """
    names = frozenset(name for name, value in values.items() if value)
    empty = {name: "" for name in values if name not in names}
    shape = {**empty, **shape}
    # Flashed words and the query in the layout's links are somebody's own; a template being edited is new.
    is_own = bool(session.get("_flashes") or request.args or current_app.jinja_env.auto_reload)
    kept: dict[Any, list[str]] = current_app.extensions.setdefault("shells", {})
    key = (template, is_large(), names, tuple(sorted(shape.items())))
    pieces = None if is_own else kept.get(key)
    if pieces is None:
        pieces = _pieces(template, names, shape)
        if not is_own and len(kept) < _MOST:
            kept[key] = pieces
    parts = [piece if at % 2 == 0 else str(escape(values[piece])) for at, piece in enumerate(pieces)]
    response = make_response("".join(parts), status)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response
