"""Keep who covers which items of a challenge, and who was invited together

Revision: 5c0e7d1f9a42, after b3ba771dc1e9.
"""

import sqlalchemy as sa
from alembic import op

revision = "5c0e7d1f9a42"
down_revision = "b3ba771dc1e9"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "item_surveys",
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("items", sa.JSON(), nullable=False),
        sa.Column("candidates", sa.JSON(), nullable=False),
        sa.Column("computed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenges.id"],
            name=op.f("fk_item_surveys_challenge_id_challenges"),
        ),
        sa.PrimaryKeyConstraint("challenge_id", name=op.f("pk_item_surveys")),
    )
    op.create_table(
        "joint_invitations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("challenge_id", sa.Integer(), nullable=False),
        sa.Column("invited_by_id", sa.Integer(), nullable=False),
        sa.Column("introduces", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenges.id"],
            name=op.f("fk_joint_invitations_challenge_id_challenges"),
        ),
        sa.ForeignKeyConstraint(
            ["invited_by_id"], ["users.id"], name=op.f("fk_joint_invitations_invited_by_id_users")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_joint_invitations")),
    )
    op.create_index(
        op.f("ix_joint_invitations_challenge_id"), "joint_invitations", ["challenge_id"]
    )
    op.create_table(
        "joint_invitees",
        sa.Column("joint_invitation_id", sa.Integer(), nullable=False),
        sa.Column("organization_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["joint_invitation_id"],
            ["joint_invitations.id"],
            name=op.f("fk_joint_invitees_joint_invitation_id_joint_invitations"),
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_joint_invitees_organization_id_organizations"),
        ),
        sa.PrimaryKeyConstraint(
            "joint_invitation_id", "organization_id", name=op.f("pk_joint_invitees")
        ),
    )
    op.create_index(
        op.f("ix_joint_invitees_organization_id"),
        "joint_invitees",
        ["organization_id"],
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_joint_invitees_organization_id"), "joint_invitees")
    op.drop_table("joint_invitees")
    op.drop_index(op.f("ix_joint_invitations_challenge_id"), "joint_invitations")
    op.drop_table("joint_invitations")
    op.drop_table("item_surveys")
