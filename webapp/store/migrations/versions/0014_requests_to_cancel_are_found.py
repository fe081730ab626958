"""requests to cancel are found

Revision: 0014, after 0013
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    with op.batch_alter_table("parcels", schema=None) as batch_op:
        batch_op.create_index(
            "ix_parcels_asked_to_cancel",
            ["org_id", "created_at", "code"],
            unique=False,
            sqlite_where=sa.text("json_extract(flags, '$.cancel_requested')"),
            postgresql_where=sa.text("(flags ->> 'cancel_requested') = 'true'"),
        )


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("parcels", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_parcels_asked_to_cancel",
            sqlite_where=sa.text("json_extract(flags, '$.cancel_requested')"),
            postgresql_where=sa.text("(flags ->> 'cancel_requested') = 'true'"),
        )
