"""A person as this shop knows them: somebody of its own, or who bought something; found, listed, and forgotten."""

from __future__ import annotations

import re
import secrets
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, exists, func, or_, select, update
from sqlalchemy.orm import Session

from webapp.store.among import among
from webapp.store.models import (
    ABOUT_BUYER,
    Blob,
    BlobRef,
    Case,
    CaseEntry,
    CaseParcel,
    DeletedBlob,
    Delivery,
    Device,
    Event,
    EventParcel,
    LabelCheck,
    NoticeChoice,
    OfficeFile,
    Order,
    OrderLine,
    Parcel,
    ParcelOrder,
    PushSubscription,
    QuarantinedBlob,
    RescueFile,
    Run,
    User,
)
from webapp.store.queries.keeping import waits_for_a_decision

GONE = "[erased]"
ERASED_NAME = "Erased person"
_AT_ONCE = 500
# Thai, Lao, Burmese, Khmer, Kana and Han: there a word's neighbours say nothing of where it ends.
_UNSPACED = "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff"
_LETTER = rf"[^\W\d_{_UNSPACED}\u0300-\u036f]"


@dataclass(frozen=True, slots=True)
class Label:
    """A check of a label, and the digests of the pages it was made of."""

    id: str
    code: str
    name: str
    made_at: datetime
    text: str
    pages: tuple[str, ...]


def staff(session: Session, org_id: str, text: str) -> list[User]:
    """People of the shop with this id, e-mail or full name; an id alone when it is one."""
    by_id = session.execute(select(User).where(User.org_id == org_id, User.id == text)).scalar_one_or_none()
    if by_id is not None:
        return [by_id]
    # The database's own way of small letters on both sides: SQLite's leaves "Đ" as it is.
    same = (func.lower(User.name) == func.lower(text)) | (User.email == text.lower())
    query = select(User).where(User.org_id == org_id, same, User.erased_at.is_(None))
    return list(session.execute(query.order_by(User.id)).scalars())


def orders_by(session: Session, org_id: str, *same: ColumnElement[bool]) -> list[Order]:
    """Orders that fit, oldest first."""
    query = select(Order).where(Order.org_id == org_id, *same).order_by(Order.created_at, Order.order_id)
    return list(session.execute(query).scalars())


def orders_of(session: Session, org_id: str, text: str) -> list[Order]:
    """The order with this id; or all with this telephone number; or all of this recipient or buyer's name."""
    for same in (
        Order.order_id == text,
        Order.phone == text,
        or_(func.lower(Order.recipient) == func.lower(text), func.lower(Order.buyer) == func.lower(text)),
    ):
        found = orders_by(session, org_id, same)
        if found:
            return found
    return []


def alike(session: Session, org_id: str, orders: Sequence[Order]) -> list[str]:
    """Ids of other orders with the same telephone number or buyer's name: perhaps the same person."""
    phones = {str(order.phone) for order in orders if tells(order.phone)}
    buyers = {str(order.buyer) for order in orders if tells(order.buyer)}
    if not phones and not buyers:
        return []
    same = or_(among(session, Order.phone, phones), among(session, Order.buyer, buyers))
    mine = {order.order_id for order in orders}
    return [order.order_id for order in orders_by(session, org_id, same) if order.order_id not in mine]


def tells(value: str | None) -> bool:
    """Whether this tells one buyer from another: a marketplace masks names and numbers with stars."""
    return bool(value) and "*" not in str(value)


def lines_of(session: Session, org_id: str, order_ids: Collection[str]) -> list[OrderLine]:
    """What was bought."""
    query = select(OrderLine).where(OrderLine.org_id == org_id, among(session, OrderLine.order_id, order_ids))
    return list(session.execute(query.order_by(OrderLine.order_id, OrderLine.sku_id)).scalars())


def parcels_of(session: Session, org_id: str, order_ids: Collection[str]) -> list[Parcel]:
    """The parcels that these orders travel in."""
    query = (
        select(Parcel)
        .join(ParcelOrder, (ParcelOrder.org_id == Parcel.org_id) & (ParcelOrder.code == Parcel.code))
        .where(Parcel.org_id == org_id, among(session, ParcelOrder.order_id, order_ids))
        .distinct()
    )
    return sorted(session.execute(query).scalars(), key=lambda parcel: parcel.code)


def events_of_parcels(session: Session, org_id: str, codes: Collection[str]) -> list[str]:
    """Ids of all that was recorded of these parcels, in the order it happened."""
    query = (
        select(Event.id, Event.effective_at)
        .join(EventParcel, (EventParcel.org_id == Event.org_id) & (EventParcel.event_id == Event.id))
        .where(Event.org_id == org_id, among(session, EventParcel.code, codes))
        .distinct()
        .order_by(Event.effective_at, Event.id)
    )
    return [row.id for row in session.execute(query)]


def events_by(session: Session, org_id: str, user_id: str) -> Iterator[list[str]]:
    """Ids of all that somebody recorded, in their order, some hundred at a time."""
    after = ""
    while True:
        query = select(Event.id).where(Event.org_id == org_id, Event.actor_id == user_id, Event.id > after)
        ids = list(session.execute(query.order_by(Event.id).limit(_AT_ONCE)).scalars())
        if ids:
            yield ids
        if len(ids) < _AT_ONCE:
            return
        after = ids[-1]


def devices_of(session: Session, org_id: str, user_id: str) -> list[Device]:
    """The phones that were somebody's."""
    query = select(Device).where(Device.org_id == org_id, Device.user_id == user_id)
    return list(session.execute(query.order_by(Device.enrolled_at)).scalars())


def deliveries_to(session: Session, org_id: str, user_id: str) -> list[Delivery]:
    """What went to somebody."""
    query = select(Delivery).where(Delivery.org_id == org_id, Delivery.user_id == user_id)
    return list(session.execute(query.order_by(Delivery.created_at, Delivery.id)).scalars())


def cases_about(session: Session, org_id: str, codes: Collection[str]) -> list[Case]:
    """The cases about these parcels."""
    its = exists().where(
        CaseParcel.org_id == Case.org_id,
        CaseParcel.case_id == Case.id,
        among(session, CaseParcel.code, codes),
    )
    query = select(Case).where(Case.org_id == org_id, its)
    return list(session.execute(query.order_by(Case.number)).scalars())


def entries_of(session: Session, org_id: str, case_ids: Collection[str]) -> list[CaseEntry]:
    """What was written down in these cases."""
    query = select(CaseEntry).where(CaseEntry.org_id == org_id, among(session, CaseEntry.case_id, case_ids))
    return list(session.execute(query.order_by(CaseEntry.case_id, CaseEntry.position)).scalars())


def files_of_cases(session: Session, org_id: str, case_ids: Collection[str]) -> list[OfficeFile]:
    """The files that were attached to these cases."""
    query = select(OfficeFile).where(
        OfficeFile.org_id == org_id,
        OfficeFile.purpose == "case",
        among(session, OfficeFile.subject, case_ids),
    )
    return list(session.execute(query.order_by(OfficeFile.created_at, OfficeFile.id)).scalars())


def cases_with(session: Session, org_id: str, digests: Collection[str]) -> list[int]:
    """The numbers of the cases, about whomever, that have one of these as a file."""
    query = (
        select(Case.number)
        .join(OfficeFile, (OfficeFile.org_id == Case.org_id) & (OfficeFile.subject == Case.id))
        .where(Case.org_id == org_id, OfficeFile.purpose == "case")
        .where(among(session, OfficeFile.sha256, digests))
    )
    return sorted(set(session.execute(query).scalars()))


def labels_of(session: Session, org_id: str, codes: Collection[str]) -> list[Label]:
    """The checks of these parcels' labels."""
    query = select(LabelCheck).where(LabelCheck.org_id == org_id, among(session, LabelCheck.code, codes))
    rows = session.execute(query.order_by(LabelCheck.made_at, LabelCheck.id)).scalars()
    return [
        Label(row.id, row.code, row.name, row.made_at, row.text, tuple(page["sha256"] for page in row.pages))
        for row in rows
    ]


def signatures_at_the_door(
    session: Session, org_id: str, codes: Collection[str]
) -> tuple[set[str], set[str]]:
    """Digests of signatures given when these parcels were delivered: of these alone, and of others as well.

    Parcels whose buyers are all erased are nobody's any more.
    """
    query = (
        select(BlobRef.sha256, EventParcel.code)
        .join(Event, (Event.org_id == BlobRef.org_id) & (Event.id == BlobRef.event_id))
        .join(EventParcel, (EventParcel.org_id == Event.org_id) & (EventParcel.event_id == Event.id))
        .where(BlobRef.org_id == org_id, BlobRef.role == "signature", Event.kind == "deliver")
        .where(among(session, BlobRef.event_id, _deliveries(session, org_id, codes)))
    )
    given: dict[str, set[str]] = {}
    for sha256, code in session.execute(query):
        given.setdefault(sha256, set()).add(code)
    signed = {sha256: for_ for sha256, for_ in given.items() if not for_.isdisjoint(codes)}
    others = _not_erased(session, org_id, set().union(*signed.values()) - set(codes))
    mine = {sha256 for sha256, for_ in signed.items() if for_.isdisjoint(others)}
    return mine, set(signed) - mine


def _not_erased(session: Session, org_id: str, codes: Collection[str]) -> set[str]:
    """Those of these parcels that may be somebody's whom nobody has erased yet."""
    query = (
        select(ParcelOrder.code, Order.erased_at)
        .outerjoin(Order, (Order.org_id == ParcelOrder.org_id) & (Order.order_id == ParcelOrder.order_id))
        .where(ParcelOrder.org_id == org_id, among(session, ParcelOrder.code, codes))
    )
    rows = [(code, erased_at) for code, erased_at in session.execute(query)]
    known = {code for code, _ in rows}
    return (set(codes) - known) | {code for code, erased_at in rows if erased_at is None}


def _deliveries(session: Session, org_id: str, codes: Collection[str]) -> list[str]:
    query = (
        select(Event.id)
        .join(EventParcel, (EventParcel.org_id == Event.org_id) & (EventParcel.event_id == Event.id))
        .where(Event.org_id == org_id, Event.kind == "deliver", among(session, EventParcel.code, codes))
    )
    return list(session.execute(query).scalars())


def free_to_go(
    session: Session, org_id: str, digests: Collection[str], events: Collection[str]
) -> tuple[list[Blob | BlobRef], dict[str, set[str]]]:
    """Those of these pictures that nothing but these events names, and the digests of the others by what keeps them.

    One that has not come home yet is given as a reference to it. What keeps a picture: `elsewhere` (another event),
    `filed` (a file of the office), `quarantine` (a record that is held back and waits for a decision).
    """
    kept = {
        "elsewhere": _digests(session, BlobRef, org_id, digests, ~among(session, BlobRef.event_id, events)),
        "filed": _digests(session, OfficeFile, org_id, digests),
        "quarantine": _digests(session, QuarantinedBlob, org_id, digests, waits_for_a_decision()),
    }
    free = set(digests).difference(*kept.values())
    blobs = session.execute(
        select(Blob).where(Blob.org_id == org_id, among(session, Blob.sha256, digests))
    ).scalars()
    found: dict[str, Blob | BlobRef] = {blob.sha256: blob for blob in blobs}
    gone = _digests(session, DeletedBlob, org_id, digests)
    for ref in session.execute(
        select(BlobRef)
        .where(BlobRef.org_id == org_id, among(session, BlobRef.sha256, digests), BlobRef.is_lost.is_(False))
        .order_by(BlobRef.sha256, BlobRef.event_id)
    ).scalars():
        if ref.sha256 not in gone:
            found.setdefault(ref.sha256, ref)
    why = {name: its & found.keys() for name, its in kept.items()}
    return [found[sha256] for sha256 in sorted(free & found.keys())], why


def _digests(
    session: Session,
    table: type[BlobRef | OfficeFile | QuarantinedBlob | DeletedBlob],
    org_id: str,
    digests: Collection[str],
    *more: ColumnElement[bool],
) -> set[str]:
    query = select(table.sha256).where(table.org_id == org_id, among(session, table.sha256, digests), *more)
    return set(session.execute(query).scalars())


def forget_buyer(session: Session, org_id: str, order_ids: Collection[str], now: datetime) -> None:
    """Empty what says who bought these; the rows stay, so that no later export fills them again."""
    session.execute(
        update(Order)
        .where(Order.org_id == org_id, among(session, Order.order_id, order_ids))
        .values(erased_at=now, **dict.fromkeys(ABOUT_BUYER))
    )


def forget_words(session: Session, org_id: str, cases: Sequence[Case], words: Collection[str]) -> int:
    """Put GONE in the place of these words in what was written of the cases; gives in how many texts.

    As words of their own, in whatever letters: "Ann" is not in "announced". What is written without spaces between
    words (Thai, Chinese …) is found anywhere, and a number anywhere but in a longer one.
    """
    count = 0
    longest = sorted((word for word in words if len(word) > 1), key=len, reverse=True)
    if not longest:
        return count
    spoken = re.compile("|".join(map(_alone, longest)), re.IGNORECASE)
    for case in cases:
        case.title, changed = _without(case.title, spoken)
        count += changed
    for entry in entries_of(session, org_id, [case.id for case in cases]):
        entry.words, changed = _without(entry.words, spoken)
        count += changed
    session.flush()
    return count


def _alone(word: str) -> str:
    """A pattern of this word that is no part of another one."""
    return _edge(word[0], "(?<!{})") + re.escape(word) + _edge(word[-1], "(?!{})")


def _edge(char: str, around: str) -> str:
    if char.isdecimal():
        return around.format(r"\d")
    return around.format(_LETTER) if re.match(_LETTER, char) else ""


def _without(text: str, spoken: re.Pattern[str]) -> tuple[str, bool]:
    kept = spoken.sub(GONE, text)
    return kept, kept != text


def forget_labels(session: Session, org_id: str, labels: Sequence[Label]) -> None:
    """Remove the checks of labels and their pages as files: a label is name, telephone and address."""
    ids = [label.id for label in labels]
    session.execute(
        delete(OfficeFile).where(
            OfficeFile.org_id == org_id,
            OfficeFile.purpose == "label",
            among(session, OfficeFile.subject, ids),
        )
    )
    session.execute(delete(LabelCheck).where(LabelCheck.org_id == org_id, among(session, LabelCheck.id, ids)))


def forget_staff(session: Session, user: User, now: datetime) -> Mapping[str, int]:
    """Take somebody's name from the books; their events name only their id. Gives how much of what."""
    org_id, name = user.org_id, user.name
    user.name, user.email, user.password, user.seller = ERASED_NAME, None, None, None
    user.last_signed_in_at, user.erased_at = None, now
    user.fs_uniquifier = secrets.token_hex(32)
    phones = devices_of(session, org_id, user.id)
    for phone in phones:
        phone.label = "Phone"
    told = deliveries_to(session, org_id, user.id)
    for delivery in told:
        delivery.target, delivery.error = (
            f"erased-{delivery.id}",
            "",
        )  # a mail server's refusal names whom it refused
    for table in (NoticeChoice, PushSubscription):
        session.execute(delete(table).where(table.org_id == org_id, table.user_id == user.id))
    runs = list(session.execute(select(Run).where(Run.org_id == org_id, Run.user_id == user.id)).scalars())
    renamed = [run for run in runs if name in run.title]
    for run in renamed:
        run.title = run.title.replace(name, ERASED_NAME)
    files = _rescues(session, org_id, {phone.id for phone in phones}, name)
    session.flush()
    return {"phones": len(phones), "notices": len(told), "runs": len(renamed), "rescue_files": files}


def _rescues(session: Session, org_id: str, devices: Collection[str], name: str) -> int:
    count = 0
    for file in session.execute(select(RescueFile).where(RescueFile.org_id == org_id)).scalars():
        if str((file.told or {}).get("device")) not in devices and name not in file.name:
            continue
        file.name = file.name.replace(name, GONE)
        file.told = {key: value for key, value in (file.told or {}).items() if key not in {"actor", "label"}}
        count += 1
    return count
