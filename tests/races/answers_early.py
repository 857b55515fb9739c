"""Negative control of the kill test: the product with its promise broken, answering before the check-in is stored."""

from __future__ import annotations

import contextlib
import threading
from datetime import datetime

from flask import Flask

from app import create_app
from app.checkin.group_commit import GroupCommit
from app.checkin.service import Arrival, Result, check_in
from app.extensions import db
from app.kernel.database import transaction

LATER_SECONDS = 0.5


class _TakenBack(Exception):
    """Ends the transaction without its COMMIT."""


def _store(app: Flask, arrival: Arrival, moment: datetime) -> None:
    with app.app_context(), transaction(db.session) as tx:
        check_in(tx, arrival, now=moment)


def write_behind(app: Flask) -> Flask:
    """Every answer leaves at once; its row follows half a second later, from memory."""

    def answer(_group: GroupCommit, arrival: Arrival, *, now: datetime) -> Result:
        with app.app_context(), contextlib.suppress(_TakenBack), transaction(db.session) as tx:
            result = check_in(tx, arrival, now=now)
            raise _TakenBack
        threading.Timer(LATER_SECONDS, _store, (app, arrival, now)).start()
        return result

    GroupCommit.check_in = answer  # type: ignore[method-assign]
    return app


app = write_behind(create_app())
