"""The work of the night, in steps that each end well or are told: purge, bytes, files, hashes, backup."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from flask import current_app

from app.audit.log import record
from app.config import Settings
from app.evidence.publishing import take_down_again
from app.evidence.storage import LocalStorage
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.database import transaction
from app.kernel.erasures import ERASURES, read_erasures, read_photos
from app.organisation.models import SystemState
from app.privacy import backup
from app.privacy.disk import rehash, scrub_bytes, sweep_files
from app.privacy.rules import night_of
from app.privacy.service import erase_again, purge, set_mark

log = logging.getLogger("shiliu.night")
PURGE, REHASH, BACKUP = "night.purge", "night.rehash", "night.backup"  # marks in system_state


def settings() -> Settings:
    found: Settings = current_app.extensions["settings"]
    return found


def place() -> backup.Place:
    """Where backups and what they hold lie."""
    found = settings()
    return backup.Place(
        found.home, LocalStorage(found.storage_root), current_app.extensions["keys"], found.database_url
    )


def read_mark(name: str) -> dict[str, Any]:
    """What a step left the last time; empty when it never ran."""
    row = db.session.get(SystemState, name)
    value: dict[str, Any] = json.loads(row.value) if row is not None else {}
    db.session.rollback()
    return value


def _mark(mark: str, /, **facts: Any) -> None:
    with transaction(db.session) as tx:
        set_mark(tx, mark, json.dumps(facts, ensure_ascii=False))


def forget_again(now: datetime) -> int:
    """Whoever stands on the erasure list and came back with a restored backup goes again, photos too."""
    listed = settings().home / ERASURES
    with transaction(db.session) as tx:
        take_down_again(tx, read_photos(listed), now=now)
        back = erase_again(tx, read_erasures(listed), now=now)
        if back:
            record(tx, "privacy.erased_again", actor=SYSTEM, object_type="privacy", object_code="restore", now=now,
                   payload={"registrations": back})  # fmt: skip
    return back


def purge_now(now: datetime) -> dict[str, Any]:
    """Rows, then files, then bytes; returns what went, for people and for the mark."""
    back = forget_again(now)
    with transaction(db.session) as tx:
        counts = purge(tx, now=now)
    files = sweep_files(db.session(), place().storage, now=now)
    db.session.remove()
    scrubbed = scrub_bytes(db.engine)
    found = {"at": now.isoformat(), "night": night_of(now), "n": counts["registrations"] + back, "files": files,
             "bytes": scrubbed.done, "note": scrubbed.note[:60]}  # fmt: skip
    _mark(PURGE, **found)
    return found | {"counts": counts}


def rehash_now(now: datetime) -> dict[str, Any]:
    """Every stored picture against its hash; what does not fit is an entry of the log."""
    found = rehash(db.session(), place().storage)
    facts = {"count": found.count, "bad": found.bad, "missing": found.missing}
    if not found.holds:
        with transaction(db.session) as tx:
            record(tx, "evidence.rehash", actor=SYSTEM, object_type="evidence", object_code="storage", now=now,
                   payload=facts)  # fmt: skip
    _mark(REHASH, at=now.isoformat(), night=night_of(now), **facts)
    return facts


def backup_now(now: datetime) -> tuple[str, backup.Check]:
    """Make one, restore it into a scratch place, and let go of the old ones."""
    where = place()
    db.session.remove()
    backup.prune(where, now=now)  # before too: it may make the room
    name = backup.make(where, db.engine, now=now)
    check = backup.verify(where, name)
    backup.prune(where, now=now)
    _mark(BACKUP, at=now.isoformat(), name=name, holds=check.holds, note="；".join((*check.problems, check.note))[:60])
    return name, check


def run_due(now: datetime) -> list[str]:
    """What is due at this moment, once; returns the names of the steps that ran."""
    ran = []
    for step, mark in ((purge_now, PURGE), (rehash_now, REHASH)):
        if read_mark(mark).get("night", "") < night_of(now) and _told(step, now):
            ran.append(step.__name__)
    hours = settings().backup_hours
    last = read_mark(BACKUP).get("at")
    if (
        hours
        and (last is None or now - datetime.fromisoformat(last) >= timedelta(hours=hours))
        and _told(backup_now, now)
    ):
        ran.append("backup_now")
    return ran


def _told(step: Callable[[datetime], Any], now: datetime) -> bool:
    """A step that fails must not hold up the others; it is tried again after an hour, not every minute."""
    waits = current_app.extensions.setdefault("night_waits", {})
    if waits.get(step.__name__, now) > now:
        return False
    try:
        step(now)
    except Exception:
        log.exception("night: %s failed", step.__name__)
        db.session.rollback()
        waits[step.__name__] = now + timedelta(hours=1)
        return False
    finally:
        db.session.remove()
    return True
