"""Office files, label checks and cases

Revision: 0007, after 0006
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from webapp.store.models import columns

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "case_entries",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("data", columns.Json, nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=True),
        sa.Column("made_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "case_id", "position", name=op.f("pk_case_entries")),
    )
    op.create_table(
        "case_parcels",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("case_id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "case_id", "code", name=op.f("pk_case_parcels")),
    )
    with op.batch_alter_table("case_parcels", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_case_parcels_org_id_code"), ["org_id", "code"], unique=False)

    op.create_table(
        "cases",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("fault", sa.String(length=32), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("opened_by", sa.String(length=36), nullable=True),
        sa.Column("opened_at", columns.UtcDateTime(), nullable=False),
        sa.Column("due_at", columns.UtcDateTime(), nullable=True),
        sa.Column("closed_at", columns.UtcDateTime(), nullable=True),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("refund", sa.String(length=16), nullable=False),
        sa.Column("refund_amount", sa.Numeric(precision=18, scale=2), nullable=True),
        sa.Column("refund_due_at", columns.UtcDateTime(), nullable=True),
        sa.Column("starts_at", columns.UtcDateTime(), nullable=True),
        sa.Column("ends_at", columns.UtcDateTime(), nullable=True),
        sa.Column("places", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_cases")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_cases_org_id_number"), ["org_id", "number"], unique=True)
        batch_op.create_index(
            batch_op.f("ix_cases_org_id_state_due_at"), ["org_id", "state", "due_at"], unique=False
        )

    op.create_table(
        "label_checks",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("findings", columns.Json, nullable=False),
        sa.Column("pages", columns.Json, nullable=False),
        sa.Column("notes", columns.Json, nullable=False),
        sa.Column("is_good", sa.Boolean(), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=True),
        sa.Column("made_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_label_checks")),
    )
    with op.batch_alter_table("label_checks", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_label_checks_org_id_code_made_at"), ["org_id", "code", "made_at"], unique=False
        )

    op.create_table(
        "office_files",
        sa.Column("org_id", sa.String(length=36), nullable=False),
        sa.Column("id", sa.String(length=36), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("subject", sa.String(length=128), nullable=False),
        sa.Column("made_by", sa.String(length=36), nullable=True),
        sa.Column("created_at", columns.UtcDateTime(), nullable=False),
        sa.PrimaryKeyConstraint("org_id", "id", name=op.f("pk_office_files")),
    )
    with op.batch_alter_table("office_files", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_office_files_org_id_purpose_subject"),
            ["org_id", "purpose", "subject"],
            unique=False,
        )
        batch_op.create_index(batch_op.f("ix_office_files_org_id_sha256"), ["org_id", "sha256"], unique=False)


def downgrade() -> None:
    """Go back."""
    with op.batch_alter_table("office_files", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_office_files_org_id_sha256"))
        batch_op.drop_index(batch_op.f("ix_office_files_org_id_purpose_subject"))

    op.drop_table("office_files")
    with op.batch_alter_table("label_checks", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_label_checks_org_id_code_made_at"))

    op.drop_table("label_checks")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_cases_org_id_state_due_at"))
        batch_op.drop_index(batch_op.f("ix_cases_org_id_number"))

    op.drop_table("cases")
    with op.batch_alter_table("case_parcels", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_case_parcels_org_id_code"))

    op.drop_table("case_parcels")
    op.drop_table("case_entries")
