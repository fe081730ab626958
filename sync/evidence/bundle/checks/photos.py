"""The pictures: each is what an event signed for, and what is not here is said to be missing, with the reason."""

from __future__ import annotations

from typing import Any

from sync.evidence.bundle.checks.events import place
from sync.evidence.bundle.contents import Bundle
from sync.evidence.bundle.limits import MAX_PICTURE
from sync.evidence.intake import EXTENSIONS, sniff

_ABSENT = {
    "never_arrived": "photo_never_arrived",
    "lost": "photo_lost",
    "damaged": "photo_damaged",
    "deleted_by_policy": "photo_deleted_by_policy",
}


def check_photos(bundle: Bundle) -> None:
    """Read every picture once."""
    signed = _signed_for(bundle)
    there = {}
    for name, digest in bundle.picture_names():
        data = bundle.read(name, MAX_PICTURE)
        there[digest] = name
        if data is None:
            continue
        if bundle.digests[name] != digest:
            bundle.findings.add("photo_changed", name)
        elif digest not in signed:
            bundle.findings.add("photo_unlisted", name)
        else:
            _compare(bundle, name, data, signed[digest])
    _check_absent(bundle, there)


def _signed_for(bundle: Bundle) -> dict[str, dict[str, Any]]:
    return {
        blob["sha256"]: blob
        for line in bundle.events
        if line.envelope
        for blob in line.payload.get("blobs") or []
    }


def _compare(bundle: Bundle, name: str, data: bytes, signed: dict[str, Any]) -> None:
    media_type = sniff(data)
    is_named_so = media_type is not None and name.endswith(f".{EXTENSIONS[media_type]}")
    if not is_named_so or media_type != signed["type"] or len(data) != signed["size"]:
        bundle.findings.add("photo_type", name)


def _check_absent(bundle: Bundle, there: dict[str, str]) -> None:
    told = {event["id"]: event for event in bundle.sealed.get("events") or []}
    names = set(bundle.sealed.get("names") or [])
    for line in bundle.events:
        if line.envelope is None:
            continue
        known = told.get(line.payload["id"], {})
        states = {(b["sha256"], b["role"]): b["state"] for b in known.get("blobs") or []}
        for blob in line.payload.get("blobs") or []:
            if line.payload["kind"] == "blob_lost" or blob["sha256"] in there:
                continue
            where = f"{blob['sha256']} of {place(line)}"
            state = states.get((blob["sha256"], blob["role"]), "")
            if state == "left_out":
                shows_other = bool(names) and blob.get("parcel") is not None and blob["parcel"] not in names
                bundle.findings.add("photo_left_out" if shows_other else "photo_withheld", where)
            else:
                bundle.findings.add(_ABSENT.get(state, "photo_missing"), where)
