"""Write tests/vectors/bundles.json. Signatures differ each time, so it is only written anew on purpose.

`pool` holds each different part once, deflated; a case has `members` (name, number in the pool), or `raw`, a whole
file. `named` is the finding that must name what was done, `faults` and `notes` are all that the command finds, `exit`
its exit code.
"""

from __future__ import annotations

import base64
import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sync.evidence.bundle.findings import AREAS, NoBundle
from sync.evidence.bundle.slot import split_page
from sync.evidence.bundle.verify import verify_bundle
from tests.vectors.forgeries.cast import Cast, Members, make_cast, members_of, zipped
from tests.vectors.forgeries.insiders import all_servers, of_operators, of_phones, true_ones
from tests.vectors.forgeries.packing import changed_packing, no_bundles, packed_anew, repacked
from tests.vectors.forgeries.stamped import forged_stamps
from tests.vectors.forgeries.tampering import tampered

FILE = Path(__file__).parents[1] / "bundles.json"


class Pool:
    """Every different piece of bytes once."""

    def __init__(self) -> None:
        self.pieces: list[str] = []
        self._by_digest: dict[str, int] = {}

    def add(self, data: bytes) -> int:
        """The number of these bytes."""
        digest = hashlib.sha256(data).hexdigest()
        if digest not in self._by_digest:
            self._by_digest[digest] = len(self.pieces)
            self.pieces.append(base64.b64encode(zlib.compress(data, 9)).decode())
        return self._by_digest[digest]


def cases(cast: Cast, pool: Pool) -> Iterator[dict[str, Any]]:
    """Every case, with what the command finds in it."""
    whole = cast.write(embed_up_to=10**9)
    true, slim = members_of(whole), members_of(cast.write())
    for name, note, data in (*true_ones(cast), *packed_anew(slim)):
        yield told(name, "true", note, data, _kept(pool, data))
    for name, code, members in tampered(slim, cast):
        data = zipped(members.items())
        yield told(name, "tampered", code, data, _kept(pool, data))
    for group, found in (
        ("phone", of_phones(cast)),
        ("operator", of_operators(cast)),
        ("packing", changed_packing(slim)),
        ("none", no_bundles(slim)),
    ):
        for name, code, data in found:
            yield told(name, group, code, data, _kept(pool, data, group))
    for name, group, code, data in forged_stamps(cast):
        yield told(name, group, code, data, _kept(pool, data))
    carried = {**true, "verify.html": members_of(cast.write(cast.facts, embed_up_to=10**9))["verify.html"]}
    data = zipped(carried.items())
    yield told("a page that carries another bundle", "tampered", "page_changed", data, _kept(pool, data))
    for name, data in _odd_pages(cast):
        yield told(name, "tampered", "page_changed", data, _kept(pool, data))
    data = all_servers(cast)
    kid = cast.server.kid
    yield told(
        "a whole bundle of the forger's own",
        "operator",
        "server_key_unexpected",
        data,
        _kept(pool, data),
        kid,
    )


def _odd_pages(cast: Cast) -> Iterator[tuple[str, bytes]]:
    """Pages that carry their bundle, yet not in the one way that Baton writes it."""
    true, carried = _with_bits_to_spare(cast)
    anew = base64.b64encode(repacked(members_of(base64.b64decode(carried)).items()))
    letters = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    text = carried.rstrip(b"=")
    turned = text[:-1] + letters[letters.index(text[-1:]) ^ 1 :][:1] + carried[len(text) :]
    for name, inside in (("packed anew", anew), ("with its last letter turned", turned)):
        page = true["verify.html"].replace(carried, inside)
        yield f"a page that carries the bundle {name}", zipped({**true, "verify.html": page}.items())


def _with_bits_to_spare(cast: Cast) -> tuple[Members, bytes]:
    """A true bundle, and what its page carries, of a length that leaves the last letter of base64 bits to spare."""
    name = cast.facts.timeline["shop"]["name"]
    for more in range(3):
        facts = cast.retold(lambda t, more=more: t["shop"].update(name=f"{name}{'.' * more}"))
        true = members_of(cast.write(facts, embed_up_to=10**9))
        _, carried = split_page(true["verify.html"])
        if carried and carried.endswith(b"="):
            return true, carried
    raise AssertionError("no length will do")


def _kept(pool: Pool, data: bytes, group: str = "") -> dict[str, Any]:
    """By its parts where Baton's own zip of them is the same file, else whole."""
    if group not in {"packing", "none"}:
        parts = members_of(data)
        if zipped(parts.items()) == data:
            return {"members": [[name, pool.add(piece)] for name, piece in parts.items()]}
    return {"raw": pool.add(data)}


def told(
    name: str, group: str, named: str, data: bytes, where: dict[str, Any], server_key: str | None = None
) -> dict[str, Any]:
    """One case."""
    case = {"name": name, "group": group, "named": named, **where, "server_key": server_key}
    try:
        verdict = verify_bundle(io.BytesIO(data), server_key)
    except NoBundle as refused:
        return {**case, "exit": 2, "faults": [refused.code], "notes": []}
    notes = sorted({f.code for area in AREAS for f in verdict.areas[area] if not f.is_fault})
    return {**case, "exit": 0 if verdict.all_hold else 1, "faults": verdict.codes, "notes": notes}


def main() -> None:
    """Write the file, and say what is not named as it should be."""
    cast, pool = make_cast(), Pool()
    made = list(cases(cast, pool))
    for case in made:
        if case["named"] and case["named"] not in case["faults"] + case["notes"]:
            print(f"{case['name']}: {case['named']} is not among {case['faults']} {case['notes']}")
    FILE.write_text(json.dumps({"pool": pool.pieces, "cases": made}, indent=0) + "\n", encoding="utf-8")
    print(f"{len(made)} cases, {FILE.stat().st_size // 1024} kB")


if __name__ == "__main__":
    main()
