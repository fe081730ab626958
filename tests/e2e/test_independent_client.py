"""PROTOCOL read as a lawyer: every endpoint, status, name and shape, from outside, on a real `baton serve`."""

from __future__ import annotations

import base64
import csv
import hashlib
import json
from collections.abc import Iterator
from typing import Any

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
    is_problem,
    photo,
    sha256,
    uuid7,
)
from tests.support.server import Server

NEEDED = ("Order ID", "Order Status", "Order Substatus", "SKU ID", "Product Name", "Quantity", "Created Time",
          "Shipping Provider Name", "Tracking ID", "Package ID", "Recipient", "Detail Address")  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    folder = tmp_path_factory.mktemp("independent")
    made = Shop(Server(folder).start())
    try:
        for role in ("courier", "driver", "seller", "office", "admin"):
            told = made.baton("user", "add", "--name", f"Person {role}", "--role", role)
            assert (told["name"], told["role"]) == (f"Person {role}", role)
            made.people[role] = told["id"]
        file = folder / "orders.csv"
        with file.open("w", newline="") as out:
            lines = csv.writer(out)
            lines.writerow(NEEDED)
            for n in range(1, 13):
                lines.writerow(
                    [f"5764607523034239{n:02}", "To ship", "Awaiting collection", f"17294800000000000{n:02}",
                     "Batik", 1, "21/11/2026 09:00:00", "J&T Express", f"MY6000000000{n:02}",
                     f"11531418000000000{n:02}", "R***", "Street"]
                )  # fmt: skip
            lines.writerow(
                ["5.76E+17", "To ship", "", "1", "x", 1, "21/11/2026 09:00:00", "", "", "", "", ""]
            )
        told = made.baton("import", str(file))
        assert {"orders", "parcels", "unchanged", "rejected"} <= set(told)
        assert (told["orders"], told["parcels"], told["unchanged"]) == (12, 12, 0), told
        assert [set(bad) for bad in told["rejected"]] == [{"row", "column", "code", "message"}]
        assert (told["rejected"][0]["row"], told["rejected"][0]["column"]) == (14, "Order ID")
        assert made.baton("import", str(file))["unchanged"] == 12
        yield made
    finally:
        made.server.kill()


@pytest.fixture(scope="module")
def courier(shop: Shop) -> Phone:
    return shop.enrol(shop.people["courier"], ec.generate_private_key(CURVE))


def blob(data: bytes, role: str = "photo", **members: Any) -> dict[str, Any]:
    return {
        "sha256": sha256(data),
        "type": "image/png",
        "size": len(data),
        "role": role,
        "parcel": None,
        **members,
    }


def codes(shop: Shop, count: int = 1) -> list[str]:
    """Parcels that are ready and that no other test has; asked of the command line once."""
    if not shop.ready:
        told = shop.baton("parcels", "--status", "ready")
        assert all(
            set(p) == {"code", "order_id", "tracking_number", "carrier", "status"} for p in told["parcels"]
        )
        shop.ready += [parcel["code"] for parcel in told["parcels"]]
        assert len(shop.ready) == 12
    return [shop.ready.pop() for _ in range(count)]


def statuses(told: dict[str, Any]) -> list[str]:
    return [result["status"] for result in told["results"]]


def test_hello_tells_the_limits_to_anybody(shop: Shop) -> None:
    answer = requests.get(f"{shop.url}/sync/v1/hello", timeout=30)
    assert answer.headers["Sync-Protocol"] == "1"
    told = answer.json()
    assert set(told) == {
        "protocol",
        "epoch",
        "server_time",
        "min_client",
        "jwk",
        "limits",
        "retain_acked_days",
    }
    assert (told["protocol"], told["retain_acked_days"]) == (1, 14)
    assert told["limits"] == {
        "max_events": 200, "max_batch_bytes": 1048576, "max_event_bytes": 65536, "max_blob_bytes": 10485760,
    }  # fmt: skip
    assert MOMENT.fullmatch(told["server_time"])
    assert isinstance(told["min_client"], str)
    assert (told["jwk"]["kty"], told["jwk"]["crv"]) == ("EC", "P-256")
    assert "d" not in told["jwk"]
    for path in ("/healthz", "/readyz"):
        assert requests.get(f"{shop.url}{path}", timeout=30).status_code == 200


def test_a_code_lets_one_phone_in_once(shop: Shop) -> None:
    made = shop.baton("enrol", "--user", "Person driver")
    bad = Phone(shop.url, made["code"], None, jwk={"kty": "RSA"}).answer
    assert bad.status_code == 422
    is_problem(bad, "key-invalid")
    key = ec.generate_private_key(CURVE)
    phone = Phone(shop.url, made["code"], key)
    assert phone.answer.status_code == 201
    assert phone.answer.headers["Sync-Protocol"] == "1"
    told = phone.enrolled
    assert set(told) == {"device", "token", "actor", "org", "epoch", "jwk"}
    assert set(told["actor"]) == {"id", "name", "role"}
    assert set(told["org"]) == {"id", "name"}
    assert (told["actor"]["name"], told["actor"]["role"]) == ("Person driver", "driver")
    assert len(base64.urlsafe_b64decode(told["token"] + "==")) >= 32, "256 bits"
    assert told["jwk"] == requests.get(f"{shop.url}/sync/v1/hello", timeout=30).json()["jwk"]
    again = Phone(shop.url, made["code"], key).answer
    assert again.status_code == 409
    is_problem(again, "enrolment-used")
    unknown = Phone(shop.url, "ABCDEFGHJKMN", key).answer
    assert unknown.status_code == 404
    is_problem(unknown, "enrolment-unknown")


def test_the_whole_way_of_a_handover(shop: Shop, courier: Phone) -> None:
    [code] = codes(shop)
    first, signature = photo(1), photo(2, 2_000)
    refs = [blob(first, parcel=code), blob(signature, "signature")]
    event = courier.seal("collect", [code], blobs=refs, expected=1)
    told = courier.sent(event)
    assert statuses(told) == ["applied"]
    assert told["results"][0]["effects"][0]["parcel"] == code
    assert told["results"][0]["effects"][0]["status"] == "handed_over"
    assert (told["high_seq"], told["missing_seqs"]) == (1, [])
    assert sorted(told["want"]) == sorted([sha256(first), sha256(signature)])
    assert courier.missing(sha256(first), "0" * 64) == [sha256(first), "0" * 64]
    for data in (first, signature):
        assert courier.begin(data, data).headers["Upload-Offset"] == str(len(data))
    assert courier.sent()["want"] == []
    assert courier.missing(sha256(first)) == []
    again = courier.sent(event)
    assert statuses(again) == ["duplicate"]
    assert again["results"][0]["effects"] == told["results"][0]["effects"], "the first result again"
    shown = shop.baton("show", code)
    assert {
        "code",
        "order_id",
        "tracking_number",
        "carrier",
        "status",
        "flags",
        "anomalies",
        "deadlines",
        "events",
        "blobs",
    } <= set(shown)
    assert (shown["code"], shown["status"]) == (code, "handed_over")
    (ours,) = [e for e in shown["events"] if e["device"] == courier.device]
    assert {"id", "kind", "actor", "device", "seq", "at", "effective_at", "received_at", "result"} <= set(
        ours
    )
    assert (ours["kind"], ours["seq"], ours["result"]) == ("collect", 1, "applied")
    assert all(MOMENT.fullmatch(ours[name]) for name in ("at", "effective_at", "received_at"))
    assert {(b["sha256"], b["role"], b["size"], b["held"]) for b in shown["blobs"]} == {
        (sha256(first), "photo", len(first), True), (sha256(signature), "signature", len(signature), True),
    }  # fmt: skip
    assert all({"code", "severity", "event", "closed"} <= set(a) for a in shown["anomalies"])
    for way in (shown["tracking_number"], shown["order_id"], code.lower()):
        assert shop.baton("show", way)["code"] == code
    refused = shop.baton("show", "NOBODYS", exits=1)
    assert set(refused) == {"code", "title", "detail"}


def test_every_result_status_and_one_bad_event_holds_nothing_back(shop: Shop, courier: Phone) -> None:
    code, other = codes(shop, 2)
    good = courier.seal("collect", [code], blobs=[blob(photo(3)), blob(photo(4), "signature")])
    kept = courier.seal("report", [code], reason="damaged", blobs=[blob(photo(5))])
    broken = kept[:-8] + ("AAAAAAAA" if not kept.endswith("AAAAAAAA") else "BBBBBBBB")
    foreign = Phone.sign(courier, {**courier.event("collect", [other]), "device": str(uuid7())})
    courier.seq -= 1
    courier.prev = sha256(kept.encode())
    told = courier.sent("junk", good, broken, kept, foreign, good, {"an": "object"}, zipped=True)
    assert statuses(told) == [
        "quarantined",
        "applied",
        "quarantined",
        "recorded",
        "quarantined",
        "duplicate",
        "quarantined",
    ]
    problems = [r["problem"]["code"] for r in told["results"] if r["problem"]]
    assert problems == ["event_malformed", "bad_signature", "not_this_device", "event_malformed"]
    held_back = shop.baton("quarantine")
    kept_raw = json.dumps(held_back)
    assert broken in kept_raw
    assert foreign in kept_raw
    assert shop.baton("show", other)["status"] == "ready", "the foreign event moved nothing"


def test_gaps_are_told_and_filled_and_forks_kept(shop: Shop, courier: Phone) -> None:
    [code] = codes(shop)
    late = courier.seal("pack", [code], blobs=[blob(photo(6))])
    gap = courier.seq
    after = courier.seal("report", [code], reason="damaged", blobs=[blob(photo(7))])
    assert courier.sent(after)["missing_seqs"] == [[gap, gap]]
    told = courier.sent(late)
    assert (told["missing_seqs"], told["high_seq"]) == ([], courier.seq)
    fork = courier.sign(courier.event("report", [code], reason="damaged") | {"seq": gap})
    courier.seq -= 1
    courier.prev = sha256(after.encode())
    told = courier.sent(fork)
    assert statuses(told)[0] in {"applied", "recorded"}
    assert (
        len(
            [
                e
                for e in shop.baton("show", code)["events"]
                if e["seq"] == gap and e["device"] == courier.device
            ]
        )
        == 2
    )


def test_an_event_is_voided_by_its_maker(shop: Shop, courier: Phone) -> None:
    [code] = codes(shop)
    event = courier.event("collect", [code], blobs=[blob(photo(8)), blob(photo(9), "signature")])
    assert statuses(courier.sent(courier.sign(event))) == ["applied"]
    void = courier.seal("void", [], ref=event["id"], reason="wrong_parcel")
    assert statuses(courier.sent(void)) == ["applied"]
    assert shop.baton("show", code)["status"] == "ready"


def test_a_phone_without_a_key_is_taken_and_flagged(shop: Shop, courier: Phone) -> None:
    phone = shop.enrol("Person courier")
    [code] = codes(shop)
    told = phone.sent(phone.seal("collect", [code], blobs=[blob(photo(10)), blob(photo(11), "signature")]))
    assert statuses(told) == ["applied"]
    assert "unsigned" in told["results"][0]["effects"][0]["anomalies"] or "unsigned" in str(
        shop.baton("show", code)
    )
    text, _, _ = courier.sign(courier.event("collect", [code])).rpartition(".")
    courier.seq -= 1
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"baton-event+jws"}').rstrip(b"=").decode()
    downgraded = f"{none}.{text.split('.')[1]}."
    assert courier.sent(downgraded)["results"][0]["problem"]["code"] == "bad_signature"


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
        } == set(parcel)
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
