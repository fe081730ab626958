"""time stamps of days

Revision: 0010, after 0009
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webapp.store.models import columns

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "day_stamps",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("root", sa.String(length=64), nullable=False),
        sa.Column("leaves", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", columns.UtcDateTime(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("next_try_at", columns.UtcDateTime(), nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("response", sa.LargeBinary(), nullable=True),
        sa.Column("stamped_at", columns.UtcDateTime(), nullable=True),
        sa.Column("authority", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "day", name=op.f("pk_day_stamps")),
    )
    with op.batch_alter_table("day_stamps", schema=None) as batch_op:
        batch_op.create_index(
            "ix_day_stamps_open",
            ["next_try_at"],
            unique=False,
            sqlite_where=sa.text("response IS NULL"),
            postgresql_where=sa.text("response IS NULL"),
        )


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("day_stamps", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_day_stamps_open",
            sqlite_where=sa.text("response IS NULL"),
            postgresql_where=sa.text("response IS NULL"),
        )

    op.drop_table("day_stamps")
