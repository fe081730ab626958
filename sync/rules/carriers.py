"""Carriers of the six markets: what their tracking numbers look like, and whose a scanned number may be (`R15`, `R19`).

No carrier here publishes a full grammar of its numbers, so this table holds only what a public source shows, names
that source, and says how much a fit is worth:

- `check`: the pattern fits and a check digit of a public standard is right (UPU S10);
- `prefix`: no other carrier of the table begins its numbers like that;
- `shape`: only length and kind of character fit, as they do for several carriers.

A guess is never more than that: it may warn and name a carrier, it never decides. A carrier without a pattern is one
of which no public source shows any (`UNKNOWN`); its numbers are not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any

from sync.protocol.codes import tracking_key

CONFIDENCE = ("check", "prefix", "shape")  # from most to least
CHECKS = ("s10",)


@dataclass(frozen=True, slots=True)
class Pattern:
    """One form of a carrier's numbers: a plain expression that both Python and JavaScript read alike."""

    pattern: str
    confidence: str
    source: str
    check: str | None = None


@dataclass(frozen=True, slots=True)
class KnownCarrier:
    """A carrier of the table. `markets` are where it carries; `names` what exports and people call it."""

    code: str
    name: str
    markets: tuple[str, ...]
    names: tuple[str, ...] = ()
    patterns: tuple[Pattern, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """Whose number it may be, and how sure that is: one of `CONFIDENCE`."""

    code: str
    name: str
    confidence: str


_S10 = "UPU standard S10-12, Identification of postal items: 13-character identifier"
_SEEN = "numbers in public repositories and order pages"
_VISION = "PackageX Vision SDK (github.com/packagexlabs), couriers' expressions"
_BINDERBYTE = "public courier checkers for Indonesia (checkCourier tables for the BinderByte API)"
_VN_BOT = "public parcel trackers for Vietnam (tracking code tables of vn_parcel_bot)"


def _post(country: str) -> Pattern:
    return Pattern(rf"[A-Z]{{2}}\d{{9}}{country}", "check", _S10, "s10")


TABLE: tuple[KnownCarrier, ...] = (
    KnownCarrier(
        "pos-malaysia",
        "Pos Malaysia",
        ("MY",),
        ("Pos Laju", "PosLaju"),
        (
            _post("MY"),
            Pattern(r"E[A-Z]{2}\d{9}MY", "prefix", _VISION),
            Pattern(r"PL\d{12}", "prefix", _VISION),
        ),
    ),
    KnownCarrier("pos-indonesia", "Pos Indonesia", ("ID",), ("POS",), (_post("ID"),)),
    KnownCarrier("phlpost", "PHLPost", ("PH",), ("Philippine Postal Corporation",), (_post("PH"),)),
    KnownCarrier("thailand-post", "Thailand Post", ("TH",), ("Thai Post", "EMS Thailand"), (_post("TH"),)),
    KnownCarrier("vnpost", "VNPost", ("VN",), ("Vietnam Post", "EMS Vietnam"), (_post("VN"),)),
    KnownCarrier("singpost", "SingPost", ("SG",), ("Singapore Post", "Speedpost"), (_post("SG"),)),
    KnownCarrier(
        "spx",
        "SPX Express",
        ("MY", "ID", "PH", "TH", "VN", "SG"),
        ("Shopee Express", "Shopee Xpress", "SPX"),
        (
            Pattern(r"SPX(?:MY|ID|PH|TH|VN|SG)\d{11}[0-9A-Z]", "prefix", _SEEN),
            Pattern(
                r"TH[0-9A-Z]{11,16}", "shape", "checkpassadu.com: Flash and Shopee in Thailand begin with TH"
            ),
        ),
    ),
    KnownCarrier(
        "jt-express",
        "J&T Express",
        ("MY", "ID", "PH", "TH", "VN", "SG"),
        ("J&T", "JNT", "J&T Express Malaysia", "J&T Express Philippines"),
        (Pattern(r"J[A-Z]\d{10}", "prefix", _VISION), Pattern(r"\d{12}", "shape", _VN_BOT)),
    ),
    KnownCarrier(
        "ninja-van",
        "Ninja Van",
        ("MY", "ID", "PH", "TH", "VN", "SG"),
        ("NinjaVan", "Ninja Xpress", "Ninja Express"),
        (Pattern(r"NLIDAP\d{6,14}", "prefix", _BINDERBYTE), Pattern(r"[A-Z]{9}\d{9}", "shape", _VISION)),
    ),
    KnownCarrier(
        "lazada-logistics",
        "Lazada Logistics",
        ("MY", "ID", "PH", "TH", "VN", "SG"),
        ("LEX", "Lazada Express", "LGS"),
        (Pattern(r"LEXVN\d{8,10}", "prefix", _VN_BOT), Pattern(r"LXAD-?\d{8,14}", "prefix", _BINDERBYTE)),
    ),
    KnownCarrier(
        "flash-express",
        "Flash Express",
        ("MY", "PH", "TH"),
        ("Flash",),
        (
            Pattern(
                r"TH[0-9A-Z]{11,16}", "shape", "checkpassadu.com: Flash and Shopee in Thailand begin with TH"
            ),
        ),
    ),
    KnownCarrier(
        "kex",
        "KEX Express",
        ("TH",),
        ("Kerry Express", "Kerry", "KEX"),
        (Pattern(r"SHP[0-9A-Z]{9,12}", "shape", "checkpassadu.com: Kerry's mostly begin with SHP"),),
    ),
    KnownCarrier(
        "ghtk",
        "Giao Hàng Tiết Kiệm",
        ("VN",),
        ("GHTK", "Giao Hang Tiet Kiem"),
        (
            Pattern(
                r"S\d{1,10}\.[0-9A-Z.]{1,16}\.\d{6,12}",
                "prefix",
                "api.ghtk.vn, Webhook: label_id S1.A1.17373471",
            ),
        ),
    ),
    KnownCarrier(
        "ghn",
        "Giao Hàng Nhanh",
        ("VN",),
        ("GHN", "Giao Hang Nhanh"),
        (Pattern(r"G[A-Z][0-9A-Z]{6,8}", "shape", _VN_BOT),),
    ),
    KnownCarrier(
        "viettel-post",
        "Viettel Post",
        ("VN",),
        ("ViettelPost", "VTP"),
        (Pattern(r"\d{12}", "shape", _VN_BOT),),
    ),
    KnownCarrier(
        "best-express",
        "BEST Express",
        ("MY", "TH", "VN"),
        ("BEST",),
        (Pattern(r"\d{12,13}", "shape", _VN_BOT),),
    ),
    KnownCarrier(
        "jne",
        "JNE",
        ("ID",),
        ("JNE Express",),
        (
            Pattern(r"\d{15}", "shape", _BINDERBYTE),
            Pattern(r"\d{12}", "shape", "bjalogistic.id, Panduan nomor resi: 12 digits"),
        ),
    ),
    KnownCarrier(
        "sicepat", "SiCepat", ("ID",), ("SiCepat Ekspres",), (Pattern(r"\d{12}", "shape", _BINDERBYTE),)
    ),
    KnownCarrier("anteraja", "AnterAja", ("ID",), (), (Pattern(r"\d{14}", "shape", _BINDERBYTE),)),
    KnownCarrier(
        "id-express", "ID Express", ("ID",), ("IDE", "IDX"), (Pattern(r"IDS\d{6,15}", "prefix", _BINDERBYTE),)
    ),
    # No public source shows what their numbers look like, or what it shows (10 to 39 characters) tells nothing.
    KnownCarrier("lbc", "LBC Express", ("PH",), ("LBC",)),
    KnownCarrier("dhl-ecommerce", "DHL eCommerce", ("MY", "TH", "VN"), ("DHL",)),
    KnownCarrier("city-link", "City-Link Express", ("MY",), ("Citylink",)),
    KnownCarrier("gdex", "GDEX", ("MY",), ("GD Express",)),
    KnownCarrier("2go", "2GO Express", ("PH",), ("2GO",)),
    KnownCarrier("qxpress", "Qxpress", ("SG",)),
)

BY_CODE = {carrier.code: carrier for carrier in TABLE}
UNKNOWN = tuple(carrier.code for carrier in TABLE if not carrier.patterns)
_S10_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def s10_check(serial: str) -> int:
    """The check digit of an S10 identifier's eight-digit serial number: weights 8 6 4 2 3 5 9 7, modulo 11."""
    rest = 11 - sum(int(digit) * weight for digit, weight in zip(serial, _S10_WEIGHTS, strict=True)) % 11
    return {10: 0, 11: 5}.get(rest, rest)


def check_fits(check: str | None, number: str) -> bool:
    """Whether a number's check digit is right; one without a check fits. A check nobody knows never fits."""
    if check is None:
        return True
    if check == "s10":
        return len(number) == 13 and number[2:11].isdecimal() and int(number[10]) == s10_check(number[2:10])
    return False


def fits(pattern: str | None, check: str | None, text: str) -> bool:
    """Whether a text is a number of this pattern (whole, in any case) with this check digit."""
    number = tracking_key(text)
    return pattern is not None and bool(_compiled(pattern).fullmatch(number)) and check_fits(check, number)


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(f"(?:{pattern})", re.IGNORECASE | re.ASCII)


def guess(text: str) -> list[Candidate]:
    """Every carrier of the table whose number this may be, most sure first; none when none fits."""
    found = []
    for carrier in TABLE:
        sure = [known.confidence for known in carrier.patterns if fits(known.pattern, known.check, text)]
        if sure:
            best = min(sure, key=CONFIDENCE.index)
            found.append(Candidate(carrier.code, carrier.name, best))
    return sorted(found, key=lambda candidate: (CONFIDENCE.index(candidate.confidence), candidate.code))


def likely(text: str) -> Candidate | None:
    """The one carrier that more than a shape speaks for; None when none does, or two do."""
    sure = [candidate for candidate in guess(text) if candidate.confidence != "shape"]
    return sure[0] if len(sure) == 1 else None


def named(words: str) -> KnownCarrier | None:
    """The carrier of the table that is called like this in exports, whatever the case and punctuation."""
    return _by_name().get(_folded(words))


@cache
def _by_name() -> dict[str, KnownCarrier]:
    return {
        _folded(name): carrier for carrier in TABLE for name in (*carrier.names, carrier.code, carrier.name)
    }


def _folded(words: str) -> str:
    return "".join(char for char in words.casefold() if char.isalnum())


def starting_pattern(carrier: KnownCarrier) -> tuple[str | None, str | None]:
    """Pattern and check digit that a shop's own carrier begins with: the surest sort of form, all of its forms."""
    best = next((sure for sure in CONFIDENCE if any(p.confidence == sure for p in carrier.patterns)), None)
    forms = [known for known in carrier.patterns if known.confidence == best]
    if not forms:
        return None, None
    return "|".join(form.pattern for form in forms), forms[0].check


def for_phones(carriers: Iterable[KnownCarrier] = TABLE) -> list[dict[str, Any]]:
    """As the phone reads it, those with patterns: `{code, name, patterns: [{pattern, check, confidence}]}`."""
    return [
        {
            "code": carrier.code,
            "name": carrier.name,
            "patterns": [
                {"pattern": known.pattern, "check": known.check, "confidence": known.confidence}
                for known in carrier.patterns
            ],
        }
        for carrier in carriers
        if carrier.patterns
    ]
