"""Products marked delicate or dangerous

Revision: 0004, after 0003
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webapp.store.models import columns

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "product_marks",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("sku_id", sa.String(length=64), nullable=False),
        sa.Column("fragile", sa.Boolean(), nullable=False),
        sa.Column("dangerous", sa.Boolean(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=True),
        sa.Column("changed_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "sku_id", name=op.f("pk_product_marks")),
    )
    with op.batch_alter_table("parcels", schema=None) as batch_op:
        batch_op.add_column(sa.Column("dangerous", sa.Boolean(), server_default=sa.false(), nullable=False))


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("parcels", schema=None) as batch_op:
        batch_op.drop_column("dangerous")

    op.drop_table("product_marks")
