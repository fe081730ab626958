"""What somebody without a key can do: change, take out, put in, swap and move what is in a bundle."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from collections.abc import Callable, Iterator
from typing import Any

from sync.evidence.bundle.contents import SEAL_TYP
from sync.protocol.envelope import sign
from sync.protocol.keys import b64url as b64
from sync.protocol.keys import generate_key, public_jwk, thumbprint
from tests.vectors.forgeries.cast import PARCEL, Cast, Members, members_of, payload_of, picture
from tests.vectors.forgeries.edits import (
    document,
    edited,
    flipped,
    header,
    line,
    lines,
    part,
    photos,
    renamed,
    replaced,
    sha,
)

Case = tuple[str, str, Members]


def of_photos(true: Members) -> Iterator[Case]:
    first, second = photos(true)[:2]
    other = picture("#00ff00")
    yield "one byte of a photo", "photo_changed", edited(true, replaced(first, flipped(true[first], 300)))
    yield "a photo under another's name", "photo_changed", edited(true, replaced(first, other))
    yield (
        "two photos swapped",
        "photo_changed",
        edited(true, replaced(first, true[second]), replaced(second, true[first])),
    )
    yield "a photo cut short", "photo_changed", edited(true, replaced(first, true[first][:-20]))
    yield (
        "a photo with bytes behind its end",
        "photo_changed",
        edited(true, replaced(first, true[first] + b"more")),
    )
    yield "a photo taken out", "photo_missing", edited(true, lambda held: held.pop(first) and None)
    yield "a photo put in", "photo_unlisted", edited(true, replaced(f"blobs/{sha(other)}.jpg", other))
    changed = flipped(true[first], 300)
    yield (
        "a photo changed and named by its new digest",
        "photo_missing",
        edited(true, replaced(f"blobs/{sha(changed)}.jpg", changed), lambda held: held.pop(first) and None),
    )
    yield (
        "a photo called a PNG",
        "photo_unlisted",
        edited(true, renamed(first, first.replace(".jpg", ".png"))),
    )


def of_events(true: Members, cast: Cast) -> Iterator[Case]:
    e = "events.jws"

    def one(change: Callable[[str], str | None], number: int = 1) -> Members:
        return edited(true, line(e, number, change))

    yield "one byte of an event's payload", "event_signature", one(part(1, _later))
    yield (
        "one byte of an event's signature",
        "event_signature",
        one(part(2, lambda t: flipped(t.encode(), 9).decode())),
    )
    yield "an event's photo replaced in its payload", "event_signature", one(part(1, _other_photo))
    yield "an event taken out", "event_removed", one(lambda _: None)
    yield "the last event taken out", "event_removed", one(lambda _: None, 4)
    yield "all events taken out", "event_removed", edited(true, lines(e, lambda _: []))
    yield "an event twice", "event_twice", edited(true, lines(e, lambda held: [*held, held[1]]))
    yield (
        "two events in another order",
        "events_reordered",
        edited(true, lines(e, lambda h: [h[1], h[0], *h[2:]])),
    )
    yield "all events in another order", "events_reordered", edited(true, lines(e, lambda held: held[::-1]))
    yield (
        "an event of the same phone put in",
        "event_added",
        edited(true, lines(e, lambda held: [*held[:2], cast.sealed["other"], *held[2:]])),
    )
    theirs = cast.stranger.seal(cast.stranger.payload(77, "collect", "07:30"))
    yield (
        "an event taken from another phone",
        "key_unknown",
        edited(true, lines(e, lambda held: [*held, theirs])),
    )
    yield "an event put in another's place", "event_removed", one(lambda _: theirs)
    yield (
        "an event's header of another event",
        "event_signature",
        edited(true, line(e, 1, part(0, lambda _: cast.sealed["pack"].split(".", maxsplit=1)[0]))),
    )
    yield (
        "a signature of another event of the same phone",
        "event_signature",
        one(part(2, lambda _: cast.sealed["deliver"].rsplit(".", maxsplit=1)[1])),
    )
    yield "white space behind an event", "events_changed", edited(true, replaced(e, true[e] + b"\n"))


def of_headers(true: Members, cast: Cast) -> Iterator[Case]:
    def one(change: Callable[[str], str]) -> Members:
        return edited(true, line("events.jws", 1, change))

    attacker = generate_key()
    unsigned = part(2, lambda _: "")
    yield (
        "alg none without a signature",
        "alg_refused",
        one(lambda j: unsigned(header(alg="none", kid=None)(j))),
    )
    yield "alg none with the signature kept", "alg_refused", one(header(alg="none"))
    yield "alg None in capitals", "alg_refused", one(header(alg="NONE"))
    yield "alg HS256 with the public key as its secret", "alg_refused", one(_hs256(cast))
    yield "alg ES384", "alg_refused", one(header(alg="ES384"))
    yield "no alg", "alg_refused", one(header(alg=None))
    yield "no kid", "key_unknown", one(header(kid=None))
    yield "a kid nobody has", "key_unknown", one(header(kid=thumbprint(public_jwk(attacker))))
    yield "the kid of another phone", "key_of_another_phone", one(header(kid=cast.seller.kid))
    yield "a key in the header", "event_signature", one(header(jwk=public_jwk(attacker)))
    yield "a critical extension", "event_unreadable", one(header(crit=["exp"], exp=1))
    yield "an unencoded payload", "event_unreadable", one(header(b64=False))
    yield "another typ", "event_unreadable", one(header(typ="JWT"))
    yield (
        "a receipt as an event",
        "event_unreadable",
        edited(true, line("events.jws", 1, lambda _: cast.facts.receipts[0])),
    )
    yield "an event signed anew by a stranger", "key_unknown", one(lambda j: sign(payload_of(j), attacker))
    yield "padding behind the signature", "event_unreadable", one(lambda jws: f"{jws}==")
    yield (
        "a signature in DER",
        "event_signature",
        one(part(2, lambda t: b64(b"\x30\x44" + base64.urlsafe_b64decode(t + "==")))),
    )
    yield "a signature of zeros", "event_signature", one(part(2, lambda _: b64(bytes(64))))
    yield "a signature with s turned over", "event_changed", one(part(2, _other_s))
    yield "four parts", "event_unreadable", one(lambda jws: f"{jws}.AA")


def of_receipts(true: Members, cast: Cast) -> Iterator[Case]:
    r = "receipts.jws"
    attacker = generate_key()

    def one(jws: str) -> Members:
        return edited(true, line(r, 1, lambda _: jws))

    names = ("collect", "other", "report")
    yield "one byte of a receipt", "receipt_signature", edited(true, line(r, 1, part(1, _later)))
    yield (
        "one byte of a receipt's signature",
        "receipt_signature",
        edited(true, line(r, 1, part(2, lambda t: flipped(t.encode(), 9).decode()))),
    )
    yield "a receipt taken out", "receipt_removed", edited(true, line(r, 1, lambda _: None))
    yield (
        "the receipts in another order",
        "receipts_reordered",
        edited(true, lines(r, lambda held: held[::-1])),
    )
    another = cast.receipt(cast.courier, "08:30", "other")
    yield "a receipt put in", "receipt_added", edited(true, lines(r, lambda held: [*held, another]))
    yield (
        "a receipt of another epoch",
        "receipt_epoch",
        one(cast.receipt(cast.courier, "08:00", *names, epoch="019a9b00-0000-7000-8000-0000000000bb")),
    )
    yield (
        "a receipt of another server",
        "receipt_signature",
        one(cast.receipt(cast.courier, "08:00", *names, key=attacker)),
    )
    yield (
        "a receipt given to another phone",
        "receipt_device",
        one(cast.receipt(cast.courier, "08:00", *names, device="dev-stranger")),
    )
    yield (
        "a receipt for other bytes",
        "receipt_other_bytes",
        one(cast.receipt(cast.courier, "08:00", events=[(cast.payload("collect")["id"], "0" * 64)])),
    )
    yield (
        "a receipt signed by the phone",
        "receipt_signature",
        one(cast.receipt(cast.courier, "07:31", *names, key=cast.courier.key)),
    )
    yield "an event as a receipt", "receipt_unreadable", one(cast.sealed["collect"])
    yield (
        "a receipt without a signature",
        "receipt_signature",
        one(f"{header(alg='none', kid=None)(cast.facts.receipts[1]).rsplit('.', maxsplit=1)[0]}."),
    )


def of_documents(true: Members, cast: Cast) -> Iterator[Case]:
    keys, timeline = "keys.json", "timeline.json"
    attacker = public_jwk(generate_key())

    def key(number: int, **members: Any) -> Members:
        return edited(true, document(keys, lambda held: held["keys"][number].update(members)))

    def told(change: Callable[[Any], None]) -> Members:
        return edited(true, document(timeline, change))

    yield "a key swapped under its name", "key_misnamed", key(2, jwk=attacker)
    yield "a key swapped, name and all", "keys_changed", key(2, jwk=attacker, kid=thumbprint(attacker))
    yield "two phones' keys exchanged", "key_of_another_phone", edited(true, document(keys, _exchange))
    yield (
        "a key given to another person",
        "actor_other",
        key(2, person={"id": "usr-mallory", "name": "Mallory", "role": "courier"}),
    )
    yield (
        "a person renamed",
        "keys_changed",
        key(2, person={**cast.courier.entry()["person"], "name": "Mallory"}),
    )
    yield "a key said to be revoked", "key_revoked", key(2, revoked_at="2026-11-22T07:00:00.000Z")
    yield "a later enrolment", "time_before_enrolment", key(2, enrolled_at="2026-11-22T11:00:00.000Z")
    yield "a key taken out", "key_unknown", edited(true, document(keys, lambda held: held["keys"].pop(2)))
    yield (
        "the server's key swapped",
        "seal_signature",
        edited(
            true,
            document(keys, lambda held: held.update(server=thumbprint(attacker))),
            document(keys, lambda held: held["keys"][0].update(jwk=attacker, kid=thumbprint(attacker))),
        ),
    )
    yield "keys that are no JSON", "member_malformed", edited(true, replaced(keys, b"{"))
    yield (
        "a member of keys.json twice",
        "member_malformed",
        edited(true, replaced(keys, true[keys].replace(b'"format": 1,', b'"format": 1, "format": 1,'))),
    )
    yield (
        "the timeline edited",
        "timeline_edited",
        told(lambda held: held["events"][1].update(actor_name="Mallory")),
    )
    yield (
        "a time moved in the timeline",
        "timeline_edited",
        told(lambda held: held["events"][1].update(received_at="2026-11-22T07:31:00.000Z")),
    )
    withheld = members_of(cast.write(cast.retold(lambda t: t["events"][1]["blobs"][2].update(withheld=True))))
    for name, value in (("a number", 1), ("a text", "1"), ("nothing", None)):
        edit = document(
            timeline, lambda held, value=value: held["events"][1]["blobs"][2].update(withheld=value)
        )
        yield f"yes in the timeline turned into {name}", "timeline_edited", edited(withheld, edit)
    yield "a finding taken out of the timeline", "timeline_edited", told(lambda held: held["parcels"].clear())
    yield "the seal taken out", "seal_missing", told(lambda held: held.pop("seal"))
    yield (
        "one byte of the seal",
        "seal_signature",
        told(lambda held: held.update(seal=flipped(held["seal"].encode(), len(held["seal"]) - 20).decode())),
    )
    yield "a seal made by the phone", "seal_signature", told(lambda held: held.update(seal=_by(cast, held)))
    yield "timeline.json that is no JSON", "member_malformed", edited(true, replaced(timeline, b"[]"))
    yield (
        "the printed proof replaced",
        "pdf_changed",
        edited(true, replaced("proof.pdf", b"%PDF-1.7 another\n")),
    )
    yield (
        "the page replaced",
        "page_changed",
        edited(true, replaced("verify.html", b"<h1>All of it holds.</h1>")),
    )
    for name in ("events.jws", keys, "receipts.jws", timeline, "proof.pdf", "verify.html"):
        yield (
            f"{name} taken out",
            "member_missing",
            edited(true, lambda held, name=name: held.pop(name) and None),
        )


def _by(cast: Cast, told: dict[str, Any]) -> str:
    document_ = {name: value for name, value in told.items() if name != "seal"}
    return sign(document_, cast.courier.key, SEAL_TYP)


def _exchange(held: dict[str, Any]) -> None:
    one, other = held["keys"][1], held["keys"][2]
    for name in ("kid", "jwk"):
        one[name], other[name] = other[name], one[name]


def _reword(text: str, old: str, new: str) -> str:
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    assert old in raw, old
    return b64(raw.replace(old, new, 1).encode())


def _later(text: str) -> str:
    """An hour later, wherever the time stands."""
    raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()
    return _reword(text, "T07:30", "T06:30") if "T07:30" in raw else _reword(text, "T08:00", "T07:55")


def _other_photo(text: str) -> str:
    photo = payload_of(f"a.{text}.b")["blobs"][0]["sha256"]
    return _reword(text, photo, "0" * 64)


def _hs256(cast: Cast) -> Callable[[str], str]:
    def change(jws: str) -> str:
        signed = header(alg="HS256")(jws).rsplit(".", 1)[0]
        secret = json.dumps(public_jwk(cast.courier.key)).encode()
        return f"{signed}.{b64(hmac.new(secret, signed.encode(), hashlib.sha256).digest())}"

    return change


def _other_s(text: str) -> str:
    """The other signature that every ECDSA signature comes with: it fits, and its digest is another."""
    order = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
    raw = base64.urlsafe_b64decode(text + "==")
    s = order - int.from_bytes(raw[32:], "big")
    return b64(raw[:32] + s.to_bytes(32, "big"))


def tampered(true: Members, cast: Cast) -> Iterator[Case]:
    """All of them: (name, the finding that must name it, the members)."""
    assert PARCEL in true["timeline.json"].decode()
    yield from of_photos(true)
    yield from of_events(true, cast)
    yield from of_headers(true, cast)
    yield from of_receipts(true, cast)
    yield from of_documents(true, cast)
