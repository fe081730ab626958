"""Everything that is known of one person, as a zip of JSON with a digest of each part."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any, BinaryIO

from sync.protocol.times import format_time
from webapp.services.keeping.acts import write_act
from webapp.services.personal.find import Person, find_person
from webapp.store.models import Order, OrderLine, User
from webapp.store.queries import event_views, persons, shop
from webapp.store.queries.event_views import EventView, Photo
from webapp.store.unit import Session, snapshot, transaction

_README = """\
What {shop} holds about {name}, made {at}.

person.json      who this is about
{parts}
digests.json     the SHA-256 of every other part

Pictures are named by their digest, with what became of each; ask the shop for the pictures themselves. Of records that
concern others as well, only what is about this person is here. Backups that the shop has made hold the same until they
are replaced.
"""
_WHAT = {
    "orders": "the orders, with address, telephone and messages",
    "parcels": "the parcels that they travel in",
    "events": "what was recorded, in the order it happened",
    "devices": "the phones that were theirs",
    "notices": "what was sent to them",
    "cases": "cases about these parcels, with what was written down, and the names of files",
    "labels": "checks of these parcels' labels",
    "sign_ins": "when they last signed in to the office",
}
_INNER = frozenset({"org_id", "digest"})
_PARCEL = ("code", "tracking_number", "carrier", "status", "handed_over_at", "delivered_at")
_LINE = ("sku_id", "product", "variation", "quantity", "unit_price")
_DEVICE = ("id", "label", "client", "enrolled_at", "revoked_at", "last_seen_at")
_DELIVERY = ("notice_id", "channel", "target", "state", "created_at", "delivered_at")
_CASE = ("number", "kind", "title", "state", "opened_at", "closed_at")
_ENTRY = ("kind", "words", "made_at")
_FILE = ("name", "type", "size", "sha256", "created_at")


def export_person(
    org_id: str, asked: str, out: BinaryIO, made_by: str | None, now: datetime
) -> dict[str, Any]:
    """Write the zip; gives how much of what is in it. Problems of `find_person`."""
    with snapshot() as session:
        person = find_person(session, org_id, asked)
        parts = dict(_parts(session, org_id, person))
        named = shop.shop(session, org_id).name
    told = {name: len(part) for name, part in parts.items()}
    about = {"name": person.name, "is": "staff" if person.user else "buyer", "id": person.key}
    documents = {
        "person": {**about, "made_at": format_time(now), "other_orders": list(person.others)},
        **parts,
    }
    _write(out, documents, {"shop": named, "name": person.name, "at": format_time(now)})
    with transaction() as session:
        write_act(session, org_id, "person_exported", made_by, now, {"is": about["is"], **told})
    return {**about, "parts": told}


def _write(out: BinaryIO, documents: Mapping[str, Any], about: Mapping[str, str]) -> None:
    digests = {}
    listed = "\n".join(f"{name + '.json':<16} {_WHAT[name]}" for name in documents if name in _WHAT)
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, document in documents.items():
            data = json.dumps(document, ensure_ascii=False, indent=1, default=_plain).encode()
            digests[f"{name}.json"] = hashlib.sha256(data).hexdigest()
            pack.writestr(f"{name}.json", data)
        text = _README.format(**about, parts=listed).encode()
        digests["README.txt"] = hashlib.sha256(text).hexdigest()
        pack.writestr("README.txt", text)
        pack.writestr("digests.json", json.dumps(digests, indent=1))


def _parts(session: Session, org_id: str, person: Person) -> Iterator[tuple[str, list[Any]]]:
    if person.user is not None:
        yield from _of_staff(session, org_id, person.user)
        return
    order_ids = [order.order_id for order in person.orders]
    parcels = persons.parcels_of(session, org_id, order_ids)
    codes = [parcel.code for parcel in parcels]
    lines = persons.lines_of(session, org_id, order_ids)
    yield "orders", [_order(order, lines) for order in person.orders]
    yield "parcels", [_row(parcel, _PARCEL) for parcel in parcels]
    yield "events", [told for code in codes for told in _events_of_parcel(session, org_id, code)]
    yield "cases", _cases(session, org_id, codes)
    yield "labels", [asdict(label) for label in persons.labels_of(session, org_id, codes)]


def _of_staff(session: Session, org_id: str, user: User) -> Iterator[tuple[str, list[Any]]]:
    events = []
    for ids in persons.events_by(session, org_id, user.id):
        events += [_event_of_staff(view) for view in event_views.views(session, org_id, ids)]
    yield "events", events
    yield "devices", [_row(device, _DEVICE) for device in persons.devices_of(session, org_id, user.id)]
    yield "notices", [_row(sent, _DELIVERY) for sent in persons.deliveries_to(session, org_id, user.id)]
    told = {
        "email": user.email,
        "role": user.role,
        "since": user.created_at,
        "last_at": user.last_signed_in_at,
    }
    yield "sign_ins", [told]


def _events_of_parcel(session: Session, org_id: str, code: str) -> list[dict[str, Any]]:
    ids = persons.events_of_parcels(session, org_id, [code])
    return [_event_of_buyer(view, code) for view in event_views.views(session, org_id, ids, code)]


def _event_of_buyer(view: EventView, code: str) -> dict[str, Any]:
    """Of a handover only what is about this parcel; who signed only where that was at the door."""
    told = {**_event(view), "parcel": code}
    if view.kind == "deliver":
        told |= {"signed_by": view.counterpart_name, "signed_as": view.counterpart_role}
    return told


def _event_of_staff(view: EventView) -> dict[str, Any]:
    """Who signed, and for which parcels, is other people's."""
    where = view.where and {"lat": view.where.lat, "lon": view.where.lon, "accuracy_m": view.where.accuracy_m}
    return {**_event(view), "device": view.device_id, "seq": view.seq, "parcels": view.count, "where": where}


def _event(view: EventView) -> dict[str, Any]:
    signature = [view.signature] if view.signature else []
    return {
        "id": view.id,
        "kind": view.kind,
        "at": view.effective_at,
        "received_at": view.received_at,
        "place": view.where.name if view.where else None,
        "reason": view.reason,
        "note": view.note,
        "pictures": [_picture(it) for it in (*view.photos, *signature)],
    }


def _picture(it: Photo) -> dict[str, Any]:
    state = "held" if it.is_held else "deleted" if it.deleted else "lost" if it.is_lost else "never arrived"
    return {"sha256": it.sha256, "role": it.role, "size": it.size, "state": state}


def _cases(session: Session, org_id: str, codes: Sequence[str]) -> list[dict[str, Any]]:
    cases = persons.cases_about(session, org_id, codes)
    ids = [case.id for case in cases]
    entries = persons.entries_of(session, org_id, ids)
    files = persons.files_of_cases(session, org_id, ids)
    return [
        {
            **_row(case, _CASE),
            "entries": [_row(entry, _ENTRY) for entry in entries if entry.case_id == case.id],
            "files": [_row(file, _FILE) for file in files if file.subject == case.id],
        }
        for case in cases
    ]


def _order(order: Order, lines: Sequence[OrderLine]) -> dict[str, Any]:
    columns = [column.key for column in Order.__table__.columns if column.key not in _INNER]
    mine = [line for line in lines if line.order_id == order.order_id]
    return {**_row(order, columns), "lines": [_row(line, _LINE) for line in mine]}


def _row(row: Any, columns: Iterable[str]) -> dict[str, Any]:
    return {name: getattr(row, name) for name in columns}


def _plain(value: Any) -> str:
    return format_time(value) if isinstance(value, datetime) else str(value)
