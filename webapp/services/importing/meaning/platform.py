"""Where the marketplace says an order is: its words in several languages, and its times when the words are new.

Order Status is the tab of Seller Center ("To ship"), Order Substatus the finer word ("Awaiting collection");
exports from the API carry AWAITING_COLLECTION and the like. Where neither is known, the times speak: they
mean the same in every language.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache


@dataclass(frozen=True, slots=True, order=True)
class Stage:
    """A step of an order's way; a higher `rank` is further on."""

    rank: int
    name: str

    @property
    def is_cancelled(self) -> bool:
        """Whether the marketplace has called it off."""
        return self.name == "cancelled"


UNPAID = Stage(0, "unpaid")
ON_HOLD = Stage(1, "on_hold")
AWAITING_SHIPMENT = Stage(2, "awaiting_shipment")
AWAITING_COLLECTION = Stage(3, "awaiting_collection")
IN_TRANSIT = Stage(4, "in_transit")
DELIVERED = Stage(5, "delivered")
CANCELLED = Stage(6, "cancelled")

_WORDS: Mapping[str, Stage] = {
    # English, as Seller Center writes them, and the API's names
    "unpaid": UNPAID,
    "onhold": ON_HOLD,
    "awaitingshipment": AWAITING_SHIPMENT,
    "awaitingcollection": AWAITING_COLLECTION,
    "partiallyshipping": AWAITING_COLLECTION,
    "shipped": IN_TRANSIT,
    "intransit": IN_TRANSIT,
    "delivered": DELIVERED,
    "completed": DELIVERED,
    "canceled": CANCELLED,
    "cancelled": CANCELLED,
    # Indonesian and Malay
    "belumdibayar": UNPAID,
    "menunggupengiriman": AWAITING_SHIPMENT,
    "menunggupengambilan": AWAITING_COLLECTION,
    "dikirim": IN_TRANSIT,
    "dalamperjalanan": IN_TRANSIT,
    "terkirim": DELIVERED,
    "selesai": DELIVERED,
    "dibatalkan": CANCELLED,
    # Thai
    "ค้างชำระ": UNPAID,
    "จัดส่งแล้ว": IN_TRANSIT,
    "เสร็จสมบูรณ์": DELIVERED,
    "ยกเลิกแล้ว": CANCELLED,
    # Vietnamese
    "chưathanhtoán": UNPAID,
    "đãvậnchuyển": IN_TRANSIT,
    "đãgiao": DELIVERED,
    "đãhoàntất": DELIVERED,
    "đãhủy": CANCELLED,
}
_SPACING = re.compile(r"[\s_\-.]+")


def stage_of(status: str | None, substatus: str | None, times: Mapping[str, datetime]) -> Stage:
    """The finer word first, then the tab, then the times. "To ship" alone leaves it to the times."""
    return (substatus and _known(substatus)) or (status and _known(status)) or _by_times(times)


@lru_cache(maxsize=512)
def _known(words: str) -> Stage | None:
    return _WORDS.get(_SPACING.sub("", words.casefold()))


def _by_times(times: Mapping[str, datetime]) -> Stage:
    for name, stage in (
        ("delivered_at", DELIVERED),
        ("cancelled_at", CANCELLED),
        ("shipped_at", IN_TRANSIT),
        ("rts_at", AWAITING_COLLECTION),
        ("paid_at", AWAITING_SHIPMENT),
    ):
        if name in times:
            return stage
    return UNPAID if times else AWAITING_SHIPMENT
