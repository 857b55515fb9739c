"""Helpers: paired phones, what they recorded and does not fit, and which phone an event came from.

Revision: 0003, after 0002
"""

import sqlalchemy as sa
from alembic import op

from app.kernel.database import UtcDateTime
from migrations.append_only import guard, release

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BEFORE = (
    "accepted", "duplicate", "too_early", "too_late", "expired", "revoked", "unknown", "foreign", "cancelled",
    "not_confirmed", "too_many", "activity_closed", "undone", "nothing_to_undo",
)  # fmt: skip
AFTER = (*BEFORE, "quarantined", "conflict")


def _outcomes(batch_op, outcomes: tuple[str, ...]) -> None:
    names = ", ".join(f"'{name}'" for name in outcomes)
    batch_op.drop_constraint(batch_op.f("ck_check_in_event_outcome"), type_="check")
    batch_op.create_check_constraint(batch_op.f("ck_check_in_event_outcome"), f"outcome IN ({names})")


def upgrade() -> None:
    op.create_table(
        "device_grant",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("secret_hash", sa.String(length=64), nullable=True),
        sa.Column("label", sa.String(length=20), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("begins_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("revoked_at", UtcDateTime(), nullable=True),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("last_seen_at", UtcDateTime(), nullable=True),
        sa.Column("waiting", sa.Integer(), nullable=False),
        sa.Column("last_counter", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_device_grant_activity_id")),
        sa.ForeignKeyConstraint(["session_id"], ["activity_session.id"], name=op.f("fk_device_grant_session_id")),
        sa.ForeignKeyConstraint(["created_by_id"], ["user_account.id"], name=op.f("fk_device_grant_created_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_grant")),
        sa.UniqueConstraint("code", name=op.f("uq_device_grant_code")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_device_grant_secret_hash")),
    )
    with op.batch_alter_table("device_grant", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_device_grant_activity_id"), ["activity_id"], unique=False)

    op.create_table(
        "held_scan",
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("device_id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("ticket_hash", sa.String(length=64), nullable=True),
        sa.Column("code_index", sa.String(length=32), nullable=True),
        sa.Column("is_walk_in", sa.Boolean(), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("claimed_at", UtcDateTime(), nullable=False),
        sa.Column("received_at", UtcDateTime(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "reason IN ('unknown', 'revoked', 'impossible_time', 'cancelled', 'sealed', 'refused')",
            name=op.f("ck_held_scan_reason"),
        ),
        sa.CheckConstraint(
            "state IN ('open', 'counted', 'not_counted', 'withdrawn')", name=op.f("ck_held_scan_state")
        ),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_held_scan_activity_id")),
        sa.ForeignKeyConstraint(["session_id"], ["activity_session.id"], name=op.f("fk_held_scan_session_id")),
        sa.ForeignKeyConstraint(["device_id"], ["device_grant.id"], name=op.f("fk_held_scan_device_id")),
        sa.ForeignKeyConstraint(["registration_id"], ["registration.id"], name=op.f("fk_held_scan_registration_id")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["user_account.id"], name=op.f("fk_held_scan_decided_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held_scan")),
        sa.UniqueConstraint("code", name=op.f("uq_held_scan_code")),
        sa.UniqueConstraint("uid", name=op.f("uq_held_scan_uid")),
    )
    with op.batch_alter_table("held_scan", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_held_scan_activity_id_state"), ["activity_id", "state"], unique=False)

    release("check_in_event")
    with op.batch_alter_table("check_in_event", schema=None) as batch_op:
        batch_op.add_column(sa.Column("device_id", sa.Integer(), nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_check_in_event_device_id"), "device_grant", ["device_id"], ["id"]
        )
        batch_op.create_index(batch_op.f("ix_check_in_event_device_id"), ["device_id"], unique=False)
        _outcomes(batch_op, AFTER)
    guard("check_in_event")


def downgrade() -> None:
    release("check_in_event")
    # The older schema has no word for these; what a phone recorded and nobody decided did not count there either.
    op.execute("UPDATE check_in_event SET outcome = 'unknown' WHERE outcome IN ('quarantined', 'conflict')")
    with op.batch_alter_table("check_in_event", schema=None) as batch_op:
        _outcomes(batch_op, BEFORE)
        batch_op.drop_index(batch_op.f("ix_check_in_event_device_id"))
        batch_op.drop_constraint(batch_op.f("fk_check_in_event_device_id"), type_="foreignkey")
        batch_op.drop_column("device_id")
    guard("check_in_event")
    with op.batch_alter_table("held_scan", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_held_scan_activity_id_state"))

    op.drop_table("held_scan")
    with op.batch_alter_table("device_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_device_grant_activity_id"))

    op.drop_table("device_grant")
