"""Addresses and codes of the venue as screens show them: the live code of a step, the printed one."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime

from flask import request, url_for

from app.activities.rules import window
from app.checkin import codes
from app.checkin.queries import Door
from app.checkin.rules import SEALED, CountAs
from app.exports.qr import matrix as qr_matrix
from app.kernel.text import ascii_digits, normalise_code
from app.web.access import keys, settings

_UID = re.compile(r"[A-Za-z0-9_-]{16,40}")


@dataclass(frozen=True, slots=True)
class LiveCode:
    """What the venue shows during one step."""

    step: int
    url: str
    digits: str
    matrix: list[list[bool]]

    @property
    def spoken(self) -> str:
        """Three and three, as one reads them aloud."""
        return f"{self.digits[:3]} {self.digits[3:]}"

    @property
    def rows(self) -> list[str]:
        """The QR as text, a line a row, for scripts that draw it."""
        return ["".join("1" if dark else "0" for dark in row) for row in self.matrix]


def live_address(session_code: str, step: int) -> str:
    """The address in the venue's QR; it holds until the end of the next step."""
    key = codes.live_key(keys(), session_code, step)
    return f"{settings().base_url}{url_for('checkin.arrive', code=session_code, k=key)}"


def live_code(session_code: str, step: int) -> LiveCode:
    """The live code of a step."""
    url = live_address(session_code, step)
    return LiveCode(step, url, codes.venue_digits(keys(), session_code, step), qr_matrix(url))


def printed_address(session_code: str, version: int) -> str:
    """The address in a printed code."""
    key = codes.printed_key(keys(), session_code, version)
    return f"{settings().base_url}{url_for('checkin.arrive', code=session_code, p=key)}"


def window_of_door(door: Door) -> tuple[datetime, datetime]:
    """When sign-in to this session opens and closes."""
    return window(
        starts_at=door.starts_at, ends_at=door.ends_at, opens_before_min=door.opens_before_min,
        closes_after_min=door.closes_after_min, opened_at=door.opened_at, closes_at=door.closes_at,
    )  # fmt: skip


def phase_of(door: Door, moment: datetime) -> str:
    """`off` (cancelled), `sealed` (submitted for review, whatever the hour), `soon`, `open` or `over`."""
    opens, closes = window_of_door(door)
    if door.state == "cancelled":
        return "off"
    if door.review_state in SEALED:
        return "sealed"
    return "soon" if moment < opens else "open" if moment < closes else "over"


def asked_uid() -> str:
    """The form's own random id, which makes a second submit harmless; empty when it was tampered with."""
    found = request.form.get("uid", "")
    return found if _UID.fullmatch(found) else ""


def asked_number(name: str, default: int = 0) -> int | None:
    """A whole number from a form field, full-width digits too; `default` when empty, None when it is no number."""
    return whole_number(request.form.get(name, ""), default)


def whole_number(typed: str, default: int = 0) -> int | None:
    """A whole number as typed; `default` when empty, None when it is no number."""
    text = ascii_digits(typed).strip()
    if not text:
        return default
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 6 else None


def asked_party() -> tuple[int | None, CountAs]:
    """A party's number and what it says; each of two choices in one form has a number of its own.

    A form that says nothing never adds to what another has counted.
    """
    said = request.form.get("count_as", "")
    count_as = CountAs(said) if said in list(CountAs) else CountAs.FIRST
    return asked_number(count_as.value if count_as.value in request.form else "people"), count_as


def asked_digits() -> str:
    """Six digits as typed, without blanks; empty when they are not six digits."""
    typed = normalise_code(request.form.get("digits", "")[:40])
    return typed if len(typed) == 6 and typed.isascii() and typed.isdigit() else ""
