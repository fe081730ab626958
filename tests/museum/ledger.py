"""Make a room of the museum: `python -m tests.museum.ledger v1`, once for every released version.

A phone may hold sealed events for months. What any release ever sealed must be accepted for ever, with
the same outcome; `tests/unit/test_museum.py` pushes every room through the ledger.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from sync.ledger import Batch, Sender, accept
from sync.protocol.keys import generate_key, public_jwk
from sync.protocol.times import parse_time
from sync.rules.parcel import About, ParcelState
from tests.unit.memory_journal import MemoryJournal
from tests.unit.phones import Phone, blob, proof

MUSEUM = Path(__file__).parent
RECEIVED_AT = "2026-11-22T18:00:00.000Z"
CODES = ["000000000000", "000000000011", "000000000022"]


def seal_all(phone: Phone, codes: list[str]) -> None:
    """One event of every kind that a phone makes, and an unknown member."""
    tracking = "SPXID044213371"
    handover = {**proof(), "run": "run-1", "carrier": "jnt", "expected": len(codes)}
    phone.seal("pack", codes, 0, blobs=[blob("photo", parcel=codes[0])])
    place = {"id": "depot", "lat": -6.2, "lon": 106.8, "accuracy_m": 8.5}
    phone.seal("collect", codes, 10, place=place, note="gate 2", **handover)
    phone.seal("drop_off", [tracking], 20, **proof("Pak Joko", "clerk"))
    phone.seal("attempt", [codes[0]], 30, reason="nobody_home", blobs=[blob()])
    phone.seal("deliver", [codes[0]], 40, **proof("Bu Rina", "recipient"), later_member={"kept": True})
    phone.seal("report", [codes[1]], 50, reason="damage", blobs=[blob(), blob("tag", parcel=codes[1])])
    phone.seal("return", [codes[1]], 60, data={"stage": "start"})
    phone.seal("return", [codes[1]], 70, data={"stage": "done"})
    mistaken = phone.payload("deliver", [codes[2]], 80, **proof("Bu Rina", "recipient"))
    phone.seal_payload(mistaken)
    phone.seal("void", [], 85, ref=mistaken["id"], reason="wrong_parcel", offset_ms=None)
    phone.seal("blob_lost", [], 90, ref=mistaken["id"], blobs=[blob()])


def outcome(states: dict[str, ParcelState]) -> dict[str, Any]:
    """What must stay so: status, flags and anomalies of each parcel."""
    return {
        code: {
            "status": state.status,
            "flags": state.flags.as_dict(),
            "anomalies": [[a.code, a.detail] for a in state.anomalies],
        }
        for code, state in sorted(states.items())
    }


def push(room: dict[str, Any], device: dict[str, Any]) -> tuple[list[str], dict[str, Any]]:
    """Send a room's device through the ledger: the results' statuses, and the outcome."""
    books = MemoryJournal(
        *(About(code, carrier="jnt", run_ids=frozenset({"run-1"})) for code in room["parcels"])
    )
    sender = Sender(device["id"], device["jwk"], frozenset({device["actor"]}))
    accepted = accept(Batch(sender, device["events"]), books, parse_time(room["received_at"]))
    return [result.status for result in accepted.results], outcome(books.states)


def main(name: str) -> None:
    """Furnish a room that does not exist yet."""
    path = MUSEUM / f"{name}.json"
    if path.exists():
        raise SystemExit(f"{path} is part of the museum: it is never changed")
    room: dict[str, Any] = {"version": 1, "received_at": RECEIVED_AT, "parcels": CODES, "devices": []}
    for phone in (Phone("dev-signed", "courier", generate_key()), Phone("dev-keyless", "driver", None)):
        seal_all(phone, CODES)
        jwk = public_jwk(phone.key) if phone.key else None
        device = {"id": phone.device, "actor": phone.actor, "jwk": jwk, "events": phone.sealed}
        device["results"], device["outcome"] = push(room, device)
        room["devices"].append(device)
    path.write_text(json.dumps(room, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
