"""Writers on SQLite queue at the file lock before they ask SQLite, so that nobody starves in its busy handler."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text

from app.extensions import db
from app.kernel.database import transaction

pytestmark = pytest.mark.sqlite_only


def is_free(lock: Path) -> bool:
    """Whether another writer could begin now."""
    descriptor = os.open(lock, os.O_RDWR)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    finally:
        os.close(descriptor)
    return True


def test_a_writer_holds_the_lock_from_begin_to_commit_and_no_longer(app: Flask) -> None:
    lock = app.extensions["settings"].home / "write.lock"
    with app.app_context():
        with transaction(db.session):
            assert not is_free(lock)
        assert is_free(lock)


def test_a_failed_write_gives_the_lock_back(app: Flask) -> None:
    lock = app.extensions["settings"].home / "write.lock"
    with app.app_context():
        with pytest.raises(ZeroDivisionError), transaction(db.session):
            raise ZeroDivisionError
        assert is_free(lock)


def test_a_reader_takes_no_lock(app: Flask) -> None:
    lock = app.extensions["settings"].home / "write.lock"
    with app.app_context():
        db.session.execute(text("SELECT count(*) FROM unit"))
        assert is_free(lock)
