"""What an export proves of a parcel, as facts for the ledger: each said once, with the time the export gives.

The marketplace's own stages are facts like any other (RULES section 2 puts them beside our statuses):
- ready to ship (RTS Time, "Awaiting collection") is a `label`: the marketplace has made the label and waits for
  the carrier, which is what `ready` means. It says nothing of packing, so it must not raise `skipped_pack` on
  thousands of parcels that nobody skipped anything on: `data.source` is `import`, a row of the table of its
  own. A `confirm` would say nothing that the label does not.
- shipped is a `carrier_scan`, delivered a `carrier_scan` with status `delivered`, with the marketplace's times;
- cancelled is a `cancel`; after the handover the fold makes a request of it. Where its reason says what became of
  the package (lost, damaged, returned to the shipper), it is a `carrier_scan` with that status (RULES section 2);
- unpaid or on hold is a `hold`, lifted when the marketplace lifts it (and only if it was the import's);
- a cancellation that is asked for but not granted is a `cancel` with `requested`.
Nothing is ever taken back: an export that no longer says a thing does not unsay it. What the ledger holds
already, from whomever, is not said again, unless a rule has deemed the opposite since (`said_anew`), or a
buyer asks a second time to cancel what the office had decided to send.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from sync.rules.lifecycle import row_of
from sync.rules.vocabulary import Word, meaning
from webapp.services.importing.meaning.parcels import ParcelDraft
from webapp.services.importing.meaning.platform import (
    AWAITING_COLLECTION,
    DELIVERED,
    IN_TRANSIT,
    ON_HOLD,
    Stage,
)

SOURCE = "import"
_FATES = frozenset({"lost", "damaged", "returned"})
_ARRIVALS = frozenset({"deliver", "carrier_scan.delivered"})
_ALIVE: Mapping[Stage | None, str] = {AWAITING_COLLECTION: "label", IN_TRANSIT: "carrier_scan"}


class Held(Protocol):
    """An event a parcel has already."""

    @property
    def kind(self) -> str: ...

    @property
    def data(self) -> Mapping[str, Any]: ...


class HeldStatus(Protocol):
    """What became of a parcel; `is_deemed`: a rule put it there, at `status_at`."""

    @property
    def status(self) -> str: ...

    @property
    def status_at(self) -> datetime | None: ...

    @property
    def is_deemed(self) -> bool: ...


@dataclass(frozen=True, slots=True)
class Wanted:
    """A fact to record. `at` is the marketplace's time for it, never later than now."""

    kind: str
    at: datetime
    data: Mapping[str, Any]
    reason: str | None = None
    note: str | None = None


def wanted_facts(
    parcel: ParcelDraft, held: Sequence[Held], now: datetime, *, is_asked_again: bool = False
) -> list[Wanted]:
    """The facts this parcel's rows prove and the ledger lacks, in the order they happened.

    `is_asked_again`: the request to cancel that the ledger has was settled, and this is another one (R2).
    """
    have = {row_of(fact.kind, fact.data) for fact in held}
    if is_asked_again:
        have.discard("cancel.requested")
    if "label" in have:
        have.add(row_of("label", {"source": SOURCE}))
    found = [fact for fact in _proved(parcel, now, have) if row_of(fact.kind, fact.data) not in have]
    found += _hold(parcel, held, now)
    return sorted(found, key=lambda fact: fact.at)


def _proved(parcel: ParcelDraft, now: datetime, have: AbstractSet[str]) -> Iterable[Wanted]:
    furthest = furthest_stage(parcel)
    if "rts_at" in parcel.times or furthest == AWAITING_COLLECTION:
        yield Wanted("label", _at(parcel, "rts_at", now), {"source": SOURCE})
    if furthest == IN_TRANSIT or (furthest == DELIVERED and "shipped_at" in parcel.times):
        yield Wanted("carrier_scan", _at(parcel, "shipped_at", now), {"source": SOURCE})
    if furthest == DELIVERED:
        yield Wanted(
            "carrier_scan", _at(parcel, "delivered_at", now), {"source": SOURCE, "status": "delivered"}
        )
    if furthest is None:
        yield from _after_all_cancelled(parcel, now, have)
    elif parcel.is_cancel_asked and furthest != DELIVERED:
        yield Wanted("cancel", now, {"source": SOURCE, "requested": True}, "buyer_request", _why(parcel))


def _after_all_cancelled(parcel: ParcelDraft, now: datetime, have: AbstractSet[str]) -> Iterable[Wanted]:
    """A cancelled parcel may have been on its way before: its times still say so."""
    if "shipped_at" in parcel.times:
        yield Wanted("carrier_scan", _at(parcel, "shipped_at", now), {"source": SOURCE})
    at = _at(parcel, "cancelled_at", now)
    latest = max((at_ for name, at_ in parcel.times.items() if name in {"rts_at", "shipped_at"}), default=at)
    # A label made in the second of the cancellation must not come after it.
    at = min(max(at, latest + timedelta(milliseconds=1)), now) if at <= latest else at
    became = meaning(Word("cancelled", parcel.cancel_reason or ""), "tiktok")
    # Somebody has signed for it: that it was lost or damaged is to be disputed, so the office decides.
    is_disputed = became != "returned" and not have.isdisjoint(_ARRIVALS)
    if became in _FATES and not is_disputed:
        yield Wanted("carrier_scan", at, {"source": SOURCE, "status": became}, note=_why(parcel))
    else:
        yield Wanted("cancel", at, {"source": SOURCE}, _reason(parcel), _why(parcel))


def _hold(parcel: ParcelDraft, held: Sequence[Held], now: datetime) -> list[Wanted]:
    wanted = bool(parcel.stages) and all(stage <= ON_HOLD for stage in parcel.stages)
    # An incident (R31) is a `hold` too, and says nothing of whether the order may go.
    holds = [fact for fact in held if fact.kind == "hold" and fact.data.get("force_majeure") is not True]
    last = holds[-1] if holds else None
    is_on = last is not None and last.data.get("on") is not False
    if wanted and not is_on:
        return [Wanted("hold", now, {"source": SOURCE, "on": True})]
    if is_on and not wanted and last is not None and last.data.get("source") == SOURCE:
        return [Wanted("hold", now, {"source": SOURCE, "on": False})]
    return []


def _at(parcel: ParcelDraft, name: str, now: datetime) -> datetime:
    return min(parcel.times.get(name, now), now)


def _reason(parcel: ParcelDraft) -> str:
    who = (parcel.cancel_by or "").casefold()
    if "buyer" in who or "user" in who or "customer" in who:
        return "buyer_request"
    return "other" if "seller" in who else "marketplace"


def _why(parcel: ParcelDraft) -> str | None:
    said = ": ".join(part for part in (parcel.cancel_by, parcel.cancel_reason) if part)
    return said[:1000] or None


def said_anew(parcel: ParcelDraft, held: HeldStatus, as_of: datetime, now: datetime) -> Wanted | None:
    """That the order lives, at `as_of`: it awaits collection or is on its way, and a rule took it for cancelled before.

    A fact beats a deeming (RULES section 1), but only one that is later than it.
    """
    is_gone = held.is_deemed and held.status == "cancelled" and held.status_at is not None
    at = min(as_of, now)
    kind = _ALIVE.get(furthest_stage(parcel))
    if not is_gone or kind is None or at <= (held.status_at or at):
        return None
    return Wanted(kind, at, {"source": SOURCE})


def furthest_stage(parcel: ParcelDraft) -> Stage | None:
    """How far the parcel got by the export; None when all of it was cancelled."""
    return max((stage for stage in parcel.stages if not stage.is_cancelled), default=None)
