"""The only reader of the clock: now in UTC, the business day in Asia/Shanghai."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")


def now() -> datetime:
    """This moment, aware, in UTC."""
    return datetime.now(UTC)


def business_day(moment: datetime) -> date:
    """The Shanghai calendar date of an aware moment."""
    return moment.astimezone(SHANGHAI).date()


def shanghai(day: date, clock: time) -> datetime:
    """The UTC moment of a Shanghai wall-clock time."""
    return datetime.combine(day, clock, tzinfo=SHANGHAI).astimezone(UTC)


def day_bounds(day: date) -> tuple[datetime, datetime]:
    """First moment of the Shanghai day and of the next one, in UTC."""
    return shanghai(day, time()), shanghai(day + timedelta(days=1), time())
