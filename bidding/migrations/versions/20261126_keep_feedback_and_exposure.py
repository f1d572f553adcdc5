"""Keep feedback and exposure

Revision: fd368fc1730b, after 7c1f0a5d2b9e.
"""

import sqlalchemy as sa
from alembic import op

revision = "fd368fc1730b"
down_revision = "7c1f0a5d2b9e"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "exposures",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("poster", "solver", name="side", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column("shown_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["challenge_id"], ["challenges.id"], name=op.f("fk_exposures_challenge_id_challenges")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_exposures_organization_id_organizations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_exposures")),
        sa.UniqueConstraint(
            "challenge_id",
            "organization_id",
            "side",
            name=op.f("uq_exposures_challenge_id_organization_id_side"),
        ),
    )
    with op.batch_alter_table("exposures", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_exposures_organization_id"), ["organization_id"], unique=False
        )
        batch_op.create_index("ix_exposures_side_shown_at", ["side", "shown_at"], unique=False)

    op.create_table(
        "suggestion_feedback",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.Column(
            "side",
            sa.Enum("poster", "solver", name="side", native_enum=False, length=40),
            nullable=False,
        ),
        sa.Column(
            "verdict",
            sa.Enum("interested", "not_relevant", name="verdict", native_enum=False, length=40),
            nullable=True,
        ),
        sa.Column("author_id", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_suggestion_feedback_author_id_users")
        ),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenges.id"],
            name=op.f("fk_suggestion_feedback_challenge_id_challenges"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_suggestion_feedback_organization_id_organizations"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suggestion_feedback")),
        sa.UniqueConstraint(
            "challenge_id",
            "organization_id",
            "side",
            name=op.f("uq_suggestion_feedback_challenge_id_organization_id_side"),
        ),
    )
    with op.batch_alter_table("suggestion_feedback", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_suggestion_feedback_organization_id"), ["organization_id"], unique=False
        )


def downgrade() -> None:
    with op.batch_alter_table("suggestion_feedback", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_suggestion_feedback_organization_id"))

    op.drop_table("suggestion_feedback")
    with op.batch_alter_table("exposures", schema=None) as batch_op:
        batch_op.drop_index("ix_exposures_side_shown_at")
        batch_op.drop_index(batch_op.f("ix_exposures_organization_id"))

    op.drop_table("exposures")
