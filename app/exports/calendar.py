"""Calendar files (.ics): events in, bytes out; knows nothing of the domain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from icalendar import Calendar, Event

from app.kernel.clock import SHANGHAI


@dataclass(frozen=True, slots=True)
class CalendarEvent:
    """One entry; `uid` stays the same over changes, so that a calendar replaces its old copy."""

    uid: str
    title: str
    starts_at: datetime
    ends_at: datetime
    place: str = ""
    note: str = ""
    url: str = ""
    is_cancelled: bool = False
    revision: int = 0


def event_uid(session_code: str) -> str:
    """One name for a session wherever its entry comes from: the page, the ticket or a letter replace each other."""
    return f"{session_code}@shiliu"


def calendar_file(events: Sequence[CalendarEvent], *, name: str, made_at: datetime) -> bytes:
    """A calendar with its Asia/Shanghai time zone written out."""
    calendar = Calendar()
    calendar.add("prodid", "-//shiliu//zh-CN")
    calendar.add("version", "2.0")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", name)
    for given in events:
        calendar.add_component(_event(given, made_at))
    if events:
        calendar.add_missing_timezones()
    return bytes(calendar.to_ical())


def _event(given: CalendarEvent, made_at: datetime) -> Event:
    event = Event()
    event.add("uid", given.uid)
    event.add("dtstamp", made_at)
    event.add("sequence", given.revision)
    event.add("summary", given.title)
    event.add("dtstart", given.starts_at.astimezone(SHANGHAI))
    event.add("dtend", given.ends_at.astimezone(SHANGHAI))
    event.add("status", "CANCELLED" if given.is_cancelled else "CONFIRMED")
    for field, value in (("location", given.place), ("description", given.note), ("url", given.url)):
        if value:
            event.add(field, value)
    return event
