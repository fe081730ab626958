"""What the server saw in photos: one look at each picture of a proof, what it keeps to know it again, the whole."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Index, LargeBinary, String
from sqlalchemy.orm import Mapped, mapped_column

from webapp.extensions import Base
from webapp.store.models.columns import BY_KEY, Json, OrgId, Time, UtcDateTime


class PhotoCheck(Base):
    """One look at one picture of one event. `taken_by` has it in hand since `taken_at`; `result` when it is done."""

    __tablename__ = "photo_checks"
    __table_args__ = (Index(None, "org_id", "sha256"),)
    org_id: Mapped[OrgId]
    event_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    role: Mapped[str] = mapped_column(String(16))
    taken_at: Mapped[Time]
    taken_by: Mapped[str] = mapped_column(String(36))
    tries: Mapped[int] = mapped_column(default=1)
    done_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    result: Mapped[dict[str, Any] | None] = mapped_column(Json)


class PhotoPrint(Base):
    """By what a photo is known again: its sketch (see `sync.evidence.reuse`). It outlives the photo, unless erased."""

    __tablename__ = "photo_prints"
    org_id: Mapped[OrgId]
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    sketch: Mapped[bytes] = mapped_column(LargeBinary)


class PhotoCode(Base):
    """A code of a photo that has a print: the rows are the index by which candidates are found."""

    __tablename__ = "photo_codes"
    __table_args__ = (BY_KEY,)
    org_id: Mapped[OrgId]
    code: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)


class ProofCheck(Base):
    """What the pictures of a proof say together: findings, codes seen and not. `check_event_id` told the ledger."""

    __tablename__ = "proof_checks"
    org_id: Mapped[OrgId]
    event_id: Mapped[str] = mapped_column(String(36), primary_key=True)
    judged_at: Mapped[Time]
    findings: Mapped[list[Any]] = mapped_column(Json)
    seen: Mapped[list[Any]] = mapped_column(Json)
    unseen: Mapped[list[Any]] = mapped_column(Json)
    others: Mapped[list[Any]] = mapped_column(Json)
    is_sample: Mapped[bool] = mapped_column(default=False)
    check_event_id: Mapped[str | None] = mapped_column(String(36))
