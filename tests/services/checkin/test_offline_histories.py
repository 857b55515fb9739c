"""Whatever phones do and the network loses: the final state is the model's, and a replay changes nothing."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from app.checkin import offline, repeats
from app.checkin.corrections import rebuild_check_ins
from app.checkin.models import CheckIn, CheckInEvent
from app.checkin.offline import Scan, take_scan
from app.extensions import db
from app.kernel.database import transaction
from app.registration.models import Registration
from tests.factories import NOW
from tests.services.checkin.histories import Day
from tests.services.checkin.model import expected
from tests.services.checkin.stage import make_stage

FULL = os.environ.get("SHILIU_PROOF") == "full"
HISTORIES, STEPS = (1000, 45) if FULL else (60, 22)
SLICES = 10
Note = Callable[[str, object], None]


class _Undone(Exception):
    """Ends a history's transaction without keeping it."""


def state(day: Day) -> dict[str, tuple[int, float]]:
    """People and first time (seconds of the day) by ticket, of a walk-in by its event, from the database."""
    session = day.s.session
    session.expire_all()
    walked = {
        row.registration_id: row.uid
        for row in session.execute(
            select(CheckInEvent.registration_id, CheckInEvent.uid, CheckInEvent.refers_to).where(
                CheckInEvent.kind.in_(("arrival", "resolution"))
            )
        )
    }
    origin = {row.uid: row.refers_to for row in session.execute(select(CheckInEvent.uid, CheckInEvent.refers_to))}
    found = {}
    for check, hash_ in session.execute(
        select(CheckIn, Registration.secret_hash).join(Registration, Registration.id == CheckIn.registration_id)
    ):
        uid = walked[check.registration_id]
        key = hash_ or (origin.get(uid) or uid)
        found[key] = (check.headcount, round((check.first_at - NOW).total_seconds(), 1))
    return found


def everything(day: Day) -> tuple[list[Any], list[Any], list[Any]]:
    """Check-ins, events and held scans as values."""
    day.s.session.expire_all()
    events = [(e.uid, e.kind, e.outcome, e.occurred_at) for e in day.s.session.scalars(select(CheckInEvent))]
    return day.s.projection(), sorted(events), sorted(day.held().items())


def live(
    app: Flask, seed: int, take: Any = take_scan, steps: int = STEPS, *, hands_over: bool = False, **more: Any
) -> list[str]:  # fmt: skip
    """One history from beginning to end; what differs from the model, in words."""
    wrong: list[str] = []
    with app.app_context(), pytest.raises(_Undone), transaction(db.session) as tx:  # noqa: PT012
        day = Day(make_stage(tx, app.extensions["keys"], capacity=None), seed, take, **more)
        day.walk(steps, hands_over=hands_over)
        for when in ("synced", "decided"):
            model = expected(day)
            rounded = {key: (people, round(at, 1)) for key, (people, at) in model.here.items()}
            if (found := state(day)) != rounded:
                wrong.append(f"{seed} {when}: {found} is not {rounded}")
            if (held := day.held()) != model.held:
                wrong.append(f"{seed} {when}: held {held} is not {model.held}")
            if when == "synced":
                day.decide()
        before = everything(day)
        day.replay()
        if everything(day) != before:
            wrong.append(f"{seed}: a replay changed something")
        rebuild_check_ins(tx, day.s.activity.id)
        if day.s.projection() != before[0]:
            wrong.append(f"{seed}: rebuilt {day.s.projection()} is not {before[0]}")
        raise _Undone
    return wrong


@pytest.mark.lengthens
@pytest.mark.parametrize("part", range(SLICES))
def test_every_history_ends_as_the_model_says(app: Flask, part: int, record_property: Note) -> None:
    seeds = range(part, HISTORIES, SLICES)
    wrong = [line for seed in seeds for line in live(app, seed)]
    record_property("histories", len(seeds))
    assert wrong == []


@pytest.mark.parametrize("seed", [836, 879])
def test_an_undo_reaches_what_the_same_phone_scanned_before_anybody_knew_the_ticket(app: Flask, seed: int) -> None:
    """Two histories that once ended with a scan waiting for a person although its phone had taken it back."""
    assert live(app, seed, steps=45, in_line=0, odd=0) == []


def test_an_undo_reaches_what_was_scanned_since_its_scan_went_with_another_undo(app: Flask) -> None:
    """A history that once ended with a person counted whom the phone had taken back."""
    assert live(app, 203, steps=45) == []


@pytest.mark.lengthens
def test_what_is_handed_over_as_a_file_ends_as_if_it_had_been_sent(app: Flask, record_property: Note) -> None:
    wrong = [line for seed in range(HISTORIES // 4) for line in live(app, seed, hands_over=True)]
    record_property("histories", HISTORIES // 4)
    assert wrong == []


def test_a_file_without_its_seal_ends_otherwise(app: Flask) -> None:
    """Negative control."""

    def unsealed(session: Any, scan: Scan, *, handed: Any = None, **more: Any) -> Any:
        return take_scan(session, scan, handed=handed and replace(handed, is_sealed=False), **more)

    assert any(live(app, seed, unsealed, hands_over=True) for seed in range(6))


def _doctored(**change: Any) -> Any:
    """A planted fault: of what a phone says of a class, something is lost or made up."""

    def take(session: Any, scan: Scan, **more: Any) -> Any:
        doctored = {name: value(scan) if callable(value) else value for name, value in change.items()}
        return take_scan(session, scan if scan.kind == "undo" or scan.walk_in else replace(scan, **doctored), **more)

    return take


@pytest.mark.parametrize(
    "change",
    [
        {"people": lambda scan: scan.people or 5},  # a class without a number is taken for all who registered
        {"count_as": "part"},  # checking a number adds it
        {"count_as": lambda scan: "part" if scan.count_as == "first" else scan.count_as},  # an old roster doubles
        {"refers_to": None},  # the scan that was asked waits on, beside the number
    ],
    ids=["assumed", "added", "doubled", "left waiting"],
)
def test_with_a_class_counted_otherwise_the_histories_differ(app: Flask, change: dict[str, Any]) -> None:
    assert any(live(app, seed, _doctored(**change)) for seed in range(12))


def _uid_anew(session: Any, scan: Scan, **more: Any) -> Any:
    """A planted fault: the server does not know an event again."""
    _uid_anew.count += 1  # type: ignore[attr-defined]
    return take_scan(session, replace(scan, uid=f"p{_uid_anew.count:021d}"), **more)  # type: ignore[attr-defined]


_uid_anew.count = 0  # type: ignore[attr-defined]


def test_without_the_id_made_on_the_phone_the_histories_differ(app: Flask) -> None:
    assert any(live(app, seed, _uid_anew) for seed in range(3))


def test_without_a_hold_for_who_was_let_in_the_histories_differ(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offline, "_DECIDED_BY_HAND", frozenset())
    assert any(live(app, seed) for seed in range(6))


@pytest.mark.parametrize(
    "was_let_in",
    [lambda *_, **__: False, lambda _scan, _sent, time, *, now, **_: now - time.at > offline.LATE],
    ids=["never", "by the clamped time"],
)
def test_without_who_was_let_in_by_a_page_opened_anew_the_histories_differ(
    app: Flask, monkeypatch: pytest.MonkeyPatch, was_let_in: Any
) -> None:
    monkeypatch.setattr(offline, "_was_let_in", was_let_in)
    assert any(live(app, seed) for seed in range(20))


@pytest.mark.parametrize(
    "came_after",
    [
        lambda undo, event: undo.occurred_at >= event.occurred_at,
        lambda undo, event: (undo.occurred_at, undo.id) > (event.occurred_at, event.id),
    ],
    ids=["by time", "by time and arrival"],
)
def test_without_the_phones_own_order_the_histories_differ(
    app: Flask, monkeypatch: pytest.MonkeyPatch, came_after: Any
) -> None:
    monkeypatch.setattr(repeats, "_came_after", came_after)
    assert any(live(app, seed) for seed in range(40))


def test_where_only_phones_repeats_stand_the_histories_differ(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        repeats, "_is_repeat", lambda event: event.outcome == "duplicate" and event.device_id is not None
    )
    assert any(live(app, seed) for seed in range(40))


def test_without_the_corrected_clock_the_histories_differ(app: Flask) -> None:
    def naive(session: Any, scan: Scan, *, sent: Any, **more: Any) -> Any:
        return take_scan(session, scan, sent=replace(sent, at=scan.device_at, mono=scan.mono), **more)

    assert any(live(app, seed, naive) for seed in range(3))
