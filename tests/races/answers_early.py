"""Negative control of the kill test: the product with its promise broken, answering before the check-in is stored."""

from __future__ import annotations

import threading
from datetime import datetime

from flask import Flask
from sqlalchemy.orm import Session

from app import create_app
from app.checkin.service import Arrival, Result, check_in
from app.extensions import db
from app.kernel.database import transaction
from app.web.checkin import arrive

LATER_SECONDS = 0.5


def _store(app: Flask, arrival: Arrival, moment: datetime) -> None:
    with app.app_context(), transaction(db.session) as tx:
        check_in(tx, arrival, now=moment)


def write_behind(app: Flask) -> Flask:
    """Every answer leaves at once; its row follows half a second later, from memory."""

    def answer(tx: Session, arrival: Arrival, *, now: datetime) -> Result:
        with tx.begin_nested() as savepoint:
            result = check_in(tx, arrival, now=now)
            savepoint.rollback()
        threading.Timer(LATER_SECONDS, _store, (app, arrival, now)).start()
        return result

    arrive.check_in = answer  # type: ignore[assignment]
    return app


app = write_behind(create_app())
