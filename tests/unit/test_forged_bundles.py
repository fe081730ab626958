"""Every forgery of a proof bundle is caught and named; the same vectors are run by the page's JavaScript."""

from __future__ import annotations

import base64
import copy
import io
import json
import zlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.evidence.bundle.archive import read_archive
from sync.evidence.bundle.checks.seal import says_the_same
from sync.evidence.bundle.contents import MOST
from sync.evidence.bundle.findings import AREAS, CODES, NoBundle
from sync.evidence.bundle.limits import MAX_PICTURE
from sync.evidence.bundle.verify import Verdict, verify_bundle
from tests.vectors.forgeries.cast import zipped

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "bundles.json").read_text("utf-8"))
CASES: list[dict[str, Any]] = VECTORS["cases"]
FORGED = [case for case in CASES if case["group"] not in {"true", "none"}]


def piece(number: int) -> bytes:
    return zlib.decompress(base64.b64decode(VECTORS["pool"][number]))


def file_of(case: dict[str, Any]) -> bytes:
    if "raw" in case:
        return piece(case["raw"])
    return zipped([(name, piece(number)) for name, number in case["members"]])


def verified(data: bytes, server_key: str | None = None) -> Verdict:
    return verify_bundle(io.BytesIO(data), server_key)


@cache
def true_bundle() -> bytes:
    return file_of(CASES[0])


@pytest.mark.parametrize("case", FORGED, ids=[case["name"] for case in FORGED])
def test_a_forgery_is_caught_and_named(case: dict[str, Any]) -> None:
    verdict = verified(file_of(case), case["server_key"])
    assert not verdict.all_hold
    assert case["named"] in verdict.codes
    assert verdict.codes == case["faults"]


@pytest.mark.parametrize("case", [c for c in CASES if c["group"] == "true"], ids=lambda case: case["name"])
def test_a_true_bundle_holds(case: dict[str, Any]) -> None:
    verdict = verified(file_of(case))
    notes = {finding.code for area in AREAS for finding in verdict.areas[area]}
    assert verdict.all_hold, verdict.codes
    assert not case["named"] or case["named"] in notes


@pytest.mark.parametrize("case", [c for c in CASES if c["group"] == "none"], ids=lambda case: case["name"])
def test_what_is_no_bundle_is_told_so(case: dict[str, Any]) -> None:
    with pytest.raises(NoBundle) as refused:
        verified(file_of(case))
    assert refused.value.code == case["named"]
    assert refused.value.title
    assert refused.value.detail


def test_at_least_forty_forgeries_are_tried_and_nearly_every_finding_is_named_by_one() -> None:
    named = {code for case in CASES for code in case["faults"] + case["notes"]}
    assert len(FORGED) >= 40
    # Found only by who holds a newer Baton's bundle, by a detail of another finding's case, or with certificates
    # (test_stamped_bundles.py).
    assert set(CODES) - named <= {"withdrawn", "photo_type", "receipts_changed", "stamp_signature"}


def test_without_the_expected_fingerprint_a_forgers_own_server_looks_true() -> None:
    """What mathematics cannot tell: whose key the server's is. So the command prints it, and takes one to expect."""
    [case] = [case for case in CASES if case["named"] == "server_key_unexpected"]
    assert verified(file_of(case)).all_hold


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        (True, 1, False),
        (False, 0, False),
        (True, 1.0, False),
        (None, 0, False),
        ("1", 1, False),
        ([], {}, False),
        (3, 3.0, True),
        ({"a": [1, {"b": True}], "c": None}, {"c": None, "a": [1.0, {"b": True}]}, True),
        ({"a": [1, {"b": True}]}, {"a": [1, {"b": 1}]}, False),
        ({"a": None}, {"b": None}, False),
        ([1, 2], [1], False),
    ],
)
def test_a_timeline_says_what_its_seal_says_in_every_language(one: Any, other: Any, is_same: bool) -> None:
    assert says_the_same(one, other) is is_same
    assert says_the_same(other, one) is is_same


def parts_of(data: bytes) -> dict[str, bytes]:
    archive = read_archive(io.BytesIO(data))
    return {m.name: archive.read(m, MOST.get(m.name, MAX_PICTURE)) for m in archive.members}


def holds_and_was_changed(data: bytes) -> bool:
    """Whether a changed file passes though what is in it changed."""
    try:
        return verified(data).all_hold and parts_of(data) != parts_of(true_bundle())
    except NoBundle:
        return False


@given(st.data())
def test_no_flipped_byte_passes(data: st.DataObject) -> None:
    true = true_bundle()
    changed = bytearray(true)
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(true) - 1))] ^= data.draw(st.integers(1, 255))
    assert not holds_and_was_changed(bytes(changed))


@given(st.data())
def test_no_piece_cut_out_put_in_or_moved_passes(data: st.DataObject) -> None:
    true = true_bundle()
    start = data.draw(st.integers(0, len(true)))
    end = data.draw(st.integers(start, min(len(true), start + 4000)))
    piece_ = data.draw(st.one_of(st.just(true[start:end][::-1]), st.binary(max_size=64)))
    assert not holds_and_was_changed(true[:start] + piece_ + true[end:])


@given(st.data())
def test_no_change_of_one_part_passes_in_a_sound_zip(data: st.DataObject) -> None:
    """The forger is no fool: checksums and directory are made anew."""
    parts = parts_of(true_bundle())
    name = data.draw(st.sampled_from(sorted(parts)))
    old = parts[name]
    at = data.draw(st.integers(0, len(old) - 1))
    new = data.draw(st.one_of(st.just(b""), st.binary(min_size=1, max_size=3)))
    changed = old[:at] + new + old[at + 1 :]
    if changed != old:
        assert not verified(zipped({**parts, name: changed}.items())).all_hold


@pytest.mark.parametrize("name", ["keys.json", "timeline.json", "stamps.json"])
def test_no_member_of_a_document_can_be_left_out_or_emptied(name: str) -> None:
    """A verifier that stumbles over what is missing is one that was never asked."""
    parts = parts_of(
        file_of(next(case for case in CASES if case["name"] == "a stamped bundle whose page carries it"))
    )
    document = json.loads(parts[name])
    places = list(places_in(document))
    assert len(places) > 20
    for place in places:
        for how in ("left out", "null", "another name"):
            changed = json.dumps(without(document, place, how), ensure_ascii=False).encode()
            assert not verified(zipped({**parts, name: changed}.items())).all_hold, (place, how)


def places_in(value: Any, *above: str | int) -> Iterator[tuple[str | int, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, member in inner:
        yield (*above, name)
        yield from places_in(member, *above, name)


def without(document: Any, place: tuple[str | int, ...], how: str) -> Any:
    changed = copy.deepcopy(document)
    holder = changed
    for name in place[:-1]:
        holder = holder[name]
    last = place[-1]
    if how == "null" or isinstance(holder, list):
        holder[last] = None
    else:
        taken = holder.pop(last)
        if how == "another name":
            holder[f"{last}s"] = taken
    return changed
