"""Seating many in a row: the pools as they were read once, moved on after each as the database would. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from app.registration.rules import InLine, Room, fits


@dataclass(slots=True)
class Hold:
    """Places kept free for a unit; `session_id` None is of every pool."""

    id: int
    session_id: int | None
    unit_id: int | None
    places: int


class Seating:
    """Gives places in the order of the calls, each as one registration alone would get it."""

    def __init__(
        self, rooms: Mapping[int | None, Room], lines: Mapping[int | None, Sequence[InLine]], holds: Sequence[Hold]
    ) -> None:
        self._rooms = dict(rooms)
        self._lines = {
            pool: {waiting.unit_id: waiting.headcount for waiting in sorted(line, key=lambda w: -w.headcount)}
            for pool, line in lines.items()
        }
        self._holds = holds

    def seat(self, pool: int | None, unit_id: int | None, headcount: int) -> bool:
        """Whether these people get a place; if not, they stand at the end of the line."""
        waiting = self._lines[pool]
        line = [InLine(0, people, unit) for unit, people in waiting.items()] if waiting else ()
        if not fits(headcount, unit_id=unit_id, room=self._rooms[pool], line=line):
            # Of each unit the smallest decides whether anybody waiting fits.
            waiting[unit_id] = min(headcount, waiting.get(unit_id, headcount))
            return False
        room = self._rooms[pool]
        used = room.used
        if unit_id is not None:
            used = {**used, unit_id: used.get(unit_id, 0) + headcount}
        self._rooms[pool] = replace(room, taken=room.taken + headcount, used=used)
        if unit_id is not None and room.held.get(unit_id):
            self._use_holds(pool, unit_id, headcount)
        return True

    def _use_holds(self, pool: int | None, unit_id: int, headcount: int) -> None:
        """A hold of all sessions that is used in one is gone in the others too."""
        for hold in self._holds:
            if hold.unit_id != unit_id or (pool is not None and hold.session_id not in (None, pool)):
                continue
            used = min(hold.places, headcount)
            hold.places -= used
            headcount -= used
            for key, room in self._rooms.items():
                if key is None or hold.session_id in (None, key):
                    self._rooms[key] = replace(room, held={**room.held, unit_id: room.held[unit_id] - used})
