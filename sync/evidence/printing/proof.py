"""The printable proof: a manifest, and a page for each handover. Gives bytes; the time zone is the shop's."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from typing import Any

import qrcode

from sync.evidence.printing import words
from sync.evidence.printing.sheet import ALARM, MUTED, Sheet
from sync.protocol.times import parse_time
from sync.rules.lifecycle import ON_THE_SPOT

_MOST_CODES = 500
_MOST_STAMPS = 8


@dataclass(frozen=True, slots=True)
class Printed:
    """What is printed: the bundle's timeline and keys, the events' payloads by id, copies of the pictures by digest.

    `stamps` are the time stamps over its events, as stamps.json lists them. A copy is a JPEG or PNG that any program
    opens; a picture without one is printed as an empty frame. `beside` is the folder where those are instead.
    """

    timeline: Mapping[str, Any]
    keys: Mapping[str, Any]
    payloads: Mapping[str, Mapping[str, Any]]
    copies: Mapping[str, bytes]
    zone: tzinfo
    stamps: Sequence[Mapping[str, Any]] = ()
    beside: str = ""


def print_proof(printed: Printed) -> bytes:
    """The PDF of a bundle."""
    told = printed.timeline
    about = _about(told)
    text = repr((told, printed.keys, list(printed.payloads.values()), [it["by"] for it in printed.stamps]))
    title = f"Proof of handover: {about}"
    made_at = words.moment(parse_time(told["made_at"]), printed.zone)
    sheet = Sheet(
        title, f"{about} · {told['shop']['name']} · made {made_at}", parse_time(told["made_at"]), text
    )
    _manifest(sheet, printed)
    for event in told["events"]:
        if event["kind"] in ON_THE_SPOT:
            _handover(sheet, printed, event)
    return bytes(sheet.output())


def _about(told: Mapping[str, Any]) -> str:
    parcel = told["about"]["parcel"]
    return f"parcel {words.code(parcel)}" if parcel else "one handover"


def _manifest(sheet: Sheet, printed: Printed) -> None:
    told, about = printed.timeline, _about(printed.timeline)
    handovers = [e for e in told["events"] if e["kind"] in ON_THE_SPOT]
    sheet.add_page()
    sheet.heading("Proof of handover")
    sheet.write_line(
        "This sheet is the readable part of a proof bundle: verify.html in the same bundle checks each record below "
        "without a network.",
        colour=MUTED,
        gap=2,
    )
    sheet.facts(
        [
            ("Shop", told["shop"]["name"]),
            ("About", about[:1].upper() + about[1:]),
            ("Parcels", str(len(told["parcels"]))),
            ("Records", f"{len(told['events'])}, {len(handovers)} of them made on the spot"),
            ("Signed", _signed(printed)),
            ("Pictures", str(len(_shown(told)))),
            ("Made", words.moment(parse_time(told["made_at"]), printed.zone)),
            ("Server's key", printed.keys["server"]),
            *_stamps(printed.stamps),
        ]
    )
    sheet.heading("Parcels", 2)
    sheet.grid(
        ("Code", "Tracking number", "Carrier", "Order", "Now"),
        (38, 46, 30, 42, 24),
        [
            (
                words.code(p["code"]),
                p["tracking_number"] or "–",
                p["carrier"] or "–",
                ", ".join(p["orders"]) or "–",
                p["status"].replace("_", " ").capitalize(),
            )
            for p in told["parcels"]
        ],
    )
    sheet.heading("What happened", 2)
    sheet.grid(
        ("When", "What", "Who recorded it", "With whom", "At the server"),
        (42, 38, 34, 34, 32),
        [_line(printed, event) for event in told["events"]],
    )


def _shown(told: Mapping[str, Any]) -> set[str]:
    """The digests of the pictures that are in the bundle, or of which it has a copy with printed text blurred."""
    blobs = [blob for event in told["events"] for blob in event["blobs"]]
    return {blob["sha256"] for blob in blobs if blob["state"] == "held" or blob.get("withheld")}


def _signed(printed: Printed) -> str:
    makers = [_maker(printed, event) for event in printed.timeline["events"]]
    return "; ".join(
        f"{makers.count(maker)} {said}" for maker, said in words.SIGNED.items() if maker in makers
    )


def _maker(printed: Printed, event: Mapping[str, Any]) -> str:
    """Whose signature a record has, as `words.SIGNED` names them."""
    if _is_stated(printed, event):
        return "stated"
    key = _key(printed, event)
    if key.get("kind") == "server":
        return "server"
    return "phone" if key.get("kid") else "nobody"


def _is_stated(printed: Printed, event: Mapping[str, Any]) -> bool:
    """Whether the office repeats what a phone said and nothing proves: a phone may write the same word into its own."""
    said = printed.payloads[event["id"]].get("data") or {}
    return "stated_from" in said and _key(printed, event).get("kind") == "server"


def _key(printed: Printed, event: Mapping[str, Any]) -> Mapping[str, Any]:
    return next((k for k in printed.keys["keys"] if k["device"] == event["device"]), {})


def _stamps(stamps: Sequence[Mapping[str, Any]]) -> list[tuple[str, str]]:
    """Which days of these records an authority outside has stamped (RFC 3161); nothing where none did."""
    said = []
    for stamp in stamps[:_MOST_STAMPS]:
        count = len(stamp["events"])
        records = "1 record" if count == 1 else f"{count} records"
        said.append(f"{stamp['day']} UTC: {records}, by {stamp['by']}")
    if len(stamps) > _MOST_STAMPS:
        said.append(f"and {len(stamps) - _MOST_STAMPS} more days")
    return [("Time stamps" if n == 0 else "", line) for n, line in enumerate(said)]


def _line(printed: Printed, event: Mapping[str, Any]) -> Sequence[str]:
    payload = printed.payloads[event["id"]]
    other = payload.get("counterpart") or {}
    what = words.kind(event["kind"], payload.get("data")) + (" (withdrawn)" if event["withdrawn_by"] else "")
    what += " (stated by the office)" if _is_stated(printed, event) else ""
    return (
        words.moment(parse_time(event["effective_at"]), printed.zone),
        what,
        event["actor_name"],
        other.get("name") or "–",
        words.moment(parse_time(event["received_at"]), printed.zone),
    )


def _handover(sheet: Sheet, printed: Printed, event: Mapping[str, Any]) -> None:
    payload = printed.payloads[event["id"]]
    sheet.add_page()
    _mark(sheet, event)
    sheet.heading(words.kind(event["kind"], payload.get("data")))
    if event["withdrawn_by"]:
        sheet.write_line(
            "This record was withdrawn later by whoever made it.", bold=True, colour=ALARM, gap=1
        )
    if _is_stated(printed, event):
        sheet.write_line(
            "Stated by the office: it repeats what a phone said, and no phone's signature proves it.",
            bold=True,
            colour=ALARM,
            gap=1,
        )
    sheet.facts(_facts(printed, event, payload))
    for finding in event["findings"]:
        detail = f" ({finding['detail']})" if finding["detail"] else ""
        noted = finding["code"].replace("_", " ").capitalize()
        sheet.write_line(f"The server noted: {noted}{detail}", size=8.5, colour=ALARM)
    _parcels(sheet, printed, payload)
    photos = [blob for blob in event["blobs"] if blob["role"] != "signature"]
    own = [blob for blob in photos if blob["state"] != "left_out" or blob.get("withheld")]
    shown = [_picture(printed, event, blob) for blob in own]
    if shown:
        sheet.heading("Photos", 2)
        across = 2 if len(shown) <= 4 else 3
        sheet.pictures(shown, across, 92 if len(shown) <= 2 else 62)
    if others := len(photos) - len(own):
        sheet.write_line(words.others(others), size=8.5, colour=MUTED)
    signed = [_picture(printed, event, blob) for blob in event["blobs"] if blob["role"] == "signature"]
    if signed:
        other = payload.get("counterpart") or {}
        sheet.heading(f"Signed by {other.get('name') or 'somebody without a name'}", 2)
        sheet.pictures(signed, 2, 38)


def _mark(sheet: Sheet, event: Mapping[str, Any]) -> None:
    """A QR with the record's id and digest: it leads nowhere, it names the record."""
    code = qrcode.QRCode(border=0, mask_pattern=2, error_correction=qrcode.constants.ERROR_CORRECT_M)
    code.add_data(f"BATON {event['id']} SHA256 {event['sha256']}")
    out = io.BytesIO()
    code.make_image().save(out)
    sheet.image(io.BytesIO(out.getvalue()), x=173, y=13, w=22, h=22, alt_text="The record's id and digest")


def _facts(
    printed: Printed, event: Mapping[str, Any], payload: Mapping[str, Any]
) -> Sequence[tuple[str, str]]:
    other = payload.get("counterpart") or {}
    phone = _key(printed, event)
    role = (phone.get("person") or {}).get("role") or ""
    codes = payload.get("parcels") or []
    expected = payload.get("expected")
    intact = {True: "yes, they said", False: "no, they said", None: ""}[payload.get("intact")]
    received = words.moment(parse_time(event["received_at"]), printed.zone)
    return [
        ("Recorded by", f"{event['actor_name']}{role and f', {role}'}, on {phone.get('label') or 'a phone'}"),
        ("With", ", ".join(word for word in (other.get("name"), other.get("role")) if word)),
        ("Count", f"{len(codes)}" + (f" of {expected} expected" if expected is not None else "")),
        ("All intact", intact),
        ("Phone's clock", _clock(printed, event)),
        ("Server had it by", received),
        ("Place", _place(event, payload)),
        ("Reason", words.reason(payload)),
        ("Note", payload.get("note") or ""),
        ("Record", f"no. {event['seq']} of its phone, {event['id']}"),
        ("Digest (SHA-256)", event["sha256"]),
        ("Signed with key", phone.get("kid") or "none: this phone could not keep a key"),
    ]


def _clock(printed: Printed, event: Mapping[str, Any]) -> str:
    at = words.moment(parse_time(event["at"]), printed.zone)
    offset = event["offset_ms"]
    if offset is None:
        return f"{at}; never compared with the server's"
    return f"{at}; {abs(offset) / 1000:.1f} s {'behind' if offset >= 0 else 'ahead of'} the server's"


def _place(event: Mapping[str, Any], payload: Mapping[str, Any]) -> str:
    place = payload.get("place") or {}
    parts = [event["place_name"] or ""]
    if place.get("lat") is not None and place.get("lon") is not None:
        accuracy = place.get("accuracy_m")
        near = f" (within {round(accuracy)} m)" if accuracy is not None else ""
        parts.append(f"{place['lat']:.5f}, {place['lon']:.5f}{near}")
    return ", ".join(part for part in parts if part)


def _parcels(sheet: Sheet, printed: Printed, payload: Mapping[str, Any]) -> None:
    """Of a parcel's proof the others are only counted."""
    codes = payload.get("parcels") or []
    own = set(printed.timeline["names"])
    shown = [words.code(code) for code in codes if not own or code in own]
    others = len(codes) - len(shown)
    sheet.heading("Parcels handed over together" if len(codes) > 1 else "Parcel", 2)
    text = ", ".join(shown[:_MOST_CODES])
    sheet.write_line(text + (f" and {others} other parcel{'s' if others > 1 else ''}" if others else ""))


def _picture(printed: Printed, event: Mapping[str, Any], blob: Mapping[str, Any]) -> tuple[bytes | None, str]:
    copy = printed.copies.get(blob["sha256"])
    what = {"photo": "Photo", "tag": "The tag, close up", "signature": "Signature"}.get(
        blob["role"], blob["role"]
    )
    of = f" of {words.code(blob['parcel'])}" if blob["parcel"] and blob["state"] != "left_out" else ""
    lines = [f"{what}{of}, {words.moment(parse_time(event['effective_at']), printed.zone)}"]
    is_shown = blob["state"] == "held" or blob.get("withheld")
    if copy is None and is_shown and printed.beside:
        lines.append(f"See {printed.beside}")
    elif blob["state"] != "held":
        lines.append(words.absent(blob, printed.zone))
    elif copy is None:
        lines.append("Is in the bundle; it could not be shown here")
    lines += [f"SHA-256 {blob['sha256'][:32]}", blob["sha256"][32:]]
    return copy, "\n".join(lines)
