"""What a carrier's word means to us: the vocabularies of RULES section 2, in one table (`R18`, `R19`).

A meaning is the `status` that a `carrier_scan` carries (see `lifecycle.row_of`), or one of

- `scan`: somebody of the carrier had it in hand, or it is on its way;
- `attempt`: a delivery was tried in vain;
- `told`: the carrier says nothing that it did with the parcel (it knows of it, it waits): kept, moves nothing.

A word that no vocabulary knows has no meaning: it is kept for a person to translate, never guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

MEANINGS = (
    "told",
    "scan",
    "out_for_delivery",
    "attempt",
    "delivered",
    "returning",
    "returned",
    "lost",
    "damaged",
)
VOCABULARIES = ("baton", "aftership", "epcis", "tiktok")


@dataclass(frozen=True, slots=True)
class Word:
    """A carrier's word: a status, and the finer word beside it where the vocabulary has one."""

    status: str
    finer: str = ""


# AfterShip Tracking, delivery statuses and sub-statuses (aftership.com/docs/tracking, enum). A sub-status that is not
# here means what its status means.
_AFTERSHIP = {
    "pending": "told",
    "inforeceived": "told",
    "intransit": "scan",
    "outfordelivery": "out_for_delivery",
    "availableforpickup": "scan",
    "attemptfail": "attempt",
    "delivered": "delivered",
    "exception": "scan",
    "expired": "told",
    "exception002": "attempt",  # customer moved
    "exception003": "attempt",  # customer refused delivery
    "exception010": "returning",
    "exception011": "returned",
    "exception012": "damaged",
    "exception013": "lost",
    "outfordelivery003": "scan",  # customer contacted: it is not on the road yet
    "outfordelivery004": "scan",  # an appointment is made
}
# GS1 CBV business steps and dispositions, paired as RULES section 2 pairs them; "" is one that is not said.
_EPCIS = {
    ("packing", "containerclosed"): "told",
    ("stagingoutbound", "inprogress"): "told",
    ("", "reserved"): "told",
    ("accepting", "intransit"): "scan",
    ("transporting", "intransit"): "scan",
    ("transporting", ""): "scan",
    ("", "intransit"): "scan",
    ("departing", "intransit"): "scan",
    ("arriving", "inprogress"): "scan",
    ("accepting", ""): "delivered",
    ("shipping", "returned"): "returning",
    ("receiving", "returned"): "returned",
    ("", "returned"): "returned",
    ("", "unknown"): "lost",
    ("inspecting", "damaged"): "damaged",
    ("", "damaged"): "damaged",
}
# TikTok Shop order statuses; CANCELLED says by its reason whether the parcel itself is gone.
_TIKTOK = {
    "unpaid": "told",
    "onhold": "told",
    "awaitingshipment": "told",
    "partiallyshipping": "told",
    "awaitingcollection": "told",
    "intransit": "scan",
    "delivered": "delivered",
    "completed": "delivered",
    "cancelled": "told",
    "packagelost": "lost",
    "packagedamaged": "damaged",
    "returnedtoshipper": "returned",
}


def meaning(word: Word, vocabulary: str = "", own: Mapping[str, str] | None = None) -> str | None:
    """One of `MEANINGS`, or None for a word nobody knows.

    `own` are this carrier's own words, as the shop has translated them, and go first. Without a `vocabulary` all are
    asked, ours first; EPCIS then only where both its words are given, for half of a pair ("accepting", "unknown") says
    something else in everybody's mouth.
    """
    status, finer = _key(word.status), _key(word.finer)
    translated = {_key(said): to for said, to in (own or {}).items()}
    for key in (finer, status):
        if key and translated.get(key) in MEANINGS:
            return translated[key]
    if vocabulary:
        return _READERS[vocabulary](status, finer) if vocabulary in _READERS else None
    asked = [name for name in VOCABULARIES if name != "epcis" or (status and finer)]
    return next((found for name in asked if (found := _READERS[name](status, finer))), None)


_CBV = re.compile(r"^(?:bizstep|disp)-", re.IGNORECASE)


def _key(word: str) -> str:
    # EPCIS writes urn:epcglobal:cbv:bizstep:shipping, or https://ref.gs1.org/cbv/BizStep-shipping, or the word alone.
    last = _CBV.sub("", re.split(r"[:/]", word.strip())[-1])
    return "".join(char for char in last.casefold() if char.isalnum())


def _baton(status: str, _finer: str) -> str | None:
    ours = {_key(name): name for name in MEANINGS} | {"intransit": "scan"}
    return ours.get(status)


def _aftership(status: str, finer: str) -> str | None:
    # A sub-status names its status: Exception_013.
    return _AFTERSHIP.get(finer) or _AFTERSHIP.get(status) or _AFTERSHIP.get(status.rstrip("0123456789"))


def _epcis(step: str, disposition: str) -> str | None:
    return _EPCIS.get((step, disposition)) or _EPCIS.get(("", step) if not disposition else ("", ""))


def _tiktok(status: str, finer: str) -> str | None:
    for start in ("packagelost", "packagedamaged", "returnedtoshipper"):
        if finer.startswith(start) or status.startswith(start):
            return _TIKTOK[start]
    return _TIKTOK.get(status)


_READERS = {"baton": _baton, "aftership": _aftership, "epcis": _epcis, "tiktok": _tiktok}
