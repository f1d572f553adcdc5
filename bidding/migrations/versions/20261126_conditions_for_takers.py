"""Challenges have conditions for takers

Revision: fcac418496dd, after 7c1f0a5d2b9e.

The defaults stay in the database: on SQLite only building the table anew would take them away,
and `challenges` cannot be built anew while other tables refer to it.
"""

import sqlalchemy as sa
from alembic import op

revision = "fcac418496dd"
down_revision = "fd368fc1730b"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "challenges",
        sa.Column("required_qualifications", sa.JSON(), nullable=False, server_default="[]"),
    )
    op.add_column("challenges", sa.Column("taker_region_code", sa.Text(), nullable=True))
    op.add_column(
        "challenges", sa.Column("taker_notes", sa.Text(), nullable=False, server_default="")
    )


def downgrade() -> None:
    op.drop_column("challenges", "taker_notes")
    op.drop_column("challenges", "taker_region_code")
    op.drop_column("challenges", "required_qualifications")
