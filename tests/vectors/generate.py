"""Write the vectors that Python and JavaScript are both tested with: `python -m tests.vectors.generate`.

Run it when a rule changes on purpose, and read the difference. `tests/museum` is never rewritten: it holds
what released phones have sent, and must stay readable for ever.
"""

from __future__ import annotations

import hashlib
import json
import random
from pathlib import Path
from typing import Any

import numpy as np
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey

from sync.evidence import quality
from sync.evidence.limits import LIMITS
from sync.protocol import codes
from sync.protocol.envelope import EVENT_TYP, compact, digest, sign
from sync.protocol.keys import b64url, load_private_pem, public_jwk, thumbprint
from sync.rules import carriers
from sync.rules.export import table
from sync.rules.lifecycle import CONDITIONS, STATUSES

HERE = Path(__file__).parent

# Made for these vectors, and known to everybody who reads them.
KEY = """-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgS0TC6fOMi4XOMJL4
OLmx62Jq/g5w9snWrc4ljVebJ5qhRANCAARn1s6H7RLunhVXLW7wQuSs1npNmT8d
lPrtfiW8ZeZgKnCGuzd7roSGPwQk973NKFtC5eT2b9fvzQuMQkiTBs4r
-----END PRIVATE KEY-----
"""


def write(name: str, document: Any) -> None:
    """One JSON document, readable in a diff."""
    path = HERE / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(document, indent=1, ensure_ascii=True) + "\n", encoding="utf-8")


def quality_vectors() -> dict[str, Any]:
    """`{"limits", "pictures": [{"name", "width", "height", "grey": [rows…], "sharpness", "edges", …}]}`."""
    size = 24
    y, x = np.mgrid[0:size, 0:size]
    made = {
        "a checked board": np.where((x // 2 + y // 2) % 2, 215, 25),
        "soft waves": 128 + 60 * np.sin(x / 5) * np.cos(y / 6),
        "the same in the dark": 18 + 8 * np.sin(x / 2),
        "a burnt-out sheet": np.where((x % 8 == 0) & (y > 4), 190, 251),
        "a wall": np.full((size, size), 140),
        "letters in one corner": np.where((x < 8) & (y < 8) & ((x + y) % 2 == 0), 20, 150),
        "stripes, as of what has moved": 128 + 90 * np.sin(y / 1.5) + 0 * x,
    }
    return {
        "limits": {name: LIMITS[name].threshold for name in ("sharpness", "edges", "light", "brightness")},
        "pictures": [_measured(name, np.round(grey).astype(np.uint8)) for name, grey in made.items()],
    }


def _measured(name: str, grey: Any) -> dict[str, Any]:
    sharp, edges, light = quality.sharpness(grey), quality.edges(grey), float(grey.mean())
    hint = "dark" if light < LIMITS["light"].threshold else None
    hint = hint or ("bright" if light > LIMITS["brightness"].threshold else None)
    is_soft = sharp < LIMITS["sharpness"].threshold or edges < LIMITS["edges"].threshold
    hint = hint or ("blurred" if is_soft else None)
    told = {"sharpness": round(sharp, 3), "edges": round(edges, 3), "light": round(light, 3), "hint": hint}
    return {"name": name, "width": grey.shape[1], "height": grey.shape[0], "grey": grey.tolist(), **told}


def code_vectors() -> dict[str, Any]:
    """`{"valid": [{"typed", "code"}], "invalid": [typed]}`."""
    rng = random.Random(20261122)
    made = [codes.new_code(rng.randrange) for _ in range(24)]
    valid = [{"typed": code, "code": code} for code in made]
    valid += [{"typed": codes.pretty(code).lower(), "code": code} for code in made[:6]]
    valid += [
        {"typed": code.replace("0", "o").replace("1", "l"), "code": code}
        for code in made
        if "0" in code or "1" in code
    ]
    valid += [{"typed": f" {made[0][:6]} {made[0][6:]}\n", "code": made[0]}]
    valid += [{"typed": "0" * 12, "code": "0" * 12}]
    invalid = ["", " ", "-", "0" * 11, "0" * 13, made[0] + made[1], "U" * 12, made[0][:-1] + "*"]
    invalid += [made[0] + "\u0000", "\u017f" * 12, made[2][:-1] + "\u00e9", "\uff10" * 12]
    for code in made[:8]:
        at = rng.randrange(12)
        invalid.append(code[:at] + codes.ALPHABET[(codes.ALPHABET.index(code[at]) + 7) % 32] + code[at + 1 :])
        for first in range(11):
            if code[first] != code[first + 1]:
                invalid.append(code[:first] + code[first + 1] + code[first] + code[first + 2 :])
                break
    return {"alphabet": codes.ALPHABET, "valid": valid, "invalid": invalid}


# Made up in the forms that the table's sources show; only the S10 check digits are worked out here.
_NUMBERS = [
    "EE876543216MY", "EE876543217MY", "ee 876 543 216 my", "EY145587898TH", "RX046927842JP", "CP123456785SG",
    "LX473124829ID", "EA000000005VN", "RR000000015PH", "ERA123456789MY", "PL123456789012",
    "SPXMY043978601057", "SPXVN05144905142B", "SPXUS043978601057", "spxid000000000001", "JX8009962760",
    "J18009962760", "630123456789", "84100007264", "NLIDAP12345678", "ABCDEFGHI123456789", "LEXVN00123456",
    "LXAD-12345678", "S1.A1.17373471", "S1234567.MB12.D5.123456789", "GYKBGEVY", "GAN6DKKU12", "TH4701CBYHA0A1B",
    "SHP1234567890", "000123456789012", "10001234567890", "IDS123456789", "1234567890123", "4006381333931", "",
    "https://example.com/EE876543216MY", "F7ANY0M5J7AJ", "Ｅ", "SPXMY04397860105\u0661",
]  # fmt: skip


def carrier_vectors() -> dict[str, Any]:
    """The public table as phones get it, and for each text who it may be: `{"text", "guess", "likely"}`."""
    rows = []
    for text in _NUMBERS:
        found, sure = carriers.guess(text), carriers.likely(text)
        guesses = [{"code": c.code, "name": c.name, "confidence": c.confidence} for c in found]
        rows.append({"text": text, "guess": guesses, "likely": sure.code if sure else None})
    checks = {
        serial: carriers.s10_check(serial) for serial in ("47312482", "00000000", "00000001", "87654321")
    }
    return {"known": carriers.for_phones(), "s10": checks, "rows": rows}


def transition_vectors() -> dict[str, Any]:
    """The table as a flat list: `{"status", "kind", "to", "anomalies"}` for every pair."""
    rows = [
        {"kind": kind, "status": status, **step}
        for kind, row in table().items()
        for status, step in row.items()
    ]
    return {"statuses": list(STATUSES), "conditions": CONDITIONS, "rows": rows}


def envelope_vectors() -> dict[str, Any]:
    """A fixed key, payloads, and for each the JWS that verifies; and JWS that must be refused.

    ECDSA is not repeatable, so a reader checks that it verifies these, and that the parts before the
    signature come out the same, byte for byte, when it seals `payload`.
    """
    key = load_private_pem(KEY)
    jwk = public_jwk(key)
    sealed = _chain(key)
    return {
        "jwk": jwk,
        "private_jwk": {**jwk, "d": b64url(key.private_numbers().private_value.to_bytes(32, "big"))},
        "thumbprint": thumbprint(jwk),
        "sealed": sealed,
        "unsigned": _chain(None),
        "refused": _refused(sealed[0]["jws"], sealed[1]["jws"], thumbprint(jwk)),
    }


def _refused(good: str, other: str, kid: str) -> dict[str, str]:
    header, payload, signature = good.split(".")
    changed = "B" if payload[-3] == "A" else "A"
    return {
        "two parts": f"{header}.{payload}",
        "four parts": f"{good}.",
        "cut short": good[:-1],
        "padding": good + "=",
        "one character of the payload": f"{header}.{payload[:-3]}{changed}{payload[-2:]}.{signature}",
        "another signature": f"{header}.{payload}.{other.rsplit('.', 1)[1]}",
        "no signature": f"{header}.{payload}.",
        "HS256": f"{_header(alg='HS256', kid=kid, typ=EVENT_TYP)}.{payload}.{signature}",
        "alg none": f"{_header(alg='none', typ=EVENT_TYP)}.{payload}.",
        "another typ": f"{_header(alg='ES256', kid=kid, typ='JWT')}.{payload}.{signature}",
    }


def _header(**members: str) -> str:
    return b64url(compact(members))


def _chain(key: EllipticCurvePrivateKey | None) -> list[dict[str, Any]]:
    """The first three events of one phone."""
    made: list[dict[str, Any]] = []
    for number, kind in enumerate(("pack", "collect", "void"), start=1):
        payload = {
            "v": 1,
            "id": f"019a9b00-0000-7000-8000-00000000000{number}",
            "device": "dev-vector",
            "actor": "usr-vector",
            "seq": number,
            "prev": made[-1]["sha256"] if made else None,
            "kind": kind,
            "at": f"2026-11-22T07:15:3{number}.123Z",
            "offset_ms": -412,
            "parcels": ["0" * 12] if kind != "void" else [],
            "run": None,
            "carrier": None,
            "expected": 1 if kind == "collect" else None,
            "place": None,
            "counterpart": {"name": "Nguyễn Thị Hà 🙂", "role": "seller"} if kind == "collect" else None,
            "reason": "mistake" if kind == "void" else None,
            "note": 'quotes " and \\ and \u00e9' if kind == "pack" else None,
            "intact": True if kind == "collect" else None,
            "ref": made[-1]["payload"]["id"] if kind == "void" else None,
            "blobs": [_blob(role) for role in ("photo", "signature")] if kind != "void" else [],
            "data": {},
        }
        jws = sign(payload, key)
        signed = jws.rsplit(".", 1)[0]
        made.append({"payload": payload, "jws": jws, "signing_input": signed, "sha256": digest(jws)})
    return made


def _blob(role: str) -> dict[str, Any]:
    digest_ = hashlib.sha256(role.encode()).hexdigest()
    return {"sha256": digest_, "type": "image/jpeg", "size": 183220, "role": role, "parcel": None}


def main() -> None:
    """Write every vector. The envelopes only when they are not there: signatures differ each time."""
    write("codes.json", code_vectors())
    write("carriers.json", carrier_vectors())
    write("quality.json", quality_vectors())
    write("transitions.json", transition_vectors())
    if not (HERE / "envelope.json").exists():
        write("envelope.json", envelope_vectors())


if __name__ == "__main__":
    main()
