"""Phones in trouble, as the server meets them: signed out in mid-shift, forged, damaged, full, with a wrong clock."""

from __future__ import annotations

import copy
import io
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from scripts.screens.scene import parcel
from sync.protocol.times import format_time
from tests.support.desk import reference, scrawl
from tests.support.independent import Phone
from tests.support.rescue import flipped, rescue_parts, zipped
from tests.support.server import Server

QUOTA = 4_000_000_000
NO_ROOM = {"usage": QUOTA - 60_000_000, "quota": QUOTA, "persisted": False}
ROOM = {"usage": 210_000_000, "quota": QUOTA, "persisted": True}


class Evening:
    """Phones of the demo shop's people that speak the protocol by themselves, and the files they were saved to."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        listed = json.loads(server.baton("parcels", "--status", "ready", "--json"))["parcels"]
        self.codes = [one["code"] for one in listed]

    def happen(self) -> list[Path]:
        """Send it all; gives the rescue files, none of them read in yet."""
        self._fall_behind(self._phone("Demo courier", "Spare phone"))
        signed_out = self._sign_out(self._phone("Demo driver", "Blue phone"))
        return [signed_out, self._damage(self._phone("Demo seller", "Counter phone"))]

    def _phone(self, who: str, label: str) -> Phone:
        code = json.loads(self.server.baton("enrol", "--user", who, "--json"))["code"]
        return Phone(self.server.url, code, ec.generate_private_key(ec.SECP256R1()), label=label)

    def _sign_out(self, phone: Phone) -> Path:
        """Two handovers are sealed before it is signed out and sent after it: they are held. A third is on it alone."""
        pictures: list[bytes] = []
        lines = [self._handover(phone, pictures)]
        _tell(phone, lines, unsent=0, head_seq=1)
        lines += [self._handover(phone, pictures, note="At the guard's post") for _ in range(2)]
        self.server.baton("revoke", phone.device)
        _tell(phone, lines[1:], **_queue(3, hours=5), head_seq=4, storage=ROOM)
        return self._file("baton of the blue phone.baton", phone, lines, pictures)

    def _damage(self, phone: Phone) -> Path:
        """Nothing proves one record, nothing here knows two kinds of them; the file has a bad line and a bad photo."""
        one, other = self.codes[-1:], self.codes[-2:-1]
        recipient = {"name": "Demo Recipient", "role": "recipient"}
        forged = _stolen(phone).seal("deliver", one, counterpart=recipient)
        strange = [phone.seal("collect", other, v=2), phone.seal("weigh", other, data={"grams": 1250})]
        pictures: list[bytes] = []
        lines = [self._handover(phone, pictures) for _ in range(3)]
        _tell(phone, [forged, *strange], **_queue(3, hours=2), storage=NO_ROOM)
        parts = rescue_parts(phone.device, [*lines, lines[0][:400]], pictures)
        last = list(parts)[-1]
        parts[last] = flipped(parts[last], 900)
        path = self.folder / "baton of the counter.baton"
        path.write_bytes(zipped(parts))
        return path

    def _fall_behind(self, phone: Phone) -> None:
        """Its records are here, its photos are not, and its clock is wrong."""
        line = self._handover(phone, [])
        _tell(
            phone, [line], slow=timedelta(minutes=9), unsent_blobs=2, oldest_at=_ago(minutes=40), storage=ROOM
        )

    def _handover(self, phone: Phone, pictures: list[bytes], **members: Any) -> str:
        code = self.codes.pop(0)
        photo = io.BytesIO()
        parcel(code, len(self.codes)).save(photo, "JPEG", quality=85)
        signature = scrawl() + phone.device.encode() + bytes([phone.seq])
        pictures += [photo.getvalue(), signature]
        blobs = [reference(photo.getvalue()), reference(signature, "signature")]
        return phone.seal(
            "collect", [code], at=_ago(hours=6 - phone.seq), offset_ms=0, blobs=blobs, **members
        )

    def _file(self, name: str, phone: Phone, lines: list[str], pictures: list[bytes]) -> Path:
        path = self.folder / name
        path.write_bytes(zipped(rescue_parts(phone.device, lines, pictures)))
        return path


def _stolen(phone: Phone) -> Phone:
    """Somebody else who knows the phone's name and not its key."""
    thief = copy.copy(phone)
    thief.key = ec.generate_private_key(ec.SECP256R1())
    return thief


def _tell(phone: Phone, lines: list[str], slow: timedelta = timedelta(0), **queue: Any) -> None:
    """A batch, with what the phone tells of its queue; a phone that was signed out is answered 403."""
    sent_at = format_time(datetime.now(UTC) - slow)
    told = {"head_seq": phone.seq, "client": "baton/1.0.0", **queue}
    answer = phone.call("POST", "/sync/v1/events", json={"sent_at": sent_at, "events": lines, "queue": told})
    if answer.status_code not in {200, 403}:
        raise SystemExit(f"screens: {answer.status_code} {answer.text[:500]}")


def _queue(handovers: int, hours: int) -> dict[str, Any]:
    return {"unsent": handovers, "unsent_blobs": 2 * handovers, "oldest_at": _ago(hours=hours)}


def _ago(**time: float) -> str:
    return format_time(datetime.now(UTC) - timedelta(**time))
