"""Every table of the first release, and the guards of history

Revision: 0001, after
"""

import sqlalchemy as sa
from alembic import op

from app.kernel.database import UtcDateTime
from migrations.append_only import guard, release

HISTORY = ("audit_entry", "check_in_event", "review_event", "checkpoint")

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "attempt",
        sa.Column("purpose", sa.String(length=20), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attempt")),
    )
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_attempt_purpose_key_at"),
            ["purpose", "key", "at"],
            unique=False,
        )

    op.create_table(
        "audit_detail",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("salt", sa.String(length=32), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_detail")),
    )
    with op.batch_alter_table("audit_detail", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_audit_detail_seq"), ["seq"], unique=False)

    op.create_table(
        "audit_entry",
        sa.Column("seq", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_kind", sa.String(length=12), nullable=False),
        sa.Column("actor_code", sa.String(length=12), nullable=False),
        sa.Column("actor_unit", sa.String(length=120), nullable=False),
        sa.Column("role", sa.String(length=120), nullable=False),
        sa.Column("action", sa.String(length=40), nullable=False),
        sa.Column("object_type", sa.String(length=24), nullable=False),
        sa.Column("object_code", sa.String(length=40), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_entry")),
        sa.UniqueConstraint("hash", name=op.f("uq_audit_entry_hash")),
    )
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_audit_entry_action_seq"), ["action", "seq"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_audit_entry_at"), ["at"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_audit_entry_object_type_object_code"),
            ["object_type", "object_code"],
            unique=False,
        )

    op.create_table(
        "checkpoint",
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checkpoint")),
        sa.UniqueConstraint("size", name=op.f("uq_checkpoint_size")),
    )
    op.create_table(
        "heritage_item",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("level", sa.String(length=12), nullable=False),
        sa.Column("category", sa.String(length=20), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_heritage_item")),
        sa.UniqueConstraint("code", name=op.f("uq_heritage_item_code")),
        sa.UniqueConstraint("name", name=op.f("uq_heritage_item_name")),
    )
    op.create_table(
        "plan",
        sa.Column("pack", sa.String(length=40), nullable=False),
        sa.Column("document_number", sa.String(length=40), nullable=False),
        sa.Column("title", sa.String(length=120), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issuer", sa.String(length=120), nullable=False),
        sa.Column("period_starts_on", sa.Date(), nullable=False),
        sa.Column("period_ends_on", sa.Date(), nullable=True),
        sa.Column("interim_on", sa.Date(), nullable=True),
        sa.Column("interim_text", sa.String(length=120), nullable=False),
        sa.Column("pack_digest", sa.String(length=64), nullable=False),
        sa.Column("loaded_at", UtcDateTime(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_plan")),
        sa.UniqueConstraint("code", name=op.f("uq_plan_code")),
        sa.UniqueConstraint("pack", name=op.f("uq_plan_pack")),
    )
    op.create_table(
        "system_state",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=200), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_system_state")),
    )
    op.create_table(
        "unit",
        sa.Column("parent_id", sa.Integer(), nullable=True),
        sa.Column("path", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('district', 'office', 'town', 'community', 'school', 'other')",
            name=op.f("ck_unit_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["unit.id"], name=op.f("fk_unit_parent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_unit")),
        sa.UniqueConstraint("code", name=op.f("uq_unit_code")),
        sa.UniqueConstraint("name", name=op.f("uq_unit_name")),
    )
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_unit_parent_id"), ["parent_id"], unique=False
        )
        batch_op.create_index(batch_op.f("ix_unit_path"), ["path"], unique=False)

    op.create_table(
        "safeguard",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=40), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plan.id"], name=op.f("fk_safeguard_plan_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_safeguard")),
        sa.UniqueConstraint(
            "plan_id", "position", name=op.f("uq_safeguard_plan_id_position")
        ),
    )
    op.create_table(
        "task_group",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["plan_id"], ["plan.id"], name=op.f("fk_task_group_plan_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_group")),
        sa.UniqueConstraint(
            "plan_id", "position", name=op.f("uq_task_group_plan_id_position")
        ),
    )
    op.create_table(
        "user_account",
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("login", sa.String(length=40), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("password_hash", sa.String(length=160), nullable=False),
        sa.Column("must_change_password", sa.Boolean(), nullable=False),
        sa.Column("totp_secret", sa.LargeBinary(), nullable=True),
        sa.Column("totp_last_step", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("disabled_at", UtcDateTime(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_user_account_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_user_account")),
        sa.UniqueConstraint("code", name=op.f("uq_user_account_code")),
        sa.UniqueConstraint("login", name=op.f("uq_user_account_login")),
    )
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_user_account_unit_id"), ["unit_id"], unique=False
        )

    op.create_table(
        "establishment",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("level", sa.String(length=10), nullable=True),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=False),
        sa.Column("planned_on", sa.Date(), nullable=True),
        sa.Column("under_way_on", sa.Date(), nullable=True),
        sa.Column("named_on", sa.Date(), nullable=True),
        sa.Column("proof", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('practice_base', 'law_base', 'red_school', 'red_community', 'bus_line')",
            name=op.f("ck_establishment_kind"),
        ),
        sa.CheckConstraint(
            "stage IN ('planned', 'under_way', 'named')",
            name=op.f("ck_establishment_stage"),
        ),
        sa.CheckConstraint(
            "state IN ('under_review', 'returned', 'approved')",
            name=op.f("ck_establishment_state"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user_account.id"],
            name=op.f("fk_establishment_created_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["user_account.id"],
            name=op.f("fk_establishment_decided_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_establishment_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_establishment")),
        sa.UniqueConstraint("code", name=op.f("uq_establishment_code")),
    )
    with op.batch_alter_table("establishment", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_establishment_kind_level"), ["kind", "level"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_establishment_unit_id"), ["unit_id"], unique=False
        )

    op.create_table(
        "invitation",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_invitation_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_invitation_secret_hash")),
    )
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_invitation_user_id"), ["user_id"], unique=False
        )

    op.create_table(
        "programme",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("intro", sa.String(length=300), nullable=False),
        sa.Column("starts_on", sa.Date(), nullable=False),
        sa.Column("ends_on", sa.Date(), nullable=False),
        sa.Column("host_unit_id", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('publicity_month', 'youth_exchange', 'tourism_exchange', 'heritage_season', 'series')",
            name=op.f("ck_programme_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user_account.id"],
            name=op.f("fk_programme_created_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["host_unit_id"], ["unit.id"], name=op.f("fk_programme_host_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_programme")),
        sa.UniqueConstraint("code", name=op.f("uq_programme_code")),
    )
    with op.batch_alter_table("programme", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_programme_host_unit_id"), ["host_unit_id"], unique=False
        )

    op.create_table(
        "reader_order",
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("reader_id", sa.Integer(), nullable=True),
        sa.Column("stand_in_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["reader_id"], ["user_account.id"], name=op.f("fk_reader_order_reader_id")
        ),
        sa.ForeignKeyConstraint(
            ["stand_in_id"],
            ["user_account.id"],
            name=op.f("fk_reader_order_stand_in_id"),
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_reader_order_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_reader_order")),
        sa.UniqueConstraint("position", name=op.f("uq_reader_order_position")),
    )
    with op.batch_alter_table("reader_order", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_reader_order_unit_id"), ["unit_id"], unique=True
        )

    op.create_table(
        "recovery_code",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        sa.Column("used_at", UtcDateTime(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_recovery_code_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recovery_code")),
        sa.UniqueConstraint("code_hash", name=op.f("uq_recovery_code_code_hash")),
    )
    with op.batch_alter_table("recovery_code", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_recovery_code_user_id"), ["user_id"], unique=False
        )

    op.create_table(
        "role_grant",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=20), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "role IN ('organizer', 'unit_manager', 'reviewer', 'second_reader', 'auditor', 'leader', 'administrator')",
            name=op.f("ck_role_grant_role"),
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_role_grant_unit_id")
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_role_grant_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_role_grant")),
        sa.UniqueConstraint(
            "user_id",
            "role",
            "unit_id",
            name=op.f("uq_role_grant_user_id_role_unit_id"),
        ),
    )
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_role_grant_user_id"), ["user_id"], unique=False
        )

    op.create_table(
        "sign_in",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("ended_at", UtcDateTime(), nullable=True),
        sa.Column("device", sa.String(length=60), nullable=False),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_sign_in_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sign_in")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_sign_in_secret_hash")),
    )
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_sign_in_user_id"), ["user_id"], unique=False
        )

    op.create_table(
        "task",
        sa.Column("plan_id", sa.Integer(), nullable=False),
        sa.Column("group_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("short_title", sa.String(length=30), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("excludes", sa.Text(), nullable=False),
        sa.Column("platform_note", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["group_id"], ["task_group.id"], name=op.f("fk_task_group_id")
        ),
        sa.ForeignKeyConstraint(["plan_id"], ["plan.id"], name=op.f("fk_task_plan_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task")),
        sa.UniqueConstraint("plan_id", "number", name=op.f("uq_task_plan_id_number")),
    )
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_task_group_id"), ["group_id"], unique=False
        )

    op.create_table(
        "trusted_device",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["user_account.id"], name=op.f("fk_trusted_device_user_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_trusted_device")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_trusted_device_secret_hash")),
    )
    with op.batch_alter_table("trusted_device", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_trusted_device_user_id"), ["user_id"], unique=False
        )

    op.create_table(
        "activity",
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("title", sa.String(length=60), nullable=False),
        sa.Column("summary", sa.String(length=300), nullable=False),
        sa.Column("bring", sa.String(length=100), nullable=False),
        sa.Column("venue", sa.String(length=80), nullable=False),
        sa.Column("venue_unit_id", sa.Integer(), nullable=True),
        sa.Column("heritage_item_id", sa.Integer(), nullable=True),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("host_unit_id", sa.Integer(), nullable=False),
        sa.Column("primary_task_id", sa.Integer(), nullable=True),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("classes", sa.Integer(), nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("reach", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("review_state", sa.String(length=16), nullable=False),
        sa.Column("audience", sa.String(length=8), nullable=False),
        sa.Column("listing", sa.String(length=8), nullable=False),
        sa.Column("attendance", sa.String(length=12), nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("is_practice", sa.Boolean(), nullable=False),
        sa.Column("keeps_apart", sa.Boolean(), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=True),
        sa.Column("ends_at", UtcDateTime(), nullable=True),
        sa.Column("opens_before_min", sa.Integer(), nullable=False),
        sa.Column("closes_after_min", sa.Integer(), nullable=False),
        sa.Column("takes_registration", sa.Boolean(), nullable=False),
        sa.Column("takes_walk_in", sa.Boolean(), nullable=False),
        sa.Column("needs_phone", sa.Boolean(), nullable=False),
        sa.Column("printed_code_on", sa.Boolean(), nullable=False),
        sa.Column("printed_code_version", sa.Integer(), nullable=False),
        sa.Column("photos_show_minors", sa.Boolean(), nullable=True),
        sa.Column("photos_may_publish", sa.Boolean(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("published_at", UtcDateTime(), nullable=True),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.Column("cancel_reason", sa.String(length=200), nullable=False),
        sa.Column("listing_reason", sa.String(length=200), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "attendance IN ('all', 'choose_one')", name=op.f("ck_activity_attendance")
        ),
        sa.CheckConstraint(
            "audience IN ('link', 'unit', 'public')", name=op.f("ck_activity_audience")
        ),
        sa.CheckConstraint(
            "listing IN ('none', 'waiting', 'listed', 'declined')",
            name=op.f("ck_activity_listing"),
        ),
        sa.CheckConstraint(
            "origin IN ('live', 'paper', 'imported')", name=op.f("ck_activity_origin")
        ),
        sa.CheckConstraint(
            "review_state IN ('not_submitted', 'under_review', 'returned', 'approved', 'rejected')",
            name=op.f("ck_activity_review_state"),
        ),
        sa.CheckConstraint(
            "state IN ('draft', 'published', 'cancelled', 'withdrawn', 'closed')",
            name=op.f("ck_activity_state"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user_account.id"],
            name=op.f("fk_activity_created_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["heritage_item_id"],
            ["heritage_item.id"],
            name=op.f("fk_activity_heritage_item_id"),
        ),
        sa.ForeignKeyConstraint(
            ["host_unit_id"], ["unit.id"], name=op.f("fk_activity_host_unit_id")
        ),
        sa.ForeignKeyConstraint(
            ["primary_task_id"], ["task.id"], name=op.f("fk_activity_primary_task_id")
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"], ["programme.id"], name=op.f("fk_activity_programme_id")
        ),
        sa.ForeignKeyConstraint(
            ["venue_unit_id"], ["unit.id"], name=op.f("fk_activity_venue_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity")),
        sa.UniqueConstraint("code", name=op.f("uq_activity_code")),
    )
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_activity_ends_at"), ["ends_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_activity_heritage_item_id"),
            ["heritage_item_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_activity_host_unit_id_starts_at"),
            ["host_unit_id", "starts_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_activity_primary_task_id"), ["primary_task_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_activity_programme_id"), ["programme_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_activity_review_state"), ["review_state"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_activity_starts_at"), ["starts_at"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_activity_state_starts_at"),
            ["state", "starts_at"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_activity_venue_unit_id"), ["venue_unit_id"], unique=False
        )

    op.create_table(
        "indicator",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("slug", sa.String(length=40), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=40), nullable=False),
        sa.Column("unit_word", sa.String(length=8), nullable=False),
        sa.Column("measure", sa.String(length=20), nullable=False),
        sa.Column("filters", sa.JSON(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "measure IN ('activities', 'sessions', 'participations', 'verified', 'schools', 'towns', 'units', 'establishments', 'classes', 'pairs', 'partners', 'heritage_items', 'media_links', 'reach', 'notes')",
            name=op.f("ck_indicator_measure"),
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_indicator_task_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_indicator")),
        sa.UniqueConstraint("code", name=op.f("uq_indicator_code")),
        sa.UniqueConstraint("task_id", "slug", name=op.f("uq_indicator_task_id_slug")),
    )
    with op.batch_alter_table("indicator", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_indicator_task_id"), ["task_id"], unique=False
        )

    op.create_table(
        "progress_note",
        sa.Column("task_id", sa.Integer(), nullable=True),
        sa.Column("safeguard_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("noted_on", sa.Date(), nullable=False),
        sa.Column("text", sa.String(length=300), nullable=False),
        sa.Column("stage", sa.String(length=12), nullable=True),
        sa.Column("documents", sa.JSON(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("created_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('under_review', 'returned', 'approved')",
            name=op.f("ck_progress_note_state"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by_id"],
            ["user_account.id"],
            name=op.f("fk_progress_note_created_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["user_account.id"],
            name=op.f("fk_progress_note_decided_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["safeguard_id"],
            ["safeguard.id"],
            name=op.f("fk_progress_note_safeguard_id"),
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_progress_note_task_id")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_progress_note_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_progress_note")),
        sa.UniqueConstraint("code", name=op.f("uq_progress_note_code")),
    )
    with op.batch_alter_table("progress_note", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_progress_note_task_id_noted_on"),
            ["task_id", "noted_on"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_progress_note_unit_id_noted_on"),
            ["unit_id", "noted_on"],
            unique=False,
        )

    op.create_table(
        "task_unit",
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.Column("role", sa.String(length=12), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("unit_kind", sa.String(length=12), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "role IN ('lead', 'responsible')", name=op.f("ck_task_unit_role")
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_task_unit_task_id")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_task_unit_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_task_unit")),
        sa.UniqueConstraint(
            "task_id",
            "role",
            "position",
            name=op.f("uq_task_unit_task_id_role_position"),
        ),
    )
    with op.batch_alter_table("task_unit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_task_unit_task_id"), ["task_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_task_unit_unit_id"), ["unit_id"], unique=False
        )

    op.create_table(
        "activity_change",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("field", sa.String(length=20), nullable=False),
        sa.Column("before", sa.Text(), nullable=False),
        sa.Column("after", sa.Text(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"],
            ["activity.id"],
            name=op.f("fk_activity_change_activity_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_change")),
    )
    with op.batch_alter_table("activity_change", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_activity_change_activity_id"), ["activity_id"], unique=False
        )

    op.create_table(
        "activity_session",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=30), nullable=False),
        sa.Column("starts_at", UtcDateTime(), nullable=False),
        sa.Column("ends_at", UtcDateTime(), nullable=False),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column("opened_at", UtcDateTime(), nullable=True),
        sa.Column("closes_at", UtcDateTime(), nullable=True),
        sa.Column("digested_at", UtcDateTime(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"],
            ["activity.id"],
            name=op.f("fk_activity_session_activity_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_session")),
        sa.UniqueConstraint(
            "activity_id",
            "position",
            name=op.f("uq_activity_session_activity_id_position"),
        ),
        sa.UniqueConstraint("code", name=op.f("uq_activity_session_code")),
    )
    with op.batch_alter_table("activity_session", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_activity_session_starts_at"), ["starts_at"], unique=False
        )

    op.create_table(
        "activity_task",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_activity_task_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_activity_task_task_id")
        ),
        sa.PrimaryKeyConstraint(
            "activity_id", "task_id", name=op.f("pk_activity_task")
        ),
    )
    with op.batch_alter_table("activity_task", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_activity_task_task_id"), ["task_id"], unique=False
        )

    op.create_table(
        "activity_unit",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "part IN ('co_host', 'taking_part', 'venue')",
            name=op.f("ck_activity_unit_part"),
        ),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_activity_unit_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_activity_unit_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_unit")),
        sa.UniqueConstraint(
            "activity_id",
            "unit_id",
            "part",
            name=op.f("uq_activity_unit_activity_id_unit_id_part"),
        ),
    )
    with op.batch_alter_table("activity_unit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_activity_unit_unit_id"), ["unit_id"], unique=False
        )

    op.create_table(
        "evidence_item",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("slot", sa.String(length=20), nullable=False),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("caption", sa.String(length=100), nullable=False),
        sa.Column("file_name", sa.String(length=120), nullable=False),
        sa.Column("original_sha256", sa.String(length=64), nullable=True),
        sa.Column("stored_sha256", sa.String(length=64), nullable=True),
        sa.Column("thumb_sha256", sa.String(length=64), nullable=True),
        sa.Column("row_hash", sa.String(length=16), nullable=True),
        sa.Column("column_hash", sa.String(length=16), nullable=True),
        sa.Column("width", sa.Integer(), nullable=True),
        sa.Column("height", sa.Integer(), nullable=True),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("claimed_at", UtcDateTime(), nullable=True),
        sa.Column("had_position", sa.Boolean(), nullable=False),
        sa.Column("document_number", sa.String(length=40), nullable=False),
        sa.Column("dated_on", sa.Date(), nullable=True),
        sa.Column("link", sa.String(length=300), nullable=False),
        sa.Column("shows_minors", sa.Boolean(), nullable=True),
        sa.Column("may_publish", sa.Boolean(), nullable=True),
        sa.Column("uploaded_at", UtcDateTime(), nullable=False),
        sa.Column("uploaded_by_id", sa.Integer(), nullable=True),
        sa.Column("superseded_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('photo', 'document', 'link')", name=op.f("ck_evidence_item_kind")
        ),
        sa.CheckConstraint(
            "state IN ('current', 'removed', 'superseded', 'redacted')",
            name=op.f("ck_evidence_item_state"),
        ),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_evidence_item_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["superseded_by_id"],
            ["evidence_item.id"],
            name=op.f("fk_evidence_item_superseded_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["uploaded_by_id"],
            ["user_account.id"],
            name=op.f("fk_evidence_item_uploaded_by_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_evidence_item")),
        sa.UniqueConstraint("code", name=op.f("uq_evidence_item_code")),
    )
    with op.batch_alter_table("evidence_item", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_evidence_item_activity_id_slot"),
            ["activity_id", "slot"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_evidence_item_original_sha256"),
            ["original_sha256"],
            unique=False,
        )

    op.create_table(
        "review_case",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("reader_unit_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("claimed_headcount", sa.Integer(), nullable=True),
        sa.Column("remark", sa.String(length=300), nullable=False),
        sa.Column("findings", sa.JSON(), nullable=False),
        sa.Column("flags", sa.Integer(), nullable=False),
        sa.Column("submitted_at", UtcDateTime(), nullable=False),
        sa.Column("submitted_by_id", sa.Integer(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('under_review', 'returned', 'approved', 'rejected', 'withdrawn')",
            name=op.f("ck_review_case_state"),
        ),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_review_case_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["user_account.id"],
            name=op.f("fk_review_case_decided_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["reader_unit_id"], ["unit.id"], name=op.f("fk_review_case_reader_unit_id")
        ),
        sa.ForeignKeyConstraint(
            ["submitted_by_id"],
            ["user_account.id"],
            name=op.f("fk_review_case_submitted_by_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_case")),
        sa.UniqueConstraint("code", name=op.f("uq_review_case_code")),
    )
    with op.batch_alter_table("review_case", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_review_case_activity_id"), ["activity_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_review_case_reader_unit_id_state"),
            ["reader_unit_id", "state"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_review_case_submitted_at"), ["submitted_at"], unique=False
        )

    op.create_table(
        "target",
        sa.Column("indicator_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("origin", sa.String(length=12), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=True),
        sa.Column("year", sa.Integer(), nullable=True),
        sa.Column("text", sa.String(length=120), nullable=False),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("set_by_id", sa.Integer(), nullable=True),
        sa.Column("set_at", UtcDateTime(), nullable=False),
        sa.Column("retired_at", UtcDateTime(), nullable=True),
        sa.Column("retired_reason", sa.String(length=200), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "origin IN ('document', 'office')", name=op.f("ck_target_origin")
        ),
        sa.ForeignKeyConstraint(
            ["indicator_id"], ["indicator.id"], name=op.f("fk_target_indicator_id")
        ),
        sa.ForeignKeyConstraint(
            ["set_by_id"], ["user_account.id"], name=op.f("fk_target_set_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_target_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_target")),
        sa.UniqueConstraint("code", name=op.f("uq_target_code")),
    )
    with op.batch_alter_table("target", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_target_indicator_id"), ["indicator_id"], unique=False
        )

    op.create_table(
        "activity_fact",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=False),
        sa.Column("counted_on", sa.Date(), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("origin", sa.String(length=8), nullable=False),
        sa.Column("host_unit_id", sa.Integer(), nullable=False),
        sa.Column("primary_task_id", sa.Integer(), nullable=True),
        sa.Column("programme_id", sa.Integer(), nullable=True),
        sa.Column("heritage_item_id", sa.Integer(), nullable=True),
        sa.Column("sessions", sa.Integer(), nullable=False),
        sa.Column("grade_a", sa.Integer(), nullable=False),
        sa.Column("grade_b", sa.Integer(), nullable=False),
        sa.Column("grade_c", sa.Integer(), nullable=False),
        sa.Column("grade_d", sa.Integer(), nullable=False),
        sa.Column("adults", sa.Integer(), nullable=False),
        sa.Column("children", sa.Integer(), nullable=False),
        sa.Column("classes", sa.Integer(), nullable=False),
        sa.Column("pairs", sa.Integer(), nullable=False),
        sa.Column("reach", sa.Integer(), nullable=False),
        sa.Column("photos", sa.Integer(), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("approved_at", UtcDateTime(), nullable=False),
        sa.Column("withdrawn_at", UtcDateTime(), nullable=True),
        sa.Column("withdrawn_reason", sa.String(length=300), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_activity_fact_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["review_case.id"], name=op.f("fk_activity_fact_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["heritage_item_id"],
            ["heritage_item.id"],
            name=op.f("fk_activity_fact_heritage_item_id"),
        ),
        sa.ForeignKeyConstraint(
            ["host_unit_id"], ["unit.id"], name=op.f("fk_activity_fact_host_unit_id")
        ),
        sa.ForeignKeyConstraint(
            ["primary_task_id"],
            ["task.id"],
            name=op.f("fk_activity_fact_primary_task_id"),
        ),
        sa.ForeignKeyConstraint(
            ["programme_id"],
            ["programme.id"],
            name=op.f("fk_activity_fact_programme_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activity_fact")),
        sa.UniqueConstraint(
            "activity_id", "version", name=op.f("uq_activity_fact_activity_id_version")
        ),
        sa.UniqueConstraint("code", name=op.f("uq_activity_fact_code")),
    )
    with op.batch_alter_table("activity_fact", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_activity_fact_host_unit_id_counted_on"),
            ["host_unit_id", "counted_on"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_activity_fact_year_primary_task_id"),
            ["year", "primary_task_id"],
            unique=False,
        )

    op.create_table(
        "photo_band",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("value", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["item_id"], ["evidence_item.id"], name=op.f("fk_photo_band_item_id")
        ),
        sa.PrimaryKeyConstraint("item_id", "position", name=op.f("pk_photo_band")),
    )
    with op.batch_alter_table("photo_band", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_photo_band_position_value"),
            ["position", "value"],
            unique=False,
        )

    op.create_table(
        "photo_match",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("other_id", sa.Integer(), nullable=False),
        sa.Column("is_exact", sa.Boolean(), nullable=False),
        sa.Column("distance", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "state IN ('open', 'same', 'different')", name=op.f("ck_photo_match_state")
        ),
        sa.ForeignKeyConstraint(
            ["decided_by_id"],
            ["user_account.id"],
            name=op.f("fk_photo_match_decided_by_id"),
        ),
        sa.ForeignKeyConstraint(
            ["item_id"], ["evidence_item.id"], name=op.f("fk_photo_match_item_id")
        ),
        sa.ForeignKeyConstraint(
            ["other_id"], ["evidence_item.id"], name=op.f("fk_photo_match_other_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_photo_match")),
        sa.UniqueConstraint("code", name=op.f("uq_photo_match_code")),
        sa.UniqueConstraint(
            "item_id", "other_id", name=op.f("uq_photo_match_item_id_other_id")
        ),
    )
    with op.batch_alter_table("photo_match", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_photo_match_other_id"), ["other_id"], unique=False
        )

    op.create_table(
        "registration",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("state", sa.String(length=12), nullable=False),
        sa.Column("adults", sa.Integer(), nullable=False),
        sa.Column("children", sa.Integer(), nullable=False),
        sa.Column("queue", sa.Integer(), nullable=True),
        sa.Column("secret_hash", sa.String(length=64), nullable=True),
        sa.Column("ticket_code_index", sa.String(length=32), nullable=True),
        sa.Column("phone_index", sa.String(length=32), nullable=True),
        sa.Column("tail_index", sa.String(length=32), nullable=True),
        sa.Column("submission", sa.String(length=32), nullable=True),
        sa.Column("browser_index", sa.String(length=32), nullable=True),
        sa.Column("consent_version", sa.String(length=20), nullable=False),
        sa.Column("consented_at", UtcDateTime(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("cancelled_at", UtcDateTime(), nullable=True),
        sa.Column("promoted_at", UtcDateTime(), nullable=True),
        sa.Column("seen_changes_at", UtcDateTime(), nullable=True),
        sa.Column("erased_at", UtcDateTime(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('individual', 'party', 'walk_in', 'count')",
            name=op.f("ck_registration_kind"),
        ),
        sa.CheckConstraint(
            "state IN ('pending', 'confirmed', 'waitlisted', 'cancelled')",
            name=op.f("ck_registration_state"),
        ),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_registration_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["activity_session.id"],
            name=op.f("fk_registration_session_id"),
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_registration_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
        sa.UniqueConstraint("code", name=op.f("uq_registration_code")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_registration_secret_hash")),
    )
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_registration_activity_id_state_session_id"),
            ["activity_id", "state", "session_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_registration_activity_id_tail_index"),
            ["activity_id", "tail_index"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_registration_activity_id_ticket_code_index"),
            ["activity_id", "ticket_code_index"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_registration_queue"), ["queue"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_registration_unit_id"), ["unit_id"], unique=False
        )
        batch_op.create_index(
            "uq_registration_phone",
            ["activity_id", "phone_index"],
            unique=True,
            sqlite_where=sa.text("phone_index IS NOT NULL AND state <> 'cancelled'"),
            postgresql_where=sa.text(
                "phone_index IS NOT NULL AND state <> 'cancelled'"
            ),
        )
        batch_op.create_index(
            "uq_registration_submission", ["activity_id", "submission"], unique=True
        )

    op.create_table(
        "review_event",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("case_id", sa.Integer(), nullable=True),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("at", UtcDateTime(), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("seal", sa.String(length=64), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('submitted', 'withdrawn', 'returned', 'approved', 'rejected', 'reopened')",
            name=op.f("ck_review_event_kind"),
        ),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_review_event_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f("fk_review_event_actor_id")
        ),
        sa.ForeignKeyConstraint(
            ["case_id"], ["review_case.id"], name=op.f("fk_review_event_case_id")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_review_event_unit_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_review_event")),
    )
    with op.batch_alter_table("review_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_review_event_activity_id_id"),
            ["activity_id", "id"],
            unique=False,
        )

    op.create_table(
        "check_in",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("grade_a", sa.Integer(), nullable=False),
        sa.Column("grade_b", sa.Integer(), nullable=False),
        sa.Column("grade_c", sa.Integer(), nullable=False),
        sa.Column("grade_d", sa.Integer(), nullable=False),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("first_at", UtcDateTime(), nullable=False),
        sa.Column("last_at", UtcDateTime(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "grade_a + grade_b + grade_c + grade_d >= 1",
            name=op.f("ck_check_in_headcount"),
        ),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_check_in_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_check_in_registration_id"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"], ["activity_session.id"], name=op.f("fk_check_in_session_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in")),
        sa.UniqueConstraint(
            "session_id",
            "registration_id",
            name=op.f("uq_check_in_session_id_registration_id"),
        ),
    )
    with op.batch_alter_table("check_in", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_check_in_activity_id"), ["activity_id"], unique=False
        )
        batch_op.create_index(
            batch_op.f("ix_check_in_registration_id"), ["registration_id"], unique=False
        )

    op.create_table(
        "check_in_event",
        sa.Column("uid", sa.String(length=40), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=False),
        sa.Column("registration_id", sa.Integer(), nullable=True),
        sa.Column("refers_to", sa.String(length=40), nullable=True),
        sa.Column("headcount", sa.Integer(), nullable=False),
        sa.Column("grade", sa.String(length=1), nullable=True),
        sa.Column("method", sa.String(length=16), nullable=False),
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("occurred_at", UtcDateTime(), nullable=False),
        sa.Column("recorded_at", UtcDateTime(), nullable=False),
        sa.Column("reason", sa.String(length=20), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('arrival', 'refusal', 'undo', 'resolution')",
            name=op.f("ck_check_in_event_kind"),
        ),
        sa.CheckConstraint(
            "outcome IN ('accepted', 'duplicate', 'too_early', 'too_late', 'expired', 'revoked', 'unknown', 'foreign', 'cancelled', 'not_confirmed', 'too_many', 'activity_closed', 'undone', 'nothing_to_undo')",
            name=op.f("ck_check_in_event_outcome"),
        ),
        sa.CheckConstraint("headcount >= 0", name=op.f("ck_check_in_event_headcount")),
        sa.ForeignKeyConstraint(
            ["activity_id"], ["activity.id"], name=op.f("fk_check_in_event_activity_id")
        ),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["user_account.id"], name=op.f("fk_check_in_event_actor_id")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_check_in_event_registration_id"),
        ),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["activity_session.id"],
            name=op.f("fk_check_in_event_session_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_check_in_event")),
        sa.UniqueConstraint("uid", name=op.f("uq_check_in_event_uid")),
    )
    with op.batch_alter_table("check_in_event", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_check_in_event_registration_id"),
            ["registration_id"],
            unique=False,
        )
        batch_op.create_index(
            batch_op.f("ix_check_in_event_session_id_id"),
            ["session_id", "id"],
            unique=False,
        )

    op.create_table(
        "fact_mark",
        sa.Column("fact_id", sa.Integer(), nullable=False),
        sa.Column("mark", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(length=300), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "mark IN ('partner', 'media_link', 'tag')", name=op.f("ck_fact_mark_mark")
        ),
        sa.ForeignKeyConstraint(
            ["fact_id"], ["activity_fact.id"], name=op.f("fk_fact_mark_fact_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fact_mark")),
        sa.UniqueConstraint(
            "fact_id", "mark", "value", name=op.f("uq_fact_mark_fact_id_mark_value")
        ),
    )
    op.create_table(
        "fact_task",
        sa.Column("fact_id", sa.Integer(), nullable=False),
        sa.Column("task_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["fact_id"], ["activity_fact.id"], name=op.f("fk_fact_task_fact_id")
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_fact_task_task_id")
        ),
        sa.PrimaryKeyConstraint("fact_id", "task_id", name=op.f("pk_fact_task")),
    )
    with op.batch_alter_table("fact_task", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_fact_task_task_id"), ["task_id"], unique=False
        )

    op.create_table(
        "fact_unit",
        sa.Column("fact_id", sa.Integer(), nullable=False),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("part", sa.String(length=12), nullable=False),
        sa.ForeignKeyConstraint(
            ["fact_id"], ["activity_fact.id"], name=op.f("fk_fact_unit_fact_id")
        ),
        sa.ForeignKeyConstraint(
            ["unit_id"], ["unit.id"], name=op.f("fk_fact_unit_unit_id")
        ),
        sa.PrimaryKeyConstraint(
            "fact_id", "unit_id", "part", name=op.f("pk_fact_unit")
        ),
    )
    with op.batch_alter_table("fact_unit", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_fact_unit_unit_id"), ["unit_id"], unique=False
        )

    op.create_table(
        "personal_detail",
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=True),
        sa.Column("phone", sa.LargeBinary(), nullable=True),
        sa.ForeignKeyConstraint(
            ["registration_id"],
            ["registration.id"],
            name=op.f("fk_personal_detail_registration_id"),
        ),
        sa.PrimaryKeyConstraint("registration_id", name=op.f("pk_personal_detail")),
    )
    for table in HISTORY:
        guard(table)


def downgrade() -> None:
    for table in HISTORY:
        release(table)
    op.drop_table("personal_detail")
    with op.batch_alter_table("fact_unit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fact_unit_unit_id"))

    op.drop_table("fact_unit")
    with op.batch_alter_table("fact_task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_fact_task_task_id"))

    op.drop_table("fact_task")
    op.drop_table("fact_mark")
    with op.batch_alter_table("check_in_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_check_in_event_session_id_id"))
        batch_op.drop_index(batch_op.f("ix_check_in_event_registration_id"))

    op.drop_table("check_in_event")
    with op.batch_alter_table("check_in", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_check_in_registration_id"))
        batch_op.drop_index(batch_op.f("ix_check_in_activity_id"))

    op.drop_table("check_in")
    with op.batch_alter_table("review_event", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_review_event_activity_id_id"))

    op.drop_table("review_event")
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.drop_index("uq_registration_submission")
        batch_op.drop_index(
            "uq_registration_phone",
            sqlite_where=sa.text("phone_index IS NOT NULL AND state <> 'cancelled'"),
            postgresql_where=sa.text(
                "phone_index IS NOT NULL AND state <> 'cancelled'"
            ),
        )
        batch_op.drop_index(batch_op.f("ix_registration_unit_id"))
        batch_op.drop_index(batch_op.f("ix_registration_queue"))
        batch_op.drop_index(batch_op.f("ix_registration_activity_id_ticket_code_index"))
        batch_op.drop_index(batch_op.f("ix_registration_activity_id_tail_index"))
        batch_op.drop_index(batch_op.f("ix_registration_activity_id_state_session_id"))

    op.drop_table("registration")
    with op.batch_alter_table("photo_match", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_photo_match_other_id"))

    op.drop_table("photo_match")
    with op.batch_alter_table("photo_band", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_photo_band_position_value"))

    op.drop_table("photo_band")
    with op.batch_alter_table("activity_fact", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activity_fact_year_primary_task_id"))
        batch_op.drop_index(batch_op.f("ix_activity_fact_host_unit_id_counted_on"))

    op.drop_table("activity_fact")
    with op.batch_alter_table("target", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_target_indicator_id"))

    op.drop_table("target")
    with op.batch_alter_table("review_case", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_review_case_submitted_at"))
        batch_op.drop_index(batch_op.f("ix_review_case_reader_unit_id_state"))
        batch_op.drop_index(batch_op.f("ix_review_case_activity_id"))

    op.drop_table("review_case")
    with op.batch_alter_table("evidence_item", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_evidence_item_original_sha256"))
        batch_op.drop_index(batch_op.f("ix_evidence_item_activity_id_slot"))

    op.drop_table("evidence_item")
    with op.batch_alter_table("activity_unit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activity_unit_unit_id"))

    op.drop_table("activity_unit")
    with op.batch_alter_table("activity_task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activity_task_task_id"))

    op.drop_table("activity_task")
    with op.batch_alter_table("activity_session", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activity_session_starts_at"))

    op.drop_table("activity_session")
    with op.batch_alter_table("activity_change", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activity_change_activity_id"))

    op.drop_table("activity_change")
    with op.batch_alter_table("task_unit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_unit_unit_id"))
        batch_op.drop_index(batch_op.f("ix_task_unit_task_id"))

    op.drop_table("task_unit")
    with op.batch_alter_table("progress_note", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_progress_note_unit_id_noted_on"))
        batch_op.drop_index(batch_op.f("ix_progress_note_task_id_noted_on"))

    op.drop_table("progress_note")
    with op.batch_alter_table("indicator", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_indicator_task_id"))

    op.drop_table("indicator")
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_activity_venue_unit_id"))
        batch_op.drop_index(batch_op.f("ix_activity_state_starts_at"))
        batch_op.drop_index(batch_op.f("ix_activity_starts_at"))
        batch_op.drop_index(batch_op.f("ix_activity_review_state"))
        batch_op.drop_index(batch_op.f("ix_activity_programme_id"))
        batch_op.drop_index(batch_op.f("ix_activity_primary_task_id"))
        batch_op.drop_index(batch_op.f("ix_activity_host_unit_id_starts_at"))
        batch_op.drop_index(batch_op.f("ix_activity_heritage_item_id"))
        batch_op.drop_index(batch_op.f("ix_activity_ends_at"))

    op.drop_table("activity")
    with op.batch_alter_table("trusted_device", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_trusted_device_user_id"))

    op.drop_table("trusted_device")
    with op.batch_alter_table("task", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_task_group_id"))

    op.drop_table("task")
    with op.batch_alter_table("sign_in", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_sign_in_user_id"))

    op.drop_table("sign_in")
    with op.batch_alter_table("role_grant", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_role_grant_user_id"))

    op.drop_table("role_grant")
    with op.batch_alter_table("recovery_code", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_recovery_code_user_id"))

    op.drop_table("recovery_code")
    with op.batch_alter_table("reader_order", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_reader_order_unit_id"))

    op.drop_table("reader_order")
    with op.batch_alter_table("programme", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_programme_host_unit_id"))

    op.drop_table("programme")
    with op.batch_alter_table("invitation", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_invitation_user_id"))

    op.drop_table("invitation")
    with op.batch_alter_table("establishment", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_establishment_unit_id"))
        batch_op.drop_index(batch_op.f("ix_establishment_kind_level"))

    op.drop_table("establishment")
    with op.batch_alter_table("user_account", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_user_account_unit_id"))

    op.drop_table("user_account")
    op.drop_table("task_group")
    op.drop_table("safeguard")
    with op.batch_alter_table("unit", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_unit_path"))
        batch_op.drop_index(batch_op.f("ix_unit_parent_id"))

    op.drop_table("unit")
    op.drop_table("system_state")
    op.drop_table("plan")
    op.drop_table("heritage_item")
    op.drop_table("checkpoint")
    with op.batch_alter_table("audit_entry", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_entry_object_type_object_code"))
        batch_op.drop_index(batch_op.f("ix_audit_entry_at"))
        batch_op.drop_index(batch_op.f("ix_audit_entry_action_seq"))

    op.drop_table("audit_entry")
    with op.batch_alter_table("audit_detail", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_audit_detail_seq"))

    op.drop_table("audit_detail")
    with op.batch_alter_table("attempt", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_attempt_purpose_key_at"))

    op.drop_table("attempt")
