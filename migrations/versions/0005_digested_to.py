"""A session knows the last event that its newest digest covers; what came later has a greater id, whatever the clock said.

NULL where only a digest of the earlier form was written: the worker writes one of the present form.

Revision: 0005, after 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("activity_session", sa.Column("digested_to", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("activity_session", "digested_to")
