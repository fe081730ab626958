"""Events per second through HTTP at one size of batch, beside what the database commits at that size."""

from __future__ import annotations

import hashlib
import http.client
import json
import secrets
import statistics
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import uuid_utils

from sync.protocol import envelope
from sync.protocol.times import format_time
from webapp import clock
from webapp.cli.bench.machine import BenchPhone, Machine
from webapp.store.bench import RawTable

EVENTS = {1: 150, 50: 1000, 200: 2000}


def measure(on: Machine, batch: int, rounds: int) -> dict[str, Any]:
    """`{batch, events_per_s, raw_per_s, ratio}`: medians over rounds that take turns on the same disk."""
    count = EVENTS[batch]
    phones = on.phones[: 1 if batch == 1 else len(on.phones)]
    table = RawTable(on.settings)
    pairs = []
    for number in range(rounds + 1):
        bodies = [_bodies(on, phone, count // len(phones), batch) for phone in phones]
        lines = [line for group in bodies for body in group for line in json.loads(body)["events"]]
        raw = _raw_rate(table, lines, batch)
        rate = _http_rate(on, phones, bodies, count)
        if number:  # the first round warms up
            pairs.append((rate, raw))
    table.close()
    return {
        "batch": batch,
        "events_per_s": round(statistics.median(rate for rate, _ in pairs)),
        "raw_per_s": round(statistics.median(raw for _, raw in pairs)),
        "ratio": round(statistics.median(rate / raw for rate, raw in pairs), 3),
    }


def _bodies(on: Machine, phone: BenchPhone, count: int, batch: int) -> list[bytes]:
    lines = [_sealed(phone, code) for code in on.ready_parcels(count)]
    return [
        json.dumps(
            {"sent_at": format_time(clock.now()), "events": lines[i : i + batch], "queue": {}}
        ).encode()
        for i in range(0, len(lines), batch)
    ]


def _sealed(phone: BenchPhone, code: str) -> str:
    phone.seq += 1
    payload = {
        "v": 1,
        "id": str(uuid_utils.uuid7()),
        "device": phone.device,
        "actor": phone.actor,
        "seq": phone.seq,
        "prev": phone.prev,
        "kind": "collect",
        "at": format_time(clock.now()),
        "offset_ms": 12,
        "parcels": [code],
        "run": None,
        "carrier": "bench",
        "expected": 1,
        "place": {"id": None, "lat": 3.07, "lon": 101.51, "accuracy_m": 12.0},
        "counterpart": {"name": "Bench seller", "role": "seller"},
        "reason": None,
        "note": None,
        "intact": True,
        "ref": None,
        "blobs": [
            {
                "sha256": secrets.token_hex(32),
                "type": "image/jpeg",
                "size": 150000,
                "role": "photo",
                "parcel": code,
            },
            {
                "sha256": secrets.token_hex(32),
                "type": "image/png",
                "size": 9000,
                "role": "signature",
                "parcel": None,
            },
        ],
        "data": {},
    }
    jws = envelope.sign(payload, phone.key)
    phone.prev = envelope.digest(jws)
    return jws


def _http_rate(
    on: Machine, phones: Sequence[BenchPhone], bodies: Sequence[Sequence[bytes]], count: int
) -> float:
    with ThreadPoolExecutor(len(phones)) as pool:
        started = clock.ticks()
        for done in [pool.submit(_send, on, *pair) for pair in zip(phones, bodies, strict=True)]:
            done.result()
        return count / (clock.ticks() - started)


def _send(on: Machine, phone: BenchPhone, bodies: Sequence[bytes]) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", on.settings.port)
    headers = {"Authorization": f"Bearer {phone.token}", "Content-Type": "application/json"}
    for body in bodies:
        connection.request("POST", "/sync/v1/events", body, headers)
        answer = connection.getresponse()
        told = json.loads(answer.read())
        if answer.status != 200 or any(result["status"] != "applied" for result in told["results"]):
            raise RuntimeError(f"not applied: {answer.status} {str(told)[:500]}")
    connection.close()


def _raw_rate(table: RawTable, lines: Sequence[str], batch: int) -> float:
    rows = [(hashlib.sha256(line.encode()).hexdigest() + secrets.token_hex(4), line) for line in lines]
    with table.writing() as write:
        started = clock.ticks()
        for i in range(0, len(rows), batch):
            write(rows[i : i + batch])
        return len(rows) / (clock.ticks() - started)
