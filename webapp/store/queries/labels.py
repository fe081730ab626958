"""What a label is held against, and the looks at it so far."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from sync.rules.labels.check import FORBIDDEN
from sync.rules.labels.required import Expected
from webapp.store.among import among
from webapp.store.models import Carrier, LabelCheck, OfficeFile, Order, OrderLine, Parcel, ParcelOrder

MOST_SHOWN = 20


def expected(session: Session, org_id: str, code: str) -> Expected:
    """What the books know of a parcel: what its label has to say, and whose numbers may stand on it."""
    parcel = session.get_one(Parcel, (org_id, code))
    carrier = session.get(Carrier, (org_id, parcel.carrier)) if parcel.carrier else None
    orders = _orders(session, org_id, code)
    lines = _lines(session, org_id, code)
    first = orders[0] if orders else None
    parts = (first.address, first.city, first.state, first.postcode) if first else ()
    return Expected(
        name=(first.recipient or "") if first else "",
        address=", ".join(part for part in parts if part),
        phone=(first.phone or "") if first else "",
        items=tuple(line.product for line in lines),
        skus=tuple(line.seller_sku for line in lines if line.seller_sku),
        tracking=parcel.tracking_number or "",
        numbers=tuple(n for n in (*(order.order_id for order in orders), parcel.package_id) if n),
        carriers=tuple(str(n) for n in (carrier.name, *(carrier.names or ())) if n) if carrier else (),
        code=code,
    )


def checks(session: Session, org_id: str, code: str) -> list[LabelCheck]:
    """The looks at a parcel's label, newest first."""
    query = select(LabelCheck).where(LabelCheck.org_id == org_id, LabelCheck.code == code)
    newest = query.order_by(LabelCheck.made_at.desc(), LabelCheck.id.desc()).limit(MOST_SHOWN)
    return list(session.execute(newest).scalars())


def find_check(session: Session, org_id: str, check_id: str) -> LabelCheck | None:
    """One look."""
    return session.get(LabelCheck, (org_id, check_id))


def showing(session: Session, org_id: str, digests: Collection[str]) -> list[LabelCheck]:
    """The looks that show one of these pages, of whatever parcels."""
    shows = exists().where(
        OfficeFile.org_id == LabelCheck.org_id,
        OfficeFile.subject == LabelCheck.id,
        OfficeFile.purpose == "label",
        among(session, OfficeFile.sha256, digests),
    )
    query = select(LabelCheck).where(LabelCheck.org_id == org_id, shows)
    return list(session.execute(query.order_by(LabelCheck.made_at, LabelCheck.id)).scalars())


def take_pages(session: Session, org_id: str, checks: Sequence[LabelCheck], name: str, note: str) -> None:
    """Take the pages from these looks, and what was read off them; what was found stays.

    `name` takes the place of the file's, `note` says why.
    """
    for check in checks:
        check.name, check.text, check.pages = name, "", []
        check.findings = [_bare(finding) for finding in check.findings]
        check.notes = [*check.notes, note]
    session.flush()
    session.execute(
        delete(OfficeFile).where(
            OfficeFile.org_id == org_id,
            OfficeFile.purpose == "label",
            among(session, OfficeFile.subject, [check.id for check in checks]),
        )
    )


def _bare(finding: Mapping[str, Any]) -> dict[str, Any]:
    """Without its place, and without what it quotes from the page: that may be somebody's number."""
    detail = "" if finding["kind"] == FORBIDDEN else finding["detail"]
    return {"code": finding["code"], "kind": finding["kind"], "detail": detail}


def find_file(session: Session, org_id: str, file_id: str) -> OfficeFile | None:
    """One file of the office."""
    return session.get(OfficeFile, (org_id, file_id))


def _orders(session: Session, org_id: str, code: str) -> Sequence[Order]:
    query = (
        select(Order)
        .join(ParcelOrder, (ParcelOrder.org_id == Order.org_id) & (ParcelOrder.order_id == Order.order_id))
        .where(ParcelOrder.org_id == org_id, ParcelOrder.code == code)
        .order_by(Order.order_id)
    )
    return session.execute(query).scalars().all()


def _lines(session: Session, org_id: str, code: str) -> Sequence[OrderLine]:
    query = (
        select(OrderLine)
        .join(
            ParcelOrder,
            (ParcelOrder.org_id == OrderLine.org_id) & (ParcelOrder.order_id == OrderLine.order_id),
        )
        .where(ParcelOrder.org_id == org_id, ParcelOrder.code == code, OrderLine.quantity > 0)
        .order_by(OrderLine.order_id, OrderLine.sku_id)
    )
    return session.execute(query).scalars().all()
