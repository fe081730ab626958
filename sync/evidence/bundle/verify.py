"""Check a bundle, needing nothing but the file: integrity, who, time bounds, completeness, each by itself."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

from sync.evidence.bundle.archive import read_archive
from sync.evidence.bundle.checks.chain import check_chains
from sync.evidence.bundle.checks.events import check_order, check_signatures, names_of, signed_for
from sync.evidence.bundle.checks.keys import Ring
from sync.evidence.bundle.checks.page import check_page
from sync.evidence.bundle.checks.photos import check_photos
from sync.evidence.bundle.checks.receipts import Received, check_receipts
from sync.evidence.bundle.checks.seal import check_members, check_seal
from sync.evidence.bundle.checks.stamps import Stamped, check_stamps
from sync.evidence.bundle.checks.times import check_times, claimed_ms
from sync.evidence.bundle.contents import Bundle, Line, read_contents
from sync.evidence.bundle.findings import AREAS, Finding, Findings
from sync.protocol.times import format_ms


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of it. `areas` has the findings of each question; `facts` is what the holding parts say."""

    areas: dict[str, list[Finding]]
    facts: dict[str, Any]
    left_out: int

    def holds(self, area: str) -> bool:
        """Whether nothing speaks against one of the four."""
        return not any(finding.is_fault for finding in self.areas[area])

    @property
    def all_hold(self) -> bool:
        """Whether the bundle proves what it says."""
        return all(self.holds(area) for area in AREAS) and not self.left_out

    @property
    def codes(self) -> list[str]:
        """The codes of all faults, sorted."""
        return sorted({f.code for area in self.areas.values() for f in area if f.is_fault})

    def as_dict(self) -> dict[str, Any]:
        """As `baton verify --json` tells it."""
        return {
            "verdict": "holds" if self.all_hold else "does_not_hold",
            **self.facts,
            **{
                area: {
                    "holds": self.holds(area),
                    "faults": [f.as_dict() for f in self.areas[area] if f.is_fault],
                    "notes": [f.as_dict() for f in self.areas[area] if not f.is_fault],
                }
                for area in AREAS
            },
        }


def verify_bundle(file: BinaryIO, server_key: str | None = None, tsa_roots: bytes | None = None) -> Verdict:
    """Check a seekable file; raises `NoBundle`. `server_key` is the fingerprint that one expects, if one knows it.

    `tsa_roots` (PEM) vouch for the authorities of its time stamps; without them it is noted that nobody checked those.
    """
    findings = Findings()
    bundle = read_contents(read_archive(file), findings)
    ring = Ring(bundle)
    check_seal(bundle, ring, server_key)
    check_signatures(bundle, ring)
    check_order(bundle)
    receipts = check_receipts(bundle, ring)
    stamps = check_stamps(bundle, tsa_roots)
    check_times(bundle, ring, receipts, stamps)
    check_chains(bundle, ring)
    check_photos(bundle)
    check_members(bundle)
    check_page(bundle)
    facts = _facts(bundle, ring, receipts, stamps)
    return Verdict({area: findings.of(area) for area in AREAS}, facts, findings.left_out)


def _facts(
    bundle: Bundle, ring: Ring, receipts: dict[str, Received], stamps: dict[str, Stamped]
) -> dict[str, Any]:
    told = bundle.sealed
    about = told.get("about") or {}
    names = names_of(bundle)
    return {
        "about": {"parcel": about.get("parcel"), "event": about.get("event")},
        "shop": (told.get("shop") or {}).get("name"),
        "made_at": told.get("made_at"),
        "server_key": ring.server,
        "people": _people(bundle, ring),
        "events": [_event(line, names, ring, receipts, stamps) for line in bundle.events if line.envelope],
        "pictures": sum(1 for _ in bundle.picture_names()),
    }


def _people(bundle: Bundle, ring: Ring) -> list[dict[str, Any]]:
    counts: dict[str, int] = {}
    for line in bundle.events:
        if line.envelope:
            counts[line.payload["device"]] = counts.get(line.payload["device"], 0) + 1
    return [
        {
            "key": key.get("kid"),
            "name": (key.get("person") or {}).get("name"),
            "role": (key.get("person") or {}).get("role") or key["kind"],
            "device": key["label"] or key["device"],
            "enrolled_at": key["enrolled_at"],
            "revoked_at": key.get("revoked_at"),
            "events": counts.get(key["device"], 0),
        }
        for keys in ring.by_device.values()
        for key in keys
        if key["device"] in counts
    ]


def _event(
    line: Line, names: set[str], ring: Ring, receipts: dict[str, Received], stamps: dict[str, Stamped]
) -> dict[str, Any]:
    stamped = stamps.get(line.payload["id"])
    received = receipts.get(line.payload["id"])
    holder = ring.holder(line.payload["device"]) or {}
    parcels, others = signed_for(line, names)
    return {
        "id": line.payload["id"],
        "kind": line.payload["kind"],
        "by": (holder.get("person") or {}).get("name") or holder.get("label") or line.payload["device"],
        "phone_at": line.payload["at"],
        "offset_ms": line.payload.get("offset_ms"),
        "claimed_at": format_ms(claimed_ms(line)),
        "parcels": parcels,
        "other_parcels": others,
        "received_by": received.text if received else None,
        "stamped": asdict(stamped) if stamped else None,
    }
