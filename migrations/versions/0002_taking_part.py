"""Taking part: classes, questions, quotas and holds, guardians' consent, letters, takedowns, 投诉建议.

Revision: 0002, after 0001
"""

import sqlalchemy as sa
from alembic import op

from app.kernel.database import UtcDateTime

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "feedback",
        sa.Column("sort", sa.String(length=12), nullable=False),
        sa.Column("activity_id", sa.Integer(), nullable=True),
        sa.Column("receipt_hash", sa.String(length=64), nullable=False),
        sa.Column("message", sa.String(length=1000), nullable=True),
        sa.Column("contact", sa.LargeBinary(), nullable=True),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("answer", sa.String(length=1000), nullable=True),
        sa.Column("answered_at", UtcDateTime(), nullable=True),
        sa.Column("answered_by_id", sa.Integer(), nullable=True),
        sa.Column("erased_at", UtcDateTime(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint("sort IN ('complaint', 'suggestion')", name=op.f("ck_feedback_sort")),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_feedback_activity_id")),
        sa.ForeignKeyConstraint(["answered_by_id"], ["user_account.id"], name=op.f("fk_feedback_answered_by_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_feedback")),
        sa.UniqueConstraint("code", name=op.f("uq_feedback_code")),
        sa.UniqueConstraint("receipt_hash", name=op.f("uq_feedback_receipt_hash")),
    )
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_feedback_activity_id"), ["activity_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_feedback_answered_at_due_on"), ["answered_at", "due_on"], unique=False)
        batch_op.create_index(batch_op.f("ix_feedback_created_at"), ["created_at"], unique=False)

    op.create_table(
        "question",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("sort", sa.String(length=12), nullable=False),
        sa.Column("wording", sa.String(length=60), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("is_required", sa.Boolean(), nullable=False),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "sort IN ('one_of', 'several_of', 'short_text', 'number', 'yes_no')", name=op.f("ck_question_sort")
        ),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_question_activity_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_question")),
        sa.UniqueConstraint("activity_id", "position", name=op.f("uq_question_activity_id_position")),
        sa.UniqueConstraint("code", name=op.f("uq_question_code")),
    )
    op.create_table(
        "place_hold",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=True),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("released_at", UtcDateTime(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_place_hold_activity_id")),
        sa.ForeignKeyConstraint(["session_id"], ["activity_session.id"], name=op.f("fk_place_hold_session_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_place_hold_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_hold")),
        sa.UniqueConstraint("code", name=op.f("uq_place_hold_code")),
    )
    with op.batch_alter_table("place_hold", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_place_hold_activity_id"), ["activity_id"], unique=False)

    op.create_table(
        "place_quota",
        sa.Column("activity_id", sa.Integer(), nullable=False),
        sa.Column("session_id", sa.Integer(), nullable=True),
        sa.Column("unit_id", sa.Integer(), nullable=False),
        sa.Column("places", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["activity_id"], ["activity.id"], name=op.f("fk_place_quota_activity_id")),
        sa.ForeignKeyConstraint(["session_id"], ["activity_session.id"], name=op.f("fk_place_quota_session_id")),
        sa.ForeignKeyConstraint(["unit_id"], ["unit.id"], name=op.f("fk_place_quota_unit_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_place_quota")),
        sa.UniqueConstraint(
            "activity_id", "session_id", "unit_id", name=op.f("uq_place_quota_activity_id_session_id_unit_id")
        ),
    )
    with op.batch_alter_table("place_quota", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_place_quota_activity_id"), ["activity_id"], unique=False)

    op.create_table(
        "takedown",
        sa.Column("item_id", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("decided_at", UtcDateTime(), nullable=True),
        sa.Column("decided_by_id", sa.Integer(), nullable=True),
        sa.Column("code", sa.String(length=12), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'removed', 'kept')", name=op.f("ck_takedown_state")),
        sa.ForeignKeyConstraint(["decided_by_id"], ["user_account.id"], name=op.f("fk_takedown_decided_by_id")),
        sa.ForeignKeyConstraint(["item_id"], ["evidence_item.id"], name=op.f("fk_takedown_item_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_takedown")),
        sa.UniqueConstraint("code", name=op.f("uq_takedown_code")),
    )
    with op.batch_alter_table("takedown", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_takedown_item_id"), ["item_id"], unique=False)

    op.create_table(
        "guardian_consent",
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("way", sa.String(length=8), nullable=False),
        sa.Column("text_version", sa.String(length=20), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=True),
        sa.Column("asked_at", UtcDateTime(), nullable=False),
        sa.Column("expires_at", UtcDateTime(), nullable=True),
        sa.Column("given_at", UtcDateTime(), nullable=True),
        sa.Column("given_as", sa.String(length=10), nullable=True),
        sa.Column("paper_sha256", sa.String(length=64), nullable=True),
        sa.Column("recorded_by_id", sa.Integer(), nullable=True),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint("way IN ('link', 'paper', 'school')", name=op.f("ck_guardian_consent_way")),
        sa.ForeignKeyConstraint(
            ["recorded_by_id"], ["user_account.id"], name=op.f("fk_guardian_consent_recorded_by_id")
        ),
        sa.ForeignKeyConstraint(
            ["registration_id"], ["registration.id"], name=op.f("fk_guardian_consent_registration_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_guardian_consent")),
        sa.UniqueConstraint("registration_id", name=op.f("uq_guardian_consent_registration_id")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_guardian_consent_secret_hash")),
    )
    op.create_table(
        "mail_notice",
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("created_at", UtcDateTime(), nullable=False),
        sa.Column("next_try_at", UtcDateTime(), nullable=True),
        sa.Column("sent_at", UtcDateTime(), nullable=True),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("problem", sa.String(length=40), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('confirmed', 'waitlisted', 'promoted', 'changed', 'reminder', 'cancelled', 'declined')",
            name=op.f("ck_mail_notice_kind"),
        ),
        sa.ForeignKeyConstraint(["registration_id"], ["registration.id"], name=op.f("fk_mail_notice_registration_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_notice")),
    )
    with op.batch_alter_table("mail_notice", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_mail_notice_registration_id"), ["registration_id"], unique=False)
        batch_op.create_index(
            batch_op.f("ix_mail_notice_sent_at_next_try_at"), ["sent_at", "next_try_at"], unique=False
        )

    op.create_table(
        "party_class",
        sa.Column("registration_id", sa.Integer(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("label", sa.String(length=30), nullable=False),
        sa.Column("pupils", sa.Integer(), nullable=False),
        sa.Column("adults", sa.Integer(), nullable=False),
        sa.Column("without_photo", sa.Integer(), nullable=False),
        sa.Column("id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["registration_id"], ["registration.id"], name=op.f("fk_party_class_registration_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_party_class")),
        sa.UniqueConstraint("registration_id", "position", name=op.f("uq_party_class_registration_id_position")),
    )
    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.add_column(sa.Column("takes_parties", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("needs_approval", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("names_minors", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("leaves_school", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("sends_mail", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("offer_hours", sa.Integer(), nullable=True))

    with op.batch_alter_table("evidence_item", schema=None) as batch_op:
        batch_op.add_column(sa.Column("hidden_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("expires_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("expired_at", UtcDateTime(), nullable=True))

    with op.batch_alter_table("personal_detail", schema=None) as batch_op:
        batch_op.add_column(sa.Column("email", sa.LargeBinary(), nullable=True))
        batch_op.add_column(sa.Column("answers", sa.JSON(none_as_null=True), nullable=True))

    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_minor", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.add_column(sa.Column("offered_until", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("declined_at", UtcDateTime(), nullable=True))
        batch_op.add_column(sa.Column("decline_reason", sa.String(length=200), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("registration", schema=None) as batch_op:
        batch_op.drop_column("decline_reason")
        batch_op.drop_column("declined_at")
        batch_op.drop_column("offered_until")
        batch_op.drop_column("is_minor")

    with op.batch_alter_table("personal_detail", schema=None) as batch_op:
        batch_op.drop_column("answers")
        batch_op.drop_column("email")

    with op.batch_alter_table("evidence_item", schema=None) as batch_op:
        batch_op.drop_column("expired_at")
        batch_op.drop_column("expires_at")
        batch_op.drop_column("hidden_at")

    with op.batch_alter_table("activity", schema=None) as batch_op:
        batch_op.drop_column("offer_hours")
        batch_op.drop_column("sends_mail")
        batch_op.drop_column("leaves_school")
        batch_op.drop_column("names_minors")
        batch_op.drop_column("needs_approval")
        batch_op.drop_column("takes_parties")

    op.drop_table("party_class")
    with op.batch_alter_table("mail_notice", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_mail_notice_sent_at_next_try_at"))
        batch_op.drop_index(batch_op.f("ix_mail_notice_registration_id"))

    op.drop_table("mail_notice")
    op.drop_table("guardian_consent")
    with op.batch_alter_table("takedown", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_takedown_item_id"))

    op.drop_table("takedown")
    with op.batch_alter_table("place_quota", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_place_quota_activity_id"))

    op.drop_table("place_quota")
    with op.batch_alter_table("place_hold", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_place_hold_activity_id"))

    op.drop_table("place_hold")
    op.drop_table("question")
    with op.batch_alter_table("feedback", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_feedback_created_at"))
        batch_op.drop_index(batch_op.f("ix_feedback_answered_at_due_on"))
        batch_op.drop_index(batch_op.f("ix_feedback_activity_id"))

    op.drop_table("feedback")
