"""PROTOCOL read as a lawyer: hello, devices, events; every status, name and shape, from outside."""

from __future__ import annotations

import base64
import json

import requests
from cryptography.hazmat.primitives.asymmetric import ec

from tests.support.independent import (
    CURVE,
    MOMENT,
    Phone,
    Shop,
    blob,
    codes,
    is_problem,
    photo,
    sha256,
    statuses,
    uuid7,
)


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
    for other in (None, key):
        again = Phone(shop.url, made["code"], other).answer
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
