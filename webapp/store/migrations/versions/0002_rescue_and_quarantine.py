"""Rescue files, a quarantine that is settled, photos that are awaited.

Revision: 0002, after 0001
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webapp.store.models import columns

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "quarantine_blobs",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("item_sha256", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "sha256", "item_sha256", name=op.f("pk_quarantine_blobs")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "rescue_files",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=True),
        sa.Column("told", columns.Json, nullable=False),
        sa.Column("counts", columns.Json, nullable=False),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.Column("ended_at", columns.UtcDateTime(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_rescue_files")),
    )
    with op.batch_alter_table("rescue_files", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_rescue_files_org_id_created_at"), ["org_id", "created_at"], unique=False
        )

    op.create_table(
        "rescue_items",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("rescue_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("device_id", sa.String(length=64), nullable=True),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=48), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "rescue_id", "position", name=op.f("pk_rescue_items")),
    )
    with op.batch_alter_table("rescue_items", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_rescue_items_org_id_sha256"), ["org_id", "sha256"], unique=False)

    with op.batch_alter_table("blob_refs", schema=None) as batch_op:
        batch_op.add_column(sa.Column("is_awaited", sa.Boolean(), nullable=False, server_default=sa.true()))
        batch_op.drop_index(batch_op.f("ix_blob_refs_org_id_device_id_event_id"))
        batch_op.create_index(
            "ix_blob_refs_awaited",
            ["org_id", "device_id", "event_id"],
            unique=False,
            sqlite_where=sa.text("is_awaited"),
            postgresql_where=sa.text("is_awaited"),
        )

    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.add_column(sa.Column("settled_event_id", sa.String(length=36), nullable=True))
        batch_op.add_column(sa.Column("event_id", sa.String(length=36), nullable=True))
        batch_op.create_index(
            "ix_quarantine_open",
            ["org_id", "device_id"],
            unique=False,
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )

    op.execute(_SETTLED)


# What is here, or said to be lost by the phone that spoke of it, is awaited no more.
_SETTLED = """
UPDATE blob_refs SET is_awaited = (1 = 0)
WHERE EXISTS (SELECT 1 FROM blobs WHERE blobs.org_id = blob_refs.org_id AND blobs.sha256 = blob_refs.sha256)
OR EXISTS (
    SELECT 1 FROM blob_refs AS lost
    WHERE lost.org_id = blob_refs.org_id AND lost.sha256 = blob_refs.sha256
    AND lost.device_id = blob_refs.device_id AND lost.is_lost
)
"""


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("quarantine", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_quarantine_open",
            sqlite_where=sa.text("settled_at IS NULL"),
            postgresql_where=sa.text("settled_at IS NULL"),
        )
        batch_op.drop_column("event_id")
        batch_op.drop_column("settled_event_id")

    with op.batch_alter_table("blob_refs", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_blob_refs_awaited", sqlite_where=sa.text("is_awaited"), postgresql_where=sa.text("is_awaited")
        )
        batch_op.create_index(
            batch_op.f("ix_blob_refs_org_id_device_id_event_id"),
            ["org_id", "device_id", "event_id"],
            unique=False,
        )
        batch_op.drop_column("is_awaited")

    with op.batch_alter_table("rescue_items", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rescue_items_org_id_sha256"))

    op.drop_table("rescue_items")
    with op.batch_alter_table("rescue_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_rescue_files_org_id_created_at"))

    op.drop_table("rescue_files")
    op.drop_table("quarantine_blobs")
