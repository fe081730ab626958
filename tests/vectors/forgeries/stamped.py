"""Bundles with a time stamp by a real authority, and what can be done to one, also with the server's key."""

from __future__ import annotations

import base64
import json
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from sync.evidence.bundle.write import Facts
from sync.evidence.timestamp import merkle, token
from sync.protocol.envelope import digest
from tests.support.tsa import TimeAuthority
from tests.vectors.forgeries.cast import Cast, members_of, zipped
from tests.vectors.forgeries.edits import document, edited

STAMPS = "stamps.json"
ORG, DAY = "org-1", "2026-11-22"
_OTHERS = [bytes([n]) * 32 for n in range(1, 9)]  # what else came in on that day
Case = tuple[str, str, bytes]


def stamp_of(
    authority: TimeAuthority, digests: list[str], *, org: str = ORG, day: str = DAY, before: int = 3
) -> dict[str, Any]:
    """A day's stamp over these events, among others, as stamps.json has it."""
    leaves = [*_OTHERS[:before], *(bytes.fromhex(sha256) for sha256 in digests), *_OTHERS[before:]]
    root, tree = merkle.root(leaves), merkle.levels(leaves)
    places = {sha256: leaves.index(bytes.fromhex(sha256)) for sha256 in digests}
    return {
        "day": day,
        "size": len(leaves),
        "root": root.hex(),
        "by": "Stamps of the tests",
        "response": base64.b64encode(authority.stamp(token.head(org, day, len(leaves), root))).decode(),
        "events": [
            {"sha256": sha256, "index": index, "path": [step.hex() for step in merkle.path_in(tree, index)]}
            for sha256, index in places.items()
        ],
    }


def stamped(cast: Cast, authority: TimeAuthority, **how: Any) -> Facts:
    """The true story, its day stamped. The authority's clock is the real one, so the day must be over."""
    digests = [digest(jws) for jws in cast.facts.events]
    return replace(cast.facts, stamps=[stamp_of(authority, digests, **how)])


def forged_stamps(cast: Cast) -> Iterator[tuple[str, str, str, bytes]]:
    """(name, group, the finding that must name it, the file)."""
    with tempfile.TemporaryDirectory() as folder:
        authority, stranger = TimeAuthority(Path(folder) / "tsa"), TimeAuthority(Path(folder) / "stranger")
        facts = stamped(cast, authority)
        yield "a stamped bundle", "true", "stamp_unchecked", cast.write(facts)
        yield "a stamped bundle whose page carries it", "true", "", cast.write(facts, embed_up_to=10**9)
        for name, code, data in _by_anybody(members_of(cast.write(facts))):
            yield name, "tampered", code, data
        for name, code, data in _by_operators(cast, facts, authority):
            yield name, "operator", code, data
        # Whose signature it is takes certificates to tell; that it was not checked is said.
        other = cast.write(replace(facts, stamps=stamped(cast, stranger).stamps))
        yield "a stamp by an authority of the forger's own", "true", "stamp_unchecked", other


def _by_anybody(true: dict[str, bytes]) -> Iterator[Case]:
    def told(edit: Callable[[dict[str, Any]], None]) -> bytes:
        return zipped(edited(true, document(STAMPS, lambda held: edit(held["stamps"][0]))).items())

    yield "the stamps taken out", "stamps_removed", zipped((n, d) for n, d in true.items() if n != STAMPS)
    yield "another name for the authority", "stamps_changed", told(lambda s: s.update(by="The king himself"))
    yield "an event's stamp untold", "stamps_changed", told(lambda s: s["events"].pop(0))
    yield "a step of a path changed", "stamp_path", told(_step)
    yield "stamps that are no JSON", "member_malformed", zipped({**true, STAMPS: b"{"}.items())


def _by_operators(cast: Cast, facts: Facts, authority: TimeAuthority) -> Iterator[Case]:
    digests = [digest(jws) for jws in cast.facts.events]
    hidden = cast.left_out

    def told(edit: Callable[[dict[str, Any]], Any]) -> bytes:
        stamps = json.loads(json.dumps(facts.stamps))
        edit(stamps[0])
        return cast.write(replace(facts, stamps=stamps))

    def given(stamp: dict[str, Any]) -> bytes:
        return cast.write(replace(facts, stamps=[stamp]))

    own = facts.stamps[0]
    yield "a path changed and sealed", "stamp_path", told(_step)
    yield "a path cut short", "stamp_path", told(lambda s: s["events"][0]["path"].pop())
    yield (
        "a path with a step too many",
        "stamp_path",
        told(lambda s: s["events"][0]["path"].append("00" * 32)),
    )
    yield "another place in the list", "stamp_path", told(lambda s: s["events"][0].update(index=4))
    yield "a place beyond the list", "stamp_path", told(lambda s: s["events"][0].update(index=99))
    yield "a place before the list", "stamp_path", told(lambda s: s["events"][0].update(index=-1))
    yield "a longer list than was stamped", "stamp_imprint", told(lambda s: s.update(size=s["size"] + 1))
    other = stamp_of(authority, digests, day="2026-11-23", before=5)
    yield "another day's root", "stamp_imprint", told(lambda s: s.update(root=other["root"]))
    yield "another day's answer", "stamp_imprint", told(lambda s: s.update(response=other["response"]))
    yield "another day for the same list", "stamp_imprint", told(lambda s: s.update(day="2026-11-21"))
    yield "another shop's stamp", "stamp_imprint", given(stamp_of(authority, digests, org="org-2"))
    later = stamp_of(authority, digests[1:])
    yield (
        "an event added to a stamp that was given without it",
        "stamp_path",
        given({**later, "events": [{**later["events"][0], "sha256": digests[0]}, *later["events"]]}),
    )
    wider = stamp_of(authority, [*digests, hidden])
    late = {name: wider[name] for name in ("size", "root", "events")}
    yield "an event added to the list afterwards", "stamp_imprint", given({**own, **late})
    yield "a stamp over an event that is not shown", "stamp_stranger", given(wider)
    yield "an answer that is cut short", "stamp_unreadable", told(_response(lambda raw: raw[:-30]))
    yield "an answer with something behind it", "stamp_unreadable", told(_response(lambda raw: raw + b"\0"))
    yield "an answer that is none", "stamp_unreadable", told(_response(lambda _: b"<html>"))
    refusal = authority.answer(
        authority.openssl("ts", "-query", "-digest", "00" * 32, "-sha256", "-cert"), "refuse"
    )
    yield "a refusal", "stamp_unreadable", told(_response(lambda _: refusal))
    yield "an answer in no base64", "stamp_unreadable", told(lambda s: s.update(response=f" {s['response']}"))
    yield "a stamp older than the record", "time_after_stamp", told(_response(_long_ago))
    yield "a stamp older than the receipt", "stamp_before_receipt", told(_response(_long_ago))


def _step(stamp: dict[str, Any]) -> None:
    stamp["events"][0]["path"][1] = stamp["events"][1]["path"][0]


def _response(change: Callable[[bytes], bytes]) -> Callable[[dict[str, Any]], None]:
    def edit(stamp: dict[str, Any]) -> None:
        stamp["response"] = base64.b64encode(change(base64.b64decode(stamp["response"]))).decode()

    return edit


def _long_ago(raw: bytes) -> bytes:
    """Its time set back: a forged signature, which only who has the certificates can tell."""
    at = raw.index(b"\x18\x0f20")
    return raw[: at + 2] + b"20261122070000Z" + raw[at + 17 :]
