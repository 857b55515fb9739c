"""The worker: digests of closed sessions, offers that nobody answered, hourly checkpoints and backups, the night; `python -m app.worker`."""

from __future__ import annotations

import logging
import signal
import threading

from flask import current_app

from app import create_app
from app.audit.checkpoint import make_checkpoint
from app.checkin.digest import digest_closed_sessions
from app.commands.night import run_due
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.approval import expire_offers

log = logging.getLogger("shiliu.worker")
DIGEST_SECONDS = 60
CHECKPOINT_EVERY = 60  # rounds: an hour


def run_once(round_number: int) -> int:
    """One round; returns how many sessions were sealed."""
    moment = now()
    with transaction(db.session) as tx:
        sealed = digest_closed_sessions(tx, now=moment)
        expire_offers(tx, now=moment)
    if round_number % CHECKPOINT_EVERY == 0:
        with transaction(db.session) as tx:
            make_checkpoint(tx, current_app.extensions["keys"].log_key, now=moment)
    db.session.remove()
    run_due(moment)
    return sealed


def main() -> None:
    """Until INT or TERM."""
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda *_: stop.set())
    app = create_app()
    round_number = 0
    with app.app_context():
        while not stop.is_set():
            try:
                run_once(round_number)
            except Exception:  # a bad round must not end the worker; the next one tries again
                log.exception("round failed")
                db.session.rollback()
            round_number += 1
            stop.wait(DIGEST_SECONDS)


if __name__ == "__main__":
    main()
