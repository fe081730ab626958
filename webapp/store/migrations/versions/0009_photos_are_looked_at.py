"""photos are looked at

Revision: 0009, after 0008
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webapp.store.models import columns

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "photo_checks",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("taken_at", columns.UtcDateTime(), nullable=False),
        sa.Column("taken_by", sa.String(length=36), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("done_at", columns.UtcDateTime(), nullable=True),
        sa.Column("result", columns.Json, nullable=True),
        sa.PrimaryKeyConstraint("org_id", "event_id", "sha256", name=op.f("pk_photo_checks")),
    )
    with op.batch_alter_table("photo_checks", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_photo_checks_org_id_sha256"), ["org_id", "sha256"], unique=False)

    op.create_table(
        "photo_codes",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "code", "sha256", name=op.f("pk_photo_codes")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "photo_prints",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("sketch", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "sha256", name=op.f("pk_photo_prints")),
    )
    op.create_table(
        "proof_checks",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("event_id", sa.String(length=36), nullable=False),
        sa.Column("judged_at", columns.UtcDateTime(), nullable=False),
        sa.Column("findings", columns.Json, nullable=False),
        sa.Column("seen", columns.Json, nullable=False),
        sa.Column("unseen", columns.Json, nullable=False),
        sa.Column("others", columns.Json, nullable=False),
        sa.Column("is_sample", sa.Boolean(), nullable=False),
        sa.Column("check_event_id", sa.String(length=36), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "event_id", name=op.f("pk_proof_checks")),
    )
    with op.batch_alter_table("blob_refs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_checked", sa.Boolean(), server_default=sa.false(), nullable=False))
        batch_op.create_index(
            "ix_blob_refs_unchecked",
            ["org_id", "event_id"],
            unique=False,
            sqlite_where=sa.text("NOT is_checked AND NOT is_awaited AND NOT is_lost"),
            postgresql_where=sa.text("NOT is_checked AND NOT is_awaited AND NOT is_lost"),
        )

    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.add_column(sa.Column("doubt", sa.Integer(), server_default=sa.text("0"), nullable=False))
        batch_op.create_index(
            "ix_events_waiting",
            ["org_id", "doubt", "received_at", "id"],
            unique=False,
            sqlite_where=sa.text("review_state = 'waiting'"),
            postgresql_where=sa.text("review_state = 'waiting'"),
        )

    # Nobody has looked at the proofs that wait; those already judged by a person need no look.
    op.execute("UPDATE events SET doubt = 1 WHERE review_state = 'waiting'")
    op.execute(
        "UPDATE blob_refs SET is_checked = true WHERE NOT EXISTS (SELECT 1 FROM events WHERE "
        "events.org_id = blob_refs.org_id AND events.id = blob_refs.event_id AND events.review_state = 'waiting')"
    )


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("events", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_events_waiting",
            sqlite_where=sa.text("review_state = 'waiting'"),
            postgresql_where=sa.text("review_state = 'waiting'"),
        )
        batch_op.drop_column("doubt")

    with op.batch_alter_table("blob_refs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_blob_refs_unchecked",
            sqlite_where=sa.text("NOT is_checked AND NOT is_awaited AND NOT is_lost"),
            postgresql_where=sa.text("NOT is_checked AND NOT is_awaited AND NOT is_lost"),
        )
        batch_op.drop_column("is_checked")

    op.drop_table("proof_checks")
    op.drop_table("photo_prints")
    op.drop_table("photo_codes")
    with op.batch_alter_table("photo_checks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_photo_checks_org_id_sha256"))

    op.drop_table("photo_checks")
