"""PROTOCOL read as a lawyer: photos, worklist, rules, refusals; every status, name and shape, from outside."""

from __future__ import annotations

import base64
import hashlib
import json

import pytest
import requests
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.independent import (
    CURVE,
    MOMENT,
    STREAM,
    TUS,
    Phone,
    Shop,
    blob,
    codes,
    is_problem,
    photo,
    sha256,
)


def test_photos_by_tus(shop: Shop, courier: Phone) -> None:
    options = requests.options(f"{shop.url}/sync/v1/blobs", timeout=30)
    assert options.headers["Tus-Version"] == "1.0.0"
    assert {"creation", "creation-with-upload", "checksum", "expiration"} <= set(
        options.headers["Tus-Extension"].split(",")
    )
    assert {"sha1", "sha256"} <= set(options.headers["Tus-Checksum-Algorithm"].split(","))
    assert options.headers["Tus-Max-Size"] == "10485760"
    assert options.headers["Sync-Protocol"] == "1"
    data = photo(20)
    answer = courier.begin(data, data[:1000])
    url = courier.where(answer)
    assert (answer.headers["Upload-Offset"], answer.headers["Tus-Resumable"]) == ("1000", "1.0.0")
    assert "Upload-Expires" in answer.headers
    head = courier.call("HEAD", url, headers=TUS)
    assert (head.status_code, head.headers["Upload-Offset"], head.headers["Upload-Length"]) == (
        200,
        "1000",
        str(len(data)),
    )
    assert head.headers["Cache-Control"] == "no-store"
    wrong = courier.patch(url, 0, data)
    assert wrong.status_code == 409
    for name in ("sha1", "sha256"):
        sums = {"Upload-Checksum": f"{name} {base64.b64encode(hashlib.new(name, b'x').digest()).decode()}"}
        assert courier.patch(url, 1000, data[1000:], **sums).status_code == 460
        assert courier.call("HEAD", url, headers=TUS).headers["Upload-Offset"] == "1000"
    good = {
        "Upload-Checksum": f"sha256 {base64.b64encode(hashlib.sha256(data[1000:2000]).digest()).decode()}"
    }
    taken = courier.patch(url, 1000, data[1000:2000], **good)
    assert (taken.status_code, taken.headers["Upload-Offset"]) == (204, "2000")
    assert courier.patch(url, 2000, data[2000:]).status_code == 204
    assert courier.missing(sha256(data)) == []
    held = courier.begin(data)
    assert (held.status_code, held.headers["Upload-Offset"]) == (201, str(len(data)))
    assert courier.call("POST", "/sync/v1/blobs", headers={"Upload-Length": "1"}).status_code == 412
    assert courier.patch(url, 0, b"x", **{"Content-Type": "image/png"}).status_code == 415


def test_bytes_that_are_not_what_was_promised_are_dropped_and_stay_wanted(shop: Shop, courier: Phone) -> None:
    [code] = codes(shop)
    data, other = photo(30), photo(31)
    courier.sent(courier.seal("report", [code], reason="damaged", blobs=[blob(data)]))
    url = courier.where(courier.begin(data))
    answer = courier.patch(url, 0, other[: len(data)].ljust(len(data), b"x"))
    assert answer.status_code == 460
    assert courier.call("HEAD", url, headers=TUS).status_code in {404, 410}
    assert sha256(data) in courier.sent()["want"]
    drawing = b"<svg xmlns='http://www.w3.org/2000/svg'/>"
    assert courier.begin(drawing, drawing).status_code in {415, 422}
    assert courier.begin(data, None, **{"Upload-Length": "10485761"}).status_code == 413


def test_the_worklist_by_cursor(shop: Shop, courier: Phone) -> None:
    answer = courier.call("GET", "/sync/v1/worklist")
    page = answer.json()
    parts = {"parcels", "runs", "tasks", "notices"}
    assert set(page) == {"epoch", "cursor", "more", "reset", "as_of", "rules", *parts}
    assert all(set(page[part]) == {"upserts", "removes"} for part in parts)
    assert set(page["rules"]) == {"version", "etag"}
    assert (page["reset"], page["more"], page["epoch"]) == (True, False, courier.enrolled["epoch"])
    assert MOMENT.fullmatch(page["as_of"])
    for parcel in page["parcels"]["upserts"]:
        assert {
            "code",
            "tracking_number",
            "carrier",
            "status",
            "flags",
            "fragile",
            "count",
            "place",
            "cancel",
            "recipient",
        } == set(parcel) - {"lines", "dangerous"}  # these only where there is something to say
        assert parcel["recipient"] is None
    query = {"cursor": page["cursor"]}
    same = courier.call("GET", "/sync/v1/worklist", params=query)
    assert same.json()["reset"] is False
    assert not any(same.json()[part]["upserts"] for part in parts)
    match = {"If-None-Match": same.headers["ETag"]}
    assert courier.call("GET", "/sync/v1/worklist", params=query, headers=match).status_code == 304
    [code] = codes(shop)
    courier.sent(courier.seal("collect", [code], blobs=[blob(photo(40)), blob(photo(41), "signature")]))
    changed = courier.call("GET", "/sync/v1/worklist", params=query, headers=match).json()
    assert [p["code"] for p in changed["parcels"]["upserts"]] == [code]
    driver = shop.enrol("Person driver", ec.generate_private_key(CURVE))
    assert driver.call("GET", "/sync/v1/worklist", params=query).json()["reset"] is True, "of another scope"
    assert courier.call("GET", "/sync/v1/worklist", params={"cursor": "old"}).json()["reset"] is True


def test_the_rules_are_told_once(courier: Phone) -> None:
    answer = courier.call("GET", "/sync/v1/rules")
    told = answer.json()
    assert {"version", "table", "statuses", "reasons", "policies", "carriers"} <= set(told)
    page = courier.call("GET", "/sync/v1/worklist").json()
    assert page["rules"]["version"] == told["version"]
    assert page["rules"]["etag"] == answer.headers["ETag"].strip('"')
    again = courier.call("GET", "/sync/v1/rules", headers={"If-None-Match": answer.headers["ETag"]})
    assert again.status_code == 304


@pytest.mark.parametrize(
    ("body", "headers", "status", "code"),
    [
        (b"{", {}, 400, "malformed-batch"),
        (json.dumps({"events": ["x"] * 201}).encode(), {}, 413, "batch-too-large"),
        (b'{"events":[],"x":"' + b"y" * 1_100_000 + b'"}', {}, 413, "batch-too-large"),
        (b"x", {"Content-Encoding": "br"}, 415, "encoding-unsupported"),
        (b"{}", {"Authorization": "Bearer nobody"}, 401, "token-unknown"),
        (b"{}", {"Authorization": ""}, 401, "token-unknown"),
    ],
)
def test_whole_request_problems(
    courier: Phone, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    answer = courier.call("POST", "/sync/v1/events", data=body, headers=headers)
    assert answer.status_code == status
    is_problem(answer, code)


def test_without_a_token_only_hello_and_devices_answer(shop: Shop) -> None:
    for method, path in (
        ("GET", "worklist"),
        ("GET", "rules"),
        ("POST", "events"),
        ("POST", "blobs/want"),
        ("POST", "blobs"),
    ):
        answer = requests.request(method, f"{shop.url}/sync/v1/{path}", headers={**TUS, **STREAM}, timeout=30)
        assert (answer.status_code, answer.headers["Sync-Protocol"]) == (401, "1")
        is_problem(answer, "token-unknown")


def test_a_revoked_phone_is_told_so_and_its_events_are_kept(shop: Shop) -> None:
    phone = shop.enrol("Person courier", ec.generate_private_key(CURVE))
    phone.sent(unsent=3, unsent_blobs=2)
    (row,) = [d for d in shop.baton("devices")["devices"] if d["id"] == phone.device]
    assert {"last_seen_at", "head_seq", "high_seq", "unsent", "unsent_blobs", "revoked_at"} <= set(row)
    assert (row["unsent"], row["unsent_blobs"], row["high_seq"], row["revoked_at"]) == (3, 2, 0, None)
    shop.baton("revoke", phone.device)
    [code] = codes(shop)
    event = phone.seal("collect", [code], blobs=[blob(photo(50)), blob(photo(51), "signature")])
    answer = phone.send(event)
    assert answer.status_code == 403
    is_problem(answer, "device-revoked")
    (result,) = answer.json()["results"]
    assert (result["status"], result["sha256"]) == ("quarantined", sha256(event.encode()))
    assert event in json.dumps(shop.baton("quarantine"))
    assert phone.call("GET", "/sync/v1/worklist").status_code == 403
    assert shop.baton("show", code)["status"] == "ready"


def test_what_was_derived_can_be_derived_again(shop: Shop) -> None:
    told = shop.baton("rebuild", "--check")
    assert (set(told), told["differing"]) == ({"parcels", "differing"}, [])
    assert told["parcels"] >= 12
    assert shop.baton("users")["users"]
    shop.baton("parcels", "--no-such-option", exits=2)
