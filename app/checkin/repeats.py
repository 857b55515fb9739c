"""Which of several scans of one ticket stands when phones scan, repeat and take back in any order. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


class Kept(Protocol):
    """What these rules read of a stored event."""

    @property
    def id(self) -> int: ...
    @property
    def uid(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def outcome(self) -> str: ...
    @property
    def refers_to(self) -> str | None: ...
    @property
    def device_id(self) -> int | None: ...
    @property
    def counter(self) -> int | None: ...
    @property
    def occurred_at(self) -> datetime: ...


COUNTING = ("arrival", "resolution")


@dataclass(frozen=True, slots=True)
class Settled:
    """What has to be written so that the events of one person at one session say who is here.

    `withdrawn`: (arrival, the undo that reaches it); `stands`: a repeat that is the only sign of the person now;
    `waiting`: refused scans that an undo reaches, so that nobody has to decide on them any more.
    """

    withdrawn: tuple[tuple[Kept, Kept], ...]
    stands: Kept | None
    waiting: tuple[Kept, ...]


def settle(events: Sequence[Kept]) -> Settled:
    """The events of one person at one session, in any order of arrival, by the order in which they happened.

    A phone's undo takes back what that phone scanned of this ticket up to then. What came through any other door
    still stands: another phone's scan, the participant's own press, a scan by staff.
    """
    undone = {event.refers_to for event in events if event.kind == "undo" and event.refers_to}
    standing = [event for event in events if event.kind in COUNTING and event.uid not in undone]
    reached = {event.uid: undo for event in standing if (undo := _undo_of(event, events))}
    withdrawn = tuple((event, reached[event.uid]) for event in standing if event.uid in reached)
    waiting = tuple(event for event in events if event.kind == "refusal" and _undo_of(event, events))
    if len(withdrawn) < len(standing):
        return Settled(withdrawn, None, waiting)
    used = {event.refers_to for event in events if event.kind in COUNTING}
    repeats = [
        event
        for event in events
        if _is_repeat(event)
        and event.uid not in undone
        and event.uid not in used
        and not _undo_of(event, events)
        and not _cleared(event, events)
    ]
    return Settled(withdrawn, min(repeats, key=lambda event: (event.occurred_at, event.id), default=None), waiting)


def _is_repeat(event: Kept) -> bool:
    return event.outcome == "duplicate"


def _undo_of(event: Kept, events: Sequence[Kept]) -> Kept | None:
    if event.device_id is None:
        return None
    return next(
        (
            undo
            for undo in events
            if undo.kind == "undo"
            and undo.device_id == event.device_id
            and (undo.refers_to == event.uid or _came_after(undo, event))
        ),
        None,
    )


def _came_after(undo: Kept, event: Kept) -> bool:
    """By the phone's own count: its clock may have been set in between, and times that were clamped are equal."""
    if undo.counter is not None and event.counter is not None:
        return undo.counter > event.counter
    return (undo.occurred_at, undo.id) > (event.occurred_at, event.id)


def _cleared(event: Kept, events: Sequence[Kept]) -> bool:
    """Staff took the person out after this repeat was known: what staff saw stays out."""
    return any(undo.kind == "undo" and undo.device_id is None and undo.id > event.id for undo in events)


def first_time(standing: Sequence[Kept], events: Sequence[Kept]) -> datetime:
    """The earliest corrected time: of what stands, and of the phones' repeats of it.

    Other doors know no other time than now, and the hot path leaves the check-in as it is at a repeat.
    """
    undone = {event.refers_to for event in events if event.kind == "undo" and event.refers_to}
    begun = min(event.id for event in standing)
    repeats = (
        event.occurred_at
        for event in events
        if _is_repeat(event)
        and event.device_id is not None
        and event.id > begun
        and event.uid not in undone
        and not _undo_of(event, events)
    )
    return min([event.occurred_at for event in standing] + list(repeats))
