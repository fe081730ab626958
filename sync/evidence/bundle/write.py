"""Write a bundle: events as they were signed, what attests them, and the server's seal over it all.

The same facts give the same bytes, but for the seal's signature when the key's maker draws it anew.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, BinaryIO

from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from sync.evidence.bundle.contents import (
    EVENTS,
    FORMAT,
    KEYS,
    PAGE,
    PDF,
    RECEIPTS,
    SEAL_TYP,
    STAMPS,
    TIMELINE,
)
from sync.evidence.bundle.layout import Zip
from sync.evidence.bundle.limits import EMBED_UP_TO
from sync.evidence.bundle.slot import fill_page
from sync.evidence.intake import EXTENSIONS, sniff
from sync.protocol.envelope import sign

HELD, DAMAGED = "held", "damaged"


@dataclass(frozen=True, slots=True)
class Facts:
    """What goes into a bundle, but the pictures. `timeline` lacks only what the writing itself finds out.

    `keys` is the document of keys.json without its format; `events` and `receipts` are JWS, in their order. `stamps`
    are the time stamps over events of it, each as stamps.json lists it; where there are none there is no such part.
    """

    timeline: Mapping[str, Any]
    keys: Mapping[str, Any]
    events: Sequence[str]
    receipts: Sequence[str]
    stamps: Sequence[Mapping[str, Any]] = ()


def write_bundle(
    out: BinaryIO,
    facts: Facts,
    pictures: Iterable[tuple[str, bytes]],
    pdf: bytes,
    shell: bytes,
    key: EllipticCurvePrivateKey,
    embed_up_to: int = EMBED_UP_TO,
) -> dict[str, Any]:
    """Write into an empty file that can be read too; gives what the seal says.

    `pictures` are (digest, bytes), one at a time in hand; bytes that are not their digest's are left out, and the
    timeline says so. Up to `embed_up_to` bytes the page carries it all, as long as a browser opens that at once.
    """
    archive = Zip(out)
    members: list[dict[str, Any]] = []

    def add(name: str, data: bytes) -> None:
        archive.add(name, data)
        members.append({"name": name, "size": len(data), "sha256": hashlib.sha256(data).hexdigest()})

    add(EVENTS, _lines(facts.events))
    add(KEYS, _document({"format": FORMAT, **facts.keys}))
    add(RECEIPTS, _lines(facts.receipts))
    if facts.stamps:
        add(STAMPS, _document({"format": FORMAT, "stamps": facts.stamps}))
    add(PDF, pdf)
    damaged = set()
    for digest, data in pictures:
        if hashlib.sha256(data).hexdigest() == digest:
            add(f"blobs/{digest}.{EXTENSIONS[sniff(data) or 'image/jpeg']}", data)
        else:
            damaged.add(digest)
    sealed = _sealed(facts, members, shell, damaged)
    archive.add(TIMELINE, _document({**sealed, "seal": sign(sealed, key, SEAL_TYP)}))
    archive.add(PAGE, _page(out, archive, shell) if archive.size <= embed_up_to else shell)
    archive.finish()
    return sealed


def _sealed(facts: Facts, members: list[dict[str, Any]], shell: bytes, damaged: set[str]) -> dict[str, Any]:
    told = json.loads(json.dumps(facts.timeline))
    for event in told["events"]:
        for blob in event["blobs"]:
            if blob["sha256"] in damaged and blob["state"] == HELD:
                blob["state"] = DAMAGED
    return {
        "format": FORMAT,
        **told,
        "page": hashlib.sha256(shell).hexdigest(),
        "members": members,
        "receipts": [hashlib.sha256(jws.encode()).hexdigest() for jws in facts.receipts],
    }


def _page(out: BinaryIO, archive: Zip, shell: bytes) -> bytes:
    """With all that is written so far in it."""
    out.seek(0)
    written = out.read(archive.size)
    out.seek(archive.size)
    return fill_page(shell, written + archive.ending())


def _lines(each: Sequence[str]) -> bytes:
    return b"".join(jws.encode() + b"\n" for jws in each)


def _document(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, indent=1).encode() + b"\n"
