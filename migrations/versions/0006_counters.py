"""An event of a phone keeps the phone's own count of it: the order of what one phone did, whatever its clock was set to.

What the pairing kept of it, the highest number alone, nobody could use.

Revision: 0006, after 0005
"""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

EVENTS = "check_in_event"
BEFORE, AFTER = "ix_check_in_event_device_id", "ix_check_in_event_device_id_counter"
PHONES_ONLY = sa.text("device_id IS NOT NULL")


def upgrade() -> None:
    op.add_column(EVENTS, sa.Column("counter", sa.Integer(), nullable=True))
    op.drop_index(BEFORE, table_name=EVENTS)
    op.create_index(
        AFTER, EVENTS, ["device_id", "counter"], sqlite_where=PHONES_ONLY, postgresql_where=PHONES_ONLY
    )  # fmt: skip
    op.drop_column("device_grant", "last_counter")


def downgrade() -> None:
    op.add_column("device_grant", sa.Column("last_counter", sa.Integer(), nullable=False, server_default="0"))
    if op.get_bind().dialect.name == "postgresql":  # the older schema has no default; SQLite would rebuild the table
        op.alter_column("device_grant", "last_counter", server_default=None)
    op.drop_index(AFTER, table_name=EVENTS)
    op.create_index(BEFORE, EVENTS, ["device_id"], sqlite_where=PHONES_ONLY, postgresql_where=PHONES_ONLY)
    op.drop_column(EVENTS, "counter")
