"""The preview of an import travels in its own form, signed, in place of the file: the server keeps nothing of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Generic, TypeVar

from flask import current_app, request
from flask_babel import gettext as _
from itsdangerous import BadData, URLSafeTimedSerializer

from app.kernel.errors import Problem, RuleBroken
from app.sheets.rows import Row
from app.web.access import current_actor

S = TypeVar("S", bound=StrEnum)
LASTS_SECONDS = 2 * 3600
TOKEN_MOST = 400_000  # the form takes 512 kB
CELL_MOST = 500


@dataclass(frozen=True, slots=True)
class Draft(Generic[S]):
    """Rows, those set aside, those on the page; `id` makes a second confirm harmless where nothing else does."""

    rows: list[Row[S]]
    aside: set[int]
    shown: set[int]
    id: str = ""


def _serializer(purpose: str) -> URLSafeTimedSerializer:
    rings = [*current_app.config.get("SECRET_KEY_FALLBACKS", ()), current_app.config["SECRET_KEY"]]
    return URLSafeTimedSerializer(rings, salt=purpose)


def seal(draft: Draft[S], purpose: str) -> str:
    """Bound to the person and the purpose, so that what was checked is what comes back.

    Raises RuleBroken for more than a form takes.
    """
    rows = [[row.sort.value, row.sheet, row.number, row.cells] for row in draft.rows]
    parts = [current_actor().user_code, draft.id, rows, sorted(draft.aside), sorted(draft.shown)]
    sealed = _serializer(purpose).dumps(parts)
    token = sealed if isinstance(sealed, str) else sealed.decode()
    if len(token) > TOKEN_MOST:
        raise RuleBroken(Problem("too_much", _("内容太多，一次放不下。请分成几个文件，一次导入一个。")))
    return token


def open_draft(token: str, purpose: str, sort: Callable[[str], S]) -> Draft[S]:
    """Raises RuleBroken for a token that is old, cut off, somebody else's or for something else."""
    try:
        whose, id_, rows, aside, shown = _serializer(purpose).loads(token, max_age=LASTS_SECONDS)
    except BadData:
        whose, id_, rows, aside, shown = "", "", [], [], []
    if not rows or whose != current_actor().user_code:
        raise RuleBroken(Problem("preview_gone", _("预览放得太久，或者没有传完整。什么都没有导入，请重新选文件。")))
    return Draft(
        [Row(sort(kind), sheet, number, cells) for kind, sheet, number, cells in rows], set(aside), set(shown), id_
    )


def typed_cells(count: int) -> dict[int, dict[str, str]]:
    """What was typed into the cells of the form, by row: fields named `c-<row>-<field>`."""
    changes: dict[int, dict[str, str]] = {}
    for name in request.form:
        mark, _dash, rest = name.partition("-")
        place, _dash, field = rest.partition("-")
        if mark == "c" and _is_place(place) and int(place) < count:
            changes.setdefault(int(place), {})[field] = request.form[name][:CELL_MOST]
    return changes


def ticked(draft: Draft[S]) -> set[int]:
    """The rows to set aside: those ticked on this page, and those from before that it did not show."""
    return {int(place) for place in request.form.getlist("aside") if _is_place(place)} | (draft.aside - draft.shown)


def _is_place(text: str) -> bool:
    """A row's number; `isdigit` alone also takes ², which is no number."""
    return text.isascii() and text.isdigit() and len(text) < 6
