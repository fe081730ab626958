"""The events: each signed by the key of the phone it names, and they are those that were sealed, in their order."""

from __future__ import annotations

from collections import Counter
from typing import Any

from sync.evidence.bundle.checks.keys import Key, Ring
from sync.evidence.bundle.checks.seal import is_reordered
from sync.evidence.bundle.contents import EVENTS, TIMELINE, Bundle, Line
from sync.evidence.bundle.findings import Findings
from sync.evidence.bundle.shapes import to_ms

_SAME = ("device", "seq", "kind", "at", "offset_ms", "actor")


def check_signatures(bundle: Bundle, ring: Ring) -> None:
    """Who made each event, as far as mathematics knows."""
    for line in bundle.events:
        if line.envelope is None:
            refused = line.refused
            code = "alg_refused" if refused and refused.code == "bad_signature" else "event_unreadable"
            bundle.findings.add(code, place(line), f"{refused}.".capitalize())
        else:
            _check_signature(bundle.findings, line, ring)


def place(line: Line) -> str:
    """How a finding names an event: by its id, or by its line."""
    return str(line.payload.get("id") or f"{EVENTS}, line {line.number}")


def _check_signature(find: Findings, line: Line, ring: Ring) -> None:
    assert line.envelope is not None
    header, where = line.envelope.header, place(line)
    holder = ring.holder(line.payload["device"])
    if header.alg == "none":
        has_key = holder is None or holder.get("jwk") is not None or bool(line.envelope.signature)
        find.add("alg_refused" if has_key else "unsigned", where)
        return
    key = ring.by_kid.get(header.kid or "")
    if key is None:
        find.add("key_unknown", where, f"The key {header.kid or 'without a name'}.")
        return
    if not ring.has_signed(header.kid, line.envelope):
        find.add("event_signature", where)
    if key["device"] != line.payload["device"]:
        find.add("key_of_another_phone", where, f"The key is that of {key['label'] or key['device']}.")
    elif key["kind"] != "server":
        _check_person(find, line, key)


def _check_person(find: Findings, line: Line, key: Key) -> None:
    person = key.get("person")
    if person is not None and person["id"] != line.payload["actor"]:
        find.add("actor_other", place(line), f"The phone was given to {person['name']}.")


def check_order(bundle: Bundle) -> None:
    """No event changed, taken out, put in, doubled or moved."""
    if bundle.seal is None:
        return
    find = bundle.findings
    told: dict[str, Any] = {event["id"]: event for event in bundle.sealed["events"] or []}
    there = [str(line.payload["id"]) for line in bundle.events if line.envelope]
    for line in filter(lambda line: line.envelope, bundle.events):
        known = told.get(str(line.payload.get("id")))
        if known is None:
            find.add("event_added", place(line))
        elif known["sha256"] != line.sha256:
            find.add("event_changed", place(line))
        else:
            _compare(find, line, known)
    for id_ in [id_ for id_, times in Counter(there).items() if times > 1]:
        find.add("event_twice", id_)
    for id_ in [id_ for id_ in told if id_ not in there]:
        find.add("event_removed", id_)
    if is_reordered(there, list(told)):
        find.add("events_reordered", EVENTS)
    _check_parcel(bundle, set(there))


def names_of(bundle: Bundle) -> set[str]:
    """What the parcel is called that the bundle is about; none when it is about a handover."""
    parcel = (bundle.sealed.get("about") or {}).get("parcel")
    return {parcel, *(bundle.sealed.get("names") or [])} if parcel else set()


def signed_for(line: Line, names: set[str]) -> tuple[list[str], int]:
    """The parcels that an event's maker has signed for, as they stand there: those of these names, and how many others.

    Without names all of them.
    """
    signed = line.payload.get("parcels")
    codes = [text for text in signed if isinstance(text, str)] if isinstance(signed, list) else []
    own = [code for code in codes if code in names or not names]
    return own, len(codes) - len(own)


def _check_parcel(bundle: Bundle, there: set[str]) -> None:
    """Each event names the parcel, or speaks of another one here (a withdrawal, a review, a picture that was lost)."""
    names = names_of(bundle)
    if not names:
        _check_handover(bundle)
        return
    if any(told["code"] != bundle.sealed["about"]["parcel"] for told in bundle.sealed["parcels"] or []):
        bundle.findings.add("timeline_contradicts", TIMELINE, "In parcels.")
    for line in bundle.events:
        if line.envelope is None or signed_for(line, names)[0]:
            continue
        ref = line.payload.get("ref")
        if not isinstance(ref, str) or ref not in there or ref == line.payload["id"]:
            bundle.findings.add("parcel_other", place(line))


def _check_handover(bundle: Bundle) -> None:
    """Each event is the one that the bundle is about, speaks of it, or is what that one speaks of."""
    event = (bundle.sealed.get("about") or {}).get("event")
    lines = [(line, line.payload["id"], line.payload.get("ref")) for line in bundle.events if line.envelope]
    its = [ref for _, id_, ref in lines if id_ == event]
    for line, id_, ref in lines:
        if not its or (event not in (id_, ref) and id_ not in its):
            bundle.findings.add("event_other", place(line))


def _compare(find: Findings, line: Line, told: dict[str, Any]) -> None:
    """What the server's timeline says of an event against what its maker signed."""
    differing = [name for name in _SAME if line.payload.get(name) != told.get(name)]
    claimed = to_ms(told["at"]) + (told.get("offset_ms") or 0)
    if to_ms(told["effective_at"]) != min(claimed, to_ms(told["received_at"])):
        differing.append("effective_at")
    signed = {(b["sha256"], b["role"]) for b in line.payload.get("blobs") or []}
    if signed != {(b["sha256"], b["role"]) for b in told["blobs"] or []}:
        differing.append("blobs")
    if differing:
        find.add("timeline_contradicts", place(line), f"In {', '.join(differing)}.")
