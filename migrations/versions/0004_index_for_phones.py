"""The index of a check-in's phone holds phones only: the hot path, which has none, writes no entry into it.

Revision: 0004, after 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NAME = "ix_check_in_event_device_id"
PHONES_ONLY = sa.text("device_id IS NOT NULL")


def upgrade() -> None:
    op.drop_index(NAME, table_name="check_in_event")
    op.create_index(
        NAME, "check_in_event", ["device_id"], sqlite_where=PHONES_ONLY, postgresql_where=PHONES_ONLY,
    )  # fmt: skip


def downgrade() -> None:
    op.drop_index(NAME, table_name="check_in_event")
    op.create_index(NAME, "check_in_event", ["device_id"])
