"""The same picture twice is flagged inside one activity too, once, and never between pages of a sign-in sheet."""

from __future__ import annotations

import io
from collections.abc import Iterator

import pytest
from flask import Flask
from PIL import Image
from sqlalchemy import func, select

from app.activities.models import Activity
from app.evidence.models import PhotoMatch
from app.evidence.photo_process import PhotoResult, photo_process
from app.evidence.queries import list_matches
from app.evidence.service import add_photo
from app.evidence.storage import LocalStorage
from app.extensions import db
from app.kernel.clock import now
from app.kernel.database import transaction
from app.review.service import count_open_matches
from tests.cast import Cast, make_cast
from tests.factories import make_activity


def shot(width: int) -> PhotoResult:
    """One motif in another file."""
    buffer = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").resize((width, width)).save(buffer, "JPEG")
    return photo_process.convert(buffer.getvalue())


@pytest.fixture
def cast(app: Flask) -> Iterator[Cast]:
    with app.app_context():
        with transaction(db.session) as tx:
            made = make_cast(tx)
        yield made


def add(app: Flask, cast: Cast, activity: Activity, width: int, slot: str) -> None:
    with transaction(db.session) as tx:
        add_photo(
            tx, tx.get_one(Activity, activity.id), shot(width), slot=slot, file_name="a.jpg",
            storage=LocalStorage(app.extensions["settings"].storage_root), actor=cast.actor(tx, "organizer"), now=now(),
        )  # fmt: skip


def held(cast: Cast) -> Activity:
    with transaction(db.session) as tx:
        return make_activity(tx, host=cast.town)


def test_one_picture_twice_in_an_activity_is_one_pair_that_shows_once(app: Flask, cast: Cast) -> None:
    activity = held(cast)
    for width in (320, 300):
        add(app, cast, activity, width, "photos")
    (match,) = list_matches(db.session(), activity)
    assert match.item_code != match.other_code
    assert count_open_matches(db.session(), activity.id) == 1
    first, second = held(cast), held(cast)
    add(app, cast, first, 280, "photos")
    assert len(list_matches(db.session(), first)) == 2  # either of the two above, as before
    assert list_matches(db.session(), second) == []


def test_pages_of_a_sign_in_sheet_look_alike_and_are_no_pair(app: Flask, cast: Cast) -> None:
    activity = held(cast)
    for width in (320, 300):
        add(app, cast, activity, width, "sheet")
    add(app, cast, activity, 280, "photos")
    assert db.session.scalar(select(func.count()).select_from(PhotoMatch)) == 0
