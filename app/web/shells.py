"""Pages that differ in a few strings only: rendered once with gaps, then filled; for the hot path alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask import Response, current_app, make_response, render_template, request, session
from markupsafe import Markup, escape

from app.web.context import is_large

_GAP = re.compile("\x02([a-z_]+)\x03")
_MOST = 64  # shapes of one page; more would mean that a value was taken for a shape


@dataclass(frozen=True, slots=True)
class Shell:
    """A page cut at its gaps: text, name, text, name, …, text."""

    pieces: list[str]

    def fill(self, values: dict[str, str]) -> str:
        """The page with these values, escaped where they are not Markup."""
        filled = self.pieces.copy()
        filled[1::2] = [escape(values[name]) for name in self.pieces[1::2]]
        return "".join(filled)


def cut_shell(template: str, values: dict[str, str], **shape: Any) -> Shell:
    """The page whose gaps are the values that are not empty; an empty one is no gap in this shape.

    `values` are strings that are escaped, or Markup, and only ever stand in the page as they are or are asked
    whether they are empty. `shape` (short, hashable) may decide anything.
    """
    gaps: dict[str, Any] = {
        name: Markup(f"\x02{name}\x03") if value else ""  # noqa: S704 - our own names
        for name, value in values.items()
    }
    return Shell(_GAP.split(render_template(template, **{**shape, **gaps})))


def render_filled(template: str, values: dict[str, str], *, status: int = 200, **shape: Any) -> Response:
    """The same bytes as rendering `template` with `values` and `shape`, at the cost of joining strings."""
    # Flashed words and the query in the layout's links are somebody's own; a template being edited is new.
    is_own = bool(session.get("_flashes") or request.args or current_app.jinja_env.auto_reload)
    kept: dict[Any, Shell] = current_app.extensions.setdefault("shells", {})
    key = (template, is_large(), tuple(name for name in values if values[name]), tuple(sorted(shape.items())))
    shell = None if is_own else kept.get(key)
    if shell is None:
        shell = cut_shell(template, values, **shape)
        if not is_own and len(kept) < _MOST:
            kept[key] = shell
    response = make_response(shell.fill(values), status)
    response.headers["Vary"] = "HX-Request, Cookie"
    return response
