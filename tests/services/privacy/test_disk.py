"""Files without a row go after a day, pictures of sheets with their purge; swapped and lost pictures are told."""

from __future__ import annotations

import os
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from app.evidence.storage import LocalStorage
from app.extensions import db
from app.kernel.database import transaction
from app.privacy.disk import Rehash, rehash, scrub_bytes, sweep_files
from app.privacy.service import purge
from tests.factories import NOW
from tests.services.privacy.story import FILES, LATER, held, sha


@pytest.fixture
def storage(app: Flask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalStorage:
    """A picture folder of this test's own, filled by the story; every file is a year old."""
    monkeypatch.setattr(app.extensions["settings"], "storage_url", str(tmp_path / "photos"))
    with app.app_context(), transaction(db.session) as tx:
        held(tx, app)
    found = LocalStorage(tmp_path / "photos")
    age(found)
    return found


def age(storage: LocalStorage) -> None:
    for path in storage.files():
        os.utime(path, (0, 0))


def names(storage: LocalStorage) -> set[str]:
    return {path.stem for path in storage.files()}


def test_the_picture_of_a_sheet_goes_and_the_photo_stays(app: Flask, storage: LocalStorage) -> None:
    with app.app_context():
        assert sweep_files(db.session(), storage, now=LATER) == 0
        with transaction(db.session) as tx:
            purge(tx, now=LATER)
        assert sweep_files(db.session(), storage, now=LATER) == 2
    assert names(storage) == {sha(FILES["photo"])}


def test_a_file_without_a_row_goes_after_a_day_and_not_before(app: Flask, storage: LocalStorage) -> None:
    with app.app_context():
        storage.put(sha(b"new"), b"new")
        moment = NOW.timestamp()
        os.utime(storage.path(sha(b"new")), (moment, moment))
        assert sweep_files(db.session(), storage, now=NOW + timedelta(hours=23)) == 0
        assert sweep_files(db.session(), storage, now=NOW + timedelta(hours=25)) == 1


def test_the_same_picture_uploaded_during_the_sweep_survives(storage: LocalStorage) -> None:
    data = FILES["photo"]

    def wanted() -> set[str]:
        storage.put(sha(data), data)  # its row comes a moment after the sweep has asked
        return set()

    storage.sweep(wanted, older_than=NOW.timestamp())
    assert names(storage) == {sha(data)}


def test_a_swapped_and_a_lost_picture_are_told(app: Flask, storage: LocalStorage) -> None:
    with app.app_context():
        assert rehash(db.session(), storage) == Rehash(3, 0, 0)
        storage.path(sha(FILES["photo"])).write_bytes(b"another")
        storage.path(sha(FILES["sheet"])).unlink()
        found = rehash(db.session(), storage)
        assert found == Rehash(3, 1, 1)
        assert not found.holds


def test_the_scrub_takes_its_turn_with_writers(app: Flask, storage: LocalStorage) -> None:
    """A write transaction in between is neither lost nor in the way."""
    inside, done = threading.Event(), threading.Event()

    def write() -> None:
        with app.app_context(), transaction(db.session) as tx:
            purge(tx, now=LATER)
            inside.set()
            done.wait(0.3)

    thread = threading.Thread(target=write)
    thread.start()
    inside.wait(5)
    with app.app_context():
        assert scrub_bytes(db.engine).done
    thread.join()
    with app.app_context(), transaction(db.session) as tx:
        assert not any(purge(tx, now=LATER).values())


@pytest.mark.sqlite_only  # its WAL
def test_a_reader_that_does_not_end_is_told_and_waited_for(app: Flask, storage: LocalStorage) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            purge(tx, now=LATER)
        with db.engine.connect() as reader:
            reader.exec_driver_sql("SELECT count(*) FROM registration").fetchone()
            found = scrub_bytes(db.engine, patience=0.1)
            assert not found.done
            assert "WAL" in found.note
        assert scrub_bytes(db.engine, patience=1).done
