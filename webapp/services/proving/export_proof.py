"""Write the proof bundle of a parcel or a handover (PROTOCOL section 6): gathered, printed, sealed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, BinaryIO
from zoneinfo import ZoneInfo

from sync.evidence.bundle.shell import load_shell
from sync.evidence.bundle.write import write_bundle
from sync.protocol import envelope, keys
from sync.protocol.problems import Problem
from sync.rules.pack import zone_of
from webapp.services.proving.copies import copy_for_paper
from webapp.services.proving.gather import Gathered, Wanted, gather
from webapp.services.proving.redacting import Redactor, redactor_of
from webapp.services.server_identity import signing_key
from webapp.store import blobs
from webapp.store.blobs import Missing
from webapp.store.queries import blobs as ask
from webapp.store.queries import shop
from webapp.store.unit import reading

MOST_BYTES = 512 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: a file name for it, the server's fingerprint, and what the seal says."""

    name: str
    server_key: str
    sealed: dict[str, Any]


def export_proof(wanted: Wanted, out: BinaryIO, now: datetime) -> Exported:
    """Write a bundle into an empty file that can be read too.

    Problems: `not-found`, `parcel-unknown`, `proof-too-large`.
    """
    from sync.evidence.printing.proof import Printed, print_proof  # noqa: PLC0415 (half a second that only a print is worth)

    key = signing_key()
    gathered, zone = collect(wanted, now)
    printed = Printed(
        gathered.facts.timeline,
        gathered.facts.keys,
        {view.id: payload_of(jws) for view, jws in zip(gathered.views, gathered.facts.events, strict=True)},
        paper_copies(wanted, gathered, redactor_of(wanted.org_id, gathered) if wanted.is_redacted else None),
        zone,
        gathered.facts.stamps,
    )
    sealed = write_bundle(
        out,
        gathered.facts,
        read_pictures(wanted.org_id, gathered.pictures),
        print_proof(printed),
        load_shell(),
        key,
    )
    kind = "redacted" if wanted.is_redacted else "proof"
    return Exported(f"baton-{kind}-{stem_of(wanted)}.zip", str(gathered.facts.keys["server"]), sealed)


def collect(wanted: Wanted, now: datetime) -> tuple[Gathered, ZoneInfo]:
    """What a proof is made of, and the shop's time zone. Problems as of `export_proof`."""
    with reading() as session:
        here = shop.shop(session, wanted.org_id)
        zone = zone_of(here.market, here.zone)
        gathered = gather(session, wanted, zone.key, keys.public_jwk(signing_key()), now)
        total = ask.total_size(session, wanted.org_id, gathered.pictures)
    if total > MOST_BYTES:
        most = MOST_BYTES // 1024 // 1024
        raise Problem(
            "proof-too-large", f"Its pictures have {total // 1024 // 1024} MB; the most is {most} MB."
        )
    return gathered, zone


def read_pictures(org_id: str, digests: Sequence[str]) -> Iterator[tuple[str, bytes]]:
    """(digest, bytes) of each, one at a time in hand; no bytes where the store has lost them."""
    for digest in digests:
        try:
            yield digest, blobs.current().read(org_id, digest)
        except Missing:
            yield digest, b""


def copies_of(org_id: str, digests: Sequence[str]) -> dict[str, bytes]:
    """Copies for paper, by digest, of those that can be opened."""
    made = ((digest, copy_for_paper(org_id, digest)) for digest in digests)
    return {digest: copy for digest, copy in made if copy is not None}


def paper_copies(wanted: Wanted, gathered: Gathered, redactor: Redactor | None) -> dict[str, bytes]:
    """What is printed of the pictures: redacted ones where there is somebody to redact them."""
    if redactor is None:
        return copies_of(wanted.org_id, gathered.pictures)
    made = ((digest, redactor.for_paper(digest)) for digest in (*gathered.pictures, *gathered.withheld))
    return {digest: copy for digest, copy in made if copy is not None}


def payload_of(jws: str) -> dict[str, Any]:
    """What an event of the ledger says."""
    return envelope.open_(jws).payload


def stem_of(wanted: Wanted) -> str:
    """What a file about it is called, in letters that every disk takes."""
    text = wanted.parcel or wanted.event or ""
    return "".join(char if char.isascii() and (char.isalnum() or char in "-_") else "_" for char in text)[:80]
