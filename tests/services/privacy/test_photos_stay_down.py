"""A photo that was taken down after the backup stays down after the restore."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select

from app.activities.models import Activity
from app.audit.models import AuditEntry
from app.evidence.models import EvidenceItem, Takedown
from app.evidence.publishing import decide_takedown, hide_photo, list_asked, public_photos
from app.extensions import db
from app.kernel.actor import SYSTEM
from app.kernel.clock import now
from app.kernel.database import transaction
from app.kernel.erasures import ERASURES
from app.privacy import backup
from tests.services.privacy.conftest import Home
from tests.services.privacy.story import FILES, sha


def on_activity(home: Home, work: Callable[..., object]) -> object:
    """`work(session, activity)` in a transaction."""
    with home.app.app_context():
        with transaction(db.session) as tx:
            found = work(tx, tx.scalars(select(Activity)).one())
        db.session.remove()
    return found


def shown(home: Home) -> list[str]:
    return on_activity(home, lambda tx, activity: [item.code for item in public_photos(tx, activity)])  # type: ignore[return-value]


@pytest.fixture
def photo(home: Home) -> str:
    """The one photo on the activity's public page, in a backup."""

    def publish(_session: object, activity: Activity) -> None:
        activity.photos_may_publish = True

    on_activity(home, publish)
    assert home.flask("backup", "make").exit_code == 0
    (code,) = shown(home)
    return code


def hide(home: Home, code: str) -> None:
    on_activity(home, lambda tx, activity: hide_photo(tx, activity, code, now=now()))


def decide(home: Home, code: str, *, remove: bool) -> None:
    on_activity(
        home,
        lambda tx, activity: decide_takedown(tx, activity, code, remove=remove, reason="示例", actor=SYSTEM, now=now()),
    )


def restore(home: Home) -> None:
    name = backup.list_backups(home.place)[-1]
    done = home.flask("backup", "restore", name, "--yes")
    assert done.exit_code == 0, done.output


def test_a_hidden_photo_stays_hidden_and_the_organizer_is_asked_again(home: Home, photo: str) -> None:
    hide(home, photo)
    restore(home)
    assert shown(home) == []
    assert [one.item_code for one in on_activity(home, list_asked)] == [photo]  # type: ignore[attr-defined]
    decide(home, photo, remove=False)
    assert home.flask("privacy", "purge").exit_code == 0
    assert shown(home) == [photo]  # the night does not overrule the organizer's word


def test_a_removed_photo_stays_removed(home: Home, photo: str) -> None:
    hide(home, photo)
    decide(home, photo, remove=True)
    restore(home)
    assert shown(home) == []
    with home.app.app_context():
        item = db.session.scalars(select(EvidenceItem).where(EvidenceItem.code == photo)).one()
        assert (item.state, item.stored_sha256) == ("redacted", sha(FILES["photo"]))
        assert [row.state for row in db.session.scalars(select(Takedown))] == ["removed"]
        assert "evidence.redacted" in db.session.scalars(select(AuditEntry.action)).all()
        db.session.remove()
    assert home.flask("audit", "verify").exit_code == 0


def test_a_photo_that_is_shown_again_comes_back(home: Home, photo: str) -> None:
    hide(home, photo)
    decide(home, photo, remove=False)
    restore(home)
    assert shown(home) == [photo]


def test_without_the_list_the_photo_would_be_back(home: Home, photo: str) -> None:
    """Negative control."""
    hide(home, photo)
    (home.place.home / ERASURES).unlink()
    restore(home)
    assert shown(home) == [photo]
