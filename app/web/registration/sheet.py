"""签到表 on paper: pages with a number each, a QR for those who sign in themselves, lines for those who just came."""

from __future__ import annotations

from dataclasses import dataclass

from flask import url_for
from flask_babel import gettext as _

from app.activities.models import Activity, ActivitySession
from app.exports.qr import matrix as qr_matrix
from app.registration.queries import RosterRow
from app.web.access import settings
from app.web.venue import printed_address

LINES = 20  # of one A4 page
BLANK_LEAST = 5


@dataclass(frozen=True, slots=True)
class SheetPage:
    """What one page holds: (running number, row or None for a line to write on)."""

    number: int
    lines: tuple[tuple[int, RosterRow | None], ...]


@dataclass(frozen=True, slots=True)
class SelfSign:
    """The QR at the head of each page, and what to do with it."""

    matrix: list[list[bool]]
    words: str


def sheet_pages(rows: list[RosterRow]) -> list[SheetPage]:
    """The rows, then empty lines to the end of the last page, at least five of them or a whole page without rows."""
    wanted = len(rows) + (BLANK_LEAST if rows else LINES)
    total = -(-wanted // LINES) * LINES
    lines: list[tuple[int, RosterRow | None]] = [
        (place + 1, rows[place] if place < len(rows) else None) for place in range(total)
    ]
    return [
        SheetPage(start // LINES + 1, tuple(lines[start : start + LINES])) for start in range(0, total, LINES)
    ]  # fmt: skip


def self_sign(activity: Activity, chosen: ActivitySession | None) -> SelfSign:
    """The printed code where it is turned on; else the sign-in page, which asks for the digits on the screen."""
    only = chosen or (activity.sessions[0] if len(activity.sessions) == 1 else None)
    if only is None:
        return SelfSign(qr_matrix(settings().base_url + url_for("home.enter")), _("有手机的扫码，输入大屏上的数字签到"))
    if activity.printed_code_on:
        return SelfSign(
            qr_matrix(printed_address(only.code, activity.printed_code_version)), _("有手机的扫码签到，不用写")
        )
    address = settings().base_url + url_for("checkin.arrive", code=only.code)
    return SelfSign(qr_matrix(address), _("有手机的扫码，输入大屏上的数字签到"))
