"""The worker: digests of closed sessions, offers that nobody answered, letters, hourly checkpoints and backups, the night; `python -m app.worker`."""

from __future__ import annotations

import logging
import signal
import threading
from datetime import datetime
from email.errors import HeaderParseError

from flask import current_app

from app import create_app
from app.audit.checkpoint import make_checkpoint
from app.checkin.deciding import resolve_unknown
from app.checkin.digest import digest_closed_sessions
from app.commands.night import run_due
from app.config import Settings
from app.exports.mail import message_of
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.registration.approval import expire_offers
from app.registration.guardians import expire_unanswered
from app.registration.outbox import Dropped, Parcel, claim, put_reminders, settle
from app.registration.sending import Smtp, send

log = logging.getLogger("shiliu.worker")
DIGEST_SECONDS = 60
CHECKPOINT_EVERY = 60  # rounds: an hour
LETTERS_MOST = 60  # in one round, so that the digests do not wait behind a thousand letters
# The server's trouble and not the letter's: the next one would meet it too.
STOPS = frozenset({"unreachable", "no_tls", "login"})


def smtp_of(settings: Settings) -> Smtp | None:
    """Where letters go out; None where nobody set it up."""
    if not settings.smtp_host:
        return None
    return Smtp(
        settings.smtp_host, settings.smtp_port, settings.smtp_user, settings.smtp_password, settings.smtp_starttls,
        settings.smtp_from,
    )  # fmt: skip


def send_letters(smtp: Smtp, base_url: str, *, most: int = LETTERS_MOST) -> int:
    """Claim, commit, send, settle, one by one; returns how many the server took."""
    sent = 0
    for _ in range(most):
        moment = now()
        with transaction(db.session) as tx:
            parcel = claim(tx, keys=current_app.extensions["keys"], base_url=base_url, now=moment)
        if parcel is None:
            break
        problem = parcel.problem if isinstance(parcel, Dropped) else _try(smtp, parcel, moment)
        with transaction(db.session) as tx:
            settle(tx, parcel.notice_id, problem, now=now())
        sent += not problem
        if problem:
            log.warning("letter %s: %s", parcel.notice_id, problem)
        if problem in STOPS:
            break
    return sent


def _try(smtp: Smtp, parcel: Parcel, moment: datetime) -> str:
    try:
        message = message_of(parcel, sender=smtp.sender, now=moment)
    except (
        ValueError,
        IndexError,
        HeaderParseError,
    ):  # an address that no header can hold; it must not stop those behind it
        return "refused"
    return send(smtp, message)


def deliver() -> None:
    """Reminders for tomorrow, then what is due. Without a server letters wait."""
    with transaction(db.session) as tx:
        put_reminders(tx, now=now())
    settings: Settings = current_app.extensions["settings"]
    smtp = smtp_of(settings)
    if smtp is not None:
        send_letters(smtp, settings.base_url)


def run_once(round_number: int) -> int:
    """One round; returns how many sessions were sealed."""
    moment = now()
    with transaction(db.session) as tx:
        sealed = digest_closed_sessions(tx, now=moment)
        expire_offers(tx, now=moment)
        expire_unanswered(tx, now=moment)
        resolve_unknown(tx, now=moment)
    if round_number % CHECKPOINT_EVERY == 0:
        with transaction(db.session) as tx:
            make_checkpoint(tx, current_app.extensions["keys"].log_key, now=moment)
    db.session.remove()
    run_due(moment)
    deliver()  # last: a slow mail server keeps nothing else waiting
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
