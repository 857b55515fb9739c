"""Changing what the triggers protect."""

from __future__ import annotations

from sqlalchemy import text

from app.extensions import db
from app.kernel.database import transaction


def tamper(statement: str) -> None:
    """As somebody who holds the database: past the triggers, which stand again afterwards."""
    with transaction(db.session) as tx:
        if tx.get_bind().dialect.name == "postgresql":
            tx.execute(text("SET LOCAL session_replication_role = replica"))
            tx.execute(text(statement))
            return
        found = text("SELECT name, sql FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'check_in_event'")
        triggers = tx.execute(found).all()
        for name, _sql in triggers:
            tx.execute(text(f"DROP TRIGGER {name}"))
        tx.execute(text(statement))
        for _name, sql in triggers:
            tx.connection().exec_driver_sql(sql)
