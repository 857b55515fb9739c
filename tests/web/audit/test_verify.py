"""现在核验一次 on the auditor's page: the chain, and the check-ins against the digests in it."""

from __future__ import annotations

from collections.abc import Callable

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from app.audit.log import entry_body
from app.audit.models import AuditEntry
from app.checkin.digest import digest_closed_sessions
from app.extensions import db
from app.kernel.database import transaction
from tests.cast import make_cast
from tests.services.checkin.stage import make_stage
from tests.services.checkin.tampering import tamper
from tests.services.checkin.test_digests import CLOSED


def verified() -> list[bool]:
    """What each check so far was written down as."""
    rows = db.session.scalars(select(AuditEntry).where(AuditEntry.action == "audit.verified").order_by(AuditEntry.seq))
    return [entry_body(row)["payload"]["holds"] for row in rows]


def test_a_changed_check_in_is_named_to_the_auditor_and_written_down(
    app: Flask, client: FlaskClient, sign_in: Callable[[FlaskClient, str], None]
) -> None:
    with app.app_context():
        with transaction(db.session) as tx:
            make_cast(tx)
            s = make_stage(tx, app.extensions["keys"])
            s.arrive(s.enrol(2))
            session = s.row.code
        with transaction(db.session) as tx:
            digest_closed_sessions(tx, now=CLOSED)
    sign_in(client, "shenji")
    assert "封存的1场签到记录全部相符" in client.post("/audit/verify", follow_redirects=True).text
    with app.app_context():
        tamper("UPDATE check_in_event SET headcount = 200")
    page = client.post("/audit/verify", follow_redirects=True).text
    assert "封存摘要不符" in page and session in page
    with app.app_context():
        assert verified() == [True, False]
        db.session.rollback()
