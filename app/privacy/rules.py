"""When an activity's personal values are due, when the night's work is; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.kernel.clock import SHANGHAI

NIGHT_HOUR = 3  # Shanghai
BACKUP_DAYS = 30


@dataclass(frozen=True, slots=True)
class Periods:
    """Days, from retention.toml."""

    after_approval: int
    after_end: int
    practice: int


def due_at(
    periods: Periods,
    *,
    is_practice: bool,
    approved_at: datetime | None,
    ends_at: datetime | None,
    cancelled_at: datetime | None,
) -> datetime | None:
    """The moment from which the values go: whichever comes first. None while nothing has happened yet."""
    moments = [
        moment + timedelta(days=days)
        for moment, days in (
            (approved_at, periods.after_approval),
            (ends_at, periods.after_end),
            (cancelled_at, periods.after_end),
            (ends_at if is_practice else None, periods.practice),
        )
        if moment is not None
    ]
    return min(moments, default=None)


def night_of(now: datetime) -> str:
    """The Shanghai date whose night it is or was last: until three o'clock it is still yesterday's."""
    return (now.astimezone(SHANGHAI) - timedelta(hours=NIGHT_HOUR)).date().isoformat()


def kept_backups(made: list[datetime], now: datetime) -> set[datetime]:
    """Which backups stay: all of the last day, then the last of each day, none older than 30 days."""
    kept: set[datetime] = set()
    days: set[str] = set()
    for moment in sorted(made, reverse=True):
        age = now - moment
        if age > timedelta(days=BACKUP_DAYS):
            continue
        day = moment.astimezone(SHANGHAI).date().isoformat()
        if age <= timedelta(days=1) or day not in days:
            kept.add(moment)
        days.add(day)
    return kept
