"""how long photos are kept

Revision: 0012, after 0011
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webapp.store.models import columns

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "deleted_blobs",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("why", sa.String(length=16), nullable=False),
        sa.Column("after_days", sa.Integer(), nullable=True),
        sa.Column("made_by", sa.String(length=36), nullable=True),
        sa.Column("deleted_at", columns.UtcDateTime(), nullable=False),
        sa.Column("cleared_at", columns.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "sha256", name=op.f("pk_deleted_blobs")),
    )
    with op.batch_alter_table("deleted_blobs", schema=None) as batch_op:
        batch_op.create_index(
            "ix_deleted_blobs_uncleared",
            ["org_id", "sha256"],
            unique=False,
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )

    op.create_table(
        "office_acts",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=True),
        sa.Column("made_at", columns.UtcDateTime(), nullable=False),
        sa.Column("data", columns.Json, nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_office_acts")),
    )
    with op.batch_alter_table("office_acts", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_office_acts_org_id_made_at"), ["org_id", "made_at"], unique=False
        )

    with op.batch_alter_table("blobs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_blobs_org_id_held_at"), ["org_id", "held_at"], unique=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("blobs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_blobs_org_id_held_at"))

    with op.batch_alter_table("office_acts", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_office_acts_org_id_made_at"))

    op.drop_table("office_acts")
    with op.batch_alter_table("deleted_blobs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_deleted_blobs_uncleared",
            sqlite_where=sa.text("cleared_at IS NULL"),
            postgresql_where=sa.text("cleared_at IS NULL"),
        )

    op.drop_table("deleted_blobs")
