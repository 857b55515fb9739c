"""The digest over a session's events: what it covers, and which of the log's digests no longer fits."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from app.checkin.models import CheckInEvent
from app.checkin.sealing import (
    COLUMNS,
    DIGEST,
    EVENTS_NAME,
    FORM,
    Sealed,
    digest_of,
    event_line,
    find_misfit,
    line_of,
    verify_exported,
)

AT = datetime(2026, 11, 8, 1, 2, 3, 4, tzinfo=UTC)


def event(number: int, **columns: Any) -> dict[str, Any]:
    return {
        "uid": f"uid-{number}", "kind": "arrival", "outcome": "accepted", "activity_id": 1, "session_id": 2,
        "registration_id": number, "refers_to": None, "headcount": 2, "grade": "B", "method": "live_code",
        "actor_id": None, "occurred_at": AT, "recorded_at": AT, "reason": "", "device_id": None,
        "counter": None,
    } | columns  # fmt: skip


EVENTS = [event(number) for number in range(5)]
OTHER = {"actor_id": 7, "device_id": 8, "counter": 3, "refers_to": "uid-9", "occurred_at": AT + timedelta(seconds=1),
         "recorded_at": AT - timedelta(seconds=1), "grade": None, "headcount": 200}  # fmt: skip


def sealed(count: int, *, seq: int = 1, form: int = FORM) -> Sealed:
    sha = hashlib.sha256(b"".join(line_of(each, form) for each in EVENTS[:count])).hexdigest()
    return Sealed(seq, "activity0001", "session00001", count, sha, form)


def test_every_column_but_the_id_is_in_the_present_form() -> None:
    """Whoever adds a column writes another form: entries of the earlier ones must still fit."""
    assert {column.name for column in CheckInEvent.__table__.columns} - {"id"} == set(COLUMNS[FORM])


@pytest.mark.parametrize("name", COLUMNS[FORM])
def test_a_change_of_any_column_is_found_and_in_an_earlier_form_only_of_its_own(name: str) -> None:
    was = EVENTS[2][name]
    value = OTHER[name] if name in OTHER else was + 1 if isinstance(was, int) else was + "x"
    changed = [*EVENTS[:2], EVENTS[2] | {name: value}, *EVENTS[3:]]
    assert find_misfit([sealed(5)], EVENTS) is None
    assert find_misfit([sealed(5)], changed) is not None
    for form in (1, 2):
        assert (find_misfit([sealed(5, form=form)], changed) is not None) == (name in COLUMNS[form])


def test_what_came_after_a_digest_is_no_deviation_and_hides_none() -> None:
    first, second = sealed(3), sealed(5, seq=2)
    assert find_misfit([first, second], [*EVENTS, event(9)]) is None
    changed = [event(0, headcount=200), *EVENTS[1:]]
    again = Sealed(2, "", "", 5, digest_of(changed)[1], FORM)  # the worker sealed it anew, after the change
    found = find_misfit([first, again], changed)
    assert found is not None and found.sealed is first
    assert find_misfit([again], changed) is None  # control: the newest alone tells nothing
    assert "改动" in found.words and "session00001" in found.words


@pytest.mark.parametrize("left", [EVENTS[:4], EVENTS[1:], [EVENTS[1], EVENTS[0], *EVENTS[2:]], []])
def test_missing_and_exchanged_events_are_found(left: list[dict[str, Any]]) -> None:
    found = find_misfit([sealed(5)], left)
    assert found is not None and found.present == len(left)
    assert ("只有" in found.words) == (len(left) < 5)


def test_all_forms_stand_side_by_side_and_one_that_nobody_knows_does_not_hold() -> None:
    assert find_misfit([sealed(3, form=1), sealed(3, seq=2, form=2), sealed(3, seq=3)], EVENTS) is None
    assert find_misfit([Sealed(1, "", "", 3, sealed(3).digest, 9)], EVENTS) is not None


def test_a_moment_is_hashed_alike_in_every_zone_and_with_its_microseconds() -> None:
    there = AT.astimezone(timezone(timedelta(hours=8)))
    assert line_of(event(1)) == line_of(event(1, occurred_at=there))
    assert b"2026-11-08T01:02:03.000004+00:00" in line_of(event(1))


def test_an_exported_folder_is_checked_without_a_database(tmp_path: Path) -> None:
    what = sealed(4)
    body = {"action": DIGEST, "object_code": what.activity_code,
            "payload": {"session": what.session_code, "events": 4, "digest": what.digest, "form": FORM}}  # fmt: skip
    (tmp_path / "log.jsonl").write_text(json.dumps({"seq": 1, "body": json.dumps(body)}) + "\n")
    assert verify_exported(tmp_path, "log.jsonl") is None
    lines = [event_line("another00001", event(7)), *(event_line(what.session_code, each) for each in EVENTS)]
    path = tmp_path / EVENTS_NAME

    def holds(text: str) -> bool:
        path.write_text(text)
        found = verify_exported(tmp_path, "log.jsonl")
        return found is not None and found.misfit is None and found.sessions == 1

    assert holds("".join(lines))
    assert not holds("".join(lines).replace('"headcount":2', '"headcount":20'))
    assert not holds("".join(lines[:4]))
    assert not holds("".join([*lines[:3], "{\n", *lines[3:]]))
    assert not holds("")
