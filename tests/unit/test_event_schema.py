"""Payloads: the schema is the authority, the quick check only ever agrees with it."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sync.protocol import events, schema
from sync.protocol.strictjson import MAX_INT
from tests.unit.phones import Phone, blob, new_codes, proof

CODES = new_codes(3)


def good() -> dict[str, Any]:
    """A payload with every member in use."""
    return Phone().payload(
        "collect",
        list(CODES),
        run="run-1",
        carrier="jnt",
        expected=3,
        place={"id": "p-1", "lat": -6.2, "lon": 106, "accuracy_m": 12.5},
        note="",
        ref="019a9b00-0000-7000-8000-000000000001",
        **{**proof(), "blobs": [blob(), blob("signature"), blob("tag", parcel=CODES[0])]},
    )


ODD = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-MAX_INT, MAX_INT),
    st.floats(),
    st.text(max_size=70),
    st.sampled_from(
        ["", " ", "x" * 201, "2026-11-22T07:15:30Z", "0" * 64, "photo", [], {}, [1], [[]], [None], ["", "a"]]
    ),
    st.lists(st.text(max_size=3), max_size=3),
    st.dictionaries(st.sampled_from(["id", "lat", "lon", "name", "role", "sha256", "size"]), st.integers()),
)
PATHS = [
    *((name,) for name in good()),
    *(("place", name) for name in ("id", "lat", "lon", "accuracy_m", "more")),
    *(("counterpart", name) for name in ("name", "role")),
    *(("blobs", 0, name) for name in ("sha256", "type", "size", "role", "parcel")),
    ("blobs", 1),
    ("parcels", 1),
    ("stranger",),
]


def put(payload: dict[str, Any], path: tuple[Any, ...], value: Any, *, is_gone: bool) -> None:
    at: Any = payload
    for name in path[:-1]:
        at = at[name]
    if is_gone and isinstance(at, dict):
        at.pop(path[-1], None)
    else:
        at[path[-1]] = value


@settings(max_examples=1500, deadline=None)
@given(path=st.sampled_from(PATHS), value=ODD, is_gone=st.sampled_from([False, False, False, True]))
def test_what_passes_the_quick_check_passes_the_schema(
    path: tuple[Any, ...], value: Any, is_gone: bool
) -> None:
    payload = good()
    put(payload, path, value, is_gone=is_gone)
    is_good = schema.complaint(payload) is None
    assert is_good or not events.fits(payload)
    if is_good:
        events.read(payload, frozenset({payload["kind"]}))


@settings(max_examples=300, deadline=None)
@given(payload=st.dictionaries(st.sampled_from([*good(), "x"]), ODD))
def test_the_quick_check_is_never_wrong_about_nonsense(payload: dict[str, Any]) -> None:
    if events.fits(payload):
        assert schema.complaint(payload) is None


def test_what_the_app_sends_takes_the_quick_way() -> None:
    assert events.fits(good())
    for kind in ("pack", "void", "deliver"):
        assert events.fits(Phone().payload(kind, CODES))


REFUSED: dict[str, tuple[tuple[Any, ...], Any]] = {
    "no uuid": (("id",), "1"),
    "a uuid of version 4": (("id",), "019a9b00-0000-4000-8000-000000000001"),
    "a uuid in capitals": (("id",), "019A9B00-0000-7000-8000-000000000001"),
    "a uuid with a line break": (("id",), "019a9b00-0000-7000-8000-000000000001\n"),
    "seq 0": (("seq",), 0),
    "seq true": (("seq",), True),
    "seq as text": (("seq",), "1"),
    "seq 1.0": (("seq",), 1.0),
    "prev in capitals": (("prev",), "A" * 64),
    "prev too short": (("prev",), "a" * 63),
    "no actor": (("actor",), ""),
    "a local time": (("at",), "2026-11-22T07:15:30.123"),
    "a time with an offset": (("at",), "2026-11-22T07:15:30.123+07:00"),
    "February 30": (("at",), "2026-02-30T07:15:30.123Z"),
    "a number for a time": (("at",), 1763795730123),
    "Arabic digits": (("at",), "\u0662026-11-22T07:15:30.123Z"),
    "an offset of 200 years": (("offset_ms",), 6_311_433_600_000),
    "an offset with a fraction": (("offset_ms",), 0.5),
    "a parcel twice": (("parcels",), ["a", "a"]),
    "501 parcels": (("parcels",), [str(n) for n in range(501)]),
    "parcels as text": (("parcels",), "abc"),
    "an empty parcel code": (("parcels",), [""]),
    "a parcel code of 81 characters": (("parcels",), ["x" * 81]),
    "a number as parcel code": (("parcels",), [5]),
    "expected below zero": (("expected",), -1),
    "latitude 91": (("place", "lat"), 91),
    "latitude as text": (("place", "lat"), "1"),
    "a place as text": (("place",), "home"),
    "accuracy below zero": (("place", "accuracy_m"), -1),
    "an unknown role": (("counterpart", "role"), "thief"),
    "a name of 201 characters": (("counterpart", "name"), "x" * 201),
    "intact yes": (("intact",), "yes"),
    "a note longer than any event": (("note",), "x" * 65_537),
    "ref no uuid": (("ref",), "x"),
    "blobs as object": (("blobs",), {}),
    "1001 blobs": (("blobs",), [blob()] * 1001),
    "a blob without digest": (("blobs", 0, "sha256"), None),
    "a blob of size -1": (("blobs", 0, "size"), -1),
    "a blob of another role": (("blobs", 0, "role"), "selfie"),
    "data as list": (("data",), []),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_payload_that_is_wrong_is_malformed_by_name(name: str) -> None:
    path, value = REFUSED[name]
    payload = good()
    put(payload, path, value, is_gone=False)
    with pytest.raises(events.Malformed) as refused:
        events.read(payload)
    assert refused.value.code == "event_malformed"
    assert str(refused.value).startswith(str(path[0]))


@pytest.mark.parametrize("name", ["id", "device", "actor", "seq", "kind", "at"])
def test_identity_and_order_cannot_be_left_out(name: str) -> None:
    payload = good()
    del payload[name]
    with pytest.raises(events.Malformed):
        events.read(payload)


def test_what_may_be_null_may_be_absent() -> None:
    payload = good()
    for name in [*payload]:
        if name not in ("v", "id", "device", "actor", "seq", "kind", "at"):
            del payload[name]
    event = events.read(payload)
    assert (event.parcels, event.blobs, event.data, event.run) == ([], [], {}, None)


def test_unknown_members_are_kept_and_ignored() -> None:
    payload = {**good(), "weather": {"rain": True}}
    assert events.fits(payload)
    assert events.read(payload).payload["weather"] == {"rain": True}


@pytest.mark.parametrize(
    "at", ["2026-11-22T07:15:30Z", "1970-01-01T00:00:00.000Z", "2099-12-31T23:59:59.999999Z"]
)
def test_a_wrong_clock_is_no_reason_to_refuse(at: str) -> None:
    assert events.read({**good(), "at": at}).at.tzinfo is not None


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"v": 2}, "version_unknown"),
        ({"v": 0}, "version_unknown"),
        ({"v": "1"}, "event_malformed"),
        ({"v": True}, "event_malformed"),
        ({"v": None}, "event_malformed"),
        ({"kind": "teleport"}, "kind_unknown"),
        ({"kind": ""}, "kind_unknown"),
        ({"kind": 5}, "event_malformed"),
        ({"v": 2, "kind": "teleport", "parcels": 5}, "version_unknown"),
    ],
    ids=str,
)
def test_an_unknown_version_or_kind_has_its_own_name(change: dict[str, Any], code: str) -> None:
    with pytest.raises(events.Malformed) as refused:
        events.read({**good(), **change})
    assert refused.value.code == code


MISSING = [
    ("pack", {}, ("photo",)),
    ("pack", {"blobs": [blob("tag")]}, ("photo",)),
    ("collect", {}, ("intact", "photo", "counterpart", "signature")),
    ("drop_off", {**proof(), "parcels": []}, ("parcels",)),
    ("drop_off", {**proof(), "parcels": None}, ("parcels",)),
    ("collect", {**proof(), "intact": False}, ()),
    ("collect", {**proof(), "counterpart": {"name": "  ", "role": "seller"}}, ("counterpart",)),
    ("collect", {**proof(), "blobs": [blob("signature")]}, ("photo",)),
    ("deliver", {**proof(), "intact": None, "blobs": [blob("signature")]}, ()),
    ("deliver", {}, ("signature", "counterpart")),
    ("attempt", {"reason": "nobody_home"}, ("photo",)),
    ("report", {"blobs": [blob()]}, ("reason",)),
    ("report", {"reason": "retake", "ref": good()["ref"]}, ("photo",)),
    ("report", {"reason": "retake", "ref": good()["ref"], "data": {"gone": True}}, ()),
    ("report", {"reason": "retake", "ref": good()["ref"], "data": {"gone": "true"}}, ("photo",)),
    ("report", {"reason": "retake", "data": {"gone": True}}, ("photo",)),
    ("report", {"reason": "damage", "ref": good()["ref"], "data": {"gone": True}}, ("photo",)),
    ("attempt", {"reason": "retake", "ref": good()["ref"], "data": {"gone": True}}, ("photo",)),
    ("return", {}, ("stage",)),
    ("return", {"data": {"stage": "done"}}, ()),
    ("void", {"reason": "mistake"}, ("ref",)),
    ("void", {"ref": good()["ref"], "reason": "", "parcels": []}, ("reason",)),
    ("blob_lost", {"ref": good()["ref"], "parcels": []}, ("blobs",)),
]


@pytest.mark.parametrize(("kind", "members", "lacks"), MISSING, ids=str)
def test_a_must_have_that_is_missing_is_named_and_never_refused(
    kind: str, members: dict[str, Any], lacks: tuple[str, ...]
) -> None:
    payload = Phone().payload(kind, list(CODES))
    assert events.missing(events.read({**payload, **members})) == lacks
