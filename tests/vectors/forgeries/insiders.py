"""What those who hold a key can do: a phone's owner who signs again, an operator who seals something else."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from sync.evidence.bundle.write import Facts
from sync.protocol.envelope import digest, sign
from sync.protocol.keys import generate_key, public_jwk, thumbprint
from tests.vectors.forgeries.cast import OTHER, Cast, told_event

Case = tuple[str, str, bytes]


def resigned(cast: Cast, name: str, received: str = "08:00", key: Any = None, **members: Any) -> Facts:
    """The facts with one event that its phone's owner sealed anew, receipted and sealed like the true one."""
    payload = {**cast.payload(name), **members}
    jws = sign(payload, key or cast.courier.key)
    return with_event(cast, name, jws, received)


def with_event(cast: Cast, name: str, jws: str, received: str = "08:00", **told: Any) -> Facts:
    """The facts with another event in the place of one, as if it had come that way."""
    old = cast.sealed[name]
    events = [jws if held == old else held for held in cast.facts.events]
    number = cast.facts.events.index(old)

    def edit(timeline: dict[str, Any]) -> None:
        timeline["events"][number] = told_event(jws, received, **{"actor_name": "Budi Santoso", **told})

    seen = {**cast.sealed, name: jws}
    again = copy.copy(cast)
    again.sealed = seen
    named = [n for n in ("collect", "other", "report") if n in seen]
    receipts = [
        cast.facts.receipts[0],
        again.receipt(cast.courier, "08:00", *named),
        again.receipt(cast.courier, "09:10", "deliver"),
    ]
    return cast.retold(edit, events=events, receipts=receipts)


def of_phones(cast: Cast) -> Iterator[Case]:
    """The owner of a phone, who has its key."""
    yield (
        "the clock set back",
        "time_went_back",
        cast.write(resigned(cast, "deliver", "09:10", at="2026-11-22T07:10:00.000Z")),
    )
    yield (
        "the clock set ahead",
        "time_after_receipt",
        cast.write(resigned(cast, "deliver", "09:10", at="2026-11-22T19:10:00.000Z")),
    )
    yield (
        "the clock moved by the offset",
        "time_after_receipt",
        cast.write(resigned(cast, "deliver", "09:10", offset_ms=36_000_000)),
    )
    yield (
        "a time before the phone was enrolled",
        "time_before_enrolment",
        cast.write(resigned(cast, "collect", at="2026-11-20T07:30:00.000Z")),
    )
    yield "another prev", "chain_broken", cast.write(resigned(cast, "deliver", "09:10", prev="0" * 64))
    yield "a prev that was never told", "chain_broken", cast.write(resigned(cast, "report", prev="0" * 64))
    yield "a first event with a prev", "chain_broken", cast.write(resigned(cast, "collect", prev="0" * 64))
    yield (
        "a number twice",
        "chain_fork",
        cast.write(resigned(cast, "deliver", "09:10", seq=3, prev=cast.payload("report")["prev"])),
    )
    yield (
        "another person's name",
        "actor_other",
        cast.write(resigned(cast, "deliver", "09:10", actor="usr-mallory")),
    )
    yield (
        "a member twice in a payload",
        "event_unreadable",
        cast.write(with_event(cast, "deliver", _twice(cast), "09:10")),
    )
    yield (
        "a payload that lacks its digest",
        "event_unreadable",
        cast.write(
            with_event(
                cast,
                "deliver",
                sign({**cast.payload("deliver"), "blobs": [{"role": "photo"}]}, cast.courier.key),
                "09:10",
                blobs=[],
            )
        ),
    )
    yield (
        "signed with another enrolled phone's key",
        "key_of_another_phone",
        cast.write(resigned(cast, "deliver", "09:10", key=cast.seller.key)),
    )
    again = sign({**cast.payload("collect"), "at": "2026-11-22T07:00:00.000Z"}, cast.courier.key)
    events = [again if held == cast.sealed["collect"] else held for held in cast.facts.events]
    yield (
        "an event made anew after its receipt",
        "receipt_other_bytes",
        cast.write(replace(with_event(cast, "collect", again), receipts=cast.facts.receipts, events=events)),
    )


def _twice(cast: Cast) -> str:
    """A payload that says two times; two readers may believe two different ones."""
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

    from sync.protocol.keys import b64url, unb64url

    head, body, _ = cast.sealed["deliver"].split(".")
    raw = unb64url(body)[:-1] + b',"at":"2026-11-22T01:00:00.000Z"}'
    signed = f"{head}.{b64url(raw)}"
    r, s = decode_dss_signature(cast.courier.key.sign(signed.encode(), ec.ECDSA(hashes.SHA256())))
    return f"{signed}.{b64url(r.to_bytes(32, 'big') + s.to_bytes(32, 'big'))}"


def of_operators(cast: Cast) -> Iterator[Case]:
    """Whoever runs the server, who has its key, but no phone's."""

    def told(edit: Callable[[dict[str, Any]], None], **parts: Any) -> bytes:
        return cast.write(cast.retold(edit, **parts))

    yield (
        "a time retold",
        "timeline_contradicts",
        told(lambda t: t["events"][1].update(at="2026-11-22T06:30:00.000Z")),
    )
    yield (
        "a later arrival retold",
        "timeline_contradicts",
        told(lambda t: t["events"][1].update(received_at="2026-11-22T08:30:00.000Z")),
    )
    yield (
        "an effective time retold",
        "timeline_contradicts",
        told(lambda t: t["events"][1].update(effective_at="2026-11-22T07:00:00.000Z")),
    )
    yield "a kind retold", "timeline_contradicts", told(lambda t: t["events"][1].update(kind="drop_off"))
    yield "another parcel's records under this name", "parcel_other", told(_renamed)
    yield "another handover's records", "event_other", told(_of_handover("0" * 36))
    yield "a list of another parcel", "timeline_contradicts", told(_listed_as_another)
    yield "a photo untold", "timeline_contradicts", told(lambda t: t["events"][1]["blobs"].pop(0))
    yield (
        "an event left out between two",
        "chain_unaccounted",
        told(
            lambda t: t["events"].pop(2), events=[e for e in cast.facts.events if e != cast.sealed["report"]]
        ),
    )
    yield (
        "an event left out and called another parcel's, falsely",
        "chain_broken",
        told(_cover(cast), events=[e for e in cast.facts.events if e != cast.sealed["report"]]),
    )
    yield (
        "no word of what lies between",
        "chain_unaccounted",
        told(lambda t: t["chains"][1]["between"].clear()),
    )
    yield (
        "an event that never arrived",
        "chain_gap",
        told(lambda t: t["chains"][1]["between"][0].update(sha256=None, last_sha256=None)),
    )
    yield (
        "a fork that the server has seen",
        "chain_fork",
        told(
            lambda t: t["chains"][1]["forks"].append(
                {"seq": 3, "sha256": [digest(cast.sealed["report"]), "0" * 64]}
            )
        ),
    )
    for state in ("never_arrived", "lost", "damaged", "deleted_by_policy"):
        yield (
            f"a photo that is {state.replace('_', ' ')}",
            f"photo_{state}",
            told(lambda t, state=state: t["events"][1]["blobs"][0].update(state=state)),
        )
    yield (
        "a photo withheld as another parcel's",
        "photo_withheld",
        told(lambda t: t["events"][1]["blobs"][0].update(state="left_out")),
    )
    yield (
        "an event that the server never receipted",
        "receipt_missing",
        cast.write(replace(cast.facts, receipts=cast.facts.receipts[:2])),
    )
    yield (
        "an event made up by the server",
        "key_of_another_phone",
        cast.write(resigned(cast, "deliver", "09:10", key=cast.server.key)),
    )
    yield (
        "a signature made up by the server",
        "event_signature",
        cast.write(with_event(cast, "deliver", _claimed(cast), "09:10")),
    )
    yield "an unsigned phone", "unsigned", cast.write(_unsigned(cast))
    yield "a phone revoked before its event came", "key_revoked", cast.write(_revoked(cast))
    yield "somebody else's seal", "seal_signature", cast.write(key=generate_key())


def _renamed(timeline: dict[str, Any]) -> None:
    """Everything that the operator alone says of which parcel it is."""
    timeline["about"]["parcel"] = timeline["parcels"][0]["code"] = OTHER
    timeline["names"] = [OTHER]


def _of_handover(event: str) -> Callable[[dict[str, Any]], None]:
    """A bundle about a handover: no parcel, no names."""

    def edit(timeline: dict[str, Any]) -> None:
        timeline.update(about={"parcel": None, "event": event}, names=[])

    return edit


def _listed_as_another(timeline: dict[str, Any]) -> None:
    timeline["parcels"][0]["code"] = OTHER


def _cover(cast: Cast) -> Callable[[dict[str, Any]], None]:
    hidden = cast.left_out

    def edit(timeline: dict[str, Any]) -> None:
        timeline["events"].pop(2)
        rolling = hashlib.sha256(f"{hidden}\n{hidden}\n".encode()).hexdigest()
        timeline["chains"][1]["between"] = [{"first": 2, "last": 3, "sha256": rolling, "last_sha256": hidden}]

    return edit


def _claimed(cast: Cast) -> str:
    """Signed by the server, with the phone's kid in the header."""
    head = cast.sealed["deliver"].split(".")[0]
    _, body, signature = sign(cast.payload("deliver"), cast.server.key).split(".")
    return f"{head}.{body}.{signature}"


def _unsigned(cast: Cast) -> Facts:
    facts = with_event(cast, "deliver", sign(cast.payload("deliver"), None), "09:10")
    keys = copy.deepcopy(dict(facts.keys))
    keys["keys"].append({**keys["keys"][2], "kid": None, "jwk": None})
    keys["keys"][2]["device"] = "dev-earlier"
    return replace(facts, keys=keys)


def _revoked(cast: Cast) -> Facts:
    keys = copy.deepcopy(dict(cast.facts.keys))
    keys["keys"][2]["revoked_at"] = "2026-11-22T09:05:00.000Z"
    return replace(cast.facts, keys=keys)


def true_ones(cast: Cast) -> Iterator[tuple[str, str, bytes]]:
    """What holds: the note that it comes with ("" for none)."""
    yield "the true bundle", "", cast.write(embed_up_to=10**9)
    yield "a true bundle whose page carries nothing", "", cast.write()
    yield (
        "a true bundle from before a restore",
        "epoch_changed",
        cast.write(cast.retold(lambda t: t.update(epoch="later", epochs=[*t["epochs"], "later"]))),
    )
    yield (
        "later events that have not come",
        "chain_gap_after",
        cast.write(cast.retold(lambda t: t["chains"][1]["after"].append({"first": 5, "last": 6}))),
    )
    yield "a receipt signed later", "receipt_late", cast.write(cast.retold(_earlier))
    yield (
        "a clock that was off",
        "clock_off",
        cast.write(resigned(cast, "deliver", "09:10", at="2026-11-22T08:00:00.000Z", offset_ms=3_600_000)),
    )
    yield (
        "a clock never compared",
        "clock_unmeasured",
        cast.write(resigned(cast, "deliver", "09:10", offset_ms=None)),
    )


def _earlier(timeline: dict[str, Any]) -> None:
    timeline["events"][3]["received_at"] = "2026-11-22T09:05:00.000Z"


def all_servers(cast: Cast) -> bytes:
    """A whole bundle sealed and receipted by a server of the forger's own: only its fingerprint tells."""
    mine = generate_key()
    jwk = public_jwk(mine)
    keys = copy.deepcopy(dict(cast.facts.keys))
    keys["server"] = thumbprint(jwk)
    keys["keys"][0].update(jwk=jwk, kid=thumbprint(jwk))
    review = sign(cast.payload("review"), mine)
    facts = with_event(cast, "review", review, "10:00", actor_name="Olga Office")
    receipts = [
        cast.receipt(cast.seller, "07:05", "pack", key=mine),
        cast.receipt(cast.courier, "08:00", "collect", "other", "report", key=mine),
        cast.receipt(cast.courier, "09:10", "deliver", key=mine),
    ]
    return cast.write(replace(facts, keys=keys, receipts=receipts), key=mine)
