"""Suggestions keep what facts add, and are ordered by text and facts together

Revision: b3ba771dc1e9, after fcac418496dd.
"""

import sqlalchemy as sa
from alembic import op

revision = "b3ba771dc1e9"
down_revision = "fcac418496dd"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # The defaults stay, as in the revision before.
    op.add_column(
        "suggestions", sa.Column("boosts", sa.JSON(), nullable=False, server_default="[]")
    )
    op.add_column(
        "suggestions", sa.Column("rank_score", sa.Double(), nullable=False, server_default="0")
    )
    op.execute("UPDATE suggestions SET rank_score = score")
    for party in ("challenge", "organization"):
        op.drop_index(f"ix_suggestions_{party}_score", "suggestions")
        op.create_index(
            f"ix_suggestions_{party}_rank", "suggestions", [f"{party}_id", "rank_score"]
        )


def downgrade() -> None:
    for party in ("challenge", "organization"):
        op.drop_index(f"ix_suggestions_{party}_rank", "suggestions")
        op.create_index(f"ix_suggestions_{party}_score", "suggestions", [f"{party}_id", "score"])
    op.drop_column("suggestions", "rank_score")
    op.drop_column("suggestions", "boosts")
