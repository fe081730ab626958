"""Gather what a bundle says, from the ledger: plain documents, nothing signed yet."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sync.evidence.bundle.write import Facts
from sync.protocol import codes, envelope, keys
from sync.protocol.keys import Jwk
from sync.protocol.problems import Problem
from sync.protocol.times import format_time
from webapp.services.proving.chains import tell_chains
from webapp.services.proving.stamps import tell_stamps
from webapp.store import database
from webapp.store.models import Event
from webapp.store.queries import blobs, deletions, event_views, proofs
from webapp.store.queries.event_views import EventView
from webapp.store.queries.proofs import Maker
from webapp.store.unit import Session

MOST_EVENTS = 5000
_SERVER = "Baton's server"


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the proof is about: a parcel by its code, or one event. `seller` narrows to a seller's own.

    `is_redacted`: printed text in its pictures is blurred, so the originals of photos are left out.
    """

    org_id: str
    parcel: str | None = None
    event: str | None = None
    seller: str | None = None
    is_redacted: bool = False


@dataclass(frozen=True, slots=True)
class Gathered:
    """The facts of a bundle, the same events as a person reads them, and the digests of its pictures in order.

    `withheld` are those that are held and left out of the bundle; copies of them may be shown.
    """

    facts: Facts
    views: Sequence[EventView]
    pictures: tuple[str, ...]
    withheld: tuple[str, ...] = ()


def gather(session: Session, wanted: Wanted, zone: str, server: Jwk, now: datetime) -> Gathered:
    """All of it, as it is at `now`. Problems `not-found`, `parcel-unknown`, `proof-too-large`."""
    events = _events(session, wanted)
    scans = proofs.scans(session, wanted.org_id, [event.id for event in events])
    names = _names(session, wanted, scans)
    makers = proofs.makers(session, wanted.org_id, {event.device_id for event in events})
    receipts = _receipts(session, wanted.org_id, events, makers)
    views = {v.id: v for v in event_views.views(session, wanted.org_id, [e.id for e in events])}
    blob_states = _States(session, wanted, events, names)
    told = [_event(event, views[event.id], blob_states.of(event)) for event in events]
    epoch = database.epoch_in(session)
    shop = proofs.shop_of(session, wanted.org_id)
    timeline = {
        "about": {"parcel": wanted.parcel, "event": wanted.event},
        "names": sorted(names),
        "shop": {"id": shop.id, "name": shop.name},
        "zone": zone,
        "made_at": format_time(now),
        "epoch": epoch,
        "epochs": sorted({epoch, *(_epoch(jws) for jws in receipts)}),
        "parcels": _parcels(session, wanted, scans),
        "events": told,
        "chains": tell_chains(session, wanted.org_id, [maker.device for maker in makers], events),
    }
    jws = [event.jws for event in events]
    stamps = tell_stamps(session, wanted.org_id, events)
    facts = Facts(timeline, _keys(makers, server, now), jws, receipts, stamps)
    shown = [views[event.id] for event in events]
    return Gathered(facts, shown, blob_states.held, blob_states.withheld)


def _events(session: Session, wanted: Wanted) -> list[Event]:
    if wanted.parcel is not None:
        events = proofs.events_of_parcel(session, wanted.org_id, wanted.parcel)
        if not events:
            raise Problem("parcel-unknown", f"Nothing was ever recorded of a parcel {wanted.parcel}.")
    else:
        events = proofs.events_of_handover(session, wanted.org_id, wanted.event or "")
        if not events:
            raise Problem("not-found", f"There is no event {wanted.event}.")
    if len(events) > MOST_EVENTS:
        raise Problem("proof-too-large", f"It would hold {len(events)} events; the most is {MOST_EVENTS}.")
    return events


def _names(session: Session, wanted: Wanted, scans: Iterable[tuple[str, str, str | None]]) -> set[str]:
    """What the parcel is called in its events; of a handover everything is shown, so no name matters."""
    if wanted.parcel is None:
        return set()
    names = {wanted.parcel, *(scanned for _, code, scanned in scans if code == wanted.parcel and scanned)}
    for parcel, _ in proofs.parcels(session, wanted.org_id, [wanted.parcel]):
        names |= {parcel.tracking_number} if parcel.tracking_number else set()
    return names


def _keys(makers: Sequence[Maker], server: Jwk, now: datetime) -> dict[str, Any]:
    told = [_key(maker) for maker in makers]
    kid = keys.thumbprint(server)
    if all(key["kid"] != kid for key in told):
        own = {
            "kid": kid,
            "jwk": dict(server),
            "kind": "server",
            "device": "",
            "label": _SERVER,
            "person": None,
        }
        told.append({**own, "enrolled_at": format_time(now), "revoked_at": None})
    return {"server": kid, "keys": told}


def _key(maker: Maker) -> dict[str, Any]:
    device = maker.device
    person = {"id": device.user_id, "name": maker.name or "", "role": maker.role or ""}
    return {
        "kid": keys.thumbprint(device.jwk) if device.jwk else None,
        "jwk": dict(device.jwk) if device.jwk else None,
        "kind": device.kind,
        "device": device.id,
        "label": device.label,
        "person": person if device.user_id else None,
        "enrolled_at": format_time(device.enrolled_at),
        "revoked_at": format_time(device.revoked_at) if device.revoked_at else None,
    }


def _receipts(session: Session, org_id: str, events: Sequence[Event], makers: Sequence[Maker]) -> list[str]:
    """For each event that a phone made the first receipt that names it; one serves many. In the events' order."""
    phones = {maker.device.id for maker in makers if maker.device.kind != "server"}
    found: dict[str, None] = {}
    covered: set[str] = set()
    for event in events:
        if event.device_id not in phones or event.sha256 in covered:
            continue
        for jws in proofs.receipts_from(session, org_id, event.device_id, event.received_at):
            named = {held["sha256"] for held in envelope.open_(jws, envelope.RECEIPT_TYP).payload["events"]}
            if event.sha256 in named:
                found[jws] = None
                covered |= named
                break
    return list(found)


def _epoch(receipt: str) -> str:
    return str(envelope.open_(receipt, envelope.RECEIPT_TYP).payload["epoch"])


def _parcels(
    session: Session, wanted: Wanted, scans: Iterable[tuple[str, str, str | None]]
) -> list[dict[str, Any]]:
    """Of a parcel's proof that parcel alone: who else was on the list is nobody's business."""
    named = {code for event_id, code, _ in scans if event_id == wanted.event}
    shown = {wanted.parcel} if wanted.parcel is not None else named
    return [
        {
            "code": parcel.code,
            "tracking_number": parcel.tracking_number,
            "carrier": parcel.carrier,
            "status": parcel.status,
            "orders": orders,
        }
        for parcel, orders in proofs.parcels(session, wanted.org_id, shown)
    ]


def _event(event: Event, view: EventView, states: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "id": event.id,
        "sha256": event.sha256,
        "device": event.device_id,
        "seq": event.seq,
        "kind": event.kind,
        "at": _as_signed(event, "at"),
        "offset_ms": event.offset_ms,
        "effective_at": format_time(event.effective_at),
        "received_at": format_time(event.received_at),
        "actor": event.actor_id,
        "actor_name": view.actor_name,
        "place_name": view.where.name if view.where else None,
        "result": event.result,
        "review": event.review_state,
        "withdrawn_by": list(view.voided_by),
        "findings": [{"code": f.code, "detail": f.detail} for f in view.findings],
        "blobs": states,
    }


def _as_signed(event: Event, member: str) -> Any:
    return envelope.open_(event.jws).payload[member]


class _States:
    """What became of each picture that the events name, and which of them are shown."""

    def __init__(self, session: Session, wanted: Wanted, events: Sequence[Event], names: set[str]) -> None:
        org_id = wanted.org_id
        self._names = names
        self._is_redacted = wanted.is_redacted
        self._withheld: dict[str, None] = {}
        self._payloads = {event.id: envelope.open_(event.jws).payload for event in events}
        roles = {
            (blob["sha256"], blob["role"])
            for payload in self._payloads.values()
            for blob in payload.get("blobs") or []
        }
        named = {sha256 for sha256, _ in roles}
        # What one event calls a signature and another a photo is a photo.
        self._photos = {sha256 for sha256, role in roles if role != "signature"}
        self._is_here = blobs.held_among(session, org_id, named)
        self._lost = blobs.lost_among(session, org_id, named)
        self._gone = deletions.among_digests(session, org_id, named - self._is_here)
        self._shown: dict[str, None] = {}

    @property
    def held(self) -> tuple[str, ...]:
        """The digests of the pictures to show, in the order of the events told so far."""
        return tuple(self._shown)

    @property
    def withheld(self) -> tuple[str, ...]:
        """The digests of those that are left out because their printed text would be read."""
        return tuple(self._withheld)

    def of(self, event: Event) -> list[dict[str, Any]]:
        """Each picture of an event with its state."""
        told = []
        for blob in self._payloads[event.id].get("blobs") or []:
            state = self._state(blob)
            is_withheld = state == "held" and self._is_redacted and blob["sha256"] in self._photos
            if is_withheld:
                self._withheld[blob["sha256"]] = None
                state = "left_out"
            elif state == "held":
                self._shown[blob["sha256"]] = None
            told.append(
                {
                    "sha256": blob["sha256"],
                    "role": blob["role"],
                    "parcel": blob.get("parcel"),
                    "state": state,
                    **({"withheld": True} if is_withheld else {}),
                    **(self._why_gone(blob["sha256"]) if state == "deleted_by_policy" else {}),
                }
            )
        return told

    def _why_gone(self, sha256: str) -> dict[str, Any]:
        told = deletions.as_told(self._gone[sha256]) or {}
        return {f"deleted_{name}": value for name, value in told.items()}

    def _state(self, blob: dict[str, Any]) -> str:
        if not self._is_ours(blob.get("parcel")):
            return "left_out"
        if blob["sha256"] in self._is_here:
            return "held"
        if blob["sha256"] in self._gone:
            return "deleted_by_policy"
        return "lost" if blob["sha256"] in self._lost else "never_arrived"

    def _is_ours(self, parcel: str | None) -> bool:
        if parcel is None or not self._names or parcel in self._names:
            return True
        if codes.is_code(parcel) and codes.normalise(parcel) in self._names:
            self._names.add(parcel)
            return True
        return False
