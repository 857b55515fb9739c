"""The digest of a session's check-in events: its canonical form, and which of the log's digests no longer fits. Pure.

docs/decisions/0017-digests-that-are-checked.md says why it covers the first n events and nothing else.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any

DIGEST = "checkin.digest"  # the action of the log's entries
EVENTS_NAME = "check-ins.jsonl"  # of an exported log
FORM = 3
Event = Mapping[Any, Any]  # its columns by name
# What each form hashes of an event. The newest takes every column but the id, which is the order: none ever changes.
_SECOND = (
    "uid", "kind", "outcome", "activity_id", "session_id", "registration_id", "refers_to", "headcount", "grade",
    "method", "actor_id", "occurred_at", "recorded_at", "reason", "device_id",
)  # fmt: skip
COLUMNS = {
    1: ("uid", "kind", "outcome", "headcount", "grade", "refers_to"),
    2: _SECOND,
    3: (*_SECOND, "counter"),
}


@dataclass(frozen=True, slots=True)
class Sealed:
    """One digest as the log holds it: over the first `events` events of a session, in the order of their ids."""

    seq: int
    activity_code: str
    session_code: str
    events: int
    digest: str
    form: int


@dataclass(frozen=True, slots=True)
class Checked:
    """How many sessions have a digest, and a digest that the events do not fit, the first of its session."""

    sessions: int
    misfit: Misfit | None = None


@dataclass(frozen=True, slots=True)
class Misfit:
    """The first digest that the events do not fit; `present` is how many of that session are there now."""

    sealed: Sealed
    present: int

    @property
    def words(self) -> str:
        """For the auditor, without the stop."""
        what = self.sealed
        where = f"活动 {what.activity_code} 的场次 {what.session_code}"
        if self.present < what.events:
            return f"{where}，封存时有{what.events}条签到记录，现在只有{self.present}条"
        return f"{where}，封存的{what.events}条签到记录里有改动过的"


def plain(value: Any) -> Any:
    """A value of an event as JSON holds it, the same on both databases."""
    return value.astimezone(UTC).isoformat(timespec="microseconds") if isinstance(value, datetime) else value


def line_of(event: Event, form: int = FORM) -> bytes:
    """What is hashed of one event."""
    return json.dumps([plain(event[name]) for name in COLUMNS[form]], separators=(",", ":")).encode() + b"\n"


def digest_of(events: Iterable[Event]) -> tuple[int, str]:
    """How many events, and SHA-256 over them in order."""
    sha, count = hashlib.sha256(), 0
    for event in events:
        sha.update(line_of(event))
        count += 1
    return count, sha.hexdigest()


def read_sealed(seq: int, body: dict[str, Any]) -> Sealed:
    """An entry of the log; the earlier form said no number."""
    payload = body["payload"]
    return Sealed(
        seq, body["object_code"], payload["session"], payload["events"], payload["digest"], payload.get("form", 1)
    )


def by_session(entries: Iterable[Sealed]) -> dict[str, list[Sealed]]:
    """The digests of each session, by its code."""
    found: dict[str, list[Sealed]] = {}
    for each in entries:
        found.setdefault(each.session_code, []).append(each)
    return found


def find_misfit(sealed: Sequence[Sealed], events: Iterable[Event]) -> Misfit | None:
    """The first of one session's digests that its events, in the order of their ids, do not fit.

    Each digest is checked, not only the newest: what came after one of them cannot hide a change before it.
    """
    due: dict[int, list[Sealed]] = {}
    for each in sealed:
        due.setdefault(each.events, []).append(each)
    shas = {form: hashlib.sha256() for form in COLUMNS if any(each.form == form for each in sealed)}
    wrong, count = list[Sealed](), 0
    for event in events:
        count += 1
        for form, sha in shas.items():
            sha.update(line_of(event, form))
        wrong += [
            each for each in due.pop(count, ()) if each.form not in shas or shas[each.form].hexdigest() != each.digest
        ]
    wrong += [each for left in due.values() for each in left]
    first = min(wrong, key=lambda each: each.seq, default=None)
    return Misfit(first, count) if first else None


def event_line(session_code: str, event: Event) -> str:
    """One line of an exported folder's events."""
    values = {name: plain(value) for name, value in event.items()}
    return json.dumps({"session": session_code, "event": values}, separators=(",", ":")) + "\n"


def verify_exported(folder: Path, log_name: str) -> Checked | None:
    """Compute the digests of an exported log anew from the events beside it; None where there are none.

    The chain itself is verified before (audit.folder).
    """
    path = folder / EVENTS_NAME
    if not path.exists():
        return None
    with (folder / log_name).open(encoding="utf-8") as file:
        bodies = [(row["seq"], json.loads(row["body"])) for row in map(json.loads, file)]
    sealed = by_session(read_sealed(seq, body) for seq, body in bodies if body["action"] == DIGEST)
    left = dict(sealed)
    with path.open("rb") as lines:
        for code, rows in groupby(map(_read_event, lines), key=lambda row: row[0]):
            misfit = find_misfit(left.pop(code, ()), (event for _code, event in rows))
            if misfit is not None:
                return Checked(len(sealed), misfit)
    gone = next((find_misfit(entries, ()) for entries in left.values()), None)
    return Checked(len(sealed), gone)


def _read_event(line: bytes) -> tuple[str, dict[str, Any]]:
    """A line that cannot be read belongs to no session: it is missing where it stood.

    What was exported before a column was there has none of it; no digest of that time covers it.
    """
    try:
        row = json.loads(line)
        return str(row["session"]), dict.fromkeys(COLUMNS[FORM]) | row["event"]
    except (ValueError, KeyError, TypeError):
        return "", {}
