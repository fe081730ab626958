"""The appeal pack that marketplaces ask for: stamped pictures, and a manifest with the count and the signature.

No evidence by itself (the proof bundle is that): copies that any claims desk opens and uploads one by one.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any, BinaryIO

from sync.evidence.bundle.layout import Zip
from sync.evidence.printing import words
from sync.evidence.printing.stamp import stamp
from sync.protocol.problems import Problem
from sync.protocol.times import parse_time
from webapp.services.open_blob import decoding, find_blob, read_blob
from webapp.services.proving.export_proof import Exported, collect, paper_copies, payload_of, stem_of
from webapp.services.proving.gather import Wanted
from webapp.services.proving.redacting import Redactor, redactor_of

MOST_PDF = 10 * 1024 * 1024
_README = """\
{about}
{shop}, made {made_at}

manifest.pdf   what was handed over, how many, by whom, signed by whom, when and where
images/        the photos and signatures, each with its times written under it (JPEG, at most 5 MB each)

The times are those of the phone, corrected by what it knew of the server's clock, and of the server's receipt.
These are copies made for reading. The originals, and what proves them, are in the proof bundle of the same
{kind}, which anybody can check offline.
"""
_REDACTED = """
Printed text other than the parcel's own tag is blurred in the photos. It is found by how it looks, not by what it says:
look through them before you hand them on.
"""
_FAILED = "Left out, because it could not be done: {count}.\n"


def export_appeal(wanted: Wanted, out: BinaryIO, now: datetime) -> Exported:
    """Write the pack. Problems: `not-found`, `parcel-unknown`, `proof-too-large`."""
    from sync.evidence.printing.proof import Printed, print_proof  # noqa: PLC0415 (half a second that only a print is worth)

    gathered, zone = collect(wanted, now)
    told = gathered.facts.timeline
    pack = Zip(out)
    payloads = {v.id: payload_of(jws) for v, jws in zip(gathered.views, gathered.facts.events, strict=True)}
    redactor = redactor_of(wanted.org_id, gathered) if wanted.is_redacted else None
    for name, data in _images(wanted.org_id, told, zone, redactor):
        pack.add(f"images/{name}", data)
    copies = paper_copies(wanted, gathered, redactor)
    printed = Printed(told, gathered.facts.keys, payloads, copies, zone, gathered.facts.stamps)
    pdf = print_proof(printed)
    signatures = {sha256: copy for sha256, copy in copies.items() if sha256 in _signatures(told)}
    for fewer in (signatures, {}):  # the pictures lie beside it anyway
        if len(pdf) > MOST_PDF:
            pdf = print_proof(replace(printed, copies=fewer, beside="images/"))
    pack.add("manifest.pdf", pdf)
    about = f"Parcel {words.code(wanted.parcel)}" if wanted.parcel else f"Handover {wanted.event}"
    made_at = words.moment(now, zone)
    kind = "parcel" if wanted.parcel else "handover"
    text = _README.format(about=about, shop=told["shop"]["name"], made_at=made_at, kind=kind)
    if redactor is not None:
        text += _REDACTED + (_FAILED.format(count=len(redactor.failed)) if redactor.failed else "")
    pack.add("README.txt", text.encode())
    pack.finish()
    return Exported(f"baton-appeal-{stem_of(wanted)}.zip", str(gathered.facts.keys["server"]), dict(told))


def _signatures(told: Mapping[str, Any]) -> set[str]:
    return {b["sha256"] for event in told["events"] for b in event["blobs"] if b["role"] == "signature"}


def _images(
    org_id: str, told: Mapping[str, Any], zone: tzinfo, redactor: Redactor | None
) -> Iterator[tuple[str, bytes]]:
    """Every picture that is held, once, in the order of what happened."""
    done: set[str] = set()
    for event in told["events"]:
        for blob in event["blobs"]:
            is_here = blob["state"] == "held" or "withheld" in blob
            if not is_here or blob["sha256"] in done:
                continue
            done.add(blob["sha256"])
            data = _stamped(org_id, blob["sha256"], _lines(told, event, blob, zone), redactor)
            if data is not None:
                yield f"{len(done):02d}-{event['kind'].replace('_', '-')}-{blob['role']}.jpg", data


def _lines(
    told: Mapping[str, Any], event: Mapping[str, Any], blob: Mapping[str, Any], zone: tzinfo
) -> list[str]:
    about = told["about"]["parcel"]
    named = f"{words.code(about)} · " if about else ""
    what = {"signature": "signature", "tag": "tag"}.get(blob["role"], "photo")
    made_at, had_by = (
        words.moment(parse_time(event[name]), zone) for name in ("effective_at", "received_at")
    )
    return [
        made_at,
        f"{named}{words.kind(event['kind'])}, {what} · at the server by {had_by}",
        f"SHA-256 {blob['sha256']}",
    ]


def _stamped(org_id: str, sha256: str, lines: list[str], redactor: Redactor | None) -> bytes | None:
    """None where the picture cannot be opened: then the manifest still names it."""
    try:
        facts = find_blob(org_id, None, sha256)
        made = redactor.whole(sha256) if redactor is not None else read_blob(org_id, facts)
    except Problem:
        return None
    if made is None:
        return None
    media_type, data = made
    with decoding(facts) as is_small:
        return stamp(data, media_type, lines) if is_small else None
