"""Index when rows changed, which the matcher asks at each use

Revision: 29d946dc3e16, after 5c0e7d1f9a42.
"""

from alembic import op

revision = "29d946dc3e16"
down_revision = "5c0e7d1f9a42"
branch_labels = None
depends_on = None

TABLES = ("organizations", "capability_profiles", "challenges")


def upgrade() -> None:
    for table in TABLES:
        op.create_index(f"ix_{table}_updated_at", table, ["updated_at"])


def downgrade() -> None:
    for table in reversed(TABLES):
        op.drop_index(f"ix_{table}_updated_at", table)
