"""what makes the clock look again

Revision: 0011, after 0010
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webapp.store.models import columns

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.add_column(sa.Column("next_at", columns.UtcDateTime(), nullable=True))
        batch_op.create_index(
            "ix_cases_waiting",
            ["org_id", "next_at"],
            unique=False,
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )

    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.add_column(sa.Column("swept_by", sa.String(length=64), nullable=True))

    # What is open falls due, or its period ends, for the clock as it does for new ones.
    op.execute(
        "UPDATE cases SET next_at = CASE WHEN due_at IS NULL OR ends_at < due_at THEN ends_at ELSE due_at END "
        "WHERE state = 'open'"
    )


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("organisations", schema=None) as batch_op:
        batch_op.drop_column("swept_by")

    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_cases_waiting",
            sqlite_where=sa.text("next_at IS NOT NULL"),
            postgresql_where=sa.text("next_at IS NOT NULL"),
        )
        batch_op.drop_column("next_at")
