"""How many registrations have lost their names is counted from an index of those: the dashboard asks it each time.

Nobody who registers or comes writes an entry into it.

Revision: 0007, after 0006
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

NAME = "ix_registration_erased_at"
ERASED_ONLY = sa.text("erased_at IS NOT NULL")


def upgrade() -> None:
    op.create_index(NAME, "registration", ["erased_at"], sqlite_where=ERASED_ONLY, postgresql_where=ERASED_ONLY)


def downgrade() -> None:
    op.drop_index(NAME, table_name="registration")
